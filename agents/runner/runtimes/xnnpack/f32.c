/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Operators of f32. ReLU and ReLU6 are clamps inside of convolutions; hard swish is an operator of its own, in place;
 * swish is a sigmoid and a product. */
#include <math.h>
#include <stdlib.h>

#include "agents/runner/runtimes/xnnpack/internal.h"

static float act_min(enum activation act)
{
    return act == ACT_RELU || act == ACT_RELU6 ? 0.0f : -INFINITY;
}

static float act_max(enum activation act)
{
    return act == ACT_RELU6 ? 6.0f : INFINITY;
}

static enum xnn_status add_hswish(struct op *op, enum slot at, struct shape shape)
{
    const size_t c = (size_t)shape.c;
    struct step *s = step_add(op, STEP_HSWISH, at, at, shape);
    return xnn_create_hardswish_nc_f32(c, c, c, 0, &s->op);
}

static enum xnn_status add_sigmoid(struct op *op, enum slot from, enum slot to, struct shape shape)
{
    const size_t c = (size_t)shape.c;
    struct step *s = step_add(op, STEP_SIGMOID, from, to, shape);
    return xnn_create_sigmoid_nc_f32(c, c, c, 0, &s->op);
}

static enum xnn_status add_swish(struct op *op, enum slot at, struct shape shape)
{
    const size_t bytes = op->batch * shape_elements(&shape) * sizeof(float);
    if (bytes > op->slot_bytes[SLOT_SIGMOID]) op->slot_bytes[SLOT_SIGMOID] = bytes;
    enum xnn_status st = add_sigmoid(op, at, SLOT_SIGMOID, shape);
    if (st) return st;
    struct step *s = step_add(op, STEP_PRODUCT, at, at, shape);
    s->with = SLOT_SIGMOID;
    return xnn_create_multiply_nd_f32(-INFINITY, INFINITY, 0, &s->op);
}

/* What an activation needs beside the clamp of the operator before it. */
static enum xnn_status add_act(struct op *op, enum activation act, enum slot at, struct shape shape)
{
    if (act == ACT_HSWISH) return add_hswish(op, at, shape);
    if (act == ACT_SWISH) return add_swish(op, at, shape);
    return xnn_status_success;
}

/* The two parts of a tensor. */
struct tensor_f32 {
    const float *weights, *bias;
};

static struct tensor_f32 tensor_of(const struct weights *w, enum tensor tensor)
{
    switch (tensor) {
    case TENSOR_EXPAND:
        return (struct tensor_f32){w->expand, w->expand_bias};
    case TENSOR_DEPTHWISE:
        return (struct tensor_f32){w->depthwise, w->depthwise_bias};
    case TENSOR_SQUEEZE:
        return (struct tensor_f32){w->squeeze, w->squeeze_bias};
    case TENSOR_EXCITE:
        return (struct tensor_f32){w->excite, w->excite_bias};
    case TENSOR_WINDOW:
        return (struct tensor_f32){w->window, w->window_bias};
    case TENSOR_SHORTCUT:
        return (struct tensor_f32){w->shortcut, w->shortcut_bias};
    default:
        return (struct tensor_f32){w->dense, w->dense_bias};
    }
}

static enum xnn_status add_conv(struct op *op, const struct weights *w, const struct conv *v)
{
    const bool depthwise = v->tensor == TENSOR_DEPTHWISE;
    const uint32_t pad = (uint32_t)(v->kernel - 1) / 2;
    const uint32_t kernel = (uint32_t)v->kernel;
    const uint32_t stride = (uint32_t)v->stride;
    const size_t in = (size_t)v->in.c;
    const size_t out = (size_t)v->out_c;
    const struct tensor_f32 t = tensor_of(w, v->tensor);
    struct step *s = step_add(op, STEP_CONV, v->from, v->to, v->in);
    enum xnn_status st = xnn_create_convolution2d_nhwc_f32(
        pad, pad, pad, pad, kernel, kernel, stride, stride, 1, 1, depthwise ? (uint32_t)in : 1, depthwise ? 1 : in,
        depthwise ? 1 : out, in, out, t.weights, t.bias, act_min(v->act), act_max(v->act),
        depthwise ? XNN_FLAG_DEPTHWISE_CONVOLUTION : 0, &s->op);
    const struct shape result = {conv_out_size(v->in.h, v->stride), conv_out_size(v->in.w, v->stride), v->out_c};
    return st ? st : add_act(op, v->act, v->to, result);
}

