/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The name of a table's config, read strictly: "<runtime>-<dtype>-t<threads>-b<batch>", e.g. "xnnpack-f32-t1-b1".
 * The server needs its numbers only; which runtimes there are is the runner's to say. Threads: plain values. */
#ifndef LATHE_JOBS_CONFIG_H
#define LATHE_JOBS_CONFIG_H

#include "lut/base/error.h"

struct config_numbers {
    int threads, batch; /* 1..64 */
};

/** @param[out] out may be NULL; written on LATHE_OK only. @return LATHE_INVALID, field "config". */
enum lathe_status config_read(const char *config, struct config_numbers *out, struct lathe_error *err);

#endif
