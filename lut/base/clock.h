/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The clocks of Lathe. Tests replace them to move time by hand. Threads: any. */
#ifndef LATHE_BASE_CLOCK_H
#define LATHE_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Monotonic time in nanoseconds from an arbitrary start; never goes back. For intervals, deadlines, measuring. */
uint64_t clock_now_ns(void);

/** Milliseconds since 1970 UTC. For what people read and for what is stored; may jump. */
int64_t clock_wall_ms(void);

/** Write "2026-11-24T08:23:39.123Z". @param out at least 25 bytes. */
void clock_format(int64_t wall_ms, char out[25]);

/** Read what clock_format() writes, nothing else. @param[out] out written on success only. */
bool clock_parse(const char *text, int64_t *out);

/** Replace both clocks; NULL restores the real ones. For tests, before threads start. */
void clock_replace(uint64_t (*now_ns)(void), int64_t (*wall_ms)(void));

#endif
