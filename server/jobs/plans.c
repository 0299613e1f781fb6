/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/json.h"
#include "server/jobs/internal.h"

static void numbered_key(char key[JOB_KEY_BYTES], const char *family, const char *job, int number)
{
    snprintf(key, JOB_KEY_BYTES, "%s/%s/%08x", family, job, (unsigned)number);
}

static enum lathe_status put_network(struct kv_txn *txn, const char *job, int number, const json_t *network,
                                     struct lathe_error *err)
{
    char key[JOB_KEY_BYTES];
    numbered_key(key, "network", job, number);
    char *text = json_dumps(network, JSON_COMPACT);
    if (!text) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = kv_put(txn, KV_KEY(key), text, strlen(text), err);
    free(text);
    return st;
}

enum lathe_status plan_put(struct kv_txn *txn, json_t *job, const json_t *networks, const json_t *visits,
                           struct lathe_error *err)
{
    const char *id = job_text(job, "id");
    int64_t first_visit = job_hidden(job, "first_visit");
    int64_t first_network = job_hidden(job, "first_network");
    json_t *numbers = json_array();
    json_t *plan = NULL;
    enum lathe_status st = LATHE_OK;
    size_t i;
    const json_t *item;
    json_array_foreach(networks, i, item)
    {
        if (!st) st = put_network(txn, id, (int)(first_network + (int64_t)i), item, err);
    }
    json_array_foreach(visits, i, item)
    {
        json_array_append_new(numbers, json_integer(first_network + json_integer_value(item)));
    }
    if (st) goto out;
    plan =
        json_pack("{s:i,s:I,s:O}", "schema", STORE_VERSION, "first_visit", (json_int_t)first_visit, "visits", numbers);
    if (!plan || json_array_size(numbers) != json_array_size(visits)) {
        st = error_set(err, LATHE_NO_MEMORY, "out of memory");
        goto out;
    }
    st = store_put(txn, "plan", id, plan, err);
    job_set_int(job, "visits_total", (int64_t)json_array_size(visits));
    job_set_int(job, "visits_done", 0);
    job_set_hidden(job, "first_visit", first_visit + (int64_t)json_array_size(visits));
    job_set_hidden(job, "first_network", first_network + (int64_t)json_array_size(networks));
out:
    json_decref(numbers);
    json_decref(plan);
    return st;
}

enum lathe_status plan_extend(struct kv_txn *txn, json_t *job, const json_t *networks, struct lathe_error *err)
{
    json_t *plan = NULL;
    const char *id = job_text(job, "id");
    int64_t added = (int64_t)json_array_size(networks);
    enum lathe_status st = store_get(txn, "plan", id, &plan, err);
    if (st) return st;
    if (json_array_extend(json_object_get(plan, "visits"), (json_t *)networks))
        st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st) st = store_put(txn, "plan", id, plan, err);
    json_decref(plan);
    job_set_int(job, "visits_total", job_int(job, "visits_total") + added);
    job_set_hidden(job, "first_visit", job_hidden(job, "first_visit") + added);
    return st;
}

struct network_walk {
    bool (*see)(void *, int, const json_t *);
    void *context;
};

static bool walk_network(void *context, struct kv_slice key, struct kv_slice value)
{
    struct network_walk *walk = context;
    char digits[9] = "";
    json_t *network = json_loadb(value.data, value.size, 0, NULL);
    if (key.size >= 8) memcpy(digits, (const char *)key.data + key.size - 8, 8);
    bool more = !network || walk->see(walk->context, (int)strtoul(digits, NULL, 16), network);
    json_decref(network);
    return more;
}

enum lathe_status plan_networks(struct kv_txn *txn, const char *job,
                                bool (*see)(void *, int number, const json_t *network), void *context,
                                struct lathe_error *err)
{
    char prefix[JOB_KEY_BYTES];
    struct network_walk walk = {see, context};
    snprintf(prefix, sizeof prefix, "network/%s/", job);
    return kv_scan(txn, prefix, NULL, walk_network, &walk, err);
}

