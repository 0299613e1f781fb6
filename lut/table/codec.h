/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Binary values of a table; not for other modules. The first byte is the schema; numbers are little-endian. A value of
 * a newer schema is LATHE_NEWER, one that is cut or has bytes too many is LATHE_IO. Threads: plain values. */
#ifndef LATHE_TABLE_CODEC_H
#define LATHE_TABLE_CODEC_H

#include "lut/table/table.h"

/* schema, count, six figures as doubles, contexts, updated_ms */
enum { LATENCY_BYTES = 1 + 8 + 6 * 8 + 4 + 8 };

void latency_encode(const struct latency *, unsigned char out[LATENCY_BYTES]);
enum lathe_status latency_decode(struct kv_slice, struct latency *out, struct lathe_error *err);

/* A chunk of raw samples: schema, subnet, then 4 bytes a sample. */
enum { CHUNK_HEAD_BYTES = 1 + 8 };

size_t chunk_bytes(size_t samples);
/** @param out chunk_bytes(n) bytes. */
void chunk_encode(uint64_t subnet, const uint32_t *samples_ns, size_t n, unsigned char *out);
enum lathe_status chunk_check(struct kv_slice, struct lathe_error *err);
/* Of a slice that chunk_check() accepted. */
uint64_t chunk_subnet(struct kv_slice);
size_t chunk_count(struct kv_slice);
uint32_t chunk_sample(struct kv_slice, size_t i);

#endif
