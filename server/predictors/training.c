/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/predictors/training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/rank.h"
#include "server/predictors/internal.h"
#include "server/predictors/safetensors.h"
#include "server/predictors/samples.h"

enum { FOLD = 10, LEAST_ROWS = 100 };

static const char *const methods[] = {"auto", "ridge", "mlp"};

const char *training_method_name(enum training_method method)
{
    return methods[method];
}

bool training_method_find(const char *name, enum training_method *out)
{
    for (int i = 0; i < 3; i++) {
        if (strcmp(methods[i], name) != 0) continue;
        *out = (enum training_method)i;
        return true;
    }
    return false;
}

void training_defaults(struct training_options *o)
{
    *o = (struct training_options){.method = TRAIN_AUTO};
    mlp_defaults(&o->mlp);
}

const struct training_figures *training_kept(const struct training_report *r)
{
    return r->kept == TRAIN_MLP ? &r->mlp : &r->ridge;
}

/* ---- the rows ---- */

/* What a row is for. */
enum part { PART_FIT, PART_CHOOSE, PART_HELD_OUT };

static enum part part_of(size_t row)
{
    if (row % FOLD == FOLD - 1) return PART_HELD_OUT;
    size_t among_training = row - row / FOLD;
    return among_training % FOLD == FOLD - 1 ? PART_CHOOSE : PART_FIT;
}

struct fit {
    struct encoding encoding;
    const struct training_options *options;
    struct ridge_row *rows;
    const struct ridge_row **order;          /* those to fit, those that choose, those held out */
    struct mlp_rows part[PART_HELD_OUT + 1]; /* within order */
    struct mlp_rows training;                /* those to fit and those that choose */
    double *w, b;                            /* of ridge */
    struct mlp mlp;
    double *predicted, *target; /* room for all rows */
};

static enum lathe_status fit_init(struct fit *fit, const struct space *space, const struct samples *samples,
                                  struct lathe_error *err)
{
    size_t rows = samples->count;
    size_t n = 0;
    encoding_init(&fit->encoding, space);
    fit->rows = malloc(rows * sizeof *fit->rows);
    fit->order = malloc(rows * sizeof(const struct ridge_row *));
    fit->predicted = malloc(rows * sizeof *fit->predicted);
    fit->target = malloc(rows * sizeof *fit->target);
    fit->w = calloc((size_t)fit->encoding.features, sizeof *fit->w);
    if (!fit->rows || !fit->order || !fit->predicted || !fit->target || !fit->w)
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < rows; i++) {
        fit->rows[i].count = encoding_features(&fit->encoding, &samples->items[i].subnet, fit->rows[i].features);
        fit->rows[i].target = samples->items[i].top1;
    }
    for (int part = PART_FIT; part <= PART_HELD_OUT; part++) {
        fit->part[part].rows = fit->order + n;
        for (size_t i = 0; i < rows; i++)
            if (part_of(i) == (enum part)part) fit->order[n++] = &fit->rows[i];
        fit->part[part].count = (size_t)(fit->order + n - fit->part[part].rows);
    }
    fit->training = (struct mlp_rows){fit->order, fit->part[PART_FIT].count + fit->part[PART_CHOOSE].count};
    return LATHE_OK;
}

static void fit_clear(struct fit *fit)
{
    free(fit->rows);
    free(fit->order);
    free(fit->predicted);
    free(fit->target);
    free(fit->w);
    mlp_clear(&fit->mlp);
}

/* ---- how good ---- */

static double predict(const struct fit *fit, enum training_method method, const struct ridge_row *row)
{
    return method == TRAIN_MLP ? mlp_predict(&fit->mlp, row) : ridge_predict(fit->w, fit->b, row);
}

static double mean_error(const struct fit *fit, enum training_method method, struct mlp_rows rows)
{
    double sum = 0;
    for (size_t i = 0; i < rows.count; i++)
        sum += fabs(predict(fit, method, rows.rows[i]) - rows.rows[i]->target) / (double)rows.count;
    return sum;
}

