/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Running a network: interrupts are off, the watchdog is fed between layers, and a layer's constants are made before
 * its time begins. Threads: main's. */
#ifndef LATHE_FIRMWARE_VISIT_H
#define LATHE_FIRMWARE_VISIT_H

#include "firmware/app/networks.h"

enum { VISIT_RUNS_MAX = 10000, VISIT_SAMPLE_WORDS = 1024 };

/* Samples of the last visit, in units of the clock. */
struct visit {
    int runs, layers; /* layers: 0 without times between layers; runs: 0 when there are no samples */
    uint64_t setup, elapsed;
    uint32_t output_bytes, output_crc;
};

/** @return false: refusal is filled; the samples of the visit before are gone all the same. */
bool visit(const struct network *, uint32_t seed, const struct wire_run *, struct refusal *);
/** One inference without samples: its output is the last one's. @param input of the first layer's size, outside of what
 *  the network uses; NULL: made from the seed. */
void visit_infer(const struct network *, uint32_t seed, const int8_t *input);
/** A clock that stands still while inputs are written and constants are made. An instruction is a nanosecond. */
uint64_t visit_clock_us(void);
/** Forget samples and output: something else goes into the arena. */
void visit_forget(void);
const struct visit *visit_last(void);
/** Record of FETCH. @param index below runs x (layers + 1). */
struct wire_record visit_record(uint32_t index);
/** The last run's output. */
const uint8_t *visit_output(void);
/** "simd" or "plain". */
const char *visit_kernels(void);

#endif
