/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What a layer takes on a microcontroller, to the byte: the places of its tensors and of all scratch in the firmware's
 * one arena, and its flash. The firmware runs layers by this plan (firmware/kernels/execute.h), and the server asks it
 * what fits.
 *
 * A layer finds its input at the start of the arena and leaves its output there. So a network needs as much as the
 * layer that needs most: the peak of a chain is the maximum over its layers, and no layer's plan depends on another.
 * Layers run row by row. A block keeps as many rows of its expanded tensor as its window is high, never the whole, and
 * output rows are written over input rows that nothing reads any more: the input is first moved up by as much as that
 * takes, which is part of the layer and of its time. With a residual the output replaces the input in place. Only
 * squeeze-excite, which pools over the image, keeps the whole depthwise output.
 *
 * Freestanding C11, compiled into firmware. Threads: plain values. */
#ifndef LATHE_LAYER_BOARD_MEMORY_H
#define LATHE_LAYER_BOARD_MEMORY_H

#include "lut/layer/layer.h"

enum {
    BOARD_FAN_IN_MAX = 8192,    /* inputs of one sum: a row of weights */
    BOARD_PIXELS_MAX = 1 << 23, /* of a tensor that is averaged: sums are int32 */
    BOARD_CHANNEL_BYTES = 8,    /* multiplier, shift and bias of one channel */
    BOARD_TABLE_BYTES = 256,    /* of an activation that is no clamp */
    BOARD_ALIGN_BYTES = 4       /* of the arena, and of every place in it */
};

/* Offsets from the arena's start, in bytes, multiples of BOARD_ALIGN_BYTES. Input and output both begin at 0. What a
 * layer does not have takes no bytes. `channels` to the end is scratch: nothing of it outlives the layer. */
struct board_plan {
    uint64_t bytes;    /* of the arena: the end of all below */
    uint64_t in;       /* where the input is moved before the layer runs; 0: it stays */
    uint64_t wide;     /* squeeze-excite: the depthwise output [out.h][out.w][mid] */
    uint64_t channels; /* constants of all channels, BOARD_CHANNEL_BYTES each, tensors by their numbers */
    uint64_t tables;   /* of curves, BOARD_TABLE_BYTES each */
    uint64_t ring;     /* rows of the expanded tensor. mbconv: min(k, in.h) x [mid][in.w + pad] and pad, one row more of
                          nothing but the zero point, and 4 bytes that may be read. bottleneck: min(k, in.h) x
                          [in.w][mid] */
    uint64_t row;      /* mbconv, bottleneck: one row of the window's output, [out.w][mid]. avgpool: the averages */
    uint64_t sum;      /* mbconv with residual, bottleneck: one row of the other summand, [out.w][out.c] */
    uint64_t pooled;   /* bottleneck: one row of averages for the shortcut, [out.w][in.c]. mbconv: squeeze-excite's
                          averages and gate [2][mid] and its middle [se] */
    uint64_t patch;    /* windows above 1x1: what one output pixel sees, [k][k][channels] */
    uint64_t columns;  /* int16: the inputs of one or two pixels, their number rounded up to 4 */
};

/** Why no plan can be made, whatever the arena: a static sentence for a person; NULL when there is one.
 *  @param layer valid by layer_validate(), as everywhere here. */
const char *board_layer_refusal(const struct layer *);

/** @param layer that board_layer_refusal() does not refuse. */
void board_plan_layer(const struct layer *, struct board_plan *out);

/** board_plan's `bytes`: what the arena must have. A network's peak is the maximum over its layers. */
uint64_t board_layer_arena_bytes(const struct layer *);
/** Constants in that: BOARD_CHANNEL_BYTES a channel and tables. A deployed network would have them in flash. */
uint64_t board_layer_constant_bytes(const struct layer *);
/** Flash as deployed: int8 weights and the constants. A network's is the sum over its layers. */
uint64_t board_layer_flash_bytes(const struct layer *);

#endif
