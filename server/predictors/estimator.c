/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/predictors/estimator.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/vector.h"
#include "server/predictors/bf16.h"
#include "server/predictors/columns.h"
#include "server/predictors/internal.h"

/* Below this many multiply-accumulates a prediction f32 is fast enough. */
enum { LANES = 16, BF16_LEAST_MACS = 50000 };

struct place {
    uint64_t key; /* 0: free */
    float top1;
};

struct estimator {
    const struct predictor *predictor;
    const struct columns *columns;
    uint64_t count;
    /* The cache: open addressing; never more than half full. */
    struct place *places;
    size_t mask, used;
    /* A batch of those that the cache has not. */
    struct column_codes codes[PREDICTOR_BATCH];
    size_t place_of[PREDICTOR_BATCH];
    float *sums;            /* [PREDICTOR_BATCH][width] */
    float *a, *b;           /* [PREDICTOR_BATCH][widest layer], f32 */
    struct bf16_work *bf16; /* NULL: f32 */
    /* The centre: its first layer's sums, and the gradient of top-1 by that layer's outputs. */
    struct column_codes centre;
    float *centre_sums, *gradient, *changed; /* [width] */
    float *outputs[LAYERS_MAX];              /* of every layer after the first, before the activation */
};

/* ---- life ---- */

static size_t widest_layer(const struct predictor *p)
{
    size_t widest = p->columns->width;
    for (int i = 0; i < p->layer_count; i++)
        if ((size_t)p->layers[i].out > widest) widest = (size_t)p->layers[i].out;
    return widest;
}

static double macs(const struct predictor *p)
{
    double sum = 0;
    for (int i = 1; i < p->layer_count; i++) sum += (double)p->layers[i].in * p->layers[i].out;
    return sum;
}

static bool allocate(struct estimator *e, size_t remember)
{
    const struct predictor *p = e->predictor;
    size_t width = e->columns->width;
    size_t widest = widest_layer(p);
    size_t places = 4 * PREDICTOR_BATCH;
    while (places < 2 * remember) places *= 2;
    e->mask = places - 1;
    e->places = calloc(places, sizeof *e->places);
    e->sums = malloc(PREDICTOR_BATCH * width * sizeof *e->sums);
    e->a = malloc(PREDICTOR_BATCH * widest * sizeof *e->a);
    e->b = malloc(PREDICTOR_BATCH * widest * sizeof *e->b);
    e->centre_sums = calloc(width, sizeof *e->centre_sums);
    e->gradient = calloc(widest, sizeof *e->gradient);
    e->changed = calloc(width, sizeof *e->changed);
    bool made = e->places && e->sums && e->a && e->b && e->centre_sums && e->gradient && e->changed;
    for (int i = 1; i < p->layer_count && made; i++) {
        e->outputs[i] = malloc((size_t)p->layers[i].out * sizeof(float));
        made = e->outputs[i] != NULL;
    }
    return made;
}

enum lathe_status estimator_new(const struct predictor *p, size_t remember, struct estimator **out,
                                struct lathe_error *err)
{
    struct estimator *e = calloc(1, sizeof *e);
    if (!e) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    e->predictor = p;
    e->columns = p->columns;
    if (!allocate(e, remember)) {
        estimator_free(e);
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    if (p->bf16 && macs(p) >= BF16_LEAST_MACS) e->bf16 = bf16_work_new(p->bf16);
    *out = e;
    return LATHE_OK;
}

void estimator_free(struct estimator *e)
{
    if (!e) return;
    bf16_work_free(e->bf16);
    for (int i = 0; i < LAYERS_MAX; i++) free(e->outputs[i]);
    free(e->places);
    free(e->sums);
    free(e->a);
    free(e->b);
    free(e->centre_sums);
    free(e->gradient);
    free(e->changed);
    free(e);
}

uint64_t estimator_count(const struct estimator *e)
{
    return e->count;
}

bool estimator_is_linear(const struct estimator *e)
{
    return e->predictor->layer_count == 1;
}

/* Measured on cores of 3.7 GHz with AVX-512: OpenBLAS multiplies and adds some 50,000 numbers a microsecond, oneDNN in
 * bfloat16 108,000. */
struct estimator_costs estimator_costs(const struct estimator *e)
{
    double rate = e->bf16 ? 115e3 : 50e3;
    double width = (double)e->columns->width;
    return (struct estimator_costs){.estimate = 0.1 + width * 0.0008 + macs(e->predictor) / rate,
                                    .centre = 2 + 2 * macs(e->predictor) / 9e3,
                                    .gain = 0.1 + width * 0.0004};
}

/* ---- estimates ---- */

VECTOR_CLONES static void rectify(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) values[i] = values[i] > 0 ? values[i] : 0;
}

