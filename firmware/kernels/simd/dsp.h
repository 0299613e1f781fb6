/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The instructions of Arm's DSP extension (Cortex-M4, M7) that the kernels use: ACLE's intrinsics, and those that GCC
 * has none for. Words hold two int16 or four int8, the first in the lowest bits. Names are the instructions'.
 * tests/unit/dsp has the same in plain C, so that the kernels' logic runs on a host under sanitizers. */
#ifndef LATHE_FIRMWARE_KERNELS_DSP_H
#define LATHE_FIRMWARE_KERNELS_DSP_H

#include <arm_acle.h>
#include <stdint.h>

#ifndef __ARM_FEATURE_DSP
#error "this core has no DSP extension: build the kernels of plain/ for it"
#endif

#define DSP_INLINE static inline __attribute__((always_inline))

/* acc + both products. */
DSP_INLINE int32_t dsp_smlad(uint32_t a, uint32_t b, int32_t acc)
{
    return __smlad((int16x2_t)a, (int16x2_t)b, acc);
}

/* acc + one product, of lower (b) or upper (t) halves. */
DSP_INLINE int32_t dsp_smlabb(uint32_t a, uint32_t b, int32_t acc)
{
    return __smlabb((int32_t)a, (int32_t)b, acc);
}

DSP_INLINE int32_t dsp_smlabt(uint32_t a, uint32_t b, int32_t acc)
{
    return __smlabt((int32_t)a, (int32_t)b, acc);
}

DSP_INLINE int32_t dsp_smlatb(uint32_t a, uint32_t b, int32_t acc)
{
    return __smlatb((int32_t)a, (int32_t)b, acc);
}

/* Bytes 0 and 2 as int16. */
DSP_INLINE uint32_t dsp_sxtb16(uint32_t bytes)
{
    return (uint32_t)__sxtb16((int8x4_t)bytes);
}

/* Bytes 1 and 3. */
DSP_INLINE uint32_t dsp_sxtb16_odd(uint32_t bytes)
{
    uint32_t out;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(out) : "r"(bytes));
    return out;
}

/* The same, added to two int16. */
DSP_INLINE uint32_t dsp_sxtab16(uint32_t to, uint32_t bytes)
{
    return (uint32_t)__sxtab16((int16x2_t)to, (int8x4_t)bytes);
}

DSP_INLINE uint32_t dsp_sxtab16_odd(uint32_t to, uint32_t bytes)
{
    uint32_t out;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(out) : "r"(to), "r"(bytes));
    return out;
}

/* (a x b + 2^31) / 2^32, rounded down. */
DSP_INLINE int32_t dsp_smmulr(int32_t a, int32_t b)
{
    int32_t out;
    __asm__("smmulr %0, %1, %2" : "=r"(out) : "r"(a), "r"(b));
    return out;
}

/* x / 2^n rounded down, n in the lowest byte of `shift`. Compilers would take that byte out first. */
DSP_INLINE int32_t dsp_asr(int32_t x, int32_t shift)
{
    int32_t out;
    __asm__("asr %0, %1, %2" : "=r"(out) : "r"(x), "r"(shift));
    return out;
}

/* x / 2 rounded down, clamped to int8. */
DSP_INLINE int32_t dsp_ssat8_half(int32_t x)
{
    return __ssat(x >> 1, 8);
}

/* The same, clamped to 0..127. */
DSP_INLINE int32_t dsp_usat7_half(int32_t x)
{
    return (int32_t)__usat(x >> 1, 7);
}

/* Sums of four int8 each, saturating. */
DSP_INLINE uint32_t dsp_qadd8(uint32_t a, uint32_t b)
{
    return (uint32_t)__qadd8((int8x4_t)a, (int8x4_t)b);
}

/* The greater of four int8 each. */
DSP_INLINE uint32_t dsp_max8(uint32_t a, uint32_t b)
{
    uint32_t out;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(out) : "r"(a), "r"(b) : "cc");
    return out;
}

#endif
