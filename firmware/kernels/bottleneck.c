/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* ResNet-D's residual blocks. Rows of the first convolution's output go through a ring, channels innermost; row r is in
 * the ring's row r modulo its rows. */
#include "firmware/kernels/blocks.h"
#include "firmware/kernels/bytes.h"

static int8_t *ring_row(const struct kernel_layer *k, int y)
{
    const struct layer *l = &k->layer;
    const int count = l->kernel < l->in.h ? l->kernel : l->in.h;
    return kernel_at(k, k->plan.ring) + (size_t)(y % count) * (size_t)l->in.w * (size_t)l->mid;
}

/* Output row y of the k x k convolution. @param[out] out [out.w][mid]. */
static void filter(const struct kernel_layer *k, int y, int8_t *out)
{
    const struct layer *l = &k->layer;
    struct window w = {
        .kernel = l->kernel, .stride = l->stride, .width = l->in.w, .channels = l->mid, .pixels = l->out.w};
    for (int i = 0; i < l->kernel; i++) {
        const int row = y * l->stride - (l->kernel - 1) / 2 + i;
        if (row >= 0 && row < l->in.h) w.rows[i] = ring_row(k, row);
    }
    kernel_convolve(k, TENSOR_WINDOW, &w, out);
}

/* The shortcut's part of output row y, by its convolution. @param[out] out [out.w][out.c]. */
static void shortcut(const struct kernel_layer *k, const int8_t *in, int y, int8_t *out)
{
    const struct layer *l = &k->layer;
    const size_t row = kernel_row_bytes(&l->in);
    const int8_t *from = in + (size_t)(y * l->stride) * row;
    if (l->stride > 1) {
        int8_t *pooled = kernel_at(k, k->plan.pooled);
        struct window w = {.kernel = l->stride, .width = l->in.w, .channels = l->in.c, .pixels = l->out.w};
        for (int i = 0; i < l->stride && y * l->stride + i < l->in.h; i++) w.rows[i] = from + (size_t)i * row;
        window_mean(&w, pooled);
        from = pooled;
    }
    kernel_pointwise(k, TENSOR_SHORTCUT, from, l->out.w, out);
}

/* The activation after the sum: rectifiers clamp, the others have a table. */
static void activate(const struct kernel_layer *k, int8_t *row, size_t n)
{
    if (k->sum_table) bytes_look_up(row, k->sum_table, n);
    else if (k->layer.act != ACT_NONE) bytes_rectify(row, n);
}

void run_bottleneck(const struct kernel_layer *k, const int8_t *in, int8_t *out)
{
    const struct layer *l = &k->layer;
    const size_t n = kernel_row_bytes(&l->out);
    int8_t *row = kernel_at(k, k->plan.row);
    int8_t *sum = kernel_at(k, k->plan.sum);
    int next = 0;
    for (int y = 0; y < l->out.h; y++, out += n) {
        const int last = y * l->stride + (l->kernel - 1) / 2;
        for (; next <= last && next < l->in.h; next++)
            kernel_pointwise(k, TENSOR_EXPAND, in + (size_t)next * kernel_row_bytes(&l->in), l->in.w,
                             ring_row(k, next));
        filter(k, y, row);
        if (!l->residual) shortcut(k, in, y, sum);
        /* With a residual the input's row is where the output's will be. */
        kernel_pointwise(k, TENSOR_DENSE, row, l->out.w, l->residual ? sum : out);
        bytes_add(out, sum, n);
        activate(k, out, n);
    }
}
