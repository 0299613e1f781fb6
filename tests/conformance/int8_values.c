/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* int8 against what can be computed by hand: its arithmetic, and layers of every runtime that does int8. Values are
 * chosen to lie apart from halves, where runtimes round each in their own way. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "conformance/support.h"

/* Arithmetic. */

START_TEST(multipliers_are_fractions_of_31_bits_and_a_shift)
{
    static const struct {
        double factor;
        int32_t value;
        int shift;
    } known[] = {
        {0.5, 1 << 30, 0},
        {1.0, 1 << 30, 1},
        {0.75, 1610612736, 0},
        {0.1, 1717986918, -3},
        {1.0 / 256, 1 << 30, -7},
        {3.0, 1610612736, 2},
        {0.0, 0, 0},
        {0x1p-40, 0, 0},
        /* The fraction rounds up to 1: half of it, and one more shift. */
        {1.0 - 0x1p-33, 1 << 30, 1},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct quant_multiplier m = quant_multiplier_of(known[i].factor);
        ck_assert_msg(m.value == known[i].value && m.shift == known[i].shift, "%g: %d x 2^%d", known[i].factor, m.value,
                      m.shift);
    }
    double f = 1e-8;
    for (int i = 0; i < 3000; i++) {
        int exponent;
        double fraction = frexp(f, &exponent);
        struct quant_multiplier m = quant_multiplier_of(f);
        ck_assert_int_eq(m.shift, exponent);
        ck_assert_int_eq(m.value, llround(fraction * 0x1p31));
        f *= 1.0073;
    }
}
END_TEST

START_TEST(products_are_rounded_twice)
{
    const struct quant_multiplier half = quant_multiplier_of(0.5);
    const struct quant_multiplier part = quant_multiplier_of(1.0 / 256);
    ck_assert_int_eq(quant_multiply(100, half), 50);
    ck_assert_int_eq(quant_multiply(101, half), 51);
    ck_assert_int_eq(quant_multiply(-101, half), -50); /* the first rounding takes halves upwards */
    ck_assert_int_eq(quant_multiply(128, part), 1);
    ck_assert_int_eq(quant_multiply(127, part), 1); /* 0.496: to 64 / 128 first */
    ck_assert_int_eq(quant_multiply(126, part), 0);
    ck_assert_int_eq(quant_multiply(-128, part), -1); /* the second one takes them away from zero */
    ck_assert_int_eq(quant_multiply(7, quant_multiplier_of(12.0)), 84);
    ck_assert_int_eq(quant_multiply(INT32_MAX, quant_multiplier_of(3.0)),
                     1610612735); /* saturated before the product */
    double f = 1e-6;
    for (int i = 0; i < 56; i++) {
        for (int32_t sum = -3000000; sum < 3000000; sum += 4999)
            ck_assert_double_le(fabs(quant_multiply(sum, quant_multiplier_of(f)) - sum * f), 1.0);
        f *= 1.31;
    }
}
END_TEST

START_TEST(averages_and_products_with_a_gate_round_away_from_zero)
{
    ck_assert_int_eq(quant_divide(5, 2), 3);
    ck_assert_int_eq(quant_divide(-5, 2), -3);
    ck_assert_int_eq(quant_divide(-4, 3), -1);
    ck_assert_int_eq(quant_divide(-128 * 49, 49), -128);
    ck_assert_int_eq(quant_product(100, -128, 127), 99);    /* 228 * 255 / 256 = 227.1 */
    ck_assert_int_eq(quant_product(100, -128, -128), -128); /* times nothing */
    ck_assert_int_eq(quant_product(-100, 0, 0), -50);
    ck_assert_int_eq(quant_product(-101, 0, 0), -51); /* -50.5 */
}
END_TEST

START_TEST(curves_are_what_their_names_say)
{
    const struct quant inside = quant_act_inside(ACT_HSWISH).out;
    int8_t t[256];
    ck_assert_int_eq(inside.zero, -107);
    quant_table(QUANT_HSWISH, quant_outside(), inside, t);
    ck_assert_int_eq(t[(uint8_t)(int8_t)-128], -107);
    ck_assert_int_eq(t[(uint8_t)(int8_t)-96], -107);
    ck_assert_int_eq(t[(uint8_t)(int8_t)-48], -128); /* the least hard swish, -0.375: -21 */
    ck_assert_int_eq(t[32], -70);                    /* 2/3: 37.3 */
    ck_assert_int_eq(t[127], 115);                   /* 127/32: 222.25 */
    quant_table(QUANT_SIGMOID, quant_outside(), quant_gate(), t);
    ck_assert_int_eq(t[0], 0);
    ck_assert_int_eq(t[32], 59);     /* 0.7310586: 187.2 */
    ck_assert_int_eq(t[127], 123);   /* 0.9814508: 251.3 */
    ck_assert_int_eq(t[0x80], -123); /* 0.0179862: 4.6 */
}
END_TEST

/* Layers. */

