/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Texts without printf: pieces put one after another, cut where the room ends, always ended by NUL. */
#ifndef LATHE_FIRMWARE_TEXT_H
#define LATHE_FIRMWARE_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
    char *bytes;
    size_t size, capacity; /* size without the NUL, below capacity */
};

/** @param capacity at least 1; bytes becomes "". */
struct text text_into(char *bytes, size_t capacity);
void text_add(struct text *, const char *piece);
void text_add_char(struct text *, char);
void text_number(struct text *, uint64_t);
/** Eight digits. */
void text_hex(struct text *, uint32_t);

#endif
