/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Layers row by row, in the order that lut/layer/board_memory.c counts on. */
#include "firmware/kernels/execute.h"

#include "firmware/kernels/arithmetic.h"
#include "firmware/kernels/blocks.h"
#include "firmware/kernels/bytes.h"

int8_t *kernel_at(const struct kernel_layer *k, uint64_t place)
{
    return (int8_t *)k->arena + (size_t)place;
}

size_t kernel_row_bytes(const struct shape *s)
{
    return (size_t)s->w * (size_t)s->c;
}

struct window kernel_window(const struct kernel_layer *k, const struct shape *in, const int8_t *image, int y)
{
    const struct layer *l = &k->layer;
    struct window w = {.kernel = l->kernel, .stride = l->stride, .width = in->w, .channels = in->c, .pixels = l->out.w};
    const int top = y * l->stride - (l->kernel - 1) / 2;
    for (int i = 0; i < l->kernel; i++) {
        const int row = top + i;
        if (row >= 0 && row < in->h) w.rows[i] = image + (size_t)row * kernel_row_bytes(in);
    }
    return w;
}

struct window_out kernel_out(const struct kernel_layer *k, int8_t *to, int channels)
{
    return (struct window_out){
        .to = to,
        .pixel_step = channels,
        .channel_step = 1,
        .patch = kernel_at(k, k->plan.patch),
        .columns = (int16_t *)(void *)kernel_at(k, k->plan.columns),
    };
}

void kernel_convolve(const struct kernel_layer *k, enum tensor tensor, const struct window *w, int8_t *to)
{
    const struct kernel_step *s = &k->steps[tensor];
    const struct window_out out = kernel_out(k, to, s->outputs);
    window_convolve(s, w, &out);
    if (s->table) bytes_look_up(to, s->table, (size_t)w->pixels * (size_t)s->outputs);
}

void kernel_pointwise(const struct kernel_layer *k, enum tensor tensor, const int8_t *from, int pixels, int8_t *to)
{
    const struct window w = {.kernel = 1,
                             .stride = 1,
                             .width = pixels,
                             .channels = k->steps[tensor].inputs,
                             .rows = {from},
                             .pixels = pixels};
    kernel_convolve(k, tensor, &w, to);
}

static void run_conv2d(const struct kernel_layer *k, const int8_t *in, int8_t *out)
{
    const struct layer *l = &k->layer;
    const size_t row = kernel_row_bytes(&l->out);
    for (int y = 0; y < l->out.h; y++, out += row) {
        const struct window w = kernel_window(k, &l->in, in, y);
        kernel_convolve(k, TENSOR_DENSE, &w, out);
        if (l->residual) bytes_add(out, in + (size_t)y * row, row);
    }
}

static void run_maxpool(const struct kernel_layer *k, const int8_t *in, int8_t *out)
{
    const struct layer *l = &k->layer;
    for (int y = 0; y < l->out.h; y++, out += kernel_row_bytes(&l->out)) {
        const struct window w = kernel_window(k, &l->in, in, y);
        window_max(&w, out);
    }
}

static void run_avgpool(const struct kernel_layer *k, const int8_t *in, int8_t *out)
{
    const struct layer *l = &k->layer;
    int8_t *averages = kernel_at(k, k->plan.row);
    window_average(in, l->in.h * l->in.w, l->in.c, averages);
    bytes_copy(out, averages, (size_t)l->out.c);
}

void kernel_run(const struct kernel_layer *k)
{
    const struct layer *l = &k->layer;
    int8_t *out = kernel_at(k, 0);
    int8_t *in = kernel_at(k, k->plan.in);
    if (in != out) bytes_move_up(in, out, (size_t)l->in.h * kernel_row_bytes(&l->in));
    switch (l->kind) {
    case LAYER_CONV2D:
        run_conv2d(k, in, out);
        break;
    case LAYER_MBCONV:
        run_mbconv(k, in, out);
        break;
    case LAYER_BOTTLENECK:
        run_bottleneck(k, in, out);
        break;
    case LAYER_MAXPOOL:
        run_maxpool(k, in, out);
        break;
    case LAYER_AVGPOOL:
        run_avgpool(k, in, out);
        break;
    case LAYER_LINEAR:
        kernel_pointwise(k, TENSOR_DENSE, in, 1, out);
        break;
    case LAYER_KINDS:
        break;
    }
}
