/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Plain C: layers as their definition says, one loop an index, sums in double. For correctness, not for speed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/runner/runtimes/reference/internal.h"

static const char *reference_version(void)
{
    return LATHE_VERSION;
}

static enum lathe_status reference_supports(const struct runtime_options *o, struct lathe_error *err)
{
    if (o->threads != 1) return error_set(err, LATHE_UNSUPPORTED, "reference runs on one thread only");
    return LATHE_OK;
}

static enum lathe_status reference_open(const struct runtime_options *o, struct engine **out, struct lathe_error *err)
{
    struct engine *e = calloc(1, sizeof *e);
    if (!e) return error_set(err, LATHE_NO_MEMORY, "out of memory for a runtime");
    e->dtype = o->dtype;
    e->batch = o->batch;
    *out = e;
    return LATHE_OK;
}

static void reference_close(struct engine *e)
{
    free(e);
}

/* Scratch for one image. mbconv: expanded input, depthwise output, then vectors of squeeze-excite. bottleneck: the two
 * middle tensors, then the shortcut and what is pooled for it. */
static size_t scratch_elements(const struct layer *l)
{
    size_t mid = (size_t)l->mid;
    size_t out = (size_t)l->out.h * (size_t)l->out.w;
    size_t middle = ((size_t)l->in.h * (size_t)l->in.w + out) * mid;
    if (l->kind == LAYER_MBCONV) return middle + 2 * mid + (size_t)l->se;
    if (l->kind == LAYER_BOTTLENECK) return middle + out * ((size_t)l->out.c + (size_t)l->in.c);
    return 0;
}

static enum lathe_status reference_prepare(struct engine *e, const struct layer *l, const struct weights *w,
                                           struct op **out, struct op_needs *needs, struct lathe_error *err)
{
    struct op *op = calloc(1, sizeof *op);
    if (!op) return error_set(err, LATHE_NO_MEMORY, "out of memory for a layer");
    enum lathe_status st = weights_copy(w, &op->weights, err);
    if (st) {
        free(op);
        return st;
    }
    op->layer = *l;
    op->dtype = e->dtype;
    op->batch = e->batch;
    *needs = (struct op_needs){
        .in_bytes = shape_elements(&l->in) * dtype_bytes(e->dtype) * (size_t)e->batch,
        .out_bytes = shape_elements(&l->out) * dtype_bytes(e->dtype) * (size_t)e->batch,
        .scratch_bytes = scratch_elements(l) * dtype_bytes(e->dtype),
        .weight_bytes = weights_bytes(w),
    };
    *out = op;
    return LATHE_OK;
}

static void reference_op_free(struct op *op)
{
    if (!op) return;
    weights_clear(&op->weights);
    free(op);
}

static enum lathe_status reference_setup(struct op *op, const struct op_buffers *b, struct lathe_error *err)
{
    (void)err;
    op->buffers = *b;
    return LATHE_OK;
}

static float activate(double x, enum activation act)
{
    switch (act) {
    case ACT_RELU:
        return (float)fmax(x, 0.0);
    case ACT_RELU6:
        return (float)fmin(fmax(x, 0.0), 6.0);
    case ACT_HSWISH:
        return (float)(x * fmin(fmax(x + 3.0, 0.0), 6.0) / 6.0);
    case ACT_SWISH:
        return (float)(x / (1.0 + exp(-x)));
    case ACT_NONE:
    case ACTIVATIONS:
        break;
    }
    return (float)x;
}

/* The sum at output (y, x) of channel o: over all inputs, or over channel o alone where depthwise. */
static double convolve_at(const struct window *v, bool depthwise, const float *weights, const float *in, int y, int x,
                          int o)
{
    const int pad = (v->kernel - 1) / 2;
    const int channels = v->in.c;
    double sum = 0;
    for (int i = 0; i < v->kernel; i++) {
        for (int j = 0; j < v->kernel; j++) {
            int row = y * v->stride + i - pad;
            int column = x * v->stride + j - pad;
            if (row < 0 || row >= v->in.h || column < 0 || column >= v->in.w) continue;
            const float *pixel = in + ((size_t)row * (size_t)v->in.w + (size_t)column) * (size_t)channels;
            size_t tap = (size_t)i * (size_t)v->kernel + (size_t)j;
            if (depthwise) {
                sum += (double)pixel[o] * (double)weights[tap * (size_t)channels + (size_t)o];
                continue;
            }
            const float *w = weights + ((size_t)o * (size_t)v->kernel * (size_t)v->kernel + tap) * (size_t)channels;
            for (int c = 0; c < channels; c++) sum += (double)pixel[c] * (double)w[c];
        }
    }
    return sum;
}

