/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/nightly/findings.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

void finding_p(double p, char out[24])
{
    if (p < 1e-15) snprintf(out, 24, "p < 1e-15");
    else snprintf(out, 24, "p = %.1g", p);
}

void finding_effect(double ratio, char out[32])
{
    snprintf(out, 32, "%.1f%% %s", fabs(ratio - 1) * 100, ratio > 1 ? "longer" : "less");
}

/* ---- layers ---- */

static const char *scope_name(enum nightly_scope scope)
{
    static const char *const names[] = {"device", "kind", "stage", "row"};
    return names[scope];
}

static void name_of(const struct nightly_finding *f, const struct gathered *g, char *out, size_t size)
{
    switch (f->scope) {
    case NIGHTLY_DEVICE:
        snprintf(out, size, "the whole device");
        break;
    case NIGHTLY_KIND:
        snprintf(out, size, "%s layers", layer_kind_name((enum layer_kind)f->group));
        break;
    case NIGHTLY_STAGE:
        snprintf(out, size, "%s", g->stages[f->group]);
        break;
    case NIGHTLY_ROW:
        snprintf(out, size, "%s", g->texts[f->group]);
        break;
    }
}

static const char *times(size_t n)
{
    static const char *const words[] = {"not confirmed yet", "confirmed once", "confirmed twice",
                                        "confirmed three times"};
    return n < sizeof words / sizeof words[0] ? words[n] : "confirmed many times";
}

/* @param since the first night that had it; NULL: tonight. */
static json_t *sentence_of(const struct nightly_finding *f, const char *what, const json_t *since,
                           const struct finding_place *at)
{
    char p[24];
    char effect[32];
    char rows[48] = "";
    char begun[64] = "";
    finding_p(f->q, p);
    finding_effect(f->ratio, effect);
    if (f->scope != NIGHTLY_ROW) snprintf(rows, sizeof rows, "%zu rows, ", f->row_count);
    if (since) snprintf(begun, sizeof begun, "; since %.10s", doc_text(since, "at"));
    return json_sprintf("%s of %s/%s %s %s than in run %s (%.1f%% to %.1f%%, %s%s, %s)%s",
                        f->scope == NIGHTLY_ROW ? "one layer" : what, at->device, at->config,
                        f->nature == NIGHTLY_DRIFT ? "has come to take"
                        : f->scope == NIGHTLY_KIND ? "take"
                                                   : "takes",
                        effect, at->baseline_run, (f->lower - 1) * 100, (f->upper - 1) * 100, rows, p,
                        times(f->confirmed), begun);
}

static json_t *rows_of(const struct nightly_finding *f, const struct gathered *g)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < f->row_count; i++) {
        const struct nightly_row_change *c = &f->rows[i];
        json_array_append_new(rows, json_pack("{s:s,s:o,s:[o,o],s:o,s:o,s:I,s:I,s:o}", "layer", g->texts[c->row],
                                              "ratio", number(c->ratio), "interval", number(c->lower), number(c->upper),
                                              "before_ms", number(c->before_ms), "now_ms", number(c->now_ms),
                                              "samples_before", (json_int_t)c->before_count, "samples",
                                              (json_int_t)c->now_count, "p", number(c->p)));
    }
    return rows;
}

/* @return the night, borrowed; NULL: tonight. */
static const json_t *night_of(const struct nightly_finding *f, const struct gathered *g, const json_t *nights)
{
    size_t all = json_array_size(nights);
    if (f->since >= g->input.night_count) return NULL;
    return json_array_get(nights, all - g->input.night_count + f->since);
}

