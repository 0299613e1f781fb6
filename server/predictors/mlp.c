/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/predictors/mlp.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/rng.h"
#include "lut/base/vector.h"

enum { EVALUATED = 256, BATCHES_BETWEEN_ASKS = 8, LAYERS_MOST = MLP_HIDDEN_MOST + 1 };
static const float BETA1 = 0.9f;
static const float BETA2 = 0.999f;
static const float EPSILON = 1e-8f;
static const float AVERAGE = 0.998f; /* of the moving average of weights, a step */

void mlp_defaults(struct mlp_options *o)
{
    *o = (struct mlp_options){.hidden = {128, 128},
                              .hidden_count = 2,
                              .epochs = 100,
                              .batch = 64,
                              .learning_rate = 2e-3,
                              .weight_decay = 0.5};
}

/* ---- shapes ---- */

static size_t weights_of(const struct mlp_layer *l)
{
    return (size_t)l->in * (size_t)l->out;
}

enum lathe_status mlp_init(struct mlp *m, int features, const struct mlp_options *o, struct lathe_error *err)
{
    *m = (struct mlp){.layer_count = o->hidden_count + 1};
    int in = features;
    for (int i = 0; i < m->layer_count; i++) {
        struct mlp_layer *l = &m->layers[i];
        l->in = in;
        l->out = i < o->hidden_count ? o->hidden[i] : 1;
        l->weight = calloc(weights_of(l), sizeof *l->weight);
        l->bias = calloc((size_t)l->out, sizeof *l->bias);
        if (!l->weight || !l->bias) {
            mlp_clear(m);
            return error_set(err, LATHE_NO_MEMORY, "out of memory");
        }
        in = l->out;
    }
    return LATHE_OK;
}

void mlp_clear(struct mlp *m)
{
    for (int i = 0; i < LAYERS_MOST; i++) {
        free(m->layers[i].weight);
        free(m->layers[i].bias);
    }
    *m = (struct mlp){0};
}

static void copy(struct mlp *to, const struct mlp *from)
{
    for (int i = 0; i < from->layer_count; i++) {
        memcpy(to->layers[i].weight, from->layers[i].weight, weights_of(&from->layers[i]) * sizeof(float));
        memcpy(to->layers[i].bias, from->layers[i].bias, (size_t)from->layers[i].out * sizeof(float));
    }
}

/* He et al., ICCV 2015: the variance of outputs stays that of inputs. Rows have far fewer active features than there
 * are, and the first layer's fan-in is theirs. */
static void draw_weights(struct mlp *m, int active, struct rng *rng)
{
    for (int i = 0; i < m->layer_count; i++) {
        struct mlp_layer *l = &m->layers[i];
        double fan_in = i ? l->in : active;
        double width = sqrt(6 / fan_in) * (i == m->layer_count - 1 ? 0.1 : 1);
        for (size_t k = 0; k < weights_of(l); k++) l->weight[k] = (float)((2 * rng_unit(rng) - 1) * width);
    }
}

/* ---- batches ---- */

struct batch {
    float *outputs[LAYERS_MOST];   /* [rows][out], after the activation */
    float *gradients[LAYERS_MOST]; /* [rows][out] */
};

static bool batch_init(struct batch *b, const struct mlp *m, size_t rows)
{
    *b = (struct batch){0};
    bool made = true;
    for (int i = 0; i < m->layer_count; i++) {
        size_t numbers = rows * (size_t)m->layers[i].out;
        b->outputs[i] = malloc(numbers * sizeof(float));
        b->gradients[i] = malloc(numbers * sizeof(float));
        made = made && b->outputs[i] && b->gradients[i];
    }
    return made;
}

static void batch_clear(struct batch *b)
{
    for (int i = 0; i < LAYERS_MOST; i++) {
        free(b->outputs[i]);
        free(b->gradients[i]);
    }
}

VECTOR_CLONES static void add_scaled(float *restrict to, const float *restrict from, float scale, size_t n)
{
    for (size_t i = 0; i < n; i++) to[i] += scale * from[i];
}

VECTOR_CLONES static void rectify(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) values[i] = values[i] > 0 ? values[i] : 0;
}

VECTOR_CLONES static void mask(float *restrict gradients, const float *restrict outputs, size_t n)
{
    for (size_t i = 0; i < n; i++) gradients[i] = outputs[i] > 0 ? gradients[i] : 0;
}

