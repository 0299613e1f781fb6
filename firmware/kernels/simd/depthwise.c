/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Kernels 3, 5 and 7. Of the taps x0, x1, .. of a window's row SXTB16 makes the words (x0, x2), (x1, x3) and (x4, x6),
 * (x5, x7); weights are words in the same order, so that a word has two taps. The pixel to the right at stride 1 sees
 * x1, x2, ..: the same words against the same weights, but for taps that it takes one by one. */
#include "firmware/kernels/depthwise.h"

#include "firmware/kernels/bytes.h"
#include "firmware/kernels/simd/requantise.h"

/* Weights of a row: (w0, w2), (w1, w3), (w4, w6), (w5, -), those that there are; zeros otherwise. */
struct row_weights {
    uint32_t w02, w13, w46, w5;
};

KERNEL_INLINE uint32_t pair(const int8_t *w, int a, int b, int kernel)
{
    const int32_t low = a < kernel ? w[a] : 0;
    const int32_t high = b < kernel ? w[b] : 0;
    return (uint16_t)low | (uint32_t)high << 16;
}

KERNEL_INLINE int32_t one_row(const struct row_weights *w, const int8_t *x, const int kernel, int32_t sum)
{
    const uint32_t first = bytes_load(x);
    const uint32_t x13 = dsp_sxtb16_odd(first);
    sum = dsp_smlad(dsp_sxtb16(first), w->w02, sum);
    if (kernel == 3) return dsp_smlabb(x13, w->w13, sum);
    const uint32_t second = bytes_load(x + 4);
    const uint32_t x46 = dsp_sxtb16(second);
    sum = dsp_smlad(x13, w->w13, sum);
    if (kernel == 5) return dsp_smlabb(x46, w->w46, sum);
    sum = dsp_smlad(x46, w->w46, sum);
    return dsp_smlabb(dsp_sxtb16_odd(second), w->w5, sum);
}

/* Two pixels at stride 1. */
KERNEL_INLINE void two_rows(const struct row_weights *w, const int8_t *x, const int kernel, int32_t sums[2])
{
    const uint32_t first = bytes_load(x);
    const uint32_t x02 = dsp_sxtb16(first);
    const uint32_t x13 = dsp_sxtb16_odd(first);
    sums[0] = dsp_smlad(x02, w->w02, sums[0]);
    sums[1] = dsp_smlad(x13, w->w02, sums[1]);
    sums[1] = dsp_smlatb(x02, w->w13, sums[1]);
    if (kernel == 3) {
        sums[0] = dsp_smlabb(x13, w->w13, sums[0]);
        return;
    }
    const uint32_t second = bytes_load(x + 4);
    const uint32_t x46 = dsp_sxtb16(second);
    const uint32_t x57 = dsp_sxtb16_odd(second);
    sums[0] = dsp_smlad(x13, w->w13, sums[0]);
    sums[1] = dsp_smlabt(x46, w->w13, sums[1]);
    if (kernel == 5) {
        sums[0] = dsp_smlabb(x46, w->w46, sums[0]);
        sums[1] = dsp_smlabb(x57, w->w46, sums[1]);
        return;
    }
    sums[0] = dsp_smlad(x46, w->w46, sums[0]);
    sums[0] = dsp_smlabb(x57, w->w5, sums[0]);
    sums[1] = dsp_smlad(x57, w->w46, sums[1]);
    sums[1] = dsp_smlatb(x46, w->w5, sums[1]);
}

KERNEL_INLINE void run_channel(const struct depthwise_row *d, int32_t channel, const int kernel, const int stride)
{
    const struct kernel_step *s = d->step;
    const int32_t multiplier = s->channels[channel].multiplier;
    const int32_t bias_shift = s->channels[channel].bias_shift;
    const int32_t bias = bias_shift >> 8;
    const int32_t round = requantise_round(s);
    const int32_t outputs = s->outputs;
    const int pixels = d->pixels;
    int8_t taps[7 * 7];
    struct row_weights w[7];
    const int8_t *rows[7];
    int8_t *out = d->out + channel;
    int x = 0;
    depthwise_weights(d, channel, taps);
    for (int i = 0; i < kernel; i++) {
        const int8_t *t = taps + i * kernel;
        w[i] = (struct row_weights){pair(t, 0, 2, kernel), pair(t, 1, 3, kernel), pair(t, 4, 6, kernel),
                                    pair(t, 5, 7, kernel)};
        rows[i] = d->rows[i] + channel * d->plane[i];
    }
    for (; stride == 1 && x + 2 <= pixels; x += 2) {
        int32_t sums[2] = {bias, bias};
        for (int i = 0; i < kernel; i++) two_rows(&w[i], rows[i] + x, kernel, sums);
        out[0] = requantise(sums[0], multiplier, bias_shift, round, false);
        out[outputs] = requantise(sums[1], multiplier, bias_shift, round, false);
        out += 2 * outputs;
    }
    for (; x < pixels; x++) {
        int32_t sum = bias;
        for (int i = 0; i < kernel; i++) sum = one_row(&w[i], rows[i] + x * stride, kernel, sum);
        *out = requantise(sum, multiplier, bias_shift, round, false);
        out += outputs;
    }
}

KERNEL_INLINE void run_channels(const struct depthwise_row *d, const int kernel, const int stride)
{
    for (int32_t c = 0; c < d->step->outputs; c++) run_channel(d, c, kernel, stride);
}

void depthwise_run(const struct depthwise_row *d)
{
    const bool two = d->stride == 2;
    if (d->stride > 2 || (d->kernel != 3 && d->kernel != 5 && d->kernel != 7)) depthwise_plain(d);
    else if (d->kernel == 3 && two) run_channels(d, 3, 2);
    else if (d->kernel == 3) run_channels(d, 3, 1);
    else if (d->kernel == 5 && two) run_channels(d, 5, 2);
    else if (d->kernel == 5) run_channels(d, 5, 1);
    else if (two) run_channels(d, 7, 2);
    else run_channels(d, 7, 1);
}