/* Figures of the held-out rows. */
static enum lathe_status judge(struct fit *fit, enum training_method method, struct training_figures *out,
                               struct lathe_error *err)
{
    struct mlp_rows rows = fit->part[PART_HELD_OUT];
    double mean = 0;
    double residual = 0;
    double total = 0;
    for (size_t i = 0; i < rows.count; i++) {
        fit->target[i] = rows.rows[i]->target;
        fit->predicted[i] = predict(fit, method, rows.rows[i]);
        mean += fit->target[i] / (double)rows.count;
    }
    for (size_t i = 0; i < rows.count; i++) {
        double error = fit->predicted[i] - fit->target[i];
        residual += error * error;
        total += (fit->target[i] - mean) * (fit->target[i] - mean);
    }
    if (total <= 0) return error_set(err, LATHE_INVALID, "all accuracies held out are equal: there is nothing to fit");
    out->fitted = true;
    out->mae = mean_error(fit, method, rows);
    out->r2 = 1 - residual / total;
    if (kendall_tau(fit->predicted, fit->target, rows.count, &out->kendall_tau))
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    return LATHE_OK;
}

/* ---- ridge ---- */

static void add_part(const struct fit *fit, enum part part, struct ridge_sums *sums)
{
    for (size_t i = 0; i < fit->part[part].count; i++) ridge_sums_add(sums, fit->part[part].rows[i]);
}

static double squared_error(const struct fit *fit, struct mlp_rows rows)
{
    double sum = 0;
    for (size_t i = 0; i < rows.count; i++) {
        double error = ridge_predict(fit->w, fit->b, rows.rows[i]) - rows.rows[i]->target;
        sum += error * error;
    }
    return sum;
}

static enum lathe_status choose_lambda(struct fit *fit, const struct ridge_sums *sums, struct training_figures *out,
                                       struct lathe_error *err)
{
    static const double grid[] = {0.001, 0.01, 0.1, 1, 10, 100, 1000};
    double least = INFINITY;
    for (size_t i = 0; i < sizeof grid / sizeof grid[0]; i++) {
        enum lathe_status st = ridge_solve(sums, grid[i], fit->w, &fit->b, err);
        if (st) return st;
        double error = squared_error(fit, fit->part[PART_CHOOSE]);
        if (error >= least) continue;
        least = error;
        out->lambda = grid[i];
        out->choosing_mae = mean_error(fit, TRAIN_RIDGE, fit->part[PART_CHOOSE]);
    }
    return LATHE_OK;
}

static enum lathe_status fit_ridge(struct fit *fit, struct training_figures *out, struct lathe_error *err)
{
    struct ridge_sums sums;
    enum lathe_status st = ridge_sums_init(&sums, fit->encoding.features, err);
    if (st) return st;
    add_part(fit, PART_FIT, &sums);
    st = choose_lambda(fit, &sums, out, err);
    if (!st) {
        add_part(fit, PART_CHOOSE, &sums);
        st = ridge_solve(&sums, out->lambda, fit->w, &fit->b, err);
    }
    ridge_sums_clear(&sums);
    return st ? st : judge(fit, TRAIN_RIDGE, out, err);
}

/* ---- the perceptron ---- */

static enum lathe_status fit_mlp(struct fit *fit, struct training_figures *out, struct lathe_error *err)
{
    struct mlp_options options = fit->options->mlp;
    enum lathe_status st = mlp_fit(fit->part[PART_FIT], fit->part[PART_CHOOSE], fit->encoding.features, &options,
                                   &fit->mlp, &out->epochs, err);
    if (st) return st;
    out->choosing_mae = mean_error(fit, TRAIN_MLP, fit->part[PART_CHOOSE]);
    mlp_clear(&fit->mlp);
    options.stop_after = out->epochs;
    st = mlp_fit(fit->training, (struct mlp_rows){0}, fit->encoding.features, &options, &fit->mlp, NULL, err);
    return st ? st : judge(fit, TRAIN_MLP, out, err);
}

