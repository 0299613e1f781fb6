/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* STM32F405: 168 MHz, USART1 on PA9 (out) and PA10 (in). An emulator has USART1 and TIM2, and no DWT. */
#include "firmware/boards/clock.h"
#include "firmware/boards/ring.h"
#include "firmware/chips/stm32/stm32.h"

#define USART_SR REGISTER(USART1)
#define USART_DR REGISTER(USART1 + 4)
#define USART_BRR REGISTER(USART1 + 8)
#define USART_CR1 REGISTER(USART1 + 12)
#define TIM2_CR1 REGISTER(0x40000000)
#define TIM2_EGR REGISTER(0x40000014)
#define TIM2_CNT REGISTER(0x40000024)
#define TIM2_ARR REGISTER(0x4000002c)
#define UNIQUE_ID 0x1fff7a10u

enum { BAUD = 115200, USART1_IRQ = 37, RXNE = 1 << 5, TXE = 1 << 7 };

static struct ring ring;
static uint32_t hz;
static bool has_dwt;

static void start_uart(void)
{
    RCC_APB2ENR |= 1u << 4;
    stm32_pin('A', 9, 7);
    stm32_pin('A', 10, 7);
    USART_BRR = (hz == 168000000 ? hz / 2 : hz) / BAUD;
    USART_CR1 = 1u << 13 | RXNE | 1u << 3 | 1u << 2; /* on, the receiver's interrupt, transmitter, receiver */
    nvic_enable(USART1_IRQ);
}

static void start(void)
{
    /* 5 wait states, prefetch, both caches. */
    static const struct stm32_pll pll = {.crystal_mhz = 25, .n = 336, .q = 7, .flash = 5 | 7 << 8};
    hz = stm32_clocks_start(&pll);
    start_uart();
    has_dwt = dwt_start();
    if (has_dwt) return;
    RCC_APB1ENR |= 1;
    TIM2_ARR = UINT32_MAX;
    TIM2_EGR = 1;
    TIM2_CR1 = 1;
}

void board_interrupt(void)
{
    if (USART_SR & RXNE) ring_put(&ring, (uint8_t)USART_DR);
    else (void)USART_DR; /* an overrun, which reading clears */
}

static uint32_t core_hz(void)
{
    return hz;
}

static uint32_t tim2_ticks(void)
{
    return TIM2_CNT;
}

static const struct timer *timer(void)
{
    /* Emulated, TIM2 counts nanoseconds; with shift=0 an instruction takes one. */
    static const struct timer emulated = {"TIM2", true, 1000000000, 1, 1, tim2_ticks, "-icount shift=0"};
    static struct timer cycles = {"DWT cycle counter", false, 0, 1, 1, dwt_ticks, NULL};
    cycles.hz = hz;
    return has_dwt ? &cycles : &emulated;
}

static int receive(void)
{
    return ring_get(&ring);
}

static void send(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        while (!(USART_SR & TXE)) {
        }
        USART_DR = bytes[i];
    }
}

static void wait(void)
{
    uint32_t state = arch_interrupts_off();
    if (ring.read == ring.written) arch_wait();
    arch_interrupts_restore(state);
}

static uint32_t entropy(void)
{
    if (stm32_is_emulated()) return 0;
    return REGISTER(UNIQUE_ID) ^ REGISTER(UNIQUE_ID + 4) ^ REGISTER(UNIQUE_ID + 8);
}

const struct board board = {
    .name = "netduinoplus2",
    .core = "Cortex-M4F",
    .sram_bytes = 192 << 10,
    .flash_bytes = 1 << 20,
    .start = start,
    .core_hz = core_hz,
    .timer = timer,
    .receive = receive,
    .send = send,
    .wait = wait,
    .watchdog_start = stm32_watchdog_start,
    .watchdog_feed = stm32_watchdog_feed,
    .watchdog_bit = stm32_watchdog_bit,
    .entropy = entropy,
    .reset = arch_reset,
};