/* ReLU and rounding to the nearest bfloat16, ties to even. */
VECTOR_CLONES static void rectify_bf16(const float *restrict from, uint16_t *restrict to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        union {
            float value;
            uint32_t bits;
        } x = {.value = from[i] > 0 ? from[i] : 0};
        to[i] = (uint16_t)((x.bits + 0x7fff + (x.bits >> 16 & 1)) >> 16);
    }
}

/* LANES sums side by side, so that the order of the additions does not hang on the instruction set. */
VECTOR_CLONES static float dot(const float *x, const float *y, size_t n)
{
    float sums[LANES] = {0};
    float sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) sums[k] += x[i + k] * y[i + k];
    for (; i < n; i++) sum += x[i] * y[i];
    for (size_t k = 0; k < LANES; k++) sum += sums[k];
    return sum;
}

static const struct dense *last_layer(const struct predictor *p)
{
    return &p->layers[p->layer_count - 1];
}

/* The layers after the first, in f32. @return outputs of the last but one, [n][inputs of the last]. */
static const float *run_f32(struct estimator *e, size_t n)
{
    const struct predictor *p = e->predictor;
    size_t first = (size_t)p->layers[0].out;
    float *x = e->a;
    float *y = e->b;
    for (size_t i = 0; i < n; i++) memcpy(x + i * first, e->sums + i * e->columns->width, first * sizeof *x);
    rectify(x, n * first);
    for (int l = 1; l + 1 < p->layer_count; l++) {
        dense_run(&p->layers[l], x, y, n, true);
        float *swap = x;
        x = y;
        y = swap;
    }
    return x;
}

static const float *run_bf16(struct estimator *e, size_t n)
{
    size_t first = (size_t)e->predictor->layers[0].out;
    uint16_t *inputs = bf16_inputs(e->bf16);
    for (size_t i = 0; i < n; i++) rectify_bf16(e->sums + i * e->columns->width, inputs + i * first, first);
    return bf16_run(e->predictor->bf16, e->bf16, (n + BF16_ROWS - 1) / BF16_ROWS * BF16_ROWS);
}

/* Predict the subnets of e->codes. */
static void predict(struct estimator *e, size_t n, float *top1)
{
    const struct dense *last = last_layer(e->predictor);
    const float *inputs = NULL;
    size_t width = e->columns->width;
    if (!n) return;
    columns_sum(e->columns, &e->codes[0], e->sums);
    for (size_t i = 1; i < n; i++) columns_change(e->columns, &e->codes[0], e->sums, &e->codes[i], e->sums + i * width);
    e->count += n;
    if (e->predictor->layer_count == 1) {
        for (size_t i = 0; i < n; i++) top1[i] = e->sums[i * width];
        return;
    }
    if (e->bf16) inputs = run_bf16(e, n);
    if (!inputs) inputs = run_f32(e, n);
    for (size_t i = 0; i < n; i++)
        top1[i] = dot(inputs + i * (size_t)last->in, last->weight, (size_t)last->in) + last->bias[0];
}

static size_t find_place(const struct estimator *e, uint64_t key)
{
    size_t i = key & e->mask;
    while (e->places[i].key && e->places[i].key != key) i = (i + 1) & e->mask;
    return i;
}

/* A batch of up to PREDICTOR_BATCH. */
static void run_batch(struct estimator *e, const struct subnet *subnets, size_t n, float *top1, uint64_t *keys)
{
    float fresh_top1[PREDICTOR_BATCH];
    size_t place[PREDICTOR_BATCH];
    size_t fresh = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t key = columns_code(e->columns, &subnets[i], &e->codes[fresh]);
        place[i] = find_place(e, key);
        if (keys) keys[i] = key;
        if (e->places[place[i]].key) continue;
        e->places[place[i]].key = key;
        e->used++;
        e->place_of[fresh++] = place[i];
    }
    predict(e, fresh, fresh_top1);
    for (size_t i = 0; i < fresh; i++) e->places[e->place_of[i]].top1 = fresh_top1[i];
    for (size_t i = 0; i < n; i++) top1[i] = e->places[place[i]].top1;
}

