/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which of its implementations oneDNN chose, and which of these are known to be slow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/runner/runtimes/onednn/internal.h"

/* One of each sort that networks are made of, of middling size. */
static const char *const typical[] = {
    "conv2d in=160x160x3 out=80x80x24 k=3 s=2 act=hswish",
    "mbconv in=40x40x32 out=40x40x32 mid=96 k=3 s=1 act=relu res=1",
    "mbconv in=20x20x48 out=20x20x48 mid=192 k=5 s=1 act=hswish se=48 res=1",
    "mbconv in=20x20x48 out=10x10x96 mid=288 k=7 s=2 act=relu6",
    "bottleneck in=28x28x128 out=14x14x256 mid=48 k=3 s=2 act=relu",
    "conv2d in=5x5x96 out=5x5x576 k=1 s=1 act=hswish",
    "maxpool in=56x56x64 out=28x28x64 k=3 s=2",
    "linear in=1x1x576 out=1x1x100",
};

/* Whether a list has this name between its commas. */
static bool has_name(const char *list, const char *name, size_t n)
{
    while (*list) {
        size_t length = strcspn(list, ",");
        if (length == n && strncmp(list, name, n) == 0) return true;
        list += length + (list[length] == ',');
    }
    return false;
}

/* Add a name to a list unless it is there or doesn't fit. */
static void add_name(char *list, size_t capacity, const char *name, size_t n)
{
    size_t used = strlen(list);
    if (has_name(list, name, n) || used + n + 2 > capacity) return;
    snprintf(list + used, capacity - used, "%s%.*s", used ? "," : "", (int)n, name);
}

/* "ref:any", "gemm:jit", "x64:gemm:jit", but not "brgemm:avx512_core": plain loops, and products of matrices that
 * convolutions are unrolled for. */
static bool is_slow(const char *name, size_t n)
{
    for (size_t at = 0; at < n;) {
        size_t length = strcspn(name + at, ":,");
        if ((length >= 3 && strncmp(name + at, "ref", 3) == 0) || (length == 4 && strncmp(name + at, "gemm", 4) == 0))
            return true;
        at += length + 1;
    }
    return false;
}

void onednn_kernels(const struct op *op, char *out, size_t capacity)
{
    out[0] = '\0';
    for (int i = 0; i < op->count; i++) {
        const_dnnl_primitive_desc_t pd = NULL;
        const char *name = NULL;
        if (dnnl_primitive_get_primitive_desc(op->steps[i].primitive, &pd)) continue;
        if (dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, (void *)&name) || !name) continue;
        add_name(out, capacity, name, strlen(name));
    }
}

static enum lathe_status make_weights(enum dtype dtype, const struct layer *l, struct weights *out)
{
    return dtype == DTYPE_INT8 ? weights_make_int8(l, 0, 0, out, NULL) : weights_make(l, 0, 0, out, NULL);
}

/* The names of one layer, added to a list. */
static void add_layer(struct engine *e, const char *text, char *list, size_t capacity)
{
    struct layer layer;
    struct weights weights = {0};
    struct op *op = NULL;
    struct op_needs needs;
    char names[RUNTIME_LINE_BYTES];
    if (layer_parse(text, &layer, NULL) || make_weights(e->options.dtype, &layer, &weights)) return;
    if (onednn_runtime.prepare(e, &layer, &weights, &op, &needs, NULL) == LATHE_OK) {
        onednn_kernels(op, names, sizeof names);
        for (size_t at = 0; names[at];) {
            size_t n = strcspn(names + at, ",");
            add_name(list, capacity, names + at, n);
            at += n + (names[at + n] == ',');
        }
    }
    onednn_runtime.op_free(op);
    weights_clear(&weights);
}

static void list_typical(const struct runtime_options *o, char *list, size_t capacity)
{
    struct engine *e = NULL;
    list[0] = '\0';
    if (onednn_runtime.open(o, &e, NULL)) return;
    for (size_t i = 0; i < sizeof typical / sizeof typical[0]; i++) add_layer(e, typical[i], list, capacity);
    onednn_runtime.close(e);
}

static void keep_slow(const char *list, char *slow, size_t capacity)
{
    slow[0] = '\0';
    for (size_t at = 0; list[at];) {
        size_t n = strcspn(list + at, ",");
        if (is_slow(list + at, n)) add_name(slow, capacity, list + at, n);
        at += n + (list[at + n] == ',');
    }
}

/* What of the environment steers OpenMP's threads, as "NAME=value,..". */
static void list_settings(char *out, size_t capacity)
{
    static const char *const names[] = {"OMP_WAIT_POLICY",  "OMP_PROC_BIND",     "OMP_PLACES",    "OMP_DYNAMIC",
                                        "OMP_THREAD_LIMIT", "GOMP_CPU_AFFINITY", "GOMP_SPINCOUNT"};
    out[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char setting[96];
        const char *value = getenv(names[i]);
        if (!value) continue;
        snprintf(setting, sizeof setting, "%s=%s", names[i], value);
        add_name(out, capacity, setting, strlen(setting));
    }
}

void onednn_describe(const struct runtime_options *o, struct runtime_lines *out)
{
    enum { KEY = sizeof "kernels_slow=" };
    char list[RUNTIME_LINE_BYTES - KEY];
    char slow[RUNTIME_LINE_BYTES - KEY];
    char settings[RUNTIME_LINE_BYTES - KEY];
    list_typical(o, list, sizeof list);
    keep_slow(list, slow, sizeof slow);
    list_settings(settings, sizeof settings);
    out->count = 4;
    snprintf(out->line[0], RUNTIME_LINE_BYTES, "dispatch=%s", onednn_dispatch());
    snprintf(out->line[1], RUNTIME_LINE_BYTES, "kernels=%s", list[0] ? list : "unknown");
    snprintf(out->line[2], RUNTIME_LINE_BYTES, "kernels_slow=%s", slow[0] ? slow : "none");
    snprintf(out->line[3], RUNTIME_LINE_BYTES, "openmp=%s", settings[0] ? settings : "default");
}
