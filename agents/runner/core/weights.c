/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/core/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/wire/layer.h"

/* Numbers of tensors in the recipe; a bias has its tensor's number plus BIAS. */
enum tensor { EXPAND, DEPTHWISE, SQUEEZE, EXCITE, DENSE, WINDOW, SHORTCUT, TENSORS, BIAS = 16, INPUT = 32 };

/* What a tensor is: values, inputs of one output value, and the gain that keeps the scale of activations. */
struct plan {
    size_t count, outputs, fan_in;
    double gain;
};

/* Half of what a rectifier gets is lost: twice the variance makes up for it. */
static double act_gain(enum activation act)
{
    return act == ACT_NONE ? 1.0 : M_SQRT2;
}

static struct plan dense(size_t outputs, size_t fan_in, double gain)
{
    return (struct plan){outputs * fan_in, outputs, fan_in, gain};
}

static void plan_mbconv(const struct layer *l, struct plan *plans)
{
    size_t mid = (size_t)l->mid;
    size_t window = (size_t)l->kernel * (size_t)l->kernel;
    if (l->mid != l->in.c) plans[EXPAND] = dense(mid, (size_t)l->in.c, act_gain(l->act));
    plans[DEPTHWISE] = dense(mid, window, act_gain(l->act));
    if (l->se) {
        plans[SQUEEZE] = dense((size_t)l->se, mid, M_SQRT2);
        plans[EXCITE] = dense(mid, (size_t)l->se, 1.0);
    }
    /* Squeeze-excite halves its input; sums over many residual blocks must not grow without end. */
    plans[DENSE] = dense((size_t)l->out.c, mid, (l->se ? 2.0 : 1.0) * (l->residual ? 0.5 : 1.0));
}

static void plan_bottleneck(const struct layer *l, struct plan *plans)
{
    size_t in = (size_t)l->in.c;
    size_t mid = (size_t)l->mid;
    size_t out = (size_t)l->out.c;
    plans[EXPAND] = dense(mid, in, act_gain(l->act));
    plans[WINDOW] = dense(mid, (size_t)l->kernel * (size_t)l->kernel * mid, act_gain(l->act));
    plans[DENSE] = dense(out, mid, 0.5);
    if (!l->residual) plans[SHORTCUT] = dense(out, in, act_gain(l->act));
}

static void plan_conv2d(const struct layer *l, struct plan *plans)
{
    size_t fan_in = (size_t)l->kernel * (size_t)l->kernel * (size_t)l->in.c;
    plans[DENSE] = dense((size_t)l->out.c, fan_in, act_gain(l->act) * (l->residual ? 0.5 : 1.0));
}

static void plan_layer(const struct layer *l, struct plan *plans)
{
    memset(plans, 0, TENSORS * sizeof *plans);
    if (l->kind == LAYER_MBCONV) plan_mbconv(l, plans);
    if (l->kind == LAYER_BOTTLENECK) plan_bottleneck(l, plans);
    if (l->kind == LAYER_CONV2D) plan_conv2d(l, plans);
    if (l->kind == LAYER_LINEAR) plans[DENSE] = dense((size_t)l->out.c, (size_t)l->in.c, 1.0);
}

/* Uniform values in [-amplitude, amplitude) from xorshift32, seeded by what the tensor is. */
static void fill(const struct layer *l, int occurrence, uint32_t seed, uint8_t tensor, double amplitude, float *out,
                 size_t n)
{
    uint8_t key[4 + WIRE_LAYER_BYTES + 3];
    struct wire_layer wire;
    uint16_t number = (uint16_t)occurrence;
    wire_layer_from(l, &wire);
    struct wire_cursor c = wire_writer(key, sizeof key);
    wire_u32(&c, &seed);
    wire_layer(&c, &wire);
    wire_u16(&c, &number);
    wire_u8(&c, &tensor);
    uint32_t x = wire_crc32(0, key, sizeof key);
    if (x == 0) x = 1;
    const float scale = (float)(amplitude / 2147483648.0);
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        out[i] = (float)(int32_t)x * scale;
    }
}

