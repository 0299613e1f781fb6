/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/boards/clock.h"

/* SLACK: instructions around the loop and the two readings, at most. */
enum { CHECK_ITERATIONS = 2000, CHECK_SLACK = 64 };

static const struct timer *timer;
static uint32_t last, wraps;
static bool sound;

static uint64_t ticks_now(void)
{
    uint32_t now = timer->ticks();
    if (now < last) wraps++;
    last = now;
    return (uint64_t)wraps << 32 | now;
}

void clock_start(void)
{
    timer = board.timer();
    sound = !timer->instructions;
    if (sound) return;
    uint64_t before = ticks_now();
    arch_spend(CHECK_ITERATIONS);
    uint64_t spent = clock_units(ticks_now() - before);
    sound = spent >= 2 * CHECK_ITERATIONS && spent < 2 * CHECK_ITERATIONS + CHECK_SLACK;
}

bool clock_is_sound(void)
{
    return sound;
}

uint64_t clock_ticks(void)
{
    uint32_t state = arch_interrupts_off();
    uint64_t ticks = ticks_now();
    arch_interrupts_restore(state);
    return ticks;
}

uint64_t clock_units(uint64_t ticks)
{
    if (timer->per_ticks == 1) return ticks * timer->units;
    return (ticks * timer->units + timer->per_ticks / 2) / timer->per_ticks;
}

uint32_t clock_units_hz(void)
{
    return timer->instructions ? 0 : timer->hz;
}

uint64_t clock_us(uint64_t ticks)
{
    if (timer->instructions) return clock_units(ticks) / 1000;
    return ticks / timer->hz * 1000000 + ticks % timer->hz * 1000000 / timer->hz;
}
