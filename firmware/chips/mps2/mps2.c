/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/chips/mps2/mps2.h"

#include "firmware/arch/cortex_m/cortex_m.h"
#include "firmware/boards/clock.h"
#include "firmware/boards/ring.h"

/* CMSDK APB UART 0. */
#define UART_DATA REGISTER(0x40004000)
#define UART_STATE REGISTER(0x40004004) /* bit 0: transmitter full, 1: something received */
#define UART_CTRL REGISTER(0x40004008)
#define UART_INTSTATUS REGISTER(0x4000400c)
#define UART_BAUDDIV REGISTER(0x40004010)
/* CMSDK APB watchdog: counts down, raises the NMI at 0, and resets the chip at the next 0. */
#define WATCHDOG_LOAD REGISTER(0x40008000)
#define WATCHDOG_CONTROL REGISTER(0x40008008)
#define WATCHDOG_INTCLR REGISTER(0x4000800c)
#define WATCHDOG_LOCK REGISTER(0x40008c00)
#define FPGAIO_COUNTER REGISTER(0x40028018)

enum { BAUD = 115200, UART_RX_IRQ = 0, WATCHDOG_S = 160 };

static struct ring ring;
static bool has_dwt;

void mps2_start(void)
{
    UART_BAUDDIV = MPS2_HZ / BAUD;
    UART_CTRL = 1 | 2 | 8; /* transmitter, receiver, the receiver's interrupt */
    nvic_enable(UART_RX_IRQ);
    has_dwt = dwt_start();
}

void board_interrupt(void)
{
    UART_INTSTATUS = 2; /* first, so that a byte that comes meanwhile interrupts again */
    while (UART_STATE & 2) ring_put(&ring, (uint8_t)UART_DATA);
}

uint32_t mps2_core_hz(void)
{
    return MPS2_HZ;
}

static uint32_t fpgaio_ticks(void)
{
    return FPGAIO_COUNTER;
}

/* 25 MHz are a tick each 40 ns; with shift=7 an instruction takes 128 ns: 16 ticks pass in 5 instructions. */
static const struct timer emulated = {"FPGAIO counter", true, MPS2_HZ, 5, 16, fpgaio_ticks, "-icount shift=7"};
static const struct timer cycles = {"DWT cycle counter", false, MPS2_HZ, 1, 1, dwt_ticks, NULL};

const struct timer *mps2_timer(void)
{
    return has_dwt ? &cycles : &emulated;
}

int mps2_receive(void)
{
    return ring_get(&ring);
}

void mps2_send(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        while (UART_STATE & 1) {
        }
        UART_DATA = bytes[i];
    }
}

void mps2_wait(void)
{
    uint32_t state = arch_interrupts_off();
    if (ring.read == ring.written) arch_wait();
    arch_interrupts_restore(state);
}

void mps2_watchdog_start(void)
{
    WATCHDOG_LOCK = 0x1acce551;
    WATCHDOG_LOAD = (uint32_t)MPS2_HZ * WATCHDOG_S;
    WATCHDOG_CONTROL = 3; /* NMI, then reset */
}

void mps2_watchdog_feed(void)
{
    WATCHDOG_INTCLR = 1; /* loads it anew */
}
