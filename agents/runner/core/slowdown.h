/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* For tests of nights only: some layers take longer than they do. The runner spins behind each of them, inside what is
 * timed, for a share of what it took: times of layers, of whole networks and of the CPU all grow. No fingerprint tells
 * of it, since a slowdown that a fingerprint explains is not what is to be found. Runtimes on the CPU only.
 * Threads: set it before networks are built. */
#ifndef LATHE_RUNNER_SLOWDOWN_H
#define LATHE_RUNNER_SLOWDOWN_H

#include <stdint.h>

#include "lut/layer/layer.h"

/* Of lathe-run's environment. */
#define SLOWDOWN_VARIABLE "LATHE_RUN_TEST_SLOWDOWN"

/** @param text "PREFIX=FACTOR", e.g. "mbconv=1.10" or "mbconv in=20x20x48=1.05": layers whose canonical text begins so
 *  take so many times as long, from 1 to 100. NULL or "": none.
 *  @return LATHE_INVALID. */
enum lathe_status slowdown_set(const char *text, struct lathe_error *err);
/** What a layer is to take beyond what it takes, as a share of that; 0: nothing. */
double slowdown_share(const struct layer *);
/** Spin. @param start_ns when the layer began, by clock_now_ns(). */
void slowdown_wait(uint64_t start_ns, double share);

#endif
