/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A board: what the program needs to know of it, and what it asks of it. One folder each; firmware/README.md has the
 * checklist for another one.
 *
 * A 32-bit counter is enough for a layer, not for a session: clock.h extends it. Threads: one, and the interrupt of the
 * UART, which touches nothing but the ring of bytes received. */
#ifndef LATHE_FIRMWARE_BOARD_H
#define LATHE_FIRMWARE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What times are read from. A unit is a cycle on silicon and an instruction under emulation. */
struct timer {
    const char *name;
    bool instructions;
    uint32_t hz;                 /* ticks a second */
    uint32_t units, per_ticks;   /* so many units pass in so many ticks: 5 in 16; 1 in 1 where a tick is a unit */
    uint32_t (*ticks)(void);     /* counts up and wraps at 2^32 */
    const char *emulator_option; /* what makes an emulator's ticks count instructions; NULL on silicon */
};

struct board {
    const char *name, *core;          /* "netduinoplus2", "Cortex-M4F" */
    uint32_t sram_bytes, flash_bytes; /* that the chip has */

    /* Clocks, caches, pins, UART, timer. Every wait is bounded: a clock that does not start leaves the one before.
     * Interrupts are off before and after. */
    void (*start)(void);
    uint32_t (*core_hz)(void);
    const struct timer *(*timer)(void);

    int (*receive)(void);                         /* the next byte, or -1 */
    void (*send)(const uint8_t *bytes, size_t n); /* returns when n may be changed */
    void (*wait)(void); /* until something was received or time has passed; may return early */

    /* NULL where there is none. The watchdog outlasts feeding by at least WATCHDOG_LEAST_S. */
    void (*watchdog_start)(void);
    void (*watchdog_feed)(void);
    bool (*watchdog_bit)(void); /* whether it ended the run of the program before; asked once */

    uint32_t (*entropy)(void); /* chip's number, noise; 0 where there is none */
    void (*reset)(void) __attribute__((noreturn));
};

enum { WATCHDOG_LEAST_S = 20 };

extern const struct board board;

/* The linker script's. */
extern uint8_t image_start[], image_end[]; /* what the image takes of flash */
extern uint8_t arena_start[], arena_end[]; /* RAM that nothing else has */
extern uint8_t stack_start[], stack_end[];

#endif
