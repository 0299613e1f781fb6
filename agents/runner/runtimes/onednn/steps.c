/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which primitives steps are. */
#include <stdlib.h>
#include <string.h>

#include "agents/runner/runtimes/onednn/internal.h"

static dnnl_dim_t batch_of(const struct op *op)
{
    return op->engine->options.batch;
}

static dnnl_status_t describe(const struct op *op, const struct operand *t, dnnl_memory_desc_t *out)
{
    const dnnl_dims_t dims = {batch_of(op), t->shape.c, t->shape.h, t->shape.w};
    return dnnl_memory_desc_init_by_tag(out, 4, dims, t->type, dnnl_nhwc);
}

/* As a matrix of a row an image. */
static dnnl_status_t describe_rows(const struct op *op, const struct operand *t, dnnl_memory_desc_t *out)
{
    const dnnl_dims_t dims = {batch_of(op), t->shape.c};
    return dnnl_memory_desc_init_by_tag(out, 2, dims, t->type, dnnl_ab);
}

static dnnl_status_t describe_biases(dnnl_dim_t n, const struct filter *f, dnnl_memory_desc_t *out)
{
    const dnnl_dims_t dims = {n};
    return dnnl_memory_desc_init_by_tag(out, 1, dims, f->int8 ? dnnl_s32 : dnnl_f32, dnnl_a);
}

static const dnnl_memory_desc_t *chosen_weights(const_dnnl_primitive_desc_t pd)
{
    return dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
}

/* Weights as they are given, and as oneDNN may choose them. Depthwise ones are [groups][1][1][kh][kw] to it. */
static dnnl_status_t describe_weights(const struct conv *v, dnnl_memory_desc_t *given, dnnl_memory_desc_t *wanted)
{
    const dnnl_data_type_t type = v->filter.int8 ? dnnl_s8 : dnnl_f32;
    const dnnl_dim_t k = v->kernel;
    const dnnl_dim_t in = v->from.shape.c;
    const dnnl_dim_t out = v->to.shape.c;
    const dnnl_dims_t grouped = {in, 1, 1, k, k};
    const dnnl_dims_t grouped_strides = {1, in, in, k * in, in};
    const dnnl_dims_t dense = {out, in, k, k};
    const dnnl_dims_t dense_strides = {k * k * in, 1, k * in, in};
    const dnnl_dim_t *dims = v->depthwise ? grouped : dense;
    const int n = v->depthwise ? 5 : 4;
    dnnl_status_t st =
        dnnl_memory_desc_init_by_strides(given, n, dims, type, v->depthwise ? grouped_strides : dense_strides);
    return st ? st : dnnl_memory_desc_init_by_tag(wanted, n, dims, type, dnnl_format_tag_any);
}

/* Factors from sums to steps of the quantisation that they are requantised to, then biases; one block, free() it.
 * @param zero of the source where the biases are to make up for it. */
struct requantiser {
    float *scales;
    int32_t *biases;
};

static dnnl_status_t make_requantiser(const struct quant_tensor *q, int32_t zero, struct requantiser *out)
{
    const size_t inputs = q->count / q->outputs;
    out->scales = malloc(q->outputs * (sizeof *out->scales + sizeof *out->biases));
    if (!out->scales) return dnnl_out_of_memory;
    out->biases = (void *)(out->scales + q->outputs);
    for (size_t o = 0; o < q->outputs; o++) {
        int32_t sum = 0;
        for (size_t i = 0; zero && i < inputs; i++) sum += q->values[o * inputs + i];
        out->scales[o] = (float)((double)q->step.in.scale * (double)q->scales[o] / (double)q->step.act.sums.scale);
        out->biases[o] = q->biases[o] - zero * sum;
    }
    return dnnl_success;
}

static dnnl_status_t pack_filter(struct op *op, struct step *s, const struct filter *f, const_dnnl_primitive_desc_t pd,
                                 const dnnl_memory_desc_t *given, const dnnl_memory_desc_t *bias,
                                 const struct requantiser *r)
{
    const void *values = f->int8 ? (const void *)f->int8->values : f->values;
    dnnl_status_t st = step_pack(op, s, DNNL_ARG_WEIGHTS, chosen_weights(pd), given, values);
    return st ? st : step_pack(op, s, DNNL_ARG_BIAS, bias, bias, f->int8 ? (const void *)r->biases : f->biases);
}

