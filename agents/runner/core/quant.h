/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* int8: what every tensor's scale and zero point is, where weights come from, and the arithmetic, bit for bit.
 *
 * The semantics are TensorFlow Lite's: real = scale x (q - zero); q is int8, sums are int32, weights are symmetric with
 * one scale an output channel. Between layers all tensors are alike, so that what a layer computes depends on nothing
 * but the layer. agents/wire/PROTOCOL.md, "int8", says the same for runners in other languages.
 * Threads: plain values. No heap and no libc, as firmware is compiled from it too, except quant_table(): libm's exp().
 */
#ifndef LATHE_RUNNER_QUANT_H
#define LATHE_RUNNER_QUANT_H

#include "agents/runner/core/recipe.h"

struct quant {
    float scale;
    int32_t zero; /* -128..127 */
};

/* Functions that no clamp can do: applied by a table. */
enum quant_curve { QUANT_NO_CURVE, QUANT_HSWISH, QUANT_SWISH, QUANT_SIGMOID };

/* From sums to a tensor: requantise to `sums`, clamp to min..max, apply the curve. */
struct quant_act {
    struct quant sums;
    int8_t min, max;
    enum quant_curve curve;
    struct quant out; /* of the tensor in the end; `sums` again without a curve */
};

/* One convolution or linear step. */
struct quant_step {
    struct quant in;
    struct quant_act act;
    bool sixth; /* its weights and biases are those of x / 6 + 1/2: the hard sigmoid, whose clamp int8's range is */
};

/** Of tensors between layers: 1/32, 0. */
struct quant quant_outside(void);
/** Of the gate that squeeze-excite multiplies with: 1/256, -128. */
struct quant quant_gate(void);
/** For a layer's output, after the activation. */
struct quant_act quant_act_outside(enum activation);
/** For a tensor inside a layer. */
struct quant_act quant_act_inside(enum activation);
/** All steps of a layer by their tensor of weights. Steps of absent tensors are not written. */
void quant_layer(const struct layer *, struct quant_step out[TENSORS]);

enum { QUANT_BLOB_VALUES = 65521 };
/** The constant that all weights are cut from, in -127..127. @param out QUANT_BLOB_VALUES bytes. */
void quant_blob(int8_t *out);
/** Value i of a tensor. @param key recipe_key(). */
static inline int8_t quant_blob_at(const int8_t *blob, uint32_t key, size_t i)
{
    return blob[(key % QUANT_BLOB_VALUES + i) % QUANT_BLOB_VALUES];
}
/** Scale of a channel's weights. @param amplitude recipe_layer()'s. */
float quant_weight_scale(const struct quant_step *, double amplitude, const int8_t *blob, uint32_t key, size_t channel);
/** Bias of a channel, in units of step->in.scale x scale. @param key of the bias, tensor + TENSOR_BIAS.
 *  @param scale of the channel's weights. */
int32_t quant_bias(const struct quant_step *, float scale, const int8_t *blob, uint32_t key, size_t channel);

/* A positive real factor as value x 2^(shift - 31), value in 2^30..2^31-1 (TFLite's QuantizeMultiplier). */
struct quant_multiplier {
    int32_t value;
    int shift;
};
/** @param factor at least 0 and below 2^30. */
struct quant_multiplier quant_multiplier_of(double factor);
/** in x weights / sums: what requantises a step's sums. */
struct quant_multiplier quant_requantiser(const struct quant_step *, float weight_scale);
/** sum x factor, rounded twice: as TFLite's MultiplyByQuantizedMultiplier. Saturates where that overflows. */
int32_t quant_multiply(int32_t sum, struct quant_multiplier);
/** An average of int8 values: sum / n, rounded half away from zero. @param n above 0. */
int8_t quant_divide(int64_t sum, int64_t n);
/** x within min..max. */
static inline int32_t quant_clamp(int32_t x, int32_t min, int32_t max)
{
    return x < min ? min : x > max ? max : x;
}
/** A sum as a tensor's value, before the curve. */
static inline int8_t quant_requantise(int32_t sum, struct quant_multiplier m, const struct quant_act *act)
{
    const int32_t zero = act->sums.zero;
    return (int8_t)(quant_clamp(quant_multiply(sum, m), act->min - zero, act->max - zero) + zero);
}
/** A value times a gate's value. @param zero of the value. */
int8_t quant_product(int8_t value, int32_t zero, int8_t gate);

/** Tabulate a curve from one quantisation to another. @param[out] table of (uint8_t)q. */
void quant_table(enum quant_curve, struct quant in, struct quant out, int8_t table[256]);

#endif