void estimator_run(struct estimator *e, const struct subnet *subnets, size_t n, float *top1, uint64_t *keys)
{
    for (size_t at = 0; at < n; at += PREDICTOR_BATCH) {
        size_t count = n - at < PREDICTOR_BATCH ? n - at : PREDICTOR_BATCH;
        /* A full cache forgets: what it knew is predicted again, to the same answer. */
        if ((e->used + count) * 2 > e->mask + 1) {
            memset(e->places, 0, (e->mask + 1) * sizeof *e->places);
            e->used = 0;
        }
        run_batch(e, subnets + at, count, top1 + at, keys ? keys + at : NULL);
    }
}

uint64_t estimator_key(const struct estimator *e, const struct subnet *s)
{
    struct column_codes codes;
    return columns_code(e->columns, s, &codes);
}

/* ---- gradients ---- */

/* outputs = inputs through a layer; vectors. */
static void forward(const struct dense *l, const float *inputs, float *outputs)
{
    memcpy(outputs, l->bias, (size_t)l->out * sizeof *outputs);
    cblas_sgemv(CblasRowMajor, CblasTrans, l->in, l->out, 1, l->weight, l->out, inputs, 1, 1, outputs, 1);
}

/* The gradient by a layer's inputs from that by its outputs. */
static void backward(const struct dense *l, const float *by_outputs, float *by_inputs)
{
    cblas_sgemv(CblasRowMajor, CblasNoTrans, l->in, l->out, 1, l->weight, l->out, by_outputs, 1, 0, by_inputs, 1);
}

float estimator_set_centre(struct estimator *e, const struct subnet *s)
{
    const struct predictor *p = e->predictor;
    float *by_outputs = e->a;
    float *by_inputs = e->b;
    columns_code(e->columns, s, &e->centre);
    columns_sum(e->columns, &e->centre, e->centre_sums);
    if (p->layer_count == 1) return e->centre_sums[0];
    memcpy(e->a, e->centre_sums, e->columns->width * sizeof *e->a);
    for (int l = 1; l < p->layer_count; l++) {
        rectify(e->a, (size_t)p->layers[l].in);
        forward(&p->layers[l], e->a, e->outputs[l]);
        memcpy(e->a, e->outputs[l], (size_t)p->layers[l].out * sizeof *e->a);
    }
    float top1 = e->outputs[p->layer_count - 1][0];
    by_outputs[0] = 1;
    for (int l = p->layer_count - 1; l >= 1; l--) {
        backward(&p->layers[l], by_outputs, by_inputs);
        for (int i = 0; l > 1 && i < p->layers[l].in; i++)
            if (e->outputs[l - 1][i] <= 0) by_inputs[i] = 0;
        float *swap = by_outputs;
        by_outputs = by_inputs;
        by_inputs = swap;
    }
    memcpy(e->gradient, by_outputs, (size_t)p->layers[1].in * sizeof *e->gradient);
    return top1;
}

/* n is a multiple of LANES. */
VECTOR_CLONES static float gain_of(const float *gradient, const float *before, const float *after, size_t n)
{
    float sums[LANES] = {0};
    float sum = 0;
    for (size_t i = 0; i < n; i += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            float was = before[i + k] > 0 ? before[i + k] : 0;
            float is = after[i + k] > 0 ? after[i + k] : 0;
            sums[k] += gradient[i + k] * (is - was);
        }
    }
    for (size_t k = 0; k < LANES; k++) sum += sums[k];
    return sum;
}

void estimator_gains(struct estimator *e, const struct subnet *subnets, size_t n, float *gains)
{
    for (size_t i = 0; i < n; i++) {
        struct column_codes codes;
        columns_code(e->columns, &subnets[i], &codes);
        columns_change(e->columns, &e->centre, e->centre_sums, &codes, e->changed);
        gains[i] = e->predictor->layer_count == 1 ? e->changed[0] - e->centre_sums[0]
                                                  : gain_of(e->gradient, e->centre_sums, e->changed, e->columns->width);
    }
}
