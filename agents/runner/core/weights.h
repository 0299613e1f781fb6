/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Weights and inputs made from a seed, so that none travel over a wire and all runners have the same.
 *
 * A value depends on the seed, the layer, its occurrence in the network (0 for the first of equal layers) and its place
 * in its tensor; agents/wire/PROTOCOL.md has the recipe. Ranges keep activations of deep networks near 1.
 * Threads: plain values. */
#ifndef LATHE_RUNNER_WEIGHTS_H
#define LATHE_RUNNER_WEIGHTS_H

#include "agents/runner/core/quant.h"

/* One tensor of int8 weights with what is needed to apply it. Layouts are those of f32. */
struct quant_tensor {
    const int8_t *values;  /* -127..127; NULL when the layer has no such tensor */
    const float *scales;   /* [outputs] */
    const int32_t *biases; /* [outputs], in units of step.in.scale x scales[i] */
    size_t count, outputs;
    struct quant_step step;
};

/* Dense tensors are [out][kh][kw][in], the depthwise one [kh][kw][channels], biases [out]. Absent ones are NULL.
 * The weights of one dtype are there, the other's are all absent. */
struct weights {
    float *block;                            /* all of them, owned */
    size_t count;                            /* floats in the block */
    const float *expand, *expand_bias;       /* mbconv, bottleneck: 1x1, in to mid */
    const float *depthwise, *depthwise_bias; /* mbconv */
    const float *squeeze, *squeeze_bias;     /* mbconv: mid to se */
    const float *excite, *excite_bias;       /* mbconv: se to mid */
    const float *dense, *dense_bias;         /* conv2d, linear; mbconv, bottleneck: 1x1, mid to out */
    const float *window, *window_bias;       /* bottleneck: k x k, mid to mid */
    const float *shortcut, *shortcut_bias;   /* bottleneck without residual: 1x1, in to out */
    void *int8_block;                        /* owned, as above */
    struct quant_tensor int8[TENSORS];
};

/** @param[out] out weights_clear() it. @return LATHE_NO_MEMORY otherwise. */
enum lathe_status weights_make(const struct layer *, int occurrence, uint32_t seed, struct weights *out,
                               struct lathe_error *err);
/** As weights_make(), for int8. */
enum lathe_status weights_make_int8(const struct layer *, int occurrence, uint32_t seed, struct weights *out,
                                    struct lathe_error *err);
/** @param[out] out a copy of its own. */
enum lathe_status weights_copy(const struct weights *, struct weights *out, struct lathe_error *err);
void weights_clear(struct weights *);
/** What they take in memory. */
size_t weights_bytes(const struct weights *);

/** The input of a network that starts with this layer: n values in [-1, 1). */
void weights_input(const struct layer *first, uint32_t seed, float *out, size_t n);
/** The same input for int8: n values in -32..31. */
void weights_input_int8(const struct layer *first, uint32_t seed, int8_t *out, size_t n);

#endif
