/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A profile by regression: from marks of whole subnets to rows of the table. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "server/jobs/internal.h"
#include "server/jobs/regress.h"

/* Subnets and rows as they are met. */
struct fit {
    struct kv_txn *txn;
    const json_t *job;
    struct table_scaling scaling;
    json_t *rows; /* text -> number */
    uint8_t *counts;
    double *y;
    uint64_t *samples; /* of each row */
    uint32_t *contexts;
    size_t networks, capacity;
    enum lathe_status status;
    struct lathe_error *err;
};

static bool collect_texts(void *context, int number, const json_t *network)
{
    json_t *rows = context;
    size_t i;
    const json_t *text;
    (void)number;
    if (strcmp(job_text(network, "role"), "fit") != 0) return true;
    json_array_foreach(json_object_get(network, "layers"), i, text)
    {
        if (json_object_get(rows, json_string_value(text))) continue;
        json_object_set_new(rows, json_string_value(text), json_integer((json_int_t)json_object_size(rows)));
    }
    return true;
}

static bool add_network(void *context, int number, const json_t *network)
{
    struct fit *f = context;
    struct latency latency;
    size_t rows = json_object_size(f->rows);
    size_t i;
    const json_t *text;
    if (strcmp(job_text(network, "role"), "fit") != 0 || f->networks == f->capacity) return true;
    f->status = marks_latency(f->txn, job_text(f->job, "id"), number, &f->scaling, &latency, f->err);
    if (f->status == LATHE_NOT_FOUND) {
        f->status = LATHE_OK;
        return true;
    }
    if (f->status) return false;
    uint8_t *counts = f->counts + f->networks * rows;
    json_array_foreach(json_object_get(network, "layers"), i, text)
    {
        size_t row = (size_t)json_integer_value(json_object_get(f->rows, json_string_value(text)));
        if (counts[row] == 0) {
            f->contexts[row]++;
            f->samples[row] += latency.samples;
        }
        if (counts[row] < UINT8_MAX) counts[row]++;
    }
    f->y[f->networks++] = latency_best_ms(&latency);
    return true;
}

/* What a row is likely to take before anything is known: time for its work and its memory. */
static double prior_of(const struct layer *l)
{
    return (double)layer_macs(l) + 4.0 * (double)layer_io_bytes(l, DTYPE_F32) +
           (double)layer_weight_bytes(l, DTYPE_F32);
}

static enum lathe_status put_rows_found(struct fit *f, uint32_t version, const double *x, const struct layer *layers,
                                        struct lathe_error *err)
{
    size_t rows = json_object_size(f->rows);
    struct entry *entries = calloc(rows + 1, sizeof *entries);
    size_t n = 0;
    if (!entries) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < rows; i++) {
        /* A row that comes to nothing is one that the others take along; a table holds no zeros. */
        double ms = fmax(x[i], 1e-6);
        if (!f->contexts[i]) continue;
        entries[n].layer = layers[i];
        entries[n++].latency = (struct latency){.count = f->samples[i],
                                                .samples = f->samples[i],
                                                .mean_ms = ms,
                                                .trimmed_ms = NAN,
                                                .std_ms = NAN,
                                                .min_ms = NAN,
                                                .p50_ms = NAN,
                                                .p90_ms = NAN,
                                                .ci_ms = NAN,
                                                .cpu_share = NAN,
                                                .contexts = f->contexts[i],
                                                .updated_ms = clock_wall_ms()};
    }
    enum lathe_status st = table_put(f->txn, job_table(f->job), version, entries, n, err);
    free(entries);
    return st;
}

static enum lathe_status solve(struct fit *f, uint32_t version, struct lathe_error *err)
{
    size_t rows = json_object_size(f->rows);
    double *prior = calloc(2 * rows + 1, sizeof *prior);
    struct layer *layers = calloc(rows + 1, sizeof *layers);
    enum lathe_status st = LATHE_OK;
    const char *text;
    json_t *number;
    if (!prior || !layers) {
        free(prior);
        free(layers);
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    json_object_foreach(f->rows, text, number)
    {
        size_t row = (size_t)json_integer_value(number);
        if (!st) st = layer_parse(text, &layers[row], err);
        if (!st) prior[row] = prior_of(&layers[row]);
    }
    double *x = prior + rows;
    if (!st) st = regress(f->counts, f->y, prior, f->networks, rows, x, err);
    if (!st) st = put_rows_found(f, version, x, layers, err);
    free(prior);
    free(layers);
    return st;
}

enum lathe_status profile_regress(struct kv_txn *txn, json_t *job, uint32_t version, struct lathe_error *err)
{
    const char *id = job_text(job, "id");
    struct fit f = {.txn = txn, .job = job, .rows = json_object(), .err = err};
    enum lathe_status st = table_get_scaling(txn, job_table(job), version, &f.scaling, err);
    if (!st) st = plan_networks(txn, id, collect_texts, f.rows, err);
    size_t rows = json_object_size(f.rows);
    if (st || !rows) goto out;
    f.capacity = (size_t)job_int(job, "networks");
    f.counts = calloc(f.capacity * rows + 1, 1);
    f.y = calloc(f.capacity + 1, sizeof *f.y);
    f.samples = calloc(rows + 1, sizeof *f.samples);
    f.contexts = calloc(rows + 1, sizeof *f.contexts);
    if (!f.counts || !f.y || !f.samples || !f.contexts) {
        st = error_set(err, LATHE_NO_MEMORY, "out of memory for a regression on %zu rows", rows);
        goto out;
    }
    st = plan_networks(txn, id, add_network, &f, err);
    if (!st) st = f.status;
    /* Rows are told without the factor, which the held-out subnets give. */
    if (!st && f.networks) st = solve(&f, version, err);
out:
    free(f.counts);
    free(f.y);
    free(f.samples);
    free(f.contexts);
    json_decref(f.rows);
    return st;
}
