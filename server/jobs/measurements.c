/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/text.h"
#include "server/jobs/config.h"
#include "server/jobs/internal.h"

/* LEAST, with an interval to come to: visits before it is looked at; at most AT_ONCE more before it is again, while
 * the device was busy for less than BUSY_MOST_S. */
enum {
    VISITS_LEAST = 10,
    VISITS_MOST = 100,
    VISITS_AT_ONCE = 20,
    BUSY_MOST_S = 30,
    RUNS_DEFAULT = 5,
    WARMUP = 2,
    VISITS_MAX = 1000
};
static const double ci_default = 0.01;

static json_t *new_measurement(const struct measurement_request *q)
{
    static const char *const figures[] = {"latency_ms", "latency_ms_range", "mean_ms", "std_ms", "min_ms",
                                          "p50_ms",     "p90_ms",           "raw_ms",  "drift",  "cpu_share"};
    json_t *job = job_new("measurement", q->device, q->config);
    json_object_update(job, (json_t *)q->what);
    json_object_set_new(job, "fingerprint", json_null());
    job_set_int(job, "visits", q->visits);
    job_set_int(job, "runs", q->runs);
    json_object_set_new(job, "ci", json_real(q->ci));
    job_set_int(job, "warmup", WARMUP);
    job_set_hidden(job, "warm_ms", WARM_MS);
    job_set_int(job, "count", 0);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) json_object_set_new(job, figures[i], json_null());
    return job;
}

struct creation {
    const json_t *blank, *layers;
    int visits;
    json_t *job; /* the outcome */
};

/* Where the device has a table under this config, its sentinel runs beside the network. */
static enum lathe_status add_table_sentinel(struct kv_txn *txn, json_t *job, json_t *networks, struct lathe_error *err)
{
    struct table_info info;
    struct lathe_error why;
    enum lathe_status st = table_info(txn, job_table(job), 0, &info, &why);
    if (st == LATHE_NOT_FOUND) return LATHE_OK;
    if (st) {
        if (err) *err = why;
        return st;
    }
    job_add_sentinel(job, networks, json_object_get(info.notes, "sentinel"));
    job_set_hidden(job, "version", info.version);
    table_info_clear(&info);
    return LATHE_OK;
}

/* A network needs a device that can run any, a model one that has it. */
static enum lathe_status load_device(struct kv_txn *txn, const struct creation *c, json_t **device,
                                     struct lathe_error *err)
{
    const char *name = job_text(c->job, "device");
    if (json_array_size(c->layers)) return device_load_for_networks(txn, name, device, err);
    enum lathe_status st = device_load(txn, name, device, err);
    if (!st && !device_has_model(*device))
        st = error_field(err, "subnet", "give subnet or network: device %s has no model of its own", name);
    return st;
}

static enum lathe_status store_measurement(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct creation *c = context;
    json_t *device = NULL;
    json_t *networks = json_pack("[{s:s,s:O,s:s}]", "context", "0", "layers", c->layers, "role", "measured");
    json_t *visits = json_array();
    json_decref(c->job);
    c->job = json_deep_copy(c->blank);
    for (int i = 0; i < c->visits; i++) json_array_append_new(visits, json_integer(0));
    enum lathe_status st = LATHE_OK;
    if (!c->job || !networks || json_array_size(visits) != (size_t)c->visits)
        st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st) st = load_device(txn, c, &device, err);
    if (!st) st = add_table_sentinel(txn, c->job, networks, err);
    if (!st) st = plan_put(txn, c->job, networks, visits, err);
    if (!st) st = job_save(txn, c->job, err);
    if (!st) st = job_enqueue(txn, c->job, err);
    json_decref(device);
    json_decref(networks);
    json_decref(visits);
    return st;
}

