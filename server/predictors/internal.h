/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What loading and inference share. Nothing outside this folder includes it. */
#ifndef LATHE_PREDICTORS_INTERNAL_H
#define LATHE_PREDICTORS_INTERNAL_H

#include "server/predictors/encoding.h"
#include "server/predictors/predictor.h"
#include "server/predictors/safetensors.h"

enum { LAYERS_MAX = 16, WIDTH_MAX = 16384 };

struct dense {
    int in, out;
    float *weight; /* [in][out]: the file's transposed, so that an input's weights lie together */
    float *bias;   /* [out] */
};

struct columns;
struct bf16_layers;

struct predictor {
    const struct space *space;
    struct encoding encoding;
    json_t *metadata; /* object; empty when the file has none */
    int layer_count;
    struct dense layers[LAYERS_MAX];
    struct columns *columns;  /* the first layer, choice by choice */
    struct bf16_layers *bf16; /* the layers between first and last; NULL where f32 must do */
};

/** OpenBLAS in one thread, from now on: the same sums in the same order, and no threads beside the server's own. */
void predictor_use_one_thread(void);

/** One layer of a batch by OpenBLAS. @param x [rows][in]. @param[out] y [rows][out]. */
void dense_run(const struct dense *, const float *x, float *y, size_t rows, bool relu);

/* A layer's tensors in a file; a bias of one number may come from another place than the layer itself. */
struct layer_tensors {
    const struct tensor *weight, *bias;
};
/** The layers of a file from first to last, by the names of its tensors; every tensor is one of them. Shapes are not
 *  looked at. @param[out] out LAYERS_MAX, pointing into the file.
 *  @return LATHE_INVALID (err names the tensor), or LATHE_UNSUPPORTED for a layout whose features the encoding has not.
 */
enum lathe_status layer_tensors_find(const struct safetensors *, const struct encoding *, struct layer_tensors *out,
                                     int *count, struct lathe_error *err);

#endif
