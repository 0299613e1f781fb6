/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Between the files of the reference runtime. */
#ifndef LATHE_RUNNER_REFERENCE_INTERNAL_H
#define LATHE_RUNNER_REFERENCE_INTERNAL_H

#include "agents/runner/runtime.h"

struct engine {
    enum dtype dtype;
    int batch;
};

struct op {
    struct layer layer;
    enum dtype dtype;
    int batch;
    struct weights weights;
    struct op_buffers buffers;
};

/* A convolution over one image, "same" padding. */
struct window {
    struct shape in, out;
    int kernel, stride;
    enum activation act; /* of f32; int8's is in its tensor */
};

/* What a pixel of the output takes from: rows and columns from..to of the input, to excluded. */
struct patch {
    int top, bottom, left, right;
};

/** The part of size x size pixels, from `pad` before (y, x) x stride on, that lies within the layer's input. */
struct patch patch_at(const struct layer *, int size, int pad, int y, int x);

/** Execute an int8 op on one image. @param scratch as many bytes as f32 has floats. */
void run_image_int8(const struct op *, const int8_t *in, int8_t *out, int8_t *scratch);

#endif
