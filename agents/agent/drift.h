/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How fast a device is from moment to moment, by its sentinel: a network that is run every few tenths of a second.
 * Threads: plain values. */
#ifndef LATHE_AGENT_DRIFT_H
#define LATHE_AGENT_DRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One run of the sentinel. */
struct drift_run {
    uint64_t at_ns;  /* when */
    uint64_t ns;     /* what it took; 0: the core was taken away meanwhile */
    uint64_t cpu_ns; /* in CPU time; 0: unknown */
};

enum { DRIFT_RUNS = 256, DRIFT_BLOCKS = 64 };

/* The last runs, and the last visits to the sentinel. Zero-initialised: none yet. */
struct drift {
    struct drift_run runs[DRIFT_RUNS]; /* a ring */
    size_t run_count;                  /* ever added */
    uint64_t blocks[DRIFT_BLOCKS];     /* a ring: what the sentinel took, visit by visit */
    size_t block_count;
};

/** Add a visit to the sentinel, runs in the order of time. @param n 1 to DRIFT_RUNS. */
void drift_add(struct drift *, const struct drift_run *runs, size_t n);

/** What the sentinel took around a time: medians over its runs within half a second, and always over those of the
 *  visits before and after. @param[out] ns,cpu_ns 0 where no run says it. */
void drift_at(const struct drift *, uint64_t at_ns, uint64_t *ns, uint64_t *cpu_ns);

/** Whether the last visit to the sentinel took more than 1.2 times the 10th percentile of the last ones: the device is
 *  throttled, or clocked down. Never before the fifth visit. */
bool drift_is_slow(const struct drift *);

#endif
