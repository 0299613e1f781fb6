/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which steps make a layer. 1x1 convolutions of stride 1 and linear layers are products by CLBlast, with bias,
 * activation and residual in one pass behind; the rest is kernels of our own. */
#include <stdint.h>

#include "agents/runner/runtimes/opencl/internal.h"

static const size_t flat[3] = {FLAT_ITEMS, 1, 1};
static const size_t plane[3] = {PLANE_CHANNELS, PLANE_PIXELS, 1};
static const size_t tile[3] = {TILE_QUADS, TILE_TILES, 1};
static const size_t pool[3] = {POOL_CHANNELS, POOL_LANES, 1};
static const size_t lanes[3] = {DENSE_LANES, 1, 1};

static size_t pixels_of(const struct shape *s)
{
    return (size_t)s->h * (size_t)s->w;
}

static void use_slot(struct op *op, enum slot slot, size_t floats)
{
    op->slot_bytes[slot] = op->engine->batch * floats * sizeof(float);
}

/* How a sum ends. */
struct ending {
    const float *bias, *more_bias; /* more_bias: added to it, or NULL */
    enum activation act;
    enum residual residual;
    enum slot with;
};

static size_t stage_bias(struct op *op, const struct ending *e, int channels)
{
    const size_t place = opencl_stage(op, e->bias, (size_t)channels);
    for (int i = 0; e->more_bias && op->staging && i < channels; i++) op->staging[place + (size_t)i] += e->more_bias[i];
    return place;
}

static void add_finish(struct op *op, enum slot at, const struct shape *shape, const struct ending *e)
{
    const size_t count = op->engine->batch * shape_elements(shape);
    const size_t bias = stage_bias(op, e, shape->c);
    opencl_add_kernel(op, "finish", at, e->residual ? e->with : at, at, (size_t[3]){count, 1, 1}, flat);
    opencl_arg_weights(op);
    opencl_arg_place(op, bias);
    opencl_arg_uint(op, count);
    opencl_arg_uint(op, (size_t)shape->c);
    opencl_arg_int(op, (int)e->act);
    opencl_arg_int(op, (int)e->residual);
}

/* A 1x1 convolution. @param pixels of `shape`, whose channels are the outputs. */
static void add_pointwise(struct op *op, enum slot from, int inputs, enum slot to, const struct shape *shape,
                          const float *matrix, const struct ending *e)
{
    opencl_add_product(op, from, to, op->engine->batch * pixels_of(shape), (size_t)inputs, (size_t)shape->c, matrix,
                       false);
    add_finish(op, to, shape, e);
}

/* [outputs][k][k][inputs] as [k][k][inputs][outputs], the outputs padded to a multiple of 4. */
static size_t stage_window(struct op *op, const float *source, int outputs, size_t taps)
{
    const size_t padded = ((size_t)outputs + 3) / 4 * 4;
    const size_t place = opencl_stage(op, NULL, taps * padded);
    if (!op->staging) return place;
    for (size_t o = 0; o < (size_t)outputs; o++)
        for (size_t t = 0; t < taps; t++) op->staging[place + t * padded + o] = source[o * taps + t];
    return place;
}

/* A dense convolution of any window. */
static void add_window(struct op *op, enum slot from, const struct shape *in, enum slot to, const struct shape *out,
                       int kernel, int stride, const float *weights, const struct ending *e)
{
    const size_t taps = (size_t)kernel * (size_t)kernel * (size_t)in->c;
    const size_t window = stage_window(op, weights, out->c, taps);
    const size_t bias = stage_bias(op, e, out->c);
    opencl_stage(op, NULL, 3); /* read with the last of the bias, four at a time */
    const size_t quads = ((size_t)out->c + 3) / 4;
    const size_t tiles = (size_t)out->h * (((size_t)out->w + 3) / 4);
    opencl_add_kernel(op, "convolve", from, e->residual ? e->with : from, to,
                      (size_t[3]){quads, tiles, op->engine->batch}, tile);
    opencl_arg_weights(op);
    opencl_arg_place(op, window);
    opencl_arg_place(op, bias);
    opencl_arg_shape(op, in);
    opencl_arg_shape(op, out);
    opencl_arg_int(op, kernel);
    opencl_arg_int(op, stride);
    opencl_arg_int(op, (int)e->act);
    opencl_arg_int(op, (int)e->residual);
}

/* A dense convolution, by what suits it. */
static void add_conv(struct op *op, enum slot from, const struct shape *in, enum slot to, const struct shape *out,
                     int kernel, int stride, const float *weights, const struct ending *e)
{
    if (kernel == 1 && stride == 1) add_pointwise(op, from, in->c, to, out, weights, e);
    else add_window(op, from, in, to, out, kernel, stride, weights, e);
}

