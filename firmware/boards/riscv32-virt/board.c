/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* QEMU's riscv32 `virt`: a 16550, CLINT, PLIC, and mcycle, which counts instructions with -icount shift=0. There is no
 * such chip. */
#include "firmware/arch/riscv/riscv.h"
#include "firmware/boards/clock.h"
#include "firmware/boards/ring.h"

#define UART ((volatile uint8_t *)0x10000000)
#define PLIC_PRIORITY(irq) REGISTER(0x0c000000 + 4 * (irq))
#define PLIC_ENABLE REGISTER(0x0c002000)
#define PLIC_THRESHOLD REGISTER(0x0c200000)
#define PLIC_CLAIM REGISTER(0x0c200004)
#define CLINT_TIMECMP 0x02004000
#define CLINT_TIME 0x0200bff8
#define TEST_DEVICE REGISTER(0x00100000)

enum { UART_IRQ = 10, UART_DATA = 0, UART_IER = 1, UART_FCR = 2, UART_LCR = 3, UART_LSR = 5 };
enum { RECEIVED = 1, TRANSMITTER_EMPTY = 1 << 5, TIME_HZ = 10000000, CYCLE_HZ = 1000000000 };

static struct ring ring;

static void start(void)
{
    riscv_protect(0x80000000, 4 << 20);
    UART[UART_LCR] = 3; /* 8N1 */
    UART[UART_FCR] = 1;
    UART[UART_IER] = 1; /* something received */
    PLIC_PRIORITY(UART_IRQ) = 1;
    PLIC_ENABLE = 1 << UART_IRQ;
    PLIC_THRESHOLD = 0;
}

void board_interrupt(void)
{
    uint32_t irq = PLIC_CLAIM;
    while (UART[UART_LSR] & RECEIVED) ring_put(&ring, UART[UART_DATA]);
    if (irq) PLIC_CLAIM = irq;
}

void board_tick(void)
{
    uint64_t at = (uint64_t)REGISTER(CLINT_TIME + 4) << 32 | REGISTER(CLINT_TIME);
    at += TIME_HZ / 100;
    REGISTER(CLINT_TIMECMP + 4) = UINT32_MAX; /* not in between */
    REGISTER(CLINT_TIMECMP) = (uint32_t)at;
    REGISTER(CLINT_TIMECMP + 4) = (uint32_t)(at >> 32);
}

static uint32_t core_hz(void)
{
    return CYCLE_HZ;
}

static uint32_t ticks(void)
{
    return CSR_READ(mcycle);
}

static const struct timer *timer(void)
{
    static const struct timer mcycle = {"mcycle", true, CYCLE_HZ, 1, 1, ticks, "-icount shift=0"};
    return &mcycle;
}

static int receive(void)
{
    return ring_get(&ring);
}

static void send(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        while (!(UART[UART_LSR] & TRANSMITTER_EMPTY)) {
        }
        UART[UART_DATA] = bytes[i];
    }
}

static void wait(void)
{
    uint32_t state = arch_interrupts_off();
    if (ring.read == ring.written) arch_wait();
    arch_interrupts_restore(state);
}

static __attribute__((noreturn)) void reset(void)
{
    TEST_DEVICE = 0x7777;
    for (;;) {
    }
}

const struct board board = {
    .name = "riscv32-virt",
    .core = "RV32IMAC",
    .sram_bytes = 4 << 20,
    .flash_bytes = 4 << 20,
    .start = start,
    .core_hz = core_hz,
    .timer = timer,
    .receive = receive,
    .send = send,
    .wait = wait,
    .reset = reset,
};