/* Point the tensors into the block; both sides of a copy have the same order. */
static void place(struct weights *w, const size_t *counts, const size_t *outputs)
{
    const float **const tensors[TENSORS] = {&w->expand, &w->depthwise, &w->squeeze, &w->excite,
                                            &w->dense,  &w->window,    &w->shortcut};
    const float **const biases[TENSORS] = {&w->expand_bias, &w->depthwise_bias, &w->squeeze_bias, &w->excite_bias,
                                           &w->dense_bias,  &w->window_bias,    &w->shortcut_bias};
    const float *at = w->block;
    for (int i = 0; i < TENSORS; i++) {
        *tensors[i] = counts[i] ? at : NULL;
        at += counts[i];
        *biases[i] = counts[i] ? at : NULL;
        at += outputs[i];
    }
}

enum lathe_status weights_make(const struct layer *l, int occurrence, uint32_t seed, struct weights *out,
                               struct lathe_error *err)
{
    struct plan plans[TENSORS];
    size_t counts[TENSORS];
    size_t outputs[TENSORS];
    struct weights w = {0};
    plan_layer(l, plans);
    for (int i = 0; i < TENSORS; i++) {
        counts[i] = plans[i].count;
        outputs[i] = plans[i].outputs;
        w.count += counts[i] + outputs[i];
    }
    if (w.count) {
        w.block = malloc(w.count * sizeof *w.block);
        if (!w.block) return error_set(err, LATHE_NO_MEMORY, "out of memory for %zu weights", w.count);
    }
    float *at = w.block;
    for (int i = 0; i < TENSORS; i++) {
        if (!counts[i]) continue;
        double amplitude = plans[i].gain * sqrt(3.0 / (double)plans[i].fan_in);
        fill(l, occurrence, seed, (uint8_t)i, amplitude, at, counts[i]);
        fill(l, occurrence, seed, (uint8_t)(i + BIAS), 0.1, at + counts[i], outputs[i]);
        at += counts[i] + outputs[i];
    }
    place(&w, counts, outputs);
    *out = w;
    return LATHE_OK;
}

/* The same place in another block; absent tensors stay absent. */
static const float *moved(const float *tensor, const struct weights *from, const struct weights *to)
{
    return tensor ? to->block + (tensor - from->block) : NULL;
}

enum lathe_status weights_copy(const struct weights *w, struct weights *out, struct lathe_error *err)
{
    struct weights copy = {.count = w->count};
    if (w->count) {
        copy.block = malloc(w->count * sizeof *copy.block);
        if (!copy.block) return error_set(err, LATHE_NO_MEMORY, "out of memory for %zu weights", w->count);
        memcpy(copy.block, w->block, w->count * sizeof *copy.block);
    }
    copy.expand = moved(w->expand, w, &copy);
    copy.expand_bias = moved(w->expand_bias, w, &copy);
    copy.depthwise = moved(w->depthwise, w, &copy);
    copy.depthwise_bias = moved(w->depthwise_bias, w, &copy);
    copy.squeeze = moved(w->squeeze, w, &copy);
    copy.squeeze_bias = moved(w->squeeze_bias, w, &copy);
    copy.excite = moved(w->excite, w, &copy);
    copy.excite_bias = moved(w->excite_bias, w, &copy);
    copy.dense = moved(w->dense, w, &copy);
    copy.dense_bias = moved(w->dense_bias, w, &copy);
    copy.window = moved(w->window, w, &copy);
    copy.window_bias = moved(w->window_bias, w, &copy);
    copy.shortcut = moved(w->shortcut, w, &copy);
    copy.shortcut_bias = moved(w->shortcut_bias, w, &copy);
    *out = copy;
    return LATHE_OK;
}

void weights_clear(struct weights *w)
{
    free(w->block);
    *w = (struct weights){0};
}

void weights_input(const struct layer *first, uint32_t seed, float *out, size_t n)
{
    fill(first, 0, seed, INPUT, 1.0, out, n);
}
