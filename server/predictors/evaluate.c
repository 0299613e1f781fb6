/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Inference. Inputs are one-hot, so the first layer is a sum of some of its weights' columns; the others are matrix
 * products by OpenBLAS. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/predictors/internal.h"

struct predictor_work {
    float *a, *b; /* [PREDICTOR_BATCH][widest layer] */
};

struct predictor_work *predictor_work_new(const struct predictor *p)
{
    size_t widest = 1;
    for (int i = 0; i < p->layer_count; i++) {
        if ((size_t)p->layers[i].out > widest) widest = (size_t)p->layers[i].out;
    }
    struct predictor_work *work = calloc(1, sizeof *work);
    if (!work) return NULL;
    work->a = malloc(PREDICTOR_BATCH * widest * sizeof *work->a);
    work->b = malloc(PREDICTOR_BATCH * widest * sizeof *work->b);
    if (work->a && work->b) return work;
    predictor_work_free(work);
    return NULL;
}

void predictor_work_free(struct predictor_work *work)
{
    if (!work) return;
    free(work->a);
    free(work->b);
    free(work);
}

static void add_scaled(float *restrict sum, const float *restrict column, float scale, size_t n)
{
    for (size_t i = 0; i < n; i++) sum[i] += scale * column[i];
}

static void add_one(float *restrict sum, const float *restrict column, size_t n)
{
    for (size_t i = 0; i < n; i++) sum[i] += column[i];
}

/* Two columns at once: half the traffic on the sum. */
static void add_two(float *restrict sum, const float *restrict one, const float *restrict other, size_t n)
{
    for (size_t i = 0; i < n; i++) sum[i] += one[i] + other[i];
}

/* The first layer's outputs before the activation. */
static void first_layer(const struct predictor *p, const struct subnet *s, float *out)
{
    struct feature features[ENCODING_MAX_ACTIVE];
    size_t width = (size_t)p->layers[0].out;
    int n = encoding_features(&p->encoding, s, features);
    memcpy(out, p->layers[0].bias, width * sizeof *out);
    int i = 0;
    for (; i + 1 < n && features[i].value == 1 && features[i + 1].value == 1; i += 2)
        add_two(out, p->layers[0].weight + (size_t)features[i].number * width,
                p->layers[0].weight + (size_t)features[i + 1].number * width, width);
    for (; i < n; i++)
        add_scaled(out, p->layers[0].weight + (size_t)features[i].number * width, features[i].value, width);
}

static void rectify(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) values[i] = values[i] > 0 ? values[i] : 0;
}

static void add_bias(float *restrict y, const float *restrict bias, size_t rows, size_t width, bool relu)
{
    for (size_t r = 0; r < rows; r++, y += width) {
        add_one(y, bias, width);
        if (relu) rectify(y, width);
    }
}

void dense_run(const struct dense *l, const float *x, float *y, size_t rows, bool relu)
{
    if (l->out == 1) cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)rows, l->in, 1, x, l->in, l->weight, 1, 0, y, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, l->out, l->in, 1, x, l->in, l->weight, l->out,
                    0, y, l->out);
    add_bias(y, l->bias, rows, (size_t)l->out, relu);
}

static void evaluate_batch(const struct predictor *p, struct predictor_work *work, const struct subnet *subnets,
                           size_t n, float *top1)
{
    size_t width = (size_t)p->layers[0].out;
    float *x = work->a;
    float *y = work->b;
    for (size_t i = 0; i < n; i++) first_layer(p, &subnets[i], x + i * width);
    if (p->layer_count > 1) rectify(x, n * width);
    for (int l = 1; l < p->layer_count; l++) {
        dense_run(&p->layers[l], x, y, n, l + 1 < p->layer_count);
        float *swap = x;
        x = y;
        y = swap;
    }
    memcpy(top1, x, n * sizeof *top1);
}

void predictor_evaluate(const struct predictor *p, struct predictor_work *work, const struct subnet *subnets, size_t n,
                        float *top1)
{
    const struct space_dim *resolutions = space_dim(p->space, space_resolution_dim(p->space));
    for (size_t at = 0; at < n; at += PREDICTOR_BATCH) {
        size_t count = n - at < PREDICTOR_BATCH ? n - at : PREDICTOR_BATCH;
        evaluate_batch(p, work, subnets + at, count, top1 + at);
    }
    for (size_t i = 0; i < n; i++) {
        int resolution = resolutions->values[subnets[i].at[space_resolution_dim(p->space)]];
        if (!predictor_has_resolution(p, resolution)) top1[i] = NAN;
    }
}
