/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/table/thin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/table/codec.h"
#include "lut/table/record.h"

static const char kept_space[] = "kept";

enum lathe_status kept_row_get(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                               struct kept_row *out, struct lathe_error *err)
{
    char key[KEY_BYTES];
    struct kv_slice value;
    enum lathe_status st = version_resolve(txn, id, &version, err);
    if (st) return st;
    key_of_row(key, kept_space, id, version, row_text);
    st = kv_get(txn, KV_KEY(key), &value, err);
    return st ? st : kept_decode(value, out, err);
}

enum lathe_status kept_row_forget(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                  struct lathe_error *err)
{
    char key[KEY_BYTES];
    key_of_row(key, kept_space, id, version, row_text);
    enum lathe_status st = kv_delete(txn, KV_KEY(key), err);
    return st == LATHE_NOT_FOUND ? LATHE_OK : st;
}

struct latency kept_row_latency(const struct kept_row *kept, double reference_ns)
{
    struct latency latency = kept->latency;
    if (kept->reference_ns > 0 && reference_ns > 0) latency_scale(&latency, reference_ns / kept->reference_ns);
    return latency;
}

/* Where only one side is known, that one counts. */
static double weigh(double a, double b, double share_of_b)
{
    if (!isfinite(a)) return b;
    return isfinite(b) ? a + (b - a) * share_of_b : a;
}

/* Of all samples, from deviations and means of both parts (Chan, Golub and LeVeque 1983). */
static double join_std(const struct latency *a, const struct latency *b)
{
    double m = (double)a->count;
    double n = (double)b->count;
    double between = (b->mean_ms - a->mean_ms) * (b->mean_ms - a->mean_ms) * m * n / (m + n);
    double within_a = isfinite(a->std_ms) ? a->std_ms * a->std_ms * (m - 1) : 0;
    double within_b = isfinite(b->std_ms) ? b->std_ms * b->std_ms * (n - 1) : 0;
    return sqrt((within_a + within_b + between) / (m + n - 1));
}

/* Half the interval of a weighted mean whose parts are independent. */
static double join_ci(const struct latency *a, const struct latency *b, double share_of_b)
{
    if (!isfinite(a->ci_ms)) return b->ci_ms;
    if (!isfinite(b->ci_ms)) return a->ci_ms;
    return hypot(a->ci_ms * (1 - share_of_b), b->ci_ms * share_of_b);
}

struct latency latency_join(const struct latency *a, const struct latency *b)
{
    double share = (double)b->count / ((double)a->count + (double)b->count);
    struct latency out = {
        .count = a->count + b->count,
        .samples = a->samples + b->samples,
        .mean_ms = weigh(a->mean_ms, b->mean_ms, share),
        .trimmed_ms = weigh(a->trimmed_ms, b->trimmed_ms, share),
        .std_ms = join_std(a, b),
        .min_ms = fmin(a->min_ms, b->min_ms),
        .p50_ms = weigh(a->p50_ms, b->p50_ms, share),
        .p90_ms = weigh(a->p90_ms, b->p90_ms, share),
        .ci_ms = join_ci(a, b, share),
        .cpu_share = weigh(a->cpu_share, b->cpu_share, share),
        .contexts = a->contexts > b->contexts ? a->contexts : b->contexts,
        .alone = a->alone && b->alone,
        .updated_ms = a->updated_ms > b->updated_ms ? a->updated_ms : b->updated_ms,
    };
    return out;
}

static bool count_samples(void *context, struct kv_slice key, struct kv_slice value)
{
    (void)key;
    /* What is damaged goes, too. */
    if (chunk_check(value, NULL) == LATHE_OK) *(size_t *)context += chunk_count(value);
    return true;
}

static enum lathe_status keep_summary(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                      int64_t now_ms, struct lathe_error *err)
{
    char key[KEY_BYTES];
    unsigned char bytes[KEPT_BYTES];
    struct kv_slice value;
    struct table_scaling scaling;
    struct kept_row kept = {.thinned_ms = now_ms};
    key_of_row(key, "entry", id, version, row_text);
    enum lathe_status st = kv_get(txn, KV_KEY(key), &value, err);
    if (st == LATHE_NOT_FOUND) return LATHE_OK; /* samples without statistics: there is nothing to lose */
    if (!st) st = latency_decode(value, &kept.latency, err);
    if (!st) st = table_get_scaling(txn, id, version, &scaling, err);
    if (st) return st;
    kept.reference_ns = scaling.reference_ns;
    kept_encode(&kept, bytes);
    key_of_row(key, kept_space, id, version, row_text);
    return kv_put(txn, KV_KEY(key), bytes, sizeof bytes, err);
}