static void forward(const struct mlp *m, const struct ridge_row *const *rows, size_t n, struct batch *b)
{
    const struct mlp_layer *first = &m->layers[0];
    size_t width = (size_t)first->out;
    for (size_t r = 0; r < n; r++) {
        float *out = b->outputs[0] + r * width;
        memcpy(out, first->bias, width * sizeof *out);
        for (int i = 0; i < rows[r]->count; i++)
            add_scaled(out, first->weight + (size_t)rows[r]->features[i].number * width, rows[r]->features[i].value,
                       width);
    }
    for (int i = 0; i < m->layer_count; i++) {
        const struct mlp_layer *l = &m->layers[i];
        if (i > 0) {
            for (size_t r = 0; r < n; r++)
                memcpy(b->outputs[i] + r * (size_t)l->out, l->bias, (size_t)l->out * sizeof(float));
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, l->out, l->in, 1, b->outputs[i - 1], l->in,
                        l->weight, l->out, 1, b->outputs[i], l->out);
        }
        if (i + 1 < m->layer_count) rectify(b->outputs[i], n * (size_t)l->out);
    }
}

/* From the last layer's gradients to those of all weights, which are overwritten. */
static void backward(const struct mlp *m, const struct ridge_row *const *rows, size_t n, struct batch *b,
                     struct mlp *gradient)
{
    for (int i = m->layer_count - 1; i >= 0; i--) {
        const struct mlp_layer *l = &m->layers[i];
        struct mlp_layer *g = &gradient->layers[i];
        size_t width = (size_t)l->out;
        if (i + 1 < m->layer_count) mask(b->gradients[i], b->outputs[i], n * width);
        memset(g->bias, 0, width * sizeof *g->bias);
        for (size_t r = 0; r < n; r++) add_scaled(g->bias, b->gradients[i] + r * width, 1, width);
        if (i == 0) break;
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, l->in, l->out, (int)n, 1, b->outputs[i - 1], l->in,
                    b->gradients[i], l->out, 0, g->weight, l->out);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, l->in, l->out, 1, b->gradients[i], l->out,
                    l->weight, l->out, 0, b->gradients[i - 1], l->in);
    }
    struct mlp_layer *first = &gradient->layers[0];
    size_t width = (size_t)first->out;
    memset(first->weight, 0, weights_of(first) * sizeof *first->weight);
    for (size_t r = 0; r < n; r++)
        for (int i = 0; i < rows[r]->count; i++)
            add_scaled(first->weight + (size_t)rows[r]->features[i].number * width, b->gradients[0] + r * width,
                       rows[r]->features[i].value, width);
}

/* @param targets as the network is to predict them. @return half the mean square error. */
static double loss_and_gradient(const struct mlp *m, const struct ridge_row *const *rows, const float *targets,
                                size_t n, struct batch *b, struct mlp *gradient)
{
    double squares = 0;
    int last = m->layer_count - 1;
    forward(m, rows, n, b);
    for (size_t r = 0; r < n; r++) {
        float error = b->outputs[last][r] - targets[r];
        squares += (double)error * (double)error;
        b->gradients[last][r] = error / (float)n;
    }
    backward(m, rows, n, b, gradient);
    return squares / 2 / (double)n;
}

double mlp_gradient(const struct mlp *m, struct mlp_rows rows, struct mlp *gradient)
{
    struct batch b;
    float *targets = malloc(rows.count * sizeof *targets);
    double loss = NAN;
    bool made = batch_init(&b, m, rows.count);
    for (size_t i = 0; i < rows.count && targets; i++) targets[i] = (float)rows.rows[i]->target;
    if (made && targets) loss = loss_and_gradient(m, rows.rows, targets, rows.count, &b, gradient);
    batch_clear(&b);
    free(targets);
    return loss;
}

double mlp_predict(const struct mlp *m, const struct ridge_row *row)
{
    float a[MLP_WIDTH_MOST];
    float b[MLP_WIDTH_MOST];
    float *x = a;
    float *y = b;
    const struct mlp_layer *first = &m->layers[0];
    memcpy(x, first->bias, (size_t)first->out * sizeof *x);
    for (int i = 0; i < row->count; i++)
        add_scaled(x, first->weight + (size_t)row->features[i].number * (size_t)first->out, row->features[i].value,
                   (size_t)first->out);
    for (int l = 1; l < m->layer_count; l++) {
        const struct mlp_layer *layer = &m->layers[l];
        float *swap = x;
        rectify(x, (size_t)layer->in);
        memcpy(y, layer->bias, (size_t)layer->out * sizeof *y);
        for (int i = 0; i < layer->in; i++)
            add_scaled(y, layer->weight + (size_t)i * (size_t)layer->out, x[i], (size_t)layer->out);
        x = y;
        y = swap;
    }
    return (double)x[0];
}

