/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/kernels/bytes.h"

#include "firmware/kernels/execute.h"

void bytes_add(int8_t *to, const int8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int32_t sum = to[i] + from[i];
        to[i] = (int8_t)(sum < INT8_MIN ? INT8_MIN : sum > INT8_MAX ? INT8_MAX : sum);
    }
}

void bytes_max(int8_t *to, const int8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (from[i] > to[i]) to[i] = from[i];
}

const char *kernel_flavour(void)
{
    return "plain";
}