static struct quant_tensor tensor(const int8_t *values, const float *scales, const int32_t *biases, size_t count,
                                  size_t outputs)
{
    return (struct quant_tensor){
        .values = values, .scales = scales, .biases = biases, .count = count, .outputs = outputs};
}

/* Weights by hand: values, scales and biases of the tensors that a layer has. */
static struct weights given(const char *text, const struct quant_tensor tensors[TENSORS])
{
    struct weights w = {0};
    struct quant_step steps[TENSORS];
    memset(steps, 0, sizeof steps);
    struct layer layer = layer_of(text);
    quant_layer(&layer, steps);
    for (int i = 0; i < TENSORS; i++) {
        w.int8[i] = tensors[i];
        w.int8[i].step = steps[i];
    }
    return w;
}

static void expect(const char *text, const struct quant_tensor tensors[TENSORS], const int8_t *in, const int8_t *want)
{
    static const struct quant_tensor none[TENSORS];
    struct layer layer = layer_of(text);
    struct weights w = given(text, tensors ? tensors : none);
    const struct runtime_options o = {DTYPE_INT8, 1, 1};
    for (const struct runtime *const *r = runtimes; *r; r++) {
        size_t n = 0;
        if ((*r)->supports(&o, NULL)) continue;
        int8_t *got = run_layer_bytes(*r, &o, &layer, &w, in, &n);
        ck_assert_uint_eq(n, shape_elements(&layer.out));
        for (size_t i = 0; i < n; i++) /* want has n values: the layer's text says so, which the analyzer can't see. */
            ck_assert_msg(got[i] == want[i], "%s: %s: value %zu is %d, not %d", (*r)->name, text, i,
                          got[i], /* NOLINT */
                          want[i]);
        free(got);
    }
}

