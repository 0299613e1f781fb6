/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "conformance/support.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

struct layer layer_of(const char *text)
{
    struct layer layer;
    struct lathe_error err = {0};
    ck_assert_msg(layer_parse(text, &layer, &err) == LATHE_OK, "%s", err.message);
    return layer;
}

void *run_layer_bytes(const struct runtime *runtime, const struct runtime_options *options, const struct layer *layer,
                      const struct weights *weights, const void *in, size_t *bytes)
{
    struct lathe_error err = {0};
    struct engine *engine = NULL;
    struct op *op = NULL;
    struct op_needs needs = {0};
    struct guarded buffers[3];
    ck_assert_msg(runtime->open(options, &engine, &err) == LATHE_OK, "%s", err.message);
    ck_assert_msg(runtime->prepare(engine, layer, weights, &op, &needs, &err) == LATHE_OK, "%s", err.message);
    const size_t sizes[3] = {needs.in_bytes, needs.out_bytes, needs.scratch_bytes};
    for (int i = 0; i < 3; i++) guarded_alloc(&buffers[i], sizes[i]);
    memcpy(buffers[0].bytes, in, needs.in_bytes);
    const struct op_buffers b = {buffers[0].bytes, buffers[1].bytes, buffers[2].bytes};
    ck_assert_msg(runtime->setup(op, &b, &err) == LATHE_OK, "%s", err.message);
    ck_assert_int_eq(runtime->run(op), LATHE_OK);
    ck_assert_mem_eq(buffers[0].bytes, in, needs.in_bytes); /* the input is not written */
    void *out = malloc(needs.out_bytes);
    ck_assert_ptr_nonnull(out);
    memcpy(out, buffers[1].bytes, needs.out_bytes);
    *bytes = needs.out_bytes;
    for (int i = 0; i < 3; i++) {
        guarded_check(&buffers[i]);
        guarded_free(&buffers[i]);
    }
    runtime->op_free(op);
    runtime->close(engine);
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
        ck_assert_msg(isfinite(got[i]) && isfinite(want[i]), "value %zu is not finite", i);
        most = fmax(most, fabs((double)got[i] - (double)want[i]));
        scale = fmax(scale, fabs((double)want[i]));
    }
    return most / scale;
}
