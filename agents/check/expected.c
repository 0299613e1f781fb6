/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/check/expected.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/runner/core/rig.h"

extern const struct runtime reference_runtime;

static enum lathe_status take_output(const struct rig_samples *samples, void **out, size_t *bytes,
                                     struct lathe_error *err)
{
    void *copy = malloc(samples->output_bytes);
    if (!copy) return error_set(err, LATHE_NO_MEMORY, "out of memory for an output");
    memcpy(copy, samples->output, samples->output_bytes);
    *out = copy;
    *bytes = samples->output_bytes;
    return LATHE_OK;
}

enum lathe_status expected_output(const struct probe_options *o, uint32_t seed, const struct layer *layers, int count,
                                  void **out, size_t *bytes, struct lathe_error *err)
{
    struct rig *rig = NULL;
    struct rig_build built;
    const struct rig_samples *samples = NULL;
    const struct rig_options options = {
        .runtime = &reference_runtime, .options = {o->dtype, 1, o->batch}, .seed = seed};
    enum lathe_status st = rig_open(&options, &rig, err);
    if (st) return st;
    st = rig_build(rig, 0, layers, count, &built, err);
    if (!st) st = rig_run(rig, 0, 0, 1, false, &samples, err);
    if (!st) st = take_output(samples, out, bytes, err);
    rig_close(rig);
    return st;
}

/* One layer of its first occurrence's weights. @param in of the whole batch. @param[out] out malloc'd. */
static enum lathe_status run_layer(struct engine *engine, const struct layer *layer, uint32_t seed, const void *in,
                                   void **out, size_t *bytes, struct lathe_error *err)
{
    struct weights weights;
    struct op *op = NULL;
    struct op_needs needs = {0};
    enum lathe_status st = weights_make(layer, 0, seed, &weights, err);
    if (st) return st;
    st = reference_runtime.prepare(engine, layer, &weights, &op, &needs, err);
    weights_clear(&weights);
    if (st) return st;
    struct op_buffers buffers = {in, malloc(needs.out_bytes), malloc(needs.scratch_bytes + 1)};
    if (!buffers.out || !buffers.scratch) st = error_set(err, LATHE_NO_MEMORY, "out of memory for a layer");
    if (!st) st = reference_runtime.setup(op, &buffers, err);
    if (!st) st = reference_runtime.run(op);
    free(buffers.scratch);
    reference_runtime.op_free(op);
    if (st) {
        free(buffers.out);
        return st;
    }
    *out = buffers.out;
    *bytes = needs.out_bytes;
    return LATHE_OK;
}

enum lathe_status expected_shared_output(const struct probe_options *o, uint32_t seed, const struct layer *layers,
                                         int count, void **out, size_t *bytes, struct lathe_error *err)
{
    const struct runtime_options options = {DTYPE_F32, 1, o->batch};
    struct engine *engine = NULL;
    size_t inputs = shape_elements(&layers[0].in) * (size_t)o->batch;
    float *input = malloc(inputs * sizeof *input);
    if (!input) return error_set(err, LATHE_NO_MEMORY, "out of memory for an input");
    weights_input(&layers[0], seed, input, inputs);
    void *tensor = input;
    enum lathe_status st = reference_runtime.open(&options, &engine, err);
    for (int i = 0; !st && i < count; i++) {
        void *next = NULL;
        st = run_layer(engine, &layers[i], seed, tensor, &next, bytes, err);
        if (st) break;
        free(tensor);
        tensor = next;
    }
    reference_runtime.close(engine);
    if (st) {
        free(tensor);
        return st;
    }
    *out = tensor;
    return LATHE_OK;
}

double expected_value(enum dtype dtype, const void *tensor, size_t index)
{
    if (dtype == DTYPE_INT8) return ((const int8_t *)tensor)[index];
    return (double)((const float *)tensor)[index];
}

struct difference expected_compare(enum dtype dtype, const void *got, const void *want, size_t bytes, double bound)
{
    struct difference d = {.values = bytes / dtype_bytes(dtype)};
    double scale = 1;
    if (dtype == DTYPE_F32)
        for (size_t i = 0; i < d.values; i++) scale = fmax(scale, fabs(expected_value(dtype, want, i)));
    for (size_t i = 0; i < d.values; i++) {
        double off = fabs(expected_value(dtype, got, i) - expected_value(dtype, want, i)) / scale;
        if (!isfinite(off)) off = INFINITY;
        if (off > d.most) d.most = off;
        if (off <= bound) continue;
        if (d.wrong == 0) d.first_wrong = i;
        d.wrong++;
    }
    return d;
}
