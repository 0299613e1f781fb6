/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/table/codec.h"

#include <string.h>

enum { VALUE_SCHEMA = 1 };

static unsigned char *put_int(unsigned char *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) at[i] = (unsigned char)(value >> (8 * i));
    return at + bytes;
}

static uint64_t get_int(const unsigned char **at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint64_t)(*at)[i] << (8 * i);
    *at += bytes;
    return value;
}

static unsigned char *put_double(unsigned char *at, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put_int(at, bits, 8);
}

static double get_double(const unsigned char **at)
{
    uint64_t bits = get_int(at, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static enum lathe_status check_schema(struct kv_slice value, const char *what, struct lathe_error *err)
{
    const unsigned char *bytes = value.data;
    if (value.size > 0 && bytes[0] > VALUE_SCHEMA)
        return error_set(err, LATHE_NEWER, "%s has schema %d, this program reads up to %d: update it", what, bytes[0],
                         VALUE_SCHEMA);
    if (value.size == 0 || bytes[0] == 0)
        return error_set(err, LATHE_IO, "%s is damaged: restore the data folder from a backup", what);
    return LATHE_OK;
}

void latency_encode(const struct latency *l, unsigned char out[LATENCY_BYTES])
{
    const double figures[] = {l->mean_ms, l->trimmed_ms, l->std_ms, l->min_ms, l->p50_ms, l->p90_ms};
    unsigned char *at = put_int(out, VALUE_SCHEMA, 1);
    at = put_int(at, l->count, 8);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) at = put_double(at, figures[i]);
    at = put_int(at, l->contexts, 4);
    put_int(at, (uint64_t)l->updated_ms, 8);
}

enum lathe_status latency_decode(struct kv_slice value, struct latency *out, struct lathe_error *err)
{
    enum lathe_status st = check_schema(value, "a row of a table", err);
    if (st) return st;
    if (value.size != LATENCY_BYTES)
        return error_set(err, LATHE_IO,
                         "a row of a table has %zu bytes instead of %d: restore the data folder from a "
                         "backup",
                         value.size, LATENCY_BYTES);
    const unsigned char *at = (const unsigned char *)value.data + 1;
    struct latency l;
    double *const figures[] = {&l.mean_ms, &l.trimmed_ms, &l.std_ms, &l.min_ms, &l.p50_ms, &l.p90_ms};
    l.count = get_int(&at, 8);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) *figures[i] = get_double(&at);
    l.contexts = (uint32_t)get_int(&at, 4);
    l.updated_ms = (int64_t)get_int(&at, 8);
    *out = l;
    return LATHE_OK;
}

size_t chunk_bytes(size_t samples)
{
    return CHUNK_HEAD_BYTES + 4 * samples;
}

void chunk_encode(uint64_t subnet, const uint32_t *samples_ns, size_t n, unsigned char *out)
{
    unsigned char *at = put_int(out, VALUE_SCHEMA, 1);
    at = put_int(at, subnet, 8);
    for (size_t i = 0; i < n; i++) at = put_int(at, samples_ns[i], 4);
}

enum lathe_status chunk_check(struct kv_slice value, struct lathe_error *err)
{
    enum lathe_status st = check_schema(value, "a chunk of samples", err);
    if (st) return st;
    if (value.size <= CHUNK_HEAD_BYTES || (value.size - CHUNK_HEAD_BYTES) % 4 != 0)
        return error_set(err, LATHE_IO, "a chunk of samples is damaged: restore the data folder from a backup");
    return LATHE_OK;
}

uint64_t chunk_subnet(struct kv_slice value)
{
    const unsigned char *at = (const unsigned char *)value.data + 1;
    return get_int(&at, 8);
}

size_t chunk_count(struct kv_slice value)
{
    return (value.size - CHUNK_HEAD_BYTES) / 4;
}

uint32_t chunk_sample(struct kv_slice value, size_t i)
{
    const unsigned char *at = (const unsigned char *)value.data + CHUNK_HEAD_BYTES + 4 * i;
    return (uint32_t)get_int(&at, 4);
}
