/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/core/weights.h"

#include <stdlib.h>
#include <string.h>

#include "agents/runner/core/weights_int8.h"

/* The first state of a tensor's stream, before its first value. */
static uint32_t first_state(const struct layer *l, int occurrence, uint32_t seed, int tensor)
{
    uint32_t key = recipe_key(l, occurrence, seed, tensor);
    return key ? key : 1;
}

/* Uniform values in [-amplitude, amplitude). */
static void fill(uint32_t x, double amplitude, float *out, size_t n)
{
    const float scale = (float)(amplitude / 2147483648.0);
    for (size_t i = 0; i < n; i++) {
        x = recipe_next(x);
        out[i] = (float)(int32_t)x * scale;
    }
}

/* Point the tensors into the block; both sides of a copy have the same order. */
static void place(struct weights *w, const struct recipe *recipes)
{
    const float **const tensors[TENSORS] = {&w->expand, &w->depthwise, &w->squeeze, &w->excite,
                                            &w->dense,  &w->window,    &w->shortcut};
    const float **const biases[TENSORS] = {&w->expand_bias, &w->depthwise_bias, &w->squeeze_bias, &w->excite_bias,
                                           &w->dense_bias,  &w->window_bias,    &w->shortcut_bias};
    const float *at = w->block;
    for (int i = 0; i < TENSORS; i++) {
        *tensors[i] = recipes[i].count ? at : NULL;
        at += recipes[i].count;
        *biases[i] = recipes[i].count ? at : NULL;
        at += recipes[i].outputs;
    }
}

enum lathe_status weights_make(const struct layer *l, int occurrence, uint32_t seed, struct weights *out,
                               struct lathe_error *err)
{
    struct recipe recipes[TENSORS];
    struct weights w = {0};
    recipe_layer(l, recipes);
    for (int i = 0; i < TENSORS; i++) w.count += recipes[i].count + recipes[i].outputs;
    if (w.count) {
        w.block = malloc(w.count * sizeof *w.block);
        if (!w.block) return error_set(err, LATHE_NO_MEMORY, "out of memory for %zu weights", w.count);
    }
    float *at = w.block;
    for (int i = 0; i < TENSORS; i++) {
        const struct recipe *r = &recipes[i];
        if (!r->count) continue;
        fill(first_state(l, occurrence, seed, i), r->amplitude, at, r->count);
        fill(first_state(l, occurrence, seed, i + TENSOR_BIAS), 0.1, at + r->count, r->outputs);
        at += r->count + r->outputs;
    }
    place(&w, recipes);
    *out = w;
    return LATHE_OK;
}

/* The same place in another block; absent tensors stay absent. */
static const float *moved(const float *tensor, const struct weights *from, const struct weights *to)
{
    return tensor ? to->block + (tensor - from->block) : NULL;
}

static enum lathe_status copy_f32(const struct weights *w, struct weights *out, struct lathe_error *err)
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

enum lathe_status weights_copy(const struct weights *w, struct weights *out, struct lathe_error *err)
{
    struct weights copy;
    enum lathe_status st = copy_f32(w, &copy, err);
    if (st) return st;
    st = quant_tensors_copy(w->int8, &copy.int8_block, copy.int8, err);
    if (st) {
        free(copy.block);
        return st;
    }
    *out = copy;
    return LATHE_OK;
}

void weights_clear(struct weights *w)
{
    free(w->block);
    free(w->int8_block);
    *w = (struct weights){0};
}

size_t weights_bytes(const struct weights *w)
{
    return w->count * sizeof(float) + quant_tensors_bytes(w->int8);
}

void weights_input(const struct layer *first, uint32_t seed, float *out, size_t n)
{
    fill(first_state(first, 0, seed, TENSOR_INPUT), 1.0, out, n);
}

void weights_input_int8(const struct layer *first, uint32_t seed, int8_t *out, size_t n)
{
    uint32_t x = first_state(first, 0, seed, TENSOR_INPUT);
    for (size_t i = 0; i < n; i++) {
        x = recipe_next(x);
        out[i] = (int8_t)((int32_t)x >> 26);
    }
}
