/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* int8 by its definition, bit for bit: core/quant.h. What other runtimes are compared with. */
#include "agents/runner/runtimes/reference/internal.h"

static void apply_curve(const struct quant_act *act, int8_t *tensor, size_t n)
{
    int8_t table[256];
    if (!act->curve) return;
    quant_table(act->curve, act->sums, act->out, table);
    for (size_t i = 0; i < n; i++) tensor[i] = table[(uint8_t)tensor[i]];
}

/* The sum at output (y, x) of channel o: over all inputs, or over channel o alone where depthwise. Unsigned, as the
 * definition's int32 wraps around. */
static uint32_t convolve_at(const struct window *v, bool depthwise, const struct quant_tensor *t, const int8_t *in,
                            int y, int x, int o)
{
    const int pad = (v->kernel - 1) / 2;
    const size_t channels = (size_t)v->in.c;
    const int32_t zero = t->step.in.zero;
    uint32_t sum = 0;
    for (int i = 0; i < v->kernel; i++) {
        for (int j = 0; j < v->kernel; j++) {
            int row = y * v->stride + i - pad;
            int column = x * v->stride + j - pad;
            if (row < 0 || row >= v->in.h || column < 0 || column >= v->in.w) continue;
            const int8_t *pixel = in + ((size_t)row * (size_t)v->in.w + (size_t)column) * channels;
            size_t tap = (size_t)i * (size_t)v->kernel + (size_t)j;
            if (depthwise) {
                sum += (uint32_t)((pixel[o] - zero) * t->values[tap * channels + (size_t)o]);
                continue;
            }
            const int8_t *w = t->values + ((size_t)o * (size_t)v->kernel * (size_t)v->kernel + tap) * channels;
            for (size_t c = 0; c < channels; c++) sum += (uint32_t)((pixel[c] - zero) * w[c]);
        }
    }
    return sum;
}

static void convolve(const struct window *v, bool depthwise, const struct quant_tensor *t, const int8_t *in,
                     int8_t *out)
{
    const size_t channels = (size_t)v->out.c;
    for (int o = 0; o < v->out.c; o++) {
        const struct quant_multiplier m = quant_requantiser(&t->step, t->scales[o]);
        int8_t *at = out + o;
        for (int y = 0; y < v->out.h; y++) {
            for (int x = 0; x < v->out.w; x++, at += channels) {
                uint32_t sum = convolve_at(v, depthwise, t, in, y, x, o) + (uint32_t)t->biases[o];
                *at = quant_requantise((int32_t)sum, m, &t->step.act);
            }
        }
    }
    apply_curve(&t->step.act, out, shape_elements(&v->out));
}

static void dense(const struct quant_tensor *t, const int8_t *in, int inputs, int8_t *out, int outputs)
{
    convolve(&(struct window){{1, 1, inputs}, {1, 1, outputs}, 1, 1, ACT_NONE}, false, t, in, out);
}

static void average(const int8_t *in, size_t pixels, size_t channels, int8_t *out)
{
    for (size_t c = 0; c < channels; c++) {
        int64_t sum = 0;
        for (size_t p = 0; p < pixels; p++) sum += in[p * channels + c];
        out[c] = quant_divide(sum, (int64_t)pixels);
    }
}

/* Scale the channels of an image by what its own averages say. @param vectors 2 * mid + se values. */
static void squeeze_excite(const struct op *op, int8_t *image, int8_t *vectors)
{
    const struct layer *l = &op->layer;
    const size_t mid = (size_t)l->mid;
    const size_t pixels = (size_t)l->out.h * (size_t)l->out.w;
    const int32_t zero = op->weights.int8[TENSOR_SQUEEZE].step.in.zero;
    int8_t *pooled = vectors;
    int8_t *squeezed = pooled + mid;
    int8_t *gate = squeezed + l->se;
    average(image, pixels, mid, pooled);
    dense(&op->weights.int8[TENSOR_SQUEEZE], pooled, l->mid, squeezed, l->se);
    dense(&op->weights.int8[TENSOR_EXCITE], squeezed, l->se, gate, l->mid);
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < mid; c++) image[p * mid + c] = quant_product(image[p * mid + c], zero, gate[c]);
}

/* Add to a tensor between layers, then activate. */
static void add(enum activation activation, const int8_t *added, int8_t *tensor, size_t n)
{
    const struct quant_act act = quant_act_outside(activation);
    for (size_t i = 0; i < n; i++) tensor[i] = (int8_t)quant_clamp(tensor[i] + added[i], act.min, act.max);
    apply_curve(&act, tensor, n);
}