enum lathe_status plan_delete(struct kv_txn *txn, const char *job, bool keep_measured, struct lathe_error *err)
{
    static const char *const families[] = {"row", "network", "visit"};
    enum lathe_status st = store_delete(txn, "plan", job, err);
    if (st == LATHE_NOT_FOUND) st = LATHE_OK;
    for (int i = 0; !st && i < (keep_measured ? 1 : 3); i++) {
        char prefix[JOB_KEY_BYTES];
        snprintf(prefix, sizeof prefix, "%s/%s/", families[i], job);
        st = kv_delete_prefix(txn, prefix, NULL, err);
    }
    return st;
}

struct done_set {
    bool *done;
    size_t count;
    int64_t first;
};

static bool note_done(void *context, struct kv_slice key, struct kv_slice value)
{
    struct done_set *set = context;
    (void)value;
    char digits[9];
    if (key.size < 8) return true;
    memcpy(digits, (const char *)key.data + key.size - 8, 8);
    digits[8] = '\0';
    int64_t at = (int64_t)strtoul(digits, NULL, 16) - set->first;
    if (at >= 0 && (uint64_t)at < set->count) set->done[at] = true;
    return true;
}

enum lathe_status plan_next(struct kv_txn *txn, const char *job, size_t most, json_t **visits, struct lathe_error *err)
{
    json_t *plan = NULL;
    json_t *next = json_array();
    struct done_set set = {0};
    enum lathe_status st = store_get(txn, "plan", job, &plan, err);
    if (st) goto out;
    const json_t *numbers = json_object_get(plan, "visits");
    set.count = json_array_size(numbers);
    set.first = job_int(plan, "first_visit");
    set.done = calloc(set.count ? set.count : 1, sizeof *set.done);
    if (!set.done) {
        st = error_set(err, LATHE_NO_MEMORY, "out of memory");
        goto out;
    }
    char prefix[JOB_KEY_BYTES];
    snprintf(prefix, sizeof prefix, "visit/%s/", job);
    st = kv_scan(txn, prefix, NULL, note_done, &set, err);
    if (st) goto out;
    for (size_t i = 0; i < set.count && json_array_size(next) < most; i++) {
        if (set.done[i]) continue;
        json_array_append_new(next, json_pack("{s:I,s:O}", "visit", (json_int_t)set.first + (json_int_t)i, "network",
                                              json_array_get(numbers, i)));
    }
    *visits = next;
    next = NULL;
out:
    free(set.done);
    json_decref(plan);
    json_decref(next);
    return st;
}

enum lathe_status plan_network(struct kv_txn *txn, const char *job, int network, json_t **out, struct lathe_error *err)
{
    char key[JOB_KEY_BYTES];
    struct kv_slice value;
    numbered_key(key, "network", job, network);
    enum lathe_status st = kv_get(txn, KV_KEY(key), &value, err);
    if (st == LATHE_NOT_FOUND) return error_set(err, st, "job %s has no network %d", job, network);
    if (st) return st;
    return json_parse(value.data, value.size, out, err);
}

bool visit_done(struct kv_txn *txn, const char *job, int visit)
{
    char key[JOB_KEY_BYTES];
    struct kv_slice value;
    numbered_key(key, "visit", job, visit);
    return kv_get(txn, KV_KEY(key), &value, NULL) == LATHE_OK;
}

enum lathe_status visit_put(struct kv_txn *txn, const char *job, int visit, json_t *take_mark, struct lathe_error *err)
{
    char key[JOB_KEY_BYTES];
    char *text = take_mark ? json_dumps(take_mark, JSON_COMPACT) : NULL;
    json_decref(take_mark);
    if (!text) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    numbered_key(key, "visit", job, visit);
    enum lathe_status st = kv_put(txn, KV_KEY(key), text, strlen(text), err);
    free(text);
    return st;
}
