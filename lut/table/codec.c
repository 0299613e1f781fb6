/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/table/codec.h"

#include <math.h>
#include <string.h>

enum {
    VALUE_SCHEMA = 3,
    FIGURES = 8,
    FIGURES_OF_SCHEMA_1 = 6,
    LATENCY_BYTES_OF_SCHEMA_1 = 1 + 8 + 6 * 8 + 4 + 8,
    SAMPLE_BYTES = 9,
    SAMPLE_BYTES_OF_SCHEMA_1 = 4,
    HEAD_BYTES_OF_SCHEMA_1 = 9,
    HEAD_BYTES_OF_SCHEMA_2 = CHUNK_HEAD_BYTES - 4,
};

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

/* Of the contexts: programs from before it was there show a number that no row has. */
static const uint32_t ALONE_BIT = UINT32_C(1) << 31;

void latency_encode(const struct latency *l, unsigned char out[LATENCY_BYTES])
{
    const double figures[FIGURES] = {l->mean_ms, l->trimmed_ms, l->std_ms, l->min_ms,
                                     l->p50_ms,  l->p90_ms,     l->ci_ms,  l->cpu_share};
    unsigned char *at = put_int(out, VALUE_SCHEMA, 1);
    at = put_int(at, l->count, 8);
    for (size_t i = 0; i < FIGURES; i++) at = put_double(at, figures[i]);
    at = put_int(at, l->contexts | (l->alone ? ALONE_BIT : 0), 4);
    at = put_int(at, (uint64_t)l->updated_ms, 8);
    put_int(at, l->samples, 8);
}

enum lathe_status latency_decode(struct kv_slice value, struct latency *out, struct lathe_error *err)
{
    enum lathe_status st = check_schema(value, "a row of a table", err);
    if (st) return st;
    const unsigned char *at = value.data;
    bool first = *at++ == 1;
    size_t figures_known = first ? FIGURES_OF_SCHEMA_1 : FIGURES;
    size_t bytes = first ? LATENCY_BYTES_OF_SCHEMA_1 : LATENCY_BYTES;
    if (value.size != bytes)
        return error_set(err, LATHE_IO,
                         "a row of a table has %zu bytes instead of %zu: restore the data folder from a "
                         "backup",
                         value.size, bytes);
    struct latency l = {.ci_ms = NAN, .cpu_share = NAN};
    double *const figures[FIGURES] = {&l.mean_ms, &l.trimmed_ms, &l.std_ms, &l.min_ms,
                                      &l.p50_ms,  &l.p90_ms,     &l.ci_ms,  &l.cpu_share};
    l.count = get_int(&at, 8);
    for (size_t i = 0; i < figures_known; i++) *figures[i] = get_double(&at);
    l.contexts = (uint32_t)get_int(&at, 4);
    l.alone = l.contexts & ALONE_BIT;
    l.contexts &= ~ALONE_BIT;
    l.updated_ms = (int64_t)get_int(&at, 8);
    l.samples = first ? l.count : get_int(&at, 8);
    *out = l;
    return LATHE_OK;
}

size_t chunk_bytes(size_t samples)
{
    return CHUNK_HEAD_BYTES + SAMPLE_BYTES * samples;
}

void chunk_encode(const struct sample_context *c, const struct sample *samples, size_t n, unsigned char *out)
{
    unsigned char *at = put_int(out, VALUE_SCHEMA, 1);
    at = put_int(at, c->subnet, 8);
    at = put_int(at, c->sentinel_ns, 8);
    at = put_int(at, c->sentinel_cpu_ns, 8);
    at = put_int(at, c->khz, 4);
    at = put_int(at, c->temperature_dk, 2);
    at = put_int(at, c->load_permille, 2);
    at = put_int(at, c->available_mb, 4);
    for (size_t i = 0; i < n; i++) {
        at = put_int(at, samples[i].wall_ns < UINT32_MAX ? samples[i].wall_ns : UINT32_MAX, 4);
        at = put_int(at, samples[i].cpu_ns < UINT32_MAX ? samples[i].cpu_ns : UINT32_MAX, 4);
        at = put_int(at, samples[i].preempted, 1);
    }
}