/* A kernel whose items are the values of a tensor: channels x pixels x images. */
static void add_plane(struct op *op, const char *name, enum slot from, enum slot to, const struct shape *out)
{
    opencl_add_kernel(op, name, from, from, to, (size_t[3]){(size_t)out->c, pixels_of(out), op->engine->batch}, plane);
}

static void add_depthwise(struct op *op, enum slot from, const struct shape *in, const struct shape *out,
                          const struct layer *l, const struct weights *w)
{
    const size_t taps = opencl_stage(op, w->depthwise, (size_t)l->kernel * (size_t)l->kernel * (size_t)l->mid);
    const size_t bias = opencl_stage(op, w->depthwise_bias, (size_t)l->mid);
    add_plane(op, "depthwise", from, SLOT_FILTERED, out);
    opencl_arg_weights(op);
    opencl_arg_place(op, taps);
    opencl_arg_place(op, bias);
    opencl_arg_shape(op, in);
    opencl_arg_shape(op, out);
    opencl_arg_int(op, l->kernel);
    opencl_arg_int(op, l->stride);
    opencl_arg_int(op, (int)l->act);
}

static void add_average(struct op *op, enum slot from, enum slot to, const struct shape *in)
{
    const size_t items[3] = {(size_t)in->c, POOL_LANES, op->engine->batch};
    opencl_add_kernel(op, "average", from, from, to, items, pool);
    opencl_arg_uint(op, pixels_of(in));
    opencl_arg_uint(op, (size_t)in->c);
}

/* Squeeze-excite's own: a product of so few values would be all launches. */
static void add_dense(struct op *op, enum slot from, int inputs, enum slot to, int outputs, const float *weights,
                      const float *bias, int act)
{
    const size_t matrix = opencl_stage(op, weights, (size_t)inputs * (size_t)outputs);
    const size_t place = opencl_stage(op, bias, (size_t)outputs);
    const size_t items[3] = {(size_t)outputs * DENSE_LANES, op->engine->batch, 1};
    opencl_add_kernel(op, "dense", from, from, to, items, lanes);
    opencl_arg_weights(op);
    opencl_arg_place(op, matrix);
    opencl_arg_place(op, place);
    opencl_arg_uint(op, (size_t)inputs);
    opencl_arg_int(op, act);
}

static void add_squeeze_excite(struct op *op, const struct shape *wide, const struct layer *l, const struct weights *w)
{
    const bool swish = l->act == ACT_SWISH;
    use_slot(op, SLOT_POOLED, (size_t)l->mid);
    use_slot(op, SLOT_SQUEEZED, (size_t)l->se);
    use_slot(op, SLOT_GATE, (size_t)l->mid);
    add_average(op, SLOT_FILTERED, SLOT_POOLED, wide);
    add_dense(op, SLOT_POOLED, l->mid, SLOT_SQUEEZED, l->se, w->squeeze, w->squeeze_bias, swish ? ACT_SWISH : ACT_RELU);
    add_dense(op, SLOT_SQUEEZED, l->se, SLOT_GATE, l->mid, w->excite, w->excite_bias, swish ? GATE_SIGMOID : GATE_HARD);
    const size_t count = shape_elements(wide);
    opencl_add_kernel(op, "scale", SLOT_FILTERED, SLOT_GATE, SLOT_FILTERED, (size_t[3]){count, op->engine->batch, 1},
                      flat);
    opencl_arg_uint(op, count);
    opencl_arg_uint(op, (size_t)l->mid);
}

static void create_mbconv(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct shape wide_in = {l->in.h, l->in.w, l->mid};
    const struct shape wide_out = {l->out.h, l->out.w, l->mid};
    enum slot expanded = SLOT_IN;
    if (l->mid != l->in.c) {
        expanded = SLOT_EXPANDED;
        use_slot(op, expanded, shape_elements(&wide_in));
        add_pointwise(op, SLOT_IN, l->in.c, expanded, &wide_in, w->expand,
                      &(struct ending){.bias = w->expand_bias, .act = l->act});
    }
    use_slot(op, SLOT_FILTERED, shape_elements(&wide_out));
    add_depthwise(op, expanded, &wide_in, &wide_out, l, w);
    if (l->se) add_squeeze_excite(op, &wide_out, l, w);
    const struct ending end = {
        .bias = w->dense_bias, .residual = l->residual ? RESIDUAL_AFTER_ACT : RESIDUAL_NONE, .with = SLOT_IN};
    add_pointwise(op, SLOT_FILTERED, l->mid, SLOT_OUT, &l->out, w->dense, &end);
}

