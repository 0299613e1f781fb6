/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Records what a device's neighbours do to it: a network and the sentinel by turns, as a campaign has them, raw. Made
 * the files in tests/cases/traces, which test_traces.c plays back; its README says how.
 *
 *   record_trace VISITS > trace.csv
 *
 * Lines "s,<at_us>,<wall_ns>,<cpu_ns>,<preempted>" are runs of the sentinel, whole; lines
 * "v,<at_us>,<visit>,<layer>,<wall_ns>,<cpu_ns>,<preempted>" runs of three layers of the other network. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/runner/core/rig.h"
#include "lut/base/clock.h"

static const char *const sentinel[] = {
    "conv2d in=160x160x3 out=80x80x24 k=3 s=2 act=hswish",
    "mbconv in=80x80x24 out=40x40x32 mid=96 k=3 s=2 act=relu",
    "mbconv in=40x40x32 out=20x20x48 mid=128 k=5 s=2 act=relu se=32",
    "mbconv in=20x20x48 out=10x10x96 mid=192 k=5 s=2 act=hswish",
    "mbconv in=10x10x96 out=10x10x136 mid=384 k=3 s=1 act=hswish se=96",
    "mbconv in=10x10x136 out=5x5x192 mid=544 k=3 s=2 act=hswish se=136",
};
static const char *const network[] = {
    "conv2d in=160x160x3 out=80x80x24 k=3 s=2 act=hswish",
    "mbconv in=80x80x24 out=40x40x32 mid=72 k=3 s=2 act=relu",
    "mbconv in=40x40x32 out=20x20x48 mid=192 k=3 s=2 act=relu se=48",
    "mbconv in=20x20x48 out=10x10x96 mid=288 k=3 s=2 act=hswish",
    "mbconv in=10x10x96 out=10x10x136 mid=576 k=5 s=1 act=hswish se=144",
};
enum { SENTINEL, NETWORK, WARMUP = 2, RUNS = 3, VISITS_BETWEEN = 4, COUNT = sizeof network / sizeof network[0] };
static const int recorded[] = {0, 2, 4};

static void check(enum lathe_status st, const struct lathe_error *err)
{
    if (!st) return;
    fprintf(stderr, "record_trace: %s\n", err->message);
    exit(EXIT_FAILURE);
}

static void build(struct rig *rig, int id, const char *const *texts, int count)
{
    struct layer layers[COUNT + 1];
    struct lathe_error err = {0};
    struct rig_build built;
    for (int i = 0; i < count; i++) check(layer_parse(texts[i], &layers[i], &err), &err);
    check(rig_build(rig, id, layers, count, &built, &err), &err);
}

/* @param[out] middle_us of the visit. */
static const struct rig_samples *visit(struct rig *rig, int id, uint64_t *middle_us)
{
    const struct rig_samples *samples = NULL;
    struct lathe_error err = {0};
    uint64_t start = clock_now_ns();
    check(rig_run(rig, id, WARMUP, RUNS, true, &samples, &err), &err);
    *middle_us = (start + (clock_now_ns() - start) / 2) / 1000;
    return samples;
}

static void record_sentinel(struct rig *rig, uint64_t from_us)
{
    uint64_t at_us;
    const struct rig_samples *s = visit(rig, SENTINEL, &at_us);
    for (int run = 0; run < RUNS; run++) {
        uint64_t cpu_ns = 0;
        unsigned preempted = 0;
        for (int i = run * s->layers; i < (run + 1) * s->layers; i++) {
            cpu_ns += s->cpu_ns[i];
            preempted += s->preempted[i];
        }
        printf("s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%u\n", at_us - from_us, s->total_ns[run], cpu_ns, preempted);
    }
}

static void record_visit(struct rig *rig, int number, uint64_t from_us)
{
    uint64_t at_us;
    const struct rig_samples *s = visit(rig, NETWORK, &at_us);
    for (int run = 0; run < RUNS; run++)
        for (size_t i = 0; i < sizeof recorded / sizeof recorded[0]; i++) {
            int at = run * s->layers + recorded[i];
            printf("v,%" PRIu64 ",%d,%d,%" PRIu32 ",%" PRIu32 ",%u\n", at_us - from_us, number, recorded[i],
                   s->wall_ns[at], s->cpu_ns[at], (unsigned)s->preempted[at]);
        }
}

int main(int argc, char **argv)
{
    const struct runtime *runtime = runtime_find("xnnpack");
    int visits = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;
    struct rig *rig = NULL;
    struct lathe_error err = {0};
    if (visits < 1 || !runtime) {
        fprintf(stderr, "usage: record_trace VISITS (with the runtime xnnpack built in)\n");
        return 2;
    }
    struct rig_options options = {.runtime = runtime, .options = {.dtype = DTYPE_F32, .threads = 1, .batch = 1}};
    check(rig_open(&options, &rig, &err), &err);
    build(rig, SENTINEL, sentinel, sizeof sentinel / sizeof sentinel[0]);
    build(rig, NETWORK, network, COUNT);
    uint64_t from_us = clock_now_ns() / 1000;
    record_sentinel(rig, from_us);
    for (int i = 0; i < visits; i++) {
        record_visit(rig, i, from_us);
        if (i % VISITS_BETWEEN == VISITS_BETWEEN - 1 || i == visits - 1) record_sentinel(rig, from_us);
    }
    rig_close(rig);
    return 0;
}
