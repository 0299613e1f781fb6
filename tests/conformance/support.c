/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "conformance/support.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/runner/core/memory.h"

enum { PATTERN = 0x7f }; /* as f32: 3.4e38, which spoils every sum that it gets into */

void guarded_alloc(struct guarded *g, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t padded = (size + RUNTIME_PAD_BYTES + RUNTIME_ALIGN_BYTES - 1) / RUNTIME_ALIGN_BYTES * RUNTIME_ALIGN_BYTES;
    size_t usable = (padded + page - 1) / page * page;
    g->size = size;
    g->map_size = usable + page;
    g->map = mmap(NULL, g->map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(g->map != MAP_FAILED);
    ck_assert_int_eq(mprotect((char *)g->map + usable, page, PROT_NONE), 0);
    g->bytes = (unsigned char *)g->map + usable - padded;
    memset(g->map, PATTERN, usable);
}

static bool untouched(const unsigned char *from, const unsigned char *end)
{
    while (from < end && *from == PATTERN) from++;
    return from == end;
}

void guarded_check(const struct guarded *g)
{
    const unsigned char *end = (const unsigned char *)g->map + g->map_size - (size_t)sysconf(_SC_PAGESIZE);
    ck_assert_msg(untouched(g->bytes + g->size, end), "the padding behind a buffer was written to");
    ck_assert_msg(untouched(g->map, g->bytes), "bytes before a buffer were written to");
}

void guarded_free(struct guarded *g)
{
    munmap(g->map, g->map_size);
}

bool cannot(const struct runtime *runtime, const struct runtime_options *o)
{
    struct lathe_error err = {0};
    if (!runtime->supports(o, &err)) return false;
    ck_assert_msg(o->threads > 1 || runtime->device, "%s: %s", runtime->name, err.message);
    return true;
}

struct layer layer_of(const char *text)
{
    struct layer layer;
    struct lathe_error err = {0};
    ck_assert_msg(layer_parse(text, &layer, &err) == LATHE_OK, "%s", err.message);
    return layer;
}

/* Engines of devices, each with what it was opened with: opening one compiles. The others are opened for each
 * layer: an idle one may have threads that wait for work without sleep. */
static struct kept {
    const struct runtime *runtime;
    enum dtype dtype;
    int batch;
    struct engine *engine;
} kept[16];

void close_engines(void)
{
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        if (kept[i].runtime) kept[i].runtime->close(kept[i].engine);
        kept[i] = (struct kept){0};
    }
}

static struct engine *engine_of(const struct runtime *runtime, const struct runtime_options *o)
{
    struct lathe_error err = {0};
    struct engine *engine = NULL;
    struct kept *k = kept;
    for (; runtime->device && k->runtime; k++) {
        if (k->runtime == runtime && k->dtype == o->dtype && k->batch == o->batch) return k->engine;
        ck_assert_ptr_ne(k, kept + sizeof kept / sizeof kept[0] - 1);
    }
    ck_assert_msg(runtime->open(o, &engine, &err) == LATHE_OK, "%s", err.message);
    if (runtime->device) *k = (struct kept){runtime, o->dtype, o->batch, engine};
    return engine;
}

static void run_on_host(const struct runtime *runtime, struct op *op, const struct op_needs *needs, const void *in,
                        void *out)
{
    struct lathe_error err = {0};
    struct guarded buffers[3];
    const size_t sizes[3] = {needs->in_bytes, needs->out_bytes, needs->scratch_bytes};
    for (int i = 0; i < 3; i++) guarded_alloc(&buffers[i], sizes[i]);
    memcpy(buffers[0].bytes, in, needs->in_bytes);
    const struct op_buffers b = {buffers[0].bytes, buffers[1].bytes, buffers[2].bytes};
    ck_assert_msg(runtime->setup(op, &b, &err) == LATHE_OK, "%s", err.message);
    ck_assert_int_eq(runtime->run(op), LATHE_OK);
    ck_assert_mem_eq(buffers[0].bytes, in, needs->in_bytes); /* the input is not written */
    memcpy(out, buffers[1].bytes, needs->out_bytes);
    for (int i = 0; i < 3; i++) {
        guarded_check(&buffers[i]);
        guarded_free(&buffers[i]);
    }
}

enum { AROUND_BYTES = 4096 };

