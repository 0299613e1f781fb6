/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Every runtime of this build against `reference`: all kinds of layers, and a whole network. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/runner/core/network.h"
#include "agents/runner/core/rig.h"
#include "check_main.h"
#include "conformance/support.h"

/* Sums of at most 1,500 products in f32, in any order, against sums in double: rounding errors of 6e-8 of the partial
 * sums, which add up like a random walk to some 2e-6 of the tensor's largest value; a layer has up to five such sums
 * in a row. A wrong tap, channel or padding is off by 1e-2 or more. */
static const double LAYER_BOUND = 1e-5;
/* Sixteen layers in a row. */
static const double NETWORK_BOUND = 1e-4;

enum { BATCH = 4, SEED = 7 };

/* Compare one layer of all runtimes, batch 1 and 4, on one thread and, where supported, two. */
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
        for (int variant = 0; variant < 4; variant++) {
            const struct runtime_options o = {DTYPE_F32, 1 + variant % 2, variant / 2 ? BATCH : 1};
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

static void compare_text(const char *text)
{
    struct layer layer = layer_of(text);
    compare_layer(&layer);
}

static void compare_mbconv(int kernel, int expand, int stride, int se, enum activation act)
{
    struct layer layer = {
        .kind = LAYER_MBCONV,
        .in = {9, 8, 8},
        .out = {conv_out_size(9, stride), conv_out_size(8, stride), stride == 1 ? 8 : 16},
        .mid = 8 * expand,
        .kernel = kernel,
        .stride = stride,
        .act = act,
        .se = se,
    };
    compare_layer(&layer);
    if (stride > 1) return;
    layer.residual = true;
    compare_layer(&layer);
}

START_TEST(blocks_of_every_kernel_expansion_stride_and_activation_agree)
{
    static const int expands[] = {1, 3, 4, 6};
    int kernel = 3 + 2 * _i;
    for (size_t e = 0; e < sizeof expands / sizeof expands[0]; e++)
        for (int stride = 1; stride <= 2; stride++)
            for (int se = 0; se <= 8; se += 8)
                for (int act = 0; act < ACTIVATIONS; act++)
                    compare_mbconv(kernel, expands[e], stride, se, (enum activation)act);
}
END_TEST

START_TEST(blocks_of_odd_sizes_and_channels_agree)
{
    compare_text("mbconv in=7x13x5 out=7x13x5 mid=17 k=5 s=1 act=hswish se=3 res=1");
    compare_text("mbconv in=7x13x5 out=4x7x11 mid=17 k=7 s=2 act=relu6 se=1");
    compare_text("mbconv in=1x1x3 out=1x1x3 mid=7 k=7 s=1 act=relu se=5 res=1");
    compare_text("mbconv in=2x1x9 out=1x1x13 mid=9 k=3 s=2 act=relu");
    compare_text("mbconv in=10x6x16 out=5x3x24 mid=33 k=3 s=2 act=hswish");
    compare_text("mbconv in=9x4x7 out=9x4x7 mid=42 k=5 s=1 act=swish se=3 res=1");
    compare_text("mbconv in=5x5x12 out=5x5x12 mid=12 k=1 s=1 act=relu res=1");
    compare_text("mbconv in=11x11x6 out=4x4x6 mid=18 k=5 s=3 act=relu");
}
END_TEST

START_TEST(convolutions_agree)
{
    static const char *const acts[ACTIVATIONS] = {"none", "relu", "relu6", "hswish", "swish"};
    for (int k = 1; k <= 7; k += 2) {
        for (int a = 0; a < ACTIVATIONS; a++) {
            char text[LAYER_TEXT_BYTES];
            snprintf(text, sizeof text, "conv2d in=11x8x3 out=6x4x16 k=%d s=2 act=%s", k, acts[a]);
            compare_text(text);
            snprintf(text, sizeof text, "conv2d in=9x7x5 out=9x7x13 k=%d s=1 act=%s", k, acts[a]);
            compare_text(text);
        }
    }
    compare_text("conv2d in=1x1x960 out=1x1x40 k=1 s=1 act=hswish");
    compare_text("conv2d in=1x1x1 out=1x1x1 k=3 s=1 act=none");
}
END_TEST

START_TEST(convolutions_with_a_residual_agree)
{
    compare_text("conv2d in=9x7x8 out=9x7x8 k=3 s=1 act=relu res=1");
    compare_text("conv2d in=5x6x24 out=5x6x24 k=3 s=1 act=hswish res=1");
    compare_text("conv2d in=4x4x3 out=4x4x3 k=1 s=1 act=none res=1");
    compare_text("conv2d in=1x1x17 out=1x1x17 k=5 s=1 act=relu6 res=1");
}
END_TEST

START_TEST(bottlenecks_of_every_kernel_stride_and_activation_agree)
{
    for (int stride = 1; stride <= 3; stride++) {
        for (int act = 0; act < ACTIVATIONS; act++) {
            struct layer layer = {
                .kind = LAYER_BOTTLENECK,
                .in = {9, 8, 12},
                .out = {conv_out_size(9, stride), conv_out_size(8, stride), 20},
                .mid = 7,
                .kernel = 1 + 2 * _i,
                .stride = stride,
                .act = (enum activation)act,
            };
            compare_layer(&layer);
            if (stride > 1) continue;
            layer.out.c = 12;
            compare_layer(&layer); /* the shortcut has a convolution where the widths agree, too */
            layer.residual = true;
            compare_layer(&layer);
        }
    }
}
END_TEST

START_TEST(bottlenecks_of_odd_sizes_and_channels_agree)
{
    compare_text("bottleneck in=7x13x5 out=4x7x11 mid=3 k=3 s=2 act=relu");
    compare_text("bottleneck in=1x1x9 out=1x1x13 mid=1 k=3 s=2 act=relu");
    compare_text("bottleneck in=2x1x9 out=1x1x13 mid=33 k=5 s=4 act=relu");
    compare_text("bottleneck in=14x14x104 out=7x7x168 mid=40 k=3 s=2 act=relu");
    compare_text("bottleneck in=7x7x168 out=7x7x168 mid=32 k=3 s=1 act=relu res=1");
}
END_TEST

START_TEST(maximum_pooling_agrees)
{
    compare_text("maxpool in=16x16x24 out=8x8x24 k=3 s=2");
    compare_text("maxpool in=7x13x5 out=4x7x5 k=3 s=2");
    compare_text("maxpool in=1x1x3 out=1x1x3 k=3 s=2");
    compare_text("maxpool in=9x8x33 out=9x8x33 k=5 s=1");
    compare_text("maxpool in=11x10x8 out=3x3x8 k=7 s=4");
}
END_TEST

START_TEST(pooling_and_linear_layers_agree)
{
    compare_text("avgpool in=7x7x33 out=1x1x33");
    compare_text("avgpool in=5x3x960 out=1x1x960");
    compare_text("avgpool in=1x1x3 out=1x1x3");
    compare_text("linear in=1x1x1280 out=1x1x100");
    compare_text("linear in=1x1x3 out=1x1x1");
    compare_text("linear in=1x1x1 out=1x1x37");
}
END_TEST

/* Small subnets at 64x64; in each one a layer occurs twice. */
static const char *const networks[][16] = {
    {
        /* in the manner of OFA's MobileNetV3 */
        "conv2d in=64x64x3 out=32x32x16 k=3 s=2 act=hswish",
        "mbconv in=32x32x16 out=32x32x16 mid=16 k=3 s=1 act=relu res=1",
        "mbconv in=32x32x16 out=16x16x24 mid=64 k=5 s=2 act=relu",
        "mbconv in=16x16x24 out=16x16x24 mid=72 k=3 s=1 act=relu res=1",
        "mbconv in=16x16x24 out=16x16x24 mid=72 k=3 s=1 act=relu res=1",
        "mbconv in=16x16x24 out=8x8x40 mid=144 k=7 s=2 act=relu se=40",
        "mbconv in=8x8x40 out=8x8x40 mid=120 k=5 s=1 act=relu se=32 res=1",
        "mbconv in=8x8x40 out=4x4x80 mid=240 k=3 s=2 act=hswish",
        "mbconv in=4x4x80 out=4x4x80 mid=240 k=7 s=1 act=hswish res=1",
        "mbconv in=4x4x80 out=4x4x112 mid=480 k=3 s=1 act=hswish se=120",
        "mbconv in=4x4x112 out=2x2x160 mid=672 k=5 s=2 act=hswish se=168",
        "mbconv in=2x2x160 out=2x2x160 mid=480 k=3 s=1 act=hswish se=120 res=1",
        "conv2d in=2x2x160 out=2x2x960 k=1 s=1 act=hswish",
        "avgpool in=2x2x960 out=1x1x960",
        "conv2d in=1x1x960 out=1x1x1280 k=1 s=1 act=hswish",
        "linear in=1x1x1280 out=1x1x100",
    },
    {
        /* in the manner of OFA's ResNet50, an eighth as wide */
        "conv2d in=64x64x3 out=32x32x8 k=3 s=2 act=relu",
        "conv2d in=32x32x8 out=32x32x8 k=3 s=1 act=relu res=1",
        "conv2d in=32x32x8 out=32x32x16 k=3 s=1 act=relu",
        "maxpool in=32x32x16 out=16x16x16 k=3 s=2",
        "bottleneck in=16x16x16 out=16x16x32 mid=8 k=3 s=1 act=relu",
        "bottleneck in=16x16x32 out=16x16x32 mid=8 k=3 s=1 act=relu res=1",
        "bottleneck in=16x16x32 out=16x16x32 mid=8 k=3 s=1 act=relu res=1",
        "bottleneck in=16x16x32 out=8x8x64 mid=16 k=3 s=2 act=relu",
        "bottleneck in=8x8x64 out=8x8x64 mid=24 k=3 s=1 act=relu res=1",
        "bottleneck in=8x8x64 out=4x4x128 mid=32 k=3 s=2 act=relu",
        "bottleneck in=4x4x128 out=4x4x128 mid=48 k=3 s=1 act=relu res=1",
        "bottleneck in=4x4x128 out=4x4x128 mid=24 k=3 s=1 act=relu res=1",
        "bottleneck in=4x4x128 out=2x2x256 mid=48 k=3 s=2 act=relu",
        "bottleneck in=2x2x256 out=2x2x256 mid=88 k=3 s=1 act=relu res=1",
        "avgpool in=2x2x256 out=1x1x256",
        "linear in=1x1x256 out=1x1x100",
    },
};
enum { LAYERS = sizeof networks[0] / sizeof networks[0][0], NETWORKS = sizeof networks / sizeof networks[0] };

static void parse_network(int network, struct layer *layers)
{
    for (int i = 0; i < LAYERS; i++) layers[i] = layer_of(networks[network][i]);
}

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
    ck_assert_msg(rig_build(rig, 0, layers, LAYERS, &built, &err) == LATHE_OK, "%s", err.message);
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
    for (int i = 0; i < LAYERS; i++) {
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
    struct layer layers[LAYERS];
    parse_network(_i, layers);
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
    struct layer layers[LAYERS];
    size_t n = 0;
    parse_network(_i, layers);
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
    tcase_add_loop_test(t, blocks_of_every_kernel_expansion_stride_and_activation_agree, 0, 3);
    tcase_add_test(t, blocks_of_odd_sizes_and_channels_agree);
    tcase_add_test(t, convolutions_agree);
    tcase_add_test(t, convolutions_with_a_residual_agree);
    tcase_add_loop_test(t, bottlenecks_of_every_kernel_stride_and_activation_agree, 0, 4);
    tcase_add_test(t, bottlenecks_of_odd_sizes_and_channels_agree);
    tcase_add_test(t, maximum_pooling_agrees);
    tcase_add_test(t, pooling_and_linear_layers_agree);
    tcase_add_loop_test(t, a_network_in_one_arena_gives_what_its_layers_give_in_separate_buffers, 0, NETWORKS);
    tcase_add_loop_test(t, whole_networks_agree_and_their_outputs_say_something, 0, NETWORKS);
    return t;
}

TEST_MAIN("conformance", runtime_cases())
