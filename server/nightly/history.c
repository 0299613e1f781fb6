/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A row, or the device's speed, over the nights of a table; and what monitors are told. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/table/nights.h"
#include "server/nightly/decide/decide.h"
#include "server/nightly/internal.h"

enum { NIGHTS_MOST = 400 };

/* ---- a table's nights ---- */

struct listing {
    struct kv_txn *txn;
    struct table_id id;
    const char *layer; /* NULL: the sentinel */
    json_t *nights;
    json_t *runs; /* documents by id, as far as they were read */
    enum lathe_status status;
    struct lathe_error *err;
};

static const json_t *target_of(struct listing *l, const char *id, const json_t **run)
{
    json_t *document = json_object_get(l->runs, id);
    struct lathe_error why;
    if (!document && store_get(l->txn, "run", id, &document, &why) == LATHE_OK)
        json_object_set_new(l->runs, id, document);
    *run = document;
    return document ? run_target(document, l->id.device, l->id.config) : NULL;
}

static enum lathe_status figures_of(struct listing *l, uint32_t version, json_t *night)
{
    struct latency latency;
    struct table_scaling scaling;
    enum lathe_status st = LATHE_OK;
    if (!l->layer) {
        st = table_get_scaling(l->txn, l->id, version, &scaling, l->err);
        if (!st && scaling.reference_ns > 0) doc_set_number(night, "latency_ms", scaling.reference_ns / 1e6);
        return st;
    }
    st = table_get(l->txn, l->id, version, l->layer, &latency, l->err);
    if (st) return st == LATHE_NOT_FOUND ? LATHE_OK : st;
    double ms = latency_best_ms(&latency);
    doc_set_number(night, "latency_ms", ms);
    doc_set_int(night, "count", (int64_t)latency.count);
    if (isfinite(latency.ci_ms))
        json_object_set_new(night, "range_ms", json_pack("[f,f]", ms - latency.ci_ms, ms + latency.ci_ms));
    return LATHE_OK;
}

static bool add_night(void *context, const struct table_info *info)
{
    struct listing *l = context;
    const json_t *run = NULL;
    char at[25];
    const char *id = doc_text(info->notes, "run");
    const json_t *target = target_of(l, id, &run);
    clock_format(info->created_ms, at);
    if (!target || strcmp(doc_text(target, "state"), "done") != 0) return true;
    json_t *night = json_pack(
        "{s:s,s:s,s:I,s:O,s:O,s:b,s:n,s:n,s:i}", "run", id, "at", at, "version", (json_int_t)info->version, "accepted",
        json_object_get(target, "accepted"), "outcome", json_object_get(run, "outcome"), "fingerprint_changed",
        json_array_size(json_object_get(target, "fingerprint")) > 0, "latency_ms", "range_ms", "count", 0);
    l->status = figures_of(l, info->version, night);
    json_array_append_new(l->nights, night);
    if (json_array_size(l->nights) > NIGHTS_MOST) json_array_remove(l->nights, 0);
    return !l->status;
}

static json_t *find_changes(const json_t *nights)
{
    size_t n = json_array_size(nights);
    double *series = malloc((n + 1) * sizeof *series);
    struct nightly_change *found = malloc((n + 1) * sizeof *found);
    json_t *list = json_array();
    for (size_t i = 0; series && i < n; i++) {
        const json_t *ms = json_object_get(json_array_get(nights, i), "latency_ms");
        series[i] = json_is_number(ms) ? json_number_value(ms) : NAN;
    }
    size_t count = series && found ? nightly_changes(series, n, nightly_settings_default().window, found) : 0;
    for (size_t i = 0; i < count && count != SIZE_MAX; i++) {
        const json_t *night = json_array_get(nights, found[i].index);
        json_array_append_new(list, json_pack("{s:O,s:O,s:I,s:f,s:f}", "run", json_object_get(night, "run"), "at",
                                              json_object_get(night, "at"), "index", (json_int_t)found[i].index,
                                              "ratio", found[i].ratio, "p", found[i].p));
    }
    free(series);
    free(found);
    return list;
}

enum lathe_status nightly_history(struct nightly *n, struct table_id id, const char *layer, json_t **out,
                                  struct lathe_error *err)
{
    struct listing l = {.id = id, .layer = layer, .nights = json_array(), .runs = json_object(), .err = err};
    struct table_info info = {0};
    enum lathe_status st = kv_read_begin(n->kv, &l.txn, err);
    if (!st) {
        st = table_info(l.txn, id, 0, &info, err);
        table_info_clear(&info);
        if (!st) st = table_nights(l.txn, id, add_night, &l, err);
        if (!st) st = l.status;
        kv_read_end(l.txn);
    }
    if (!st)
        *out = json_pack("{s:s,s:s,s:s?,s:O,s:o}", "device", id.device, "config", id.config, "layer", layer, "nights",
                         l.nights, "changes", find_changes(l.nights));
    json_decref(l.nights);
    json_decref(l.runs);
    return st;
}

/* ---- monitors ---- */

enum lathe_status nightly_gauges(struct nightly *n, struct nightly_gauges *out, struct lathe_error *err)
{
    struct kv_txn *txn;
    json_t *ids = NULL;
    json_t *active = NULL;
    struct nightly_gauges g = {0};
    enum lathe_status st = kv_read_begin(n->kv, &txn, err);
    if (st) return st;
    st = run_ids(txn, "run", &ids, err);
    if (!st) st = run_ids(txn, "active-run", &active, err);
    for (size_t i = json_array_size(ids); !st && !g.last_ended_ms && i-- > 0;) {
        json_t *run = NULL;
        st = store_get(txn, "run", json_string_value(json_array_get(ids, i)), &run, err);
        if (!st && strcmp(doc_text(run, "state"), "done") == 0) {
            const json_t *counts = json_object_get(run, "counts");
            g.last_ended_ms = doc_int(doc_hidden(run), "ended_ms");
            g.last_exit_code = (int)doc_int(run, "exit_code");
            g.slower = (size_t)doc_int(counts, "slower");
            g.faster = (size_t)doc_int(counts, "faster");
            g.failed = (size_t)doc_int(counts, "failed");
        }
        json_decref(run);
    }
    g.active = json_array_size(active);
    kv_read_end(txn);
    json_decref(ids);
    json_decref(active);
    if (!st) *out = g;
    return st;
}

enum lathe_status nightly_each_age(struct nightly *n,
                                   void (*visit)(void *context, const char *device, const char *config,
                                                 int64_t measured_ms),
                                   void *context, struct lathe_error *err)
{
    struct kv_txn *txn;
    char next[65];
    json_t *list = NULL;
    size_t i;
    const json_t *age;
    enum lathe_status st = kv_read_begin(n->kv, &txn, err);
    if (st) return st;
    st = store_list(txn, "nightly-age", NULL, SIZE_MAX - 1, &list, next, err);
    kv_read_end(txn);
    json_array_foreach(list, i, age)
    {
        visit(context, doc_text(age, "device"), doc_text(age, "config"), doc_int(age, "measured_ms"));
    }
    json_decref(list);
    return st;
}
