/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What lathe-run costs and gives on this machine: a middling subnet of OFA's MobileNetV3 w1.2 at 160, end to end and
 * layer by layer, on the last runtime of the build's list that runs on the CPU; end to end on all fast ones, in f32 and
 * int8, and in short on an OpenCL device. Prints lines "name value unit". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/runner/core/rig.h"
#include "agents/runner/core/timing.h"
#include "lut/base/clock.h"

static const char *const subnet[] = {
    "conv2d in=160x160x3 out=80x80x24 k=3 s=2 act=hswish",
    "mbconv in=80x80x24 out=80x80x24 mid=24 k=3 s=1 act=relu res=1",
    "mbconv in=80x80x24 out=40x40x32 mid=96 k=3 s=2 act=relu",
    "mbconv in=40x40x32 out=40x40x32 mid=96 k=3 s=1 act=relu res=1",
    "mbconv in=40x40x32 out=40x40x32 mid=128 k=5 s=1 act=relu res=1",
    "mbconv in=40x40x32 out=20x20x48 mid=128 k=5 s=2 act=relu se=32",
    "mbconv in=20x20x48 out=20x20x48 mid=144 k=5 s=1 act=relu se=40 res=1",
    "mbconv in=20x20x48 out=20x20x48 mid=192 k=3 s=1 act=relu se=48 res=1",
    "mbconv in=20x20x48 out=10x10x96 mid=288 k=3 s=2 act=hswish",
    "mbconv in=10x10x96 out=10x10x96 mid=384 k=3 s=1 act=hswish res=1",
    "mbconv in=10x10x96 out=10x10x96 mid=288 k=5 s=1 act=hswish res=1",
    "mbconv in=10x10x96 out=10x10x136 mid=384 k=3 s=1 act=hswish se=96",
    "mbconv in=10x10x136 out=10x10x136 mid=544 k=5 s=1 act=hswish se=136 res=1",
    "mbconv in=10x10x136 out=10x10x136 mid=408 k=3 s=1 act=hswish se=104 res=1",
    "mbconv in=10x10x136 out=5x5x192 mid=544 k=5 s=2 act=hswish se=136",
    "mbconv in=5x5x192 out=5x5x192 mid=768 k=5 s=1 act=hswish se=192 res=1",
    "mbconv in=5x5x192 out=5x5x192 mid=576 k=3 s=1 act=hswish se=144 res=1",
    "conv2d in=5x5x192 out=5x5x1152 k=1 s=1 act=hswish",
    "avgpool in=5x5x1152 out=1x1x1152",
    "conv2d in=1x1x1152 out=1x1x1536 k=1 s=1 act=hswish",
    "linear in=1x1x1536 out=1x1x1000",
};
enum { LAYERS = sizeof subnet / sizeof subnet[0], WARMUP = 10, RUNS = 100 };

static void check(enum lathe_status st, const struct lathe_error *err)
{
    if (!st) return;
    fprintf(stderr, "bench_runner: %s\n", err->message);
    exit(EXIT_FAILURE);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, ascending);
    return values[n / 2];
}

/* Memory of this process that is in RAM, in MB. */
static double resident_mb(void)
{
    char line[256];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmRSS:", 6) == 0) kb = strtol(line + 6, NULL, 10);
    if (f) fclose(f);
    return (double)kb / 1024;
}

static const struct runtime *last_runtime(void)
{
    const struct runtime *found = NULL;
    for (const struct runtime *const *r = runtimes; *r; r++)
        if (!(*r)->device) found = *r;
    return found;
}

static struct rig *open_subnet(const struct runtime *runtime, enum dtype dtype, int threads, struct rig_build *built)
{
    struct layer layers[LAYERS];
    struct rig *rig = NULL;
    struct lathe_error err = {0};
    const struct rig_options o = {.runtime = runtime, .options = {dtype, threads, 1}};
    for (int i = 0; i < LAYERS; i++) check(layer_parse(subnet[i], &layers[i], &err), &err);
    check(rig_open(&o, &rig, &err), &err);
    check(rig_build(rig, 0, layers, LAYERS, built, &err), &err);
    return rig;
}

static const struct rig_samples *visit(struct rig *rig, int warmup, int runs, bool per_layer)
{
    const struct rig_samples *samples = NULL;
    struct lathe_error err = {0};
    check(rig_run(rig, 0, warmup, runs, per_layer, &samples, &err), &err);
    return samples;
}

static double median_total_ms(const struct rig_samples *s)
{
    double values[RUNS];
    for (int i = 0; i < s->runs; i++) values[i] = (double)s->total_ns[i] / 1e6;
    return median(values, s->runs);
}

static double median_sum_ms(const struct rig_samples *s)
{
    double values[RUNS] = {0};
    for (int run = 0; run < s->runs; run++)
        for (int i = 0; i < s->layers; i++) values[run] += (double)s->wall_ns[run * s->layers + i] / 1e6;
    return median(values, s->runs);
}

