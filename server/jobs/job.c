/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "server/jobs/internal.h"

enum { QUARANTINE_MS = 600000 };

const char *job_text(const json_t *job, const char *name)
{
    const char *text = json_string_value(json_object_get(job, name));
    return text ? text : "";
}

int64_t job_int(const json_t *job, const char *name)
{
    return json_integer_value(json_object_get(job, name));
}

void job_set_int(json_t *job, const char *name, int64_t value)
{
    json_object_set_new(job, name, json_integer(value));
}

int64_t job_hidden(const json_t *job, const char *name)
{
    return job_int(json_object_get(job, "hidden"), name);
}

void job_set_hidden(json_t *job, const char *name, int64_t value)
{
    job_set_int(json_object_get(job, "hidden"), name, value);
}

json_t *job_new(const char *kind, const char *device, const char *config)
{
    char id[JOB_ID_BYTES];
    char now[25];
    const char prefix[] = {kind[0], '\0'};
    store_new_id(prefix, id);
    clock_format(clock_wall_ms(), now);
    return json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:n,s:i,s:i,s:{}}", "schema", STORE_VERSION, "id", id, "kind",
                     kind, "state", "queued", "device", device, "config", config, "created", now, "updated", now,
                     "error", "visits_total", 0, "visits_done", 0, "hidden");
}

json_t *job_public(const json_t *job)
{
    json_t *copy = json_copy((json_t *)job);
    json_object_del(copy, "schema");
    json_object_del(copy, "hidden");
    return copy;
}

bool job_active(const json_t *job)
{
    const char *state = job_text(job, "state");
    return strcmp(state, "queued") == 0 || strcmp(state, "running") == 0;
}

enum lathe_status job_load(struct kv_txn *txn, const char *kind, const char *id, json_t **job, struct lathe_error *err)
{
    return store_get(txn, kind, id, job, err);
}

enum lathe_status job_save(struct kv_txn *txn, json_t *job, struct lathe_error *err)
{
    char now[25];
    clock_format(clock_wall_ms(), now);
    if (json_object_set_new(job, "updated", json_string(now))) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    return store_put(txn, job_text(job, "kind"), job_text(job, "id"), job, err);
}

static void active_key(char key[JOB_KEY_BYTES], const char *job)
{
    snprintf(key, JOB_KEY_BYTES, "active/%s", job);
}

enum lathe_status job_enqueue(struct kv_txn *txn, json_t *job, struct lathe_error *err)
{
    char key[JOB_KEY_BYTES];
    active_key(key, job_text(job, "id"));
    return kv_put(txn, KV_KEY(key), job_text(job, "kind"), strlen(job_text(job, "kind")), err);
}

static enum lathe_status end_lease(struct kv_txn *txn, const json_t *job, struct lathe_error *err)
{
    json_t *lease = NULL;
    enum lathe_status st = lease_of_device(txn, job_text(job, "device"), &lease, err);
    if (st == LATHE_NOT_FOUND) return LATHE_OK;
    if (!st && strcmp(job_text(lease, "job"), job_text(job, "id")) == 0)
        st = store_delete(txn, "lease", job_text(lease, "id"), err);
    json_decref(lease);
    return st;
}

enum lathe_status job_end(struct kv_txn *txn, json_t *job, const char *state, const char *error,
                          struct lathe_error *err)
{
    char key[JOB_KEY_BYTES];
    const char *id = job_text(job, "id");
    active_key(key, id);
    enum lathe_status st = kv_delete(txn, KV_KEY(key), err);
    if (st && st != LATHE_NOT_FOUND) return st;
    bool done = strcmp(state, "done") == 0;
    st = plan_delete(txn, id, done && strcmp(job_text(job, "kind"), "measurement") == 0, err);
    if (!st && !done) st = end_lease(txn, job, err);
    if (st) return st;
    if (json_object_set_new(job, "state", json_string(state)) ||
        json_object_set_new(job, "error", error ? json_string(error) : json_null()))
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    return job_save(txn, job, err);
}

struct active_list {
    struct active_job *items;
    size_t count, capacity;
    bool failed;
};

static bool add_active(void *context, struct kv_slice key, struct kv_slice value)
{
    struct active_list *list = context;
    size_t prefix = strlen("active/");
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        struct active_job *grown = realloc(list->items, sizeof *grown * capacity);
        if (!grown) {
            list->failed = true;
            return false;
        }
        list->items = grown;
        list->capacity = capacity;
    }
    struct active_job *item = &list->items[list->count++];
    snprintf(item->id, sizeof item->id, "%.*s", (int)(key.size - prefix), (const char *)key.data + prefix);
    snprintf(item->kind, sizeof item->kind, "%.*s", (int)value.size, (const char *)value.data);
    return true;
}

enum lathe_status job_list_active(struct kv_txn *txn, struct active_job **out, size_t *count, struct lathe_error *err)
{
    struct active_list list = {0};
    enum lathe_status st = kv_scan(txn, "active/", NULL, add_active, &list, err);
    if (!st && list.failed) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (st) {
        free(list.items);
        return st;
    }
    *out = list.items;
    *count = list.count;
    return LATHE_OK;
}

