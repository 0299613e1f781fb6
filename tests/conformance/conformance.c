/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Every runtime of this build against `reference`: all kinds of layers, and a whole network. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/runner/core/network.h"
#include "agents/runner/core/rig.h"
#include "check_main.h"
#include "conformance/layer_cases.h"
#include "conformance/support.h"

/* Sums of at most 1,500 products in f32, in any order, against sums in double: rounding errors of 6e-8 of the partial
 * sums, which add up like a random walk to some 2e-6 of the tensor's largest value; a layer has up to five such sums
 * in a row. A wrong tap, channel or padding is off by 1e-2 or more. */
static const double LAYER_BOUND = 1e-5;
/* Sixteen layers in a row. */
static const double NETWORK_BOUND = 1e-4;

enum { BATCH = 4, SEED = 7 };

/* Compare one layer of all runtimes: one image, four, and, where supported, four on two threads. */
static void compare_layer(const struct layer *layer)
{
    char text[LAYER_TEXT_BYTES];
    struct weights weights;
    size_t n = 0;
    size_t inputs = shape_elements(&layer->in) * BATCH;
    float *in = malloc(inputs * sizeof *in);
    ck_assert_ptr_nonnull(in);
    layer_print(layer, text);
    ck_assert_int_eq(weights_make(layer, 0, SEED, &weights, NULL), LATHE_OK);
    weights_input(layer, SEED, in, inputs);
    const struct runtime_options plain = {DTYPE_F32, 1, BATCH};
    float *want = run_layer(runtime_find("reference"), &plain, layer, &weights, in, &n);
    ck_assert_uint_eq(n, shape_elements(&layer->out) * BATCH);
    for (const struct runtime *const *r = runtimes; *r; r++) {
        for (int variant = 0; variant < 3; variant++) {
            const struct runtime_options o = {DTYPE_F32, 1 + variant / 2, variant ? BATCH : 1};
            if (cannot(*r, &o)) continue;
            float *got = run_layer(*r, &o, layer, &weights, in, &n);
            double difference = scaled_difference(got, want, n);
            ck_assert_msg(difference <= LAYER_BOUND, "%s t%d b%d differs by %g in %s", (*r)->name, o.threads, o.batch,
                          difference, text);
            free(got);
        }
    }
    free(want);
    free(in);
    weights_clear(&weights);
}

START_TEST(layers_of_every_kind_agree)
{
    each_layer((enum layer_family)_i, compare_layer);
}
END_TEST

/* The largest batch, on a number of threads that divides nothing. */
static void compare_many(const struct layer *layer)
{
    enum { IMAGES = RUNTIME_MAX_BATCH };
    char text[LAYER_TEXT_BYTES];
    struct weights weights;
    size_t n = 0;
    size_t inputs = shape_elements(&layer->in) * IMAGES;
    float *in = malloc(inputs * sizeof *in);
    ck_assert_ptr_nonnull(in);
    layer_print(layer, text);
    ck_assert_int_eq(weights_make(layer, 0, SEED, &weights, NULL), LATHE_OK);
    weights_input(layer, SEED, in, inputs);
    const struct runtime_options plain = {DTYPE_F32, 1, IMAGES};
    float *want = run_layer(runtime_find("reference"), &plain, layer, &weights, in, &n);
    for (const struct runtime *const *r = runtimes; *r; r++) {
        const struct runtime_options o = {DTYPE_F32, (*r)->device ? 1 : 3, IMAGES};
        if (cannot(*r, &o)) continue;
        float *got = run_layer(*r, &o, layer, &weights, in, &n);
        double difference = scaled_difference(got, want, n);
        ck_assert_msg(difference <= LAYER_BOUND, "%s differs by %g in %s", (*r)->name, difference, text);
        free(got);
    }
    free(want);
    free(in);
    weights_clear(&weights);
}

START_TEST(sixty_four_images_on_three_threads_agree)
{
    each_layer((enum layer_family)_i, compare_many);
}
END_TEST

