/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Layers in int8 on a microcontroller, bit for bit what agents/wire/PROTOCOL.md defines, in an arena that
 * lut/layer/board_memory.h plans to the byte.
 *
 * A run of a network, layer by layer; what is between the clock's two readings is timed:
 *
 *   kernel_input(&layers[0], seed, arena);
 *   for (i = 0; i < count; i++) {
 *       kernel_prepare(&k, &layers[i], network_occurrence(i), seed, blob, arena);
 *       start = clock();  kernel_run(&k);  times[i] = clock() - start;
 *   }
 *   crc = wire_crc32(0, arena, bytes of the last output);
 *
 * Constants of channels and tables are made by kernel_prepare() in the layer's own part of the arena: every run makes
 * them anew, since the layers share it. Weights are read from the blob in flash.
 *
 * Freestanding C11 and libm; no heap, nothing static that changes. Threads: one arena is used by one at a time. */
#ifndef LATHE_FIRMWARE_KERNELS_EXECUTE_H
#define LATHE_FIRMWARE_KERNELS_EXECUTE_H

#include "agents/runner/core/quant.h"
#include "lut/layer/board_memory.h"

/* The blob of quant_blob(), then its beginning once more: as much as the longest row of weights reads past its end, so
 * that no row ever wraps around. make_blob.py makes it as `const int8_t kernel_blob[KERNEL_BLOB_BYTES]`. */
enum { KERNEL_BLOB_BYTES = QUANT_BLOB_VALUES + BOARD_FAN_IN_MAX + 4 };
extern const int8_t kernel_blob[KERNEL_BLOB_BYTES];

/* Constants of one channel, in the arena. */
struct kernel_channel {
    int32_t multiplier;
    int32_t bias_shift; /* bias x 256 + (shift - 1): the sum is multiplied, then divided by 2^shift, shift from 1 */
};

/* One convolution or linear step, ready to run. */
struct kernel_step {
    const int8_t *blob;
    uint32_t first;   /* index of the first weight in the blob */
    int32_t inputs;   /* of one sum: a row of weights */
    int32_t outputs;  /* channels */
    int32_t in_zero;  /* zero point of the input */
    int32_t out_zero; /* of the sums */
    int32_t min;      /* clamp of the sums: -128 or 0; the upper one is 127 */
    const struct kernel_channel *channels;
    const int8_t *table; /* curve over the clamped sums; NULL: none */
};

/* A layer ready to run. Caller's storage; only execute.c looks inside. Points into the arena. */
struct kernel_layer {
    struct layer layer;
    struct board_plan plan;
    uint8_t *arena;
    const int8_t *sum_table; /* bottleneck's curve after the sum; NULL: none */
    struct kernel_step steps[TENSORS];
};

/** "simd" or "plain": which of the two this was built with. Static. */
const char *kernel_flavour(void);

/** Write a network's input to the arena's start, as the recipe has it. @param arena in.h x in.w x in.c bytes. */
void kernel_input(const struct layer *first, uint32_t seed, void *arena);

/** Make a layer's constants. What lies below plan.channels (the layer's input) is not touched.
 *  @param layer valid, not refused by board_layer_refusal().
 *  @param occurrence number of equal layers before it in its network.
 *  @param blob KERNEL_BLOB_BYTES values; outlives the layer.
 *  @param arena aligned to BOARD_ALIGN_BYTES, of at least board_layer_arena_bytes(layer) bytes, and of no less than any
 *  tensor in it. */
void kernel_prepare(struct kernel_layer *out, const struct layer *, int occurrence, uint32_t seed, const int8_t *blob,
                    void *arena);

/** Run a prepared layer once: input at the arena's start before, output there afterwards. The input is lost, and so
 *  are the constants of every other layer in the arena; its own stay. What is timed. */
void kernel_run(const struct kernel_layer *);

#endif