static void run_mbconv(const struct op *op, const int8_t *in, int8_t *out, int8_t *scratch)
{
    const struct layer *l = &op->layer;
    const struct quant_tensor *w = op->weights.int8;
    const struct shape wide_in = {l->in.h, l->in.w, l->mid};
    const struct shape wide_out = {l->out.h, l->out.w, l->mid};
    const int8_t *expanded = in;
    int8_t *filtered = scratch + shape_elements(&wide_in);
    if (l->mid != l->in.c) {
        convolve(&(struct window){l->in, wide_in, 1, 1, l->act}, false, &w[TENSOR_EXPAND], in, scratch);
        expanded = scratch;
    }
    convolve(&(struct window){wide_in, wide_out, l->kernel, l->stride, l->act}, true, &w[TENSOR_DEPTHWISE], expanded,
             filtered);
    if (l->se) squeeze_excite(op, filtered, filtered + shape_elements(&wide_out));
    convolve(&(struct window){wide_out, l->out, 1, 1, ACT_NONE}, false, &w[TENSOR_DENSE], filtered, out);
    if (l->residual) add(ACT_NONE, in, out, shape_elements(&l->out));
}

static int8_t greatest(const struct layer *l, const struct patch *p, const int8_t *in, int c)
{
    int8_t most = INT8_MIN;
    for (int y = p->top; y < p->bottom; y++) {
        for (int x = p->left; x < p->right; x++) {
            int8_t q = in[((size_t)y * (size_t)l->in.w + (size_t)x) * (size_t)l->in.c + (size_t)c];
            if (q > most) most = q;
        }
    }
    return most;
}

static int8_t mean(const struct layer *l, const struct patch *p, const int8_t *in, int c)
{
    int64_t sum = 0;
    for (int y = p->top; y < p->bottom; y++)
        for (int x = p->left; x < p->right; x++)
            sum += in[((size_t)y * (size_t)l->in.w + (size_t)x) * (size_t)l->in.c + (size_t)c];
    return quant_divide(sum, (int64_t)(p->bottom - p->top) * (p->right - p->left));
}

static void pool(const struct layer *l, int size, int pad,
                 int8_t (*of)(const struct layer *, const struct patch *, const int8_t *, int), const int8_t *in,
                 int8_t *out)
{
    for (int y = 0; y < l->out.h; y++) {
        for (int x = 0; x < l->out.w; x++) {
            const struct patch p = patch_at(l, size, pad, y, x);
            for (int c = 0; c < l->in.c; c++) *out++ = of(l, &p, in, c);
        }
    }
}

static void run_bottleneck(const struct op *op, const int8_t *in, int8_t *out, int8_t *scratch)
{
    const struct layer *l = &op->layer;
    const struct quant_tensor *w = op->weights.int8;
    const struct shape wide_in = {l->in.h, l->in.w, l->mid};
    const struct shape wide_out = {l->out.h, l->out.w, l->mid};
    const struct shape pooled_shape = {l->out.h, l->out.w, l->in.c};
    int8_t *reduced = scratch;
    int8_t *filtered = reduced + shape_elements(&wide_in);
    int8_t *shortcut = filtered + shape_elements(&wide_out);
    int8_t *pooled = shortcut + shape_elements(&l->out);
    convolve(&(struct window){l->in, wide_in, 1, 1, l->act}, false, &w[TENSOR_EXPAND], in, reduced);
    convolve(&(struct window){wide_in, wide_out, l->kernel, l->stride, l->act}, false, &w[TENSOR_WINDOW], reduced,
             filtered);
    convolve(&(struct window){wide_out, l->out, 1, 1, ACT_NONE}, false, &w[TENSOR_DENSE], filtered, out);
    const int8_t *added = in;
    if (!l->residual) {
        pool(l, l->stride, 0, mean, in, pooled);
        convolve(&(struct window){pooled_shape, l->out, 1, 1, ACT_NONE}, false, &w[TENSOR_SHORTCUT], pooled, shortcut);
        added = shortcut;
    }
    add(l->act, added, out, shape_elements(&l->out));
}

static void run_conv2d(const struct op *op, const int8_t *in, int8_t *out)
{
    const struct layer *l = &op->layer;
    convolve(&(struct window){l->in, l->out, l->kernel, l->stride, l->act}, false, &op->weights.int8[TENSOR_DENSE], in,
             out);
    if (l->residual) add(ACT_NONE, in, out, shape_elements(&l->out));
}

void run_image_int8(const struct op *op, const int8_t *in, int8_t *out, int8_t *scratch)
{
    const struct layer *l = &op->layer;
    switch (l->kind) {
    case LAYER_CONV2D:
        run_conv2d(op, in, out);
        break;
    case LAYER_MBCONV:
        run_mbconv(op, in, out, scratch);
        break;
    case LAYER_BOTTLENECK:
        run_bottleneck(op, in, out, scratch);
        break;
    case LAYER_MAXPOOL:
        pool(l, l->kernel, (l->kernel - 1) / 2, greatest, in, out);
        break;
    case LAYER_AVGPOOL:
        average(in, (size_t)l->in.h * (size_t)l->in.w, (size_t)l->in.c, out);
        break;
    case LAYER_LINEAR:
        dense(&op->weights.int8[TENSOR_DENSE], in, l->in.c, out, l->out.c);
        break;
    case LAYER_KINDS:
        break;
    }
}
