/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which XNNPACK operators make a layer. ReLU and ReLU6 are clamps inside of convolutions; hard swish is an operator of
 * its own, in place; swish is a sigmoid and a product. */
#include <math.h>
#include <stdlib.h>

#include "agents/runner/runtimes/xnnpack/internal.h"

static struct step *add_step(struct op *op, enum step_kind kind, enum slot from, enum slot to, struct shape in)
{
    struct step *s = &op->steps[op->count++];
    *s = (struct step){.kind = kind, .from = from, .with = from, .to = to, .in = in};
    return s;
}

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
    struct step *s = add_step(op, STEP_HSWISH, at, at, shape);
    return xnn_create_hardswish_nc_f32(c, c, c, 0, &s->op);
}

static enum xnn_status add_sigmoid(struct op *op, enum slot from, enum slot to, struct shape shape)
{
    const size_t c = (size_t)shape.c;
    struct step *s = add_step(op, STEP_SIGMOID, from, to, shape);
    return xnn_create_sigmoid_nc_f32(c, c, c, 0, &s->op);
}

static enum xnn_status add_swish(struct op *op, enum slot at, struct shape shape)
{
    const size_t bytes = op->batch * shape_elements(&shape) * sizeof(float);
    if (bytes > op->slot_bytes[SLOT_SIGMOID]) op->slot_bytes[SLOT_SIGMOID] = bytes;
    enum xnn_status st = add_sigmoid(op, at, SLOT_SIGMOID, shape);
    if (st) return st;
    struct step *s = add_step(op, STEP_PRODUCT, at, at, shape);
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

/* A convolution to be added: dense, or depthwise with as many outputs as inputs. */
struct conv {
    enum slot from, to;
    struct shape in;
    int out_c, kernel, stride;
    bool depthwise;
    enum activation act;
    const float *weights, *bias;
};

static enum xnn_status add_conv(struct op *op, const struct conv *v)
{
    const uint32_t pad = (uint32_t)(v->kernel - 1) / 2;
    const uint32_t kernel = (uint32_t)v->kernel;
    const uint32_t stride = (uint32_t)v->stride;
    const size_t in = (size_t)v->in.c;
    const size_t out = (size_t)v->out_c;
    struct step *s = add_step(op, STEP_CONV, v->from, v->to, v->in);
    enum xnn_status st = xnn_create_convolution2d_nhwc_f32(
        pad, pad, pad, pad, kernel, kernel, stride, stride, 1, 1, v->depthwise ? (uint32_t)in : 1,
        v->depthwise ? 1 : in, v->depthwise ? 1 : out, in, out, v->weights, v->bias, act_min(v->act), act_max(v->act),
        v->depthwise ? XNN_FLAG_DEPTHWISE_CONVOLUTION : 0, &s->op);
    const struct shape result = {conv_out_size(v->in.h, v->stride), conv_out_size(v->in.w, v->stride), v->out_c};
    return st ? st : add_act(op, v->act, v->to, result);
}

/* Add `with` to a tensor in place, then activate. */
static enum xnn_status add_sum(struct op *op, enum slot to, enum slot with, struct shape shape, enum activation act)
{
    struct step *s = add_step(op, STEP_ADD, to, to, shape);
    s->with = with;
    enum xnn_status st = xnn_create_add_nd_f32(act_min(act), act_max(act), 0, &s->op);
    return st ? st : add_act(op, act, to, shape);
}

static enum xnn_status add_pool(struct op *op, enum slot from, enum slot to, struct shape in)
{
    const size_t c = (size_t)in.c;
    struct step *s = add_step(op, STEP_POOL, from, to, in);
    return xnn_create_global_average_pooling_nwc_f32(c, c, c, -INFINITY, INFINITY, 0, &s->op);
}

struct dense {
    enum slot from, to;
    int in, out;
    const float *weights, *bias;
    float min, max;
};

static enum xnn_status add_dense(struct op *op, const struct dense *d)
{
    const size_t in = (size_t)d->in;
    const size_t out = (size_t)d->out;
    struct step *s = add_step(op, STEP_DENSE, d->from, d->to, (struct shape){1, 1, d->in});
    return xnn_create_fully_connected_nc_f32(in, out, in, out, d->weights, d->bias, d->min, d->max, 0, &s->op);
}

/* Hard sigmoid is clamp(x / 6 + 1/2, 0, 1): it folds into weights, bias and clamp of what comes before. */
static enum xnn_status add_excite(struct op *op, const struct layer *l, const struct weights *w)
{
    const size_t mid = (size_t)l->mid;
    const size_t n = mid * (size_t)l->se;
    float *folded = malloc((n + mid) * sizeof *folded);
    if (!folded) return xnn_status_out_of_memory;
    for (size_t i = 0; i < n; i++) folded[i] = w->excite[i] / 6.0f;
    for (size_t i = 0; i < mid; i++) folded[n + i] = w->excite_bias[i] / 6.0f + 0.5f;
    enum xnn_status st =
        add_dense(op, &(struct dense){SLOT_SQUEEZED, SLOT_SCALE, l->se, l->mid, folded, folded + n, 0.0f, 1.0f});
    free(folded);
    return st;
}

/* From what was pooled to what the channels are scaled by. */
static enum xnn_status add_gate(struct op *op, const struct layer *l, const struct weights *w)
{
    const bool swish = l->act == ACT_SWISH;
    enum xnn_status st = add_dense(op, &(struct dense){SLOT_POOLED, SLOT_SQUEEZED, l->mid, l->se, w->squeeze,
                                                       w->squeeze_bias, swish ? -INFINITY : 0.0f, INFINITY});
    if (st || !swish) return st ? st : add_excite(op, l, w);
    st = add_swish(op, SLOT_SQUEEZED, (struct shape){1, 1, l->se});
    if (!st)
        st = add_dense(op, &(struct dense){SLOT_SQUEEZED, SLOT_SCALE, l->se, l->mid, w->excite, w->excite_bias,
                                           -INFINITY, INFINITY});
    return st ? st : add_sigmoid(op, SLOT_SCALE, SLOT_SCALE, (struct shape){1, 1, l->mid});
}

static enum xnn_status add_squeeze_excite(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct shape wide = {l->out.h, l->out.w, l->mid};
    op->slot_bytes[SLOT_POOLED] = op->slot_bytes[SLOT_SCALE] = op->batch * (size_t)l->mid * sizeof(float);
    op->slot_bytes[SLOT_SQUEEZED] = op->batch * (size_t)l->se * sizeof(float);
    enum xnn_status st = add_pool(op, SLOT_FILTERED, SLOT_POOLED, wide);
    if (!st) st = add_gate(op, l, w);
    if (st) return st;
    struct step *s = add_step(op, STEP_SCALE, SLOT_FILTERED, SLOT_FILTERED, wide);
    s->with = SLOT_SCALE;
    return xnn_create_multiply_nd_f32(-INFINITY, INFINITY, 0, &s->op);
}

static enum xnn_status create_mbconv(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct shape wide_in = {l->in.h, l->in.w, l->mid};
    const struct shape wide_out = {l->out.h, l->out.w, l->mid};
    enum slot expanded = SLOT_IN;
    enum xnn_status st = xnn_status_success;
    if (l->mid != l->in.c) {
        expanded = SLOT_EXPANDED;
        op->slot_bytes[expanded] = op->batch * shape_elements(&wide_in) * sizeof(float);
        st = add_conv(op,
                      &(struct conv){SLOT_IN, expanded, l->in, l->mid, 1, 1, false, l->act, w->expand, w->expand_bias});
    }
    op->slot_bytes[SLOT_FILTERED] = op->batch * shape_elements(&wide_out) * sizeof(float);
    if (!st)
        st = add_conv(op, &(struct conv){expanded, SLOT_FILTERED, wide_in, l->mid, l->kernel, l->stride, true, l->act,
                                         w->depthwise, w->depthwise_bias});
    if (!st && l->se) st = add_squeeze_excite(op, l, w);
    if (!st)
        st = add_conv(op, &(struct conv){SLOT_FILTERED, SLOT_OUT, wide_out, l->out.c, 1, 1, false, ACT_NONE, w->dense,
                                         w->dense_bias});
    return st || !l->residual ? st : add_sum(op, SLOT_OUT, SLOT_IN, l->out, ACT_NONE);
}

static enum xnn_status create_conv2d(struct op *op, const struct layer *l, const struct weights *w)
{
    enum xnn_status st = add_conv(op, &(struct conv){SLOT_IN, SLOT_OUT, l->in, l->out.c, l->kernel, l->stride, false,
                                                     l->act, w->dense, w->dense_bias});
    return st || !l->residual ? st : add_sum(op, SLOT_OUT, SLOT_IN, l->out, ACT_NONE);
}

static enum xnn_status create_maxpool(struct op *op, const struct layer *l)
{
    const uint32_t pad = (uint32_t)(l->kernel - 1) / 2;
    const uint32_t kernel = (uint32_t)l->kernel;
    const uint32_t stride = (uint32_t)l->stride;
    const size_t c = (size_t)l->in.c;
    struct step *s = add_step(op, STEP_MAXIMUM, SLOT_IN, SLOT_OUT, l->in);
    return xnn_create_max_pooling2d_nhwc_f32(pad, pad, pad, pad, kernel, kernel, stride, stride, 1, 1, c, c, c,
                                             -INFINITY, INFINITY, 0, &s->op);
}

/* Averages of stride x stride pixels. XNNPACK divides by the pixels inside the image where there is padding. */
static enum xnn_status add_average(struct op *op, const struct layer *l)
{
    const struct shape pooled = {l->out.h, l->out.w, l->in.c};
    const uint32_t stride = (uint32_t)l->stride;
    const uint32_t below = (uint32_t)(l->out.h * l->stride - l->in.h);
    const uint32_t right = (uint32_t)(l->out.w * l->stride - l->in.w);
    const size_t c = (size_t)l->in.c;
    op->slot_bytes[SLOT_POOLED] = op->batch * shape_elements(&pooled) * sizeof(float);
    struct step *s = add_step(op, STEP_AVERAGE, SLOT_IN, SLOT_POOLED, l->in);
    return xnn_create_average_pooling2d_nhwc_f32(0, right, below, 0, stride, stride, stride, stride, c, c, c, -INFINITY,
                                                 INFINITY, 0, &s->op);
}

static enum xnn_status add_shortcut(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct shape pooled = {l->out.h, l->out.w, l->in.c};
    enum slot from = SLOT_IN;
    enum xnn_status st = xnn_status_success;
    if (l->stride > 1) {
        from = SLOT_POOLED;
        st = add_average(op, l);
    }
    op->slot_bytes[SLOT_SHORTCUT] = op->batch * shape_elements(&l->out) * sizeof(float);
    return st ? st
              : add_conv(op, &(struct conv){from, SLOT_SHORTCUT, pooled, l->out.c, 1, 1, false, ACT_NONE, w->shortcut,
                                            w->shortcut_bias});
}

static enum xnn_status create_bottleneck(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct shape wide_in = {l->in.h, l->in.w, l->mid};
    const struct shape wide_out = {l->out.h, l->out.w, l->mid};
    op->slot_bytes[SLOT_EXPANDED] = op->batch * shape_elements(&wide_in) * sizeof(float);
    op->slot_bytes[SLOT_FILTERED] = op->batch * shape_elements(&wide_out) * sizeof(float);
    const struct conv convs[] = {
        {SLOT_IN, SLOT_EXPANDED, l->in, l->mid, 1, 1, false, l->act, w->expand, w->expand_bias},
        {SLOT_EXPANDED, SLOT_FILTERED, wide_in, l->mid, l->kernel, l->stride, false, l->act, w->window, w->window_bias},
        {SLOT_FILTERED, SLOT_OUT, wide_out, l->out.c, 1, 1, false, ACT_NONE, w->dense, w->dense_bias},
    };
    enum xnn_status st = xnn_status_success;
    for (size_t i = 0; !st && i < sizeof convs / sizeof convs[0]; i++) st = add_conv(op, &convs[i]);
    if (!st && !l->residual) st = add_shortcut(op, l, w);
    return st ? st : add_sum(op, SLOT_OUT, l->residual ? SLOT_IN : SLOT_SHORTCUT, l->out, l->act);
}

enum xnn_status layer_create(struct op *op, const struct layer *l, const struct weights *w)
{
    switch (l->kind) {
    case LAYER_CONV2D:
        return create_conv2d(op, l, w);
    case LAYER_MBCONV:
        return create_mbconv(op, l, w);
    case LAYER_BOTTLENECK:
        return create_bottleneck(op, l, w);
    case LAYER_MAXPOOL:
        return create_maxpool(op, l);
    case LAYER_AVGPOOL:
        return add_pool(op, SLOT_IN, SLOT_OUT, l->in);
    case LAYER_LINEAR:
        return add_dense(
            op, &(struct dense){SLOT_IN, SLOT_OUT, l->in.c, l->out.c, w->dense, w->dense_bias, -INFINITY, INFINITY});
    case LAYER_KINDS:
        break;
    }
    return xnn_status_unsupported_parameter;
}

/* Both operands as [batch, height, width, channels]; what scales has one pixel. */
static enum xnn_status setup_binary(const struct op *op, const struct step *s, float *const slots[SLOTS])
{
    const size_t a[4] = {op->batch, (size_t)s->in.h, (size_t)s->in.w, (size_t)s->in.c};
    const size_t b[4] = {op->batch, 1, 1, (size_t)s->in.c};
    if (s->kind == STEP_SCALE)
        return xnn_setup_multiply_nd_f32(s->op, 4, a, 4, b, slots[s->from], slots[s->with], slots[s->to], op->threads);
    if (s->kind == STEP_PRODUCT)
        return xnn_setup_multiply_nd_f32(s->op, 4, a, 4, a, slots[s->from], slots[s->with], slots[s->to], op->threads);
    return xnn_setup_add_nd_f32(s->op, 4, a, 4, a, slots[s->from], slots[s->with], slots[s->to], op->threads);
}

enum xnn_status step_setup(const struct op *op, const struct step *s, float *const slots[SLOTS])
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
        break;
    }
    return setup_binary(op, s, slots);
}
