/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A layer: what a latency table has a row for. Described by kind, shapes and attributes, with one canonical text form
 * that is the row's key everywhere (store, REST, CSV, command line):
 *
 *   conv2d in=160x160x3 out=80x80x24 k=3 s=2 act=hswish
 *   mbconv in=80x80x24 out=40x40x32 mid=72 k=5 s=2 act=relu
 *   mbconv in=20x20x48 out=20x20x48 mid=144 k=3 s=1 act=relu se=40 res=1
 *   bottleneck in=56x56x256 out=28x28x512 mid=128 k=3 s=2 act=relu
 *   maxpool in=112x112x64 out=56x56x64 k=3 s=2
 *   avgpool in=5x5x1152 out=1x1x1152
 *   linear in=1x1x1536 out=1x1x1000
 *
 * Shapes are height x width x channels of one image (NHWC); the batch belongs to the table's config. Padding is
 * "same", (k-1)/2 on each side; output size is (n-1)/stride+1 in integers. Batch norm is folded: every convolution and
 * linear layer has a bias.
 *
 * To add a kind: extend enum layer_kind, the table in layer.c, cost.c, recipe.c and quant.c, the wire's numbers
 * (agents/runner/core, agents/wire with PROTOCOL.md), each runtime and agents/runner/external, the cases of
 * tests/conformance and of agents/check. Threads: plain values. */
#ifndef LATHE_LAYER_LAYER_H
#define LATHE_LAYER_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lut/base/error.h"

enum layer_kind {
    LAYER_CONV2D,     /* dense convolution k x k, activation; then the input is added when residual is set */
    LAYER_MBCONV,     /* inverted residual: 1x1 expansion (absent when mid equals the input channels), depthwise k x k,
                         squeeze-excite when se > 0, linear 1x1 projection, residual when res is set.
                         Order, as in once-for-all: expansion, act; depthwise, act; squeeze-excite (average pool, 1x1 to
                         se with ReLU, 1x1 to mid with hard sigmoid, multiply); projection; addition. With act=swish,
                         as in EfficientNet, squeeze-excite has swish and sigmoid in their place */
    LAYER_AVGPOOL,    /* global average over height and width */
    LAYER_LINEAR,     /* fully connected on a 1x1xC input */
    LAYER_BOTTLENECK, /* ResNet-D's residual block: 1x1 to mid, act; dense k x k of the stride, act; 1x1 to out;
                         addition of the shortcut; act. The shortcut is the input where residual is set, else the
                         average of stride x stride pixels (those inside the image; none at stride 1) and a 1x1
                         convolution. Order, as memory counts it: the convolutions first, then the shortcut */
    LAYER_MAXPOOL,    /* greatest of k x k pixels, those outside the image left out */
    LAYER_KINDS
};

enum activation {
    ACT_NONE,
    ACT_RELU,
    ACT_RELU6,
    ACT_HSWISH, /* x * relu6(x + 3) / 6 */
    ACT_SWISH,  /* x * sigmoid(x), SiLU */
    ACTIVATIONS
};

struct shape {
    int h, w, c; /* 1..65535 each */
};

struct layer {
    enum layer_kind kind;
    struct shape in, out;
    int mid;             /* mbconv, bottleneck: channels of the k x k convolution; else 0 */
    int kernel, stride;  /* conv2d, mbconv, bottleneck: 1..15 odd, 1..4; maxpool: from 3, 1..k; else 0 */
    enum activation act; /* conv2d, mbconv, bottleneck */
    int se;              /* mbconv: squeeze-excite's middle channels, 0 without; else 0 */
    bool residual;       /* conv2d, mbconv, bottleneck: the input itself is added */
};

enum { LAYER_TEXT_BYTES = 256 }; /* longest canonical text with its NUL */

enum dtype { DTYPE_F32, DTYPE_INT8, DTYPES };

/** Number of bytes of an element: 4 or 1. */
size_t dtype_bytes(enum dtype);
/** "f32", "int8". Static. */
const char *dtype_name(enum dtype);
bool dtype_parse(const char *text, enum dtype *out);

const char *layer_kind_name(enum layer_kind); /* "conv2d", ...; static */
const char *activation_name(enum activation); /* "none", "relu", "relu6", "hswish", "swish"; static */
bool activation_parse(const char *text, size_t length, enum activation *out);

/** "Same" padding's output size: (n-1)/stride+1. */
int conv_out_size(int n, int stride);

/** round(value) to a multiple of divisor, half up, at least divisor, one step more when that is under 0.9 of value.
 *  From once-for-all (make_divisible, itself from TensorFlow's MobileNet). @param value above 0. */
int make_divisible(double value, int divisor);

/** Check that shapes, kernel, stride and attributes agree with each other and with the kind.
 *  @return LATHE_OK or LATHE_INVALID; err names the attribute ("out", "k", ...). */
enum lathe_status layer_validate(const struct layer *, struct lathe_error *err);

/** Parse the canonical text, nothing else: order, spelling and spacing are fixed, so that one layer has one key.
 *  @param[out] out written on LATHE_OK only; always valid by layer_validate(). */
enum lathe_status layer_parse(const char *text, struct layer *out, struct lathe_error *err);

/** Print the canonical text. @param out LAYER_TEXT_BYTES bytes. */
void layer_print(const struct layer *, char *out);

bool layer_equal(const struct layer *, const struct layer *);

/** Multiply-accumulates of convolutions and linear layers for one image, squeeze-excite included. */
uint64_t layer_macs(const struct layer *);
/** The part of layer_macs() that squeeze-excite does. */
uint64_t layer_se_macs(const struct layer *);
/** Deployed parameters: weights and folded biases. */
uint64_t layer_params(const struct layer *);
/** The biases among them: one for each channel of each convolution and linear step. */
uint64_t layer_biases(const struct layer *);
/** Bytes of the deployed parameters: weights in dtype; biases as int32 or f32, 4 bytes. */
uint64_t layer_weight_bytes(const struct layer *, enum dtype);
/** Bytes of input and output for a batch of one. */
uint64_t layer_io_bytes(const struct layer *, enum dtype);
/** Most bytes of activations alive at once inside the layer for a batch of one, operation by operation, input and
 *  output included, a residual's input kept to the end, element-wise operations in place. */
uint64_t layer_peak_activation_bytes(const struct layer *, enum dtype);

#endif
