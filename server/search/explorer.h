/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What searches by local models share: from a centre, a model of what every change is worth is made, its best subnets
 * within the limits are enumerated (chain.h) and predicted, and the best of them that was no centre yet is the next.
 *
 * Models are of two kinds. The gradient's costs as much as a few predictions: changes count with their exact effect on
 * the predictor's first layer and to first order in the others. The exact one predicts every single change. A descent
 * goes by the first kind until it gains nothing more, then by the second.
 *
 * Work is counted, not timed: predictions, bounds and nodes times what each takes on one idle core. So the same request
 * does the same on a busy machine, and what a larger budget does begins with all that a smaller one does.
 * Threads: an explorer belongs to one search. */
#ifndef LATHE_SEARCH_EXPLORER_H
#define LATHE_SEARCH_EXPLORER_H

#include "server/predictors/estimator.h"
#include "server/search/chain.h"

struct explorer;

/* Told of every batch of subnets that were found within the limits, with estimates of their top-1. */
struct explorer_observer {
    void (*found)(void *context, const struct subnet *, const float *top1, int count);
    void *context;
};

/** @param budget_us work after which explorer_descend() stops and explorer_done() is true.
 *  @return LATHE_UNSUPPORTED when the space is no chain of stages, or has more than some 1,000 values of dimensions;
 *          LATHE_NO_MEMORY. */
enum lathe_status explorer_new(const struct problem *, const struct search_request *, double budget_us,
                               struct explorer_observer, struct explorer **out, struct lathe_error *err);
void explorer_free(struct explorer *);

void explorer_set_limits(struct explorer *, const struct limits *);
const struct limits *explorer_limits(const struct explorer *);
struct rng *explorer_rng(struct explorer *);
bool explorer_is_linear(const struct explorer *);

/** A random subnet of a resolution, near the limits where that is not hard to find. */
struct subnet explorer_draw(struct explorer *, uint8_t resolution);

struct descent {
    bool gradient, exact; /* kinds of models to go by */
    int patience;         /* expansions without gain that end the exact kind */
    int most_expansions;  /* 0: any number */
};

/** Descend from a subnet, which need not be within the limits.
 *  @param[out] best the best found; untouched when there was none. @param[out] best_top1 -INFINITY then.
 *  @return LATHE_OK or LATHE_CANCELLED. */
enum lathe_status explorer_descend(struct explorer *, const struct subnet *start, struct descent, struct subnet *best,
                                   float *best_top1);

/** Predict subnets in f32, which takes longer than an estimate. @param top1 n */
void explorer_confirm(struct explorer *, const struct subnet *, int n, float *top1);
/** Estimate given subnets, which the observer is not told of. */
void explorer_estimate(struct explorer *, const struct subnet *, int n, float *top1);
uint64_t explorer_key(const struct explorer *, const struct subnet *);

double explorer_work_us(const struct explorer *);
bool explorer_done(const struct explorer *);
/** Allow more work. */
void explorer_extend(struct explorer *, double more_us);
/** Predictions so far, of both kinds. */
uint64_t explorer_evaluations(const struct explorer *);

#endif
