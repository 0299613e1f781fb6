/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Making, reading and cancelling runs. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/text.h"
#include "server/nightly/internal.h"

static const double min_effect_default = 0.02;
static const double fdr_default = 0.05;
static const double patience_default_s = 600;
static const double budget_most_s = 7.0 * 24 * 3600;
enum { CONFIRMATIONS_DEFAULT = 3, CONFIRMATIONS_MOST = 10, TARGETS_MOST = 200, LABEL_MOST = 200 };

/* ---- making ---- */

struct creation {
    struct nightly *nightly;
    const struct run_request *request;
    json_t *run; /* the outcome */
};

static enum lathe_status check_shares(const struct run_request *q, struct lathe_error *err)
{
    if (!(q->min_effect < 1))
        return error_field(err, "min_effect", "min_effect must be a share of a latency below 1: 0.02 is 2%%");
    if (!(q->fdr < 1)) return error_field(err, "fdr", "fdr must be a share below 1: 0.05 is 5%%");
    if (q->confirmations > CONFIRMATIONS_MOST)
        return error_field(err, "confirmations", "confirmations must be 0 to %d", CONFIRMATIONS_MOST);
    if (!(q->budget_s >= 0 && q->budget_s <= budget_most_s))
        return error_field(err, "budget_s", "budget_s must be 0 to %.0f seconds; 0 for none", budget_most_s);
    if (!(q->patience_s >= 0 && q->patience_s <= budget_most_s))
        return error_field(err, "patience_s", "patience_s must be 1 to %.0f seconds", budget_most_s);
    if (q->label && strlen(q->label) > LABEL_MOST)
        return error_field(err, "label", "label must be at most %d bytes long", LABEL_MOST);
    return LATHE_OK;
}

static json_t *list_resolutions(const struct space *space, const struct run_request *q)
{
    const struct space_dim *dim = space_dim(space, space_resolution_dim(space));
    json_t *list = json_array();
    for (int i = 0; i < dim->count; i++) {
        bool wanted = !q->resolutions;
        for (size_t k = 0; !wanted && k < q->resolution_count; k++) wanted = q->resolutions[k] == dim->values[i];
        if (wanted) json_array_append_new(list, json_integer(dim->values[i]));
    }
    return list;
}

static enum lathe_status check_resolutions(const struct space *space, const struct run_request *q,
                                           struct lathe_error *err)
{
    if (q->resolutions && !q->resolution_count) return error_field(err, "resolutions", "name at least one resolution");
    for (size_t k = 0; q->resolutions && k < q->resolution_count; k++)
        if (space_find_value(space, space_resolution_dim(space), q->resolutions[k]) < 0)
            return error_field(err, "resolutions", "space %s has no resolution %d", q->space, q->resolutions[k]);
    return LATHE_OK;
}

static json_t *new_run(const struct nightly *n, const struct run_request *q)
{
    char id[40];
    char now[25];
    store_new_id("run", id);
    clock_format(clock_wall_ms(), now);
    return json_pack("{s:s,s:s,s:s,s:n,s:s?,s:s,s:o,s:o,s:s,s:f,s:f,s:i,s:f,s:n,s:n,s:f,s:n,s:n,s:[],s:{s:I}}", "id",
                     id, "state", "running", "created", now, "ended", "label", q->label, "space", q->space,
                     "resolutions", list_resolutions(catalog_find(n->spaces, q->space), q), "budget_s",
                     q->budget_s > 0 ? json_real(q->budget_s) : json_null(), "baseline",
                     q->baseline ? q->baseline : "last-accepted", "min_effect",
                     q->min_effect >= 0 ? q->min_effect : min_effect_default, "fdr", q->fdr >= 0 ? q->fdr : fdr_default,
                     "confirmations", q->confirmations >= 0 ? q->confirmations : CONFIRMATIONS_DEFAULT, "patience_s",
                     q->patience_s > 0 ? q->patience_s : patience_default_s, "outcome", "exit_code", "progress", 0.0,
                     "eta_s", "accepted", "targets", "hidden", "created_ms", (json_int_t)clock_wall_ms());
}

static json_t *new_target(const char *device, const char *config)
{
    static const char *const unknown[] = {"error", "version", "baseline_run", "baseline_version", "device_s",
                                          "eta_s", "profile", "speed",        "checked"};
    static const char *const counts[] = {"rows_total", "rows_measured", "rows_compared", "networks", "confirmations"};
    json_t *t = json_pack("{s:s,s:s,s:s,s:b,s:b,s:f,s:[],s:{s:[],s:I}}", "device", device, "config", config, "state",
                          "waiting", "first", 0, "accepted", 0, "progress", 0.0, "fingerprint", "hidden", "jobs",
                          "since_ms", (json_int_t)clock_wall_ms());
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) json_object_set_new(t, unknown[i], json_null());
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) doc_set_int(t, counts[i], 0);
    return t;
}

