/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A growing byte buffer, for output of unknown length. Threads: one owner. */
#ifndef LATHE_BASE_BUF_H
#define LATHE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data; /* NULL while empty; otherwise NUL-terminated after size bytes */
    size_t size, capacity;
    bool failed; /* an allocation failed: the content is incomplete and later calls do nothing */
};

void buf_init(struct buf *);
void buf_clear(struct buf *);
void buf_put(struct buf *, const void *bytes, size_t n);
void buf_puts(struct buf *, const char *text);
void buf_printf(struct buf *, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Give the bytes to the caller, who frees them; the buffer is empty afterwards. @return NULL when failed or empty. */
char *buf_take(struct buf *, size_t *size_out);

#endif
