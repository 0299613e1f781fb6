/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Every runtime of this build that does int8 against `reference`, which does it as it is defined. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agents/runner/core/network.h"
#include "agents/runner/core/rig.h"
#include "check_main.h"
#include "conformance/layer_cases.h"
#include "conformance/support.h"

/* How far from the definition a runtime may be: by most steps of the output's quantisation, and in which share of
 * values. Runtimes requantise in f32, where the definition rounds twice, and round to even at halves; so one value in
 * 300 of a convolution is another by a step. Averages hit halves more often, one in as many as there are pixels (a
 * quarter of 2x2 pixels' are halves): one step of what squeeze-excite pools, 1/32 at most, is up to two steps of a
 * gate, by which the channel's values, of up to 255 steps, change by two; each output is a sum over such channels. */
struct bound {
    int steps;
    double share;
};

static struct bound bound_of(const struct layer *l)
{
    if (l->kind == LAYER_MAXPOOL) return (struct bound){0, 0};
    if (l->kind == LAYER_MBCONV) return l->se ? (struct bound){3, 0.4} : (struct bound){1, 0.1};
    /* Hard swish and swish after the sum of two that differ by one have slopes of up to 1.5. */
    if (l->kind == LAYER_BOTTLENECK) return (struct bound){2, 0.05};
    return (struct bound){1, 0.01};
}

/* Of a whole network: sixteen layers, whose differences add up like noise. */
static const struct bound network_bound = {4, 0.8};

enum { BATCH = 4, SEED = 7 };

/* A layer with weights and a batch of inputs. */
struct trial {
    struct layer layer;
    char text[LAYER_TEXT_BYTES];
    struct weights weights;
    int8_t *in;
};

static void trial_init(struct trial *t, const struct layer *layer, int batch)
{
    size_t inputs = shape_elements(&layer->in) * (size_t)batch;
    t->layer = *layer;
    layer_print(layer, t->text);
    ck_assert_int_eq(weights_make_int8(layer, 0, SEED, &t->weights, NULL), LATHE_OK);
    t->in = malloc(inputs);
    ck_assert_ptr_nonnull(t->in);
    weights_input_int8(layer, SEED, t->in, inputs);
}

static void trial_clear(struct trial *t)
{
    weights_clear(&t->weights);
    free(t->in);
}

static int8_t *trial_run(const struct trial *t, const struct runtime *r, int threads, int batch, int first, size_t *n)
{
    const struct runtime_options o = {DTYPE_INT8, threads, batch};
    return run_layer_bytes(r, &o, &t->layer, &t->weights, t->in + shape_elements(&t->layer.in) * (size_t)first, n);
}

/* Differences in steps of the quantisation. */
struct steps {
    int most;
    size_t differ, n;
};

static struct steps compare(const int8_t *got, const int8_t *want, size_t n)
{
    struct steps s = {0, 0, n};
    for (size_t i = 0; i < n; i++) {
        int d = abs(got[i] - want[i]);
        if (d > s.most) s.most = d;
        s.differ += d > 0;
    }
    return s;
}

static bool does_int8(const struct runtime *r, int threads, int batch)
{
    const struct runtime_options o = {DTYPE_INT8, threads, batch};
    return r->supports(&o, NULL) == LATHE_OK;
}

static void compare_layer(const struct layer *layer)
{
    const struct bound bound = bound_of(layer);
    struct trial t;
    size_t n = 0;
    trial_init(&t, layer, BATCH);
    int8_t *want = trial_run(&t, runtime_find("reference"), 1, BATCH, 0, &n);
    ck_assert_uint_eq(n, shape_elements(&layer->out) * BATCH);
    for (const struct runtime *const *r = runtimes; *r; r++) {
        if (!does_int8(*r, 1, BATCH)) continue;
        int8_t *got = trial_run(&t, *r, 1, BATCH, 0, &n);
        struct steps s = compare(got, want, n);
        ck_assert_msg(s.most <= bound.steps && (double)s.differ <= bound.share * (double)n + 1,
                      "%s: %zu of %zu values differ, by up to %d steps, in %s", (*r)->name, s.differ, n, s.most,
                      t.text);
        free(got);
    }
    free(want);
    trial_clear(&t);
}

START_TEST(layers_of_every_kind_agree)
{
    each_layer((enum layer_family)_i, compare_layer);
}
END_TEST

/* Images of a batch on several threads against each one by itself on one thread: bit for bit. */
static void compare_batch(const struct layer *layer, int threads, int batch)
{
    const size_t size = shape_elements(&layer->out);
    struct trial t;
    size_t n = 0;
    trial_init(&t, layer, batch);
    for (const struct runtime *const *r = runtimes; *r; r++) {
        if (!does_int8(*r, 1, 1)) continue;
        int8_t *together = trial_run(&t, *r, does_int8(*r, threads, batch) ? threads : 1, batch, 0, &n);
        ck_assert_uint_eq(n, size * (size_t)batch);
        for (int i = 0; i<batch; i += batch> BATCH ? 21 : 1) {
            int8_t *alone = trial_run(&t, *r, 1, 1, i, &n);
            ck_assert_msg(memcmp(alone, together + (size_t)i * size, size) == 0, "%s: image %d of %d differs in %s",
                          (*r)->name, i, batch, t.text);
            free(alone);
        }
        free(together);
    }
    trial_clear(&t);
}

static void compare_four(const struct layer *layer)
{
    compare_batch(layer, 3, BATCH);
}

static void compare_most(const struct layer *layer)
{
    compare_batch(layer, 3, RUNTIME_MAX_BATCH);
}

