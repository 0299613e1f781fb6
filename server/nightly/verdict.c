/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A night's samples against its baseline's: what is to be measured again, or what has changed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/nightly/findings.h"

/* Rows of one suspect that are measured again, at most: the pooled effect of a group needs no more. */
enum { AGAIN_ROWS = 60 };
/* A shipped subnet's own test, beside a change of its layers that holds. */
static const double subnet_p = 0.01;

void verdict_clear(struct verdict *v)
{
    json_decref(v->rows);
    json_decref(v->findings);
    json_decref(v->speed);
    json_decref(v->checked);
    *v = (struct verdict){0};
}

struct reach {
    struct nightly *nightly;
    const json_t *run, *target;
    struct table_id table;
    struct nightly_settings settings;
    json_t *nights; /* earlier ones */
    struct gathered gathered;
    struct nightly_decision decision;
    struct finding_place at;
};

static struct nightly_settings settings_of(const json_t *run)
{
    struct nightly_settings s = nightly_settings_default();
    s.min_effect = doc_number(run, "min_effect");
    s.fdr = doc_number(run, "fdr");
    s.rounds = (size_t)doc_int(run, "confirmations");
    return s;
}

/* ---- earlier nights ---- */

/* Whether a night was set against this baseline and nothing was found; so is the baseline's own. */
static enum lathe_status is_quiet(struct kv_txn *txn, const struct reach *r, const json_t *night, bool *quiet,
                                  struct lathe_error *err)
{
    json_t *run = NULL;
    json_t *findings = NULL;
    const char *id = doc_text(night, "run");
    const char *baseline = doc_text(r->target, "baseline_run");
    *quiet = true;
    if (strcmp(id, baseline) == 0) return LATHE_OK;
    enum lathe_status st = store_get(txn, "run", id, &run, err);
    if (!st) st = findings_get(txn, id, r->table.device, r->table.config, &findings, err);
    const json_t *target = st ? NULL : run_target(run, r->table.device, r->table.config);
    *quiet = target && strcmp(doc_text(target, "baseline_run"), baseline) == 0 && !json_array_size(findings);
    json_decref(run);
    json_decref(findings);
    return st;
}

/* All earlier nights say how much nights differ; that a level was accepted since is for the baseline's place to tell.
 */
static enum lathe_status list_nights(struct kv_txn *txn, struct reach *r, struct lathe_error *err)
{
    size_t i;
    json_t *night;
    enum lathe_status st = baseline_history(txn, r->run, r->table.device, r->table.config, &r->nights, err);
    json_array_foreach(r->nights, i, night)
    {
        bool quiet = false;
        if (!st) st = is_quiet(txn, r, night, &quiet, err);
        json_object_set_new(night, "quiet", json_boolean(quiet));
    }
    return st;
}

static enum lathe_status read_all(struct kv_txn *txn, struct reach *r, struct lathe_error *err)
{
    enum lathe_status st = list_nights(txn, r, err);
    struct gathering q = {
        .table = r->table,
        .space = catalog_find(r->nightly->spaces, doc_text(r->run, "space")),
        .resolutions = json_object_get(r->run, "resolutions"),
        .version = (uint32_t)doc_int(r->target, "version"),
        .before = (uint32_t)doc_int(r->target, "baseline_version"),
        .jobs = json_object_get(doc_hidden((json_t *)(uintptr_t)r->target), "jobs"),
        .baseline_run = doc_text(r->target, "baseline_run"),
        .nights = r->nights,
        .window = r->settings.window,
    };
    if (!st && !q.space)
        st = error_set(err, LATHE_CONFLICT, "there is no space %s any more", doc_text(r->run, "space"));
    return st ? st : gather(txn, &q, &r->gathered, err);
}

/* ---- what to measure again ---- */

static void add_again(json_t *rows, const struct nightly_finding *f, const struct gathered *g)
{
    size_t step = (f->row_count + AGAIN_ROWS - 1) / AGAIN_ROWS;
    for (size_t i = 0; step && i < f->row_count; i += step)
        json_object_set_new(rows, g->texts[f->rows[i].row], json_true());
}

