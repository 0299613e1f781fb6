/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Binary values of a table; not for other modules. The first byte is the schema; numbers are little-endian. A value of
 * a newer schema is LATHE_NEWER, one that is cut or has bytes too many is LATHE_IO. Threads: plain values. */
#ifndef LATHE_TABLE_CODEC_H
#define LATHE_TABLE_CODEC_H

#include "lut/table/table.h"
#include "lut/table/thin.h"

/* schema, count, eight figures as doubles, contexts, updated_ms, samples. Schema 1 had six figures and no samples. */
enum { LATENCY_BYTES = 1 + 8 + 8 * 8 + 4 + 8 + 8 };

void latency_encode(const struct latency *, unsigned char out[LATENCY_BYTES]);
enum lathe_status latency_decode(struct kv_slice, struct latency *out, struct lathe_error *err);

/* A chunk of raw samples: schema, struct sample_context, then 9 bytes a sample. Schema 1 had the subnet and 4 bytes of
 * wall time a sample, schema 2 no available_mb. */
enum { CHUNK_HEAD_BYTES = 1 + 8 + 8 + 8 + 4 + 2 + 2 + 4 };

size_t chunk_bytes(size_t samples);
/** @param out chunk_bytes(n) bytes. */
void chunk_encode(const struct sample_context *, const struct sample *, size_t n, unsigned char *out);
enum lathe_status chunk_check(struct kv_slice, struct lathe_error *err);
/* Of a slice that chunk_check() accepted. */
struct sample_context chunk_context(struct kv_slice);
size_t chunk_count(struct kv_slice);
struct sample chunk_sample(struct kv_slice, size_t i);

enum { SCALING_BYTES = 1 + 2 * 8 };
void scaling_encode(const struct table_scaling *, unsigned char out[SCALING_BYTES]);
enum lathe_status scaling_decode(struct kv_slice, struct table_scaling *out, struct lathe_error *err);

/* Schema, reference_ns, thinned_ms, a latency. */
enum { KEPT_BYTES = 1 + 8 + 8 + LATENCY_BYTES };
void kept_encode(const struct kept_row *, unsigned char out[KEPT_BYTES]);
enum lathe_status kept_decode(struct kv_slice, struct kept_row *out, struct lathe_error *err);

#endif
