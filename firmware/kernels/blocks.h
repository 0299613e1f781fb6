/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Between the files that run layers: execute.c, mbconv.c, bottleneck.c. */
#ifndef LATHE_FIRMWARE_KERNELS_BLOCKS_H
#define LATHE_FIRMWARE_KERNELS_BLOCKS_H

#include "firmware/kernels/window.h"

int8_t *kernel_at(const struct kernel_layer *, uint64_t place);
size_t kernel_row_bytes(const struct shape *);

/** What the layer's window sees of an image for output row y. */
struct window kernel_window(const struct kernel_layer *, const struct shape *in, const int8_t *image, int y);
/** An output row whose channels are innermost. */
struct window_out kernel_out(const struct kernel_layer *, int8_t *to, int channels);
/** A dense step over one output row, its table too. @param[out] to [pixels][outputs]. */
void kernel_convolve(const struct kernel_layer *, enum tensor, const struct window *, int8_t *to);
/** The same of a 1x1 window at stride 1. @param from [pixels][inputs]. */
void kernel_pointwise(const struct kernel_layer *, enum tensor, const int8_t *from, int pixels, int8_t *to);

/** @param in where the plan moved the input. @param out the arena's start. */
void run_mbconv(const struct kernel_layer *, const int8_t *in, int8_t *out);
void run_bottleneck(const struct kernel_layer *, const int8_t *in, int8_t *out);

#endif
