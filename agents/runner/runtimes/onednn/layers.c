/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which steps make a layer, in f32 and in int8. Activations are post-operations of what comes before them. A residual
 * is a sum of its own: the sum that convolutions offer overwrites what it adds, which is a layer's input here, and
 * copying the input first takes longer. A bottleneck's shortcut goes to the output, so that its last convolution adds
 * it. */
#include "agents/runner/runtimes/onednn/internal.h"

static bool is_int8(const struct op *op)
{
    return op->engine->options.dtype == DTYPE_INT8;
}

static struct operand operand_at(const struct op *op, enum slot slot, struct shape shape, struct quant q)
{
    if (!is_int8(op)) return (struct operand){slot, shape, dnnl_f32, 0};
    if (q.zero) return (struct operand){slot, shape, dnnl_u8, q.zero - INT8_MIN};
    return (struct operand){slot, shape, dnnl_s8, 0};
}

static struct operand layer_in(const struct op *op, const struct layer *l)
{
    return operand_at(op, SLOT_IN, l->in, quant_outside());
}

static struct operand layer_out(const struct op *op, const struct layer *l)
{
    return operand_at(op, SLOT_OUT, l->out, quant_outside());
}

static struct filter filter_of(const struct op *op, const struct weights *w, enum tensor tensor)
{
    const float *const values[TENSORS] = {w->expand, w->depthwise, w->squeeze, w->excite,
                                          w->dense,  w->window,    w->shortcut};
    const float *const biases[TENSORS] = {w->expand_bias, w->depthwise_bias, w->squeeze_bias, w->excite_bias,
                                          w->dense_bias,  w->window_bias,    w->shortcut_bias};
    return (struct filter){values[tensor], biases[tensor], is_int8(op) ? &w->int8[tensor] : NULL};
}

static enum curve curve_of(enum activation act)
{
    switch (act) {
    case ACT_RELU:
        return CURVE_RELU;
    case ACT_RELU6:
        return CURVE_RELU6;
    case ACT_HSWISH:
        return CURVE_HSWISH;
    case ACT_SWISH:
        return CURVE_SWISH;
    case ACT_NONE:
    case ACTIVATIONS:
        break;
    }
    return CURVE_NONE;
}

/* Add the layer's input to its output, then activate. */
static dnnl_status_t add_input(struct op *op, const struct layer *l, enum activation act)
{
    const struct operand out = layer_out(op, l);
    return onednn_binary(op, &(struct binary){
                                 .from = out,
                                 .with = layer_in(op, l),
                                 .to = out,
                                 .algorithm = dnnl_binary_add,
                                 .finish = finish_of(op, curve_of(act), quant_act_outside(act), &out),
                             });
}

static dnnl_status_t create_conv2d(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct operand out = layer_out(op, l);
    dnnl_status_t st = onednn_conv(op, &(struct conv){
                                           .from = layer_in(op, l),
                                           .to = out,
                                           .kernel = l->kernel,
                                           .stride = l->stride,
                                           .finish = finish_of(op, curve_of(l->act), quant_act_outside(l->act), &out),
                                           .filter = filter_of(op, w, TENSOR_DENSE),
                                       });
    return st || !l->residual ? st : add_input(op, l, ACT_NONE);
}

/* 1x1 to a tensor inside the layer, or to its output. */
static dnnl_status_t pointwise(struct op *op, struct operand from, struct operand to, enum activation act,
                               struct filter filter)
{
    const struct quant_act quant = to.slot == SLOT_OUT ? quant_act_outside(act) : quant_act_inside(act);
    return onednn_conv(op, &(struct conv){
                               .from = from,
                               .to = to,
                               .kernel = 1,
                               .stride = 1,
                               .finish = finish_of(op, curve_of(act), quant, &to),
                               .filter = filter,
                           });
}

