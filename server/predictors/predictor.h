/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Predictors of a subnet's top-1 accuracy: multi-layer perceptrons on one-hot features, in safetensors files.
 *
 * Encodings, by the space's family, both once-for-all's and all zero for blocks that the depth skips:
 * inverted_residual (accuracy_predictor.py): for each block a one-hot kernel size, then for each block a one-hot expand
 * ratio, then a one-hot resolution over 112, 128, ..., 224. bottleneck (class ResNetArchEncoder): a one-hot resolution
 * over 128, 144, 160, 176, 192, 224, 240, 256, then two features for a stem without and with its middle convolution,
 * one-hot widths, and for each block a one-hot expand ratio. inverted_residual with widths to choose from (MCUNet,
 * which published none; Lathe's own): as inverted_residual, a one-hot width before the resolution, which is over 48,
 * 64, ..., 224. A resolution between two classes takes both neighbours' features in proportion to its distance (Lathe's
 * own extension); outside of all classes it is refused. Threads: a struct predictor never changes; each thread brings
 * its own struct predictor_work. */
#ifndef LATHE_PREDICTORS_PREDICTOR_H
#define LATHE_PREDICTORS_PREDICTOR_H

#include <jansson.h>

#include "server/spaces/space.h"

struct predictor;
struct predictor_work;

/** Read a safetensors file. Linear layers are taken in order of their names (0.weight, 0.bias, 2.weight, ...), with
 * ReLU between them; a ridge regression is a single layer. Every length, shape, offset and type is checked before use;
 * NaN and infinity are refused. OFA's layout for ResNet50 (layers.0.0.weight, ..., layers.3.weight, base_acc in place
 * of its bias) is taken for family bottleneck, and LATHE_UNSUPPORTED for others, whose features come in another order
 * there.
 *  @param space  whose encoding its inputs must fit. Borrowed: must outlive the predictor. */
enum lathe_status predictor_load(const void *bytes, size_t size, const struct space *space, struct predictor **out,
                                 struct lathe_error *err);
void predictor_free(struct predictor *);

/** The space id that a file names in its metadata. @param[out] id 65 bytes; "" when it names none. */
enum lathe_status predictor_file_space(const void *bytes, size_t size, char id[65], struct lathe_error *err);

/** {"space","layers":[128,400,..],"parameters","metadata":{..}}; a new reference. */
json_t *predictor_describe(const struct predictor *);
const struct space *predictor_space(const struct predictor *);
bool predictor_has_resolution(const struct predictor *, int resolution);

enum { PREDICTOR_BATCH = 256 };
/** Scratch for batches of up to PREDICTOR_BATCH. @return NULL when out of memory. */
struct predictor_work *predictor_work_new(const struct predictor *);
void predictor_work_free(struct predictor_work *);

/** Predict. @param top1 n fractions (0.78 is 78%), clipped to nothing; NAN where predictor_has_resolution() is
 *  false. n of any size; runs in batches of PREDICTOR_BATCH. No allocation. Same input, same output, whatever the batch
 * it stood in, up to 1e-6. */
void predictor_evaluate(const struct predictor *, struct predictor_work *, const struct subnet *, size_t n,
                        float *top1);

#endif
