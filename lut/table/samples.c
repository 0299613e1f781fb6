/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/table/codec.h"
#include "lut/table/record.h"

/* All samples of a row, gathered chunk by chunk. */
struct pool {
    double *samples;
    size_t count, capacity;
    uint64_t *subnets; /* one a chunk */
    size_t chunks, chunk_capacity;
    enum lathe_status status;
    struct lathe_error *err;
};

static bool grow(void **items, size_t *capacity, size_t needed, size_t item_bytes)
{
    if (needed <= *capacity) return true;
    size_t larger = *capacity ? *capacity : 64;
    while (larger < needed) larger *= 2;
    void *grown = realloc(*items, larger * item_bytes);
    if (!grown) return false;
    *items = grown;
    *capacity = larger;
    return true;
}

static bool gather(void *context, struct kv_slice key, struct kv_slice value)
{
    (void)key;
    struct pool *pool = context;
    pool->status = chunk_check(value, pool->err);
    if (pool->status) return false;
    size_t n = chunk_count(value);
    void *samples = pool->samples;
    void *subnets = pool->subnets;
    bool grown = grow(&samples, &pool->capacity, pool->count + n, sizeof *pool->samples) &&
                 grow(&subnets, &pool->chunk_capacity, pool->chunks + 1, sizeof *pool->subnets);
    pool->samples = samples;
    pool->subnets = subnets;
    if (!grown) {
        pool->status = error_set(pool->err, LATHE_NO_MEMORY, "no memory for the samples of a row");
        return false;
    }
    for (size_t i = 0; i < n; i++) pool->samples[pool->count++] = chunk_sample(value, i);
    pool->subnets[pool->chunks++] = chunk_subnet(value);
    return true;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint32_t count_different(uint64_t *items, size_t n)
{
    qsort(items, n, sizeof *items, compare_u64);
    uint32_t different = n > 0;
    for (size_t i = 1; i < n; i++) different += items[i] != items[i - 1];
    return different;
}

static void key_of_chunk(char key[KEY_BYTES], struct table_id id, uint32_t version, const char *row_text,
                         const char *source)
{
    char tail[ROW_TEXT_BYTES + SOURCE_CHARS + 1];
    snprintf(tail, sizeof tail, "%s/%s", row_text, source);
    key_of_row(key, "samples", id, version, tail);
}

static enum lathe_status check_source(const char *source, struct lathe_error *err)
{
    size_t n = strlen(source);
    if (n >= 1 && n <= SOURCE_CHARS && !strchr(source, '/')) return LATHE_OK;
    return error_field(err, "source", "a source must have 1 to %d characters and no '/'", SOURCE_CHARS);
}

static enum lathe_status put_chunk(struct kv_txn *txn, const char *key, uint64_t subnet, const uint32_t *samples_ns,
                                   size_t n, struct lathe_error *err)
{
    unsigned char *bytes = malloc(chunk_bytes(n));
    if (!bytes) return error_set(err, LATHE_NO_MEMORY, "no memory for %zu samples", n);
    chunk_encode(subnet, samples_ns, n, bytes);
    enum lathe_status st = kv_put(txn, KV_KEY(key), bytes, chunk_bytes(n), err);
    free(bytes);
    return st;
}

/* Write the statistics of a row from all its chunks. @param[out] added 1 when the row is new. */
static enum lathe_status recompute(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                   int64_t now_ms, size_t *added, struct lathe_error *err)
{
    char key[KEY_BYTES];
    struct pool pool = {.err = err};
    key_of_chunk(key, id, version, row_text, "");
    enum lathe_status st = kv_scan(txn, key, NULL, gather, &pool, err);
    if (!st) st = pool.status;
    if (!st) {
        unsigned char bytes[LATENCY_BYTES];
        struct kv_slice old;
        struct latency latency = {.updated_ms = now_ms};
        latency_from_samples(pool.samples, pool.count, &latency);
        latency.contexts = count_different(pool.subnets, pool.chunks);
        latency_encode(&latency, bytes);
        key_of_row(key, "entry", id, version, row_text);
        st = kv_get(txn, KV_KEY(key), &old, err);
        *added = st == LATHE_NOT_FOUND;
        if (!st || st == LATHE_NOT_FOUND) st = kv_put(txn, KV_KEY(key), bytes, sizeof bytes, err);
    }
    free(pool.samples);
    free(pool.subnets);
    return st;
}

enum lathe_status table_add_samples(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                    const char *source, uint64_t subnet, const uint32_t *samples_ns, size_t n,
                                    int64_t now_ms, struct lathe_error *err)
{
    struct layer layer;
    int resolution;
    char key[KEY_BYTES];
    size_t added = 0;
    enum lathe_status st = row_parse(row_text, &layer, &resolution, err);
    if (!st) st = check_source(source, err);
    if (!st && n == 0) st = error_field(err, "samples", "there must be at least one sample");
    if (!st) st = version_resolve(txn, id, &version, err);
    if (st) return st;
    key_of_chunk(key, id, version, row_text, source);
    st = put_chunk(txn, key, subnet, samples_ns, n, err);
    if (!st) st = recompute(txn, id, version, row_text, now_ms, &added, err);
    return st ? st : table_changed(txn, id, version, added, now_ms, err);
}

struct chunk_visit {
    bool (*visit)(void *, const char *, uint64_t, const uint32_t *, size_t);
    void *context;
    size_t head; /* bytes of a key before its source */
    enum lathe_status status;
    struct lathe_error *err;
};

static bool visit_chunk(void *context, struct kv_slice key, struct kv_slice value)
{
    struct chunk_visit *v = context;
    v->status = chunk_check(value, v->err);
    if (v->status) return false;
    size_t n = chunk_count(value);
    uint32_t *samples = malloc(n * sizeof *samples);
    if (!samples) {
        v->status = error_set(v->err, LATHE_NO_MEMORY, "no memory for %zu samples", n);
        return false;
    }
    for (size_t i = 0; i < n; i++) samples[i] = chunk_sample(value, i);
    char source[SOURCE_CHARS + 1];
    snprintf(source, sizeof source, "%.*s", (int)(key.size - v->head), (const char *)key.data + v->head);
    bool more = v->visit(v->context, source, chunk_subnet(value), samples, n);
    free(samples);
    return more;
}

enum lathe_status table_samples(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                bool (*visit)(void *, const char *source, uint64_t subnet, const uint32_t *samples_ns,
                                              size_t n),
                                void *context, struct lathe_error *err)
{
    enum lathe_status st = version_resolve(txn, id, &version, err);
    if (st || strlen(row_text) >= ROW_TEXT_BYTES) return st;
    char prefix[KEY_BYTES];
    key_of_chunk(prefix, id, version, row_text, "");
    struct chunk_visit v = {visit, context, strlen(prefix), LATHE_OK, err};
    st = kv_scan(txn, prefix, NULL, visit_chunk, &v, err);
    return st ? st : v.status;
}