/* From averages to what the channels are scaled by. */
static dnnl_status_t add_gate(struct op *op, const struct layer *l, const struct weights *w, struct operand average,
                              struct operand gate)
{
    const enum activation act = l->act == ACT_SWISH ? ACT_SWISH : ACT_RELU;
    const enum curve curve = l->act == ACT_SWISH ? CURVE_SIGMOID : CURVE_HSIGMOID;
    const struct quant_act squeezed_act = quant_act_inside(act);
    const struct operand squeezed = operand_at(op, SLOT_SQUEEZED, (struct shape){1, 1, l->se}, squeezed_act.out);
    dnnl_status_t st = onednn_dense(op, &(struct dense){
                                            .from = average,
                                            .to = squeezed,
                                            .finish = finish_of(op, curve_of(act), squeezed_act, &squeezed),
                                            .filter = filter_of(op, w, TENSOR_SQUEEZE),
                                        });
    const struct quant_act gate_act = w->int8[TENSOR_EXCITE].step.act; /* in f32 nobody looks at it */
    return st ? st
              : onednn_dense(op, &(struct dense){
                                     .from = squeezed,
                                     .to = gate,
                                     .finish = finish_of(op, curve, gate_act, &gate),
                                     .filter = filter_of(op, w, TENSOR_EXCITE),
                                 });
}

/* @param filtered depthwise output. In int8 after hard swish and swish it holds q - zero as f32: the product with a
 *  gate needs values without a zero point, and these don't fit into a byte.
 * @param gated what the products are kept in. */
static dnnl_status_t squeeze_excite(struct op *op, const struct layer *l, const struct weights *w,
                                    struct operand filtered, struct operand gated)
{
    const struct shape pixel = {1, 1, l->mid};
    const struct operand pooled = {SLOT_POOLED, pixel, filtered.type, filtered.zero};
    const struct operand gate = operand_at(op, SLOT_GATE, pixel, quant_gate());
    struct operand average = pooled;
    dnnl_status_t st = onednn_mean(op, &filtered, &pooled);
    if (!st && pooled.type != gated.type) {
        average = (struct operand){SLOT_AVERAGE, pixel, gated.type, gated.zero};
        st = onednn_quantise(op, &pooled, &average);
    }
    if (!st) st = add_gate(op, l, w, average, gate);
    return st ? st
              : onednn_binary(op, &(struct binary){
                                      .from = filtered,
                                      .with = gate,
                                      .to = gated,
                                      .algorithm = dnnl_binary_mul,
                                      .finish = finish_gate(op, &gated),
                                  });
}

static dnnl_status_t create_mbconv(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct quant_act act = quant_act_inside(l->act);
    struct operand expanded = layer_in(op, l);
    struct operand filtered = operand_at(op, SLOT_FILTERED, (struct shape){l->out.h, l->out.w, l->mid}, act.out);
    struct operand gated = filtered;
    if (l->se && is_int8(op) && act.curve) {
        gated.slot = SLOT_GATED;
        filtered = (struct operand){SLOT_FILTERED, filtered.shape, dnnl_f32, 0};
    }
    dnnl_status_t st = dnnl_success;
    if (l->mid != l->in.c) {
        expanded = operand_at(op, SLOT_EXPANDED, (struct shape){l->in.h, l->in.w, l->mid}, act.out);
        st = pointwise(op, layer_in(op, l), expanded, l->act, filter_of(op, w, TENSOR_EXPAND));
    }
    if (!st)
        st = onednn_conv(op, &(struct conv){
                                 .from = expanded,
                                 .to = filtered,
                                 .kernel = l->kernel,
                                 .stride = l->stride,
                                 .depthwise = true,
                                 .finish = finish_of(op, curve_of(l->act), act, &filtered),
                                 .filter = filter_of(op, w, TENSOR_DEPTHWISE),
                             });
    if (!st && l->se) st = squeeze_excite(op, l, w, filtered, gated);
    if (!st) st = pointwise(op, gated, layer_out(op, l), ACT_NONE, filter_of(op, w, TENSOR_DENSE));
    return st || !l->residual ? st : add_input(op, l, ACT_NONE);
}

