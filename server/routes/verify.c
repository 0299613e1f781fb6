/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/verify.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "server/store/store.h"

enum { ATTEMPTS_MOST = 5, LOOK_MS = 20, MEASURE_TIMEOUT_S = 600 };
/* A measured latency this close under the limit is as good as it gets. */
static const double close_enough = 0.01;
/* The correction moves half of the way to what was seen last. */
static const double correction_weight = 0.5;

struct attempt {
    struct search_result result;
    double latency_ms, half_ms; /* measured */
    json_t *measurement;        /* the job's document; owned */
};

struct verifying {
    struct ask *ask;
    struct http_request *request;
    double limit_ms; /* INFINITY: none */
    struct attempt attempts[ATTEMPTS_MOST];
    int count;
};

enum lathe_status verify_check(const struct ask *a, struct lathe_error *err)
{
    const struct question *q = &a->question;
    int64_t last_seen = 0;
    if (q->table_count != 1)
        return error_field(err, "verify", "verify works with one table: `lathe subnet --verify` measures on several");
    const struct question_table *table = &q->tables[0];
    json_t *device = NULL;
    enum lathe_status st = store_read(q->app->kv, "device", table->device, &device, err);
    if (st) return st;
    const char *state = jobs_device_state(q->app->jobs, device, &last_seen);
    bool reachable = json_is_object(json_object_get(device, "transport"));
    json_decref(device);
    if (reachable && strcmp(state, "quarantined") == 0) {
        error_field(
            err, "verify",
            "device %s is quarantined, since its work failed again and again: see why, then let it out with PATCH "
            "/v1/devices/%s {\"quarantined\":false}, or ask without verify",
            table->device, table->device);
        if (err) err->status = LATHE_CONFLICT;
        return LATHE_CONFLICT;
    }
    if (reachable && strcmp(state, "offline") != 0) return LATHE_OK;
    error_field(err, "verify",
                reachable ? "device %s is offline: start its agent, or ask without verify"
                          : "device %s has no transport: nothing can be measured on it; ask without verify",
                table->device);
    if (err) err->status = LATHE_CONFLICT;
    return LATHE_CONFLICT;
}

static enum lathe_status start(const struct verifying *v, const struct subnet *s, json_t **job, struct lathe_error *err)
{
    const struct question *q = &v->ask->question;
    struct layer lowered[SPACE_MAX_SLOTS];
    json_t *layers = json_array();
    json_t *what = json_pack("{s:o}", "subnet", subnet_to_json(q->space, s));
    int n = space_lower(q->space, s, lowered);
    for (int i = 0; i < n; i++) {
        char text[LAYER_TEXT_BYTES];
        layer_print(&lowered[i], text);
        json_array_append_new(layers, json_string(text));
    }
    struct measurement_request asked = {q->tables[0].device, q->tables[0].config, what, layers, .ci = -1};
    enum lathe_status st = jobs_create_measurement(q->app->jobs, &asked, job, err);
    json_decref(layers);
    json_decref(what);
    return st;
}

static enum lathe_status give_up(const struct verifying *v, const char *id, enum lathe_status why,
                                 struct lathe_error *err)
{
    json_t *job = NULL;
    if (jobs_cancel(v->ask->question.app->jobs, "measurement", id, &job, NULL) == LATHE_OK) json_decref(job);
    if (why == LATHE_CANCELLED) return error_set(err, why, "the client has gone");
    return error_set(err, why, "device %s did not finish measuring within %d s", v->ask->question.tables[0].device,
                     MEASURE_TIMEOUT_S);
}

