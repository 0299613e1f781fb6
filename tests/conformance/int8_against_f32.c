/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* int8 of `reference` against f32 of `reference`, which shares no code with it, on the same weights and inputs taken as
 * real numbers: they may differ by what quantising the tensors between explains. */
#include <math.h>
#include <stdlib.h>

#include "check_main.h"
#include "conformance/layer_cases.h"
#include "conformance/support.h"

enum { BATCH = 2, SEED = 11 };

/* In steps of the output, 1/32. */
struct bound {
    double most, rms;
};

/* A convolution rounds once: by half a step, and rounding twice adds a 200th. A curve rounds again, after what it does
 * to the first rounding: hard swish is the steepest, 3/2. Tensors inside of blocks add noise of their own, 0.3 steps of
 * theirs, which weights of unit gain pass on; and there a value now and then, beyond four standard deviations, lies
 * past int8's end: its error shows in all channels that it takes part in, to a sixteenth or so. */
static struct bound bound_of(const struct layer *l)
{
    if (l->kind == LAYER_MAXPOOL) return (struct bound){0, 0};
    if (l->kind == LAYER_MBCONV) return (struct bound){10, 0.9};
    if (l->kind == LAYER_BOTTLENECK) return (struct bound){2.5, 0.65};
    if (l->act == ACT_HSWISH || l->act == ACT_SWISH) return (struct bound){1.26, 0.45};
    return (struct bound){0.51, 0.45};
}

/* The real numbers that an int8 tensor stands for. A hard sigmoid's sixth and half are undone. */
static void dequantise(const struct quant_tensor *t, bool depthwise, float *values, float *biases)
{
    const double factor = t->step.sixth ? 6 : 1;
    const double offset = t->step.sixth ? 0.5 : 0;
    for (size_t i = 0; i < t->count; i++) {
        size_t channel = depthwise ? i % t->outputs : i / (t->count / t->outputs);
        values[i] = (float)(factor * t->values[i] * (double)t->scales[channel]);
    }
    for (size_t i = 0; i < t->outputs; i++)
        biases[i] = (float)(factor * (t->biases[i] * (double)t->step.in.scale * (double)t->scales[i] - offset));
}

static struct weights as_f32(const struct weights *q)
{
    struct weights w = {0};
    const float **const tensors[TENSORS][2] = {
        {&w.expand, &w.expand_bias},     {&w.depthwise, &w.depthwise_bias}, {&w.squeeze, &w.squeeze_bias},
        {&w.excite, &w.excite_bias},     {&w.dense, &w.dense_bias},         {&w.window, &w.window_bias},
        {&w.shortcut, &w.shortcut_bias},
    };
    for (int i = 0; i < TENSORS; i++) w.count += q->int8[i].count + q->int8[i].outputs;
    w.block = malloc((w.count + 1) * sizeof *w.block);
    ck_assert_ptr_nonnull(w.block);
    float *at = w.block;
    for (int i = 0; i < TENSORS; i++) {
        const struct quant_tensor *t = &q->int8[i];
        if (!t->count) continue;
        dequantise(t, i == TENSOR_DEPTHWISE, at, at + t->count);
        *tensors[i][0] = at;
        *tensors[i][1] = at + t->count;
        at += t->count + t->outputs;
    }
    return w;
}

/* f32's output for the same layer, input and weights. */
static float *run_real(const struct layer *layer, const struct weights *w, const int8_t *in, size_t inputs, size_t *n)
{
    const struct runtime_options o = {DTYPE_F32, 1, BATCH};
    struct weights real = as_f32(w);
    float *values = malloc(inputs * sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (size_t i = 0; i < inputs; i++) values[i] = (float)in[i] / 32;
    float *out = run_layer(runtimes[0], &o, layer, &real, values, n);
    weights_clear(&real);
    free(values);
    return out;
}

/* Root mean square and greatest difference in steps of 1/32, where what lies beyond int8's range counts as its end. */
static void differences(const int8_t *q, const float *real, size_t n, double *rms, double *most)
{
    double square = 0;
    *most = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs(q[i] - fmin(fmax(32 * (double)real[i], INT8_MIN), INT8_MAX));
        square += d * d / (double)n;
        if (d > *most) *most = d;
    }
    *rms = sqrt(square);
}

static void compare_layer(const struct layer *layer)
{
    const struct runtime_options o = {DTYPE_INT8, 1, BATCH};
    const size_t inputs = shape_elements(&layer->in) * BATCH;
    const struct bound bound = bound_of(layer);
    char text[LAYER_TEXT_BYTES];
    struct weights w;
    size_t n = 0;
    double rms;
    double most;
    layer_print(layer, text);
    ck_assert_int_eq(weights_make_int8(layer, 0, SEED, &w, NULL), LATHE_OK);
    int8_t *in = malloc(inputs);
    ck_assert_ptr_nonnull(in);
    weights_input_int8(layer, SEED, in, inputs);
    float *real = run_real(layer, &w, in, inputs, &n);
    int8_t *q = run_layer_bytes(runtimes[0], &o, layer, &w, in, &n);
    differences(q, real, n, &rms, &most);
    ck_assert_msg(most <= bound.most && rms <= bound.rms, "off by up to %g steps, %g rms, in %s", most, rms, text);
    free(q);
    free(real);
    free(in);
    weights_clear(&w);
}

START_TEST(quantised_layers_are_the_real_ones_within_what_rounding_explains)
{
    each_layer((enum layer_family)_i, compare_layer);
}
END_TEST

static TCase *real_cases(void)
{
    TCase *t = tcase_create("int8 against f32");
    tcase_set_timeout(t, 280);
    tcase_add_loop_test(t, quantised_layers_are_the_real_ones_within_what_rounding_explains, 0, FAMILIES);
    return t;
}

TEST_MAIN("int8 against f32", real_cases())
