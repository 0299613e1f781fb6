/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Between the files of the XNNPACK runtime. */
#ifndef LATHE_RUNNER_XNNPACK_INTERNAL_H
#define LATHE_RUNNER_XNNPACK_INTERNAL_H

#include <pthreadpool.h>
#include <xnnpack.h>

#include "agents/runner/runtime.h"

struct engine {
    enum dtype dtype;
    size_t batch;
    pthreadpool_t threads; /* NULL: the calling thread alone */
};

enum step_kind {
    STEP_CONV,
    STEP_HSWISH,
    STEP_SIGMOID,
    STEP_POOL,
    STEP_AVERAGE, /* of stride x stride pixels */
    STEP_MAXIMUM,
    STEP_DENSE,
    STEP_SCALE, /* by one value a channel */
    STEP_PRODUCT,
    STEP_ADD,
    STEP_TABLE /* int8: q -> table[q] */
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
    xnn_operator_t op;        /* NULL: XNNPACK has no such operator, `own` does it */
    enum slot from, with, to; /* with: second operand of those that have two */
    struct shape in;          /* of one image at from */
    struct own *own;          /* of those without an operator; freed with the op */
};

enum { MAX_STEPS = 16 };

struct operators;

/* A layer as a sequence of XNNPACK operators. */
struct op {
    const struct operators *operators; /* of the dtype */
    size_t element_bytes;
    size_t batch;
    pthreadpool_t threads;
    struct step steps[MAX_STEPS];
    int count;
    size_t slot_bytes[SLOTS];   /* of the whole batch; 0: not used */
    size_t slot_offsets[SLOTS]; /* in scratch */
    size_t scratch_bytes;
};

/* A convolution to be added, "same" padding; a linear step where `in` is one pixel. */
struct conv {
    enum tensor tensor; /* its weights; the depthwise one has as many outputs as inputs */
    enum slot from, to;
    struct shape in;
    int out_c, kernel, stride;
    enum activation act;
    bool gate; /* squeeze-excite's last step: sigmoid where act is swish, else hard sigmoid, instead of act */
};

/* What a dtype makes its operators with: each function adds steps to an op, setup tells one its tensors. Quantisations
 * are those of the tensors at hand, which f32 leaves alone. */
struct operators {
    enum xnn_status (*conv)(struct op *, const struct weights *, const struct conv *);
    enum xnn_status (*dense)(struct op *, const struct weights *, const struct conv *);
    enum xnn_status (*pool)(struct op *, struct quant, enum slot from, enum slot to, struct shape in);
    /** Multiply a tensor in place by one value a channel of `gate`. */
    enum xnn_status (*scale)(struct op *, struct quant, enum slot at, enum slot gate, struct shape);
    /** Add `with` to a tensor between layers, in place, then activate. */
    enum xnn_status (*sum)(struct op *, enum slot to, enum slot with, struct shape, enum activation);
    enum xnn_status (*average)(struct op *, const struct layer *); /* SLOT_IN to SLOT_POOLED */
    enum xnn_status (*maximum)(struct op *, const struct layer *); /* SLOT_IN to SLOT_OUT */
    enum xnn_status (*setup)(const struct op *, struct step *, void *const slots[SLOTS]);
};

extern const struct operators operators_f32, operators_int8;

/** Create a layer's operators: fills steps and slot_bytes of an op whose operators, element_bytes, batch and threads
 * are set. Whatever was created before a failure is in op->steps. */
enum xnn_status layer_create(struct op *, const struct layer *, const struct weights *);
struct step *step_add(struct op *, enum step_kind, enum slot from, enum slot to, struct shape in);

/* Steps of int8 that XNNPACK has no operator for. */

/** @return NULL without memory. */
struct own *own_table(enum quant_curve, struct quant in, struct quant out);
struct own *own_average(const struct layer *); /* of stride x stride pixels inside the image */
/** @param in of one image at `from`. */
void own_setup(struct own *, size_t batch, const struct shape *in, const int8_t *from, int8_t *to);
void own_run(struct own *, pthreadpool_t);

#endif
