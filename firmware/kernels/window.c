/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "firmware/kernels/window.h"

#include "firmware/kernels/arithmetic.h"
#include "firmware/kernels/bytes.h"
#include "firmware/kernels/dense.h"

/* Columns of a window that lie within the image, from..to of 0..kernel. */
struct span {
    int left, from, to; /* left: the window's first column in the image, below 0 where it begins outside */
};

static struct span span_at(const struct window *w, int x)
{
    const int left = x * w->stride - (w->kernel - 1) / 2;
    const int right = w->width - left;
    return (struct span){left, left < 0 ? -left : 0, right < w->kernel ? right : w->kernel};
}

/* What output pixel x sees, [kernel][kernel][channels], with the zero point where there is no image. */
static void gather(const struct window *w, int x, int8_t zero, int8_t *patch)
{
    const struct span s = span_at(w, x);
    const size_t channels = (size_t)w->channels;
    const size_t row = (size_t)w->kernel * channels;
    const size_t before = (size_t)s.from * channels;
    const size_t inside = (size_t)(s.to - s.from) * channels;
    for (int i = 0; i < w->kernel; i++, patch += row) {
        if (!w->rows[i]) {
            bytes_fill(patch, zero, row);
            continue;
        }
        bytes_fill(patch, zero, before);
        bytes_copy(patch + before, w->rows[i] + (size_t)(s.left + s.from) * channels, inside);
        bytes_fill(patch + before + inside, zero, row - before - inside);
    }
}

void window_convolve(const struct kernel_step *s, const struct window *w, const struct window_out *out)
{
    int8_t *to = out->to;
    for (int x = 0; x < w->pixels; x += 2) {
        const int lanes = w->pixels - x > 1 ? 2 : 1;
        for (int lane = 0; lane < lanes; lane++) {
            const int8_t *pixel = out->patch;
            if (w->kernel == 1) pixel = w->rows[0] + (size_t)((x + lane) * w->stride) * (size_t)w->channels;
            else gather(w, x + lane, (int8_t)s->in_zero, out->patch);
            dense_widen(s, pixel, lane, lanes, out->columns);
        }
        dense_run(s, out->columns, lanes, to, out->pixel_step, out->channel_step);
        to += 2 * out->pixel_step;
    }
}

void window_max(const struct window *w, int8_t *out)
{
    const size_t channels = (size_t)w->channels;
    for (int x = 0; x < w->pixels; x++, out += channels) {
        const struct span s = span_at(w, x);
        bytes_fill(out, INT8_MIN, channels);
        for (int i = 0; i < w->kernel; i++) {
            if (!w->rows[i]) continue;
            for (int j = s.from; j < s.to; j++) bytes_max(out, w->rows[i] + (size_t)(s.left + j) * channels, channels);
        }
    }
}

void window_average(const int8_t *image, int32_t pixels, int32_t channels, int8_t *out)
{
    int32_t c = 0;
    for (; c + 4 <= channels; c += 4) {
        int32_t sums[4] = {0};
        const int8_t *at = image + c;
        for (int32_t p = 0; p < pixels; p++, at += channels) {
            const uint32_t word = bytes_load(at);
            sums[0] += (int8_t)word;
            sums[1] += (int8_t)(word >> 8);
            sums[2] += (int8_t)(word >> 16);
            sums[3] += (int8_t)(word >> 24);
        }
        for (int i = 0; i < 4; i++) out[c + i] = kernel_average(sums[i], pixels);
    }
    for (; c < channels; c++) {
        int32_t sum = 0;
        const int8_t *at = image + c;
        for (int32_t p = 0; p < pixels; p++, at += channels) sum += *at;
        out[c] = kernel_average(sum, pixels);
    }
}

void window_mean(const struct window *w, int8_t *out)
{
    for (int x = 0; x < w->pixels; x++) {
        const int left = x * w->kernel;
        const int columns = w->width - left < w->kernel ? w->width - left : w->kernel;
        for (int c = 0; c < w->channels; c++) {
            int32_t sum = 0;
            int32_t n = 0;
            for (int i = 0; i < w->kernel && w->rows[i]; i++) {
                n += columns;
                for (int j = 0; j < columns; j++) sum += w->rows[i][(left + j) * w->channels + c];
            }
            *out++ = n > 0 ? kernel_average(sum, n) : 0;
        }
    }
}
