/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Every runtime against layers small enough to compute by hand: what `reference` itself stands on. */
#include <math.h>
#include <stdlib.h>

#include "check_main.h"
#include "conformance/support.h"

/* Run a layer with given weights on every runtime and compare with given values. */
static void expect(const char *text, const struct weights *weights, const float *in, const float *want)
{
    struct layer layer = layer_of(text);
    const struct runtime_options o = {DTYPE_F32, 1, 1};
    for (const struct runtime *const *r = runtimes; *r; r++) {
        size_t n = 0;
        if (cannot(*r, &o)) continue;
        float *got = run_layer(*r, &o, &layer, weights, in, &n);
        ck_assert_uint_eq(n, shape_elements(&layer.out));
        for (size_t i = 0; i < n; i++) {
            /* want has n values: the layer's text says so, which the analyzer can't see. */
            double wanted = want[i]; /* NOLINT */
            ck_assert_msg(fabs((double)got[i] - wanted) < 1e-5, "%s: %s: value %zu is %g, not %g", (*r)->name, text, i,
                          (double)got[i], wanted);
        }
        free(got);
    }
}

/* Weights of one dense tensor in a block of its own, as runtimes may copy the block whole. */
static struct weights dense_weights(float *block, size_t count, size_t biases)
{
    return (struct weights){.block = block, .count = count + biases, .dense = block, .dense_bias = block + count};
}