/* Wait for a measurement's end. @param[out] done its document. */
static enum lathe_status await(const struct verifying *v, const char *id, json_t **done, struct lathe_error *err)
{
    uint64_t deadline = clock_now_ns() + (uint64_t)MEASURE_TIMEOUT_S * UINT64_C(1000000000);
    for (;;) {
        json_t *job = NULL;
        enum lathe_status st = jobs_get(v->ask->question.app->jobs, "measurement", id, &job, err);
        if (st) return st;
        const char *state = json_string_value(json_object_get(job, "state"));
        if (strcmp(state, "done") == 0) {
            *done = job;
            return LATHE_OK;
        }
        if (strcmp(state, "queued") != 0 && strcmp(state, "running") != 0) {
            const char *why = json_string_value(json_object_get(job, "error"));
            st = error_set(err, LATHE_CONFLICT, "the measurement was %s: %s", state, why ? why : "no reason is known");
            json_decref(job);
            return st;
        }
        json_decref(job);
        if (http_unwanted(v->request)) return give_up(v, id, LATHE_CANCELLED, err);
        if (clock_now_ns() > deadline) return give_up(v, id, LATHE_TIMEOUT, err);
        poll(NULL, 0, LOOK_MS);
    }
}

static enum lathe_status measure(struct verifying *v, const struct search_result *result, struct lathe_error *err)
{
    struct attempt *a = &v->attempts[v->count];
    json_t *job = NULL;
    json_t *done = NULL;
    char id[65];
    enum lathe_status st = start(v, &result->subnet, &job, err);
    if (st) return st;
    snprintf(id, sizeof id, "%s", json_string_value(json_object_get(job, "id")));
    json_decref(job);
    st = await(v, id, &done, err);
    if (st) return st;
    const json_t *range = json_object_get(done, "latency_ms_range");
    double half = (json_number_value(json_array_get(range, 1)) - json_number_value(json_array_get(range, 0))) / 2;
    *a = (struct attempt){*result, json_number_value(json_object_get(done, "latency_ms")), half, done};
    v->count++;
    return LATHE_OK;
}

static bool was_measured(const struct verifying *v, const struct subnet *s)
{
    for (int i = 0; i < v->count; i++)
        if (subnet_equal(&v->attempts[i].result.subnet, s)) return true;
    return false;
}

static double macs_of(const struct verifying *v, const struct attempt *a)
{
    return problem_macs_m(v->ask->question.problem, &a->result.subnet);
}

/* The better of two that meet the limit. */
static bool is_better(const struct verifying *v, const struct attempt *a, const struct attempt *b)
{
    if (v->ask->search.minimise == COST_LATENCY) return a->latency_ms < b->latency_ms;
    if (v->ask->search.minimise != COSTS) return false; /* the first one costs least */
    if (v->ask->search.most_macs) return macs_of(v, a) > macs_of(v, b);
    return a->result.top1 > b->result.top1;
}

/* The answer: what met the limit, else what may have. */
static const struct attempt *choose(const struct verifying *v)
{
    const struct attempt *best = NULL;
    for (int i = 0; i < v->count; i++) {
        const struct attempt *a = &v->attempts[i];
        if (a->latency_ms <= v->limit_ms && (!best || is_better(v, a, best))) best = a;
    }
    for (int i = 0; !best && i < v->count; i++)
        if (v->attempts[i].latency_ms - v->attempts[i].half_ms <= v->limit_ms) best = &v->attempts[i];
    return best;
}

static double ratio_of(const struct attempt *a)
{
    return a->latency_ms / a->result.latency_ms;
}

struct keeping {
    struct table_id table;
    uint32_t version;
    double correction;
};

static enum lathe_status keep(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const struct keeping *k = context;
    struct table_info info;
    enum lathe_status st = table_info(txn, k->table, k->version, &info, err);
    if (st) return st;
    json_t *notes = info.notes ? json_copy(info.notes) : json_object();
    json_object_set_new(notes, "correction", json_real(k->correction));
    st = table_set_notes(txn, k->table, k->version, notes, err);
    json_decref(notes);
    table_info_clear(&info);
    return st;
}

/* What measured subnets took over what was predicted of them, as far as is known. */
static double known_correction(const struct question_table *table)
{
    double known = json_number_value(json_object_get(table->info.notes, "correction"));
    return table->has_info && known > 0.5 && known < 2 ? known : 1;
}

