/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Locations and scales that a few odd numbers don't move. Threads: any. */
#ifndef LATHE_NIGHTLY_ROBUST_H
#define LATHE_NIGHTLY_ROBUST_H

#include <stddef.h>

/** The median; reorders x. @return NAN when n is 0. */
double median_of(double *x, size_t n);
/** Huber's M-estimate of location (tuning constant 1.345, scale by the median absolute deviation).
 *  @param weight n of them above 0, or NULL: all alike. @param room 2 n numbers. @return NAN when n is 0. */
double huber_centre(const double *x, const double *weight, size_t n, double *room);
/** The variance of numbers around 0, most of which are normal: by their median, or by the second largest where that
 * says more, so that what happens now and then counts, and what happened once does not. Reorders x. @return NAN when n
 * is below 3. */
double spread_about_zero(double *x, size_t n);

#endif