static enum lathe_status check_layers(const json_t *layers, struct lathe_error *err)
{
    size_t i;
    const json_t *text;
    if (json_array_size(layers) > SPACE_MAX_SLOTS)
        return error_field(err, "layers", "a network has 1 to %d layers", SPACE_MAX_SLOTS);
    json_array_foreach(layers, i, text)
    {
        struct layer layer;
        if (!json_is_string(text)) return error_field(err, "layers", "layers must be texts");
        enum lathe_status st = layer_parse(json_string_value(text), &layer, err);
        if (st) return st;
    }
    return LATHE_OK;
}

static enum lathe_status check_request(const struct measurement_request *q, struct lathe_error *err)
{
    if (!text_is_name(q->device)) return error_field(err, "device", "device is not a name");
    enum lathe_status st = config_read(q->config, NULL, err);
    if (!st && json_array_size(q->layers)) st = check_layers(q->layers, err);
    if (st) return st;
    if (q->visits < 0 || q->visits > VISITS_MAX)
        return error_field(err, "visits", "visits must be 1 to %d", VISITS_MAX);
    if (q->runs < 0 || q->runs > PLAN_MAX_RUNS) return error_field(err, "runs", "runs must be 1 to %d", PLAN_MAX_RUNS);
    if (q->ci >= 1) return error_field(err, "ci", "ci is a share of the latency: 0.01 is 1%%");
    return LATHE_OK;
}

enum lathe_status jobs_create_measurement(struct jobs *jobs, const struct measurement_request *q, json_t **job,
                                          struct lathe_error *err)
{
    struct measurement_request asked = *q;
    enum lathe_status st = check_request(q, err);
    if (st) return st;
    if (asked.ci < 0) asked.ci = asked.visits ? 0 : ci_default;
    if (!asked.visits) asked.visits = asked.ci > 0 ? VISITS_MOST : VISITS_LEAST;
    if (!asked.runs) asked.runs = RUNS_DEFAULT;
    json_t *blank = new_measurement(&asked);
    if (!blank) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    bool few = asked.ci > 0 && asked.visits > VISITS_LEAST;
    struct creation c = {.blank = blank, .layers = asked.layers, .visits = few ? VISITS_LEAST : asked.visits};
    st = kv_write(jobs->kv, store_measurement, &c, err);
    if (!st) {
        *job = job_public(c.job);
        jobs_notify_work(jobs);
    }
    json_decref(blank);
    json_decref(c.job);
    return st;
}

enum lathe_status jobs_measured_layers(struct jobs *jobs, const char *id, json_t **layers, struct lathe_error *err)
{
    struct kv_txn *txn;
    json_t *job = NULL;
    json_t *network = NULL;
    enum lathe_status st = kv_read_begin(jobs->kv, &txn, err);
    if (st) return st;
    st = job_load(txn, "measurement", id, &job, err);
    if (!st) {
        st = plan_network(txn, id, 0, &network, err);
        if (st == LATHE_NOT_FOUND)
            st = error_set(err, LATHE_CONFLICT, "the layers of measurement %s were not kept: it is %s", id,
                           job_text(job, "state"));
    }
    kv_read_end(txn);
    if (!st) *layers = json_incref(json_object_get(network, "layers"));
    json_decref(job);
    json_decref(network);
    return st;
}

/* A figure that is not known is null. */
static void set_figure(json_t *job, const char *name, double value)
{
    json_object_set_new(job, name, isfinite(value) ? json_real(value) : json_null());
}

static json_t *range_of(const struct latency *l)
{
    double middle = latency_best_ms(l);
    if (!isfinite(l->ci_ms)) return json_null();
    return json_pack("[f,f]", fmax(middle - l->ci_ms, 0), middle + l->ci_ms);
}

static void set_figures(json_t *job, const struct latency *l)
{
    job_set_int(job, "count", (int64_t)l->count);
    set_figure(job, "latency_ms", latency_best_ms(l));
    set_figure(job, "mean_ms", l->mean_ms);
    set_figure(job, "std_ms", l->std_ms);
    set_figure(job, "min_ms", l->min_ms);
    set_figure(job, "p50_ms", l->p50_ms);
    set_figure(job, "p90_ms", l->p90_ms);
    set_figure(job, "cpu_share", l->cpu_share);
    json_object_set_new(job, "latency_ms_range", range_of(l));
}

