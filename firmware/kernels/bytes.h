/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Runs of int8 values, wherever they begin. Own loops, so that instruction counts do not depend on the C library that a
 * board links. add and max are of the flavour (plain/, simd/), the rest is bytes.c.
 * Threads: plain values. */
#ifndef LATHE_FIRMWARE_KERNELS_BYTES_H
#define LATHE_FIRMWARE_KERNELS_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Four bytes in memory order, unaligned. */
static inline uint32_t bytes_load(const void *at)
{
    uint32_t word;
    __builtin_memcpy(&word, at, sizeof word);
    return word;
}

static inline void bytes_store(void *at, uint32_t word)
{
    __builtin_memcpy(at, &word, sizeof word);
}

void bytes_copy(int8_t *to, const int8_t *from, size_t n);
/** @param to behind from, both multiples of 4; may overlap. Up to three bytes past n are copied with it. */
void bytes_move_up(int8_t *to, const int8_t *from, size_t n);
void bytes_fill(int8_t *to, int8_t value, size_t n);
/** values[i] = table[(uint8_t)values[i]]. */
void bytes_look_up(int8_t *values, const int8_t table[256], size_t n);
/** Negative values become 0. */
void bytes_rectify(int8_t *values, size_t n);

/** to[i] = clamp(to[i] + from[i]). */
void bytes_add(int8_t *to, const int8_t *from, size_t n);
/** to[i] = the greater of both. */
void bytes_max(int8_t *to, const int8_t *from, size_t n);

#endif
