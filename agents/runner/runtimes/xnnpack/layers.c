/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which XNNPACK operators make a layer. ReLU and ReLU6 are clamps inside of convolutions; hard swish is an operator of
 * its own, in place. */
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
    if (st || v->act != ACT_HSWISH) return st;
    const struct shape result = {conv_out_size(v->in.h, v->stride), conv_out_size(v->in.w, v->stride), v->out_c};
    s = add_step(op, STEP_HSWISH, v->to, v->to, result);
    return xnn_create_hardswish_nc_f32(out, out, out, 0, &s->op);
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

static enum xnn_status add_squeeze_excite(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct shape wide = {l->out.h, l->out.w, l->mid};
    op->slot_bytes[SLOT_POOLED] = op->slot_bytes[SLOT_SCALE] = op->batch * (size_t)l->mid * sizeof(float);
    op->slot_bytes[SLOT_SQUEEZED] = op->batch * (size_t)l->se * sizeof(float);
    enum xnn_status st = add_pool(op, SLOT_FILTERED, SLOT_POOLED, wide);
    if (!st)
        st = add_dense(op, &(struct dense){SLOT_POOLED, SLOT_SQUEEZED, l->mid, l->se, w->squeeze, w->squeeze_bias, 0.0f,
                                           INFINITY});
    if (!st) st = add_excite(op, l, w);
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
    if (st || !l->residual) return st;
    struct step *s = add_step(op, STEP_ADD, SLOT_OUT, SLOT_OUT, l->out);
    s->with = SLOT_IN;
    return xnn_create_add_nd_f32(-INFINITY, INFINITY, 0, &s->op);
}

enum xnn_status layer_create(struct op *op, const struct layer *l, const struct weights *w)
{
    switch (l->kind) {
    case LAYER_CONV2D:
        return add_conv(op, &(struct conv){SLOT_IN, SLOT_OUT, l->in, l->out.c, l->kernel, l->stride, false, l->act,
                                           w->dense, w->dense_bias});
    case LAYER_MBCONV:
        return create_mbconv(op, l, w);
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
    case STEP_POOL:
        return xnn_setup_global_average_pooling_nwc_f32(s->op, op->batch, pixels, from, to, op->threads);
    case STEP_DENSE:
        return xnn_setup_fully_connected_nc_f32(s->op, op->batch, from, to, op->threads);
    case STEP_SCALE:
    case STEP_ADD:
        break;
    }
    return setup_binary(op, s, slots);
}
