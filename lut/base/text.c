/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool text_to_u64(const char *text, size_t length, uint64_t *out)
{
    if (length == 0 || length > 20 || (length > 1 && text[0] == '0')) return false;
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        unsigned digit = (unsigned)(text[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

bool text_to_double(const char *text, size_t length, double *out)
{
    char copy[64];
    if (length == 0 || length >= sizeof copy) return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    /* strtod also reads hexadecimal, "nan" and leading space; numbers here start with a digit, a sign or a point. */
    if (strchr("0123456789.-+", copy[0]) == NULL || strpbrk(copy, "xXnN")) return false;
    char *end;
    double value = strtod(copy, &end);
    if (end != copy + length || !isfinite(value)) return false;
    *out = value;
    return true;
}

void text_from_double(double value, char out[32])
{
    char tried[32];
    out[0] = '\0';
    /* Fewest digits is not always shortest: 500 is "5e+02" with one of them. */
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(tried, sizeof tried, "%.*g", digits, value);
        if (strtod(tried, NULL) == value && (!out[0] || strlen(tried) < strlen(out))) memcpy(out, tried, sizeof tried);
    }
}

bool text_is_name(const char *text)
{
    size_t n = strlen(text);
    if (n == 0 || n > 64 || text[0] == '.' || text[0] == '-') return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i])) return false;
    return true;
}

bool text_is_config(const char *text)
{
    return text_is_name(text);
}