START_TEST(a_window_slides_over_rows_and_columns_with_zeros_around)
{
    float block[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 0};
    const float in[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const float want[] = {94, 154, 106, 186, 285, 186, 106, 154, 94};
    struct weights w = dense_weights(block, 9, 1);
    expect("conv2d in=3x3x1 out=3x3x1 k=3 s=1 act=none", &w, in, want);
}
END_TEST

START_TEST(stride_two_pads_the_same_on_both_sides)
{
    float block[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 0.5f};
    const float in[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const float want[] = {4.5f, 6.5f, 6.5f, 9.5f};
    struct weights w = dense_weights(block, 9, 1);
    expect("conv2d in=4x4x1 out=2x2x1 k=3 s=2 act=none", &w, in, want);
}
END_TEST

START_TEST(channels_are_innermost_and_weights_are_by_output)
{
    /* Two pixels of three channels; output 0 takes 1,10,100 of them, output 1 the negatives, plus biases. */
    float block[] = {1, 10, 100, -1, -10, -100, 0.25f, 0.5f};
    const float in[] = {1, 2, 3, 4, 5, 6};
    const float want[] = {321.25f, -320.5f, 654.25f, -653.5f};
    struct weights w = dense_weights(block, 6, 2);
    expect("conv2d in=1x2x3 out=1x2x2 k=1 s=1 act=none", &w, in, want);
}
END_TEST

START_TEST(activations_are_what_their_names_say)
{
    float block[] = {1, 0};
    const float in[] = {-4, -3, -1, 0, 1, 3, 5, 7};
    const float relu[] = {0, 0, 0, 0, 1, 3, 5, 7};
    const float relu6[] = {0, 0, 0, 0, 1, 3, 5, 6};
    const float hswish[] = {0, 0, -1.0f / 3, 0, 2.0f / 3, 3, 5, 7};
    /* x / (1 + e^-x) */
    const float swish[] = {-0.0719448f, -0.1422776f, -0.2689414f, 0, 0.7310586f, 2.8577224f, 4.9665357f, 6.9936226f};
    struct weights w = dense_weights(block, 1, 1);
    expect("conv2d in=1x8x1 out=1x8x1 k=1 s=1 act=none", &w, in, in);
    expect("conv2d in=1x8x1 out=1x8x1 k=1 s=1 act=relu", &w, in, relu);
    expect("conv2d in=1x8x1 out=1x8x1 k=1 s=1 act=relu6", &w, in, relu6);
    expect("conv2d in=1x8x1 out=1x8x1 k=1 s=1 act=hswish", &w, in, hswish);
    expect("conv2d in=1x8x1 out=1x8x1 k=1 s=1 act=swish", &w, in, swish);
}
END_TEST

START_TEST(pooling_is_the_mean_over_pixels)
{
    const struct weights none = {0};
    const float in[] = {1, 10, 2, 20, 3, 30, 6, 60};
    const float want[] = {3, 30};
    expect("avgpool in=2x2x2 out=1x1x2", &none, in, want);
}
END_TEST

START_TEST(linear_multiplies_and_adds_a_bias)
{
    float block[] = {1, 2, 3, 0, -1, 4, 0.5f, -0.5f};
    const float in[] = {5, 6, 7};
    const float want[] = {38.5f, 21.5f};
    struct weights w = dense_weights(block, 6, 2);
    expect("linear in=1x1x3 out=1x1x2", &w, in, want);
}
END_TEST

/* One pixel of 2: expanded by 1,-1 to 2,-2, ReLU 2,0; depthwise centre 3,5 and bias 0,1: 6,1; squeeze 0.5,1 and -1: 3;
 * excite 1,-2: 3,-6, hard sigmoid 1,0: 6,0; projection 2,7 and 0.5: 12.5; residual: 14.5. */
START_TEST(a_block_expands_filters_scales_projects_and_adds)
{
    float block[] = {
        1,    -1, 0,    0,                                                 /* expansion */
        9,    9,  9,    9, 9, 9, 9, 9, 3, 5, 9, 9, 9, 9, 9, 9, 9, 9, 0, 1, /* depthwise, [3][3][2], and biases */
        0.5f, 1,  -1,                                                      /* squeeze */
        1,    -2, 0,    0,                                                 /* excite */
        2,    7,  0.5f,                                                    /* projection */
    };
    const struct weights w = {
        .block = block,
        .count = sizeof block / sizeof block[0],
        .expand = block,
        .expand_bias = block + 2,
        .depthwise = block + 4,
        .depthwise_bias = block + 22,
        .squeeze = block + 24,
        .squeeze_bias = block + 26,
        .excite = block + 27,
        .excite_bias = block + 29,
        .dense = block + 31,
        .dense_bias = block + 33,
    };
    const float in[] = {2};
    const float with_residual[] = {14.5f};
    const float without_residual[] = {12.5f};
    const float without_se[] = {19.5f};
    expect("mbconv in=1x1x1 out=1x1x1 mid=2 k=3 s=1 act=relu se=1 res=1", &w, in, with_residual);
    expect("mbconv in=1x1x1 out=1x1x1 mid=2 k=3 s=1 act=relu se=1", &w, in, without_residual);
    expect("mbconv in=1x1x1 out=1x1x1 mid=2 k=3 s=1 act=relu", &w, in, without_se);
}
END_TEST

START_TEST(a_residual_is_added_after_the_activation)
{
    float block[] = {1, 0};
    const float in[] = {-4, -1, 0, 3};
    const float want[] = {-4, -1, 0, 6};
    struct weights w = dense_weights(block, 1, 1);
    expect("conv2d in=1x4x1 out=1x4x1 k=1 s=1 act=relu res=1", &w, in, want);
}
END_TEST

START_TEST(the_greatest_of_a_window_leaves_out_what_lies_outside)
{
    const struct weights none = {0};
    const float in[] = {-1, -2, -3, -4, -5, -6, -7, -8, -9};
    const float by_two[] = {-1, -2, -4, -5};
    const float by_three[] = {-1};
    expect("maxpool in=3x3x1 out=2x2x1 k=3 s=2", &none, in, by_two);
    expect("maxpool in=3x3x1 out=1x1x1 k=5 s=3", &none, in, by_three);
}
END_TEST

/* Three by three pixels, two of stride, so that the last row and column are averages of two pixels and of one. To mid
 * by 1 and -1, biases 0 and 2: of 3 that makes 3 and 0. The window takes its middle of 2 and 3 of one channel: 2 * x.
 * Out by 1 and 10; the shortcut by 1 and bias 0.5. */
START_TEST(a_bottleneck_pools_and_projects_its_shortcut)
{
    float block[] = {
        1, -1,   0, 2,                                                  /* expansion */
        0, 0,    0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0,        /* window, output 0: [3][3][2] */
        0, 0,    0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, /* output 1, and biases */
        1, 10,   0,                                                     /* mid to out */
        1, 0.5f,                                                        /* shortcut */
    };
    const struct weights w = {
        .block = block,
        .count = sizeof block / sizeof block[0],
        .expand = block,
        .expand_bias = block + 2,
        .window = block + 4,
        .window_bias = block + 40,
        .dense = block + 42,
        .dense_bias = block + 44,
        .shortcut = block + 45,
        .shortcut_bias = block + 46,
    };
    const float in[] = {1, 2, 3, 4, 5, 6, 7, 8, 1};
    /* Pixels 1, 3, 7, 1: mid (1, 1), (3, 0), (7, 0), (1, 1); window (2, 2), (6, 0), (14, 0), (2, 2); out 22, 6, 14, 22.
     * Shortcut: means 3, 4.5, 7.5, 1, plus 0.5. */
    const float pooled[] = {22 + 3.5f, 6 + 5, 14 + 8, 22 + 1.5f};
    expect("bottleneck in=3x3x1 out=2x2x1 mid=2 k=3 s=2 act=relu", &w, in, pooled);
    const float one[] = {1};
    const float projected[] = {22 + 1.5f};
    const float plain[] = {22 + 1};
    expect("bottleneck in=1x1x1 out=1x1x1 mid=2 k=3 s=1 act=relu", &w, one, projected);
    expect("bottleneck in=1x1x1 out=1x1x1 mid=2 k=3 s=1 act=relu res=1", &w, one, plain);
    const float negative[] = {-30}; /* mid (0, 32), window (0, 95), out 950, less 30 and 29.5 */
    const float less[] = {920};
    expect("bottleneck in=1x1x1 out=1x1x1 mid=2 k=3 s=1 act=relu res=1", &w, negative, less);
    block[43] = -10;
    const float nothing[] = {0};
    expect("bottleneck in=1x1x1 out=1x1x1 mid=2 k=3 s=1 act=relu res=1", &w, negative, nothing);
}
END_TEST

static TCase *value_cases(void)
{
    TCase *t = tcase_create("values");
    tcase_add_unchecked_fixture(t, NULL, close_engines);
    tcase_add_test(t, a_window_slides_over_rows_and_columns_with_zeros_around);
    tcase_add_test(t, stride_two_pads_the_same_on_both_sides);
    tcase_add_test(t, channels_are_innermost_and_weights_are_by_output);
    tcase_add_test(t, activations_are_what_their_names_say);
    tcase_add_test(t, pooling_is_the_mean_over_pixels);
    tcase_add_test(t, linear_multiplies_and_adds_a_bias);
    tcase_add_test(t, a_block_expands_filters_scales_projects_and_adds);
    tcase_add_test(t, a_residual_is_added_after_the_activation);
    tcase_add_test(t, the_greatest_of_a_window_leaves_out_what_lies_outside);
    tcase_add_test(t, a_bottleneck_pools_and_projects_its_shortcut);
    return t;
}

TEST_MAIN("known values", value_cases())