START_TEST(batches_and_threads_change_nothing)
{
    each_layer((enum layer_family)_i, compare_four);
}
END_TEST

/* The first and last image and two between. */
START_TEST(sixty_four_images_on_three_threads_change_nothing)
{
    each_layer((enum layer_family)_i, compare_most);
}
END_TEST

/* The network's output by the rig, in its arena. */
static int8_t *run_in_arena(const struct runtime *runtime, int threads, int batch, const struct layer *layers,
                            size_t *n)
{
    struct rig *rig = NULL;
    struct rig_build built;
    const struct rig_samples *samples = NULL;
    struct lathe_error err = {0};
    const struct rig_options o = {.runtime = runtime, .options = {DTYPE_INT8, threads, batch}, .seed = SEED};
    ck_assert_msg(rig_open(&o, &rig, &err) == LATHE_OK, "%s", err.message);
    ck_assert_msg(rig_build(rig, 0, layers, NETWORK_LAYERS, &built, &err) == LATHE_OK, "%s", err.message);
    ck_assert_msg(rig_run(rig, 0, 1, 2, true, &samples, &err) == LATHE_OK, "%s", err.message);
    int8_t *out = malloc(samples->output_bytes);
    ck_assert_ptr_nonnull(out);
    *n = samples->output_bytes;
    memcpy(out, samples->output, *n);
    rig_close(rig);
    return out;
}

/* The same, each layer by itself in buffers of its own. */
static int8_t *run_apart(const struct runtime *runtime, int batch, const struct layer *layers, size_t *n)
{
    const struct runtime_options o = {DTYPE_INT8, 1, batch};
    *n = shape_elements(&layers[0].in) * (size_t)batch;
    int8_t *tensor = malloc(*n);
    ck_assert_ptr_nonnull(tensor);
    weights_input_int8(&layers[0], SEED, tensor, *n);
    for (int i = 0; i < NETWORK_LAYERS; i++) {
        struct weights weights;
        int occurrence = network_occurrence(layers, i);
        ck_assert_int_eq(weights_make_int8(&layers[i], occurrence, SEED, &weights, NULL), LATHE_OK);
        int8_t *next = run_layer_bytes(runtime, &o, &layers[i], &weights, tensor, n);
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
        if (!does_int8(*r, 1, 1)) continue;
        for (int batch = 1; batch <= 3; batch += 2) {
            size_t n = 0;
            size_t m = 0;
            int8_t *together = run_in_arena(*r, does_int8(*r, 2, batch) ? 2 : 1, batch, layers, &n);
            int8_t *apart = run_apart(*r, batch, layers, &m);
            ck_assert_uint_eq(n, m);
            ck_assert_mem_eq(together, apart, n);
            free(together);
            free(apart);
        }
    }
}
END_TEST

/* In steps. */
static double deviation(const int8_t *q, size_t n)
{
    double mean = 0;
    double square = 0;
    for (size_t i = 0; i < n; i++) {
        mean += q[i] / (double)n;
        square += q[i] * q[i] / (double)n;
    }
    return sqrt(square - mean * mean);
}

START_TEST(whole_networks_agree_and_their_outputs_say_something)
{
    struct layer layers[NETWORK_LAYERS];
    size_t n = 0;
    network_layers(_i, layers);
    int8_t *want = run_in_arena(runtime_find("reference"), 1, 1, layers, &n);
    double spread = deviation(want, n);
    ck_assert_msg(spread > 3 && spread < 64, "outputs have a standard deviation of %g steps", spread);
    for (const struct runtime *const *r = runtimes; *r; r++) {
        if (!does_int8(*r, 1, 1)) continue;
        int8_t *got = run_in_arena(*r, 1, 1, layers, &n);
        struct steps s = compare(got, want, n);
        ck_assert_msg(s.most <= network_bound.steps && (double)s.differ <= network_bound.share * (double)n,
                      "%s: %zu of %zu values differ, by up to %d steps", (*r)->name, s.differ, n, s.most);
        free(got);
    }
    free(want);
}
END_TEST

static TCase *runtime_cases(void)
{
    TCase *t = tcase_create("int8");
    tcase_set_timeout(t, 280);
    tcase_add_loop_test(t, layers_of_every_kind_agree, 0, FAMILIES);
    /* Kernels of one size stand for all: threads wait for each other by spinning, which takes its time. */
    tcase_add_loop_test(t, batches_and_threads_change_nothing, BLOCKS_3, BLOCKS_3 + 1);
    tcase_add_loop_test(t, batches_and_threads_change_nothing, ODD_BLOCKS, BOTTLENECKS_1);
    tcase_add_loop_test(t, batches_and_threads_change_nothing, BOTTLENECKS_3, BOTTLENECKS_3 + 1);
    tcase_add_loop_test(t, batches_and_threads_change_nothing, ODD_BOTTLENECKS, FAMILIES);
    tcase_add_loop_test(t, sixty_four_images_on_three_threads_change_nothing, ODD_BLOCKS, CONVOLUTIONS);
    tcase_add_loop_test(t, sixty_four_images_on_three_threads_change_nothing, MAXIMUM_POOLS, FAMILIES);
    tcase_add_loop_test(t, a_network_in_one_arena_gives_what_its_layers_give_in_separate_buffers, 0, NETWORKS);
    tcase_add_loop_test(t, whole_networks_agree_and_their_outputs_say_something, 0, NETWORKS);
    return t;
}

TEST_MAIN("int8", runtime_cases())
