/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/kernels/depthwise.h"

#include "firmware/kernels/arithmetic.h"
#include "firmware/kernels/bytes.h"

void depthwise_spread(const int8_t *from, int width, int channels, int8_t *to, ptrdiff_t plane)
{
    for (int x = 0; x < width; x++) {
        int8_t *at = to + x;
        int c = 0;
        for (; c + 4 <= channels; c += 4, from += 4) {
            const uint32_t word = bytes_load(from);
            at[0] = (int8_t)word;
            at[plane] = (int8_t)(word >> 8);
            at += 2 * plane;
            at[0] = (int8_t)(word >> 16);
            at[plane] = (int8_t)(word >> 24);
            at += 2 * plane;
        }
        for (; c < channels; c++, at += plane) *at = *from++;
    }
}

void depthwise_weights(const struct kernel_step *s, int kernel, int32_t channel, int8_t *out)
{
    const int taps = kernel * kernel;
    uint32_t at = s->first + (uint32_t)channel;
    for (int i = 0; i < taps; i++) {
        while (at >= QUANT_BLOB_VALUES) at -= QUANT_BLOB_VALUES;
        out[i] = s->blob[at];
        at += (uint32_t)s->outputs;
    }
}

KERNEL_INLINE void run_channel(const struct depthwise_row *d, int32_t channel, const int kernel)
{
    const struct kernel_step *s = d->step;
    const struct kernel_channel *c = &s->channels[channel];
    const int8_t *rows[DEPTHWISE_KERNEL_MAX];
    int8_t weights[DEPTHWISE_KERNEL_MAX * DEPTHWISE_KERNEL_MAX];
    int8_t *out = d->out + channel;
    depthwise_weights(s, kernel, channel, weights);
    for (int i = 0; i < kernel; i++) rows[i] = d->rows[i] + channel * d->plane[i];
    for (int x = 0; x < d->pixels; x++, out += s->outputs) {
        const int8_t *w = weights;
        int32_t sum = kernel_bias(c);
        for (int i = 0; i < kernel; i++, w += kernel) {
            const int8_t *row = rows[i] + x * d->stride;
            for (int j = 0; j < kernel; j++) sum += row[j] * w[j]; // NOLINT: depthwise_weights() wrote all of them
        }
        const int32_t product = (int32_t)(((int64_t)sum * c->multiplier + (1 << 30)) >> 31);
        *out = kernel_finish(product, c->bias_shift, s->out_zero, s->min);
    }
}

KERNEL_INLINE void run_channels(const struct depthwise_row *d, const int kernel)
{
    for (int32_t c = 0; c < d->step->outputs; c++) run_channel(d, c, kernel);
}

void depthwise_plain(const struct depthwise_row *d)
{
    if (d->kernel == 3) run_channels(d, 3);
    else if (d->kernel == 5) run_channels(d, 5);
    else run_channels(d, d->kernel);
}
