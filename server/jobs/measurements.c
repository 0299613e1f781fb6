/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/json.h"
#include "lut/base/text.h"
#include "server/jobs/config.h"
#include "server/jobs/internal.h"

enum { VISITS_DEFAULT = 10, RUNS_DEFAULT = 5, WARMUP = 2, VISITS_MAX = 1000 };

static json_t *new_measurement(const char *device, const char *config, const json_t *what, int visits, int runs)
{
    static const char *const figures[] = {"latency_ms", "latency_ms_range", "mean_ms", "std_ms",
                                          "min_ms",     "p50_ms",           "p90_ms"};
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

static enum lathe_status store_measurement(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct creation *c = context;
    json_t *device = NULL;
    json_t *networks = json_pack("[{s:s,s:O}]", "context", "0", "layers", c->layers);
    json_t *visits = json_array();
    json_decref(c->job);
    c->job = json_deep_copy(c->blank);
    for (int i = 0; i < c->visits; i++) json_array_append_new(visits, json_integer(0));
    enum lathe_status st = LATHE_OK;
    if (!c->job || !networks || json_array_size(visits) != (size_t)c->visits)
        st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st) st = device_load(txn, job_text(c->job, "device"), &device, err);
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
    if (!json_array_size(layers) || json_array_size(layers) > SPACE_MAX_SLOTS)
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
    if (!st) st = check_layers(layers, err);
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
        jobs_notify_change(jobs, c.job);
        jobs_notify_work(jobs);
    }
    json_decref(blank);
    json_decref(c.job);
    return st;
}

/* All samples, visit by visit. */
struct gathered {
    double *samples_ns, *visit_means_ns;
    size_t count, capacity, visits, visits_capacity;
};

static bool gather_visit(void *context, struct kv_slice key, struct kv_slice value)
{
    struct gathered *g = context;
    (void)key;
    json_t *totals = json_loadb(value.data, value.size, 0, NULL);
    double sum = 0;
    size_t n = json_array_size(totals);
    for (size_t i = 0; i < n && g->count < g->capacity; i++) {
        double ns = json_number_value(json_array_get(totals, i));
        g->samples_ns[g->count++] = ns;
        sum += ns;
    }
    if (n && g->visits < g->visits_capacity) g->visit_means_ns[g->visits++] = sum / (double)n;
    json_decref(totals);
    return true;
}

/* Two-sided 95% quantile of Student's t: the table up to 30 degrees of freedom, Cornish and Fisher's expansion around
 * the normal quantile (good to 0.001 there) beyond. */
static double t95(size_t degrees)
{
    static const double table[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
                                   2.2010,  2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
                                   2.0796,  2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423};
    if (degrees <= sizeof table / sizeof table[0]) return table[degrees - 1];
    const double z = 1.959964;
    double n = (double)degrees;
    return z + (z * z * z + z) / (4 * n) + (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * n * n);
}

/* 95% interval of the mean, by Student's t over the means of visits: runs of one visit are not independent. */
static json_t *interval_of(const double *means_ns, size_t n)
{
    if (n < 2) return json_null();
    double mean = 0;
    double squares = 0;
    for (size_t i = 0; i < n; i++) mean += means_ns[i] / (double)n;
    for (size_t i = 0; i < n; i++) squares += (means_ns[i] - mean) * (means_ns[i] - mean);
    double half = t95(n - 1) * sqrt(squares / (double)(n - 1) / (double)n);
    return json_pack("[f,f]", fmax(mean - half, 0) / 1e6, (mean + half) / 1e6);
}

/* A figure that is not known is null. */
static void set_figure(json_t *job, const char *name, double value)
{
    json_object_set_new(job, name, isfinite(value) ? json_real(value) : json_null());
}

enum lathe_status measurement_finish(struct kv_txn *txn, json_t *job, struct lathe_error *err)
{
    char prefix[JOB_KEY_BYTES];
    size_t visits = (size_t)job_int(job, "visits_total");
    struct gathered g = {.visits_capacity = visits, .capacity = visits * (size_t)job_int(job, "runs")};
    g.samples_ns = malloc(sizeof(double) * (g.capacity + 1));
    g.visit_means_ns = malloc(sizeof(double) * (visits + 1));
    enum lathe_status st = LATHE_OK;
    if (!g.samples_ns || !g.visit_means_ns) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    snprintf(prefix, sizeof prefix, "visit/%s/", job_text(job, "id"));
    if (!st) st = kv_scan(txn, prefix, NULL, gather_visit, &g, err);
    if (!st && !g.count) st = error_set(err, LATHE_IO, "measurement %s has no samples", job_text(job, "id"));
    if (!st) {
        struct latency latency;
        latency_from_samples(g.samples_ns, g.count, &latency);
        job_set_int(job, "count", (int64_t)latency.count);
        set_figure(job, "latency_ms", latency_best_ms(&latency));
        set_figure(job, "mean_ms", latency.mean_ms);
        set_figure(job, "std_ms", latency.std_ms);
        set_figure(job, "min_ms", latency.min_ms);
        set_figure(job, "p50_ms", latency.p50_ms);
        set_figure(job, "p90_ms", latency.p90_ms);
        json_object_set_new(job, "latency_ms_range", interval_of(g.visit_means_ns, g.visits));
    }
    free(g.samples_ns);
    free(g.visit_means_ns);
    return st;
}

void measurement_note_fingerprint(json_t *job, const json_t *fingerprint)
{
    const json_t *known = json_object_get(job, "fingerprint");
    bool differs = json_is_object(known) && !json_equal(known, fingerprint);
    json_object_set(job, "fingerprint", differs || json_is_false(known) ? json_false() : (json_t *)fingerprint);
}
