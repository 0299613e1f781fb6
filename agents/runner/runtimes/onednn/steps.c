/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Primitives of oneDNN with their memory. */
#include <stdlib.h>

#include "agents/runner/runtimes/onednn/internal.h"

static dnnl_dim_t batch_of(const struct op *op)
{
    return op->engine->options.batch;
}

static dnnl_status_t describe(const struct op *op, const struct tensor *t, dnnl_memory_desc_t *out)
{
    const dnnl_dims_t dims = {batch_of(op), t->shape.c, t->shape.h, t->shape.w};
    return dnnl_memory_desc_init_by_tag(out, 4, dims, dnnl_f32, dnnl_nhwc);
}

static dnnl_status_t describe_row(dnnl_dim_t n, dnnl_memory_desc_t *out)
{
    const dnnl_dims_t dims = {n};
    return dnnl_memory_desc_init_by_tag(out, 1, dims, dnnl_f32, dnnl_a);
}

static dnnl_status_t append_finish(dnnl_post_ops_t ops, enum finish finish)
{
    dnnl_status_t st = dnnl_success;
    switch (finish) {
    case FINISH_RELU:
        return dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f);
    case FINISH_RELU6:
        return dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_clip, 0.0f, 6.0f);
    case FINISH_HSWISH:
        return dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_hardswish, 0.0f, 0.0f);
    case FINISH_SWISH:
        return dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_swish, 1.0f, 0.0f);
    case FINISH_SIGMOID:
        return dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_logistic, 0.0f, 0.0f);
    case FINISH_HSIGMOID:
        st = dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_linear, 1.0f / 6.0f, 0.5f);
        return st ? st : dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_clip, 0.0f, 1.0f);
    case FINISH_NONE:
        break;
    }
    return dnnl_success;
}

static dnnl_status_t set_post_ops(dnnl_primitive_attr_t attr, bool sum, enum finish finish)
{
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t st = dnnl_post_ops_create(&ops);
    if (st) return st;
    if (sum) st = dnnl_post_ops_append_sum(ops, 1.0f);
    if (!st) st = append_finish(ops, finish);
    if (!st) st = dnnl_primitive_attr_set_post_ops(attr, ops);
    dnnl_post_ops_destroy(ops);
    return st;
}

/* Scratch is the op's; f32 is f32, whatever the environment says of faster formats. */
static dnnl_status_t make_attr(bool sum, enum finish finish, dnnl_primitive_attr_t *out)
{
    dnnl_status_t st = dnnl_primitive_attr_create(out);
    if (st) return st;
    st = dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
    if (!st) st = dnnl_primitive_attr_set_fpmath_mode(*out, dnnl_fpmath_mode_strict);
    if (!st) st = set_post_ops(*out, sum, finish);
    if (st) dnnl_primitive_attr_destroy(*out);
    return st;
}

/* Add an argument that lies in a slot. */
static dnnl_status_t bind(struct op *op, struct step *s, int arg, const dnnl_memory_desc_t *md, enum slot slot)
{
    dnnl_memory_t memory = NULL;
    dnnl_status_t st = dnnl_memory_create(&memory, md, op->engine->cpu, DNNL_MEMORY_NONE);
    if (st) return st;
    const size_t bytes = dnnl_memory_desc_get_size(md);
    if (bytes > op->slot_bytes[slot]) op->slot_bytes[slot] = bytes;
    s->slots[s->count] = slot;
    s->args[s->count++] = (dnnl_exec_arg_t){arg, memory};
    return dnnl_success;
}

static dnnl_status_t reorder(const struct engine *e, dnnl_memory_t from, dnnl_memory_t to,
                             const dnnl_memory_desc_t *from_md, const dnnl_memory_desc_t *to_md)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t primitive = NULL;
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    dnnl_status_t st = dnnl_reorder_primitive_desc_create(&pd, from_md, e->cpu, to_md, e->cpu, NULL);
    if (!st) st = dnnl_primitive_create(&primitive, pd);
    if (!st) st = dnnl_primitive_execute(primitive, e->stream, 2, args);
    if (!st) st = dnnl_stream_wait(e->stream);
    if (primitive) dnnl_primitive_destroy(primitive);
    if (pd) dnnl_primitive_desc_destroy(pd);
    return st;
}

/* Add an argument that the op keeps: `data`, laid out as `given`, in the layout `wanted`. */
static dnnl_status_t pack(struct op *op, struct step *s, int arg, const dnnl_memory_desc_t *wanted,
                          const dnnl_memory_desc_t *given, const float *data)
{
    const struct engine *e = op->engine;
    dnnl_memory_t from = NULL;
    dnnl_memory_t to = NULL;
    dnnl_status_t st = dnnl_memory_create(&to, wanted, e->cpu, DNNL_MEMORY_ALLOCATE);
    if (st) return st;
    s->slots[s->count] = SLOT_PACKED;
    s->args[s->count++] = (dnnl_exec_arg_t){arg, to};
    op->weight_bytes += dnnl_memory_desc_get_size(wanted);
    /* oneDNN takes one pointer type; it only reads what it reorders from. */
    st = dnnl_memory_create(&from, given, e->cpu, (void *)(uintptr_t)data);
    if (!st) st = reorder(e, from, to, given, wanted);
    if (from) dnnl_memory_destroy(from);
    return st;
}

