/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Where the level of a series changed. Threads: any. */
#ifndef LATHE_NIGHTLY_CHANGES_H
#define LATHE_NIGHTLY_CHANGES_H

#include <stdbool.h>
#include <stddef.h>

struct change_point {
    size_t at;   /* first of the new level */
    double step; /* its mean less that of the level before, each up to the next change point */
    double p;    /* Student's t between both, times the places that were to choose from */
};

/** Change points in order. E-divisive means (Matteson and James 2014): the split with the greatest energy distance
 *  between its sides, then the same within each side, as long as the sides differ by Student's t; in windows of
 * `window` numbers that overlap by half. Splits are found with a lenient bound and, weakest first, given up until all
 * pass the strict one, as Fleming and Kołaczkowski's Hunter (2023) does; a split next to which there was another,
 * stronger one is judged by its own neighbours so.
 *  @param x n finite numbers. @param out room for n. @return how many. */
size_t change_points(const double *x, size_t n, size_t window, struct change_point *out);

/** How a series came to its last level: at once, or little by little. */
struct change_shape {
    size_t at;   /* the first number that is of the new level, or on the way to it */
    double step; /* last level less the first */
    bool gradual;
};

/** The better of two models by least squares: a step at any place, or a ramp from any place to the end. A ramp is told
 *  where it leaves less and runs over at least five numbers. @param n at least 2: else a step at the last number. */
struct change_shape change_shape(const double *x, size_t n);

#endif
