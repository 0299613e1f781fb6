/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Layers whose instructions are counted on a board, and whose outputs are compared with the reference runtime's: the
 * image has this list, and so has the program on the host that says what must come out.
 * Threads: constants. */
#ifndef LATHE_FIRMWARE_BENCH_CASES_H
#define LATHE_FIRMWARE_BENCH_CASES_H

#include "lut/layer/layer.h"

enum { BENCH_SEED = 7 };

struct bench_case {
    const char *name; /* without spaces */
    struct layer layer;
};

extern const struct bench_case bench_cases[];
extern const int bench_case_count;

#endif