static int schema_of(struct kv_slice value)
{
    return *(const unsigned char *)value.data;
}

static size_t head_bytes(struct kv_slice value)
{
    switch (schema_of(value)) {
    case 1:
        return HEAD_BYTES_OF_SCHEMA_1;
    case 2:
        return HEAD_BYTES_OF_SCHEMA_2;
    default:
        return CHUNK_HEAD_BYTES;
    }
}

static size_t sample_bytes(struct kv_slice value)
{
    return schema_of(value) == 1 ? SAMPLE_BYTES_OF_SCHEMA_1 : SAMPLE_BYTES;
}

enum lathe_status chunk_check(struct kv_slice value, struct lathe_error *err)
{
    enum lathe_status st = check_schema(value, "a chunk of samples", err);
    if (st) return st;
    size_t head = head_bytes(value);
    if (value.size <= head || (value.size - head) % sample_bytes(value) != 0)
        return error_set(err, LATHE_IO, "a chunk of samples is damaged: restore the data folder from a backup");
    return LATHE_OK;
}

struct sample_context chunk_context(struct kv_slice value)
{
    const unsigned char *at = (const unsigned char *)value.data + 1;
    struct sample_context c = {.subnet = get_int(&at, 8)};
    if (schema_of(value) == 1) return c;
    c.sentinel_ns = get_int(&at, 8);
    c.sentinel_cpu_ns = get_int(&at, 8);
    c.khz = (uint32_t)get_int(&at, 4);
    c.temperature_dk = (uint16_t)get_int(&at, 2);
    c.load_permille = (uint16_t)get_int(&at, 2);
    if (schema_of(value) > 2) c.available_mb = (uint32_t)get_int(&at, 4);
    return c;
}

size_t chunk_count(struct kv_slice value)
{
    return (value.size - head_bytes(value)) / sample_bytes(value);
}

struct sample chunk_sample(struct kv_slice value, size_t i)
{
    const unsigned char *at = (const unsigned char *)value.data + head_bytes(value) + sample_bytes(value) * i;
    struct sample s = {.wall_ns = get_int(&at, 4)};
    if (schema_of(value) == 1) return s;
    s.cpu_ns = get_int(&at, 4);
    s.preempted = (uint8_t)get_int(&at, 1);
    return s;
}

void scaling_encode(const struct table_scaling *s, unsigned char out[SCALING_BYTES])
{
    unsigned char *at = put_int(out, VALUE_SCHEMA, 1);
    at = put_double(at, s->reference_ns);
    put_double(at, s->factor);
}

enum lathe_status scaling_decode(struct kv_slice value, struct table_scaling *out, struct lathe_error *err)
{
    enum lathe_status st = check_schema(value, "a table's scaling", err);
    if (st) return st;
    if (value.size != SCALING_BYTES)
        return error_set(err, LATHE_IO, "a table's scaling is damaged: restore the data folder from a backup");
    const unsigned char *at = (const unsigned char *)value.data + 1;
    out->reference_ns = get_double(&at);
    out->factor = get_double(&at);
    return LATHE_OK;
}

void kept_encode(const struct kept_row *kept, unsigned char out[KEPT_BYTES])
{
    unsigned char *at = put_int(out, VALUE_SCHEMA, 1);
    at = put_double(at, kept->reference_ns);
    at = put_int(at, (uint64_t)kept->thinned_ms, 8);
    latency_encode(&kept->latency, at);
}

enum lathe_status kept_decode(struct kv_slice value, struct kept_row *out, struct lathe_error *err)
{
    enum lathe_status st = check_schema(value, "a thinned row", err);
    if (st) return st;
    if (value.size < KEPT_BYTES - LATENCY_BYTES)
        return error_set(err, LATHE_IO, "a thinned row is damaged: restore the data folder from a backup");
    const unsigned char *at = (const unsigned char *)value.data + 1;
    struct kept_row kept = {.reference_ns = get_double(&at)};
    kept.thinned_ms = (int64_t)get_int(&at, 8);
    st = latency_decode((struct kv_slice){at, value.size - (KEPT_BYTES - LATENCY_BYTES)}, &kept.latency, err);
    if (!st) *out = kept;
    return st;
}
