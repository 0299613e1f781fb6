/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/app/text.h"

struct text text_into(char *bytes, size_t capacity)
{
    bytes[0] = '\0';
    return (struct text){bytes, 0, capacity};
}

void text_add_char(struct text *t, char c)
{
    if (t->size + 1 >= t->capacity) return;
    t->bytes[t->size++] = c;
    t->bytes[t->size] = '\0';
}

void text_add(struct text *t, const char *piece)
{
    while (*piece) text_add_char(t, *piece++);
}

void text_number(struct text *t, uint64_t number)
{
    char digits[20];
    int n = 0;
    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    while (n) text_add_char(t, digits[--n]);
}

void text_hex(struct text *t, uint32_t number)
{
    for (int shift = 28; shift >= 0; shift -= 4) text_add_char(t, "0123456789abcdef"[number >> shift & 15]);
}
