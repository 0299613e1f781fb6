/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* STM32F746G-DISCO: Cortex-M7 at 216 MHz with both caches, USART1 at ST-Link's virtual serial port (PA9 out, PB7 in).
 *
 * The UART works by DMA both ways: what comes while interrupts are off waits in a circle of memory. Buffers lie in the
 * tightly coupled memory, which the data cache leaves alone; board.ld sees to that. */
#include <string.h>

#include "firmware/boards/clock.h"
#include "firmware/chips/stm32/stm32.h"

#define USART_CR1 REGISTER(USART1)
#define USART_CR3 REGISTER(USART1 + 0x08)
#define USART_BRR REGISTER(USART1 + 0x0c)
#define USART_ICR REGISTER(USART1 + 0x20)
#define USART_RDR (USART1 + 0x24)
#define USART_TDR (USART1 + 0x28)
#define DMA2 0x40026400u
#define DMA2_HIFCR REGISTER(DMA2 + 0x0c)
#define UNIQUE_ID 0x1ff0f420u

struct dma_stream {
    volatile uint32_t cr, ndtr, par, m0ar, m1ar, fcr;
};
#define RX_STREAM ((struct dma_stream *)(uintptr_t)(DMA2 + 0x10 + 0x18 * 2))
#define TX_STREAM ((struct dma_stream *)(uintptr_t)(DMA2 + 0x10 + 0x18 * 7))

enum {
    BAUD = 115200,
    USART1_IRQ = 37,
    CHANNEL_4 = 4 << 25,
    MEMORY_MOVES = 1 << 10,
    CIRCULAR = 1 << 8,
    TO_PERIPHERAL = 1 << 6,
    ENABLED = 1,
    IDLE = 1 << 4,
    RX_BYTES = 1024,
    TX_BYTES = 256
};

static uint8_t rx[RX_BYTES], tx[TX_BYTES];
static uint32_t rx_read;
static uint32_t hz;

static void start_uart(void)
{
    RCC_AHB1ENR |= 1u << 22; /* DMA2 */
    RCC_APB2ENR |= 1u << 4;
    stm32_pin('A', 9, 7);
    stm32_pin('B', 7, 7);
    USART_BRR = ((hz == 216000000 ? hz / 2 : hz) + BAUD / 2) / BAUD;
    USART_CR3 = 1u << 12 | 1u << 7 | 1u << 6;  /* no overruns, DMA both ways */
    USART_CR1 = IDLE | 1u << 3 | 1u << 2 | 1u; /* the line's idling interrupts */
    RX_STREAM->par = USART_RDR;
    RX_STREAM->m0ar = (uint32_t)(uintptr_t)rx;
    RX_STREAM->ndtr = RX_BYTES;
    RX_STREAM->cr = CHANNEL_4 | MEMORY_MOVES | CIRCULAR | ENABLED;
    nvic_enable(USART1_IRQ);
}

static void start(void)
{
    /* 7 wait states, prefetch and accelerator. */
    static const struct stm32_pll pll = {.crystal_mhz = 25, .n = 432, .q = 9, .flash = 7 | 3 << 8, .over_drive = true};
    hz = stm32_clocks_start(&pll);
    caches_start();
    dwt_start();
    start_uart();
}

/* The line went idle: what wait() waits for. */
void board_interrupt(void)
{
    USART_ICR = IDLE;
}

static uint32_t core_hz(void)
{
    return hz;
}

static const struct timer *timer(void)
{
    static struct timer cycles = {"DWT cycle counter", false, 0, 1, 1, dwt_ticks, NULL};
    cycles.hz = hz;
    return &cycles;
}

static uint32_t rx_written(void)
{
    return (RX_BYTES - RX_STREAM->ndtr) % RX_BYTES;
}

static int receive(void)
{
    if (rx_read == rx_written()) return -1;
    int byte = ((volatile uint8_t *)rx)[rx_read];
    rx_read = (rx_read + 1) % RX_BYTES;
    return byte;
}

static void send_some(const uint8_t *bytes, size_t n)
{
    while (TX_STREAM->cr & ENABLED) {
    } /* until the ones before are out */
    memcpy(tx, bytes, n);
    __asm__ volatile("dsb" ::: "memory");
    DMA2_HIFCR = 0x3du << 22; /* stream 7's flags */
    TX_STREAM->par = USART_TDR;
    TX_STREAM->m0ar = (uint32_t)(uintptr_t)tx;
    TX_STREAM->ndtr = n;
    TX_STREAM->cr = CHANNEL_4 | MEMORY_MOVES | TO_PERIPHERAL | ENABLED;
}

static void send(const uint8_t *bytes, size_t n)
{
    while (n) {
        size_t some = n < TX_BYTES ? n : TX_BYTES;
        send_some(bytes, some);
        bytes += some;
        n -= some;
    }
}

static void wait(void)
{
    uint32_t state = arch_interrupts_off();
    if (rx_read == rx_written()) arch_wait();
    arch_interrupts_restore(state);
}

static uint32_t entropy(void)
{
    return REGISTER(UNIQUE_ID) ^ REGISTER(UNIQUE_ID + 4) ^ REGISTER(UNIQUE_ID + 8);
}

const struct board board = {
    .name = "stm32f746g-disco",
    .core = "Cortex-M7",
    .sram_bytes = 320 << 10,
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
