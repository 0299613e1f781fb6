/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/drift.h"

#include <stdlib.h>

static const uint64_t window_ns = UINT64_C(500000000);
enum { BLOCKS_LEAST = 5 };
static const double slow = 1.2;

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sorts. @return 0 for none. */
static uint64_t median(uint64_t *values, size_t n)
{
    if (!n) return 0;
    qsort(values, n, sizeof *values, compare);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

void drift_add(struct drift *d, const struct drift_run *runs, size_t n)
{
    uint64_t took[DRIFT_RUNS];
    for (size_t i = 0; i < n; i++) {
        d->runs[d->run_count++ % DRIFT_RUNS] = runs[i];
        /* Where others had the core, its CPU time is the nearest that there is. */
        took[i] = runs[i].ns ? runs[i].ns : runs[i].cpu_ns;
    }
    d->blocks[d->block_count++ % DRIFT_BLOCKS] = median(took, n);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

void drift_at(const struct drift *d, uint64_t at_ns, uint64_t *ns, uint64_t *cpu_ns)
{
    uint64_t walls[DRIFT_RUNS];
    uint64_t cpus[DRIFT_RUNS];
    size_t wall_count = 0;
    size_t cpu_count = 0;
    size_t n = d->run_count < DRIFT_RUNS ? d->run_count : DRIFT_RUNS;
    uint64_t before = UINT64_MAX; /* distances of the nearest runs on either side */
    uint64_t after = UINT64_MAX;
    for (size_t i = 0; i < n; i++) {
        uint64_t far = distance(d->runs[i].at_ns, at_ns);
        if (d->runs[i].at_ns <= at_ns && far < before) before = far;
        if (d->runs[i].at_ns > at_ns && far < after) after = far;
    }
    for (size_t i = 0; i < n; i++) {
        const struct drift_run *run = &d->runs[i];
        uint64_t far = distance(run->at_ns, at_ns);
        if (far > window_ns && far != (run->at_ns <= at_ns ? before : after)) continue;
        if (run->ns) walls[wall_count++] = run->ns;
        if (run->cpu_ns) cpus[cpu_count++] = run->cpu_ns;
    }
    *ns = median(walls, wall_count);
    *cpu_ns = median(cpus, cpu_count);
}

bool drift_is_slow(const struct drift *d)
{
    uint64_t blocks[DRIFT_BLOCKS];
    size_t n = d->block_count < DRIFT_BLOCKS ? d->block_count : DRIFT_BLOCKS;
    if (n < BLOCKS_LEAST) return false;
    for (size_t i = 0; i < n; i++) blocks[i] = d->blocks[i];
    qsort(blocks, n, sizeof *blocks, compare);
    uint64_t last = d->blocks[(d->block_count - 1) % DRIFT_BLOCKS];
    uint64_t usual = blocks[n / 10];
    return (double)last > slow * (double)usual;
}