struct lease_search {
    const char *device;
    json_t *found;
};

static bool match_lease(void *context, struct kv_slice key, struct kv_slice value)
{
    struct lease_search *search = context;
    (void)key;
    json_t *lease = json_loadb(value.data, value.size, 0, NULL);
    if (strcmp(job_text(lease, "device"), search->device) == 0) search->found = lease;
    else json_decref(lease);
    return !search->found;
}

enum lathe_status lease_of_device(struct kv_txn *txn, const char *device, json_t **lease, struct lathe_error *err)
{
    struct lease_search search = {.device = device};
    enum lathe_status st = kv_scan(txn, "lease/", NULL, match_lease, &search, err);
    if (st) return st;
    if (!search.found) return LATHE_NOT_FOUND;
    *lease = search.found;
    return LATHE_OK;
}

/* error_field() with another status. */
static enum lathe_status refuse_device(struct lathe_error *err, enum lathe_status status)
{
    if (err) err->status = status;
    return status;
}

enum lathe_status device_load(struct kv_txn *txn, const char *device, json_t **out, struct lathe_error *err)
{
    json_t *document = NULL;
    enum lathe_status st = store_get(txn, "device", device, &document, err);
    if (st == LATHE_NOT_FOUND) {
        error_field(err, "device", "there is no device %s: register it first", device);
        return refuse_device(err, st);
    }
    if (st) return st;
    const json_t *transport = json_object_get(document, "transport");
    if (!json_is_object(transport))
        st = error_field(err, "device",
                         "device %s has no transport: its tables were imported, nothing can be measured on it", device);
    if (st) st = refuse_device(err, LATHE_UNSUPPORTED);
    if (st) {
        json_decref(document);
        return st;
    }
    *out = document;
    return LATHE_OK;
}

bool device_has_model(const json_t *device)
{
    return strcmp(job_text(json_object_get(device, "transport"), "protocol"), "mlperf-tiny") == 0;
}

enum lathe_status device_load_for_networks(struct kv_txn *txn, const char *device, json_t **out,
                                           struct lathe_error *err)
{
    json_t *document = NULL;
    enum lathe_status st = device_load(txn, device, &document, err);
    if (!st && device_has_model(document)) {
        error_field(
            err, "device",
            "device %s speaks mlperf-tiny, and times the model that its firmware has and no other: lathe measure "
            "%s without a subnet, or flash Lathe's firmware",
            device, device);
        st = refuse_device(err, LATHE_UNSUPPORTED);
    }
    if (st) json_decref(document);
    else *out = document;
    return st;
}

enum lathe_status device_note_board(struct kv_txn *txn, const char *device, const json_t *board,
                                    struct lathe_error *err)
{
    json_t *document = NULL;
    if (!board) return LATHE_OK;
    enum lathe_status st = store_get(txn, "device", device, &document, err);
    if (st) return st == LATHE_NOT_FOUND ? LATHE_OK : st;
    if (!json_equal(json_object_get(document, "board"), board)) {
        if (json_object_set(document, "board", (json_t *)(uintptr_t)board))
            st = error_set(err, LATHE_NO_MEMORY, "out of memory");
        if (!st) st = store_put(txn, "device", device, document, err);
    }
    json_decref(document);
    return st;
}

bool device_is_quarantined(const json_t *device)
{
    return clock_wall_ms() < json_integer_value(json_object_get(device, "quarantined_until_ms"));
}

void jobs_end_quarantine(json_t *device)
{
    json_object_del(device, "quarantined_until_ms");
}

enum lathe_status device_quarantine(struct kv_txn *txn, const char *device, struct lathe_error *err)
{
    json_t *document = NULL;
    enum lathe_status st = store_get(txn, "device", device, &document, err);
    if (st == LATHE_NOT_FOUND) return LATHE_OK;
    if (st) return st;
    if (json_object_set_new(document, "quarantined_until_ms", json_integer(clock_wall_ms() + QUARANTINE_MS)))
        st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st) st = store_put(txn, "device", device, document, err);
    json_decref(document);
    return st;
}

enum lathe_status device_note_error(struct kv_txn *txn, const char *device, const char *error, struct lathe_error *err)
{
    json_t *document = NULL;
    enum lathe_status st = store_get(txn, "device", device, &document, err);
    if (st == LATHE_NOT_FOUND) return LATHE_OK;
    if (st) return st;
    const char *before = json_string_value(json_object_get(document, "error"));
    bool same = error && before ? strcmp(error, before) == 0 : !error && !before;
    if (!error && json_object_get(document, "quarantined_until_ms")) {
        jobs_end_quarantine(document);
        same = false;
    }
    if (!same) {
        if (json_object_set_new(document, "error", error ? json_string(error) : json_null()))
            st = error_set(err, LATHE_NO_MEMORY, "out of memory");
        if (!st) st = store_put(txn, "device", device, document, err);
    }
    json_decref(document);
    return st;
}
