/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The hidden layers of a predictor in bfloat16 by oneDNN: twice the speed of f32 where the processor multiplies
 * bfloat16 itself. Of once-for-all's predictor it changes a prediction by some 0.004 points.
 * Threads: a struct bf16_layers never changes; each thread brings its own struct bf16_work. */
#ifndef LATHE_PREDICTORS_BF16_H
#define LATHE_PREDICTORS_BF16_H

#include <stddef.h>
#include <stdint.h>

#include "server/predictors/internal.h"

/* Rows of a batch come in multiples of this. */
enum { BF16_ROWS = 8 };

struct bf16_layers;
struct bf16_work;

/** @param layers,count the layers between the first and the last. @return NULL when the processor can't, when there are
 *  none, or when oneDNN fails: then f32 does the work. */
struct bf16_layers *bf16_layers_new(const struct dense *layers, int count);
void bf16_layers_free(struct bf16_layers *);

/** Scratch for batches of up to PREDICTOR_BATCH rows. @return NULL when out of memory. */
struct bf16_work *bf16_work_new(const struct bf16_layers *);
void bf16_work_free(struct bf16_work *);

/** Where the inputs go: [PREDICTOR_BATCH][inputs of the first of the layers], bfloat16. Owned by the work. */
uint16_t *bf16_inputs(struct bf16_work *);
/** Run all layers with their ReLU. @param rows a multiple of BF16_ROWS. @return the outputs, [rows][outputs], f32,
 * owned by the work; NULL when oneDNN fails. */
const float *bf16_run(const struct bf16_layers *, struct bf16_work *, size_t rows);

#endif
