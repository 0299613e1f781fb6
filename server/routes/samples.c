/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The raw samples of a row, visit by visit, and what each counts as. */
#include <string.h>

#include "lut/table/row_samples.h"
#include "lut/table/thin.h"
#include "server/routes/tables.h"

static json_t *known_int(uint64_t value)
{
    return value ? json_integer((json_int_t)value) : json_null();
}

static json_t *sample_json(const struct counted_sample *s)
{
    static const char *const uses[] = {"wall", "cpu", "left_out"};
    return json_pack("{s:I, s:o, s:i, s:f, s:s}", "wall_ns", (json_int_t)s->sample.wall_ns, "cpu_ns",
                     known_int(s->sample.cpu_ns), "preempted", s->sample.preempted, "latency_ms", s->latency_ms,
                     "basis", uses[s->use]);
}

static json_t *visit_json(const struct visit_samples *v)
{
    const struct sample_context *c = &v->around;
    json_t *samples = json_array();
    /* A load of nothing is a figure where the device told something of itself. */
    bool told = c->khz || c->temperature_dk || c->load_permille || c->available_mb;
    for (size_t i = 0; i < v->count; i++) json_array_append_new(samples, sample_json(&v->samples[i]));
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "source", v->source, "subnet",
                     c->subnet ? json_sprintf("%016llx", (unsigned long long)c->subnet) : json_null(), "sentinel_ns",
                     known_int(c->sentinel_ns), "sentinel_cpu_ns", known_int(c->sentinel_cpu_ns), "khz",
                     known_int(c->khz), "temperature_c",
                     c->temperature_dk ? json_real(((int)c->temperature_dk * 10 - 27315) / 100.0) : json_null(), "load",
                     told ? json_real(c->load_permille / 1000.0) : json_null(), "available_mb",
                     known_int(c->available_mb), "samples", samples);
}

/* A row as it was read. */
struct asked_row {
    const char *layer;
    struct table_info info;
    struct row_samples samples;
    bool thinned; /* once, at least */
    struct kept_row kept;
};

static void asked_row_clear(struct asked_row *row)
{
    table_info_clear(&row->info);
    row_samples_clear(&row->samples);
}

static enum lathe_status read_kept(struct kv_txn *txn, struct table_id id, struct asked_row *row,
                                   struct lathe_error *err)
{
    enum lathe_status st = kept_row_get(txn, id, row->info.version, row->layer, &row->kept, err);
    row->thinned = !st;
    return st == LATHE_NOT_FOUND ? LATHE_OK : st;
}

static enum lathe_status read_row(struct app *app, struct table_id id, uint32_t version, struct asked_row *row,
                                  struct lathe_error *err)
{
    struct kv_txn *txn;
    struct latency latency;
    enum lathe_status st = kv_read_begin(app->kv, &txn, err);
    if (st) return st;
    st = table_info(txn, id, version, &row->info, err);
    if (!st) {
        st = table_get(txn, id, row->info.version, row->layer, &latency, err);
        if (st == LATHE_NOT_FOUND) error_set(err, st, "the table has no row \"%.200s\"", row->layer);
        if (!st) st = read_kept(txn, id, row, err);
        if (!st) st = row_samples_read(txn, id, row->info.version, row->layer, &row->samples, err);
        if (st) table_info_clear(&row->info);
    }
    kv_read_end(txn);
    return st;
}

static json_t *thinned_json(const struct asked_row *row)
{
    if (!row->thinned) return json_null();
    return json_pack("{s:I,s:o}", "samples", (json_int_t)row->kept.latency.samples, "at",
                     time_json(row->kept.thinned_ms));
}

static void reply_page(struct http_request *request, const struct asked_row *row, const char *after, size_t limit)
{
    const struct row_samples *s = &row->samples;
    json_t *items = json_array();
    size_t i = 0;
    while (after && i < s->count && sample_source_compare(s->visits[i].source, after) <= 0) i++;
    for (; i < s->count && json_array_size(items) < limit; i++) json_array_append_new(items, visit_json(&s->visits[i]));
    json_t *answer = page_json(items, i < s->count ? s->visits[i - 1].source : "");
    json_object_set_new(answer, "device", json_string(row->info.device));
    json_object_set_new(answer, "config", json_string(row->info.config));
    json_object_set_new(answer, "version", json_integer(row->info.version));
    json_object_set_new(answer, "layer", json_string(row->layer));
    json_object_set_new(answer, "visits", json_integer((json_int_t)s->count));
    json_object_set_new(answer, "reference_ns",
                        s->scaling.reference_ns > 0 ? json_real(s->scaling.reference_ns) : json_null());
    json_object_set_new(answer, "factor", json_real(s->scaling.factor));
    json_object_set_new(answer, "thinned", thinned_json(row));
    http_reply_json(request, 200, answer);
}

static enum http_outcome list_samples(struct http_request *request)
{
    static const char *const known[] = {"layer", "version", "limit", "cursor", NULL};
    struct lathe_error err = {0};
    struct asked_row row = {.layer = http_query(request, "layer")};
    uint32_t version;
    const char *after;
    size_t limit;
    if (!http_query_known(request, known) || !page_of(request, &limit, &after) || !version_param(request, &version))
        return HTTP_DONE;
    if (!row.layer) {
        http_reply_problem(request, 400, "layer", NULL, "layer is missing: give the row's text, as entries show it");
        return HTTP_DONE;
    }
    if (read_row(http_app(request), table_of(request), version, &row, &err)) return fail(request, &err);
    reply_page(request, &row, after, limit);
    asked_row_clear(&row);
    return HTTP_DONE;
}

const struct http_route sample_routes[] = {
    {"GET", "/v1/tables/{device}/{config}/samples", ROLES_ANY, POOL_QUICK, 0, list_samples},
    {0},
};