/* ---- training ---- */

struct trainer {
    const struct mlp_options *options;
    struct mlp_rows fit, stop;
    struct mlp weights, gradient, moment1, moment2, average, best;
    struct batch batch;
    size_t *order;
    const struct ridge_row **rows; /* of a batch */
    float *targets;
    double mean, scale; /* of the targets: the network learns (target - mean) / scale */
    struct rng rng;
    double steps, steps_most;
};

VECTOR_CLONES static void adam(float *restrict w, const float *restrict g, float *restrict m1, float *restrict m2,
                               float *restrict average, size_t n, float rate, float decay, float keep)
{
    for (size_t i = 0; i < n; i++) {
        m1[i] = BETA1 * m1[i] + (1 - BETA1) * g[i];
        m2[i] = BETA2 * m2[i] + (1 - BETA2) * g[i] * g[i];
        w[i] -= rate * m1[i] / (__builtin_sqrtf(m2[i]) + EPSILON) + decay * w[i];
        average[i] = keep * average[i] + (1 - keep) * w[i];
    }
}

static void update(struct trainer *t)
{
    double progress = t->steps++ / t->steps_most;
    double rate = t->options->learning_rate * 0.5 * (1 + cos(M_PI * progress));
    /* Adam's corrections of the moments' start at zero, folded into the rate. */
    double correction = sqrt(1 - pow((double)BETA2, t->steps)) / (1 - pow((double)BETA1, t->steps));
    double keep = fmin((double)AVERAGE, t->steps / (t->steps + 10));
    for (int i = 0; i < t->weights.layer_count; i++) {
        struct mlp_layer *w = &t->weights.layers[i];
        adam(w->weight, t->gradient.layers[i].weight, t->moment1.layers[i].weight, t->moment2.layers[i].weight,
             t->average.layers[i].weight, weights_of(w), (float)(rate * correction),
             (float)(rate * t->options->weight_decay), (float)keep);
        adam(w->bias, t->gradient.layers[i].bias, t->moment1.layers[i].bias, t->moment2.layers[i].bias,
             t->average.layers[i].bias, (size_t)w->out, (float)(rate * correction), 0, (float)keep);
    }
}

static void shuffle(struct trainer *t)
{
    for (size_t i = t->fit.count - 1; i > 0; i--) {
        size_t k = rng_below(&t->rng, (uint32_t)i + 1);
        size_t swap = t->order[i];
        t->order[i] = t->order[k];
        t->order[k] = swap;
    }
}

/* @return LATHE_OK, LATHE_CANCELLED or LATHE_INVALID. */
static enum lathe_status run_epoch(struct trainer *t)
{
    size_t most = (size_t)t->options->batch;
    int batches = 0;
    shuffle(t);
    for (size_t at = 0; at < t->fit.count; at += most) {
        size_t n = t->fit.count - at < most ? t->fit.count - at : most;
        if (batches++ % BATCHES_BETWEEN_ASKS == 0 && t->options->cancelled &&
            t->options->cancelled(t->options->cancelled_context))
            return LATHE_CANCELLED;
        for (size_t i = 0; i < n; i++) {
            t->rows[i] = t->fit.rows[t->order[at + i]];
            t->targets[i] = (float)((t->rows[i]->target - t->mean) / t->scale);
        }
        double loss = loss_and_gradient(&t->weights, t->rows, t->targets, n, &t->batch, &t->gradient);
        if (!isfinite(loss)) return LATHE_INVALID;
        update(t);
    }
    return LATHE_OK;
}

/* Mean square error of the averaged weights on the rows to stop by. */
static double error_to_stop_by(struct trainer *t)
{
    double squares = 0;
    int last = t->average.layer_count - 1;
    for (size_t at = 0; at < t->stop.count; at += EVALUATED) {
        size_t n = t->stop.count - at < EVALUATED ? t->stop.count - at : EVALUATED;
        forward(&t->average, t->stop.rows + at, n, &t->batch);
        for (size_t i = 0; i < n; i++) {
            double error = (double)t->batch.outputs[last][i] - (t->stop.rows[at + i]->target - t->mean) / t->scale;
            squares += error * error;
        }
    }
    return squares / (double)t->stop.count;
}

