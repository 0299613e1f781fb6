/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* XNNPACK by its operator API: create packs weights, setup binds pointers, run runs. */
#include <stdlib.h>

#include "agents/runner/runtimes/xnnpack/internal.h"

_Static_assert(RUNTIME_PAD_BYTES >= XNN_EXTRA_BYTES, "XNNPACK reads further past the end than buffers are padded");

static const char *xnnpack_version(void)
{
    return XNNPACK_VERSION;
}

static enum lathe_status xnnpack_supports(const struct runtime_options *o, struct lathe_error *err)
{
    (void)o;
    (void)err;
    return LATHE_OK;
}

/* A status of XNNPACK, with what was being done. */
static enum lathe_status failure(enum xnn_status st, const char *what, struct lathe_error *err)
{
    switch (st) {
    case xnn_status_success:
        return LATHE_OK;
    case xnn_status_out_of_memory:
        return error_set(err, LATHE_NO_MEMORY, "XNNPACK ran out of memory while %s", what);
    case xnn_status_unsupported_parameter:
    case xnn_status_unsupported_hardware:
        return error_set(err, LATHE_UNSUPPORTED, "XNNPACK does not support it: status %d while %s", (int)st, what);
    case xnn_status_uninitialized:
    case xnn_status_invalid_parameter:
    case xnn_status_invalid_state:
        break;
    }
    return error_set(err, LATHE_IO, "XNNPACK failed: status %d while %s", (int)st, what);
}

static enum lathe_status xnnpack_open(const struct runtime_options *o, struct engine **out, struct lathe_error *err)
{
    enum lathe_status st = failure(xnn_initialize(NULL), "starting", err);
    if (st) return st;
    struct engine *e = calloc(1, sizeof *e);
    if (!e) return error_set(err, LATHE_NO_MEMORY, "out of memory for a runtime");
    e->dtype = o->dtype;
    e->batch = (size_t)o->batch;
    if (o->threads > 1) {
        e->threads = pthreadpool_create((size_t)o->threads);
        if (!e->threads) {
            free(e);
            return error_set(err, LATHE_NO_MEMORY, "failed to start %d threads", o->threads);
        }
    }
    *out = e;
    return LATHE_OK;
}

static void xnnpack_close(struct engine *e)
{
    if (!e) return;
    if (e->threads) pthreadpool_destroy(e->threads);
    free(e);
    xnn_deinitialize();
}

static void xnnpack_op_free(struct op *op)
{
    if (!op) return;
    for (int i = 0; i < op->count; i++) {
        xnn_delete_operator(op->steps[i].op);
        free(op->steps[i].own);
    }
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

static enum lathe_status xnnpack_prepare(struct engine *e, const struct layer *l, const struct weights *w,
                                         struct op **out, struct op_needs *needs, struct lathe_error *err)
{
    struct op *op = calloc(1, sizeof *op);
    if (!op) return error_set(err, LATHE_NO_MEMORY, "out of memory for a layer");
    op->operators = e->dtype == DTYPE_INT8 ? &operators_int8 : &operators_f32;
    op->element_bytes = dtype_bytes(e->dtype);
    op->batch = e->batch;
    op->threads = e->threads;
    enum lathe_status st = failure(layer_create(op, l, w), "creating operators", err);
    if (st) {
        xnnpack_op_free(op);
        return st;
    }
    place_slots(op);
    *needs = (struct op_needs){
        .in_bytes = e->batch * shape_elements(&l->in) * op->element_bytes,
        .out_bytes = e->batch * shape_elements(&l->out) * op->element_bytes,
        .scratch_bytes = op->scratch_bytes,
        .weight_bytes = weights_bytes(w),
    };
    *out = op;
    return LATHE_OK;
}

static enum lathe_status xnnpack_setup(struct op *op, const struct op_buffers *b, struct lathe_error *err)
{
    /* XNNPACK takes one pointer type for tensors; SLOT_IN is only ever read. */
    void *slots[SLOTS] = {[SLOT_IN] = (void *)(uintptr_t)b->in, [SLOT_OUT] = b->out};
    for (int i = SLOT_EXPANDED; i < SLOTS; i++)
        if (op->slot_bytes[i]) slots[i] = (char *)b->scratch + op->slot_offsets[i];
    for (int i = 0; i < op->count; i++) {
        enum lathe_status st = failure(op->operators->setup(op, &op->steps[i], slots), "setting up operators", err);
        if (st) return st;
    }
    return LATHE_OK;
}

static enum lathe_status xnnpack_run(struct op *op)
{
    for (int i = 0; i < op->count; i++) {
        const struct step *s = &op->steps[i];
        if (s->own) own_run(s->own, op->threads);
        else if (xnn_run_operator(s->op, op->threads)) return LATHE_IO;
    }
    return LATHE_OK;
}

const struct runtime xnnpack_runtime = {
    .name = "xnnpack",
    .version = xnnpack_version,
    .supports = xnnpack_supports,
    .open = xnnpack_open,
    .prepare = xnnpack_prepare,
    .setup = xnnpack_setup,
    .run = xnnpack_run,
    .op_free = xnnpack_op_free,
    .close = xnnpack_close,
};
