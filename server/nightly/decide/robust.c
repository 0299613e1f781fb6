/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/nightly/decide/robust.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double median_of(double *x, size_t n)
{
    if (n == 0) return NAN;
    qsort(x, n, sizeof *x, compare);
    return (x[(n - 1) / 2] + x[n / 2]) / 2;
}

double huber_centre(const double *x, const double *weight, size_t n, double *room)
{
    if (n == 0) return NAN;
    memcpy(room, x, n * sizeof *x);
    double centre = median_of(room, n);
    for (size_t i = 0; i < n; i++) room[i] = fabs(x[i] - centre);
    double bound = 1.345 * 1.4826 * median_of(room, n);
    for (int step = 0; step < 8; step++) {
        double sum = 0;
        double total = 0;
        for (size_t i = 0; i < n; i++) {
            double off = fabs(x[i] - centre);
            double w = (weight ? weight[i] : 1) * (off > bound ? bound / off : 1);
            sum += w * x[i];
            total += w;
        }
        if (!(total > 0)) break;
        centre = sum / total;
    }
    return centre;
}

/* z with this chance of a normal variable to be further from 0, by Abramowitz and Stegun 26.2.23: within 0.0005. */
static double normal_quantile(double two_sided)
{
    double t = sqrt(-2 * log(two_sided / 2));
    return t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
}

double spread_about_zero(double *x, size_t n)
{
    const double quarter = 0.67449; /* half of a normal variable's values are nearer to 0, in standard deviations */
    if (n < 3) return NAN;
    for (size_t i = 0; i < n; i++) x[i] = fabs(x[i]);
    double spread = median_of(x, n) / quarter;
    if (n >= 5) {
        double usual = normal_quantile((2 - 0.375) / ((double)n + 0.25)); /* Blom's place of the second largest */
        spread = fmax(spread, x[n - 2] / usual);
    }
    return spread * spread;
}
