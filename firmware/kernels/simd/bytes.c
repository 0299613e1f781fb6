/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/kernels/bytes.h"

#include "firmware/kernels/execute.h"

#include "firmware/kernels/simd/dsp.h"

void bytes_add(int8_t *to, const int8_t *from, size_t n)
{
    for (; n >= 4; n -= 4, to += 4, from += 4) bytes_store(to, dsp_qadd8(bytes_load(to), bytes_load(from)));
    for (; n; n--, to++, from++) *to = (int8_t)dsp_qadd8((uint8_t)*to, (uint8_t)*from);
}

void bytes_max(int8_t *to, const int8_t *from, size_t n)
{
    for (; n >= 4; n -= 4, to += 4, from += 4) bytes_store(to, dsp_max8(bytes_load(to), bytes_load(from)));
    for (; n; n--, to++, from++)
        if (*from > *to) *to = *from;
}

const char *kernel_flavour(void)
{
    return "simd";
}
