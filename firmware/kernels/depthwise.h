/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Depthwise convolution of one output row. Its input is in planes: the row of channel 0, pads of the zero point left
 * and right of it, then that of channel 1, and so on. Every channel's bias has -zero x the sum of its weights in it, so
 * that values are multiplied as they are. Any kernel from 1 to 15, any stride; what the flavour (plain/, simd/) has no
 * loop of its own for goes through depthwise_plain(). Threads: plain values. */
#ifndef LATHE_FIRMWARE_KERNELS_DEPTHWISE_H
#define LATHE_FIRMWARE_KERNELS_DEPTHWISE_H

#include "firmware/kernels/execute.h"

enum { DEPTHWISE_KERNEL_MAX = 15 };

struct depthwise_row {
    const struct kernel_step *step; /* weights [kernel][kernel][outputs] */
    int kernel, stride;
    const int8_t *rows[DEPTHWISE_KERNEL_MAX]; /* `kernel` of them: channel 0's leftmost pad. Up to 3 bytes behind a
                                                 channel's last pad are read and make no difference */
    ptrdiff_t plane[DEPTHWISE_KERNEL_MAX];    /* bytes from a row of one channel to that of the next */
    int8_t *out;                              /* [pixels][outputs of the step] */
    int pixels;
};

/** Requantised and clamped; without the step's table. */
void depthwise_run(const struct depthwise_row *);

/** The same by loops for any kernel and stride. */
void depthwise_plain(const struct depthwise_row *);

/** A row of a tensor into planes. @param from [width][channels]. @param to channel 0's first pixel. @param plane bytes
 *  from a channel to the next. */
void depthwise_spread(const int8_t *from, int width, int channels, int8_t *to, ptrdiff_t plane);

/** A channel's weights out of the blob. @param[out] out [kernel][kernel]. */
void depthwise_weights(const struct kernel_step *, int kernel, int32_t channel, int8_t *out);

#endif