/* The network's output by the rig, in its arena. */
static float *run_in_arena(const struct runtime *runtime, const struct runtime_options *o, const struct layer *layers,
                           size_t *n)
{
    struct rig *rig = NULL;
    struct rig_build built;
    const struct rig_samples *samples = NULL;
    struct lathe_error err = {0};
    const struct rig_options options = {.runtime = runtime, .options = *o, .seed = SEED};
    ck_assert_msg(rig_open(&options, &rig, &err) == LATHE_OK, "%s", err.message);
    ck_assert_msg(rig_build(rig, 0, layers, NETWORK_LAYERS, &built, &err) == LATHE_OK, "%s", err.message);
    ck_assert_msg(rig_run(rig, 0, 1, 2, true, &samples, &err) == LATHE_OK, "%s", err.message);
    float *out = malloc(samples->output_bytes);
    ck_assert_ptr_nonnull(out);
    memcpy(out, samples->output, samples->output_bytes);
    *n = samples->output_bytes / sizeof *out;
    rig_close(rig);
    return out;
}

/* The same, each layer by itself in buffers of its own. */
static float *run_apart(const struct runtime *runtime, const struct runtime_options *o, const struct layer *layers,
                        size_t *n)
{
    *n = shape_elements(&layers[0].in) * (size_t)o->batch;
    float *tensor = malloc(*n * sizeof *tensor);
    ck_assert_ptr_nonnull(tensor);
    weights_input(&layers[0], SEED, tensor, *n);
    for (int i = 0; i < NETWORK_LAYERS; i++) {
        struct weights weights;
        ck_assert_int_eq(weights_make(&layers[i], network_occurrence(layers, i), SEED, &weights, NULL), LATHE_OK);
        float *next = run_layer(runtime, o, &layers[i], &weights, tensor, n);
        weights_clear(&weights);
        free(tensor);
        tensor = next;
    }
    return tensor;
}

START_TEST(a_network_in_one_arena_gives_what_its_layers_give_in_separate_buffers)
{
    struct layer layers[NETWORK_LAYERS];
    network_layers(_i, layers);
    for (const struct runtime *const *r = runtimes; *r; r++) {
        for (int batch = 1; batch <= 3; batch += 2) {
            const struct runtime_options o = {DTYPE_F32, 1, batch};
            if (cannot(*r, &o)) continue;
            size_t n = 0;
            size_t m = 0;
            float *together = run_in_arena(*r, &o, layers, &n);
            float *apart = run_apart(*r, &o, layers, &m);
            ck_assert_uint_eq(n, m);
            ck_assert_mem_eq(together, apart, n * sizeof *together);
            free(together);
            free(apart);
        }
    }
}
END_TEST

START_TEST(whole_networks_agree_and_their_outputs_say_something)
{
    struct layer layers[NETWORK_LAYERS];
    size_t n = 0;
    network_layers(_i, layers);
    const struct runtime_options plain = {DTYPE_F32, 1, 1};
    float *want = run_in_arena(runtime_find("reference"), &plain, layers, &n);
    double mean = 0;
    double square = 0;
    for (size_t i = 0; i < n; i++) {
        mean += (double)want[i] / (double)n;
        square += (double)want[i] * (double)want[i] / (double)n;
    }
    double deviation = sqrt(square - mean * mean);
    ck_assert_msg(deviation > 0.05 && deviation < 20, "outputs have a standard deviation of %g", deviation);
    for (const struct runtime *const *r = runtimes; *r; r++) {
        for (int threads = 1; threads <= 2; threads++) {
            const struct runtime_options o = {DTYPE_F32, threads, 1};
            if (cannot(*r, &o)) continue;
            float *got = run_in_arena(*r, &o, layers, &n);
            double difference = scaled_difference(got, want, n);
            ck_assert_msg(difference <= NETWORK_BOUND, "%s t%d differs by %g", (*r)->name, threads, difference);
            free(got);
        }
    }
    free(want);
}
END_TEST

static TCase *runtime_cases(void)
{
    TCase *t = tcase_create("runtimes");
    tcase_add_unchecked_fixture(t, NULL, close_engines);
    tcase_set_timeout(t, 280);
    tcase_add_loop_test(t, layers_of_every_kind_agree, 0, FAMILIES);
    tcase_add_loop_test(t, sixty_four_images_on_three_threads_agree, ODD_BLOCKS, CONVOLUTIONS);
    tcase_add_loop_test(t, sixty_four_images_on_three_threads_agree, MAXIMUM_POOLS, FAMILIES);
    tcase_add_loop_test(t, a_network_in_one_arena_gives_what_its_layers_give_in_separate_buffers, 0, NETWORKS);
    tcase_add_loop_test(t, whole_networks_agree_and_their_outputs_say_something, 0, NETWORKS);
    return t;
}

TEST_MAIN("conformance", runtime_cases())
