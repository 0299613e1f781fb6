/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* NSGA-II (Deb, Pratap, Agarwal and Meyarivan, 2002) over subnets: fronts of any objectives, on any space.
 *
 * Constraint domination; binary tournaments by rank and crowding; uniform crossover and mutation by genes as in
 * evolution.c. The first generation holds optima of local additive models (the knapsack of chain.h) under limits that
 * are spread over the first cost, where the space is a chain of stages. What was not dominated by anything found is
 * kept in an archive, and is the front. Threads: any number on one problem. */
#ifndef LATHE_SEARCH_NSGA2_H
#define LATHE_SEARCH_NSGA2_H

#include "server/search/front.h"

/* Objectives as bits: top-1 is maximised, costs are minimised. */
enum { NSGA2_TOP1 = 1u << COSTS };
static inline unsigned nsga2_cost(enum cost cost)
{
    return 1u << cost;
}

struct nsga2_options {
    int population, generations;  /* 4..2000, 1..100000 */
    double mutation_probability;  /* of a gene */
    double crossover_probability; /* of a child; else it is a copy to be mutated */
    bool seeded;                  /* with knapsack optima */
};
/** 100, 200, 0.1, 0.9, seeded: some 20,000 predictions. */
void nsga2_defaults(struct nsga2_options *);

/** @param objectives two or more bits, at least one cost's. @param r limits, seed, callbacks.
 *  @param points how many at most, the least crowded ones; 2..FRONT_POINTS_MOST.
 *  @param[out] out by the first cost objective, ascending; front_clear() it. Written on LATHE_OK only.
 *  @return as front_run(); LATHE_INVALID (field "objectives", "nsga2.population", ...). */
enum lathe_status nsga2_run(const struct problem *, const struct search_request *r, const struct nsga2_options *,
                            unsigned objectives, int points, struct front *out, struct lathe_error *err);

#endif