/* Without padding a zero point of the source is part of the biases; with padding oneDNN has to know it. */
dnnl_status_t onednn_conv(struct op *op, const struct conv *v)
{
    const dnnl_dims_t strides = {v->stride, v->stride};
    const dnnl_dims_t padding = {(v->kernel - 1) / 2, (v->kernel - 1) / 2};
    const bool inside = v->kernel == 1 && !v->depthwise;
    dnnl_memory_desc_t from, to, bias, given, wanted;
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    struct step *s = NULL;
    struct requantiser r = {0};
    dnnl_status_t st = describe(op, &v->from, &from);
    if (!st) st = describe(op, &v->to, &to);
    if (!st) st = describe_biases(v->to.shape.c, &v->filter, &bias);
    if (!st) st = describe_weights(v, &given, &wanted);
    if (!st && v->filter.int8) st = make_requantiser(v->filter.int8, inside ? v->from.zero : 0, &r);
    if (!st)
        st = dnnl_convolution_forward_desc_init(&desc, dnnl_forward_inference, dnnl_convolution_direct, &from, &wanted,
                                                &bias, &to, strides, padding, padding);
    const struct attributes attributes = {&v->finish, r.scales, v->to.shape.c, inside ? 0 : v->from.zero};
    if (!st) st = step_start(op, &desc, &attributes, &s, &pd);
    if (!st) st = step_bind(op, s, DNNL_ARG_SRC, &from, v->from.slot);
    if (!st) st = step_bind(op, s, DNNL_ARG_DST, &to, v->to.slot);
    if (!st) st = pack_filter(op, s, &v->filter, pd, &given, &bias, &r);
    if (pd) dnnl_primitive_desc_destroy(pd);
    free(r.scales);
    return st;
}

dnnl_status_t onednn_dense(struct op *op, const struct dense *d)
{
    const dnnl_data_type_t type = d->filter.int8 ? dnnl_s8 : dnnl_f32;
    const dnnl_dims_t dims = {d->to.shape.c, d->from.shape.c};
    dnnl_memory_desc_t from, to, bias, given, wanted;
    dnnl_inner_product_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    struct step *s = NULL;
    struct requantiser r = {0};
    dnnl_status_t st = describe_rows(op, &d->from, &from);
    if (!st) st = describe_rows(op, &d->to, &to);
    if (!st) st = describe_biases(d->to.shape.c, &d->filter, &bias);
    if (!st) st = dnnl_memory_desc_init_by_tag(&given, 2, dims, type, dnnl_ab);
    if (!st) st = dnnl_memory_desc_init_by_tag(&wanted, 2, dims, type, dnnl_format_tag_any);
    if (!st && d->filter.int8) st = make_requantiser(d->filter.int8, d->from.zero, &r);
    if (!st) st = dnnl_inner_product_forward_desc_init(&desc, dnnl_forward_inference, &from, &wanted, &bias, &to);
    if (!st) st = step_start(op, &desc, &(struct attributes){&d->finish, r.scales, d->to.shape.c, 0}, &s, &pd);
    if (!st) st = step_bind(op, s, DNNL_ARG_SRC, &from, d->from.slot);
    if (!st) st = step_bind(op, s, DNNL_ARG_DST, &to, d->to.slot);
    if (!st) st = pack_filter(op, s, &d->filter, pd, &given, &bias, &r);
    if (pd) dnnl_primitive_desc_destroy(pd);
    free(r.scales);
    return st;
}

