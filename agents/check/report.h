/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What check-runner prints: a line a check, or one JSON object. Threads: one. */
#ifndef LATHE_CHECK_REPORT_H
#define LATHE_CHECK_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "agents/check/checks.h"

struct report {
    FILE *out;
    json_t *json; /* the array of checks; NULL: lines */
    int passed, failed, skipped;
    char runner[80]; /* what HELLO said */
};

void report_begin(struct report *, FILE *out, bool json);
void report_check(struct report *, const struct check *, const struct verdict *);
/** The last line, or the object. */
void report_end(struct report *, const struct probe_options *);

#endif
