/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which primitives make a layer. Activations are post-operations of what comes before them. A residual is a sum of its
 * own: the sum that convolutions offer overwrites what it adds, which is a layer's input here, and copying the input
 * first takes longer. A bottleneck's shortcut goes to the output, so that its last convolution adds it. */
#include "agents/runner/runtimes/onednn/internal.h"

static enum finish finish_of(enum activation act)
{
    switch (act) {
    case ACT_RELU:
        return FINISH_RELU;
    case ACT_RELU6:
        return FINISH_RELU6;
    case ACT_HSWISH:
        return FINISH_HSWISH;
    case ACT_SWISH:
        return FINISH_SWISH;
    case ACT_NONE:
    case ACTIVATIONS:
        break;
    }
    return FINISH_NONE;
}

/* Add the layer's input to its output, then activate. */
static dnnl_status_t add_input(struct op *op, const struct layer *l, enum finish finish)
{
    const struct tensor out = {SLOT_OUT, l->out};
    return onednn_binary(op, &(struct binary){out, {SLOT_IN, l->in}, out, dnnl_binary_add, finish});
}

static dnnl_status_t create_conv2d(struct op *op, const struct layer *l, const struct weights *w)
{
    dnnl_status_t st = onednn_conv(op, &(struct conv){
                                           .from = {SLOT_IN, l->in},
                                           .to = {SLOT_OUT, l->out},
                                           .kernel = l->kernel,
                                           .stride = l->stride,
                                           .finish = finish_of(l->act),
                                           .weights = w->dense,
                                           .bias = w->dense_bias,
                                       });
    return st || !l->residual ? st : add_input(op, l, FINISH_NONE);
}

/* 1x1. */
static dnnl_status_t pointwise(struct op *op, struct tensor from, struct tensor to, enum finish finish,
                               const float *weights, const float *bias)
{
    return onednn_conv(op, &(struct conv){
                               .from = from,
                               .to = to,
                               .kernel = 1,
                               .stride = 1,
                               .finish = finish,
                               .weights = weights,
                               .bias = bias,
                           });
}

static dnnl_status_t squeeze_excite(struct op *op, const struct layer *l, const struct weights *w,
                                    struct tensor filtered)
{
    const bool swish = l->act == ACT_SWISH;
    const struct tensor pooled = {SLOT_POOLED, {1, 1, l->mid}};
    const struct tensor squeezed = {SLOT_SQUEEZED, {1, 1, l->se}};
    const struct tensor gate = {SLOT_GATE, {1, 1, l->mid}};
    dnnl_status_t st = onednn_mean(op, filtered, pooled);
    if (!st)
        st = onednn_dense(
            op, &(struct dense){pooled, squeezed, swish ? FINISH_SWISH : FINISH_RELU, w->squeeze, w->squeeze_bias});
    if (!st)
        st = onednn_dense(
            op, &(struct dense){squeezed, gate, swish ? FINISH_SIGMOID : FINISH_HSIGMOID, w->excite, w->excite_bias});
    return st ? st : onednn_binary(op, &(struct binary){filtered, gate, filtered, dnnl_binary_mul, FINISH_NONE});
}

static dnnl_status_t create_mbconv(struct op *op, const struct layer *l, const struct weights *w)
{
    const enum finish finish = finish_of(l->act);
    const struct tensor filtered = {SLOT_FILTERED, {l->out.h, l->out.w, l->mid}};
    struct tensor expanded = {SLOT_IN, l->in};
    dnnl_status_t st = dnnl_success;
    if (l->mid != l->in.c) {
        expanded = (struct tensor){SLOT_EXPANDED, {l->in.h, l->in.w, l->mid}};
        st = pointwise(op, (struct tensor){SLOT_IN, l->in}, expanded, finish, w->expand, w->expand_bias);
    }
    if (!st)
        st = onednn_conv(op, &(struct conv){
                                 .from = expanded,
                                 .to = filtered,
                                 .kernel = l->kernel,
                                 .stride = l->stride,
                                 .depthwise = true,
                                 .finish = finish,
                                 .weights = w->depthwise,
                                 .bias = w->depthwise_bias,
                             });
    if (!st && l->se) st = squeeze_excite(op, l, w, filtered);
    if (!st) st = pointwise(op, filtered, (struct tensor){SLOT_OUT, l->out}, FINISH_NONE, w->dense, w->dense_bias);
    return st || !l->residual ? st : add_input(op, l, FINISH_NONE);
}

/* The shortcut's average, where there is one, and convolution. */
static dnnl_status_t add_shortcut(struct op *op, const struct layer *l, const struct weights *w)
{
    struct tensor from = {SLOT_IN, l->in};
    dnnl_status_t st = dnnl_success;
    if (l->stride > 1) {
        const struct tensor pooled = {SLOT_POOLED, {l->out.h, l->out.w, l->in.c}};
        st = onednn_window(op, &(struct window){
                                   .from = from,
                                   .to = pooled,
                                   .algorithm = dnnl_pooling_avg_exclude_padding,
                                   .size = l->stride,
                                   .stride = l->stride,
                               });
        from = pooled;
    }
    return st ? st : pointwise(op, from, (struct tensor){SLOT_OUT, l->out}, FINISH_NONE, w->shortcut, w->shortcut_bias);
}

static dnnl_status_t create_bottleneck(struct op *op, const struct layer *l, const struct weights *w)
{
    const enum finish finish = finish_of(l->act);
    const struct tensor reduced = {SLOT_EXPANDED, {l->in.h, l->in.w, l->mid}};
    const struct tensor filtered = {SLOT_FILTERED, {l->out.h, l->out.w, l->mid}};
    dnnl_status_t st = l->residual ? dnnl_success : add_shortcut(op, l, w);
    if (!st) st = pointwise(op, (struct tensor){SLOT_IN, l->in}, reduced, finish, w->expand, w->expand_bias);
    if (!st)
        st = onednn_conv(op, &(struct conv){
                                 .from = reduced,
                                 .to = filtered,
                                 .kernel = l->kernel,
                                 .stride = l->stride,
                                 .finish = finish,
                                 .weights = w->window,
                                 .bias = w->window_bias,
                             });
    if (!st)
        st = onednn_conv(op, &(struct conv){
                                 .from = filtered,
                                 .to = {SLOT_OUT, l->out},
                                 .kernel = 1,
                                 .stride = 1,
                                 .sum = !l->residual,
                                 .finish = l->residual ? FINISH_NONE : finish,
                                 .weights = w->dense,
                                 .bias = w->dense_bias,
                             });
    return st || !l->residual ? st : add_input(op, l, finish);
}

dnnl_status_t onednn_create(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct tensor in = {SLOT_IN, l->in};
    const struct tensor out = {SLOT_OUT, l->out};
    switch (l->kind) {
    case LAYER_CONV2D:
        return create_conv2d(op, l, w);
    case LAYER_MBCONV:
        return create_mbconv(op, l, w);
    case LAYER_BOTTLENECK:
        return create_bottleneck(op, l, w);
    case LAYER_MAXPOOL:
        return onednn_window(op,
                             &(struct window){in, out, dnnl_pooling_max, l->kernel, l->stride, (l->kernel - 1) / 2});
    case LAYER_AVGPOOL:
        return onednn_mean(op, in, out);
    case LAYER_LINEAR:
        return onednn_dense(op, &(struct dense){in, out, FINISH_NONE, w->dense, w->dense_bias});
    case LAYER_KINDS:
        break;
    }
    return dnnl_unimplemented;
}