static json_t *rows_again(const struct reach *r)
{
    json_t *set = json_object();
    json_t *list = json_array();
    const char *row;
    json_t *unused;
    for (size_t i = 0; i < r->decision.count; i++)
        if (r->decision.findings[i].verdict == NIGHTLY_AGAIN) add_again(set, &r->decision.findings[i], &r->gathered);
    json_object_foreach(set, row, unused)
    {
        json_array_append_new(list, json_string(row));
    }
    json_decref(set);
    return list;
}

/* ---- shipped subnets ---- */

/* What a night measured of a shipped subnet, over all its jobs. @return new array. */
static json_t *visits_of(const json_t *notes, const char *shipped)
{
    json_t *visits = json_array();
    size_t i;
    const json_t *s;
    json_array_foreach(json_object_get(notes, "subnets"), i, s)
    {
        if (strcmp(doc_text(s, "shipped"), shipped) == 0) json_array_extend(visits, json_object_get(s, "visits_ms"));
    }
    return visits;
}

static enum lathe_status notes_of(struct kv_txn *txn, struct table_id id, int64_t version, json_t **out,
                                  struct lathe_error *err)
{
    struct table_info info;
    enum lathe_status st = table_info(txn, id, (uint32_t)version, &info, err);
    if (st) return st;
    *out = info.notes ? json_incref(info.notes) : json_object();
    table_info_clear(&info);
    return LATHE_OK;
}

/* Whether a change that holds is of one of a subnet's layers, or of the whole device. */
static bool concerns(const json_t *findings, const json_t *shipped)
{
    size_t i;
    size_t k;
    size_t l;
    const json_t *f;
    const json_t *row;
    const json_t *layer;
    json_array_foreach(findings, i, f)
    {
        if (strcmp(doc_text(f, "scope"), "device") == 0) return true;
        json_array_foreach(json_object_get(f, "rows"), k, row)
        {
            json_array_foreach(json_object_get(shipped, "layers"), l, layer)
            {
                if (json_equal(layer, json_object_get(row, "layer"))) return true;
            }
        }
    }
    return false;
}

/* What rows take now, by what they took: of those that were found changed. */
static json_t *factors_of(const json_t *findings)
{
    json_t *factors = json_object();
    size_t i;
    size_t k;
    const json_t *f;
    const json_t *row;
    json_array_foreach(findings, i, f)
    {
        json_array_foreach(json_object_get(f, "rows"), k, row)
        {
            json_object_set(factors, doc_text(row, "layer"), json_object_get(row, "ratio"));
        }
    }
    return factors;
}

/* The device's level where it is a change of its own, else 1. */
static double level_of(const json_t *findings)
{
    const json_t *first = json_array_get(findings, 0);
    return strcmp(doc_text(first, "scope"), "device") == 0 ? doc_number(first, "ratio") : 1;
}

static json_t *find_replacement(const struct reach *r, const json_t *shipped, const struct subnet_change *c,
                                const json_t *findings)
{
    const struct nightly_search *search = r->nightly->search;
    json_t *found = NULL;
    json_t *factors = factors_of(findings);
    if (search && c->now_ms > doc_number(shipped, "latency_ms"))
        (void)search->replacement(search->context, shipped, factors, level_of(findings), &found, NULL);
    json_decref(factors);
    return found;
}

struct subnets {
    json_t *shipped, *before, *now; /* documents, and the notes of both nights; owned */
};

static enum lathe_status read_subnets(struct kv_txn *txn, const struct reach *r, struct subnets *s,
                                      struct lathe_error *err)
{
    enum lathe_status st = shipped_of_table(txn, r->table.device, r->table.config, &s->shipped, err);
    if (!st) st = notes_of(txn, r->table, doc_int(r->target, "baseline_version"), &s->before, err);
    return st ? st : notes_of(txn, r->table, doc_int(r->target, "version"), &s->now, err);
}

