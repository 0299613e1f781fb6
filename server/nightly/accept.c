/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A night's level becomes the one that later nights are set against, and tables follow it. */
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/log.h"
#include "lut/table/nights.h"
#include "server/nightly/internal.h"

struct accepting {
    struct nightly *nightly;
    const struct acceptance *asked;
    json_t *run;      /* the outcome */
    json_t *profiles; /* indices of targets whose tables have begun a version */
};

/* ---- tables ---- */

/* Rows that were found changed take what the night measured of them. */
static enum lathe_status take_rows(struct kv_txn *txn, struct table_id id, uint32_t night, const json_t *finding,
                                   struct lathe_error *err)
{
    enum lathe_status st = LATHE_OK;
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(finding, "rows"), i, row)
    {
        if (st) break;
        struct lathe_error why = {0};
        struct latency now;
        const char *layer = doc_text(row, "layer");
        /* A row that the table never had is no row that it must have now. */
        st = table_get(txn, id, 0, layer, &now, &why);
        if (!st) st = table_replace_row(txn, id, 0, night, layer, clock_wall_ms(), &why);
        if (st == LATHE_NOT_FOUND) st = LATHE_OK;
        if (st && err) *err = why;
    }
    return st;
}

static enum lathe_status take_findings(struct kv_txn *txn, struct table_id id, uint32_t night, const json_t *findings,
                                       struct lathe_error *err)
{
    enum lathe_status st = LATHE_OK;
    size_t i;
    const json_t *f;
    json_array_foreach(findings, i, f)
    {
        if (st) break;
        bool device = strcmp(doc_text(f, "scope"), "device") == 0;
        st = device ? table_take_speed(txn, id, 0, night, clock_wall_ms(), NULL, err)
                    : take_rows(txn, id, night, f, err);
    }
    return st;
}

static bool collect_row(void *context, const char *row_text, const struct latency *latency)
{
    (void)latency;
    return json_array_append_new(context, json_string(row_text)) == 0;
}

static enum lathe_status copy_rows(struct kv_txn *txn, struct table_id id, uint32_t version, uint32_t night,
                                   struct lathe_error *err)
{
    json_t *rows = json_array();
    size_t i;
    const json_t *row;
    enum lathe_status st = table_scan(txn, id, night, NULL, collect_row, rows, err);
    json_array_foreach(rows, i, row)
    {
        if (!st) st = table_replace_row(txn, id, version, night, json_string_value(row), clock_wall_ms(), err);
    }
    json_decref(rows);
    return st;
}

/* The device is another one than the table knows: a version of its own begins with all that the night has. */
static enum lathe_status begin_version(struct kv_txn *txn, struct table_id id, uint32_t night,
                                       const struct table_info *info, struct lathe_error *err)
{
    uint32_t version = 0;
    struct table_scaling scaling;
    json_t *sentinel = json_object_get(info->notes, "sentinel");
    json_t *notes = sentinel ? json_pack("{s:O}", "sentinel", sentinel) : json_object();
    enum lathe_status st = table_version_for(txn, id, info->fingerprint, "measured", clock_wall_ms(), &version, err);
    if (!st) st = table_get_scaling(txn, id, night, &scaling, err);
    if (!st) st = table_set_scaling(txn, id, version, &scaling, err);
    if (!st) st = table_set_notes(txn, id, version, notes, err);
    if (!st) st = copy_rows(txn, id, version, night, err);
    json_decref(notes);
    return st;
}

/* @param[out] anew the table has begun a version. */
static enum lathe_status follow(struct kv_txn *txn, struct table_id id, uint32_t night, const json_t *findings,
                                bool *anew, struct lathe_error *err)
{
    struct table_info table;
    struct table_info now;
    enum lathe_status st = table_info(txn, id, 0, &table, err);
    if (st) return st;
    st = table_info(txn, id, night, &now, err);
    if (!st) {
        *anew = json_equal(table.fingerprint, now.fingerprint) != 1;
        st = *anew ? begin_version(txn, id, night, &now, err) : take_findings(txn, id, night, findings, err);
        table_info_clear(&now);
    }
    table_info_clear(&table);
    return st;
}

