/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Columns: of each four inputs the words (0, 2) and (1, 3), as SXTB16 makes them; where there are two pixels, both
 * words of the first, then both of the second. Weights become such words on the way. */
#include "firmware/kernels/dense.h"

#include "firmware/kernels/bytes.h"
#include "firmware/kernels/simd/requantise.h"

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

/* Two rows of weights over the columns. The last word of a row may hold some of the next one: the columns have zeros
 * there. @param[out] sums of row a, of row b; then those of the second pixel. Biases before. */
KERNEL_INLINE void run_rows(const uint32_t *x, const int lanes, const int8_t *a, const int8_t *b, const int8_t *end,
                            int32_t sums[4])
{
    int32_t a0 = sums[0];
    int32_t b0 = sums[1];
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
    sums[0] = a0;
    sums[1] = b0;
    sums[2] = a1;
    sums[3] = b1;
}

/* Channels by twos; where the last one has no neighbour it is run twice. */
KERNEL_INLINE void run_all(const struct kernel_step *s, const int16_t *columns, const int lanes, const bool rectified,
                           int8_t *out, ptrdiff_t pixel_step, ptrdiff_t channel_step)
{
    const int32_t round = requantise_round(s);
    const int32_t inputs = s->inputs;
    const int8_t *const blob = s->blob;
    const struct kernel_channel *channel = s->channels;
    uint32_t at = s->first;
    for (int32_t left = s->outputs; left > 0; left -= 2, channel += 2) {
        const bool alone = left == 1;
        const uint32_t next = alone ? at : dense_next_row(at, inputs);
        const struct kernel_channel *second = alone ? channel : channel + 1;
        int8_t *to = alone ? out : out + channel_step;
        int32_t sums[4] = {kernel_bias(channel), kernel_bias(second)};
        run_rows((const uint32_t *)(const void *)columns, lanes, blob + at, blob + next, blob + at + inputs, sums);
        const struct kernel_channel a = *channel;
        const struct kernel_channel b = *second;
        out[0] = requantise(sums[0], a.multiplier, a.bias_shift, round, rectified);
        to[0] = requantise(sums[1], b.multiplier, b.bias_shift, round, rectified);
        if (lanes == 2) {
            out[pixel_step] = requantise(sums[2], a.multiplier, a.bias_shift, round, rectified);
            to[pixel_step] = requantise(sums[3], b.multiplier, b.bias_shift, round, rectified);
        }
        at = dense_next_row(next, inputs);
        out = to + channel_step;
    }
}

void dense_run(const struct kernel_step *s, const int16_t *columns, int lanes, int8_t *out, ptrdiff_t pixel_step,
               ptrdiff_t channel_step)
{
    if (lanes == 2 && s->min == 0) run_all(s, columns, 2, true, out, pixel_step, channel_step);
    else if (lanes == 2) run_all(s, columns, 2, false, out, pixel_step, channel_step);
    else if (s->min == 0) run_all(s, columns, 1, true, out, pixel_step, channel_step);
    else run_all(s, columns, 1, false, out, pixel_step, channel_step);
}