static void convolve(const struct window *v, bool depthwise, const float *weights, const float *bias, const float *in,
                     float *out)
{
    for (int y = 0; y < v->out.h; y++)
        for (int x = 0; x < v->out.w; x++)
            for (int o = 0; o < v->out.c; o++)
                *out++ = activate(convolve_at(v, depthwise, weights, in, y, x, o) + (double)bias[o], v->act);
}

static void dense(const float *weights, const float *bias, const float *in, size_t n, float *out, size_t outputs)
{
    for (size_t o = 0; o < outputs; o++) {
        double sum = (double)bias[o];
        for (size_t i = 0; i < n; i++) sum += (double)in[i] * (double)weights[o * n + i];
        out[o] = (float)sum;
    }
}

static void average(const float *in, size_t pixels, size_t channels, float *out)
{
    for (size_t c = 0; c < channels; c++) {
        double sum = 0;
        for (size_t p = 0; p < pixels; p++) sum += (double)in[p * channels + c];
        out[c] = (float)(sum / (double)pixels);
    }
}

static float gate(double x, bool smooth)
{
    return (float)(smooth ? 1.0 / (1.0 + exp(-x)) : fmin(fmax(x + 3.0, 0.0), 6.0) / 6.0);
}

/* Scale the channels of an image by what its own averages say. @param vectors 2 * mid + se floats. */
static void squeeze_excite(const struct op *op, float *image, float *vectors)
{
    const size_t mid = (size_t)op->layer.mid;
    const size_t se = (size_t)op->layer.se;
    const size_t pixels = (size_t)op->layer.out.h * (size_t)op->layer.out.w;
    float *pooled = vectors;
    float *squeezed = pooled + mid;
    float *scale = squeezed + se;
    const bool swish = op->layer.act == ACT_SWISH;
    average(image, pixels, mid, pooled);
    dense(op->weights.squeeze, op->weights.squeeze_bias, pooled, mid, squeezed, se);
    for (size_t i = 0; i < se; i++) squeezed[i] = activate((double)squeezed[i], swish ? ACT_SWISH : ACT_RELU);
    dense(op->weights.excite, op->weights.excite_bias, squeezed, se, scale, mid);
    for (size_t i = 0; i < mid; i++) scale[i] = gate((double)scale[i], swish);
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < mid; c++) image[p * mid + c] *= scale[c];
}

static void run_mbconv(const struct op *op, const float *in, float *out, float *scratch)
{
    const struct layer *l = &op->layer;
    const struct shape wide_in = {l->in.h, l->in.w, l->mid};
    const struct shape wide_out = {l->out.h, l->out.w, l->mid};
    const float *expanded = in;
    float *filtered = scratch + shape_elements(&wide_in);
    if (l->mid != l->in.c) {
        convolve(&(struct window){l->in, wide_in, 1, 1, l->act}, false, op->weights.expand, op->weights.expand_bias, in,
                 scratch);
        expanded = scratch;
    }
    convolve(&(struct window){wide_in, wide_out, l->kernel, l->stride, l->act}, true, op->weights.depthwise,
             op->weights.depthwise_bias, expanded, filtered);
    if (l->se) squeeze_excite(op, filtered, filtered + shape_elements(&wide_out));
    convolve(&(struct window){wide_out, l->out, 1, 1, ACT_NONE}, false, op->weights.dense, op->weights.dense_bias,
             filtered, out);
    if (l->residual)
        for (size_t i = 0; i < shape_elements(&l->out); i++) out[i] += in[i];
}

static double greatest(const struct layer *l, const struct patch *p, const float *in, int c)
{
    double most = -INFINITY;
    for (int y = p->top; y < p->bottom; y++)
        for (int x = p->left; x < p->right; x++)
            most = fmax(most, (double)in[((size_t)y * (size_t)l->in.w + (size_t)x) * (size_t)l->in.c + (size_t)c]);
    return most;
}

static double mean(const struct layer *l, const struct patch *p, const float *in, int c)
{
    double sum = 0;
    for (int y = p->top; y < p->bottom; y++)
        for (int x = p->left; x < p->right; x++)
            sum += (double)in[((size_t)y * (size_t)l->in.w + (size_t)x) * (size_t)l->in.c + (size_t)c];
    return sum / ((p->bottom - p->top) * (p->right - p->left));
}

/* The part of size values, from `from` on, that lies within 0..n. */
static void cut(int from, int size, int n, int *first, int *end)
{
    *first = from < 0 ? 0 : from;
    *end = from + size > n ? n : from + size;
}

