/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/kernels/bytes.h"

void bytes_copy(int8_t *to, const int8_t *from, size_t n)
{
    for (; n >= 4; n -= 4, to += 4, from += 4) bytes_store(to, bytes_load(from));
    while (n--) *to++ = *from++;
}

void bytes_move_up(int8_t *to, const int8_t *from, size_t n)
{
    size_t words = (n + 3) / 4;
    to += 4 * words;
    from += 4 * words;
    for (; words >= 4; words -= 4) {
        to -= 16;
        from -= 16;
        /* All four are read first: the places may be as near as one word. */
        const uint32_t a = bytes_load(from);
        const uint32_t b = bytes_load(from + 4);
        const uint32_t c = bytes_load(from + 8);
        const uint32_t d = bytes_load(from + 12);
        bytes_store(to, a);
        bytes_store(to + 4, b);
        bytes_store(to + 8, c);
        bytes_store(to + 12, d);
    }
    while (words--) {
        to -= 4;
        from -= 4;
        bytes_store(to, bytes_load(from));
    }
}

void bytes_fill(int8_t *to, int8_t value, size_t n)
{
    const uint32_t word = (uint8_t)value * 0x01010101u;
    for (; n >= 4; n -= 4, to += 4) bytes_store(to, word);
    while (n--) *to++ = value;
}

void bytes_look_up(int8_t *values, const int8_t table[256], size_t n)
{
    for (; n >= 4; n -= 4, values += 4) {
        values[0] = table[(uint8_t)values[0]];
        values[1] = table[(uint8_t)values[1]];
        values[2] = table[(uint8_t)values[2]];
        values[3] = table[(uint8_t)values[3]];
    }
    for (; n; n--, values++) *values = table[(uint8_t)*values];
}

void bytes_rectify(int8_t *values, size_t n)
{
    for (; n >= 4; n -= 4, values += 4) {
        uint32_t word = bytes_load(values);
        uint32_t negative = (word >> 7 & 0x01010101u) * 0xffu;
        bytes_store(values, word & ~negative);
    }
    for (; n; n--, values++)
        if (*values < 0) *values = 0;
}