/* Where a buffer ends, and the next one may begin behind a stretch of pattern. */
static size_t behind(size_t place, size_t bytes)
{
    return (place + bytes + AROUND_BYTES + RUNTIME_ALIGN_BYTES - 1) / RUNTIME_ALIGN_BYTES * RUNTIME_ALIGN_BYTES;
}

static void queue_and_wait(const struct runtime *runtime, struct engine *engine, struct op *op)
{
    struct lathe_error err = {0};
    ck_assert_msg(runtime->device->begin(engine, 0, &err) == LATHE_OK, "%s", err.message);
    ck_assert_int_eq(runtime->run(op), LATHE_OK);
    ck_assert_msg(runtime->device->finish(engine, &err) == LATHE_OK, "%s", err.message);
}

static void run_on_device(const struct runtime *runtime, struct engine *engine, struct op *op,
                          const struct op_needs *needs, const void *in, void *out)
{
    struct lathe_error err = {0};
    struct memory memory;
    struct op_places at = {.in = AROUND_BYTES};
    at.scratch = behind(at.in, needs->in_bytes);
    at.out = behind(at.scratch, needs->scratch_bytes);
    const size_t total = behind(at.out, needs->out_bytes);
    unsigned char *all = malloc(total);
    ck_assert_ptr_nonnull(all);
    memset(all, PATTERN, total);
    memcpy(all + at.in, in, needs->in_bytes);
    memory_init(&memory, runtime, engine);
    ck_assert_msg(memory_reserve(&memory, total, &err) == LATHE_OK, "%s", err.message);
    ck_assert_msg(memory_write(&memory, 0, all, total, &err) == LATHE_OK, "%s", err.message);
    ck_assert_msg(memory_setup(&memory, op, &at, &err) == LATHE_OK, "%s", err.message);
    queue_and_wait(runtime, engine, op);
    ck_assert_msg(memory_read(&memory, 0, all, total, &err) == LATHE_OK, "%s", err.message);
    memory_clear(&memory);
    ck_assert_mem_eq(all + at.in, in, needs->in_bytes);
    memcpy(out, all + at.out, needs->out_bytes);
    ck_assert_msg(untouched(all, all + at.in), "bytes before the input were written to");
    ck_assert_msg(untouched(all + at.in + needs->in_bytes, all + at.scratch), "bytes behind the input were written to");
    ck_assert_msg(untouched(all + at.scratch + needs->scratch_bytes, all + at.out),
                  "bytes behind the scratch were written to");
    ck_assert_msg(untouched(all + at.out + needs->out_bytes, all + total), "bytes behind the output were written to");
    free(all);
}

void *run_layer_bytes(const struct runtime *runtime, const struct runtime_options *options, const struct layer *layer,
                      const struct weights *weights, const void *in, size_t *bytes)
{
    struct lathe_error err = {0};
    struct engine *engine = engine_of(runtime, options);
    struct op *op = NULL;
    struct op_needs needs = {0};
    ck_assert_msg(runtime->prepare(engine, layer, weights, &op, &needs, &err) == LATHE_OK, "%s", err.message);
    void *out = malloc(needs.out_bytes);
    ck_assert_ptr_nonnull(out);
    if (runtime->device) run_on_device(runtime, engine, op, &needs, in, out);
    else run_on_host(runtime, op, &needs, in, out);
    *bytes = needs.out_bytes;
    runtime->op_free(op);
    if (!runtime->device) runtime->close(engine);
    return out;
}

float *run_layer(const struct runtime *runtime, const struct runtime_options *options, const struct layer *layer,
                 const struct weights *weights, const float *in, size_t *floats)
{
    float *out = run_layer_bytes(runtime, options, layer, weights, in, floats);
    *floats /= sizeof *out;
    return out;
}

double scaled_difference(const float *got, const float *want, size_t n)
{
    double most = 0;
    double scale = 1;
    for (size_t i = 0; i < n; i++) {
        /* Check remembers each assertion that holds: there are a few million values. */
        if (!isfinite(got[i]) || !isfinite(want[i])) ck_abort_msg("value %zu is not finite", i);
        most = fmax(most, fabs((double)got[i] - (double)want[i]));
        scale = fmax(scale, fabs((double)want[i]));
    }
    return most / scale;
}