struct patch patch_at(const struct layer *l, int size, int pad, int y, int x)
{
    struct patch p;
    cut(y * l->stride - pad, size, l->in.h, &p.top, &p.bottom);
    cut(x * l->stride - pad, size, l->in.w, &p.left, &p.right);
    return p;
}

/* Pool `size` x `size` pixels at every stride, `pad` before and after the image. */
static void pool(const struct layer *l, int size, int pad,
                 double (*of)(const struct layer *, const struct patch *, const float *, int), const float *in,
                 float *out)
{
    for (int y = 0; y < l->out.h; y++) {
        for (int x = 0; x < l->out.w; x++) {
            const struct patch p = patch_at(l, size, pad, y, x);
            for (int c = 0; c < l->in.c; c++) *out++ = (float)of(l, &p, in, c);
        }
    }
}

static void run_bottleneck(const struct op *op, const float *in, float *out, float *scratch)
{
    const struct layer *l = &op->layer;
    const struct weights *w = &op->weights;
    const struct shape wide_in = {l->in.h, l->in.w, l->mid};
    const struct shape wide_out = {l->out.h, l->out.w, l->mid};
    const struct shape pooled_shape = {l->out.h, l->out.w, l->in.c};
    float *reduced = scratch;
    float *filtered = reduced + shape_elements(&wide_in);
    float *shortcut = filtered + shape_elements(&wide_out);
    float *pooled = shortcut + shape_elements(&l->out);
    convolve(&(struct window){l->in, wide_in, 1, 1, l->act}, false, w->expand, w->expand_bias, in, reduced);
    convolve(&(struct window){wide_in, wide_out, l->kernel, l->stride, l->act}, false, w->window, w->window_bias,
             reduced, filtered);
    convolve(&(struct window){wide_out, l->out, 1, 1, ACT_NONE}, false, w->dense, w->dense_bias, filtered, out);
    const float *added = in;
    if (!l->residual) {
        pool(l, l->stride, 0, mean, in, pooled);
        convolve(&(struct window){pooled_shape, l->out, 1, 1, ACT_NONE}, false, w->shortcut, w->shortcut_bias, pooled,
                 shortcut);
        added = shortcut;
    }
    for (size_t i = 0; i < shape_elements(&l->out); i++) out[i] = activate((double)out[i] + (double)added[i], l->act);
}

static void run_conv2d(const struct op *op, const float *in, float *out)
{
    const struct layer *l = &op->layer;
    convolve(&(struct window){l->in, l->out, l->kernel, l->stride, l->act}, false, op->weights.dense,
             op->weights.dense_bias, in, out);
    if (l->residual)
        for (size_t i = 0; i < shape_elements(&l->out); i++) out[i] += in[i];
}

static void run_image(const struct op *op, const float *in, float *out)
{
    const struct layer *l = &op->layer;
    switch (l->kind) {
    case LAYER_CONV2D:
        run_conv2d(op, in, out);
        break;
    case LAYER_MBCONV:
        run_mbconv(op, in, out, op->buffers.scratch);
        break;
    case LAYER_BOTTLENECK:
        run_bottleneck(op, in, out, op->buffers.scratch);
        break;
    case LAYER_MAXPOOL:
        pool(l, l->kernel, (l->kernel - 1) / 2, greatest, in, out);
        break;
    case LAYER_AVGPOOL:
        average(in, (size_t)l->in.h * (size_t)l->in.w, (size_t)l->in.c, out);
        break;
    case LAYER_LINEAR:
        dense(op->weights.dense, op->weights.dense_bias, in, (size_t)l->in.c, out, (size_t)l->out.c);
        break;
    case LAYER_KINDS:
        break;
    }
}

static enum lathe_status reference_run(struct op *op)
{
    const size_t in = shape_elements(&op->layer.in);
    const size_t out = shape_elements(&op->layer.out);
    const struct op_buffers *b = &op->buffers;
    for (size_t i = 0; i < (size_t)op->batch; i++) {
        if (op->dtype == DTYPE_INT8)
            run_image_int8(op, (const int8_t *)b->in + i * in, (int8_t *)b->out + i * out, b->scratch);
        else run_image(op, (const float *)b->in + i * in, (float *)b->out + i * out);
    }
    return LATHE_OK;
}

const struct runtime reference_runtime = {
    .name = "reference",
    .version = reference_version,
    .supports = reference_supports,
    .open = reference_open,
    .prepare = reference_prepare,
    .setup = reference_setup,
    .run = reference_run,
    .op_free = reference_op_free,
    .close = reference_close,
};
