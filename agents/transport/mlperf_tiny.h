/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Boards that run the firmware of MLPerf Tiny: lines of ASCII, commands that end in '%', no checksums. Such a board has
 * one model and times it as a whole, by its own clock. An answer that is not complete and in order is asked for again.
 * Threads: a board belongs to one thread at a time. */
#ifndef LATHE_TRANSPORT_MLPERF_TINY_H
#define LATHE_TRANSPORT_MLPERF_TINY_H

#include "agents/transport/transport.h"

struct mlperf_tiny;

/** Open the link and ask the board what it is. @param hello_ms for it to answer, in all; 0: 10 s.
 *  @return LATHE_TIMEOUT when nothing answers; what opening the link says. */
enum lathe_status mlperf_tiny_open(const struct transport *, const struct transport_options *, int hello_ms,
                                   struct mlperf_tiny **out, struct lathe_error *err);
/** NULL is allowed. */
void mlperf_tiny_close(struct mlperf_tiny *);
/** What it calls itself, its firmware and its model; "" where it does not say. Borrowed. */
const char *mlperf_tiny_name(const struct mlperf_tiny *);
const char *mlperf_tiny_profile(const struct mlperf_tiny *);
const char *mlperf_tiny_model(const struct mlperf_tiny *);
/** Run the model on whatever input it has. @param n,warmup inferences timed and before that. @param limit_ms for all of
 *  it. @param[out] ns of the n inferences together, in steps of its clock, a microsecond.
 *  @return LATHE_UNSUPPORTED: the firmware was built to measure energy, and prints no times. */
enum lathe_status mlperf_tiny_infer(struct mlperf_tiny *, int n, int warmup, int limit_ms, uint64_t *ns,
                                    struct lathe_error *err);

#endif