static enum lathe_status read_scaling(struct kv_txn *txn, const json_t *job, struct table_scaling *out,
                                      struct lathe_error *err)
{
    *out = (struct table_scaling){.factor = 1};
    if (job_sentinel(job) < 0) return LATHE_OK;
    return table_get_scaling(txn, job_table(job), (uint32_t)job_hidden(job, "version"), out, err);
}

/* The figures hold at the speed that the device's table is for, where there is one: raw_ms is what was seen, and drift
 * how much slower than then the device was. */
static enum lathe_status finish(struct kv_txn *txn, json_t *job, const struct table_scaling *scaling,
                                const struct latency *latency, struct lathe_error *err)
{
    struct latency raw;
    double sentinel_ns = 0;
    const char *id = job_text(job, "id");
    enum lathe_status st = marks_latency(txn, id, 0, &(struct table_scaling){.factor = 1}, &raw, err);
    if (!st) st = marks_reference(txn, id, &sentinel_ns, err);
    if (st) return st;
    set_figures(job, latency);
    set_figure(job, "raw_ms", latency_best_ms(&raw));
    set_figure(job, "drift", sentinel_ns > 0 && scaling->reference_ns > 0 ? sentinel_ns / scaling->reference_ns : NAN);
    return job_end(txn, job, "done", NULL, err);
}

/* Visits that it is likely to need still: an interval shrinks with the root of them. */
static double visits_to_come(const json_t *job, const struct latency *l)
{
    double done = (double)job_int(job, "visits_done");
    double asked = json_number_value(json_object_get(job, "ci")) * latency_best_ms(l);
    double most = (double)job_int(job, "visits") - done;
    if (asked <= 0 || (double)job_hidden(job, "busy_ns") / 1e9 >= BUSY_MOST_S) return 0;
    if (!isfinite(l->ci_ms)) return fmax(most, 0);
    double needs = l->ci_ms <= asked ? 0 : ceil(done * (l->ci_ms / asked) * (l->ci_ms / asked)) - done;
    return fmax(fmin(needs, most), 0);
}

static enum lathe_status go_on(struct kv_txn *txn, json_t *job, double to_come, struct lathe_error *err)
{
    json_t *visits = json_array();
    /* A few more beyond what is likely: an end that is missed by a visit costs another lease. */
    double more =
        fmin(fmin(to_come + 2, VISITS_AT_ONCE), (double)(job_int(job, "visits") - job_int(job, "visits_done")));
    for (int i = 0; i < more; i++) json_array_append_new(visits, json_integer(0));
    job_set_hidden(job, "visits_ahead", llround(fmax(to_come - more, 0)));
    enum lathe_status st = plan_extend(txn, job, visits, err);
    json_decref(visits);
    return st ? st : job_save(txn, job, err);
}

enum lathe_status measurement_go_on(struct kv_txn *txn, json_t *job, struct lathe_error *err)
{
    struct table_scaling scaling;
    struct latency latency;
    enum lathe_status st = read_scaling(txn, job, &scaling, err);
    if (!st) st = marks_latency(txn, job_text(job, "id"), 0, &scaling, &latency, err);
    if (st == LATHE_NOT_FOUND) return error_set(err, LATHE_IO, "measurement %s has no samples", job_text(job, "id"));
    if (st) return st;
    double to_come = visits_to_come(job, &latency);
    return to_come > 0 ? go_on(txn, job, to_come, err) : finish(txn, job, &scaling, &latency, err);
}

void measurement_note_fingerprint(json_t *job, const json_t *fingerprint)
{
    const json_t *known = json_object_get(job, "fingerprint");
    bool differs = json_is_object(known) && !json_equal(known, fingerprint);
    /* Of a model its board tells the name. */
    if (json_object_get(job, "model") && json_is_string(json_object_get(fingerprint, "model")))
        json_object_set(job, "model", json_object_get(fingerprint, "model"));
    json_object_set(job, "fingerprint", differs || json_is_false(known) ? json_false() : (json_t *)fingerprint);
}