dnnl_status_t onednn_window(struct op *op, const struct window *w)
{
    const struct shape *in = &w->from.shape;
    const struct shape *out = &w->to.shape;
    const dnnl_dims_t strides = {w->stride, w->stride};
    const dnnl_dims_t kernel = {w->size, w->size};
    const dnnl_dims_t before = {w->before, w->before};
    const dnnl_dims_t after = {(out->h - 1) * w->stride + w->size - in->h - w->before,
                               (out->w - 1) * w->stride + w->size - in->w - w->before};
    dnnl_memory_desc_t from, to;
    dnnl_pooling_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    struct step *s = NULL;
    dnnl_status_t st = describe(op, &w->from, &from);
    if (!st) st = describe(op, &w->to, &to);
    if (!st)
        st = dnnl_pooling_forward_desc_init(&desc, dnnl_forward_inference, w->algorithm, &from, &to, strides, kernel,
                                            before, after);
    if (!st) st = step_start(op, &desc, &(struct attributes){.finish = &w->finish}, &s, &pd);
    if (!st) st = step_bind(op, s, DNNL_ARG_SRC, &from, w->from.slot);
    if (!st) st = step_bind(op, s, DNNL_ARG_DST, &to, w->to.slot);
    if (pd) dnnl_primitive_desc_destroy(pd);
    return st;
}

dnnl_status_t onednn_binary(struct op *op, const struct binary *b)
{
    dnnl_memory_desc_t from, with, to;
    dnnl_binary_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    struct step *s = NULL;
    dnnl_status_t st = describe(op, &b->from, &from);
    if (!st) st = describe(op, &b->with, &with);
    if (!st) st = describe(op, &b->to, &to);
    if (!st) st = dnnl_binary_desc_init(&desc, b->algorithm, &from, &with, &to);
    if (!st) st = step_start(op, &desc, &(struct attributes){.finish = &b->finish}, &s, &pd);
    if (!st) st = step_bind(op, s, DNNL_ARG_SRC_0, &from, b->from.slot);
    if (!st) st = step_bind(op, s, DNNL_ARG_SRC_1, &with, b->with.slot);
    if (!st) st = step_bind(op, s, DNNL_ARG_DST, &to, b->to.slot);
    if (pd) dnnl_primitive_desc_destroy(pd);
    return st;
}

dnnl_status_t onednn_quantise(struct op *op, const struct operand *from, const struct operand *to)
{
    const dnnl_dims_t one = {1, 1, 1, 1};
    const float zero = (float)to->zero;
    dnnl_memory_desc_t from_md, zero_md, to_md;
    dnnl_binary_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    struct step *s = NULL;
    dnnl_status_t st = describe(op, from, &from_md);
    if (!st) st = dnnl_memory_desc_init_by_tag(&zero_md, 4, one, dnnl_f32, dnnl_nhwc);
    if (!st) st = describe(op, to, &to_md);
    if (!st) st = dnnl_binary_desc_init(&desc, dnnl_binary_add, &from_md, &zero_md, &to_md);
    if (!st) st = step_start(op, &desc, &(struct attributes){0}, &s, &pd);
    if (!st) st = step_bind(op, s, DNNL_ARG_SRC_0, &from_md, from->slot);
    if (!st) st = step_pack(op, s, DNNL_ARG_SRC_1, &zero_md, &zero_md, &zero);
    if (!st) st = step_bind(op, s, DNNL_ARG_DST, &to_md, to->slot);
    if (pd) dnnl_primitive_desc_destroy(pd);
    return st;
}

/* n times 1 / n in f32, 1 in int8. NULL without memory; free() it. */
static void *make_shares(dnnl_data_type_t type, size_t n)
{
    float *shares = malloc(n * sizeof *shares);
    if (!shares) return NULL;
    if (type != dnnl_f32) return memset(shares, 1, n);
    for (size_t i = 0; i < n; i++) shares[i] = 1.0f / (float)n;
    return shares;
}

/* A product of matrices, [1][pixels] x [pixels][channels] for each image. The factor that counts as weights, the second
 * one, can't be u8. */
