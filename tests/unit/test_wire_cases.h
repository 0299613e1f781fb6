/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Fixtures of the wire protocol, tests/cases/wire/<case>: input has the bytes of a stream in hexadecimal, expected the
 * messages in it, one a line. Both were made without this project's code. */
#ifndef LATHE_TESTS_WIRE_CASES_H
#define LATHE_TESTS_WIRE_CASES_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/file.h"

enum { WIRE_CASE_BYTES = 2048 };

struct wire_case {
    uint8_t stream[WIRE_CASE_BYTES];
    size_t stream_bytes;
    char *expected; /* text, owned */
};

static inline char *wire_case_file(const char *name, const char *file)
{
    char path[512];
    char *text = NULL;
    size_t size = 0;
    struct lathe_error err = {0};
    snprintf(path, sizeof path, "%s/wire/%s/%s", TEST_CASES, name, file);
    ck_assert_msg(file_read(path, 1 << 16, &text, &size, &err) == LATHE_OK, "%s", err.message);
    return text;
}

/* Hexadecimal digits to bytes; other characters are skipped. @return bytes. */
static inline size_t wire_case_hex(const char *text, uint8_t *out, size_t capacity)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    for (; *text; text++) {
        const char *digit = strchr(digits, *text);
        if (!digit) continue;
        ck_assert_uint_lt(n / 2, capacity);
        if (n % 2 == 0) out[n / 2] = 0;
        out[n / 2] = (uint8_t)(out[n / 2] << 4 | (digit - digits));
        n++;
    }
    ck_assert_uint_eq(n % 2, 0);
    return n / 2;
}

static inline void wire_case_load(const char *name, struct wire_case *out)
{
    char *text = wire_case_file(name, "input");
    const char *body = strchr(text, '\n'); /* the first line is a comment */
    ck_assert(text[0] == '#' && body);
    out->stream_bytes = wire_case_hex(body, out->stream, sizeof out->stream);
    out->expected = wire_case_file(name, "expected");
    free(text);
}

#endif
