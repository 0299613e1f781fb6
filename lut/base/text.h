/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Strict readers and writers of numbers and names in text. Threads: any. */
#ifndef LATHE_BASE_TEXT_H
#define LATHE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Read a whole decimal number: digits only, no sign, no space, no leading zero but "0". @return false otherwise. */
bool text_to_u64(const char *text, size_t length, uint64_t *out);
/** Read a whole finite number as strtod does in the C locale, with nothing around it. @return false otherwise. */
bool text_to_double(const char *text, size_t length, double *out);
/** A whole number in decimal. @param out at least 21 bytes. */
void text_from_u64(uint64_t value, char out[21]);
/** The shortest decimal that reads back as the same double ("0.1", "12", "1e-09"). @param out at least 32 bytes. */
void text_from_double(double value, char out[32]);

/** Whether text may name a device, agent, space or predictor: 1-64 of a-z A-Z 0-9 . _ - and not first . or -. */
bool text_is_name(const char *text);
/** Whether text may name a config: as above, up to 64, e.g. "xnnpack-f32-t1-b1". */
bool text_is_config(const char *text);

#endif
