/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/core/weights_int8.h"

#include <stdlib.h>
#include <string.h>

/* A block of tensors: biases and scales of each come before its values, rounded up to keep the next ones aligned. */
struct room {
    int32_t *biases;
    float *scales;
    int8_t *values;
};

static size_t room_bytes(const struct quant_tensor *t)
{
    return t->outputs * (sizeof *t->biases + sizeof *t->scales) + (t->count + 3) / 4 * 4;
}

static struct room take_room(char **at, const struct quant_tensor *t)
{
    struct room r = {.biases = (void *)*at};
    r.scales = (void *)(r.biases + t->outputs);
    r.values = (void *)(r.scales + t->outputs);
    *at += room_bytes(t);
    return r;
}

static enum lathe_status alloc_block(const struct quant_tensor *tensors, void **block, struct lathe_error *err)
{
    size_t bytes = 0;
    for (int i = 0; i < TENSORS; i++) bytes += room_bytes(&tensors[i]);
    *block = NULL;
    if (!bytes) return LATHE_OK;
    *block = malloc(bytes);
    return *block ? LATHE_OK : error_set(err, LATHE_NO_MEMORY, "out of memory for %zu bytes of weights", bytes);
}

/* Keys of one tensor, of its values and of its biases. */
struct keys {
    uint32_t values, biases;
};

static void fill(struct quant_tensor *t, double amplitude, const int8_t *blob, struct keys keys, const struct room *r)
{
    for (size_t i = 0; i < t->count; i++) r->values[i] = quant_blob_at(blob, keys.values, i);
    for (size_t i = 0; i < t->outputs; i++) {
        r->scales[i] = quant_weight_scale(&t->step, amplitude, blob, keys.values, i);
        r->biases[i] = quant_bias(&t->step, r->scales[i], blob, keys.biases, i);
    }
    t->values = r->values;
    t->scales = r->scales;
    t->biases = r->biases;
}

enum lathe_status weights_make_int8(const struct layer *l, int occurrence, uint32_t seed, struct weights *out,
                                    struct lathe_error *err)
{
    struct recipe recipes[TENSORS];
    struct quant_step steps[TENSORS];
    struct weights w = {0};
    recipe_layer(l, recipes);
    quant_layer(l, steps);
    for (int i = 0; i < TENSORS; i++)
        if (recipes[i].count)
            w.int8[i] =
                (struct quant_tensor){.count = recipes[i].count, .outputs = recipes[i].outputs, .step = steps[i]};
    int8_t *blob = malloc(QUANT_BLOB_VALUES);
    if (!blob) return error_set(err, LATHE_NO_MEMORY, "out of memory for %d bytes of weights", QUANT_BLOB_VALUES);
    enum lathe_status st = alloc_block(w.int8, &w.int8_block, err);
    if (st) goto out;
    quant_blob(blob);
    char *at = w.int8_block;
    for (int i = 0; i < TENSORS; i++) {
        if (!recipes[i].count) continue;
        const struct keys keys = {recipe_key(l, occurrence, seed, i), recipe_key(l, occurrence, seed, i + TENSOR_BIAS)};
        struct room room = take_room(&at, &w.int8[i]);
        fill(&w.int8[i], recipes[i].amplitude, blob, keys, &room);
    }
    *out = w;
out:
    free(blob);
    return st;
}

size_t quant_tensors_bytes(const struct quant_tensor tensors[TENSORS])
{
    size_t bytes = 0;
    for (int i = 0; i < TENSORS; i++)
        bytes += tensors[i].count + tensors[i].outputs * (sizeof(int32_t) + sizeof(float));
    return bytes;
}

enum lathe_status quant_tensors_copy(const struct quant_tensor from[TENSORS], void **block,
                                     struct quant_tensor to[TENSORS], struct lathe_error *err)
{
    enum lathe_status st = alloc_block(from, block, err);
    char *at = *block;
    for (int i = 0; !st && i < TENSORS; i++) {
        to[i] = from[i];
        if (!from[i].count) continue;
        struct room room = take_room(&at, &from[i]);
        memcpy(room.biases, from[i].biases, from[i].outputs * sizeof *room.biases);
        memcpy(room.scales, from[i].scales, from[i].outputs * sizeof *room.scales);
        memcpy(room.values, from[i].values, from[i].count);
        to[i].biases = room.biases;
        to[i].scales = room.scales;
        to[i].values = room.values;
    }
    return st;
}