static void print_costs(void)
{
    enum { TIMES = 20000 };
    uint64_t start = clock_now_ns();
    for (int i = 0; i < TIMES; i++) (void)clock_now_ns();
    uint64_t middle = clock_now_ns();
    for (int i = 0; i < TIMES; i++) (void)usage_now();
    uint64_t end = clock_now_ns();
    printf("clock_reading %.1f ns\n", (double)(middle - start) / TIMES);
    printf("usage_reading %.1f ns\n", (double)(end - middle) / TIMES);
}

/* How long a network waits for its kernels to be compiled or fetched, and what it takes then. */
static void print_opencl(void)
{
    enum { FEW = 20 };
    struct rig_build built;
    const struct runtime *opencl = runtime_find("opencl");
    if (!opencl || opencl->supports(&(struct runtime_options){DTYPE_F32, 1, 1}, NULL)) return;
    uint64_t start = clock_now_ns();
    struct rig *rig = open_subnet(opencl, DTYPE_F32, 1, &built);
    printf("opencl_build %.2f ms\n", (double)(clock_now_ns() - start) / 1e6);
    printf("opencl_setup_first %.3f ms\n", (double)visit(rig, 0, 1, false)->setup_ns / 1e6);
    printf("opencl_setup %.3f ms\n", (double)visit(rig, 0, 1, false)->setup_ns / 1e6);
    double whole = median_total_ms(visit(rig, 2, FEW, false));
    const struct rig_samples *samples = visit(rig, 2, FEW, true);
    double sum = median_sum_ms(samples);
    printf("opencl_end_to_end %.4f ms\nopencl_layer_sum %.4f ms\n", whole, sum);
    printf("opencl_launch_and_notice %.4f ms\n", median_total_ms(samples) - sum);
    rig_close(rig);
}

static double subnet_gmacs(void)
{
    double macs = 0;
    for (int i = 0; i < LAYERS; i++) {
        struct layer layer;
        struct lathe_error err = {0};
        check(layer_parse(subnet[i], &layer, &err), &err);
        macs += (double)layer_macs(&layer);
    }
    return macs / 1e9;
}

/* One runtime and dtype end to end, on one thread and on two; nothing where the runtime doesn't do it. */
static void print_whole(const struct runtime *runtime, enum dtype dtype)
{
    for (int threads = 1; threads <= 2; threads++) {
        struct rig_build built;
        char config[64];
        if (runtime->supports(&(struct runtime_options){dtype, threads, 1}, NULL)) continue;
        struct rig *rig = open_subnet(runtime, dtype, threads, &built);
        double ms = median_total_ms(visit(rig, WARMUP, RUNS, false));
        snprintf(config, sizeof config, "%s-%s-t%d", runtime->name, dtype_name(dtype), threads);
        printf("end_to_end_%s %.4f ms\n", config, ms);
        printf("rate_%s %.1f GMAC/s\n", config, subnet_gmacs() / ms * 1e3);
        if (threads == 1) printf("weights_%s %.1f KiB\n", config, (double)built.weight_bytes / 1024);
        rig_close(rig);
    }
}

int main(void)
{
    struct rig_build built;
    double before_mb = resident_mb();
    uint64_t start = clock_now_ns();
    struct rig *rig = open_subnet(last_runtime(), DTYPE_F32, 1, &built);
    printf("build %.2f ms\n", (double)(clock_now_ns() - start) / 1e6);
    printf("arena %.1f KiB\nweights %.1f KiB\n", (double)built.arena_bytes / 1024, (double)built.weight_bytes / 1024);
    double setup[20];
    for (int i = 0; i < 20; i++) setup[i] = (double)visit(rig, 0, 1, false)->setup_ns / 1e6;
    printf("setup_first %.3f ms\n", setup[0]);
    printf("setup %.3f ms\n", median(setup, 20));
    double whole = median_total_ms(visit(rig, WARMUP, RUNS, false));
    const struct rig_samples *samples = visit(rig, WARMUP, RUNS, true);
    double sum = median_sum_ms(samples);
    double timed = median_total_ms(samples);
    printf("end_to_end %.4f ms\nlayer_sum %.4f ms\n", whole, sum);
    printf("layer_sum_against_end_to_end %+.2f %%\n", 100 * (sum / whole - 1));
    printf("timestamps_overhead %.2f %%\n", 100 * (timed / sum - 1));
    printf("resident %.1f MB\n", resident_mb() - before_mb);
    rig_close(rig);
    print_costs();
    for (const struct runtime *const *r = runtimes; *r; r++)
        for (int dtype = 0; dtype < DTYPES && !(*r)->device && strcmp((*r)->name, "reference") != 0; dtype++)
            print_whole(*r, (enum dtype)dtype);
    print_opencl();
    return EXIT_SUCCESS;
}
