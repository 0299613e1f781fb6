/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/table/codec.h"
#include "lut/table/record.h"
#include "lut/table/thin.h"

/* A row's samples, gathered chunk by chunk. */
struct gathering {
    struct sample_pool pool;
    struct sample *samples; /* of a chunk */
    size_t capacity;
    uint32_t visits;
    char visit[SOURCE_CHARS + 1]; /* of the chunk before: its source without the position */
    size_t head;                  /* bytes of a key before its source */
    enum lathe_status status;
    struct lathe_error *err;
};

/* Count visits: chunks of one visit follow each other. */
static void note_visit(struct gathering *g, struct kv_slice key)
{
    char source[SOURCE_CHARS + 1];
    snprintf(source, sizeof source, "%.*s", (int)(key.size - g->head), (const char *)key.data + g->head);
    char *dot = strrchr(source, '.');
    if (dot) *dot = '\0';
    if (g->visits && strcmp(source, g->visit) == 0) return;
    g->visits++;
    memcpy(g->visit, source, sizeof source);
}

static bool gather(void *context, struct kv_slice key, struct kv_slice value)
{
    struct gathering *g = context;
    g->status = chunk_check(value, g->err);
    if (g->status) return false;
    note_visit(g, key);
    struct sample_context around = chunk_context(value);
    size_t n = chunk_count(value);
    if (n > g->capacity) {
        struct sample *grown = realloc(g->samples, n * sizeof *grown);
        if (!grown) {
            g->status = error_set(g->err, LATHE_NO_MEMORY, "no memory for %zu samples", n);
            return false;
        }
        g->samples = grown;
        g->capacity = n;
    }
    for (size_t i = 0; i < n; i++) g->samples[i] = chunk_sample(value, i);
    g->status = sample_pool_add(&g->pool, g->visits, &around, g->samples, n, g->err);
    return !g->status;
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

static enum lathe_status put_chunk(struct kv_txn *txn, const char *key, const struct sample_context *around,
                                   const struct sample *samples, size_t n, struct lathe_error *err)
{
    unsigned char *bytes = malloc(chunk_bytes(n));
    if (!bytes) return error_set(err, LATHE_NO_MEMORY, "no memory for %zu samples", n);
    chunk_encode(around, samples, n, bytes);
    enum lathe_status st = kv_put(txn, KV_KEY(key), bytes, chunk_bytes(n), err);
    free(bytes);
    return st;
}

enum lathe_status table_add_samples(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                    const char *source, const struct sample_context *around,
                                    const struct sample *samples, size_t n, struct lathe_error *err)
{
    struct layer layer;
    int resolution;
    char key[KEY_BYTES];
    enum lathe_status st = row_parse(row_text, &layer, &resolution, err);
    if (!st) st = check_source(source, err);
    if (!st && n == 0) st = error_field(err, "samples", "there must be at least one sample");
    if (!st) st = version_resolve(txn, id, &version, err);
    if (st) return st;
    key_of_chunk(key, id, version, row_text, source);
    return put_chunk(txn, key, around, samples, n, err);
}

/* Write the statistics of a row. @param[out] added 1 when the row is new. */
static enum lathe_status put_statistics(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                        const struct latency *latency, size_t *added, struct lathe_error *err)
{
    char key[KEY_BYTES];
    unsigned char bytes[LATENCY_BYTES];
    struct kv_slice old;
    latency_encode(latency, bytes);
    key_of_row(key, "entry", id, version, row_text);
    enum lathe_status st = kv_get(txn, KV_KEY(key), &old, err);
    *added = st == LATHE_NOT_FOUND;
    if (!st || st == LATHE_NOT_FOUND) st = kv_put(txn, KV_KEY(key), bytes, sizeof bytes, err);
    return st;
}

/* @return LATHE_NOT_FOUND when the row has no samples. */
static enum lathe_status row_statistics(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                        const struct table_scaling *scaling, struct latency *out,
                                        struct lathe_error *err)
{
    char prefix[KEY_BYTES];
    struct gathering g = {.err = err};
    sample_pool_init(&g.pool, scaling);
    key_of_chunk(prefix, id, version, row_text, "");
    g.head = strlen(prefix);
    enum lathe_status st = kv_scan(txn, prefix, NULL, gather, &g, err);
    if (!st) st = g.status;
    if (!st) st = sample_pool_latency(&g.pool, out, err);
    sample_pool_clear(&g.pool);
    free(g.samples);
    return st;
}

/* A row that was thinned rests on its summary, too. @param found LATHE_OK or LATHE_NOT_FOUND, of latency: what the
 * samples give that there are. @return whether there is either. */
static enum lathe_status add_kept(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                  const struct table_scaling *scaling, enum lathe_status found, struct latency *latency,
                                  struct lathe_error *err)
{
    struct kept_row kept;
    enum lathe_status st = kept_row_get(txn, id, version, row_text, &kept, err);
    if (st) return st == LATHE_NOT_FOUND ? found : st;
    struct latency before = kept_row_latency(&kept, scaling->reference_ns);
    *latency = found ? before : latency_join(&before, latency);
    return LATHE_OK;
}

enum lathe_status table_update_row(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                   int64_t now_ms, struct latency *out, struct lathe_error *err)
{
    struct table_scaling scaling;
    struct latency latency;
    size_t added = 0;
    if (strlen(row_text) >= ROW_TEXT_BYTES) return LATHE_NOT_FOUND;
    enum lathe_status st = version_resolve(txn, id, &version, err);
    if (!st) st = table_get_scaling(txn, id, version, &scaling, err);
    if (st) return st;
    st = row_statistics(txn, id, version, row_text, &scaling, &latency, err);
    if (!st || st == LATHE_NOT_FOUND) st = add_kept(txn, id, version, row_text, &scaling, st, &latency, err);
    if (st) return st;
    latency.updated_ms = now_ms;
    st = put_statistics(txn, id, version, row_text, &latency, &added, err);
    if (!st) st = table_changed(txn, id, version, added, now_ms, err);
    if (!st && out) {
        latency_scale(&latency, scaling.factor);
        *out = latency;
    }
    return st;
}

struct chunk_visit {
    bool (*visit)(void *, const char *, const struct sample_context *, const struct sample *, size_t);
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
    struct sample_context around = chunk_context(value);
    struct sample *samples = malloc(n * sizeof *samples);
    if (!samples) {
        v->status = error_set(v->err, LATHE_NO_MEMORY, "no memory for %zu samples", n);
        return false;
    }
    for (size_t i = 0; i < n; i++) samples[i] = chunk_sample(value, i);
    char source[SOURCE_CHARS + 1];
    snprintf(source, sizeof source, "%.*s", (int)(key.size - v->head), (const char *)key.data + v->head);
    bool more = v->visit(v->context, source, &around, samples, n);
    free(samples);
    return more;
}

enum lathe_status table_samples(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                bool (*visit)(void *, const char *source, const struct sample_context *,
                                              const struct sample *, size_t n),
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
