/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b)
{
    *b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
    free(b->data);
    buf_init(b);
}

/* Room for n more bytes and a NUL. */
static bool reserve(struct buf *b, size_t n)
{
    if (b->failed) return false;
    if (b->size + n + 1 <= b->capacity) return true;
    size_t capacity = b->capacity ? b->capacity : 256;
    while (capacity < b->size + n + 1) capacity *= 2;
    char *data = realloc(b->data, capacity);
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->capacity = capacity;
    return true;
}

void buf_put(struct buf *b, const void *bytes, size_t n)
{
    if (!reserve(b, n)) return;
    if (n) memcpy(b->data + b->size, bytes, n);
    b->size += n;
    b->data[b->size] = '\0';
}

void buf_puts(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *format, ...)
{
    enum { USUAL = 64 }; /* bytes that are made room for at first, so that most texts are made only once */
    va_list args, again;
    if (!reserve(b, USUAL)) return;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(b->data + b->size, USUAL + 1, format, args);
    va_end(args);
    if (n >= 0 && n <= USUAL) {
        b->size += (size_t)n;
    } else if (n >= 0 && reserve(b, (size_t)n)) {
        vsnprintf(b->data + b->size, (size_t)n + 1, format, again);
        b->size += (size_t)n;
    }
    va_end(again);
}

char *buf_take(struct buf *b, size_t *size_out)
{
    char *data = b->data;
    if (b->failed) {
        free(data);
        data = NULL;
    }
    if (size_out) *size_out = data ? b->size : 0;
    buf_init(b);
    return data;
}
