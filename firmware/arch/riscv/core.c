/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/arch/riscv/riscv.h"
#include "firmware/boards/clock.h"
#include "firmware/boards/crash.h"

enum { MSTATUS_MIE = 8, MIE_TIMER = 1 << 7, MIE_EXTERNAL = 1 << 11 };

extern uint32_t data_start[], data_end[], data_image[], bss_start[], bss_end[];

int main(void);
void reset_handler(void) __attribute__((noreturn));
void trap_handler(uint32_t cause, uint32_t pc, uint32_t ra);

void reset_handler(void)
{
    for (uint32_t *from = data_image, *to = data_start; to < data_end;) *to++ = *from++;
    for (uint32_t *to = bss_start; to < bss_end;) *to++ = 0;
    main();
    for (;;) {
    }
}

void trap_handler(uint32_t cause, uint32_t pc, uint32_t ra)
{
    static const char *const names[] = {"fetch misalign", "fetch fault", "illegal instr",  "breakpoint",
                                        "load misalign",  "load fault",  "store misalign", "store fault"};
    switch (cause) {
    case 0x80000007u:
        clock_ticks();
        board_tick();
        return;
    case 0x8000000bu:
        board_interrupt();
        return;
    default:
        crash_record(cause < sizeof names / sizeof names[0] ? names[cause] : "trap", pc, ra, "mtval", CSR_READ(mtval));
        board.reset();
    }
}

void riscv_protect(uint32_t start, uint32_t bytes)
{
    CSR_WRITE(pmpaddr0, start >> 2 | ((bytes >> 3) - 1));
    CSR_WRITE(pmpcfg0, 0x9d); /* locked, a power of two, to be read and run */
}

uint32_t arch_interrupts_off(void)
{
    uint32_t state;
    __asm__ volatile("csrrci %0, mstatus, 8" : "=r"(state)::"memory");
    return state;
}

void arch_interrupts_restore(uint32_t state)
{
    CSR_SET(mstatus, state & MSTATUS_MIE);
}

void arch_interrupts_on(void)
{
    CSR_SET(mstatus, MSTATUS_MIE);
}

void arch_wait(void)
{
    __asm__ volatile("wfi" ::: "memory");
}

void arch_spend(uint32_t iterations)
{
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(iterations));
}

void arch_start(void)
{
    board_tick();
    CSR_SET(mie, MIE_TIMER | MIE_EXTERNAL);
}