static enum lathe_status train(struct trainer *t, int *kept)
{
    double least = INFINITY;
    *kept = 0;
    int most = t->options->stop_after ? t->options->stop_after : t->options->epochs;
    for (int epoch = 1; epoch <= most; epoch++) {
        enum lathe_status st = run_epoch(t);
        if (st) return st;
        if (t->options->progress) t->options->progress(t->options->progress_context, (double)epoch / most);
        double error = t->stop.count ? error_to_stop_by(t) : -epoch;
        if (error < least) {
            least = error;
            *kept = epoch;
            copy(&t->best, &t->average);
        }
        /* The schedule anneals: the last epochs are mostly the best. What has not improved for a third of all epochs
         * overfits. */
        if (epoch - *kept > t->options->epochs / 3) break;
    }
    return *kept ? LATHE_OK : LATHE_INVALID;
}

static void find_scale(struct trainer *t)
{
    double mean = 0;
    double squares = 0;
    for (size_t i = 0; i < t->fit.count; i++) mean += t->fit.rows[i]->target / (double)t->fit.count;
    for (size_t i = 0; i < t->fit.count; i++) {
        double d = t->fit.rows[i]->target - mean;
        squares += d * d / (double)t->fit.count;
    }
    t->mean = mean;
    t->scale = squares > 0 ? sqrt(squares) : 1;
}

/* Undo the scaling of targets in the last layer. */
static void unscale(const struct trainer *t, struct mlp *m)
{
    struct mlp_layer *last = &m->layers[m->layer_count - 1];
    for (size_t i = 0; i < weights_of(last); i++) last->weight[i] = (float)((double)last->weight[i] * t->scale);
    last->bias[0] = (float)((double)last->bias[0] * t->scale + t->mean);
}

static enum lathe_status trainer_init(struct trainer *t, int features, struct lathe_error *err)
{
    struct mlp *const all[] = {&t->weights, &t->gradient, &t->moment1, &t->moment2, &t->average, &t->best};
    size_t rows = t->options->batch > EVALUATED ? (size_t)t->options->batch : EVALUATED;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        enum lathe_status st = mlp_init(all[i], features, t->options, err);
        if (st) return st;
    }
    t->order = malloc(t->fit.count * sizeof *t->order);
    t->rows = malloc((size_t)t->options->batch * sizeof(const struct ridge_row *));
    t->targets = malloc((size_t)t->options->batch * sizeof *t->targets);
    if (!batch_init(&t->batch, &t->weights, rows) || !t->order || !t->rows || !t->targets)
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < t->fit.count; i++) t->order[i] = i;
    rng_seed(&t->rng, t->options->seed);
    draw_weights(&t->weights, t->fit.rows[0]->count, &t->rng);
    copy(&t->average, &t->weights);
    find_scale(t);
    t->steps_most = (double)t->options->epochs * ceil((double)t->fit.count / t->options->batch);
    return LATHE_OK;
}

static void trainer_clear(struct trainer *t)
{
    struct mlp *const all[] = {&t->weights, &t->gradient, &t->moment1, &t->moment2, &t->average, &t->best};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) mlp_clear(all[i]);
    batch_clear(&t->batch);
    free(t->order);
    free(t->rows);
    free(t->targets);
}

enum lathe_status mlp_fit(struct mlp_rows fit, struct mlp_rows stop, int features, const struct mlp_options *o,
                          struct mlp *out, int *epochs, struct lathe_error *err)
{
    struct trainer t = {.options = o, .fit = fit, .stop = stop};
    int kept = 0;
    enum lathe_status st = trainer_init(&t, features, err);
    if (!st) {
        st = train(&t, &kept);
        if (st == LATHE_CANCELLED) error_set(err, st, "the training was cancelled");
        if (st == LATHE_INVALID) error_set(err, st, "the training diverged: lower the learning rate");
    }
    if (!st) {
        *out = t.best;
        unscale(&t, out);
        t.best = (struct mlp){0};
        if (epochs) *epochs = kept;
    }
    trainer_clear(&t);
    return st;
}
