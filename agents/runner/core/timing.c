/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/core/timing.h"

#include <sys/resource.h>
#include <time.h>

struct usage usage_now(void)
{
    struct usage u = {0};
    struct rusage r;
    struct timespec t;
    if (getrusage(RUSAGE_THREAD, &r) == 0) u.preemptions = (uint64_t)r.ru_nivcsw;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0)
        u.cpu_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    return u;
}

uint64_t usage_cost_ns(void)
{
    uint64_t least = UINT64_MAX;
    struct usage before = usage_now();
    for (int i = 0; i < 200; i++) {
        struct usage after = usage_now();
        uint64_t cost = after.cpu_ns - before.cpu_ns;
        if (cost < least) least = cost;
        before = after;
    }
    return least;
}

uint32_t elapsed_u32(uint64_t from, uint64_t to)
{
    uint64_t n = to > from ? to - from : 0;
    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

uint8_t elapsed_u8(uint64_t from, uint64_t to)
{
    uint64_t n = to > from ? to - from : 0;
    return n > UINT8_MAX ? UINT8_MAX : (uint8_t)n;
}