/* Whether nightly runs can measure on it: boards with a model of their own run nothing else. */
static bool is_measurable(const json_t *device)
{
    const json_t *transport = json_object_get(device, "transport");
    return json_is_object(transport) && strcmp(doc_text(transport, "protocol"), "mlperf-tiny") != 0;
}

static enum lathe_status check_device(struct kv_txn *txn, const char *name, struct lathe_error *err)
{
    json_t *device = NULL;
    enum lathe_status st = store_get(txn, "device", name, &device, err);
    if (st == LATHE_NOT_FOUND) {
        error_field(err, "devices", "there is no device %s: GET /v1/devices lists them", name);
        if (err) err->status = st;
    }
    if (!st && !is_measurable(device)) {
        st = LATHE_UNSUPPORTED;
        error_field(err, "devices", "no network can be measured on device %s: it has %s", name,
                    json_is_object(json_object_get(device, "transport")) ? "a model of its own and runs no other"
                                                                         : "no transport");
        if (err) err->status = st;
    }
    json_decref(device);
    return st;
}

static enum lathe_status all_devices(struct kv_txn *txn, json_t **out, struct lathe_error *err)
{
    char next[65];
    json_t *all = NULL;
    json_t *names = json_array();
    size_t i;
    const json_t *device;
    enum lathe_status st = store_list(txn, "device", NULL, SIZE_MAX - 1, &all, next, err);
    json_array_foreach(all, i, device)
    {
        if (is_measurable(device)) json_array_append(names, json_object_get(device, "name"));
    }
    json_decref(all);
    if (!st && !json_array_size(names)) {
        st = LATHE_CONFLICT;
        error_field(err, "devices", "no device is registered that can be measured: lathe device add");
        if (err) err->status = st;
    }
    if (st) json_decref(names);
    else *out = names;
    return st;
}

static enum lathe_status add_targets(struct kv_txn *txn, json_t *run, const json_t *devices, const json_t *configs,
                                     struct lathe_error *err)
{
    enum lathe_status st = LATHE_OK;
    size_t i;
    size_t k;
    const json_t *device;
    const json_t *config;
    json_array_foreach(devices, i, device)
    {
        if (!st) st = check_device(txn, json_string_value(device), err);
        json_array_foreach(configs, k, config)
        {
            const char *d = json_string_value(device);
            const char *c = json_string_value(config);
            if (!run_target(run, d, c)) json_array_append_new(json_object_get(run, "targets"), new_target(d, c));
        }
    }
    if (!st && json_array_size(json_object_get(run, "targets")) > TARGETS_MOST)
        st = error_field(err, "devices", "a run can have %d devices and configs at most", TARGETS_MOST);
    return st;
}

static enum lathe_status check_baseline(struct kv_txn *txn, const json_t *run, const char *id, struct lathe_error *err)
{
    json_t *other = NULL;
    if (!id) return LATHE_OK;
    enum lathe_status st = store_get(txn, "run", id, &other, err);
    if (st == LATHE_NOT_FOUND) {
        error_field(err, "baseline", "there is no run %s: GET /v1/runs lists them, or say last-accepted", id);
        if (err) err->status = st;
    } else if (!st && !run_same_rows(run, other)) {
        st = error_field(err, "baseline", "run %s is of other rows: of space %s, or of other resolutions", id,
                         doc_text(other, "space"));
    }
    json_decref(other);
    return st;
}

static enum lathe_status store_run(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct creation *c = context;
    json_t *devices = c->request->devices ? json_incref((json_t *)(uintptr_t)c->request->devices) : NULL;
    json_decref(c->run);
    c->run = new_run(c->nightly, c->request);
    enum lathe_status st = c->run ? LATHE_OK : error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st) st = check_baseline(txn, c->run, c->request->baseline, err);
    if (!st && !devices) st = all_devices(txn, &devices, err);
    if (!st) st = add_targets(txn, c->run, devices, c->request->configs, err);
    if (!st) st = run_save(txn, c->run, err);
    json_decref(devices);
    return st;
}

static enum lathe_status publish(struct nightly *n, const json_t *run, bool rows, json_t **out, struct lathe_error *err)
{
    struct kv_txn *txn;
    enum lathe_status st = kv_read_begin(n->kv, &txn, err);
    if (st) return st;
    st = run_public(txn, run, rows, out, err);
    kv_read_end(txn);
    return st;
}

enum lathe_status nightly_create(struct nightly *n, const struct run_request *q, json_t **run, struct lathe_error *err)
{
    struct creation c = {.nightly = n, .request = q};
    const struct space *space = catalog_find(n->spaces, q->space);
    if (!space) return error_field(err, "space", "there is no space %s: GET /v1/spaces lists them", q->space);
    enum lathe_status st = check_shares(q, err);
    if (!st) st = check_resolutions(space, q, err);
    if (!st) st = kv_write(n->kv, store_run, &c, err);
    if (!st) st = publish(n, c.run, true, run, err);
    json_decref(c.run);
    if (!st) nightly_wake(n);
    return st;
}

