/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Cortex-M7's caches. They come up with garbage: every line is invalidated by set and way before they are enabled. */
#include "firmware/arch/cortex_m/cortex_m.h"

static void barrier(void)
{
    __asm__ volatile("dsb\n isb" ::: "memory");
}

static void invalidate_data_cache(void)
{
    REGISTER(0xe000ed84) = 0; /* CSSELR: the first level's data cache */
    barrier();
    uint32_t size = REGISTER(0xe000ed80); /* CCSIDR */
    uint32_t sets = size >> 13 & 0x7fff;  /* each less one */
    uint32_t ways = size >> 3 & 0x3ff;
    for (uint32_t set = 0; set <= sets; set++)
        for (uint32_t way = 0; way <= ways; way++) REGISTER(0xe000ef60) = set << 5 | way << 30; /* DCISW */
    barrier();
}

void caches_start(void)
{
    REGISTER(0xe000ef50) = 0; /* ICIALLU */
    barrier();
    invalidate_data_cache();
    REGISTER(0xe000ed14) |= 1u << 17 | 1u << 16; /* CCR: IC, DC */
    barrier();
}
