/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Lists of processors as Linux prints them: "0-3,6". Threads: plain values. */
#ifndef LATHE_BASE_CPUS_H
#define LATHE_BASE_CPUS_H

#include <sched.h>

#include "lut/base/error.h"

enum { CPUS_TEXT_BYTES = 128, CPUS_MASK_BYTES = CPU_SETSIZE / 4 + 1 };

/** @return LATHE_INVALID, field "cpus", unless text is a list of numbers and ranges below CPU_SETSIZE, at most
 *  CPUS_TEXT_BYTES - 1 characters. */
enum lathe_status cpus_parse(const char *text, cpu_set_t *out, struct lathe_error *err);
/** The set as a hexadecimal mask without prefix, as taskset takes it. */
void cpus_mask(const cpu_set_t *, char out[CPUS_MASK_BYTES]);

#endif