static dnnl_status_t mean_by_product(struct op *op, const struct operand *from, const struct operand *to,
                                     const void *shares, dnnl_dim_t pixels)
{
    const float scale = (1.0f + HALF_NUDGE) / (float)pixels;
    const dnnl_data_type_t type = from->type == dnnl_f32 ? dnnl_f32 : dnnl_u8;
    const dnnl_dims_t row_dims = {1, 1, pixels};
    const dnnl_dims_t from_dims = {batch_of(op), pixels, from->shape.c};
    const dnnl_dims_t to_dims = {batch_of(op), 1, from->shape.c};
    const struct attributes attributes = {.scales = from->type == dnnl_f32 ? NULL : &scale, .channels = 1};
    dnnl_memory_desc_t row_md, from_md, to_md;
    dnnl_matmul_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    struct step *s = NULL;
    dnnl_status_t st = dnnl_memory_desc_init_by_tag(&row_md, 3, row_dims, type, dnnl_abc);
    if (!st) st = dnnl_memory_desc_init_by_tag(&from_md, 3, from_dims, from->type, dnnl_abc);
    if (!st) st = dnnl_memory_desc_init_by_tag(&to_md, 3, to_dims, to->type, dnnl_abc);
    if (!st) st = dnnl_matmul_desc_init(&desc, &row_md, &from_md, NULL, &to_md);
    if (!st) st = step_start(op, &desc, &attributes, &s, &pd);
    if (!st) st = step_pack(op, s, DNNL_ARG_SRC, &row_md, &row_md, shares);
    if (!st) st = step_bind(op, s, DNNL_ARG_WEIGHTS, &from_md, from->slot);
    if (!st) st = step_bind(op, s, DNNL_ARG_DST, &to_md, to->slot);
    if (pd) dnnl_primitive_desc_destroy(pd);
    return st;
}

/* A depthwise convolution that is as large as the image. Values of u8 are 128 more than the definition's, whose
 * averages are below 0 where halves are, as good as always: away from zero is down. */
static dnnl_status_t mean_by_window(struct op *op, const struct operand *from, const struct operand *to,
                                    const void *ones, dnnl_dim_t pixels)
{
    const float scale = (1.0f - HALF_NUDGE) / (float)pixels;
    const dnnl_dims_t none = {0, 0};
    const dnnl_dims_t strides = {1, 1};
    const dnnl_dims_t dims = {from->shape.c, 1, 1, from->shape.h, from->shape.w};
    const dnnl_dims_t repeated = {0, 0, 0, from->shape.w, 1}; /* all channels have the same weights */
    dnnl_memory_desc_t from_md, given, wanted, to_md;
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    struct step *s = NULL;
    dnnl_status_t st = describe(op, from, &from_md);
    if (!st) st = describe(op, to, &to_md);
    if (!st) st = dnnl_memory_desc_init_by_strides(&given, 5, dims, dnnl_s8, repeated);
    if (!st) st = dnnl_memory_desc_init_by_tag(&wanted, 5, dims, dnnl_s8, dnnl_format_tag_any);
    if (!st)
        st = dnnl_convolution_forward_desc_init(&desc, dnnl_forward_inference, dnnl_convolution_direct, &from_md,
                                                &wanted, NULL, &to_md, strides, none, none);
    if (!st) st = step_start(op, &desc, &(struct attributes){.scales = &scale, .channels = 1}, &s, &pd);
    if (!st) st = step_bind(op, s, DNNL_ARG_SRC, &from_md, from->slot);
    if (!st) st = step_bind(op, s, DNNL_ARG_DST, &to_md, to->slot);
    if (!st) st = step_pack(op, s, DNNL_ARG_WEIGHTS, chosen_weights(pd), &given, ones);
    if (pd) dnnl_primitive_desc_destroy(pd);
    return st;
}

/* Either is 10 to 40 times as fast as oneDNN 2.6's own pooling over a whole image. */
dnnl_status_t onednn_mean(struct op *op, const struct operand *from, const struct operand *to)
{
    const dnnl_dim_t pixels = (dnnl_dim_t)from->shape.h * from->shape.w;
    void *shares = make_shares(from->type, (size_t)pixels);
    if (!shares) return dnnl_out_of_memory;
    dnnl_status_t st = from->type == dnnl_u8 ? mean_by_window(op, from, to, shares, pixels)
                                             : mean_by_product(op, from, to, shares, pixels);
    free(shares);
    return st;
}
