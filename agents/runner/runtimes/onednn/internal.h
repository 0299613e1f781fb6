/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Between the files of the oneDNN runtime.
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
    SLOT_SQUEEZED,
    SLOT_GATE,
    SLOT_LIBRARY, /* what primitives need for themselves */
    SLOTS,
    SLOT_PACKED = SLOTS
};

enum { MAX_ARGS = 5, MAX_STEPS = 12 };

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

/* A tensor of the whole batch; shape is one image's. */
struct tensor {
    enum slot slot;
    struct shape shape;
};

/* What happens to values before they are stored. */
enum finish {
    FINISH_NONE,
    FINISH_RELU,
    FINISH_RELU6,
    FINISH_HSWISH,
    FINISH_SWISH,
    FINISH_SIGMOID,
    FINISH_HSIGMOID /* clamp(x / 6 + 1/2, 0, 1) */
};

/* Convolutions, "same" padding. Weights: [out][kh][kw][in], or [kh][kw][channels] where depthwise. */
struct conv {
    struct tensor from, to;
    int kernel, stride;
    bool depthwise;
    bool sum; /* what is at `to` is added, before finish */
    enum finish finish;
    const float *weights, *bias;
};

/* Fully connected: 1x1 tensors. Weights: [out][in]. */
struct dense {
    struct tensor from, to;
    enum finish finish;
    const float *weights, *bias;
};

/* Windows that start `before` pixels before the image and are `size` wide; what lies outside is left out. */
struct window {
    struct tensor from, to;
    dnnl_alg_kind_t algorithm;
    int size, stride, before;
};

/* from and with to to, which may be from. `with` may have one pixel. */
struct binary {
    struct tensor from, with, to;
    dnnl_alg_kind_t algorithm;
    enum finish finish;
};

/* Add a step to an op. Whatever was created before a failure is in op->steps. */
dnnl_status_t onednn_conv(struct op *, const struct conv *);
dnnl_status_t onednn_dense(struct op *, const struct dense *);
dnnl_status_t onednn_window(struct op *, const struct window *);
dnnl_status_t onednn_binary(struct op *, const struct binary *);
/** Mean over all pixels. */
dnnl_status_t onednn_mean(struct op *, struct tensor from, struct tensor to);
void onednn_clear(struct step *);

/** All steps of a layer: fills steps, slot_bytes and weight_bytes of an op whose engine is set. */
dnnl_status_t onednn_create(struct op *, const struct layer *, const struct weights *);

/** Of the calling thread: how many threads primitives are made for, and run on. */
void onednn_set_threads(const struct engine *);

extern const struct runtime onednn_runtime;

/** See struct runtime. */
void onednn_kernels(const struct op *, char *out, size_t capacity);
void onednn_describe(const struct runtime_options *, struct runtime_lines *);

#endif
