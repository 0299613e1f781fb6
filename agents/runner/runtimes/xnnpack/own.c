/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Steps of int8 that XNNPACK has no operator for: its tables are sigmoid's, tanh's and ELU's alone, and its average
 * pooling of windows is for uint8. Both are exact by core/quant.h. They share the operators' threads. */
#include <stdlib.h>

#include "agents/runner/runtimes/xnnpack/internal.h"

enum { TILE_BYTES = 16384 };

struct own {
    void (*run)(struct own *, pthreadpool_t);
    const int8_t *from;
    int8_t *to;
    size_t n;           /* values of the whole batch at `from`; average: images */
    struct layer layer; /* average */
    int8_t table[256];
};

static void look_up(void *context, size_t start, size_t n)
{
    const struct own *own = context;
    const int8_t *from = own->from + start;
    int8_t *to = own->to + start;
    for (size_t i = 0; i < n; i++) to[i] = own->table[(uint8_t)from[i]];
}

static void run_table(struct own *own, pthreadpool_t threads)
{
    pthreadpool_parallelize_1d_tile_1d(threads, look_up, own, own->n, TILE_BYTES, 0);
}

struct own *own_table(enum quant_curve curve, struct quant in, struct quant out)
{
    struct own *own = calloc(1, sizeof *own);
    if (!own) return NULL;
    own->run = run_table;
    quant_table(curve, in, out, own->table);
    return own;
}

/* One output pixel: all channels of rows x columns input pixels. They are at most 16, n, so that x = |sum| + n / 2 is
 * at most 2056, and x / n the same as x * ceil(2^16 / n) / 2^16, which is too large by less than x / 2^16 < 1 / n. */
static void average_pixel(const int8_t *from, size_t channels, size_t row_bytes, int rows, int columns, int8_t *to)
{
    const int32_t n = rows * columns;
    const int32_t inverse = (65536 + n - 1) / n;
    for (size_t c = 0; c < channels; c++) {
        int32_t sum = 0;
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < columns; x++) sum += from[(size_t)y * row_bytes + (size_t)x * channels + c];
        int32_t quotient = ((sum < 0 ? -sum : sum) + n / 2) * inverse >> 16;
        to[c] = (int8_t)(sum < 0 ? -quotient : quotient);
    }
}

static int rest(int at, int size, int n)
{
    return at + size > n ? n - at : size;
}

static void average_row(void *context, size_t image, size_t y)
{
    const struct own *own = context;
    const struct layer *l = &own->layer;
    const int stride = l->stride;
    const size_t channels = (size_t)l->in.c;
    const size_t row_bytes = (size_t)l->in.w * channels;
    const int8_t *from = own->from + image * shape_elements(&l->in) + y * (size_t)stride * row_bytes;
    int8_t *to = own->to + (image * (size_t)l->out.h + y) * (size_t)l->out.w * channels;
    const int rows = rest((int)y * stride, stride, l->in.h);
    for (int x = 0; x < l->out.w; x++)
        average_pixel(from + (size_t)(x * stride) * channels, channels, row_bytes, rows,
                      rest(x * stride, stride, l->in.w), to + (size_t)x * channels);
}

static void run_average(struct own *own, pthreadpool_t threads)
{
    pthreadpool_parallelize_2d(threads, average_row, own, own->n, (size_t)own->layer.out.h, 0);
}

struct own *own_average(const struct layer *l)
{
    struct own *own = calloc(1, sizeof *own);
    if (!own) return NULL;
    own->run = run_average;
    own->layer = *l;
    return own;
}

void own_setup(struct own *own, size_t batch, const struct shape *in, const int8_t *from, int8_t *to)
{
    own->n = own->run == run_average ? batch : batch * shape_elements(in);
    own->from = from;
    own->to = to;
}

void own_run(struct own *own, pthreadpool_t threads)
{
    own->run(own, threads);
}
