/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Dominance, fronts and hypervolumes of plain numbers: rows of m objectives, all to be minimised.
 * Threads: any. */
#ifndef LATHE_SEARCH_PARETO_H
#define LATHE_SEARCH_PARETO_H

#include <stdbool.h>
#include <stddef.h>

enum { PARETO_OBJECTIVES_MOST = 8 };

/** Whether a is nowhere worse than b and somewhere better. */
bool pareto_dominates(const double *a, const double *b, int m);

/** Fronts of a population by fast non-dominated sorting, with constraint domination (Deb, Pratap, Agarwal and
 * Meyarivan, IEEE Transactions on Evolutionary Computation 6 (2), 2002): of two feasible ones as pareto_dominates(),
 * else the one that violates its constraints less. O(m n^2).
 *  @param values [n][m]. @param violation [n], 0 for feasible ones; NULL: all are. @param[out] rank [n] from 0.
 *  @return false when out of memory. */
bool pareto_sort(const double *values, const double *violation, size_t n, int m, int *rank);

/** Crowding distances within one front (the same paper): the sum over objectives of the distance between a point's
 *  neighbours, relative to the front's span; INFINITY at the ends of any objective.
 *  @param items numbers of the rows of the front. @param[out] distance [count], by place in items.
 *  @return false when out of memory. */
bool pareto_crowding(const double *values, int m, const size_t *items, size_t count, double *distance);

/** Keep the rows that no other one dominates, and of equal ones the first.
 *  @param[out] kept numbers of the rows, ascending; room for n. @return how many. */
size_t pareto_filter(const double *values, size_t n, int m, size_t *kept);

/** The volume that is dominated by some rows and bounded by a reference point; exact, by slicing along the last
 *  objective. Rows that are not better than the reference in every objective count nothing. Meant for some hundred
 * rows.
 *  @return NAN when out of memory. */
double pareto_hypervolume(const double *values, size_t n, int m, const double *reference);

#endif
