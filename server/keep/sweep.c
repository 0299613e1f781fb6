/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/keep/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/table/thin.h"
#include "server/store/store.h"

enum { ROWS_AT_ONCE = 32, WATCH_PERCENT = 80, ENOUGH_PERCENT = 75 };
static const int64_t DAY_MS = 24 * 3600 * INT64_C(1000);
static const int64_t EVER_DAYS = 1024; /* where the halving begins if samples are kept for ever */

/* ---- versions that keep their samples ---- */

/* @param versions object; its keys get "<device>/<config>/<version>" of what a run's targets were accepted with. */
static void note_accepted(json_t *versions, const json_t *run)
{
    size_t i;
    const json_t *target;
    json_array_foreach(json_object_get(run, "targets"), i, target)
    {
        char name[160];
        const char *device = json_string_value(json_object_get(target, "device"));
        const char *config = json_string_value(json_object_get(target, "config"));
        if (!device || !config || !json_is_true(json_object_get(target, "accepted"))) continue;
        snprintf(name, sizeof name, "%s/%s/%lld", device, config,
                 (long long)json_integer_value(json_object_get(target, "version")));
        json_object_set_new(versions, name, json_true());
    }
}

static enum lathe_status find_accepted(struct kv_txn *txn, json_t **out, struct lathe_error *err)
{
    enum { RUNS_AT_ONCE = 100 };
    char next[65] = "";
    json_t *versions = json_object();
    enum lathe_status st = versions ? LATHE_OK : error_set(err, LATHE_NO_MEMORY, "out of memory");
    do {
        char after[65];
        json_t *runs = NULL;
        memcpy(after, next, sizeof after);
        if (!st) st = store_list(txn, "run", after[0] ? after : NULL, RUNS_AT_ONCE, &runs, next, err);
        for (size_t i = 0; i < json_array_size(runs); i++) note_accepted(versions, json_array_get(runs, i));
        json_decref(runs);
    } while (!st && next[0]);
    if (st) json_decref(versions);
    else *out = versions;
    return st;
}

static bool is_accepted(void *context, struct table_id id, uint32_t version)
{
    char name[160];
    snprintf(name, sizeof name, "%s/%s/%lu", id.device, id.config, (unsigned long)version);
    return json_object_get(context, name) != NULL;
}

/* ---- totals ---- */

static enum lathe_status read_totals(struct kv_txn *txn, struct sweep_totals *out, struct lathe_error *err)
{
    json_t *state = NULL;
    *out = (struct sweep_totals){0};
    enum lathe_status st = store_get(txn, "keeper", "state", &state, err);
    if (st) return st == LATHE_NOT_FOUND ? LATHE_OK : st;
    out->thinned_ms = json_integer_value(json_object_get(state, "thinned_ms"));
    out->samples = (uint64_t)json_integer_value(json_object_get(state, "thinned_samples"));
    json_decref(state);
    return LATHE_OK;
}

static enum lathe_status add_to_totals(struct kv_txn *txn, int64_t now_ms, size_t samples, struct lathe_error *err)
{
    struct sweep_totals totals;
    enum lathe_status st = read_totals(txn, &totals, err);
    if (st) return st;
    json_t *state = json_pack("{s:I,s:I}", "thinned_ms", (json_int_t)now_ms, "thinned_samples",
                              (json_int_t)totals.samples + (json_int_t)samples);
    st = store_put(txn, "keeper", "state", state, err);
    json_decref(state);
    return st;
}

enum lathe_status sweep_totals(struct kv *kv, struct sweep_totals *out, struct lathe_error *err)
{
    struct kv_txn *txn;
    struct sweep_totals totals;
    enum lathe_status st = kv_read_begin(kv, &txn, err);
    if (st) return st;
    st = read_totals(txn, &totals, err);
    kv_read_end(txn);
    if (!st) *out = totals;
    return st;
}

/* ---- a sweep ---- */

/* Rows that a snapshot had as old, on their way out. */
struct handful {
    struct old_row rows[ROWS_AT_ONCE];
    size_t count;
    int64_t before_ms, now_ms;
    size_t thinned, samples;
};