enum lathe_status table_thin_row(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                 int64_t now_ms, size_t *samples, struct lathe_error *err)
{
    char prefix[KEY_BYTES];
    char tail[ROW_TEXT_BYTES + 1];
    size_t count = 0;
    size_t chunks = 0;
    enum lathe_status st = version_resolve(txn, id, &version, err);
    if (st) return st;
    snprintf(tail, sizeof tail, "%s/", row_text);
    key_of_row(prefix, "samples", id, version, tail);
    st = kv_scan(txn, prefix, NULL, count_samples, &count, err);
    /* Deleted first: a store at its limit takes the summary only in place of something. */
    if (!st) st = kv_delete_prefix(txn, prefix, &chunks, err);
    if (!st && !chunks) return LATHE_NOT_FOUND;
    if (!st) st = keep_summary(txn, id, version, row_text, now_ms, err);
    if (!st) *samples = count;
    return st;
}

/* ---- the walk ---- */

enum { LOOK_AT_ONCE = 4096 };

struct finding {
    struct kv_txn *txn;
    struct old_rows_walk *walk;
    int64_t before_ms;
    bool (*keep)(void *, struct table_id, uint32_t);
    void *context;
    struct old_row *rows;
    size_t capacity, count;
    int looks;
    enum lathe_status status;
    struct lathe_error *err;
};

/* Take "<text>" from a key's next part. @return the part behind it; NULL: there is none, or it is too long. */
static const char *take_part(const char *at, char *out, size_t size)
{
    const char *slash = strchr(at, '/');
    if (!slash || (size_t)(slash - at) >= size) return NULL;
    snprintf(out, size, "%.*s", (int)(slash - at), at);
    return slash + 1;
}

/* "entry/<device>/<config>/<version>/<row>" */
static bool parse_key(const char *key, struct old_row *out)
{
    char version[9];
    char *end;
    const char *at = take_part(key + strlen("entry/"), out->device, sizeof out->device);
    if (at) at = take_part(at, out->config, sizeof out->config);
    if (at) at = take_part(at, version, sizeof version);
    if (!at || strlen(at) >= sizeof out->row_text) return false;
    out->version = (uint32_t)strtoul(version, &end, 16);
    memcpy(out->row_text, at, strlen(at) + 1);
    return *end == '\0';
}

static bool see_any(void *context, struct kv_slice key, struct kv_slice value)
{
    (void)key, (void)value;
    *(bool *)context = true;
    return false;
}

static bool has_samples(struct finding *f, const struct old_row *row)
{
    char prefix[KEY_BYTES];
    char tail[ROW_TEXT_BYTES + 1];
    bool any = false;
    snprintf(tail, sizeof tail, "%s/", row->row_text);
    key_of_row(prefix, "samples", (struct table_id){row->device, row->config}, row->version, tail);
    f->status = kv_scan(f->txn, prefix, NULL, see_any, &any, f->err);
    return any;
}

static bool look_at(void *context, struct kv_slice key, struct kv_slice value)
{
    struct finding *f = context;
    struct old_row *row = &f->rows[f->count];
    struct latency latency;
    snprintf(f->walk->next, sizeof f->walk->next, "%.*s", (int)key.size, (const char *)key.data);
    if (f->count == f->capacity || f->looks++ == LOOK_AT_ONCE) return false;
    if (latency_decode(value, &latency, NULL) || latency.updated_ms >= f->before_ms) return true;
    if (!parse_key(f->walk->next, row) || !has_samples(f, row)) return !f->status;
    if (f->keep && f->keep(f->context, (struct table_id){row->device, row->config}, row->version)) return true;
    f->count++;
    return true;
}

enum lathe_status old_rows_find(struct kv_txn *txn, struct old_rows_walk *walk, int64_t before_ms,
                                bool (*keep)(void *, struct table_id, uint32_t), void *context, struct old_row *out,
                                size_t capacity, size_t *count, struct lathe_error *err)
{
    struct finding f = {txn, walk, before_ms, keep, context, out, capacity, 0, 0, LATHE_OK, err};
    struct old_rows_walk before = *walk;
    enum lathe_status st = kv_scan(txn, "entry/", before.next[0] ? before.next : NULL, look_at, &f, err);
    if (!st) st = f.status;
    if (st) return st;
    walk->ended = f.count < capacity && f.looks <= LOOK_AT_ONCE;
    *count = f.count;
    return LATHE_OK;
}
