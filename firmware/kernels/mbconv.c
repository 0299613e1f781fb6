/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Inverted residual blocks. Rows of the expanded tensor go through a ring, each in planes: [mid][pad, in.w] and a last
 * pad; a channel's right pad is the next one's left pad. Input row r is in the ring's row r modulo its rows. */
#include "firmware/kernels/arithmetic.h"
#include "firmware/kernels/blocks.h"
#include "firmware/kernels/bytes.h"
#include "firmware/kernels/depthwise.h"

struct ring {
    int8_t *rows;
    const int8_t *outside; /* a plane's row of nothing but the zero point */
    int count, pad;
    ptrdiff_t plane;
    size_t row_bytes;
};

static struct ring ring_make(const struct kernel_layer *k)
{
    const struct layer *l = &k->layer;
    struct ring r = {
        .rows = kernel_at(k, k->plan.ring),
        .count = l->kernel < l->in.h ? l->kernel : l->in.h,
        .pad = (l->kernel - 1) / 2,
    };
    r.plane = l->in.w + r.pad;
    r.row_bytes = (size_t)l->mid * (size_t)r.plane + (size_t)r.pad;
    const size_t all = (size_t)r.count * r.row_bytes;
    r.outside = r.rows + all;
    bytes_fill(r.rows, (int8_t)k->steps[TENSOR_DEPTHWISE].in_zero, all + (size_t)r.plane + (size_t)r.pad);
    return r;
}

static int8_t *ring_row(const struct ring *r, int y)
{
    return r->rows + (size_t)(y % r->count) * r->row_bytes;
}

/* Put input row y into the ring. */
static void expand(const struct kernel_layer *k, const struct ring *r, const int8_t *in, int y)
{
    const struct layer *l = &k->layer;
    const struct kernel_step *s = &k->steps[TENSOR_EXPAND];
    const int8_t *row = in + (size_t)y * kernel_row_bytes(&l->in);
    int8_t *to = ring_row(r, y) + r->pad;
    if (l->mid == l->in.c) {
        depthwise_spread(row, l->in.w, l->in.c, to, r->plane);
        return;
    }
    const struct window w = {
        .kernel = 1, .stride = 1, .width = l->in.w, .channels = l->in.c, .rows = {row}, .pixels = l->in.w};
    struct window_out out = kernel_out(k, to, 1);
    out.channel_step = r->plane;
    window_convolve(s, &w, &out);
    for (int c = 0; s->table && c < l->mid; c++, to += r->plane) bytes_look_up(to, s->table, (size_t)l->in.w);
}

/* Output row y of the depthwise convolution. @param[out] out [out.w][mid]. */
static void filter(const struct kernel_layer *k, const struct ring *r, int y, int8_t *out)
{
    const struct layer *l = &k->layer;
    const struct kernel_step *s = &k->steps[TENSOR_DEPTHWISE];
    struct depthwise_row d = {.step = s, .kernel = l->kernel, .stride = l->stride, .out = out, .pixels = l->out.w};
    for (int i = 0; i < l->kernel; i++) {
        const int row = y * l->stride - r->pad + i;
        const bool inside = row >= 0 && row < l->in.h;
        d.rows[i] = inside ? ring_row(r, row) : r->outside;
        d.plane[i] = inside ? r->plane : 0;
    }
    depthwise_run(&d);
    if (s->table) bytes_look_up(out, s->table, (size_t)l->out.w * (size_t)l->mid);
}

/* Scale the channels of an image by what its own averages say. */
static void squeeze_excite(const struct kernel_layer *k, int8_t *image)
{
    const struct layer *l = &k->layer;
    const int32_t pixels = l->out.h * l->out.w;
    const int32_t zero = k->steps[TENSOR_SQUEEZE].in_zero;
    int8_t *averages = kernel_at(k, k->plan.pooled);
    int8_t *gate = averages + l->mid;
    int8_t *middle = gate + l->mid;
    window_average(image, pixels, l->mid, averages);
    kernel_pointwise(k, TENSOR_SQUEEZE, averages, 1, middle);
    kernel_pointwise(k, TENSOR_EXCITE, middle, 1, gate);
    for (int32_t p = 0; p < pixels; p++, image += l->mid)
        for (int c = 0; c < l->mid; c++) image[c] = kernel_gated(image[c], zero, gate[c]);
}

/* Output row y from the depthwise convolution's. With a residual the input's row is in its place. */
static void project(const struct kernel_layer *k, const int8_t *filtered, int8_t *out)
{
    const struct layer *l = &k->layer;
    int8_t *sum = kernel_at(k, k->plan.sum);
    kernel_pointwise(k, TENSOR_DENSE, filtered, l->out.w, l->residual ? sum : out);
    if (l->residual) bytes_add(out, sum, kernel_row_bytes(&l->out));
}

void run_mbconv(const struct kernel_layer *k, const int8_t *in, int8_t *out)
{
    const struct layer *l = &k->layer;
    const struct ring r = ring_make(k);
    const size_t out_row = kernel_row_bytes(&l->out);
    const size_t wide_row = (size_t)l->out.w * (size_t)l->mid;
    int8_t *wide = kernel_at(k, k->plan.wide);
    int8_t *row = kernel_at(k, k->plan.row);
    int next = 0;
    for (int y = 0; y < l->out.h; y++) {
        const int last = y * l->stride + r.pad;
        for (; next <= last && next < l->in.h; next++) expand(k, &r, in, next);
        filter(k, &r, y, l->se ? wide + (size_t)y * wide_row : row);
        if (!l->se) project(k, row, out + (size_t)y * out_row);
    }
    if (!l->se) return;
    squeeze_excite(k, wide);
    for (int y = 0; y < l->out.h; y++) project(k, wide + (size_t)y * wide_row, out + (size_t)y * out_row);
}