/* Add `with` to a tensor in place, then activate. */
static enum xnn_status add_sum(struct op *op, enum slot to, enum slot with, struct shape shape, enum activation act)
{
    struct step *s = step_add(op, STEP_ADD, to, to, shape);
    s->with = with;
    enum xnn_status st = xnn_create_add_nd_f32(act_min(act), act_max(act), 0, &s->op);
    return st ? st : add_act(op, act, to, shape);
}

static enum xnn_status add_pool(struct op *op, struct quant quant, enum slot from, enum slot to, struct shape in)
{
    const size_t c = (size_t)in.c;
    struct step *s = step_add(op, STEP_POOL, from, to, in);
    (void)quant;
    return xnn_create_global_average_pooling_nwc_f32(c, c, c, -INFINITY, INFINITY, 0, &s->op);
}

static enum xnn_status add_connected(struct op *op, const struct conv *v, const struct tensor_f32 *t, float min,
                                     float max)
{
    const size_t in = (size_t)v->in.c;
    const size_t out = (size_t)v->out_c;
    struct step *s = step_add(op, STEP_DENSE, v->from, v->to, v->in);
    return xnn_create_fully_connected_nc_f32(in, out, in, out, t->weights, t->bias, min, max, 0, &s->op);
}

/* Hard sigmoid is clamp(x / 6 + 1/2, 0, 1): it folds into weights, bias and clamp of what comes before. */
static enum xnn_status add_hard_gate(struct op *op, const struct conv *v, const struct tensor_f32 *t)
{
    const size_t outputs = (size_t)v->out_c;
    const size_t n = outputs * (size_t)v->in.c;
    float *folded = malloc((n + outputs) * sizeof *folded);
    if (!folded) return xnn_status_out_of_memory;
    for (size_t i = 0; i < n; i++) folded[i] = t->weights[i] / 6.0f;
    for (size_t i = 0; i < outputs; i++) folded[n + i] = t->bias[i] / 6.0f + 0.5f;
    enum xnn_status st = add_connected(op, v, &(struct tensor_f32){folded, folded + n}, 0.0f, 1.0f);
    free(folded);
    return st;
}

static enum xnn_status add_dense(struct op *op, const struct weights *w, const struct conv *v)
{
    const struct tensor_f32 t = tensor_of(w, v->tensor);
    const struct shape out = {1, 1, v->out_c};
    if (v->gate && v->act != ACT_SWISH) return add_hard_gate(op, v, &t);
    enum xnn_status st = add_connected(op, v, &t, v->gate ? -INFINITY : act_min(v->act), act_max(v->act));
    if (st) return st;
    return v->gate ? add_sigmoid(op, v->to, v->to, out) : add_act(op, v->act, v->to, out);
}

static enum xnn_status add_scale(struct op *op, struct quant quant, enum slot at, enum slot gate, struct shape shape)
{
    struct step *s = step_add(op, STEP_SCALE, at, at, shape);
    s->with = gate;
    (void)quant;
    return xnn_create_multiply_nd_f32(-INFINITY, INFINITY, 0, &s->op);
}

static enum xnn_status add_maximum(struct op *op, const struct layer *l)
{
    const uint32_t pad = (uint32_t)(l->kernel - 1) / 2;
    const uint32_t kernel = (uint32_t)l->kernel;
    const uint32_t stride = (uint32_t)l->stride;
    const size_t c = (size_t)l->in.c;
    struct step *s = step_add(op, STEP_MAXIMUM, SLOT_IN, SLOT_OUT, l->in);
    return xnn_create_max_pooling2d_nhwc_f32(pad, pad, pad, pad, kernel, kernel, stride, stride, 1, 1, c, c, c,
                                             -INFINITY, INFINITY, 0, &s->op);
}