/* @param[out] compared array that gets those which both nights have. */
static void add_subnets(const struct reach *r, const struct subnets *s, json_t *findings, json_t *compared)
{
    json_t *found = json_array();
    size_t i;
    const json_t *shipped;
    json_array_foreach(s->shipped, i, shipped)
    {
        struct subnet_change c;
        const char *id = doc_text(shipped, "id");
        json_t *before = visits_of(s->before, id);
        json_t *now = visits_of(s->now, id);
        bool known = subnet_compare(before, now, r->settings.min_samples, &c);
        bool changed =
            known && c.p < subnet_p && fabs(c.ratio - 1) >= r->settings.min_effect && concerns(findings, shipped);
        json_decref(before);
        json_decref(now);
        if (known) json_array_append_new(compared, json_pack("{s:s,s:s}", "id", id, "name", doc_text(shipped, "name")));
        if (!changed) continue;
        json_t *replacement = find_replacement(r, shipped, &c, findings);
        json_array_append_new(found, finding_of_subnet(shipped, &c, replacement, &r->at));
        json_decref(replacement);
    }
    json_array_extend(findings, found);
    json_decref(found);
}

/* ---- all together ---- */

static json_t *speed_json(const struct reach *r)
{
    const struct nightly_device *d = &r->decision.device;
    const struct nightly_input *in = &r->gathered.input;
    if (!isfinite(d->ratio)) return json_null();
    return json_pack("{s:f,s:[f,f],s:b,s:o,s:o}", "ratio", d->ratio, "interval", d->lower, d->upper, "by_load",
                     d->by_load, "load_before", isfinite(in->load_before) ? json_real(in->load_before) : json_null(),
                     "load", isfinite(in->load) ? json_real(in->load) : json_null());
}

/* Reports tell of a kind or stage that it is as before, too. */
static json_t *checked_json(const struct reach *r, json_t *take_subnets)
{
    const struct gathered *g = &r->gathered;
    bool kinds[NIGHTLY_MAX_KINDS] = {false};
    bool stages[NIGHTLY_MAX_STAGES] = {false};
    json_t *kind_list = json_array();
    json_t *stage_list = json_array();
    for (size_t i = 0; i < g->input.row_count; i++) {
        kinds[g->rows[i].kind] = true;
        if (g->rows[i].stage >= 0) stages[g->rows[i].stage] = true;
    }
    for (int k = 0; k < NIGHTLY_MAX_KINDS; k++)
        if (kinds[k]) json_array_append_new(kind_list, json_string(layer_kind_name((enum layer_kind)k)));
    for (int k = 0; k < NIGHTLY_MAX_STAGES; k++)
        if (stages[k]) json_array_append_new(stage_list, json_string(g->stages[k]));
    return json_pack("{s:o,s:o,s:o}", "kinds", kind_list, "stages", stage_list, "subnets", take_subnets);
}

static void conclude(struct reach *r, const struct subnets *subnets, struct verdict *out)
{
    out->compared = r->decision.compared;
    out->speed = speed_json(r);
    out->again = r->decision.again > 0;
    if (out->again) {
        out->rows = rows_again(r);
        return;
    }
    out->findings = findings_describe(&r->decision, &r->gathered, &r->at);
    json_t *compared = json_array();
    add_subnets(r, subnets, out->findings, compared);
    out->checked = checked_json(r, compared);
}

enum lathe_status verdict_reach(struct nightly *n, const json_t *run, const json_t *target, struct verdict *out,
                                struct lathe_error *err)
{
    struct kv_txn *txn;
    struct subnets subnets = {0};
    struct reach r = {.nightly = n,
                      .run = run,
                      .target = target,
                      .table = {doc_text(target, "device"), doc_text(target, "config")},
                      .settings = settings_of(run)};
    *out = (struct verdict){0};
    enum lathe_status st = kv_read_begin(n->kv, &txn, err);
    if (st) return st;
    st = read_all(txn, &r, err);
    if (!st) st = read_subnets(txn, &r, &subnets, err);
    kv_read_end(txn);
    if (!st) st = nightly_decide(&r.gathered.input, &r.settings, &r.decision, err);
    r.at = (struct finding_place){run, r.table.device, r.table.config, doc_text(target, "baseline_run"), r.nights};
    if (!st) {
        conclude(&r, &subnets, out);
        nightly_decision_clear(&r.decision);
    }
    gathered_clear(&r.gathered);
    json_decref(subnets.shipped);
    json_decref(subnets.before);
    json_decref(subnets.now);
    json_decref(r.nights);
    return st;
}
