/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Training of predictors by ridge regression. */
#include <math.h>
#include <stdlib.h>

#include "server/predictors/predictor.h"
#include "server/predictors/rank.h"
#include "server/predictors/ridge.h"
#include "server/predictors/safetensors.h"
#include "server/predictors/samples.h"

enum { FOLD = 10, LEAST_ROWS = 100 };

/* What a row is for. Every tenth row of the file is held out; every tenth of the others chooses lambda. */
enum part { PART_FIT, PART_CHOOSE, PART_HELD_OUT };

static enum part part_of(size_t row)
{
    if (row % FOLD == FOLD - 1) return PART_HELD_OUT;
    size_t among_training = row - row / FOLD;
    return among_training % FOLD == FOLD - 1 ? PART_CHOOSE : PART_FIT;
}

struct fit {
    struct encoding encoding;
    const struct samples *samples;
    double *w, b;
    double lambda;
};

static void encode(const struct fit *fit, size_t row, struct ridge_row *out)
{
    const struct sample *sample = &fit->samples->items[row];
    out->count = encoding_features(&fit->encoding, &sample->subnet, out->features);
    out->target = sample->top1;
}

static void add_part(const struct fit *fit, enum part part, struct ridge_sums *sums)
{
    for (size_t i = 0; i < fit->samples->count; i++) {
        struct ridge_row row;
        if (part_of(i) != part) continue;
        encode(fit, i, &row);
        ridge_sums_add(sums, &row);
    }
}

static double squared_error(const struct fit *fit, enum part part)
{
    double sum = 0;
    for (size_t i = 0; i < fit->samples->count; i++) {
        struct ridge_row row;
        if (part_of(i) != part) continue;
        encode(fit, i, &row);
        double error = ridge_predict(fit->w, fit->b, &row) - row.target;
        sum += error * error;
    }
    return sum;
}

static enum lathe_status choose_lambda(struct fit *fit, const struct ridge_sums *sums, struct lathe_error *err)
{
    static const double grid[] = {0.001, 0.01, 0.1, 1, 10, 100, 1000};
    double least = INFINITY;
    for (size_t i = 0; i < sizeof grid / sizeof grid[0]; i++) {
        enum lathe_status st = ridge_solve(sums, grid[i], fit->w, &fit->b, err);
        if (st) return st;
        double error = squared_error(fit, PART_CHOOSE);
        if (error >= least) continue;
        least = error;
        fit->lambda = grid[i];
    }
    return LATHE_OK;
}

static enum lathe_status solve(struct fit *fit, struct lathe_error *err)
{
    struct ridge_sums sums;
    enum lathe_status st = ridge_sums_init(&sums, fit->encoding.features, err);
    if (st) return st;
    add_part(fit, PART_FIT, &sums);
    st = choose_lambda(fit, &sums, err);
    if (!st) {
        add_part(fit, PART_CHOOSE, &sums);
        st = ridge_solve(&sums, fit->lambda, fit->w, &fit->b, err);
    }
    ridge_sums_clear(&sums);
    return st;
}

/* Figures of predictions against the held-out targets. */
static enum lathe_status compare(const double *predicted, const double *target, size_t n, struct training_report *out,
                                 struct lathe_error *err)
{
    double mean = 0;
    double residual = 0;
    double total = 0;
    double absolute = 0;
    for (size_t i = 0; i < n; i++) mean += target[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        double error = predicted[i] - target[i];
        residual += error * error;
        absolute += fabs(error);
        total += (target[i] - mean) * (target[i] - mean);
    }
    if (total <= 0) return error_set(err, LATHE_INVALID, "all accuracies held out are equal: there is nothing to fit");
    out->r2 = 1 - residual / total;
    out->mae = absolute / (double)n;
    if (kendall_tau(predicted, target, n, &out->kendall_tau)) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    return LATHE_OK;
}

