/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What ended the program, kept in RAM that a reset leaves alone, until the next start tells a host.
 * Threads: fault handlers write it and reset; nothing else runs then. */
#ifndef LATHE_FIRMWARE_CRASH_H
#define LATHE_FIRMWARE_CRASH_H

#include <stdbool.h>
#include <stdint.h>

enum { CRASH_TEXT_BYTES = 64 };

/** From a fault handler: "HardFault at 08001234 from 08000a10, cfsr 00010000". @param cause up to 15 characters.
 *  @param detail of the processor's; name NULL: none. */
void crash_record(const char *cause, uint32_t pc, uint32_t lr, const char *detail_name, uint32_t detail);
/** Once, early: what the program before this one left, "" after a power-up or a reset that was asked for. */
void crash_start(bool watchdog_bit);
const char *crash_text(void);
/** How often this program has started since the power came, as far as RAM remembers. */
uint32_t crash_starts(void);

#endif
