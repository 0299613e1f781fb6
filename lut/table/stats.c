/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>
#include <stdlib.h>

#include "lut/table/table.h"

static const double ns_in_ms = 1e6;

double latency_best_ms(const struct latency *l)
{
    return isnan(l->trimmed_ms) ? l->mean_ms : l->trimmed_ms;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double mean_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

/* Sample standard deviation; 0 for a single sample. */
static double deviation_of(const double *x, size_t n, double mean)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
    return n > 1 ? sqrt(squares / (double)(n - 1)) : 0;
}

/* Quantile of sorted numbers, linear between neighbours: position q (n-1). */
static double quantile_of(const double *sorted, size_t n, double q)
{
    double position = q * (double)(n - 1);
    size_t below = (size_t)position;
    if (below + 1 >= n) return sorted[n - 1];
    return sorted[below] + (position - (double)below) * (sorted[below + 1] - sorted[below]);
}

void latency_from_samples(double *samples_ns, size_t n, struct latency *out)
{
    qsort(samples_ns, n, sizeof *samples_ns, compare_doubles);
    size_t dropped = n / 10;
    double mean = mean_of(samples_ns, n);
    out->count = out->samples = n;
    out->mean_ms = mean / ns_in_ms;
    out->trimmed_ms = mean_of(samples_ns + dropped, n - 2 * dropped) / ns_in_ms;
    out->std_ms = deviation_of(samples_ns, n, mean) / ns_in_ms;
    out->min_ms = samples_ns[0] / ns_in_ms;
    out->p50_ms = quantile_of(samples_ns, n, 0.5) / ns_in_ms;
    out->p90_ms = quantile_of(samples_ns, n, 0.9) / ns_in_ms;
    out->ci_ms = out->cpu_share = NAN;
    out->contexts = 0;
    out->alone = false;
    out->updated_ms = 0;
}