static const dnnl_memory_desc_t *chosen(const_dnnl_primitive_desc_t pd, dnnl_query_t what)
{
    return dnnl_primitive_desc_query_md(pd, what, 0);
}

/* Start a step: its primitive, and the memory that the primitive needs for itself.
 * @param[out] pd destroy it, whether this fails or not; NULL when there is none. */
static dnnl_status_t start(struct op *op, const_dnnl_op_desc_t desc, bool sum, enum finish finish, struct step **out,
                           dnnl_primitive_desc_t *pd)
{
    dnnl_primitive_attr_t attr = NULL;
    struct step *s = &op->steps[op->count++];
    *out = s;
    *pd = NULL;
    dnnl_status_t st = make_attr(sum, finish, &attr);
    if (st) return st;
    st = dnnl_primitive_desc_create(pd, desc, attr, op->engine->cpu, NULL);
    dnnl_primitive_attr_destroy(attr);
    if (!st) st = dnnl_primitive_create(&s->primitive, *pd);
    if (st) return st;
    const dnnl_memory_desc_t *scratchpad = chosen(*pd, dnnl_query_scratchpad_md);
    return dnnl_memory_desc_get_size(scratchpad) ? bind(op, s, DNNL_ARG_SCRATCHPAD, scratchpad, SLOT_LIBRARY)
                                                 : dnnl_success;
}

/* Weights as they are given, and as oneDNN may choose them. Depthwise ones are [groups][1][1][kh][kw] to it. */
static dnnl_status_t describe_weights(const struct conv *v, dnnl_memory_desc_t *given, dnnl_memory_desc_t *wanted)
{
    const dnnl_dim_t k = v->kernel;
    const dnnl_dim_t in = v->from.shape.c;
    const dnnl_dim_t out = v->to.shape.c;
    const dnnl_dims_t grouped = {in, 1, 1, k, k};
    const dnnl_dims_t grouped_strides = {1, in, in, k * in, in};
    const dnnl_dims_t dense = {out, in, k, k};
    const dnnl_dims_t dense_strides = {k * k * in, 1, k * in, in};
    const int dims = v->depthwise ? 5 : 4;
    dnnl_status_t st = dnnl_memory_desc_init_by_strides(given, dims, v->depthwise ? grouped : dense, dnnl_f32,
                                                        v->depthwise ? grouped_strides : dense_strides);
    return st ? st
              : dnnl_memory_desc_init_by_tag(wanted, dims, v->depthwise ? grouped : dense, dnnl_f32,
                                             dnnl_format_tag_any);
}

dnnl_status_t onednn_conv(struct op *op, const struct conv *v)
{
    const dnnl_dims_t strides = {v->stride, v->stride};
    const dnnl_dims_t padding = {(v->kernel - 1) / 2, (v->kernel - 1) / 2};
    dnnl_memory_desc_t from, to, bias, given, wanted;
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    struct step *s = NULL;
    dnnl_status_t st = describe(op, &v->from, &from);
    if (!st) st = describe(op, &v->to, &to);
    if (!st) st = describe_row(v->to.shape.c, &bias);
    if (!st) st = describe_weights(v, &given, &wanted);
    if (!st)
        st = dnnl_convolution_forward_desc_init(&desc, dnnl_forward_inference, dnnl_convolution_direct, &from, &wanted,
                                                &bias, &to, strides, padding, padding);
    if (!st) st = start(op, &desc, v->sum, v->finish, &s, &pd);
    if (!st) st = bind(op, s, DNNL_ARG_SRC, &from, v->from.slot);
    if (!st) st = bind(op, s, DNNL_ARG_DST, &to, v->to.slot);
    if (!st) st = pack(op, s, DNNL_ARG_WEIGHTS, chosen(pd, dnnl_query_weights_md), &given, v->weights);
    if (!st) st = pack(op, s, DNNL_ARG_BIAS, &bias, &bias, v->bias);
    if (pd) dnnl_primitive_desc_destroy(pd);
    return st;
}

