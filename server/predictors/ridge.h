/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Ridge regression on sparse rows, in closed form by the normal equations. Threads: one owner. */
#ifndef LATHE_PREDICTORS_RIDGE_H
#define LATHE_PREDICTORS_RIDGE_H

#include <stddef.h>

#include "lut/base/error.h"
#include "server/predictors/encoding.h"

struct ridge_row {
    struct feature features[ENCODING_MAX_ACTIVE];
    int count;
    double target;
};

/* Sums over rows that the fit needs: they can be subtracted from each other, too. */
struct ridge_sums {
    int features;
    double rows, target;
    double *x;  /* [features] sums of the features */
    double *xy; /* [features] of feature times target */
    double *xx; /* [features][features] of products of features; only the lower half is kept */
};

enum lathe_status ridge_sums_init(struct ridge_sums *, int features, struct lathe_error *err);
void ridge_sums_clear(struct ridge_sums *);
void ridge_sums_add(struct ridge_sums *, const struct ridge_row *);
/** As if the row were there `weight` times. @param weight above 0. */
void ridge_sums_add_weighted(struct ridge_sums *, const struct ridge_row *, double weight);

/** Least sum of (target - w.x - b)^2 plus lambda * |w|^2; the intercept b is not penalised.
 *  @param lambda above 0: redundant features share their weight. @param[out] w features numbers. */
enum lathe_status ridge_solve(const struct ridge_sums *, double lambda, double *w, double *b, struct lathe_error *err);

double ridge_predict(const double *w, double b, const struct ridge_row *);

#endif
