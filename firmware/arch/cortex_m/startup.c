/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* From reset to main(). The stack lies at the bottom of RAM, so that what overflows it faults instead of writing over
 * something. */
#include "firmware/arch/cortex_m/cortex_m.h"

extern uint32_t data_start[], data_end[], data_image[], bss_start[], bss_end[];

int main(void);
void reset_handler(void);
void hard_fault(void);
void memory_fault(void);
void bus_fault(void);
void usage_fault(void);
void watchdog_warning(void);
void systick_handler(void);

void reset_handler(void)
{
#ifdef __ARM_FP
    REGISTER(0xe000ed88) |= 0xfu << 20; /* CPACR: the FPU for all */
    __asm__ volatile("dsb\n isb");
#endif
    __asm__ volatile("cpsid i");
    for (uint32_t *from = data_image, *to = data_start; to < data_end;) *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
    REGISTER(0xe000ed08) = (uint32_t)(uintptr_t)image_start; /* VTOR */
    REGISTER(0xe000ed24) |= 7u << 16;                        /* SHCSR: faults by their own names */
    main();
    for (;;) {
    }
}

static void unexpected(void)
{
    for (;;) {
    }
}

enum { INTERRUPTS = 112 };

struct vectors {
    uint8_t *stack;
    void (*entry[15])(void);
    void (*interrupt[INTERRUPTS])(void);
};

extern const struct vectors vectors;
__attribute__((section(".vectors"), used)) const struct vectors vectors = {
    .stack = stack_end,
    .entry = {reset_handler, watchdog_warning, hard_fault, memory_fault, bus_fault, usage_fault, unexpected, unexpected,
              unexpected, unexpected, unexpected, unexpected, unexpected, unexpected, systick_handler},
    .interrupt = {[0 ... INTERRUPTS - 1] = board_interrupt},
};