/* The shortcut's product adds to the last convolution's, and one pass ends both. */
static void add_shortcut(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct shape pooled = {l->out.h, l->out.w, l->in.c};
    enum slot from = SLOT_IN;
    if (l->stride > 1) {
        from = SLOT_POOLED;
        use_slot(op, from, shape_elements(&pooled));
        add_plane(op, "shrink", SLOT_IN, from, &pooled);
        opencl_arg_shape(op, &l->in);
        opencl_arg_shape(op, &pooled);
        opencl_arg_int(op, l->stride);
    }
    opencl_add_product(op, from, SLOT_OUT, op->engine->batch * pixels_of(&l->out), (size_t)l->in.c, (size_t)l->out.c,
                       w->shortcut, true);
}

static void create_bottleneck(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct shape wide_in = {l->in.h, l->in.w, l->mid};
    const struct shape wide_out = {l->out.h, l->out.w, l->mid};
    const size_t rows = op->engine->batch * pixels_of(&l->out);
    use_slot(op, SLOT_EXPANDED, shape_elements(&wide_in));
    use_slot(op, SLOT_FILTERED, shape_elements(&wide_out));
    add_pointwise(op, SLOT_IN, l->in.c, SLOT_EXPANDED, &wide_in, w->expand,
                  &(struct ending){.bias = w->expand_bias, .act = l->act});
    add_conv(op, SLOT_EXPANDED, &wide_in, SLOT_FILTERED, &wide_out, l->kernel, l->stride, w->window,
             &(struct ending){.bias = w->window_bias, .act = l->act});
    opencl_add_product(op, SLOT_FILTERED, SLOT_OUT, rows, (size_t)l->mid, (size_t)l->out.c, w->dense, false);
    if (!l->residual) add_shortcut(op, l, w);
    const struct ending end = {.bias = w->dense_bias,
                               .more_bias = l->residual ? NULL : w->shortcut_bias,
                               .act = l->act,
                               .residual = l->residual ? RESIDUAL_BEFORE_ACT : RESIDUAL_NONE,
                               .with = SLOT_IN};
    add_finish(op, SLOT_OUT, &l->out, &end);
}

static void create_maxpool(struct op *op, const struct layer *l)
{
    add_plane(op, "maximum", SLOT_IN, SLOT_OUT, &l->out);
    opencl_arg_shape(op, &l->in);
    opencl_arg_shape(op, &l->out);
    opencl_arg_int(op, l->kernel);
    opencl_arg_int(op, l->stride);
}

static void create(struct op *op, const struct layer *l, const struct weights *w)
{
    const struct ending dense = {.bias = w->dense_bias,
                                 .act = l->act,
                                 .residual = l->residual ? RESIDUAL_AFTER_ACT : RESIDUAL_NONE,
                                 .with = SLOT_IN};
    switch (l->kind) {
    case LAYER_CONV2D:
        add_conv(op, SLOT_IN, &l->in, SLOT_OUT, &l->out, l->kernel, l->stride, w->dense, &dense);
        return;
    case LAYER_MBCONV:
        create_mbconv(op, l, w);
        return;
    case LAYER_BOTTLENECK:
        create_bottleneck(op, l, w);
        return;
    case LAYER_MAXPOOL:
        create_maxpool(op, l);
        return;
    case LAYER_AVGPOOL:
        add_average(op, SLOT_IN, SLOT_OUT, &l->in);
        return;
    case LAYER_LINEAR:
        add_pointwise(op, SLOT_IN, l->in.c, SLOT_OUT, &l->out, w->dense, &dense);
        return;
    case LAYER_KINDS:
        break;
    }
    op->code = CL_INVALID_VALUE;
    op->failed = "making a layer of a kind that it does not know";
}

enum lathe_status opencl_layer_create(struct op *op, const struct layer *l, const struct weights *w,
                                      struct lathe_error *err)
{
    const size_t channels = (size_t)(l->mid > l->out.c ? l->mid : l->out.c);
    const size_t wide = channels > (size_t)l->in.c ? channels : (size_t)l->in.c;
    /* Kernels count the values of a tensor in 32 bits. */
    if (pixels_of(&l->in) * wide * op->engine->batch > INT32_MAX)
        return error_set(err, LATHE_UNSUPPORTED, "opencl takes tensors of up to 2147483647 values only");
    create(op, l, w);
    opencl_end(op);
    return opencl_failure(op->code, op->failed, err);
}