/* Both, or the one that was asked for. A perceptron that diverges is out of the race, no error. */
static enum lathe_status fit_all(struct fit *fit, struct training_report *r, struct lathe_error *err)
{
    enum training_method method = fit->options->method;
    enum lathe_status st = LATHE_OK;
    if (method != TRAIN_MLP) st = fit_ridge(fit, &r->ridge, err);
    if (st) return st;
    if (method != TRAIN_RIDGE) st = fit_mlp(fit, &r->mlp, err);
    if (st == LATHE_INVALID && method == TRAIN_AUTO) {
        r->mlp = (struct training_figures){0};
        st = LATHE_OK;
    }
    if (st) return st;
    bool better = r->mlp.fitted && (!r->ridge.fitted || r->mlp.choosing_mae < r->ridge.choosing_mae);
    r->kept = better ? TRAIN_MLP : TRAIN_RIDGE;
    return LATHE_OK;
}

/* ---- the file ---- */

/* Six digits: what is left differs between machines. */
static void put_number(json_t *object, const char *name, double value)
{
    json_object_set_new(object, name, json_sprintf("%.6g", value));
}

static void put_count(json_t *object, const char *name, size_t count)
{
    json_object_set_new(object, name, json_sprintf("%zu", count));
}

static json_t *provenance(const struct fit *fit, const char *name, const struct training_report *r)
{
    const struct training_figures *kept = training_kept(r);
    json_t *m = json_object();
    json_object_set_new(m, "space", json_string(space_id(fit->encoding.space)));
    json_object_set_new(m, "output", json_string("top-1 accuracy, fraction"));
    json_object_set_new(m, "method",
                        json_string(r->kept == TRAIN_MLP
                                        ? "multi-layer perceptron on one-hot features: mini-batch Adam with decoupled "
                                          "weight decay, cosine schedule, averaged weights, early stop"
                                        : "ridge regression on one-hot features, intercept not penalised"));
    json_object_set_new(m, "data", json_string(name));
    json_object_set_new(m, "held_out", json_string("every tenth row"));
    put_count(m, "rows", r->rows);
    put_count(m, "train_rows", r->train_rows);
    put_count(m, "held_out_rows", r->held_out_rows);
    if (r->kept == TRAIN_RIDGE) put_number(m, "lambda", kept->lambda);
    if (r->kept == TRAIN_MLP) put_count(m, "epochs", (size_t)kept->epochs);
    if (r->kept == TRAIN_MLP) put_count(m, "seed", (size_t)fit->options->mlp.seed);
    put_number(m, "r2", kept->r2);
    put_number(m, "mae", kept->mae);
    put_number(m, "kendall_tau", kept->kendall_tau);
    return m;
}

/* Ridge as a perceptron of one layer. */
static enum lathe_status ridge_as_mlp(const struct fit *fit, struct mlp *out, struct lathe_error *err)
{
    struct mlp_options none = {.hidden_count = 0};
    enum lathe_status st = mlp_init(out, fit->encoding.features, &none, err);
    if (st) return st;
    for (int i = 0; i < fit->encoding.features; i++) out->layers[0].weight[i] = (float)fit->w[i];
    out->layers[0].bias[0] = (float)fit->b;
    return LATHE_OK;
}

/* [in][out] to the file's [out][in]. @return NULL when out of memory. */
static float *turned(const struct mlp_layer *l)
{
    float *weights = malloc((size_t)l->in * (size_t)l->out * sizeof *weights);
    for (int i = 0; i < l->in && weights; i++)
        for (int o = 0; o < l->out; o++)
            weights[(size_t)o * (size_t)l->in + (size_t)i] = l->weight[(size_t)i * (size_t)l->out + (size_t)o];
    return weights;
}

