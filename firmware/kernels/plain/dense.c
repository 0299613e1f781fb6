/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Columns: inputs in their order, those of two pixels beside each other. */
#include "firmware/kernels/dense.h"

#include "firmware/kernels/arithmetic.h"

void dense_widen(const struct kernel_step *s, const int8_t *pixel, int lane, int lanes, int16_t *columns)
{
    const int32_t zero = s->in_zero;
    int16_t *to = columns + lane;
    for (int32_t i = 0; i < s->inputs; i++, to += lanes) *to = (int16_t)(pixel[i] - zero);
    for (int32_t i = s->inputs; i % 4; i++, to += lanes) *to = 0;
}

KERNEL_INLINE int8_t finish(const struct kernel_step *s, const struct kernel_channel *c, int32_t sum)
{
    const int32_t product = (int32_t)(((int64_t)sum * c->multiplier + (1 << 30)) >> 31);
    return kernel_finish(product, c->bias_shift, s->out_zero, s->min);
}

/* Two channels, or one twice. */
KERNEL_INLINE void run_rows(const struct kernel_step *s, const int16_t *x, const int lanes, const int8_t *const rows[2],
                            const struct kernel_channel *const channels[2], int8_t *const out[2], ptrdiff_t pixel_step)
{
    const int8_t *a = rows[0];
    const int8_t *b = rows[1];
    const int8_t *end = a + s->inputs;
    int32_t a0 = kernel_bias(channels[0]);
    int32_t b0 = kernel_bias(channels[1]);
    int32_t a1 = a0;
    int32_t b1 = b0;
    while (a < end) {
        /* NOLINTBEGIN(bugprone-signed-char-misuse): weights are numbers */
        const int32_t wa = *a++;
        const int32_t wb = *b++;
        /* NOLINTEND(bugprone-signed-char-misuse) */
        a0 += wa * x[0];
        b0 += wb * x[0];
        if (lanes == 2) {
            a1 += wa * x[1];
            b1 += wb * x[1];
        }
        x += lanes;
    }
    out[0][0] = finish(s, channels[0], a0);
    out[1][0] = finish(s, channels[1], b0);
    if (lanes == 1) return;
    out[0][pixel_step] = finish(s, channels[0], a1);
    out[1][pixel_step] = finish(s, channels[1], b1);
}

KERNEL_INLINE void run_all(const struct kernel_step *s, const int16_t *columns, const int lanes, int8_t *out,
                           ptrdiff_t pixel_step, ptrdiff_t channel_step)
{
    uint32_t at = s->first;
    for (int32_t o = 0; o < s->outputs; o += 2) {
        const bool pair = o + 1 < s->outputs;
        const uint32_t next = dense_next_row(at, s->inputs);
        const int8_t *const rows[2] = {s->blob + at, s->blob + (pair ? next : at)};
        const struct kernel_channel *const channels[2] = {s->channels + o, s->channels + o + pair};
        int8_t *const to[2] = {out, out + (pair ? channel_step : 0)};
        run_rows(s, columns, lanes, rows, channels, to, pixel_step);
        at = dense_next_row(next, s->inputs);
        out += 2 * channel_step;
    }
}

void dense_run(const struct kernel_step *s, const int16_t *columns, int lanes, int8_t *out, ptrdiff_t pixel_step,
               ptrdiff_t channel_step)
{
    if (lanes == 2) run_all(s, columns, 2, out, pixel_step, channel_step);
    else run_all(s, columns, 1, out, pixel_step, channel_step);
}
