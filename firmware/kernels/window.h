/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Rows of a tensor, channels innermost, through a window: dense convolution and maximum pool of one output row. Rows
 * and columns outside the image are not in memory.
 * Threads: plain values. */
#ifndef LATHE_FIRMWARE_KERNELS_WINDOW_H
#define LATHE_FIRMWARE_KERNELS_WINDOW_H

#include "firmware/kernels/execute.h"

enum { WINDOW_KERNEL_MAX = 15 };

struct window {
    int kernel, stride;
    int width, channels;                   /* of a row of the input */
    const int8_t *rows[WINDOW_KERNEL_MAX]; /* `kernel` of them, NULL where outside */
    int pixels;                            /* of the output row */
};

/* Where a step's output goes, and its scratch. */
struct window_out {
    int8_t *to;                         /* first pixel's first channel */
    ptrdiff_t pixel_step, channel_step; /* bytes to the next one's */
    int8_t *patch;                      /* board_plan's */
    int16_t *columns;
};

/** Requantised and clamped; without the step's table. */
void window_convolve(const struct kernel_step *, const struct window *, const struct window_out *);
/** @param[out] out [pixels][channels]. */
void window_max(const struct window *, int8_t *out);

/** Averages of all pixels. @param image [pixels][channels]. @param[out] out [channels]. */
void window_average(const int8_t *image, int32_t pixels, int32_t channels, int8_t *out);
/** Averages of size x size pixels from column x * size on of `rows`, those within the width.
 *  The stride is the kernel. @param[out] out [pixels][channels]. */
void window_mean(const struct window *, int8_t *out);

#endif