static enum lathe_status find_handful(struct kv *kv, struct old_rows_walk *walk, struct handful *h,
                                      struct lathe_error *err)
{
    struct kv_txn *txn;
    json_t *accepted = NULL;
    enum lathe_status st = kv_read_begin(kv, &txn, err);
    if (st) return st;
    st = find_accepted(txn, &accepted, err);
    if (!st) st = old_rows_find(txn, walk, h->before_ms, is_accepted, accepted, h->rows, ROWS_AT_ONCE, &h->count, err);
    kv_read_end(txn);
    json_decref(accepted);
    return st;
}

/* What came or was accepted since the snapshot stays. */
static enum lathe_status thin_one(struct kv_txn *txn, struct handful *h, const struct old_row *row, json_t *accepted,
                                  struct lathe_error *err)
{
    struct table_id id = {row->device, row->config};
    struct latency latency;
    size_t samples = 0;
    if (is_accepted(accepted, id, row->version)) return LATHE_OK;
    enum lathe_status st = table_get(txn, id, row->version, row->row_text, &latency, err);
    if (!st && latency.updated_ms >= h->before_ms) return LATHE_OK;
    if (!st) st = table_thin_row(txn, id, row->version, row->row_text, h->now_ms, &samples, err);
    if (st) return st == LATHE_NOT_FOUND ? LATHE_OK : st;
    h->thinned++;
    h->samples += samples;
    return LATHE_OK;
}

static enum lathe_status thin_handful(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct handful *h = context;
    json_t *accepted = NULL;
    h->thinned = h->samples = 0;
    enum lathe_status st = find_accepted(txn, &accepted, err);
    for (size_t i = 0; !st && i < h->count; i++) st = thin_one(txn, h, &h->rows[i], accepted, err);
    if (!st && h->samples) st = add_to_totals(txn, h->now_ms, h->samples, err);
    json_decref(accepted);
    return st;
}

static bool is_stopped(const struct sweep_request *r)
{
    return r->stop && atomic_load(r->stop);
}

/* All rows whose samples are older than an age. */
static enum lathe_status sweep_age(struct kv *kv, const struct sweep_request *r, int64_t age_ms,
                                   struct sweep_report *report, struct lathe_error *err)
{
    struct old_rows_walk walk = {0};
    struct handful *h = calloc(1, sizeof *h);
    enum lathe_status st = LATHE_OK;
    if (!h) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    while (!st && !walk.ended && !is_stopped(r)) {
        h->before_ms = r->now_ms - age_ms;
        h->now_ms = r->now_ms;
        st = find_handful(kv, &walk, h, err);
        if (!st && h->count) st = kv_write(kv, thin_handful, h, err);
        if (st || !h->count) continue;
        report->rows += h->thinned;
        report->samples += h->samples;
    }
    free(h);
    report->kept_ms = age_ms;
    return st;
}

static bool is_above(struct kv *kv, unsigned percent)
{
    struct kv_stats stats;
    kv_get_stats(kv, &stats);
    return stats.used_bytes > stats.limit_bytes / 100 * percent;
}

enum lathe_status sweep_samples(struct kv *kv, const struct sweep_request *r, struct sweep_report *out,
                                struct lathe_error *err)
{
    struct sweep_report report = {0};
    enum lathe_status st = r->keep_ms ? sweep_age(kv, r, r->keep_ms, &report, err) : LATHE_OK;
    if (!st && is_above(kv, WATCH_PERCENT)) {
        int64_t age = r->keep_ms ? r->keep_ms : EVER_DAYS * DAY_MS;
        report.early = true;
        while (!st && age > DAY_MS && is_above(kv, ENOUGH_PERCENT) && !is_stopped(r)) {
            age = age / 2 > DAY_MS ? age / 2 : DAY_MS;
            st = sweep_age(kv, r, age, &report, err);
        }
        report.short_of_room = is_above(kv, ENOUGH_PERCENT);
    }
    if (!st) *out = report;
    return st;
}
