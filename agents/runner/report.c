/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/report.h"

#include <stdlib.h>

#include "agents/runner/host.h"

/* A JSON string; what a name may hold that JSON may not is escaped. */
static void print_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c > 0x7e) fprintf(out, "\\u%04x", c);
        else fprintf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    fputc('"', out);
}

static bool supports_dtype(const struct runtime *r, enum dtype dtype)
{
    const struct runtime_options o = {dtype, 1, 1};
    return r->supports(&o, NULL) == LATHE_OK;
}

static void print_dtypes(FILE *out, const struct runtime *r, bool json)
{
    const char *comma = "";
    for (int i = 0; i < DTYPES; i++) {
        if (!supports_dtype(r, (enum dtype)i)) continue;
        fprintf(out, json ? "%s\"%s\"" : "%s%s", comma, dtype_name((enum dtype)i));
        comma = ",";
    }
}

/* The processors that a runtime could use, the chosen one marked. */
static void print_choices(FILE *out, const struct runtime *r, bool json)
{
    struct runtime_choice choice;
    if (!r->choice) return;
    fputs(json ? ",\"devices\":[" : "", out);
    if (!json) fprintf(out, "\n%s devices (* is used):%s\n", r->name, r->choice(0, &choice) ? "" : " none");
    for (int i = 0; r->choice(i, &choice); i++) {
        if (!json) {
            fprintf(out, "%s %s\n", choice.chosen ? "*" : " ", choice.name);
            continue;
        }
        fputs(i ? ",{\"name\":" : "{\"name\":", out);
        print_string(out, choice.name);
        fprintf(out, ",\"chosen\":%s}", choice.chosen ? "true" : "false");
    }
    fputs(json ? "]" : "", out);
}

static void list_json(FILE *out, const char *cpu, const char *isa)
{
    fprintf(out, "{\"runner\":\"lathe-run " LATHE_VERSION "\",\"build\":\"%s\",\"cpu\":", host_build_id());
    print_string(out, cpu);
    fputs(",\"isa\":", out);
    print_string(out, isa);
    fputs(",\"runtimes\":[", out);
    for (const struct runtime *const *r = runtimes; *r; r++) {
        fprintf(out, "%s{\"name\":\"%s\",\"version\":", r == runtimes ? "" : ",", (*r)->name);
        print_string(out, (*r)->version());
        fputs(",\"dtypes\":[", out);
        print_dtypes(out, *r, true);
        fputs("]", out);
        print_choices(out, *r, true);
        fputs("}", out);
    }
    fputs("]}\n", out);
}

void report_list(FILE *out, bool json)
{
    char cpu[HOST_LINE_BYTES];
    char isa[HOST_LINE_BYTES];
    host_cpu(cpu, sizeof cpu);
    host_isa(isa, sizeof isa);
    if (json) {
        list_json(out, cpu, isa);
        return;
    }
    fprintf(out, "lathe-run %s, build %s\ncpu: %s (%s)\n\n%-12s %-8s %s\n", LATHE_VERSION, host_build_id(), cpu, isa,
            "runtime", "dtypes", "version");
    for (const struct runtime *const *r = runtimes; *r; r++) {
        char dtypes[32] = "";
        FILE *text = fmemopen(dtypes, sizeof dtypes, "w");
        if (text) {
            print_dtypes(text, *r, false);
            fclose(text);
        }
        fprintf(out, "%-12s %-8s %s\n", (*r)->name, dtypes[0] ? dtypes : "-", (*r)->version());
    }
    for (const struct runtime *const *r = runtimes; *r; r++) print_choices(out, *r, false);
}

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

static void print_row(FILE *out, bool json, const char *name, const struct figures *f)
{
    if (json) {
        fprintf(out,
                "{\"layer\":\"%s\",\"trimmed_ms\":%.6f,\"mean_ms\":%.6f,\"min_ms\":%.6f,\"p50_ms\":%.6f,"
                "\"p90_ms\":%.6f}\n",
                name, f->trimmed / 1e6, f->mean / 1e6, f->min / 1e6, f->p50 / 1e6, f->p90 / 1e6);
        return;
    }
    fprintf(out, "%9.4f %9.4f %9.4f %9.4f %9.4f  %s\n", f->trimmed / 1e6, f->mean / 1e6, f->min / 1e6, f->p50 / 1e6,
            f->p90 / 1e6, name);
}

/* @param column the layer's, or -1: the whole run. @param values space for all runs. */
static void print_column(FILE *out, bool json, const char *name, const struct rig_samples *s, int column,
                         double *values)
{
    for (int run = 0; run < s->runs; run++)
        values[run] = column < 0 ? (double)s->total_ns[run] : (double)s->wall_ns[run * s->layers + column];
    struct figures f = summarise(values, s->runs);
    print_row(out, json, name, &f);
}

/* Time layers as one network. */
static enum lathe_status bench(FILE *out, struct rig *rig, const struct bench_request *q, const struct layer *layers,
                               int count, double *values, struct lathe_error *err)
{
    struct rig_build built;
    const struct rig_samples *samples;
    char text[LAYER_TEXT_BYTES];
    enum lathe_status st = rig_build(rig, 0, layers, count, &built, err);
    if (!st) st = rig_run(rig, 0, q->warmup, q->runs, true, &samples, err);
    for (int i = 0; !st && i < count; i++) {
        layer_print(&layers[i], text);
        print_column(out, q->json, text, samples, i, values);
    }
    if (!st && q->whole) st = rig_run(rig, 0, q->warmup, q->runs, false, &samples, err);
    if (!st && q->whole) print_column(out, q->json, "total", samples, -1, values);
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
