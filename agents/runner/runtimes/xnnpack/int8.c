/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Operators of int8: convolutions with a scale a channel (qc8), the rest with one a tensor (qs8). Linear steps are 1x1
 * convolutions, as there is no fully connected qc8. Requantisation is XNNPACK's own, in f32 and to even at halves, so
 * that results differ from core/quant.h's by a step here and there. Hard swish and swish are tables of ours. */
#include "agents/runner/runtimes/xnnpack/internal.h"

static enum xnn_status add_table(struct op *op, const struct quant_act *act, enum slot at, struct shape shape)
{
    struct step *s = step_add(op, STEP_TABLE, at, at, shape);
    s->own = own_table(act->curve, act->sums, act->out);
    return s->own ? xnn_status_success : xnn_status_out_of_memory;
}

/* What an activation needs beside the clamp of the operator before it, in place. */
static enum xnn_status add_curve(struct op *op, const struct quant_act *act, enum slot at, struct shape shape)
{
    const size_t c = (size_t)shape.c;
    if (act->curve == QUANT_NO_CURVE) return xnn_status_success;
    if (act->curve != QUANT_SIGMOID) return add_table(op, act, at, shape);
    struct step *s = step_add(op, STEP_SIGMOID, at, at, shape);
    return xnn_create_sigmoid_nc_qs8(c, c, c, (int8_t)act->sums.zero, act->sums.scale, (int8_t)act->out.zero,
                                     act->out.scale, INT8_MIN, INT8_MAX, 0, &s->op);
}

static enum xnn_status add_conv(struct op *op, const struct weights *w, const struct conv *v)
{
    const struct quant_tensor *t = &w->int8[v->tensor];
    const struct quant_act *act = &t->step.act;
    const bool depthwise = v->tensor == TENSOR_DEPTHWISE;
    const uint32_t pad = (uint32_t)(v->kernel - 1) / 2;
    const uint32_t kernel = (uint32_t)v->kernel;
    const uint32_t stride = (uint32_t)v->stride;
    const size_t in = (size_t)v->in.c;
    const size_t out = (size_t)v->out_c;
    struct step *s = step_add(op, STEP_CONV, v->from, v->to, v->in);
    enum xnn_status st = xnn_create_convolution2d_nhwc_qc8(
        pad, pad, pad, pad, kernel, kernel, stride, stride, 1, 1, depthwise ? (uint32_t)in : 1, depthwise ? 1 : in,
        depthwise ? 1 : out, in, out, (int8_t)t->step.in.zero, t->step.in.scale, t->scales, t->values, t->biases,
        (int8_t)act->sums.zero, act->sums.scale, act->min, act->max, depthwise ? XNN_FLAG_DEPTHWISE_CONVOLUTION : 0,
        &s->op);
    const struct shape result = {conv_out_size(v->in.h, v->stride), conv_out_size(v->in.w, v->stride), v->out_c};
    return st ? st : add_curve(op, act, v->to, result);
}

static enum xnn_status add_pool(struct op *op, struct quant quant, enum slot from, enum slot to, struct shape in)
{
    const size_t c = (size_t)in.c;
    const int8_t zero = (int8_t)quant.zero;
    struct step *s = step_add(op, STEP_POOL, from, to, in);
    return xnn_create_global_average_pooling_nwc_qs8(c, c, c, zero, quant.scale, zero, quant.scale, INT8_MIN, INT8_MAX,
                                                     0, &s->op);
}

static enum xnn_status add_scale(struct op *op, struct quant quant, enum slot at, enum slot gate, struct shape shape)
{
    const int8_t zero = (int8_t)quant.zero;
    struct step *s = step_add(op, STEP_SCALE, at, at, shape);
    s->with = gate;
    return xnn_create_multiply_nd_qs8(zero, quant.scale, (int8_t)quant_gate().zero, quant_gate().scale, zero,
                                      quant.scale, INT8_MIN, INT8_MAX, 0, &s->op);
}

static enum xnn_status add_sum(struct op *op, enum slot to, enum slot with, struct shape shape,
                               enum activation activation)
{
    const struct quant_act act = quant_act_outside(activation);
    const int8_t zero = (int8_t)act.sums.zero;
    const float scale = act.sums.scale;
    struct step *s = step_add(op, STEP_ADD, to, to, shape);
    s->with = with;
    enum xnn_status st = xnn_create_add_nd_qs8(zero, scale, zero, scale, zero, scale, act.min, act.max, 0, &s->op);
    return st ? st : add_curve(op, &act, to, shape);
}

static enum xnn_status add_average(struct op *op, const struct layer *l)
{
    struct step *s = step_add(op, STEP_AVERAGE, SLOT_IN, SLOT_POOLED, l->in);
    s->own = own_average(l);
    return s->own ? xnn_status_success : xnn_status_out_of_memory;
}

static enum xnn_status add_maximum(struct op *op, const struct layer *l)
{
    const uint32_t pad = (uint32_t)(l->kernel - 1) / 2;
    const uint32_t kernel = (uint32_t)l->kernel;
    const uint32_t stride = (uint32_t)l->stride;
    const size_t c = (size_t)l->in.c;
    struct step *s = step_add(op, STEP_MAXIMUM, SLOT_IN, SLOT_OUT, l->in);
    return xnn_create_max_pooling2d_nhwc_s8(pad, pad, pad, pad, kernel, kernel, stride, stride, 1, 1, c, c, c, INT8_MIN,
                                            INT8_MAX, 0, &s->op);
}

static enum xnn_status setup(const struct op *op, struct step *s, void *const slots[SLOTS])
{
    const size_t pixels = (size_t)s->in.h * (size_t)s->in.w;
    const size_t c = (size_t)s->in.c;
    const size_t a[4] = {op->batch, (size_t)s->in.h, (size_t)s->in.w, c};
    const size_t b[4] = {op->batch, 1, 1, c};
    const int8_t *from = slots[s->from];
    int8_t *to = slots[s->to];
    switch (s->kind) {
    case STEP_CONV:
        return xnn_setup_convolution2d_nhwc_qc8(s->op, op->batch, a[1], a[2], from, to, op->threads);
    case STEP_SIGMOID:
        return xnn_setup_sigmoid_nc_qs8(s->op, op->batch * pixels, from, to, op->threads);
    case STEP_POOL:
        return xnn_setup_global_average_pooling_nwc_qs8(s->op, op->batch, pixels, from, to, op->threads);
    case STEP_MAXIMUM:
        return xnn_setup_max_pooling2d_nhwc_s8(s->op, op->batch, a[1], a[2], from, to, op->threads);
    case STEP_SCALE:
        return xnn_setup_multiply_nd_qs8(s->op, 4, a, 4, b, from, slots[s->with], to, op->threads);
    case STEP_ADD:
        return xnn_setup_add_nd_qs8(s->op, 4, a, 4, a, from, slots[s->with], to, op->threads);
    case STEP_TABLE:
    case STEP_AVERAGE:
        own_setup(s->own, op->batch, &s->in, from, to);
        return xnn_status_success;
    case STEP_HSWISH:
    case STEP_DENSE:
    case STEP_PRODUCT:
        break;
    }
    return xnn_status_invalid_parameter;
}

const struct operators operators_int8 = {
    .conv = add_conv,
    .dense = add_conv,
    .pool = add_pool,
    .scale = add_scale,
    .sum = add_sum,
    .average = add_average,
    .maximum = add_maximum,
    .setup = setup,
};
