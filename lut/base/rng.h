/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A small seeded random generator: the same seed gives the same sequence on every machine.
 * xoshiro256** by Blackman and Vigna (public domain, prng.di.unimi.it), seeded by SplitMix64. Not for secrets.
 * Threads: one state a thread. */
#ifndef LATHE_BASE_RNG_H
#define LATHE_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *, uint64_t seed);
uint64_t rng_next(struct rng *);
/** Uniform in [0, n), without bias. @param n at least 1. */
uint32_t rng_below(struct rng *, uint32_t n);
/** Uniform in [0, 1), 53 bits. */
double rng_unit(struct rng *);
/** Shuffle an array of indices (Fisher-Yates). */
void rng_shuffle(struct rng *, uint32_t *items, size_t n);

#endif
