/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/report.h"

#include <stdlib.h>
#include <string.h>

/* Figures of one row, in nanoseconds. */
struct figures {
    double mean, trimmed, min, p50, p90;
};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* @param samples sorted in place. @param n at least 1. */
static struct figures summarise(double *samples, int n)
{
    struct figures f = {0};
    int cut = n / 10;
    qsort(samples, (size_t)n, sizeof *samples, ascending);
    for (int i = 0; i < n; i++) f.mean += samples[i] / n;
    for (int i = cut; i < n - cut; i++) f.trimmed += samples[i] / (n - 2 * cut);
    f.min = samples[0];
    f.p50 = samples[(n - 1) / 2];
    f.p90 = samples[(n - 1) * 9 / 10];
    return f;
}

static void print_head(FILE *out, const struct bench_request *q)
{
    if (q->json) return;
    fprintf(out, "%s-%s-t%d-b%d, %d runs after %d warm-up runs, %s; milliseconds\n", q->rig.runtime->name,
            dtype_name(q->rig.options.dtype), q->rig.options.threads, q->rig.options.batch, q->runs, q->warmup,
            q->whole ? "layers within one network" : "each layer alone");
    fprintf(out, "%9s %9s %9s %9s %9s  %s\n", "trimmed", "mean", "min", "p50", "p90", "layer");
}

/* What a row is of. */
struct subject {
    char name[LAYER_TEXT_BYTES];
    char kernels[RUNTIME_LINE_BYTES]; /* with commas between; "" where the runtime doesn't tell */
};

/* "a,b" as ["a","b"]. */
static void print_names(FILE *out, const char *list)
{
    fputs(",\"kernels\":[", out);
    for (const char *at = list; *at;) {
        int n = (int)strcspn(at, ",");
        fprintf(out, "%s\"%.*s\"", at == list ? "" : ",", n, at);
        at += n + (at[n] == ',');
    }
    fputc(']', out);
}

static void print_row(FILE *out, bool json, const struct subject *of, const struct figures *f)
{
    if (json) {
        fprintf(out,
                "{\"layer\":\"%s\",\"trimmed_ms\":%.6f,\"mean_ms\":%.6f,\"min_ms\":%.6f,\"p50_ms\":%.6f,"
                "\"p90_ms\":%.6f",
                of->name, f->trimmed / 1e6, f->mean / 1e6, f->min / 1e6, f->p50 / 1e6, f->p90 / 1e6);
        if (of->kernels[0]) print_names(out, of->kernels);
        fputs("}\n", out);
        return;
    }
    fprintf(out, "%9.4f %9.4f %9.4f %9.4f %9.4f  %s", f->trimmed / 1e6, f->mean / 1e6, f->min / 1e6, f->p50 / 1e6,
            f->p90 / 1e6, of->name);
    if (of->kernels[0]) fprintf(out, "  [%s]", of->kernels);
    fputc('\n', out);
}

/* @param column the layer's, or -1: the whole run. @param values space for all runs. */
static void print_column(FILE *out, bool json, const struct subject *of, const struct rig_samples *s, int column,
                         double *values)
{
    for (int run = 0; run < s->runs; run++)
        values[run] = column < 0 ? (double)s->total_ns[run] : (double)s->wall_ns[run * s->layers + column];
    struct figures f = summarise(values, s->runs);
    print_row(out, json, of, &f);
}

/* Time layers as one network. */
static enum lathe_status bench(FILE *out, struct rig *rig, const struct bench_request *q, const struct layer *layers,
                               int count, double *values, struct lathe_error *err)
{
    struct rig_build built;
    const struct rig_samples *samples;
    struct subject of;
    enum lathe_status st = rig_build(rig, 0, layers, count, &built, err);
    if (!st) st = rig_run(rig, 0, q->warmup, q->runs, true, &samples, err);
    for (int i = 0; !st && i < count; i++) {
        layer_print(&layers[i], of.name);
        rig_kernels(rig, 0, i, of.kernels, sizeof of.kernels);
        print_column(out, q->json, &of, samples, i, values);
    }
    if (!st && q->whole) st = rig_run(rig, 0, q->warmup, q->runs, false, &samples, err);
    if (!st && q->whole) print_column(out, q->json, &(struct subject){.name = "total"}, samples, -1, values);
    return st;
}

enum lathe_status report_bench(FILE *out, const struct bench_request *q, const struct layer *layers, int count,
                               struct lathe_error *err)
{
    struct rig *rig = NULL;
    double *values = malloc((size_t)q->runs * sizeof *values);
    if (!values) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = rig_open(&q->rig, &rig, err);
    if (!st && q->whole) st = network_check(layers, count, err);
    if (!st) print_head(out, q);
    if (!st && q->whole) st = bench(out, rig, q, layers, count, values, err);
    for (int i = 0; !st && !q->whole && i < count; i++) st = bench(out, rig, q, &layers[i], 1, values, err);
    rig_close(rig);
    free(values);
    return st;
}
