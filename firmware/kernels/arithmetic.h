/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* agents/runner/core/quant.c's arithmetic once more, short enough for inner loops. It relies on what the recipe and
 * board_layer_refusal() guarantee: sums stay within +-2^30 (8192 inputs of 255 x 127, and biases below 2^23), and
 * multipliers below 1/2, so that a shift is 1 to 31 to the right.
 * Threads: plain values. */
#ifndef LATHE_FIRMWARE_KERNELS_ARITHMETIC_H
#define LATHE_FIRMWARE_KERNELS_ARITHMETIC_H

#include "firmware/kernels/execute.h"

/* Loops are written once and compiled for each of several constants. */
#define KERNEL_INLINE static inline __attribute__((always_inline))

KERNEL_INLINE int32_t kernel_clamp(int32_t x, int32_t min)
{
    return x < min ? min : x > INT8_MAX ? INT8_MAX : x;
}

KERNEL_INLINE int32_t kernel_bias(const struct kernel_channel *c)
{
    return c->bias_shift >> 8;
}

/* What is left to do with the product of a sum and its multiplier, 2^(shift - 1) x the result. Half away from zero:
 * a negative value is first made one less. The last bit is rounded by adding 1; twice the zero point goes with it. */
KERNEL_INLINE int8_t kernel_finish(int32_t product, int32_t bias_shift, int32_t zero, int32_t min)
{
    int32_t x = product + (product >> 31);
    x >>= bias_shift & 0xff;
    return (int8_t)kernel_clamp((x + 1 + 2 * zero) >> 1, min);
}

/* quant_product(). */
KERNEL_INLINE int8_t kernel_gated(int32_t value, int32_t zero, int32_t gate)
{
    int32_t x = ((value - zero) * (gate + 128) + 1) >> 1;
    return (int8_t)kernel_clamp(((x + (x >> 31) + 64) >> 7) + zero, INT8_MIN);
}

/* quant_divide(). @param sum of n values. @param n 1 to BOARD_PIXELS_MAX. */
KERNEL_INLINE int8_t kernel_average(int32_t sum, int32_t n)
{
    return (int8_t)((sum < 0 ? sum - n / 2 : sum + n / 2) / n);
}

#endif