static enum lathe_status accept_target(struct accepting *a, struct kv_txn *txn, size_t index, struct lathe_error *err)
{
    json_t *target = json_array_get(json_object_get(a->run, "targets"), index);
    struct table_id id = {doc_text(target, "device"), doc_text(target, "config")};
    uint32_t night = (uint32_t)doc_int(target, "version");
    json_t *findings = NULL;
    bool anew = false;
    enum lathe_status st = findings_get(txn, doc_text(a->run, "id"), id.device, id.config, &findings, err);
    if (!st) st = follow(txn, id, night, findings, &anew, err);
    if (!st && anew) json_array_append_new(a->profiles, json_integer((json_int_t)index));
    if (!st) json_object_set_new(target, "accepted", json_true());
    json_decref(findings);
    return st;
}

/* ---- which ---- */

static bool is_asked(const struct acceptance *asked, const json_t *target)
{
    size_t i;
    const json_t *one;
    if (!asked->targets) return strcmp(doc_text(target, "state"), "done") == 0;
    json_array_foreach(asked->targets, i, one)
    {
        if (strcmp(doc_text(one, "device"), doc_text(target, "device")) == 0 &&
            strcmp(doc_text(one, "config"), doc_text(target, "config")) == 0)
            return true;
    }
    return false;
}

static enum lathe_status check_asked(const struct accepting *a, struct lathe_error *err)
{
    size_t i;
    const json_t *one;
    if (!run_ended(a->run))
        return error_set(err, LATHE_CONFLICT, "run %s has not ended: wait for it, or cancel it", a->asked->run);
    json_array_foreach(a->asked->targets, i, one)
    {
        const json_t *target = run_target(a->run, doc_text(one, "device"), doc_text(one, "config"));
        if (target && strcmp(doc_text(target, "state"), "done") == 0) continue;
        error_field(err, "targets", "run %s has not measured %s/%s", a->asked->run, doc_text(one, "device"),
                    doc_text(one, "config"));
        if (err) err->status = LATHE_CONFLICT;
        return LATHE_CONFLICT;
    }
    return LATHE_OK;
}

static enum lathe_status store_accepted(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct accepting *a = context;
    char now[25];
    size_t accepted = 0;
    json_decref(a->run);
    json_decref(a->profiles);
    a->run = NULL;
    a->profiles = json_array();
    enum lathe_status st = store_get(txn, "run", a->asked->run, &a->run, err);
    if (!st) st = check_asked(a, err);
    for (size_t i = 0; !st && i < json_array_size(json_object_get(a->run, "targets")); i++) {
        if (!is_asked(a->asked, json_array_get(json_object_get(a->run, "targets"), i))) continue;
        st = accept_target(a, txn, i, err);
        accepted++;
    }
    if (!st && !accepted) st = error_set(err, LATHE_CONFLICT, "run %s has measured nothing to accept", a->asked->run);
    if (st) return st;
    clock_format(clock_wall_ms(), now);
    json_object_set_new(a->run, "accepted",
                        json_pack("{s:s,s:s,s:s?}", "at", now, "by", a->asked->by, "note", a->asked->note));
    return run_save(txn, a->run, err);
}

/* ---- profiles ---- */

/* What a version that has begun still lacks: rows that the night had no time for, and held-out subnets. */
static void complete_tables(struct accepting *a)
{
    int resolutions[SPACE_MAX_VALUES];
    size_t n = 0;
    size_t i;
    const json_t *value;
    json_array_foreach(json_object_get(a->run, "resolutions"), i, value)
    {
        if (n < SPACE_MAX_VALUES) resolutions[n++] = (int)json_integer_value(value);
    }
    json_array_foreach(a->profiles, i, value)
    {
        struct lathe_error err = {0};
        json_t *job = NULL;
        const json_t *t = json_array_get(json_object_get(a->run, "targets"), (size_t)json_integer_value(value));
        struct profile_request q = {.device = doc_text(t, "device"),
                                    .config = doc_text(t, "config"),
                                    .space = doc_text(a->run, "space"),
                                    .resolutions = resolutions,
                                    .resolution_count = n,
                                    .ci = -1,
                                    .held_out = -1};
        if (jobs_create_profile(a->nightly->jobs, &q, &job, &err))
            log_event(LOG_WARN, "failed to profile device %s for run %s: %s", q.device, a->asked->run, err.message);
        json_decref(job);
    }
}

enum lathe_status nightly_accept(struct nightly *n, const struct acceptance *asked, json_t **run,
                                 struct lathe_error *err)
{
    struct accepting a = {.nightly = n, .asked = asked};
    enum lathe_status st = kv_write(n->kv, store_accepted, &a, err);
    if (!st) {
        complete_tables(&a);
        st = nightly_get(n, asked->run, true, run, err);
    }
    json_decref(a.run);
    json_decref(a.profiles);
    return st;
}
