/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Places buffers in one arena: buffers that live at the same time never overlap, others share memory.
 * Greedy by size, the largest first at the lowest free offset; for a chain of layers that is ping-pong.
 * Threads: plain values. */
#ifndef LATHE_RUNNER_ARENA_H
#define LATHE_RUNNER_ARENA_H

#include <stddef.h>

#include "lut/base/error.h"

struct arena_item {
    size_t bytes;    /* padding is added here */
    int first, last; /* steps in which it lives, both included */
    size_t offset;   /* output: a multiple of RUNTIME_ALIGN_BYTES */
};

/** @param[out] total_bytes of the arena. @return LATHE_NO_MEMORY when the sum overflows or memory is short. */
enum lathe_status arena_plan(struct arena_item *, size_t n, size_t *total_bytes, struct lathe_error *err);

#endif
