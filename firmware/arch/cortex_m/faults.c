/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A fault is recorded with its place, and the chip reset. */
#include "firmware/arch/cortex_m/cortex_m.h"
#include "firmware/boards/clock.h"
#include "firmware/boards/crash.h"

void fault_record(const uint32_t *frame, const char *cause) __attribute__((noreturn, used));

/* @param frame r0-r3, r12, lr, pc, psr as the exception pushed them; nonsense when the stack itself was the fault. */
void fault_record(const uint32_t *frame, const char *cause)
{
    bool inside = (uintptr_t)frame >= (uintptr_t)stack_start && (uintptr_t)(frame + 8) <= (uintptr_t)stack_end;
    crash_record(inside ? cause : "stack overflow", inside ? frame[6] : 0, inside ? frame[5] : 0, "cfsr",
                 REGISTER(0xe000ed28));
    arch_reset();
}

/* The frame lies where the stack pointer was, which may be outside of RAM: go on with a stack that is fresh. */
#define FAULT(name, cause)                           \
    __attribute__((naked)) void name(void);          \
    void name(void)                                  \
    {                                                \
        __asm__ volatile("mrs r0, msp\n"             \
                         "adr r1, 1f\n"              \
                         "ldr r2, =stack_end\n"      \
                         "mov sp, r2\n"              \
                         "b fault_record\n"          \
                         ".balign 4\n"               \
                         "1: .asciz \"" cause "\"\n" \
                         ".balign 4\n"               \
                         ".ltorg\n");                \
    }

FAULT(hard_fault, "HardFault")
FAULT(memory_fault, "MemManage")
FAULT(bus_fault, "BusFault")
FAULT(usage_fault, "UsageFault")
FAULT(watchdog_warning, "watchdog")