dnnl_status_t onednn_dense(struct op *op, const struct dense *d)
{
    const dnnl_dims_t from_dims = {batch_of(op), d->from.shape.c};
    const dnnl_dims_t to_dims = {batch_of(op), d->to.shape.c};
    const dnnl_dims_t weight_dims = {d->to.shape.c, d->from.shape.c};
    dnnl_memory_desc_t from, to, bias, given, wanted;
    dnnl_inner_product_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    struct step *s = NULL;
    dnnl_status_t st = dnnl_memory_desc_init_by_tag(&from, 2, from_dims, dnnl_f32, dnnl_ab);
    if (!st) st = dnnl_memory_desc_init_by_tag(&to, 2, to_dims, dnnl_f32, dnnl_ab);
    if (!st) st = describe_row(d->to.shape.c, &bias);
    if (!st) st = dnnl_memory_desc_init_by_tag(&given, 2, weight_dims, dnnl_f32, dnnl_ab);
    if (!st) st = dnnl_memory_desc_init_by_tag(&wanted, 2, weight_dims, dnnl_f32, dnnl_format_tag_any);
    if (!st) st = dnnl_inner_product_forward_desc_init(&desc, dnnl_forward_inference, &from, &wanted, &bias, &to);
    if (!st) st = start(op, &desc, false, d->finish, &s, &pd);
    if (!st) st = bind(op, s, DNNL_ARG_SRC, &from, d->from.slot);
    if (!st) st = bind(op, s, DNNL_ARG_DST, &to, d->to.slot);
    if (!st) st = pack(op, s, DNNL_ARG_WEIGHTS, chosen(pd, dnnl_query_weights_md), &given, d->weights);
    if (!st) st = pack(op, s, DNNL_ARG_BIAS, &bias, &bias, d->bias);
    if (pd) dnnl_primitive_desc_destroy(pd);
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
    if (!st) st = start(op, &desc, false, FINISH_NONE, &s, &pd);
    if (!st) st = bind(op, s, DNNL_ARG_SRC, &from, w->from.slot);
    if (!st) st = bind(op, s, DNNL_ARG_DST, &to, w->to.slot);
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
    if (!st) st = start(op, &desc, false, b->finish, &s, &pd);
    if (!st) st = bind(op, s, DNNL_ARG_SRC_0, &from, b->from.slot);
    if (!st) st = bind(op, s, DNNL_ARG_SRC_1, &with, b->with.slot);
    if (!st) st = bind(op, s, DNNL_ARG_DST, &to, b->to.slot);
    if (pd) dnnl_primitive_desc_destroy(pd);
    return st;
}

/* One row of 1 / pixels, kept with the op. */
static dnnl_status_t pack_shares(struct op *op, struct step *s, const dnnl_memory_desc_t *md, size_t pixels)
{
    float *shares = malloc(pixels * sizeof *shares);
    if (!shares) return dnnl_out_of_memory;
    for (size_t i = 0; i < pixels; i++) shares[i] = 1.0f / (float)pixels;
    dnnl_status_t st = pack(op, s, DNNL_ARG_SRC, md, md, shares);
    free(shares);
    return st;
}

/* A product of matrices, [1][pixels] x [pixels][channels] for each image: 10 to 40 times as fast as oneDNN 2.6's own
 * pooling over a whole image. */
dnnl_status_t onednn_mean(struct op *op, struct tensor from, struct tensor to)
{
    const dnnl_dim_t pixels = (dnnl_dim_t)from.shape.h * from.shape.w;
    const dnnl_dims_t row_dims = {1, 1, pixels};
    const dnnl_dims_t from_dims = {batch_of(op), pixels, from.shape.c};
    const dnnl_dims_t to_dims = {batch_of(op), 1, from.shape.c};
    dnnl_memory_desc_t row_md, from_md, to_md;
    dnnl_matmul_desc_t desc;
    dnnl_primitive_desc_t pd = NULL;
    struct step *s = NULL;
    dnnl_status_t st = dnnl_memory_desc_init_by_tag(&row_md, 3, row_dims, dnnl_f32, dnnl_abc);
    if (!st) st = dnnl_memory_desc_init_by_tag(&from_md, 3, from_dims, dnnl_f32, dnnl_abc);
    if (!st) st = dnnl_memory_desc_init_by_tag(&to_md, 3, to_dims, dnnl_f32, dnnl_abc);
    if (!st) st = dnnl_matmul_desc_init(&desc, &row_md, &from_md, NULL, &to_md);
    if (!st) st = start(op, &desc, false, FINISH_NONE, &s, &pd);
    if (!st) st = pack_shares(op, s, &row_md, (size_t)pixels);
    if (!st) st = bind(op, s, DNNL_ARG_WEIGHTS, &from_md, from.slot);
    if (!st) st = bind(op, s, DNNL_ARG_DST, &to_md, to.slot);
    if (pd) dnnl_primitive_desc_destroy(pd);
    return st;
}

void onednn_clear(struct step *s)
{
    for (int i = 0; i < s->count; i++) dnnl_memory_destroy(s->args[i].memory);
    if (s->primitive) dnnl_primitive_destroy(s->primitive);
    *s = (struct step){0};
}