static enum lathe_status report(const struct fit *fit, struct training_report *out, struct lathe_error *err)
{
    size_t rows = fit->samples->count;
    double *predicted = malloc(rows * sizeof *predicted);
    double *target = malloc(rows * sizeof *target);
    size_t n = 0;
    enum lathe_status st = LATHE_OK;
    if (!predicted || !target) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (size_t i = 0; !st && i < rows; i++) {
        struct ridge_row row;
        if (part_of(i) != PART_HELD_OUT) continue;
        encode(fit, i, &row);
        predicted[n] = ridge_predict(fit->w, fit->b, &row);
        target[n++] = row.target;
    }
    *out = (struct training_report){.rows = rows, .train_rows = rows - n, .held_out_rows = n, .lambda = fit->lambda};
    if (!st) st = compare(predicted, target, n, out, err);
    free(predicted);
    free(target);
    return st;
}

/* Six digits: what is left differs between machines. */
static void put_number(json_t *object, const char *name, double value)
{
    json_object_set_new(object, name, json_sprintf("%.6g", value));
}

static void put_count(json_t *object, const char *name, size_t count)
{
    json_object_set_new(object, name, json_sprintf("%zu", count));
}

static json_t *provenance(const struct space *space, const char *name, const struct training_report *r)
{
    json_t *m = json_object();
    json_object_set_new(m, "space", json_string(space_id(space)));
    json_object_set_new(m, "output", json_string("top-1 accuracy, fraction"));
    json_object_set_new(m, "method", json_string("ridge regression on one-hot features, intercept not penalised"));
    json_object_set_new(m, "data", json_string(name));
    json_object_set_new(m, "held_out", json_string("every tenth row"));
    put_count(m, "rows", r->rows);
    put_count(m, "train_rows", r->train_rows);
    put_count(m, "held_out_rows", r->held_out_rows);
    put_number(m, "lambda", r->lambda);
    put_number(m, "r2", r->r2);
    put_number(m, "mae", r->mae);
    put_number(m, "kendall_tau", r->kendall_tau);
    return m;
}

static enum lathe_status write_file(const struct fit *fit, const char *name, const struct training_report *report,
                                    char **file, size_t *size, struct lathe_error *err)
{
    size_t n = (size_t)fit->encoding.features;
    float bias = (float)fit->b;
    float *weights = malloc(n * sizeof *weights);
    json_t *metadata = provenance(fit->encoding.space, name, report);
    enum lathe_status st = LATHE_OK;
    if (!weights || !metadata) {
        st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    } else {
        for (size_t i = 0; i < n; i++) weights[i] = (float)fit->w[i];
        const struct tensor_source tensors[] = {
            {.name = "0.weight", .rank = 2, .shape = {1, n}, .values = weights},
            {.name = "0.bias", .rank = 1, .shape = {1}, .values = &bias},
        };
        st = safetensors_write(metadata, tensors, 2, file, size, err);
    }
    json_decref(metadata);
    free(weights);
    return st;
}

static enum lathe_status train(const struct space *space, const struct samples *samples, const char *name, char **file,
                               size_t *file_size, struct training_report *out, struct lathe_error *err)
{
    struct fit fit = {.samples = samples};
    struct training_report figures = {0};
    if (samples->count < LEAST_ROWS)
        return error_set(err, LATHE_INVALID, "%zu rows are too few: at least %d are needed", samples->count,
                         LEAST_ROWS);
    encoding_init(&fit.encoding, space);
    fit.w = calloc((size_t)fit.encoding.features, sizeof *fit.w);
    if (!fit.w) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = solve(&fit, err);
    if (!st) st = report(&fit, &figures, err);
    if (!st) st = write_file(&fit, name, &figures, file, file_size, err);
    if (!st) {
        figures.file_bytes = *file_size;
        *out = figures;
    }
    free(fit.w);
    return st;
}

enum lathe_status predictor_train_ridge(const struct space *space, const char *csv, size_t csv_size, const char *name,
                                        char **file, size_t *file_size, struct training_report *out,
                                        struct lathe_error *err)
{
    struct samples samples;
    enum lathe_status st = samples_parse(space, csv, csv_size, &samples, err);
    if (st) return st;
    st = train(space, &samples, name, file, file_size, out, err);
    samples_clear(&samples);
    return st;
}
