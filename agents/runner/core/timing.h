/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the calling thread used: CPU time and involuntary context switches. Wall time is lut/base/clock.h's.
 * Threads: any; each sees itself. */
#ifndef LATHE_RUNNER_TIMING_H
#define LATHE_RUNNER_TIMING_H

#include <stdint.h>

struct usage {
    uint64_t cpu_ns;
    uint64_t preemptions; /* so far */
};

struct usage usage_now(void);
/** What one reading costs the thread, in CPU time: to be taken off what lies between two readings. Takes 0.2 ms. */
uint64_t usage_cost_ns(void);

/** Of two readings of a 64-bit counter, what fits the smaller type; more saturates. */
uint32_t elapsed_u32(uint64_t from, uint64_t to);
uint8_t elapsed_u8(uint64_t from, uint64_t to);

#endif
