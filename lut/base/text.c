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

void text_from_u64(uint64_t value, char out[21])
{
    char digits[20];
    int n = 0;
    do digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    while (n > 0) *out++ = digits[--n];
    *out = '\0';
}

/* ---- shortest decimals ----
 * Tables are exported by the hundred thousand numbers, and printf() with its strtod() for every count of digits takes
 * ten microseconds a number. In the usual range the same is found exactly in integers of 128 bits. */

static const double fast_from = 1e-4;
static const double fast_below = 1e4;

/* @param exponent 0..20. */
static unsigned __int128 power_of_10(int exponent)
{
    static const uint64_t powers[] = {1,
                                      10,
                                      100,
                                      1000,
                                      10000,
                                      100000,
                                      1000000,
                                      10000000,
                                      100000000,
                                      1000000000,
                                      10000000000,
                                      100000000000,
                                      1000000000000,
                                      10000000000000,
                                      100000000000000,
                                      1000000000000000,
                                      10000000000000000,
                                      100000000000000000,
                                      1000000000000000000,
                                      10000000000000000000u};
    const int last = (int)(sizeof powers / sizeof powers[0]) - 1;
    return exponent <= last ? powers[exponent] : (unsigned __int128)powers[last] * powers[exponent - last];
}

/* Round f * 2^-s to `decimals` decimals. @param[out] out that times 10^decimals. @return whether it reads back as the
 * same number: it lies within half a unit of f, or on its border where f is even and wins. */
static bool round_decimal(uint64_t f, int s, int decimals, uint64_t *out)
{
    const unsigned __int128 unit = power_of_10(decimals);
    const unsigned __int128 exact = f * unit; /* times 2^-s */
    const unsigned __int128 half = (unsigned __int128)1 << (s - 1);
    unsigned __int128 rounded = exact >> s;
    unsigned __int128 rest = exact - (rounded << s);
    bool up = rest > half || (rest == half && (rounded & 1));
    unsigned __int128 error = up ? ((unsigned __int128)1 << s) - rest : rest;
    rounded += up;
    *out = (uint64_t)rounded;
    /* Below a power of two numbers lie twice as close. */
    error *= f == UINT64_C(1) << 52 && !up ? 4 : 2;
    return error < unit || (error == unit && f % 2 == 0);
}

/* number / 10^decimals, without zeros at its end. */
static void print_decimal(uint64_t number, int decimals, char *out)
{
    char digits[24];
    int n = 0;
    for (; decimals > 0 && number % 10 == 0; decimals--) number /= 10;
    for (; number || n <= decimals; number /= 10) digits[n++] = (char)('0' + number % 10);
    while (n > 0) {
        *out++ = digits[--n];
        if (n == decimals && n > 0) *out++ = '.';
    }
    *out = '\0';
}

/* @param value within the fast range. */
static void print_usual(double value, char *out)
{
    static const double limits[] = {1e-3, 1e-2, 1e-1, 1, 10, 100, 1e3};
    int exponent;
    uint64_t number = 0;
    uint64_t f = (uint64_t)ldexp(frexp(value, &exponent), 53);
    int whole = -3; /* digits before the point; less than 0: zeros behind it */
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) whole += value >= limits[i];
    int digits = 15;
    while (!round_decimal(f, 53 - exponent, digits - whole, &number) && digits < 17) digits++;
    print_decimal(number, digits - whole, out);
}

void text_from_double(double value, char out[32])
{
    char tried[32];
    if (value >= fast_from && value < fast_below) {
        print_usual(value, out);
        return;
    }
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
