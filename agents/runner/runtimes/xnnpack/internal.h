/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Between the files of the XNNPACK runtime. */
#ifndef LATHE_RUNNER_XNNPACK_INTERNAL_H
#define LATHE_RUNNER_XNNPACK_INTERNAL_H

#include <pthreadpool.h>
#include <xnnpack.h>

#include "agents/runner/runtime.h"

struct engine {
    size_t batch;
    pthreadpool_t threads; /* NULL: the calling thread alone */
};

enum step_kind {
    STEP_CONV,
    STEP_HSWISH,
    STEP_SIGMOID,
    STEP_POOL,
    STEP_AVERAGE,
    STEP_MAXIMUM,
    STEP_DENSE,
    STEP_SCALE, /* by one value a channel */
    STEP_PRODUCT,
    STEP_ADD
};

/* Tensors that steps read and write: the layer's own, then those in scratch. */
enum slot {
    SLOT_IN,
    SLOT_OUT,
    SLOT_EXPANDED,
    SLOT_FILTERED,
    SLOT_POOLED,
    SLOT_SQUEEZED,
    SLOT_SCALE,
    SLOT_SHORTCUT,
    SLOT_SIGMOID, /* of the tensor that swish is applied to */
    SLOTS
};

struct step {
    enum step_kind kind;
    xnn_operator_t op;
    enum slot from, with, to; /* with: second operand of those that have two */
    struct shape in;          /* of one image at from */
};

enum { MAX_STEPS = 16 };

/* A layer as a sequence of XNNPACK operators. */
struct op {
    size_t batch;
    pthreadpool_t threads;
    struct step steps[MAX_STEPS];
    int count;
    size_t slot_bytes[SLOTS];   /* of the whole batch; 0: not used */
    size_t slot_offsets[SLOTS]; /* in scratch */
    size_t scratch_bytes;
};

/** Create a layer's operators: fills steps and slot_bytes of an op whose batch and threads are set. Whatever was
 *  created before a failure is in op->steps. */
enum xnn_status layer_create(struct op *, const struct layer *, const struct weights *);
/** Tell one step its tensors. */
enum xnn_status step_setup(const struct op *, const struct step *, float *const slots[SLOTS]);

#endif
