/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A predictor's fast side, for searches: batches in bfloat16 where the processor multiplies it, every subnet once (a
 * cache answers the second time), and gradients, which tell what hundreds of small changes are worth for the price of
 * a few predictions. Estimates of a large predictor may be some 0.01 points off predictor_evaluate(); a search predicts
 * its best ones again with that.
 * Same calls, same results on one machine, whatever else it does. Nothing is allocated after estimator_new().
 * Threads: an estimator belongs to one thread. */
#ifndef LATHE_PREDICTORS_ESTIMATOR_H
#define LATHE_PREDICTORS_ESTIMATOR_H

#include "server/predictors/predictor.h"

struct estimator;

/** @param predictor borrowed. @param remember how many subnets the cache is to hold. */
enum lathe_status estimator_new(const struct predictor *, size_t remember, struct estimator **out,
                                struct lathe_error *err);
void estimator_free(struct estimator *);

/** Estimate. All resolutions must be such that the predictor has them.
 *  @param top1 n fractions. @param keys n; equal for subnets that are one to the predictor, never 0; may be NULL. */
void estimator_run(struct estimator *, const struct subnet *, size_t n, float *top1, uint64_t *keys);
uint64_t estimator_key(const struct estimator *, const struct subnet *);
/** How many subnets were predicted so far, those from the cache not counted. */
uint64_t estimator_count(const struct estimator *);

/** Take a subnet as the centre of estimator_gains(). @return its top-1 in f32. */
float estimator_set_centre(struct estimator *, const struct subnet *);
/** What subnets near the centre are worth more than it: the first layer exactly, the others by their gradient.
 *  @param gains n fractions. */
void estimator_gains(struct estimator *, const struct subnet *, size_t n, float *gains);

/** Whether the gains are exact: the predictor is linear. */
bool estimator_is_linear(const struct estimator *);

/* What work costs on one idle core, in microseconds, by the predictor's size and the kind of processor: figures to
 * count work with, the same in every run. */
struct estimator_costs {
    double estimate, centre, gain;
};
struct estimator_costs estimator_costs(const struct estimator *);

#endif