/* The shortcut's average, where there is one, and convolution. */
static dnnl_status_t add_shortcut(struct op *op, const struct layer *l, const struct weights *w)
{
    struct operand from = layer_in(op, l);
    dnnl_status_t st = dnnl_success;
    if (l->stride > 1) {
        const struct shape shape = {l->out.h, l->out.w, l->in.c};
        const struct operand pooled = operand_at(op, SLOT_POOLED, shape, quant_outside());
        st = onednn_window(op, &(struct window){
                                   .from = from,
                                   .to = pooled,
                                   .algorithm = dnnl_pooling_avg_exclude_padding,
                                   .size = l->stride,
                                   .stride = l->stride,
                                   .finish = finish_average(op),
                               });
        from = pooled;
    }
    return st ? st : pointwise(op, from, layer_out(op, l), ACT_NONE, filter_of(op, w, TENSOR_SHORTCUT));
}

/* The last convolution, and the sum. */
static dnnl_status_t close_bottleneck(struct op *op, const struct layer *l, const struct weights *w,
                                      struct operand filtered)
{
    const struct operand out = layer_out(op, l);
    if (!l->residual)
        return onednn_conv(op, &(struct conv){
                                   .from = filtered,
                                   .to = out,
                                   .kernel = 1,
                                   .stride = 1,
                                   .finish = finish_sum(op, curve_of(l->act), quant_act_outside(l->act), &out),
                                   .filter = filter_of(op, w, TENSOR_DENSE),
                               });
    dnnl_status_t st = pointwise(op, filtered, out, ACT_NONE, filter_of(op, w, TENSOR_DENSE));
    return st ? st : add_input(op, l, l->act);
}

static dnnl_status_t create_bottleneck(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct quant_act act = quant_act_inside(l->act);
    const struct operand reduced = operand_at(op, SLOT_EXPANDED, (struct shape){l->in.h, l->in.w, l->mid}, act.out);
    const struct operand filtered = operand_at(op, SLOT_FILTERED, (struct shape){l->out.h, l->out.w, l->mid}, act.out);
    dnnl_status_t st = l->residual ? dnnl_success : add_shortcut(op, l, w);
    if (!st) st = pointwise(op, layer_in(op, l), reduced, l->act, filter_of(op, w, TENSOR_EXPAND));
    if (!st)
        st = onednn_conv(op, &(struct conv){
                                 .from = reduced,
                                 .to = filtered,
                                 .kernel = l->kernel,
                                 .stride = l->stride,
                                 .finish = finish_of(op, curve_of(l->act), act, &filtered),
                                 .filter = filter_of(op, w, TENSOR_WINDOW),
                             });
    return st ? st : close_bottleneck(op, l, w, filtered);
}

dnnl_status_t onednn_create(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct operand in = layer_in(op, l);
    const struct operand out = layer_out(op, l);
    switch (l->kind) {
    case LAYER_CONV2D:
        return create_conv2d(op, l, w);
    case LAYER_MBCONV:
        return create_mbconv(op, l, w);
    case LAYER_BOTTLENECK:
        return create_bottleneck(op, l, w);
    case LAYER_MAXPOOL:
        return onednn_window(op, &(struct window){
                                     .from = in,
                                     .to = out,
                                     .algorithm = dnnl_pooling_max,
                                     .size = l->kernel,
                                     .stride = l->stride,
                                     .before = (l->kernel - 1) / 2,
                                 });
    case LAYER_AVGPOOL:
        return onednn_mean(op, &in, &out);
    case LAYER_LINEAR:
        return onednn_dense(op, &(struct dense){in, out, {.count = 0}, filter_of(op, w, TENSOR_DENSE)});
    case LAYER_KINDS:
        break;
    }
    return dnnl_unimplemented;
}
