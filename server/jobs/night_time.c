/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/night_time.h"

#include <math.h>

#include "lut/table/nights.h"
#include "server/jobs/internal.h"
#include "server/jobs/night_plan.h"

enum { WARMUP_MIN = 2, WARMUP_MAX = 6, NIGHTS_LOOKED_AT = 5 };
/* As in progress.c: before anything is known of a device; packing a weight; what a visit costs beyond its runs. */
static const double ns_per_mac_guess = 0.2, ns_per_weight = 6, overhead = 1.2;
static const double slowness_min = 0.2, slowness_max = 50;

/* What the jobs of the latest nights took, and were to take: a ring. */
struct history {
    double device_s[NIGHTS_LOOKED_AT], nominal_s[NIGHTS_LOOKED_AT];
    size_t count;
};

static bool note_night(void *context, const struct table_info *info)
{
    struct history *h = context;
    double device_s = 0;
    double nominal_s = 0;
    size_t i;
    const json_t *job;
    json_array_foreach(json_object_get(info->notes, "jobs"), i, job)
    {
        device_s += json_number_value(json_object_get(job, "device_s"));
        nominal_s += json_number_value(json_object_get(job, "nominal_s"));
    }
    if (!(device_s > 0 && nominal_s > 0)) return true;
    h->device_s[h->count % NIGHTS_LOOKED_AT] = device_s;
    h->nominal_s[h->count++ % NIGHTS_LOOKED_AT] = nominal_s;
    return true;
}

static double slowness_of(const struct history *h)
{
    double device_s = 0;
    double nominal_s = 0;
    for (size_t i = 0; i < h->count && i < NIGHTS_LOOKED_AT; i++) {
        device_s += h->device_s[i];
        nominal_s += h->nominal_s[i];
    }
    return nominal_s > 0 ? fmin(fmax(device_s / nominal_s, slowness_min), slowness_max) : 1;
}

enum lathe_status night_time_init(struct night_time *out, struct kv_txn *txn, struct table_id table,
                                  struct lathe_error *err)
{
    struct history history = {.count = 0};
    struct night_time time = {.table = table, .ns_per_mac = ns_per_mac_guess};
    enum lathe_status st = profile_speed(txn, table, 0, &time.ns_per_mac, err);
    if (!st) st = table_nights(txn, table, note_night, &history, err);
    time.slowness = slowness_of(&history);
    *out = time;
    return st;
}

/* Seconds of a visit to something that runs so long. The agent warms up for 12 ms where two runs take less. */
static double visit_seconds(double run_ns)
{
    double warmup = fmin(fmax(ceil(WARM_MS * 1e6 / fmax(run_ns, 1)), WARMUP_MIN), WARMUP_MAX);
    return overhead * run_ns * (NIGHT_RUNS + warmup) / 1e9;
}

static enum lathe_status layer_ns(struct kv_txn *txn, const struct night_time *time, const char *text,
                                  const struct layer *layer, double *ns, struct lathe_error *err)
{
    struct latency latency;
    enum lathe_status st = table_get(txn, time->table, 0, text, &latency, err);
    if (!st) *ns = latency_best_ms(&latency) * 1e6;
    if (st == LATHE_NOT_FOUND) *ns = (double)layer_macs(layer) * time->ns_per_mac;
    return st == LATHE_NOT_FOUND ? LATHE_OK : st;
}

enum lathe_status night_time_of(struct kv_txn *txn, const struct night_time *time, const json_t *layers,
                                double *visit_s, double *build_s, struct lathe_error *err)
{
    double ns = 0;
    double params = 0;
    size_t i;
    const json_t *text;
    enum lathe_status st = LATHE_OK;
    json_array_foreach(layers, i, text)
    {
        struct layer layer;
        double own_ns = 0;
        if (!st) st = layer_parse(json_string_value(text), &layer, err);
        if (!st) st = layer_ns(txn, time, json_string_value(text), &layer, &own_ns, err);
        if (st) return st;
        ns += own_ns;
        params += (double)layer_params(&layer);
    }
    *visit_s = visit_seconds(ns);
    *build_s = params * ns_per_weight / 1e9;
    return LATHE_OK;
}
