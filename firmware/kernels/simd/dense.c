/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Columns: of each four inputs the words (0, 2) and (1, 3), as SXTB16 makes them; where there are two pixels, both
 * words of the first, then both of the second. Weights become such words on the way. */
#include "firmware/kernels/dense.h"

#include "firmware/kernels/arithmetic.h"
#include "firmware/kernels/bytes.h"
#include "firmware/kernels/simd/dsp.h"

void dense_widen(const struct kernel_step *s, const int8_t *pixel, int lane, int lanes, int16_t *columns)
{
    const uint32_t less = (uint32_t)-s->in_zero * 0x10001u;
    uint32_t *to = (uint32_t *)(void *)columns + 2 * lane;
    int32_t left = s->inputs;
    for (; left >= 4; left -= 4, pixel += 4, to += 2 * lanes) {
        const uint32_t word = bytes_load(pixel);
        to[0] = dsp_sxtab16(less, word);
        to[1] = dsp_sxtab16_odd(less, word);
    }
    if (!left) return;
    const int32_t zero = s->in_zero;
    const int32_t a = pixel[0] - zero;
    const int32_t b = left > 1 ? pixel[1] - zero : 0;
    const int32_t c = left > 2 ? pixel[2] - zero : 0;
    to[0] = (uint16_t)a | (uint32_t)c << 16;
    to[1] = (uint16_t)b;
}

KERNEL_INLINE int8_t finish(const struct kernel_channel *c, int32_t sum, int32_t zero, const int32_t min)
{
    return kernel_finish(dsp_smmulr(sum * 2, c->multiplier), c->bias_shift, zero, min);
}

/* Two channels, or one twice. The last word of weights may hold some of the next row: the columns have zeros there. */
KERNEL_INLINE void run_rows(const struct kernel_step *s, const uint32_t *x, const int lanes, const int32_t min,
                            const int8_t *const rows[2], const struct kernel_channel *const channels[2],
                            int8_t *const out[2], ptrdiff_t pixel_step)
{
    const int8_t *a = rows[0];
    const int8_t *b = rows[1];
    const int8_t *end = a + s->inputs;
    int32_t a0 = kernel_bias(channels[0]);
    int32_t b0 = kernel_bias(channels[1]);
    int32_t a1 = a0;
    int32_t b1 = b0;
    do {
        const uint32_t wa = bytes_load(a);
        const uint32_t wb = bytes_load(b);
        const uint32_t even_a = dsp_sxtb16(wa);
        const uint32_t odd_a = dsp_sxtb16_odd(wa);
        const uint32_t even_b = dsp_sxtb16(wb);
        const uint32_t odd_b = dsp_sxtb16_odd(wb);
        a0 = dsp_smlad(x[0], even_a, a0);
        b0 = dsp_smlad(x[0], even_b, b0);
        a0 = dsp_smlad(x[1], odd_a, a0);
        b0 = dsp_smlad(x[1], odd_b, b0);
        if (lanes == 2) {
            a1 = dsp_smlad(x[2], even_a, a1);
            b1 = dsp_smlad(x[2], even_b, b1);
            a1 = dsp_smlad(x[3], odd_a, a1);
            b1 = dsp_smlad(x[3], odd_b, b1);
        }
        a += 4;
        b += 4;
        x += 2 * lanes;
    } while (a < end);
    out[0][0] = finish(channels[0], a0, s->out_zero, min);
    out[1][0] = finish(channels[1], b0, s->out_zero, min);
    if (lanes == 1) return;
    out[0][pixel_step] = finish(channels[0], a1, s->out_zero, min);
    out[1][pixel_step] = finish(channels[1], b1, s->out_zero, min);
}

KERNEL_INLINE void run_all(const struct kernel_step *s, const int16_t *columns, const int lanes, const int32_t min,
                           int8_t *out, ptrdiff_t pixel_step, ptrdiff_t channel_step)
{
    uint32_t at = s->first;
    for (int32_t o = 0; o < s->outputs; o += 2) {
        const bool pair = o + 1 < s->outputs;
        const uint32_t next = dense_next_row(at, s->inputs);
        const int8_t *const rows[2] = {s->blob + at, s->blob + (pair ? next : at)};
        const struct kernel_channel *const channels[2] = {s->channels + o, s->channels + o + pair};
        int8_t *const to[2] = {out, out + (pair ? channel_step : 0)};
        run_rows(s, (const uint32_t *)(const void *)columns, lanes, min, rows, channels, to, pixel_step);
        at = dense_next_row(next, s->inputs);
        out += 2 * channel_step;
    }
}

void dense_run(const struct kernel_step *s, const int16_t *columns, int lanes, int8_t *out, ptrdiff_t pixel_step,
               ptrdiff_t channel_step)
{
    if (lanes == 2 && s->min == 0) run_all(s, columns, 2, 0, out, pixel_step, channel_step);
    else if (lanes == 2) run_all(s, columns, 2, INT8_MIN, out, pixel_step, channel_step);
    else if (s->min == 0) run_all(s, columns, 1, 0, out, pixel_step, channel_step);
    else run_all(s, columns, 1, INT8_MIN, out, pixel_step, channel_step);
}
