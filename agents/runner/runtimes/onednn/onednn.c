/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* oneDNN by its C API, version 2: a primitive descriptor chooses an implementation, weights are reordered into the
 * layout that it prefers, and memory objects are pointed at the op's buffers. Its threads are OpenMP's. */
#include <oneapi/dnnl/dnnl_debug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/runner/runtimes/onednn/internal.h"

/* Of OpenMP. Its header belongs to the compiler, and other tools that read this file don't have it. */
void omp_set_num_threads(int);

static const char *onednn_version(void)
{
    static char text[48];
    const dnnl_version_t *v = dnnl_version();
    if (!text[0]) snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

/* Without VNNI products of u8 and s8 are added up in pairs in 16 bits, where they don't fit. With AVX2's VNNI oneDNN
 * 2.6 has it for some of its kernels only. */
static bool has_vnni(void)
{
    const unsigned vnni = (unsigned)dnnl_cpu_isa_avx512_core_vnni;
    return ((unsigned)dnnl_get_effective_cpu_isa() & vnni) == vnni;
}

const char *onednn_dispatch(void)
{
    static const char prefix[] = "cpu_isa_";
    const char *name = dnnl_cpu_isa2str(dnnl_get_effective_cpu_isa());
    return strncmp(name, prefix, strlen(prefix)) == 0 ? name + strlen(prefix) : name;
}

static enum lathe_status onednn_supports(const struct runtime_options *o, struct lathe_error *err)
{
    if (o->dtype == DTYPE_F32 || has_vnni()) return LATHE_OK;
    return error_set(
        err, LATHE_UNSUPPORTED,
        "onednn's int8 needs AVX-512 with VNNI, since its sums overflow without; here it has %s: take f32, or "
        "another runtime",
        onednn_dispatch());
}

/* A status of oneDNN, with what was being done. */
static enum lathe_status failure(dnnl_status_t st, const char *what, struct lathe_error *err)
{
    switch (st) {
    case dnnl_success:
        return LATHE_OK;
    case dnnl_out_of_memory:
        return error_set(err, LATHE_NO_MEMORY, "oneDNN ran out of memory while %s", what);
    case dnnl_unimplemented:
        return error_set(err, LATHE_UNSUPPORTED, "oneDNN does not support it: unimplemented while %s", what);
    case dnnl_invalid_arguments:
    case dnnl_iterator_ends:
    case dnnl_runtime_error:
    case dnnl_not_required:
        break;
    }
    return error_set(err, LATHE_IO, "oneDNN failed: %s while %s", dnnl_status2str(st), what);
}

void onednn_set_threads(const struct engine *e)
{
    omp_set_num_threads(e->options.threads);
}

static void onednn_close(struct engine *e)
{
    if (!e) return;
    if (e->stream) dnnl_stream_destroy(e->stream);
    if (e->cpu) dnnl_engine_destroy(e->cpu);
    free(e);
}

static enum lathe_status onednn_open(const struct runtime_options *o, struct engine **out, struct lathe_error *err)
{
    struct engine *e = calloc(1, sizeof *e);
    if (!e) return error_set(err, LATHE_NO_MEMORY, "out of memory for a runtime");
    e->options = *o;
    dnnl_status_t st = dnnl_engine_create(&e->cpu, dnnl_cpu, 0);
    if (!st) st = dnnl_stream_create(&e->stream, e->cpu, dnnl_stream_default_flags);
    if (st) {
        onednn_close(e);
        return failure(st, "starting", err);
    }
    *out = e;
    return LATHE_OK;
}

static void onednn_op_free(struct op *op)
{
    if (!op) return;
    for (int i = 0; i < op->count; i++) step_clear(&op->steps[i]);
    free(op);
}

static void place_slots(struct op *op)
{
    for (int i = SLOT_EXPANDED; i < SLOTS; i++) {
        if (!op->slot_bytes[i]) continue;
        op->slot_offsets[i] = op->scratch_bytes;
        size_t bytes = op->slot_bytes[i] + RUNTIME_PAD_BYTES;
        op->scratch_bytes += (bytes + RUNTIME_ALIGN_BYTES - 1) / RUNTIME_ALIGN_BYTES * RUNTIME_ALIGN_BYTES;
    }
}

static enum lathe_status onednn_prepare(struct engine *e, const struct layer *l, const struct weights *w,
                                        struct op **out, struct op_needs *needs, struct lathe_error *err)
{
    struct op *op = calloc(1, sizeof *op);
    if (!op) return error_set(err, LATHE_NO_MEMORY, "out of memory for a layer");
    op->engine = e;
    /* Primitives divide their work, and their scratch, among the threads that there are when they are made. */
    onednn_set_threads(e);
    dnnl_status_t st = onednn_create(op, l, w);
    if (st) {
        onednn_op_free(op);
        return failure(st, "creating primitives", err);
    }
    place_slots(op);
    *needs = (struct op_needs){
        .in_bytes = op->slot_bytes[SLOT_IN],
        .out_bytes = op->slot_bytes[SLOT_OUT],
        .scratch_bytes = op->scratch_bytes,
        .weight_bytes = op->weight_bytes,
    };
    *out = op;
    return LATHE_OK;
}

static dnnl_status_t point_step(const struct step *s, void *const slots[SLOTS])
{
    dnnl_status_t st = dnnl_success;
    for (int i = 0; !st && i < s->count; i++)
        if (s->slots[i] != SLOT_PACKED) st = dnnl_memory_set_data_handle(s->args[i].memory, slots[s->slots[i]]);
    return st;
}

static enum lathe_status onednn_setup(struct op *op, const struct op_buffers *b, struct lathe_error *err)
{
    /* oneDNN takes one pointer type for tensors; SLOT_IN is only ever read. */
    void *slots[SLOTS] = {[SLOT_IN] = (void *)(uintptr_t)b->in, [SLOT_OUT] = b->out};
    for (int i = SLOT_EXPANDED; i < SLOTS; i++)
        if (op->slot_bytes[i]) slots[i] = (char *)b->scratch + op->slot_offsets[i];
    for (int i = 0; i < op->count; i++) {
        enum lathe_status st = failure(point_step(&op->steps[i], slots), "setting up primitives", err);
        if (st) return st;
    }
    return LATHE_OK;
}

static enum lathe_status onednn_run(struct op *op)
{
    onednn_set_threads(op->engine);
    for (int i = 0; i < op->count; i++) {
        const struct step *s = &op->steps[i];
        if (dnnl_primitive_execute(s->primitive, op->engine->stream, s->count, s->args)) return LATHE_IO;
    }
    return dnnl_stream_wait(op->engine->stream) ? LATHE_IO : LATHE_OK;
}

const struct runtime onednn_runtime = {
    .name = "onednn",
    .version = onednn_version,
    .supports = onednn_supports,
    .open = onednn_open,
    .prepare = onednn_prepare,
    .setup = onednn_setup,
    .run = onednn_run,
    .op_free = onednn_op_free,
    .close = onednn_close,
    .kernels = onednn_kernels,
    .describe = onednn_describe,
};