START_TEST(a_window_slides_over_rows_and_columns_with_the_zero_point_around)
{
    static const int8_t values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    static const float scales[] = {1.0f / 16};
    static const int32_t biases[] = {0};
    const struct quant_tensor t[TENSORS] = {[TENSOR_DENSE] = tensor(values, scales, biases, 9, 1)};
    const int8_t in[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    /* 94, 154, 106, 186, 285, 186, 106, 154, 94, by 16 */
    const int8_t want[] = {6, 10, 7, 12, 18, 12, 7, 10, 6};
    expect("conv2d in=3x3x1 out=3x3x1 k=3 s=1 act=none", t, in, want);
}
END_TEST

START_TEST(each_output_channel_has_a_scale_and_a_bias_and_results_saturate)
{
    static const int8_t values[] = {1, 10, 100, -1, -10, -100};
    static const float scales[] = {1.0f / 8, 1.0f / 4};
    static const int32_t biases[] = {4, -6};
    const struct quant_tensor t[TENSORS] = {[TENSOR_DENSE] = tensor(values, scales, biases, 6, 2)};
    const int8_t in[] = {1, 2, 3, 4, 5, 6};
    const int8_t want[] = {41, -82, 82, -128}; /* 325 / 8, -327 / 4, 658 / 8, -660 / 4 */
    expect("conv2d in=1x2x3 out=1x2x2 k=1 s=1 act=none", t, in, want);
    expect("linear in=1x1x3 out=1x1x2", t, in, want);
}
END_TEST

START_TEST(activations_are_what_their_names_say)
{
    static const int8_t values[] = {64};
    static const float scales[] = {1.0f / 64};
    static const int32_t biases[] = {0};
    const struct quant_tensor t[TENSORS] = {[TENSOR_DENSE] = tensor(values, scales, biases, 1, 1)};
    const int8_t in[] = {-128, -100, -32, 0, 31, 96, 127};
    const int8_t relu[] = {0, 0, 0, 0, 31, 96, 127};
    const int8_t hswish[] = {0, 0, -11, 0, 21, 96, 127}; /* 32 times 0, 0, -1/3, 0, 0.6408, 3, 3.97 */
    const int8_t swish[] = {-2, -4, -9, 0, 22, 91, 125}; /* -2.30, -4.21, -8.61, 0, 22.47, 91.45, 124.64 */
    const int8_t added[] = {-128, -100, -32, 0, 62, 127, 127};
    expect("conv2d in=1x7x1 out=1x7x1 k=1 s=1 act=none", t, in, in);
    expect("conv2d in=1x7x1 out=1x7x1 k=1 s=1 act=relu", t, in, relu);
    expect("conv2d in=1x7x1 out=1x7x1 k=1 s=1 act=relu6", t, in, relu);
    expect("conv2d in=1x7x1 out=1x7x1 k=1 s=1 act=hswish", t, in, hswish);
    expect("conv2d in=1x7x1 out=1x7x1 k=1 s=1 act=swish", t, in, swish);
    expect("conv2d in=1x7x1 out=1x7x1 k=1 s=1 act=relu res=1", t, in, added);
}
END_TEST

START_TEST(pools_are_means_and_maxima_of_what_lies_inside)
{
    const int8_t in[] = {1, 10, 2, 20, 3, 30, 7, -61};
    const int8_t mean[] = {3, 0}; /* 13 / 4, -1 / 4 */
    const int8_t negatives[] = {-1, -2, -3, -4, -5, -6, -7, -8, -9};
    const int8_t greatest[] = {-1, -2, -4, -5};
    expect("avgpool in=2x2x2 out=1x1x2", NULL, in, mean);
    expect("maxpool in=3x3x1 out=2x2x1 k=3 s=2", NULL, negatives, greatest);
}
END_TEST

/* One pixel of 2, 64 steps. Expanded by 1, -1: 2 and 0, in 1/64 steps 128 and 0. Depthwise by 1/2 with biases 0, 1/2:
 * 64 and 32 steps; the taps around see the zero point and add nothing. Squeezed by 1, 1: 96 steps. The gate, x / 6 +
 * 1/2 as one linear step, by 1/4 and -1/4, and 1/2: 224 and 32 of 256. Scaled: 56 and 4. Projected by 1, 1: 60 steps of
 * 1/64 are 30 of 1/32. With the residual 94. */
START_TEST(a_block_expands_filters_scales_projects_and_adds)
{
    static const float scales[] = {1.0f / 64, 1.0f / 64};
    static const int32_t zeros[] = {0, 0};
    static const int32_t second[] = {0, 2048}; /* 1/2 in steps of 1/64 x 1/64 */
    static const int32_t both[] = {2048, 2048};
    static const int8_t expand[] = {64, -64};
    static const int8_t depthwise[] = {99, 99, 99, 99, 99, 99, 99, 99, 32, 32, 99, 99, 99, 99, 99, 99, 99, 99};
    static const int8_t ones[] = {64, 64};
    static const int8_t excite[] = {16, -16};
    const struct quant_tensor t[TENSORS] = {
        [TENSOR_EXPAND] = tensor(expand, scales, zeros, 2, 2),
        [TENSOR_DEPTHWISE] = tensor(depthwise, scales, second, 18, 2),
        [TENSOR_SQUEEZE] = tensor(ones, scales, zeros, 2, 1),
        [TENSOR_EXCITE] = tensor(excite, scales, both, 2, 2),
        [TENSOR_DENSE] = tensor(ones, scales, zeros, 2, 1),
    };
    const int8_t in[] = {64};
    const int8_t with_residual[] = {94};
    const int8_t without_residual[] = {30};
    const int8_t without_se[] = {48};
    expect("mbconv in=1x1x1 out=1x1x1 mid=2 k=3 s=1 act=relu se=1 res=1", t, in, with_residual);
    expect("mbconv in=1x1x1 out=1x1x1 mid=2 k=3 s=1 act=relu se=1", t, in, without_residual);
    expect("mbconv in=1x1x1 out=1x1x1 mid=2 k=3 s=1 act=relu", t, in, without_se);
}
END_TEST

/* To mid by 1, ReLU; window by 1/2; out by 1: every other pixel's 10, 32, -70, 4 make 5, 16, 0, 2. Shortcut: averages
 * 30, 46, -76, 4 by 1/2. */
START_TEST(a_bottleneck_pools_and_projects_its_shortcut)
{
    static const float scales[] = {1.0f / 64};
    static const int32_t zeros[] = {0};
    static const int8_t one[] = {64};
    static const int8_t half[] = {32};
    const struct quant_tensor t[TENSORS] = {
        [TENSOR_EXPAND] = tensor(one, scales, zeros, 1, 1),
        [TENSOR_WINDOW] = tensor(half, scales, zeros, 1, 1),
        [TENSOR_DENSE] = tensor(one, scales, zeros, 1, 1),
        [TENSOR_SHORTCUT] = tensor(half, scales, zeros, 1, 1),
    };
    const int8_t in[] = {10, 20, 32, 40, 50, 60, -70, -82, 4};
    const int8_t want[] = {20, 39, 0, 4};
    expect("bottleneck in=3x3x1 out=2x2x1 mid=1 k=1 s=2 act=relu", t, in, want);
    const int8_t added[] = {15, 30, 48, 60, 75, 90, 0, 0, 6};
    expect("bottleneck in=3x3x1 out=3x3x1 mid=1 k=1 s=1 act=relu res=1", t, in, added);
}
END_TEST

static TCase *value_cases(void)
{
    TCase *t = tcase_create("int8 values");
    tcase_add_test(t, multipliers_are_fractions_of_31_bits_and_a_shift);
    tcase_add_test(t, products_are_rounded_twice);
    tcase_add_test(t, averages_and_products_with_a_gate_round_away_from_zero);
    tcase_add_test(t, curves_are_what_their_names_say);
    tcase_add_test(t, a_window_slides_over_rows_and_columns_with_the_zero_point_around);
    tcase_add_test(t, each_output_channel_has_a_scale_and_a_bias_and_results_saturate);
    tcase_add_test(t, activations_are_what_their_names_say);
    tcase_add_test(t, pools_are_means_and_maxima_of_what_lies_inside);
    tcase_add_test(t, a_block_expands_filters_scales_projects_and_adds);
    tcase_add_test(t, a_bottleneck_pools_and_projects_its_shortcut);
    return t;
}

TEST_MAIN("int8 values", value_cases())
