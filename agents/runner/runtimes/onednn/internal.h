/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Between the files of the oneDNN runtime: layers are made of steps, a step is a primitive with its memory.
 *
 * Tensors are NHWC inside of layers as well: where a convolution may choose the format of its tensors, oneDNN 2.6
 * chooses NHWC on AVX-512, and its blocked formats are no faster on AVX2. Weights have the format that it prefers. */
#ifndef LATHE_RUNNER_ONEDNN_INTERNAL_H
#define LATHE_RUNNER_ONEDNN_INTERNAL_H

#include <oneapi/dnnl/dnnl.h>

#include "agents/runner/runtime.h"

struct engine {
    struct runtime_options options;
    dnnl_engine_t cpu;
    dnnl_stream_t stream;
};

/* Where the memory of a step's argument is: a tensor of the layer, one in scratch, or packed with the op. */
enum slot {
    SLOT_IN,
    SLOT_OUT,
    SLOT_EXPANDED,
    SLOT_FILTERED,
    SLOT_POOLED,
    SLOT_AVERAGE, /* what was pooled, as int8 */
    SLOT_SQUEEZED,
    SLOT_GATE,
    SLOT_GATED,
    SLOT_LIBRARY, /* what primitives need for themselves */
    SLOTS,
    SLOT_PACKED = SLOTS
};

enum { MAX_ARGS = 5, MAX_STEPS = 12, MAX_POSTS = 8 };

struct step {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t args[MAX_ARGS];
    enum slot slots[MAX_ARGS]; /* of args */
    int count;
};

/* A layer as a sequence of primitives. */
struct op {
    const struct engine *engine;
    struct step steps[MAX_STEPS];
    int count;
    size_t slot_bytes[SLOTS];   /* of the whole batch; 0: not used */
    size_t slot_offsets[SLOTS]; /* in scratch */
    size_t scratch_bytes;
    size_t weight_bytes;
};

/* A tensor of the whole batch; shape is one image's. int8 tensors with a zero point are kept as u8, which oneDNN is
 * faster with: their values and zero points are 128 more than those of core/quant.h, so that 0 is ReLU's zero point. */
struct operand {
    enum slot slot;
    struct shape shape;
    dnnl_data_type_t type;
    int32_t zero; /* of the values as they are kept */
};

/* A post-operation: factor x function(value), or the addition of what is at the destination. */
struct post {
    bool sum;
    float factor;
    dnnl_alg_kind_t function;
    float alpha, beta;
};

/* oneDNN rounds halves to even. Averages have many halves; relative to them this is enough to round one up or down, and
 * too little for a value next to a half. */
#define HALF_NUDGE 1e-6f

/* What happens to values before they are rounded to the destination's type, in order. In int8 values are in steps of
 * the quantisation that sums are requantised to. */
struct finish {
    struct post posts[MAX_POSTS];
    int count;
};

enum curve {
    CURVE_NONE,
    CURVE_RELU,
    CURVE_RELU6,
    CURVE_HSWISH,
    CURVE_SWISH,
    CURVE_SIGMOID,
    CURVE_HSIGMOID /* clamp(x / 6 + 1/2, 0, 1) */
};

/** The curve in f32; in int8 what quant_act says, for a tensor kept as `to` is. */
struct finish finish_of(const struct op *, enum curve, struct quant_act, const struct operand *to);
/** The same after adding to what is at `to`. */
struct finish finish_sum(const struct op *, enum curve, struct quant_act, const struct operand *to);
/** A product with a gate, in int8 one of 1/256. */
struct finish finish_gate(const struct op *, const struct operand *to);
/** An average of s8, which is rounded half away from zero. */
struct finish finish_average(const struct op *);
dnnl_status_t finish_apply(const struct finish *, dnnl_primitive_attr_t);

/* Weights of one step in the engine's dtype; the other's are NULL. Layouts as in struct weights. */
struct filter {
    const float *values, *biases;
    const struct quant_tensor *int8;
};

/* A convolution, "same" padding. */
struct conv {
    struct operand from, to;
    int kernel, stride;
    bool depthwise;
    struct finish finish;
    struct filter filter;
};

/* Fully connected: 1x1 tensors. */
struct dense {
    struct operand from, to;
    struct finish finish;
    struct filter filter;
};

/* Windows that start `before` pixels before the image and are `size` wide; what lies outside is left out. */
struct window {
    struct operand from, to;
    dnnl_alg_kind_t algorithm;
    int size, stride, before;
    struct finish finish;
};

/* from and with to to, which may be from. `with` may have one pixel. */
struct binary {
    struct operand from, with, to;
    dnnl_alg_kind_t algorithm;
    struct finish finish;
};

/* Add a step to an op. Whatever was created before a failure is in op->steps. */
dnnl_status_t onednn_conv(struct op *, const struct conv *);
dnnl_status_t onednn_dense(struct op *, const struct dense *);
dnnl_status_t onednn_window(struct op *, const struct window *);
dnnl_status_t onednn_binary(struct op *, const struct binary *);
/** Mean over all pixels, of the same type. */
dnnl_status_t onednn_mean(struct op *, const struct operand *from, const struct operand *to);
/** Values of a tensor in f32, plus the zero point of `to`. */
dnnl_status_t onednn_quantise(struct op *, const struct operand *from, const struct operand *to);

/* What a primitive has beside its descriptor. */
struct attributes {
    const struct finish *finish; /* NULL: none */
    const float *scales;         /* [channels], of int8's sums; NULL: none */
    dnnl_dim_t channels;         /* 1: one scale for all */
    int32_t from_zero;           /* of the source, what lies outside the image has it too */
};

/** Start a step: its primitive, and the memory that the primitive needs for itself.
 *  @param[out] pd destroy it, whether this fails or not; NULL when there is none. */
dnnl_status_t step_start(struct op *, const_dnnl_op_desc_t, const struct attributes *, struct step **out,
                         dnnl_primitive_desc_t *pd);
/** Add an argument that lies in a slot. */
dnnl_status_t step_bind(struct op *, struct step *, int arg, const dnnl_memory_desc_t *, enum slot);
/** Add an argument that the op keeps: `data`, laid out as `given`, in the layout `wanted`. */
dnnl_status_t step_pack(struct op *, struct step *, int arg, const dnnl_memory_desc_t *wanted,
                        const dnnl_memory_desc_t *given, const void *data);
void step_clear(struct step *);

/** All steps of a layer: fills steps, slot_bytes and weight_bytes of an op whose engine is set. */
dnnl_status_t onednn_create(struct op *, const struct layer *, const struct weights *);

/** The instructions that oneDNN uses at most here, "avx512_core_vnni". Static. */
const char *onednn_dispatch(void);

/** Of the calling thread: how many threads primitives are made for, and run on. */
void onednn_set_threads(const struct engine *);

extern const struct runtime onednn_runtime;

/** See struct runtime. */
void onednn_kernels(const struct op *, char *out, size_t capacity);
void onednn_describe(const struct runtime_options *, struct runtime_lines *);

#endif
