/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* In the place of the kernels' own header of this name: the instructions in plain C, from Arm's architecture manual, so
 * that the SIMD kernels run on this machine under sanitizers. */
#ifndef LATHE_TESTS_CONFORMANCE_DSP_H
#define LATHE_TESTS_CONFORMANCE_DSP_H

#include <stdint.h>

static inline int32_t dsp_low(uint32_t x)
{
    return (int16_t)x;
}

static inline int32_t dsp_high(uint32_t x)
{
    return (int16_t)(x >> 16);
}

static inline uint32_t dsp_halves(int32_t low, int32_t high)
{
    return (uint16_t)low | (uint32_t)high << 16;
}

static inline int32_t dsp_byte(uint32_t x, int i)
{
    return (int8_t)(x >> (8 * i));
}

static inline int32_t dsp_smlad(uint32_t a, uint32_t b, int32_t acc)
{
    return acc + dsp_low(a) * dsp_low(b) + dsp_high(a) * dsp_high(b);
}

static inline int32_t dsp_smlabb(uint32_t a, uint32_t b, int32_t acc)
{
    return acc + dsp_low(a) * dsp_low(b);
}

static inline int32_t dsp_smlabt(uint32_t a, uint32_t b, int32_t acc)
{
    return acc + dsp_low(a) * dsp_high(b);
}

static inline int32_t dsp_smlatb(uint32_t a, uint32_t b, int32_t acc)
{
    return acc + dsp_high(a) * dsp_low(b);
}

static inline uint32_t dsp_sxtb16(uint32_t bytes)
{
    return dsp_halves(dsp_byte(bytes, 0), dsp_byte(bytes, 2));
}

static inline uint32_t dsp_sxtb16_odd(uint32_t bytes)
{
    return dsp_halves(dsp_byte(bytes, 1), dsp_byte(bytes, 3));
}

static inline uint32_t dsp_sxtab16(uint32_t to, uint32_t bytes)
{
    return dsp_halves(dsp_low(to) + dsp_byte(bytes, 0), dsp_high(to) + dsp_byte(bytes, 2));
}

static inline uint32_t dsp_sxtab16_odd(uint32_t to, uint32_t bytes)
{
    return dsp_halves(dsp_low(to) + dsp_byte(bytes, 1), dsp_high(to) + dsp_byte(bytes, 3));
}

static inline int32_t dsp_smmulr(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32);
}

static inline int32_t dsp_asr(int32_t x, int32_t shift)
{
    return x >> (shift & 0xff);
}

static inline int32_t dsp_saturate(int32_t x, int32_t min, int32_t max)
{
    return x < min ? min : x > max ? max : x;
}

static inline int32_t dsp_ssat8_half(int32_t x)
{
    return dsp_saturate(x >> 1, INT8_MIN, INT8_MAX);
}

static inline int32_t dsp_usat7_half(int32_t x)
{
    return dsp_saturate(x >> 1, 0, INT8_MAX);
}

static inline uint32_t dsp_qadd8(uint32_t a, uint32_t b)
{
    uint32_t out = 0;
    for (int i = 0; i < 4; i++) {
        int32_t sum = dsp_byte(a, i) + dsp_byte(b, i);
        out |= (uint32_t)(uint8_t)(sum < INT8_MIN ? INT8_MIN : sum > INT8_MAX ? INT8_MAX : sum) << (8 * i);
    }
    return out;
}

static inline uint32_t dsp_max8(uint32_t a, uint32_t b)
{
    uint32_t out = 0;
    for (int i = 0; i < 4; i++) out |= ((dsp_byte(a, i) >= dsp_byte(b, i) ? a : b) >> (8 * i) & 0xff) << (8 * i);
    return out;
}

#endif
