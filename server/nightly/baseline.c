/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which nights a night is set against. */
#include <stdio.h>
#include <string.h>

#include "lut/table/table.h"
#include "server/nightly/internal.h"

/* Whether a run's night is still there: a table that was removed has taken it along, and its number may be another's.
 */
static bool has_night(struct kv_txn *txn, const json_t *run, const json_t *target)
{
    struct table_info info;
    struct table_id id = {doc_text(target, "device"), doc_text(target, "config")};
    if (table_info(txn, id, (uint32_t)doc_int(target, "version"), &info, NULL)) return false;
    bool same = strcmp(doc_text(info.notes, "run"), doc_text(run, "id")) == 0;
    table_info_clear(&info);
    return same;
}

/* A target of another run that was measured: of the same table and rows. Borrowed; NULL: there is none. */
static json_t *comparable(struct kv_txn *txn, json_t *other, const json_t *run, const char *device, const char *config)
{
    json_t *target = run_same_rows(run, other) ? run_target(other, device, config) : NULL;
    if (!target || strcmp(doc_text(target, "state"), "done") != 0) return NULL;
    return has_night(txn, other, target) ? target : NULL;
}

/* Call see with each run before this one, newest first, until it returns false. */
static enum lathe_status each_before(struct kv_txn *txn, const json_t *run, bool (*see)(void *, json_t *other),
                                     void *context, struct lathe_error *err)
{
    json_t *ids = NULL;
    bool more = true;
    enum lathe_status st = run_ids(txn, "run", &ids, err);
    for (size_t i = json_array_size(ids); !st && more && i-- > 0;) {
        const char *id = json_string_value(json_array_get(ids, i));
        json_t *other = NULL;
        if (strcmp(id, doc_text(run, "id")) >= 0) continue;
        st = store_get(txn, "run", id, &other, err);
        if (!st) more = see(context, other);
        json_decref(other);
    }
    json_decref(ids);
    return st;
}

struct search {
    struct kv_txn *txn;
    const json_t *run;
    const char *device, *config;
    struct baseline found;
    json_t *nights;
};

static bool take_accepted(void *context, json_t *other)
{
    struct search *s = context;
    json_t *target = comparable(s->txn, other, s->run, s->device, s->config);
    if (!target || !json_is_true(json_object_get(target, "accepted"))) return true;
    snprintf(s->found.run, sizeof s->found.run, "%s", doc_text(other, "id"));
    s->found.version = (uint32_t)doc_int(target, "version");
    return false;
}

enum lathe_status baseline_find(struct kv_txn *txn, const json_t *run, const char *device, const char *config,
                                struct baseline *out, struct lathe_error *err)
{
    struct search s = {.txn = txn, .run = run, .device = device, .config = config};
    const char *named = doc_text(run, "baseline");
    enum lathe_status st = LATHE_OK;
    if (strcmp(named, "last-accepted") == 0) {
        st = each_before(txn, run, take_accepted, &s, err);
    } else {
        json_t *other = NULL;
        st = store_get(txn, "run", named, &other, err);
        const json_t *target = st ? NULL : comparable(txn, other, run, device, config);
        if (!st && !target)
            st = error_set(err, LATHE_CONFLICT, "run %s, the baseline, has not measured %s with %s", named, device,
                           config);
        if (!st) {
            snprintf(s.found.run, sizeof s.found.run, "%s", named);
            s.found.version = (uint32_t)doc_int(target, "version");
        }
        json_decref(other);
    }
    if (!st) *out = s.found;
    return st;
}

static bool take_night(void *context, json_t *other)
{
    enum { NIGHTS_MOST = 400 };
    struct search *s = context;
    json_t *target = comparable(s->txn, other, s->run, s->device, s->config);
    if (target)
        json_array_insert_new(
            s->nights, 0,
            json_pack("{s:O,s:O,s:O,s:O,s:O,s:b}", "run", json_object_get(other, "id"), "at",
                      json_object_get(other, "created"), "version", json_object_get(target, "version"), "accepted",
                      json_object_get(target, "accepted"), "outcome", json_object_get(other, "outcome"),
                      "fingerprint_changed", json_array_size(json_object_get(target, "fingerprint")) > 0));
    return json_array_size(s->nights) < NIGHTS_MOST;
}

enum lathe_status baseline_history(struct kv_txn *txn, const json_t *run, const char *device, const char *config,
                                   json_t **out, struct lathe_error *err)
{
    struct search s = {.txn = txn, .run = run, .device = device, .config = config, .nights = json_array()};
    enum lathe_status st = each_before(txn, run, take_night, &s, err);
    if (st) json_decref(s.nights);
    else *out = s.nights;
    return st;
}