static double keep_correction(const struct verifying *v)
{
    const struct question_table *table = &v->ask->question.tables[0];
    double correction = known_correction(table);
    for (int i = 0; i < v->count; i++) correction += correction_weight * (ratio_of(&v->attempts[i]) - correction);
    struct keeping k = {
        .table = {table->device, table->config}, .version = table->info.version, .correction = correction};
    /* The answer is right without it. */
    if (table->has_info) (void)kv_write(v->ask->question.app->kv, keep, &k, NULL);
    return correction;
}

static json_t *describe(const struct verifying *v, const struct attempt *best, double correction)
{
    json_t *attempts = json_array();
    for (int i = 0; i < v->count; i++) {
        const struct attempt *a = &v->attempts[i];
        json_array_append_new(attempts, json_pack("{s:f,s:f,s:o,s:O}", "predicted_ms", a->result.latency_ms,
                                                  "latency_ms", a->latency_ms, "top1",
                                                  isnan(a->result.top1) ? json_null() : json_real(a->result.top1),
                                                  "measurement", json_object_get(a->measurement, "id")));
    }
    json_t *m = best->measurement;
    return json_pack("{s:o,s:f,s:f,s:O,s:O,s:O,s:O,s:f,s:o}", "asked_ms",
                     isfinite(v->limit_ms) ? json_real(v->limit_ms) : json_null(), "predicted_ms",
                     best->result.latency_ms, "latency_ms", best->latency_ms, "latency_ms_range",
                     json_object_get(m, "latency_ms_range"), "raw_ms", json_object_get(m, "raw_ms"), "drift",
                     json_object_get(m, "drift"), "measurement", json_object_get(m, "id"), "correction", correction,
                     "attempts", attempts);
}

/* Search and measure until it fits, or nothing new is found. */
static enum lathe_status attempt_all(struct verifying *v, struct lathe_error *err)
{
    struct ask *ask = v->ask;
    double correction = known_correction(&ask->question.tables[0]);
    for (int i = 0; i < ATTEMPTS_MOST; i++) {
        struct search_result result;
        if (isfinite(v->limit_ms)) limits_set(&ask->search.limits, COST_LATENCY, v->limit_ms / correction);
        enum lathe_status st = search_run(ask->algorithm, ask->question.problem, &ask->search, &result, err);
        if (st == LATHE_INFEASIBLE && v->count) break;
        if (!st && was_measured(v, &result.subnet)) break;
        if (!st) st = measure(v, &result, err);
        if (st) return st;
        const struct attempt *last = &v->attempts[v->count - 1];
        if (last->latency_ms <= v->limit_ms * (1 - close_enough)) {
            /* There is room: what the next search may take is judged by what was measured. */
            if (!isfinite(v->limit_ms) || ask->search.minimise != COSTS) break;
            correction = ratio_of(last);
        } else if (last->latency_ms <= v->limit_ms) {
            break;
        } else {
            correction = fmax(correction, ratio_of(last)) * (1 + close_enough / 4);
        }
    }
    return LATHE_OK;
}

enum lathe_status verify_run(struct ask *ask, struct http_request *request, struct search_result *out,
                             json_t **verified, struct lathe_error *err)
{
    struct verifying *v = calloc(1, sizeof *v);
    if (!v) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    v->ask = ask;
    v->request = request;
    v->limit_ms = limits_get(&ask->search.limits, COST_LATENCY);
    enum lathe_status st = attempt_all(v, err);
    const struct attempt *best = st ? NULL : choose(v);
    limits_set(&ask->search.limits, COST_LATENCY, v->limit_ms);
    if (!st) {
        double correction = keep_correction(v);
        if (best) {
            *out = best->result;
            *verified = describe(v, best, correction);
        } else {
            error_field(
                err, "latency_ms",
                "nothing was measured within %g ms: %d subnets were, the last one takes %g ms. Ask for more, or "
                "calibrate the table: lathe profile --calibrate",
                v->limit_ms, v->count, v->attempts[v->count - 1].latency_ms);
            if (err) err->status = LATHE_INFEASIBLE;
            st = LATHE_INFEASIBLE;
        }
    }
    for (int i = 0; i < v->count; i++) json_decref(v->attempts[i].measurement);
    free(v);
    return st;
}
