/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* ARM's MPS2 with one of its FPGA images (AN385, AN386, AN500): CMSDK's UART and watchdog, FPGAIO's counter. */
#ifndef LATHE_FIRMWARE_MPS2_H
#define LATHE_FIRMWARE_MPS2_H

#include "firmware/boards/board.h"

enum { MPS2_HZ = 25000000, MPS2_CODE_BYTES = 4 << 20, MPS2_SRAM_BYTES = 4 << 20 };

void mps2_start(void);
uint32_t mps2_core_hz(void);
const struct timer *mps2_timer(void);
int mps2_receive(void);
void mps2_send(const uint8_t *bytes, size_t n);
void mps2_wait(void);
void mps2_watchdog_start(void);
void mps2_watchdog_feed(void);

/* All of struct board but name and core. */
#define MPS2_BOARD                                                                                               \
    .sram_bytes = MPS2_SRAM_BYTES, .flash_bytes = MPS2_CODE_BYTES, .start = mps2_start, .core_hz = mps2_core_hz, \
    .timer = mps2_timer, .receive = mps2_receive, .send = mps2_send, .wait = mps2_wait,                          \
    .watchdog_start = mps2_watchdog_start, .watchdog_feed = mps2_watchdog_feed, .reset = arch_reset

#endif
