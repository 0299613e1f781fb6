/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which operators make a layer, whatever the dtype. */
#include "agents/runner/runtimes/xnnpack/internal.h"

struct step *step_add(struct op *op, enum step_kind kind, enum slot from, enum slot to, struct shape in)
{
    struct step *s = &op->steps[op->count++];
    *s = (struct step){.kind = kind, .from = from, .with = from, .to = to, .in = in};
    return s;
}

/* A tensor in scratch. */
static void use_slot(struct op *op, enum slot slot, struct shape shape)
{
    op->slot_bytes[slot] = op->batch * shape_elements(&shape) * op->element_bytes;
}

static enum xnn_status add_squeeze_excite(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct operators *o = op->operators;
    const struct quant quant = quant_act_inside(l->act).out;
    const struct shape wide = {l->out.h, l->out.w, l->mid};
    const struct shape vector = {1, 1, l->mid};
    const struct shape narrow = {1, 1, l->se};
    const enum activation act = l->act == ACT_SWISH ? ACT_SWISH : ACT_RELU;
    use_slot(op, SLOT_POOLED, vector);
    use_slot(op, SLOT_SQUEEZED, narrow);
    use_slot(op, SLOT_SCALE, vector);
    enum xnn_status st = o->pool(op, quant, SLOT_FILTERED, SLOT_POOLED, wide);
    if (!st)
        st = o->dense(op, w,
                      &(struct conv){TENSOR_SQUEEZE, SLOT_POOLED, SLOT_SQUEEZED, vector, l->se, 1, 1, act, false});
    if (!st)
        st = o->dense(op, w, &(struct conv){TENSOR_EXCITE, SLOT_SQUEEZED, SLOT_SCALE, narrow, l->mid, 1, 1, act, true});
    return st ? st : o->scale(op, quant, SLOT_FILTERED, SLOT_SCALE, wide);
}

static enum xnn_status create_mbconv(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct operators *o = op->operators;
    const struct shape wide_in = {l->in.h, l->in.w, l->mid};
    const struct shape wide_out = {l->out.h, l->out.w, l->mid};
    enum slot expanded = SLOT_IN;
    enum xnn_status st = xnn_status_success;
    if (l->mid != l->in.c) {
        expanded = SLOT_EXPANDED;
        use_slot(op, expanded, wide_in);
        st = o->conv(op, w, &(struct conv){TENSOR_EXPAND, SLOT_IN, expanded, l->in, l->mid, 1, 1, l->act, false});
    }
    use_slot(op, SLOT_FILTERED, wide_out);
    if (!st)
        st = o->conv(op, w,
                     &(struct conv){TENSOR_DEPTHWISE, expanded, SLOT_FILTERED, wide_in, l->mid, l->kernel, l->stride,
                                    l->act, false});
    if (!st && l->se) st = add_squeeze_excite(op, l, w);
    if (!st)
        st = o->conv(op, w,
                     &(struct conv){TENSOR_DENSE, SLOT_FILTERED, SLOT_OUT, wide_out, l->out.c, 1, 1, ACT_NONE, false});
    return st || !l->residual ? st : o->sum(op, SLOT_OUT, SLOT_IN, l->out, ACT_NONE);
}

static enum xnn_status create_conv2d(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct operators *o = op->operators;
    enum xnn_status st = o->conv(
        op, w, &(struct conv){TENSOR_DENSE, SLOT_IN, SLOT_OUT, l->in, l->out.c, l->kernel, l->stride, l->act, false});
    return st || !l->residual ? st : o->sum(op, SLOT_OUT, SLOT_IN, l->out, ACT_NONE);
}

static enum xnn_status add_shortcut(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct operators *o = op->operators;
    const struct shape pooled = {l->out.h, l->out.w, l->in.c};
    enum slot from = SLOT_IN;
    enum xnn_status st = xnn_status_success;
    if (l->stride > 1) {
        from = SLOT_POOLED;
        use_slot(op, from, pooled);
        st = o->average(op, l);
    }
    use_slot(op, SLOT_SHORTCUT, l->out);
    return st ? st
              : o->conv(op, w,
                        &(struct conv){TENSOR_SHORTCUT, from, SLOT_SHORTCUT, pooled, l->out.c, 1, 1, ACT_NONE, false});
}

static enum xnn_status create_bottleneck(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct operators *o = op->operators;
    const struct shape wide_in = {l->in.h, l->in.w, l->mid};
    const struct shape wide_out = {l->out.h, l->out.w, l->mid};
    use_slot(op, SLOT_EXPANDED, wide_in);
    use_slot(op, SLOT_FILTERED, wide_out);
    const struct conv convs[] = {
        {TENSOR_EXPAND, SLOT_IN, SLOT_EXPANDED, l->in, l->mid, 1, 1, l->act, false},
        {TENSOR_WINDOW, SLOT_EXPANDED, SLOT_FILTERED, wide_in, l->mid, l->kernel, l->stride, l->act, false},
        {TENSOR_DENSE, SLOT_FILTERED, SLOT_OUT, wide_out, l->out.c, 1, 1, ACT_NONE, false},
    };
    enum xnn_status st = xnn_status_success;
    for (size_t i = 0; !st && i < sizeof convs / sizeof convs[0]; i++) st = o->conv(op, w, &convs[i]);
    if (!st && !l->residual) st = add_shortcut(op, l, w);
    return st ? st : o->sum(op, SLOT_OUT, l->residual ? SLOT_IN : SLOT_SHORTCUT, l->out, l->act);
}

enum xnn_status layer_create(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct operators *o = op->operators;
    switch (l->kind) {
    case LAYER_CONV2D:
        return create_conv2d(op, l, w);
    case LAYER_MBCONV:
        return create_mbconv(op, l, w);
    case LAYER_BOTTLENECK:
        return create_bottleneck(op, l, w);
    case LAYER_MAXPOOL:
        return o->maximum(op, l);
    case LAYER_AVGPOOL:
        return o->pool(op, quant_outside(), SLOT_IN, SLOT_OUT, l->in);
    case LAYER_LINEAR:
        return o->dense(op, w, &(struct conv){TENSOR_DENSE, SLOT_IN, SLOT_OUT, l->in, l->out.c, 1, 1, ACT_NONE, false});
    case LAYER_KINDS:
        break;
    }
    return xnn_status_unsupported_parameter;
}
