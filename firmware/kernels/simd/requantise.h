/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* kernel_finish() in six instructions. Threads: plain values. */
#ifndef LATHE_FIRMWARE_KERNELS_REQUANTISE_H
#define LATHE_FIRMWARE_KERNELS_REQUANTISE_H

#include "firmware/kernels/arithmetic.h"
#include "firmware/kernels/simd/dsp.h"

/* What a step adds before the last bit is dropped: its rounding and its zero point. */
KERNEL_INLINE int32_t requantise_round(const struct kernel_step *s)
{
    return 1 + 2 * s->out_zero;
}

/* @param bias_shift as in struct kernel_channel. @param rectified clamp to 0..127, not to all of int8. */
KERNEL_INLINE int8_t requantise(int32_t sum, int32_t multiplier, int32_t bias_shift, int32_t round,
                                const bool rectified)
{
    int32_t x = dsp_smmulr(sum * 2, multiplier);
    x = dsp_asr(x + (x >> 31), bias_shift) + round;
    return (int8_t)(rectified ? dsp_usat7_half(x) : dsp_ssat8_half(x));
}

#endif
