/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How well one list of numbers orders another. Threads: any. */
#ifndef LATHE_BASE_RANK_H
#define LATHE_BASE_RANK_H

#include <stddef.h>

/** Kendall's tau-b by Knight's method, O(n log n).
 *  @param[out] tau -1..1; NAN when one of the lists is constant or n is below 2. @return 0, or -1 when out of memory.
 */
int kendall_tau(const double *x, const double *y, size_t n, double *tau);

#endif
