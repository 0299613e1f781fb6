/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How far the sum of a table's rows can be trusted, by subnets that were held out of it. Threads: plain values. */
#ifndef LATHE_JOBS_TRUST_H
#define LATHE_JOBS_TRUST_H

#include <stddef.h>

#include "lut/base/error.h"

/* One held-out subnet. */
struct trust_pair {
    double predicted_ms; /* the sum of its rows, without the table's factor */
    double measured_ms;  /* end to end, at the table's reference speed */
};

struct trust {
    size_t subnets;
    double factor; /* median of measured over predicted: what readers' rows are to be multiplied by */
    /* Errors of predictions for subnets that had no part in the factor: each pair is judged by the factor of the
     * others, where there are at least three. Shares: 0.02 is 2%. */
    double mape, worst;
    double raw_mape; /* with factor 1 */
    double tau;      /* Kendall's tau-b; NAN below two pairs */
};

/** @param pairs at least one, all above 0. */
enum lathe_status trust_of(const struct trust_pair *pairs, size_t n, struct trust *out, struct lathe_error *err);

#endif
