/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Activations as post-operations. In int8 they follow the definition step by step, rounding to the pre-activation's
 * quantisation included (it costs 2% of a convolution), on values in f32. */
#include "agents/runner/runtimes/onednn/internal.h"

static bool is_int8(const struct op *op)
{
    return op->engine->options.dtype == DTYPE_INT8;
}

static void add(struct finish *f, float factor, dnnl_alg_kind_t function, float alpha, float beta)
{
    f->posts[f->count++] = (struct post){false, factor, function, alpha, beta};
}

static void add_curve(struct finish *f, enum curve curve)
{
    switch (curve) {
    case CURVE_RELU:
        add(f, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f);
        break;
    case CURVE_RELU6:
        add(f, 1.0f, dnnl_eltwise_clip, 0.0f, 6.0f);
        break;
    case CURVE_HSWISH:
        add(f, 1.0f, dnnl_eltwise_hardswish, 0.0f, 0.0f);
        break;
    case CURVE_SWISH:
        add(f, 1.0f, dnnl_eltwise_swish, 1.0f, 0.0f);
        break;
    case CURVE_SIGMOID:
        add(f, 1.0f, dnnl_eltwise_logistic, 0.0f, 0.0f);
        break;
    case CURVE_HSIGMOID:
        add(f, 1.0f, dnnl_eltwise_linear, 1.0f / 6.0f, 0.5f);
        add(f, 1.0f, dnnl_eltwise_clip, 0.0f, 1.0f);
        break;
    case CURVE_NONE:
        break;
    }
}

static enum curve curve_of(enum quant_curve curve)
{
    switch (curve) {
    case QUANT_HSWISH:
        return CURVE_HSWISH;
    case QUANT_SWISH:
        return CURVE_SWISH;
    case QUANT_SIGMOID:
        return CURVE_SIGMOID;
    case QUANT_NO_CURVE:
        break;
    }
    return CURVE_NONE;
}

/* From sums to real values. oneDNN 2.6 gives all post-operations of one function the factor of the first one: the
 * factor has to be with a function that occurs once. @param rounds whether rounding is needed once more, later. */
static void add_real(struct finish *f, const struct quant_act *act, bool rounds)
{
    if (rounds) {
        add(f, 1.0f, dnnl_eltwise_round, 0.0f, 0.0f);
        add(f, act->sums.scale, dnnl_eltwise_clip, act->min, act->max);
        return;
    }
    add(f, 1.0f, dnnl_eltwise_clip, act->min, act->max);
    add(f, act->sums.scale, dnnl_eltwise_round, 0.0f, 0.0f);
}

/* Clamps are left to the destination's type, which saturates, where that does the same. */
static void add_quant(struct finish *f, const struct quant_act *act, const struct operand *to)
{
    const enum curve curve = curve_of(act->curve);
    const bool rounds = to->type == dnnl_f32;
    if (curve == CURVE_NONE) {
        if (to->type == dnnl_s8 && act->min == 0) add(f, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f);
        return;
    }
    add_real(f, act, rounds);
    add_curve(f, curve);
    add(f, 1.0f, dnnl_eltwise_linear, 1.0f / act->out.scale, (float)to->zero);
    if (rounds) add(f, 1.0f, dnnl_eltwise_round, 0.0f, 0.0f);
}

struct finish finish_of(const struct op *op, enum curve curve, struct quant_act act, const struct operand *to)
{
    struct finish f = {.count = 0};
    if (is_int8(op)) add_quant(&f, &act, to);
    else add_curve(&f, curve);
    return f;
}

struct finish finish_sum(const struct op *op, enum curve curve, struct quant_act act, const struct operand *to)
{
    struct finish f = {.count = 0};
    if (is_int8(op)) add(&f, 1.0f, dnnl_eltwise_clip, INT8_MIN, INT8_MAX); /* what is added was a tensor */
    f.posts[f.count++] = (struct post){.sum = true};
    if (is_int8(op)) add_quant(&f, &act, to);
    else add_curve(&f, curve);
    return f;
}

struct finish finish_gate(const struct op *op, const struct operand *to)
{
    struct finish f = {.count = 0};
    if (is_int8(op)) add(&f, 1.0f, dnnl_eltwise_linear, quant_gate().scale, (float)to->zero);
    return f;
}

struct finish finish_average(const struct op *op)
{
    struct finish f = {.count = 0};
    if (is_int8(op)) add(&f, 1.0f, dnnl_eltwise_linear, 1.0f + HALF_NUDGE, 0.0f);
    return f;
}

dnnl_status_t finish_apply(const struct finish *f, dnnl_primitive_attr_t attr)
{
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t st = dnnl_post_ops_create(&ops);
    if (st) return st;
    for (int i = 0; !st && i < f->count; i++) {
        const struct post *p = &f->posts[i];
        st = p->sum ? dnnl_post_ops_append_sum(ops, 1.0f)
                    : dnnl_post_ops_append_eltwise(ops, p->factor, p->function, p->alpha, p->beta);
    }
    if (!st) st = dnnl_primitive_attr_set_post_ops(attr, ops);
    dnnl_post_ops_destroy(ops);
    return st;
}
