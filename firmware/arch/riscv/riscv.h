/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A RISC-V hart in machine mode, and what a board has to tell of itself. */
#ifndef LATHE_FIRMWARE_RISCV_H
#define LATHE_FIRMWARE_RISCV_H

#include "firmware/boards/board.h"

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define CSR_READ(name)                                                   \
    ({                                                                   \
        uint32_t csr_value;                                              \
        __asm__ volatile("csrr %0, " #name : "=r"(csr_value)::"memory"); \
        csr_value;                                                       \
    })
#define CSR_WRITE(name, value) __asm__ volatile("csrw " #name ", %0" ::"r"((uint32_t)(value)) : "memory")
#define CSR_SET(name, value) __asm__ volatile("csrs " #name ", %0" ::"r"((uint32_t)(value)) : "memory")

/** The board's external interrupts. */
void board_interrupt(void);
/** Ask for the timer's interrupt in a hundredth of a second. */
void board_tick(void);

/** Make flash what it is elsewhere: not to be written. @param bytes a power of two, the start a multiple of it. */
void riscv_protect(uint32_t start, uint32_t bytes);

#endif
