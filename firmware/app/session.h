/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The wire protocol's side of the program: one session at a time, as agents/wire/PROTOCOL.md has it. Threads: main's.
 */
#ifndef LATHE_FIRMWARE_SESSION_H
#define LATHE_FIRMWARE_SESSION_H

#include <stddef.h>
#include <stdint.h>

void session_start(void);
/** Answer a message, if it wants one. */
void session_receive(const uint8_t *message, size_t n);
/** Of the runtime opened last; 0 before. */
uint32_t session_seed(void);

#endif
