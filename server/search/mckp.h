/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The multiple-choice knapsack problem: the best subnets of an additive model within limits, over all resolutions.
 *
 * Where chain_best() looks around a centre and stops after a small number of nodes, this is for models that hold
 * everywhere: it goes on until the answer is exact, and says when it gave up before. Resolutions are taken in order of
 * a Lagrangian bound, so that most are never looked into; within one, dynamic programming over fine bins of the budget
 * bounds a depth-first search (Kellerer, Pferschy and Pisinger, Knapsack Problems, 2004, chapter 11). Several limits
 * are weighed into one budget for the bounds, and hold exactly for what is found.
 * Threads: a solver belongs to one search. */
#ifndef LATHE_SEARCH_MCKP_H
#define LATHE_SEARCH_MCKP_H

#include "server/search/chain.h"

struct mckp;

/** @param problem,limits borrowed; must outlive it. @return LATHE_UNSUPPORTED as chain_new(). */
enum lathe_status mckp_new(const struct problem *problem, const struct limits *limits, struct mckp **out,
                           struct lathe_error *err);
void mckp_free(struct mckp *);

struct mckp_query {
    const struct additive_model *model;
    bool (*skip)(const void *context, const struct subnet *); /* those not to be found; NULL: none */
    const void *skip_context;
    const struct search_request *request; /* asked every millisecond or two whether to stop */
    int most;                             /* at least 1 */
};

/** @param[out] found space for query->most, best first; no subnet twice.
 *  Choices that have no effect are some that are allowed. @param[out] exact whether these are the best, up to rounding
 * of 1e-6: no time ran out.
 *  @return how many. */
int mckp_best(struct mckp *, const struct mckp_query *query, struct candidate *found, bool *exact);

#endif
