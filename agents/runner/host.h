/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What this machine and this program are: the lines of a table's fingerprint. Only what stays the same from one minute
 * to the next, since another fingerprint starts another version of a table.
 * Threads: any. */
#ifndef LATHE_RUNNER_HOST_H
#define LATHE_RUNNER_HOST_H

#include <stdint.h>

#include "agents/runner/runtime.h"

enum { HOST_LINES = 16 + RUNTIME_LINES, HOST_LINE_BYTES = RUNTIME_LINE_BYTES };

struct host_lines {
    char line[HOST_LINES][HOST_LINE_BYTES]; /* "key=value", printable, cut to fit */
    int count;
};

/** The processor's name as the system tells it, e.g. "AMD EPYC", or "unknown". */
void host_cpu(char *out, size_t capacity);
/** The vector extensions that matter to inference, "avx2,fma,avx512f", or "none". */
void host_isa(char *out, size_t capacity);
/** 16 hexadecimal digits: a hash of this program's file. Static. */
const char *host_build_id(void);
/** Another number each start. */
uint32_t host_boot_id(void);

void host_fingerprint(const struct runtime *, const struct runtime_options *, struct host_lines *out);

#endif
