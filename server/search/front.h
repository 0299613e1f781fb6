/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Pareto fronts: subnets that no other one found beats in accuracy and in cost.
 *
 * The points of a front of accuracy against one cost stand at round limits (10, 15, 20, 25 ms, ...), where people ask,
 * and between them where accuracy changes most: each is the best subnet that was found under its limit. All of these
 * searches are one: the limits are swept up and down, what one finds starts the next, and a prediction counts for
 * every limit that its subnet meets. Threads: front_run() may run on any number of threads on one problem. */
#ifndef LATHE_SEARCH_FRONT_H
#define LATHE_SEARCH_FRONT_H

#include "server/search/search.h"

enum { FRONT_POINTS_MOST = 200 };
extern const double FRONT_BUDGET_MS; /* what a request for 50 points gets by default: 260 */

struct front_point {
    struct subnet subnet; /* canonical */
    double top1;
    double cost[COSTS];
};

struct front {
    struct front_point *points; /* by the cost, ascending; top-1 rises with it */
    size_t count;
    uint64_t evaluations;
    double elapsed_ms, cpu_ms;
    const char *algorithm; /* static */
};

void front_clear(struct front *);

/** Find a front of top-1 against a cost from the subnet of least cost to the most accurate one, within the limits. On a
 *  space that is no chain of stages NSGA-II does it (nsga2.h).
 *  @param r limits, seed, budget_ms, callbacks; its objective is not looked at.
 *  @param points how many at most, 2..FRONT_POINTS_MOST. There may be fewer: a small space has no more.
 *  @param[out] out written on LATHE_OK only; front_clear() it.
 *  @return as search_run(); LATHE_INVALID (field "points"). */
enum lathe_status front_run(const struct problem *, const struct search_request *, enum cost, int points,
                            struct front *out, struct lathe_error *err);

#endif