static json_t *describe(const struct nightly_finding *f, const struct gathered *g, const struct finding_place *at)
{
    char what[LAYER_TEXT_BYTES + 32];
    const json_t *since = night_of(f, g, at->nights);
    name_of(f, g, what, sizeof what);
    json_t *d = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:f,s:[o,o],s:o,s:o,s:o,s:o,s:I,s:I,s:I}", "device", at->device,
                          "config", at->config, "scope", scope_name(f->scope), "what", what, "direction",
                          f->ratio > 1 ? "slower" : "faster", "nature", f->nature == NIGHTLY_DRIFT ? "drift" : "step",
                          "ratio", f->ratio, "interval", number(f->lower), number(f->upper), "p", number(f->p), "q",
                          number(f->q), "before_ms", number(f->before_ms), "now_ms", number(f->now_ms),
                          "samples_before", (json_int_t)f->before_count, "samples", (json_int_t)f->now_count,
                          "confirmed", (json_int_t)f->confirmed);
    json_object_set_new(d, "since",
                        json_pack("{s:O,s:O}", "run", json_object_get(since ? since : at->run, since ? "run" : "id"),
                                  "at", json_object_get(since ? since : at->run, since ? "at" : "created")));
    json_object_set_new(d, "rows", rows_of(f, g));
    doc_set_int(d, "row_count", (int64_t)f->row_count);
    doc_set_text(d, "kind", f->scope == NIGHTLY_KIND ? layer_kind_name((enum layer_kind)f->group) : NULL);
    doc_set_text(d, "stage", f->scope == NIGHTLY_STAGE ? g->stages[f->group] : NULL);
    doc_set_text(d, "layer", f->scope == NIGHTLY_ROW ? g->texts[f->group] : NULL);
    json_object_set_new(d, "subnet", json_null());
    json_object_set_new(d, "sentence", sentence_of(f, what, since, at));
    return d;
}

json_t *findings_describe(const struct nightly_decision *decision, const struct gathered *g,
                          const struct finding_place *at)
{
    json_t *list = json_array();
    for (size_t i = 0; i < decision->count; i++)
        if (decision->findings[i].verdict == NIGHTLY_HOLDS)
            json_array_append_new(list, describe(&decision->findings[i], g, at));
    return list;
}

/* ---- shipped subnets ---- */

json_t *finding_of_subnet(const json_t *shipped, const struct subnet_change *c, const json_t *replacement,
                          const struct finding_place *at)
{
    char p[24];
    char effect[32];
    double limit_ms = doc_number(shipped, "latency_ms");
    bool missed = c->now_ms > limit_ms;
    const char *name = doc_text(shipped, "name");
    finding_p(c->p, p);
    finding_effect(c->ratio, effect);
    json_t *d = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s,s:f,s:[f,f],s:f,s:f,s:f,s:f,s:I,s:I,s:i,s:{s:O,s:O},s:[],s:i,s:n,s:n,s:n}", "device",
        at->device, "config", at->config, "scope", "subnet", "what", name, "direction",
        c->ratio > 1 ? "slower" : "faster", "nature", "step", "ratio", c->ratio, "interval", c->lower, c->upper, "p",
        c->p, "q", c->p, "before_ms", c->before_ms, "now_ms", c->now_ms, "samples_before", (json_int_t)c->before_count,
        "samples", (json_int_t)c->now_count, "confirmed", 0, "since", "run", json_object_get(at->run, "id"), "at",
        json_object_get(at->run, "created"), "rows", "row_count", 0, "kind", "stage", "layer");
    json_object_set_new(d, "subnet",
                        json_pack("{s:O,s:s,s:f,s:f,s:f,s:O,s:O?}", "shipped", json_object_get(shipped, "id"), "name",
                                  name, "limit_ms", limit_ms, "before_ms", c->before_ms, "now_ms", c->now_ms, "subnet",
                                  json_object_get(shipped, "subnet"), "replacement", replacement));
    if (!json_object_get(json_object_get(d, "subnet"), "replacement"))
        json_object_set_new(json_object_get(d, "subnet"), "replacement", json_null());
    json_object_set_new(
        d, "sentence",
        missed && c->ratio > 1
            ? json_sprintf("subnet %s, shipped for %g ms, takes %.4g ms on %s (%.4g before, %s)%s", name, limit_ms,
                           c->now_ms, at->device, c->before_ms, p,
                           replacement ? "; another one meets the limit again" : "; nothing was found that meets it")
            : json_sprintf(
                  "subnet %s, shipped for %g ms, takes %s on %s: %.4g ms, %.4g before (%s); it meets its limit", name,
                  limit_ms, effect, at->device, c->now_ms, c->before_ms, p));
    return d;
}
