/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A linear model of the predictor, fitted to the subnets evaluated so far: a one-hot ridge regression over the
 * dimensions that have a choice. Skipped blocks add nothing to it. It is an additive model as mckp.h takes it, so its
 * best subnets within limits are found exactly.
 *
 * It keeps every evaluated subnet, each once. Threads: a surrogate belongs to one search. */
#ifndef LATHE_SEARCH_SURROGATE_H
#define LATHE_SEARCH_SURROGATE_H

#include "server/search/mckp.h"

struct surrogate {
    const struct problem *problem;
    struct predictor_work *work;
    struct additive_model model; /* of the last fit */
    /* What was evaluated, in that order: by row. */
    struct subnet *subnets; /* as they were asked for, not canonical */
    uint64_t *ids;
    float *top1;
    size_t count, capacity;
    size_t *index; /* row + 1 by hash of the id; 0 where free */
    size_t index_size;
    int first[SPACE_MAX_DIMS]; /* number of a dimension's first feature; -1: it has no choice */
    int features;
    double *w; /* [features] */
};

/** @param problem borrowed; has a predictor. */
enum lathe_status surrogate_init(struct surrogate *, const struct problem *problem, struct lathe_error *err);
void surrogate_clear(struct surrogate *);

/** The row of a subnet, or -1 when it was not evaluated. */
ptrdiff_t surrogate_find(const struct surrogate *, const struct subnet *);

/** Evaluate those that were not evaluated before: the new rows are those from the former count on. Asks between
 *  batches of a millisecond or so whether to stop. @return LATHE_OK, LATHE_CANCELLED or LATHE_NO_MEMORY; some may have
 *  been evaluated then. */
enum lathe_status surrogate_evaluate(struct surrogate *, const struct search_request *, const struct subnet *subnets,
                                     size_t n, struct lathe_error *err);

/** Fit the model. @param focus the row where it is to be best; -1: everywhere. @param lambda the ridge, above 0. */
enum lathe_status surrogate_fit(struct surrogate *, ptrdiff_t focus, double lambda, struct lathe_error *err);

/** What the model says of a subnet. */
float surrogate_predict(const struct surrogate *, const struct subnet *);

/** The best subnets of a model, this one's or another, that were not evaluated yet, by mckp_best(). @return how many.
 */
int surrogate_best(const struct surrogate *, const struct additive_model *model, struct mckp *,
                   const struct search_request *, struct candidate *found, int most, bool *exact);

#endif
