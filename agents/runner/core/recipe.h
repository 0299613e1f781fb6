/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What tensors of weights a layer has, and what their values are made from. agents/wire/PROTOCOL.md, "Weights and
 * inputs", says the same for runners in other languages.
 * Threads: plain values. No heap and no header of a libc; sqrt() is all that it needs of libm. */
#ifndef LATHE_RUNNER_RECIPE_H
#define LATHE_RUNNER_RECIPE_H

#include "lut/layer/layer.h"

/* Numbers of tensors; a bias has its tensor's number plus TENSOR_BIAS. */
enum tensor {
    TENSOR_EXPAND,
    TENSOR_DEPTHWISE,
    TENSOR_SQUEEZE,
    TENSOR_EXCITE,
    TENSOR_DENSE,
    TENSOR_WINDOW,
    TENSOR_SHORTCUT,
    TENSORS,
    TENSOR_BIAS = 16,
    TENSOR_INPUT = 32
};

struct recipe {
    size_t count, outputs; /* values, and channels with a bias each; 0 when the layer has no such tensor */
    double amplitude;      /* values are in [-amplitude, amplitude) */
};

void recipe_layer(const struct layer *, struct recipe out[TENSORS]);

/** CRC-32 of seed, layer, occurrence and number of the tensor: where its values start. */
uint32_t recipe_key(const struct layer *, int occurrence, uint32_t seed, int tensor);

/** xorshift32. @param x not 0. */
static inline uint32_t recipe_next(uint32_t x)
{
    x ^= x << 13;
    x ^= x >> 17;
    return x ^ x << 5;
}

#endif
