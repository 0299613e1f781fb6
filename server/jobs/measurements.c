/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/text.h"
#include "server/jobs/config.h"
#include "server/jobs/internal.h"

enum { VISITS_DEFAULT = 10, RUNS_DEFAULT = 5, WARMUP = 2, VISITS_MAX = 1000 };

static json_t *new_measurement(const char *device, const char *config, const json_t *what, int visits, int runs)
{
    static const char *const figures[] = {"latency_ms", "latency_ms_range", "mean_ms", "std_ms", "min_ms",
                                          "p50_ms",     "p90_ms",           "raw_ms",  "drift",  "cpu_share"};
    json_t *job = job_new("measurement", device, config);
    json_object_update(job, (json_t *)what);
    json_object_set_new(job, "fingerprint", json_null());
    job_set_int(job, "visits", visits);
    job_set_int(job, "runs", runs);
    job_set_int(job, "warmup", WARMUP);
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

enum lathe_status jobs_create_measurement(struct jobs *jobs, const char *device, const char *config, const json_t *what,
                                          const json_t *layers, int visits, int runs, json_t **job,
                                          struct lathe_error *err)
{
    if (!text_is_name(device)) return error_field(err, "device", "device is not a name");
    enum lathe_status st = config_read(config, NULL, err);
    if (!st && json_array_size(layers)) st = check_layers(layers, err);
    if (st) return st;
    if (visits < 0 || visits > VISITS_MAX) return error_field(err, "visits", "visits must be 1 to %d", VISITS_MAX);
    if (runs < 0 || runs > PLAN_MAX_RUNS) return error_field(err, "runs", "runs must be 1 to %d", PLAN_MAX_RUNS);
    if (!visits) visits = VISITS_DEFAULT;
    json_t *blank = new_measurement(device, config, what, visits, runs ? runs : RUNS_DEFAULT);
    if (!blank) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    struct creation c = {.blank = blank, .layers = layers, .visits = visits};
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

/* The figures hold at the speed that the device's table is for, where there is one: raw_ms is what was seen, and drift
 * how much slower than then the device was. */
enum lathe_status measurement_finish(struct kv_txn *txn, json_t *job, struct lathe_error *err)
{
    const char *id = job_text(job, "id");
    struct table_scaling scaling = {.factor = 1};
    struct latency latency;
    struct latency raw;
    double sentinel_ns = 0;
    enum lathe_status st = LATHE_OK;
    if (job_sentinel(job) >= 0)
        st = table_get_scaling(txn, job_table(job), (uint32_t)job_hidden(job, "version"), &scaling, err);
    if (!st) st = marks_latency(txn, id, 0, &scaling, &latency, err);
    if (!st) st = marks_latency(txn, id, 0, &(struct table_scaling){.factor = 1}, &raw, err);
    if (st == LATHE_NOT_FOUND) return error_set(err, LATHE_IO, "measurement %s has no samples", id);
    if (!st) st = marks_reference(txn, id, &sentinel_ns, err);
    if (st) return st;
    set_figures(job, &latency);
    set_figure(job, "raw_ms", latency_best_ms(&raw));
    set_figure(job, "drift", sentinel_ns > 0 && scaling.reference_ns > 0 ? sentinel_ns / scaling.reference_ns : NAN);
    return LATHE_OK;
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