/* Averages of stride x stride pixels. XNNPACK divides by the pixels inside the image where there is padding. */
static enum xnn_status add_average(struct op *op, const struct layer *l)
{
    const uint32_t stride = (uint32_t)l->stride;
    const uint32_t below = (uint32_t)(l->out.h * l->stride - l->in.h);
    const uint32_t right = (uint32_t)(l->out.w * l->stride - l->in.w);
    const size_t c = (size_t)l->in.c;
    struct step *s = step_add(op, STEP_AVERAGE, SLOT_IN, SLOT_POOLED, l->in);
    return xnn_create_average_pooling2d_nhwc_f32(0, right, below, 0, stride, stride, stride, stride, c, c, c, -INFINITY,
                                                 INFINITY, 0, &s->op);
}

/* Both operands as [batch, height, width, channels]; what scales has one pixel. */
static enum xnn_status setup_binary(const struct op *op, const struct step *s, void *const slots[SLOTS])
{
    const size_t a[4] = {op->batch, (size_t)s->in.h, (size_t)s->in.w, (size_t)s->in.c};
    const size_t b[4] = {op->batch, 1, 1, (size_t)s->in.c};
    if (s->kind == STEP_SCALE)
        return xnn_setup_multiply_nd_f32(s->op, 4, a, 4, b, slots[s->from], slots[s->with], slots[s->to], op->threads);
    if (s->kind == STEP_PRODUCT)
        return xnn_setup_multiply_nd_f32(s->op, 4, a, 4, a, slots[s->from], slots[s->with], slots[s->to], op->threads);
    return xnn_setup_add_nd_f32(s->op, 4, a, 4, a, slots[s->from], slots[s->with], slots[s->to], op->threads);
}

static enum xnn_status setup(const struct op *op, struct step *s, void *const slots[SLOTS])
{
    const size_t pixels = (size_t)s->in.h * (size_t)s->in.w;
    const float *from = slots[s->from];
    float *to = slots[s->to];
    switch (s->kind) {
    case STEP_CONV:
        return xnn_setup_convolution2d_nhwc_f32(s->op, op->batch, (size_t)s->in.h, (size_t)s->in.w, from, to,
                                                op->threads);
    case STEP_HSWISH:
        return xnn_setup_hardswish_nc_f32(s->op, op->batch * pixels, from, to, op->threads);
    case STEP_SIGMOID:
        return xnn_setup_sigmoid_nc_f32(s->op, op->batch * pixels, from, to, op->threads);
    case STEP_POOL:
        return xnn_setup_global_average_pooling_nwc_f32(s->op, op->batch, pixels, from, to, op->threads);
    case STEP_AVERAGE:
        return xnn_setup_average_pooling2d_nhwc_f32(s->op, op->batch, (size_t)s->in.h, (size_t)s->in.w, from, to,
                                                    op->threads);
    case STEP_MAXIMUM:
        return xnn_setup_max_pooling2d_nhwc_f32(s->op, op->batch, (size_t)s->in.h, (size_t)s->in.w, from, to,
                                                op->threads);
    case STEP_DENSE:
        return xnn_setup_fully_connected_nc_f32(s->op, op->batch, from, to, op->threads);
    case STEP_SCALE:
    case STEP_PRODUCT:
    case STEP_ADD:
    case STEP_TABLE:
        break;
    }
    return setup_binary(op, s, slots);
}

const struct operators operators_f32 = {
    .conv = add_conv,
    .dense = add_dense,
    .pool = add_pool,
    .scale = add_scale,
    .sum = add_sum,
    .average = add_average,
    .maximum = add_maximum,
    .setup = setup,
};
