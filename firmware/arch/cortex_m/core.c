/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/arch/cortex_m/cortex_m.h"
#include "firmware/boards/clock.h"

void systick_handler(void);

uint32_t arch_interrupts_off(void)
{
    uint32_t state;
    __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(state)::"memory");
    return state;
}

void arch_interrupts_restore(uint32_t state)
{
    __asm__ volatile("msr primask, %0" ::"r"(state) : "memory");
}

void arch_interrupts_on(void)
{
    __asm__ volatile("cpsie i" ::: "memory");
}

void arch_wait(void)
{
    __asm__ volatile("dsb\n wfi" ::: "memory");
}

void arch_spend(uint32_t iterations)
{
    __asm__ volatile("1: subs %0, %0, #1\n bne 1b" : "+r"(iterations)::"cc");
}

void systick_handler(void)
{
    clock_ticks();
}

/* SysTick's 24 bits at the core's clock: a hundredth of a second or so. */
void arch_start(void)
{
    REGISTER(0xe000e014) = board.core_hz() / 100 - 1; /* RVR */
    REGISTER(0xe000e018) = 0;                         /* CVR */
    REGISTER(0xe000e010) = 7;                         /* CSR: on, interrupt, the core's clock */
}

void arch_reset(void)
{
    __asm__ volatile("dsb" ::: "memory");
    REGISTER(0xe000ed0c) = 0x05fa0004; /* AIRCR: SYSRESETREQ */
    for (;;) {
    }
}

bool dwt_start(void)
{
    REGISTER(0xe000edfc) |= 1u << 24;   /* DEMCR: TRCENA */
    REGISTER(0xe0001fb0) = 0xc5acce55u; /* LAR, which a Cortex-M7 has */
    REGISTER(0xe0001000) |= 1;          /* CTRL: CYCCNTENA */
    uint32_t before = dwt_ticks();
    arch_spend(16);
    return dwt_ticks() != before;
}

uint32_t dwt_ticks(void)
{
    return REGISTER(0xe0001004);
}