/* ---- reading ---- */

enum lathe_status nightly_get(struct nightly *n, const char *id, bool rows, json_t **run, struct lathe_error *err)
{
    struct kv_txn *txn;
    json_t *document = NULL;
    enum lathe_status st = kv_read_begin(n->kv, &txn, err);
    if (st) return st;
    st = store_get(txn, "run", id, &document, err);
    if (!st) st = run_public(txn, document, rows, run, err);
    kv_read_end(txn);
    json_decref(document);
    return st;
}

static bool passes(const struct run_filter *filter, const json_t *run)
{
    size_t i;
    const json_t *t;
    if (!filter->device && !filter->config) return true;
    json_array_foreach(json_object_get(run, "targets"), i, t)
    {
        if ((!filter->device || strcmp(filter->device, doc_text(t, "device")) == 0) &&
            (!filter->config || strcmp(filter->config, doc_text(t, "config")) == 0))
            return true;
    }
    return false;
}

/* Ids sort by age: walk them from the newest on. */
static enum lathe_status list_in(struct kv_txn *txn, const struct run_filter *filter, const char *after, size_t limit,
                                 json_t *list, char *next, struct lathe_error *err)
{
    json_t *ids = NULL;
    enum lathe_status st = run_ids(txn, "run", &ids, err);
    for (size_t i = json_array_size(ids); !st && i-- > 0;) {
        const char *id = json_string_value(json_array_get(ids, i));
        json_t *run = NULL;
        json_t *shown = NULL;
        if (after && strcmp(id, after) >= 0) continue;
        st = store_get(txn, "run", id, &run, err);
        bool wanted = !st && passes(filter, run);
        if (wanted && json_array_size(list) == limit) {
            snprintf(next, 65, "%s", doc_text(json_array_get(list, limit - 1), "id"));
            i = 0;
        } else if (wanted) {
            st = run_public(txn, run, false, &shown, err);
            if (!st) json_array_append_new(list, shown);
        }
        json_decref(run);
    }
    json_decref(ids);
    return st;
}

enum lathe_status nightly_list(struct nightly *n, const struct run_filter *filter, const char *after, size_t limit,
                               json_t **list, char *next, struct lathe_error *err)
{
    struct kv_txn *txn;
    json_t *answer = json_array();
    enum lathe_status st = kv_read_begin(n->kv, &txn, err);
    next[0] = '\0';
    if (!st) {
        st = list_in(txn, filter, after, limit, answer, next, err);
        kv_read_end(txn);
    }
    if (st) json_decref(answer);
    else *list = answer;
    return st;
}

/* ---- cancelling ---- */

struct cancelling {
    const char *id;
    json_t *run;  /* the outcome */
    json_t *jobs; /* that are to end, too */
};

static enum lathe_status store_cancelled(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct cancelling *c = context;
    char now[25];
    size_t i;
    json_t *target;
    json_decref(c->run);
    json_decref(c->jobs);
    c->run = NULL;
    c->jobs = json_array();
    clock_format(clock_wall_ms(), now);
    enum lathe_status st = store_get(txn, "run", c->id, &c->run, err);
    if (!st && run_ended(c->run))
        st = error_set(err, LATHE_CONFLICT, "run %s has ended already: it is %s", c->id, doc_text(c->run, "state"));
    if (st) return st;
    json_array_foreach(json_object_get(c->run, "targets"), i, target)
    {
        if (target_ended(target)) continue;
        if (json_is_string(json_object_get(target, "profile")))
            json_array_append(c->jobs, json_object_get(target, "profile"));
        doc_set_text(target, "state", "cancelled");
    }
    doc_set_text(c->run, "state", "cancelled");
    doc_set_text(c->run, "ended", now);
    doc_set_int(doc_hidden(c->run), "ended_ms", clock_wall_ms());
    return run_save(txn, c->run, err);
}

enum lathe_status nightly_cancel(struct nightly *n, const char *id, json_t **run, struct lathe_error *err)
{
    struct cancelling c = {.id = id};
    size_t i;
    const json_t *job;
    enum lathe_status st = kv_write(n->kv, store_cancelled, &c, err);
    json_array_foreach(c.jobs, i, job)
    {
        json_t *ended = NULL;
        if (!st && jobs_cancel(n->jobs, "profile", json_string_value(job), &ended, NULL) == LATHE_OK)
            json_decref(ended);
    }
    if (!st) st = publish(n, c.run, true, run, err);
    json_decref(c.run);
    json_decref(c.jobs);
    return st;
}
