/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/table/row_samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void row_samples_clear(struct row_samples *row)
{
    for (size_t i = 0; i < row->count; i++) free(row->visits[i].samples);
    free(row->visits);
    *row = (struct row_samples){0};
}

int sample_source_compare(const char *a, const char *b)
{
    size_t m = strcspn(a, ".");
    size_t n = strcspn(b, ".");
    int order = memcmp(a, b, m < n ? m : n);
    if (order == 0) order = (m > n) - (m < n);
    if (order) return order;
    a += m;
    b += n;
    while (*a == '.' && *b == '.') {
        char *end_a;
        char *end_b;
        unsigned long long x = strtoull(a + 1, &end_a, 10);
        unsigned long long y = strtoull(b + 1, &end_b, 10);
        if (x != y) return x < y ? -1 : 1;
        a = end_a;
        b = end_b;
    }
    return strcmp(a, b);
}

static int by_source(const void *a, const void *b)
{
    return sample_source_compare(((const struct visit_samples *)a)->source, ((const struct visit_samples *)b)->source);
}

struct reading {
    struct row_samples row;
    struct sample_pool pool; /* to learn which samples count */
    enum lathe_status status;
    struct lathe_error *err;
};

/* Room for another visit with n samples; NULL: memory ran out. */
static struct visit_samples *new_visit(struct row_samples *row, size_t n)
{
    if (row->count == row->capacity) {
        size_t capacity = row->capacity ? 2 * row->capacity : 64;
        struct visit_samples *grown = realloc(row->visits, capacity * sizeof *grown);
        if (!grown) return NULL;
        row->visits = grown;
        row->capacity = capacity;
    }
    struct visit_samples *visit = &row->visits[row->count];
    visit->samples = calloc(n, sizeof *visit->samples);
    if (!visit->samples) return NULL;
    row->count++;
    visit->count = n;
    return visit;
}

static bool add_visit(void *context, const char *source, const struct sample_context *around,
                      const struct sample *samples, size_t n)
{
    struct reading *r = context;
    struct visit_samples *visit = new_visit(&r->row, n);
    if (!visit) {
        r->status = error_set(r->err, LATHE_NO_MEMORY, "no memory for the samples of a row");
        return false;
    }
    snprintf(visit->source, sizeof visit->source, "%s", source);
    visit->around = *around;
    for (size_t i = 0; i < n; i++) visit->samples[i].sample = samples[i];
    /* Which visit a sample is of has no say in whether it counts. */
    r->status = sample_pool_add(&r->pool, 0, around, samples, n, r->err);
    return !r->status;
}

static void count_samples(const struct sample_pool *pool, struct row_samples *row)
{
    enum sample_basis most = sample_pool_most(pool);
    for (size_t v = 0; v < row->count; v++) {
        struct visit_samples *visit = &row->visits[v];
        for (size_t i = 0; i < visit->count; i++) {
            struct counted_sample *s = &visit->samples[i];
            enum sample_basis basis = sample_basis_of(&visit->around, &s->sample);
            s->use = basis > most ? SAMPLE_LEFT_OUT : basis == SAMPLE_CPU_TIME ? SAMPLE_AS_CPU : SAMPLE_AS_WALL;
            s->latency_ms = sample_pool_ns(pool, &visit->around, &s->sample) * pool->scaling.factor / 1e6;
        }
    }
}

enum lathe_status row_samples_read(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                   struct row_samples *out, struct lathe_error *err)
{
    struct reading r = {.err = err};
    struct table_scaling scaling;
    enum lathe_status st = table_get_scaling(txn, id, version, &scaling, err);
    if (st) return st;
    sample_pool_init(&r.pool, &scaling);
    r.row.scaling = scaling;
    st = table_samples(txn, id, version, row_text, add_visit, &r, err);
    if (!st) st = r.status;
    if (!st) count_samples(&r.pool, &r.row);
    sample_pool_clear(&r.pool);
    if (st) {
        row_samples_clear(&r.row);
        return st;
    }
    if (r.row.count) qsort(r.row.visits, r.row.count, sizeof *r.row.visits, by_source);
    *out = r.row;
    return LATHE_OK;
}
