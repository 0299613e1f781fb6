/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The board's counter, extended to 64 bits, and checked where it is an emulator's.
 * Threads: main's and an interrupt's; neither is interrupted in clock_ticks(). */
#ifndef LATHE_FIRMWARE_CLOCK_H
#define LATHE_FIRMWARE_CLOCK_H

#include "firmware/boards/board.h"

/** After board.start(). Under emulation runs a known number of instructions and looks whether they were counted. */
void clock_start(void);
/** False: the emulator was started without the option that makes its ticks instructions, and nothing can be measured.
 */
bool clock_is_sound(void);
/** Ticks since the start. To be called at least once while the counter wraps. */
uint64_t clock_ticks(void);
/** Ticks as cycles or instructions, rounded. Exact for instructions: the rounding undoes the ticks' own. */
uint64_t clock_units(uint64_t ticks);
/** Units a second; 0 for instructions. */
uint32_t clock_units_hz(void);
/** Ticks as microseconds; an emulator's instruction is a nanosecond. */
uint64_t clock_us(uint64_t ticks);

/* The processor's, of firmware/arch. */
uint32_t arch_interrupts_off(void); /* returns what arch_interrupts_restore() takes */
void arch_interrupts_restore(uint32_t);
void arch_interrupts_on(void);
void arch_wait(void);                 /* for an interrupt, even one that is off */
void arch_spend(uint32_t iterations); /* exactly two instructions each, and a few around them */
void arch_start(void);                /* a timer that ends arch_wait() and keeps clock_ticks() going */
void arch_reset(void) __attribute__((noreturn));

#endif