static enum lathe_status write_layers(const struct mlp *m, const json_t *metadata, char **file, size_t *size,
                                      struct lathe_error *err)
{
    struct tensor_source tensors[2 * (MLP_HIDDEN_MOST + 1)];
    char names[2 * (MLP_HIDDEN_MOST + 1)][24];
    float *weights[MLP_HIDDEN_MOST + 1] = {0};
    bool made = true;
    for (int i = 0; i < m->layer_count; i++) {
        const struct mlp_layer *l = &m->layers[i];
        weights[i] = turned(l);
        made = made && weights[i];
        snprintf(names[2 * i], sizeof names[0], "%d.weight", 2 * i);
        snprintf(names[2 * i + 1], sizeof names[0], "%d.bias", 2 * i);
        tensors[2 * i] = (struct tensor_source){
            .name = names[2 * i], .rank = 2, .shape = {(size_t)l->out, (size_t)l->in}, .values = weights[i]};
        tensors[2 * i + 1] =
            (struct tensor_source){.name = names[2 * i + 1], .rank = 1, .shape = {(size_t)l->out}, .values = l->bias};
    }
    enum lathe_status st = made ? safetensors_write(metadata, tensors, 2 * (size_t)m->layer_count, file, size, err)
                                : error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (int i = 0; i < m->layer_count; i++) free(weights[i]);
    return st;
}

static enum lathe_status write_file(const struct fit *fit, const char *name, const struct training_report *r,
                                    char **file, size_t *size, struct lathe_error *err)
{
    struct mlp ridge = {0};
    json_t *metadata = provenance(fit, name, r);
    enum lathe_status st = metadata ? LATHE_OK : error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st && r->kept == TRAIN_RIDGE) st = ridge_as_mlp(fit, &ridge, err);
    if (!st) st = write_layers(r->kept == TRAIN_RIDGE ? &ridge : &fit->mlp, metadata, file, size, err);
    json_decref(metadata);
    mlp_clear(&ridge);
    return st;
}

/* ---- all of it ---- */

static enum lathe_status check(const struct training_options *o, struct lathe_error *err)
{
    const struct mlp_options *m = &o->mlp;
    if (m->hidden_count < 1 || m->hidden_count > MLP_HIDDEN_MOST)
        return error_field(err, "hidden", "hidden must be 1 to %d widths", MLP_HIDDEN_MOST);
    for (int i = 0; i < m->hidden_count; i++)
        if (m->hidden[i] < 1 || m->hidden[i] > MLP_WIDTH_MOST)
            return error_field(err, "hidden", "hidden must be widths from 1 to %d", MLP_WIDTH_MOST);
    if (m->epochs < 1 || m->epochs > MLP_EPOCHS_MOST)
        return error_field(err, "epochs", "epochs must be from 1 to %d", MLP_EPOCHS_MOST);
    return LATHE_OK;
}

enum lathe_status predictor_train(const struct space *space, const char *csv, size_t csv_size, const char *name,
                                  const struct training_options *options, char **file, size_t *file_size,
                                  struct training_report *out, struct lathe_error *err)
{
    struct samples samples;
    struct fit fit = {.options = options};
    struct training_report report = {0};
    enum lathe_status st = check(options, err);
    if (!st) st = samples_parse(space, csv, csv_size, &samples, err);
    if (st) return st;
    predictor_use_one_thread();
    report.rows = samples.count;
    if (samples.count < LEAST_ROWS)
        st = error_set(err, LATHE_INVALID, "%zu rows are too few: at least %d are needed", samples.count, LEAST_ROWS);
    if (!st) st = fit_init(&fit, space, &samples, err);
    if (!st) {
        report.train_rows = fit.training.count;
        report.held_out_rows = fit.part[PART_HELD_OUT].count;
        st = fit_all(&fit, &report, err);
    }
    if (!st) st = write_file(&fit, name, &report, file, &report.file_bytes, err);
    if (!st) {
        *file_size = report.file_bytes;
        *out = report;
    }
    fit_clear(&fit);
    samples_clear(&samples);
    return st;
}
