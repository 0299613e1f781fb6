/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Registers that every Cortex-M3, M4 and M7 has, and what all boards with one share. */
#ifndef LATHE_FIRMWARE_CORTEX_M_H
#define LATHE_FIRMWARE_CORTEX_M_H

#include "firmware/boards/board.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

/** Let an interrupt of the board's through; it calls board_interrupt(). */
static inline void nvic_enable(unsigned irq)
{
    (&REGISTER(0xe000e100))[irq / 32] = 1u << irq % 32;
}

/** The board's: all interrupts but SysTick's, faults, and the NMI, which is taken for a watchdog's warning. */
void board_interrupt(void);

/** Start the cycle counter. @return false where it stands still, as in emulators. */
bool dwt_start(void);
uint32_t dwt_ticks(void);
/** Instructions and data are cached from here on (Cortex-M7). */
void caches_start(void);

#endif
