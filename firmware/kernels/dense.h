/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Sums over all inputs: 1x1 convolutions and linear steps, and what any other window sees once its taps are gathered in
 * a patch. The inputs of one pixel or two, less their zero point, are first widened to int16 columns; then each two
 * rows of weights go over them. Of the flavour (plain/, simd/), as is the order of values in the columns.
 * Threads: plain values. */
#ifndef LATHE_FIRMWARE_KERNELS_DENSE_H
#define LATHE_FIRMWARE_KERNELS_DENSE_H

#include "firmware/kernels/execute.h"

/** Widen one pixel's inputs. @param lane of the pixel, below lanes. @param lanes 1 or 2.
 *  @param[out] columns lanes x 2 bytes for each input, whose number is rounded up to 4; zeros behind the last one. */
void dense_widen(const struct kernel_step *, const int8_t *pixel, int lane, int lanes, int16_t *columns);

/** All sums of the pixels in the columns, requantised and clamped; without the step's table.
 *  @param out of the first pixel's first channel. @param pixel_step, channel_step bytes to the next ones. */
void dense_run(const struct kernel_step *, const int16_t *columns, int lanes, int8_t *out, ptrdiff_t pixel_step,
               ptrdiff_t channel_step);

/** The row of weights after the one that begins at index `at` of the blob. */
static inline uint32_t dense_next_row(uint32_t at, int32_t inputs)
{
    at += (uint32_t)inputs;
    return at >= QUANT_BLOB_VALUES ? at - QUANT_BLOB_VALUES : at;
}

#endif
