/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Predictors from one's own data: ridge regression in closed form, a multi-layer perceptron, or the better of the two.
 *
 * Every tenth row is held out and used for nothing but the report. Every tenth of the others chooses: ridge's lambda,
 * the epoch after which the perceptron stops, and which of the two is kept. What is kept was then fitted to all rows
 * but those held out. Threads: any. */
#ifndef LATHE_PREDICTORS_TRAINING_H
#define LATHE_PREDICTORS_TRAINING_H

#include "server/predictors/mlp.h"
#include "server/predictors/predictor.h"

enum training_method { TRAIN_AUTO, TRAIN_RIDGE, TRAIN_MLP };
/** "auto", "ridge", "mlp". Static. */
const char *training_method_name(enum training_method);
bool training_method_find(const char *name, enum training_method *out);

struct training_options {
    enum training_method method;
    struct mlp_options mlp;
};
void training_defaults(struct training_options *);

/* How good a candidate is: top-1 as a fraction. */
struct training_figures {
    bool fitted;
    double choosing_mae;         /* on the rows that choose, before the last fit */
    double mae, kendall_tau, r2; /* on the held-out rows */
    double lambda;               /* of ridge */
    int epochs;                  /* of the perceptron */
};

struct training_report {
    size_t rows, train_rows, held_out_rows;
    enum training_method kept;
    struct training_figures ridge, mlp;
    size_t file_bytes;
};
/** The figures of the one that was kept. */
const struct training_figures *training_kept(const struct training_report *);

/** Fit from a CSV with columns k0..,e0..,d0..,r,accuracy (header line required, order free). Columns of skipped blocks
 *  may hold anything. At least 100 rows. @param name where the rows are from: goes into the file's provenance.
 *  @param[out] file malloc'd safetensors bytes. The same rows and options make the same file on one machine.
 *  @return LATHE_INVALID for broken rows, with their line, and for options out of range, with the field "method",
 *          "hidden", "epochs", ..., or when only a perceptron was asked for and diverged; LATHE_CANCELLED. */
enum lathe_status predictor_train(const struct space *, const char *csv, size_t csv_size, const char *name,
                                  const struct training_options *, char **file, size_t *file_size,
                                  struct training_report *, struct lathe_error *err);

#endif
