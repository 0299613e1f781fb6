/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What `lathe-run list` and `lathe-run bench` print. Threads: one. */
#ifndef LATHE_RUNNER_REPORT_H
#define LATHE_RUNNER_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "agents/runner/core/rig.h"

/** Runtimes with versions, dtypes and threads, what they can't do here and why, and this machine's processor. */
void report_list(FILE *out, bool json);

struct bench_request {
    struct rig_options rig;
    int warmup, runs;
    bool whole; /* the layers are one network, timed in order; otherwise each is timed alone */
    bool json;
};

/** Time layers and print a line each. LATHE_INVALID names the layer at fault. */
enum lathe_status report_bench(FILE *out, const struct bench_request *, const struct layer *, int count,
                               struct lathe_error *err);

#endif
