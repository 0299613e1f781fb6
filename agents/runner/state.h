/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How this machine is from moment to moment, from /proc and /sys of Linux, and its clocks, which may be set where the
 * system allows it. Of several processors the ones count that this program may run on.
 * Threads: one owner. */
#ifndef LATHE_RUNNER_STATE_H
#define LATHE_RUNNER_STATE_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "lut/base/error.h"

struct host_state {
    uint16_t temperature_dk;         /* tenths of a kelvin, of the hottest sensor of a processor; 0: unknown */
    uint32_t khz, busy_khz, max_khz; /* now, on average since the last look, at most; 0: unknown */
    uint64_t available_kib;          /* memory; 0: unknown */
    double others_share;             /* 0..1 of the processors' time since the last look; -1: unknown */
    uint32_t throttles;              /* thermal throttling events so far, of all these processors */
};

/* What changes between two looks is known from what was there at the first. */
struct host_watch {
    const char *root; /* "" for the machine itself; a folder with proc/ and sys/ in it in tests */
    cpu_set_t cpus;
    bool looked;
    uint64_t total_ticks, busy_ticks, own_ticks;
    uint64_t khz_ticks, clock_ticks; /* sums over time_in_state */
};

/** @param root borrowed. */
void host_watch_init(struct host_watch *, const char *root);
void host_state_read(struct host_watch *, struct host_state *out);

/* Clocks as they were, to be put back. */
struct host_clocks {
    const char *root;
    cpu_set_t cpus;
    struct host_clock *were; /* malloc'd */
    int count;
};
/** Set the governor (NULL: leave it) and lock the clock (0: leave it) of the processors that this program may run on.
 *  @param[out] were host_clocks_restore() it, also before ending by a signal.
 *  @return LATHE_DENIED when the system does not let this user do it, LATHE_UNSUPPORTED when it has no such control,
 *  LATHE_INVALID for a governor or clock that it does not have; nothing is changed then. */
enum lathe_status host_clocks_set(const char *root, const char *governor, uint32_t khz, struct host_clocks *were,
                                  struct lathe_error *err);
void host_clocks_restore(struct host_clocks *);

#endif
