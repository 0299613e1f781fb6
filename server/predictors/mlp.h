/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Fitting of multi-layer perceptrons with ReLU to sparse rows: mini-batch Adam with decoupled weight decay (Kingma and
 * Ba, ICLR 2015; Loshchilov and Hutter, ICLR 2019), a cosine schedule of the learning rate, an exponential moving
 * average of the weights, and early stop on rows that are not trained on. The same rows, options and seed give the same
 * weights on one machine. Threads: one owner. */
#ifndef LATHE_PREDICTORS_MLP_H
#define LATHE_PREDICTORS_MLP_H

#include <stdbool.h>
#include <stdint.h>

#include "server/predictors/ridge.h"

enum { MLP_HIDDEN_MOST = 4, MLP_WIDTH_MOST = 1024, MLP_EPOCHS_MOST = 2000 };

struct mlp_options {
    int hidden[MLP_HIDDEN_MOST], hidden_count; /* widths: 1..MLP_WIDTH_MOST */
    int epochs;                                /* of the learning rate's schedule; 1..MLP_EPOCHS_MOST */
    int stop_after;                            /* this many of them; 0: all */
    int batch;
    double learning_rate, weight_decay;
    uint64_t seed;
    bool (*cancelled)(void *); /* asked every few batches; NULL: never */
    void *cancelled_context;
    void (*progress)(void *, double fraction); /* NULL: none */
    void *progress_context;
};
/** 128 and 128 hidden units, and what was found to work for some 10,000 rows of one-hot features. */
void mlp_defaults(struct mlp_options *);

struct mlp_layer {
    int in, out;
    float *weight; /* [in][out] */
    float *bias;   /* [out] */
};

struct mlp {
    int layer_count;
    struct mlp_layer layers[MLP_HIDDEN_MOST + 1]; /* the last one has one output */
};

/* Rows by number: a list of the caller's. */
struct mlp_rows {
    const struct ridge_row *const *rows;
    size_t count;
};

/** Fit until the rows of `stop` are predicted best; with none, for all epochs.
 *  @param[out] epochs the epoch whose weights were kept, counted from 1; may be NULL.
 *  @param[out] out mlp_clear() it. @return LATHE_OK; LATHE_INVALID when it diverged; LATHE_CANCELLED; LATHE_NO_MEMORY.
 */
enum lathe_status mlp_fit(struct mlp_rows fit, struct mlp_rows stop, int features, const struct mlp_options *,
                          struct mlp *out, int *epochs, struct lathe_error *err);
void mlp_clear(struct mlp *);

double mlp_predict(const struct mlp *, const struct ridge_row *);

/** Loss (half the mean square error) of some rows and its gradient, in the layout of an mlp: for tests.
 *  @param gradient of the same shape as the mlp; overwritten. @return NAN when out of memory. */
double mlp_gradient(const struct mlp *, struct mlp_rows, struct mlp *gradient);

/** An mlp of zeros, of the shape that options describe. */
enum lathe_status mlp_init(struct mlp *, int features, const struct mlp_options *, struct lathe_error *err);

#endif
