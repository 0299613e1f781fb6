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
    return acc + (int16_t)a * (int16_t)b;
}

DSP_INLINE int32_t dsp_smlabt(uint32_t a, uint32_t b, int32_t acc)
{
    return acc + (int16_t)a * (int16_t)(b >> 16);
}

DSP_INLINE int32_t dsp_smlatb(uint32_t a, uint32_t b, int32_t acc)
{
    return dsp_smlabt(b, a, acc);
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
