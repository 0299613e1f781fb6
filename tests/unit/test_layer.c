/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "check_main.h"
#include "lut/base/rng.h"
#include "lut/layer/layer.h"
#include "test_base_cases.h"

static void run_case(const char *name, const char *input, size_t size, const struct expected *e)
{
    char text[512];
    struct lathe_error err = {0};
    struct layer layer = {.mid = -7};
    ck_assert_uint_gt(size, 0);
    snprintf(text, sizeof text, "%.*s", (int)size - 1, input);
    enum lathe_status st = layer_parse(text, &layer, &err);
    if (e->rows < 0) {
        ck_assert_msg(st == LATHE_INVALID, "%s is taken", name);
        ck_assert_int_eq(layer.mid, -7);
        case_check_error(name, &err, e);
        return;
    }
    char again[LAYER_TEXT_BYTES];
    ck_assert_msg(st == LATHE_OK, "%s: %s", name, err.message);
    layer_print(&layer, again);
    ck_assert_str_eq(again, text);
}

START_TEST(only_the_canonical_text_is_read_and_errors_name_the_attribute)
{
    cases_run("layer", 58, run_case);
}
END_TEST

static struct shape random_shape(struct rng *rng)
{
    return (struct shape){1 + (int)rng_below(rng, 300), 1 + (int)rng_below(rng, 300), 1 + (int)rng_below(rng, 2000)};
}

/* A valid layer of any kind. */
static struct layer random_layer(struct rng *rng)
{
    struct layer l = {.kind = (enum layer_kind)rng_below(rng, LAYER_KINDS), .in = random_shape(rng)};
    l.out = (struct shape){1, 1, 1 + (int)rng_below(rng, 2000)};
    if (l.kind == LAYER_LINEAR) l.in.h = l.in.w = 1;
    if (l.kind == LAYER_AVGPOOL) l.out.c = l.in.c;
    if (l.kind == LAYER_LINEAR || l.kind == LAYER_AVGPOOL) return l;
    l.kernel = 1 + 2 * (int)rng_below(rng, 8);
    l.stride = 1 + (int)rng_below(rng, 4);
    if (l.kind == LAYER_MAXPOOL) {
        l.kernel = l.kernel < 3 ? 3 : l.kernel;
        l.stride = l.stride > l.kernel ? l.kernel : l.stride;
        l.out.c = l.in.c;
    } else {
        l.act = (enum activation)rng_below(rng, ACTIVATIONS);
    }
    l.out.h = (l.in.h + l.stride - 1) / l.stride;
    l.out.w = (l.in.w + l.stride - 1) / l.stride;
    if (l.kind == LAYER_MAXPOOL) return l;
    if (l.kind != LAYER_CONV2D)
        l.mid = rng_below(rng, 4) ? l.in.c * (int)(1 + rng_below(rng, 6)) : 1 + (int)rng_below(rng, 3000);
    if (l.kind == LAYER_MBCONV) l.se = rng_below(rng, 2) ? 1 + (int)rng_below(rng, 400) : 0;
    l.residual = l.stride == 1 && rng_below(rng, 2);
    if (l.residual) l.out.c = l.in.c;
    return l;
}

START_TEST(every_valid_layer_comes_back_from_its_text)
{
    struct rng rng;
    rng_seed(&rng, 20);
    for (int i = 0; i < 20000; i++) {
        struct layer l = random_layer(&rng);
        struct layer back;
        struct lathe_error err = {0};
        char text[LAYER_TEXT_BYTES];
        ck_assert_msg(layer_validate(&l, &err) == LATHE_OK, "%s", err.message);
        layer_print(&l, text);
        ck_assert_msg(layer_parse(text, &back, &err) == LATHE_OK, "%s: %s", text, err.message);
        ck_assert_msg(layer_equal(&l, &back), "%s", text);
    }
}
END_TEST

static struct layer parse(const char *text)
{
    struct layer l;
    struct lathe_error err = {0};
    ck_assert_msg(layer_parse(text, &l, &err) == LATHE_OK, "%s", err.message);
    return l;
}

START_TEST(layers_that_differ_in_one_attribute_are_not_equal)
{
    const struct layer l = parse("mbconv in=20x20x48 out=20x20x48 mid=144 k=3 s=1 act=relu se=40 res=1");
    ck_assert(layer_equal(&l, &l));
    for (int i = 0; i < 12; i++) {
        struct layer other = l;
        int *const numbers[] = {&other.in.h,  &other.in.w, &other.in.c,   &other.out.h,  &other.out.w,
                                &other.out.c, &other.mid,  &other.kernel, &other.stride, &other.se};
        if (i < 10) ++*numbers[i];
        else if (i == 10) other.residual = false;
        else other.act = ACT_RELU6;
        ck_assert_msg(!layer_equal(&l, &other), "attribute %d", i);
    }
}
END_TEST

static void check_invalid(struct layer l, const char *field)
{
    struct lathe_error err = {0};
    ck_assert_msg(layer_validate(&l, &err) == LATHE_INVALID, "%s", field);
    ck_assert_str_eq(err.field, field);
}

START_TEST(values_that_no_text_can_hold_are_refused_too)
{
    struct layer l = parse("conv2d in=8x8x3 out=8x8x8 k=3 s=1 act=none");
    l.kind = LAYER_KINDS;
    check_invalid(l, "kind");
    l = parse("conv2d in=8x8x3 out=8x8x8 k=3 s=1 act=none");
    l.act = ACTIVATIONS;
    check_invalid(l, "act");
    l.act = ACT_NONE;
    l.mid = 1;
    check_invalid(l, "mid");
    l = parse("linear in=1x1x8 out=1x1x8");
    l.kernel = 1;
    check_invalid(l, "k");
    l = parse("mbconv in=8x8x8 out=8x8x8 mid=8 k=3 s=1 act=relu");
    l.se = -1;
    check_invalid(l, "se");
    l.se = 0;
    l.in.h = -8;
    check_invalid(l, "in");
    l = parse("bottleneck in=8x8x8 out=8x8x8 mid=8 k=3 s=1 act=relu");
    l.se = 8;
    check_invalid(l, "se");
    l = parse("maxpool in=8x8x8 out=4x4x8 k=3 s=2");
    l.act = ACT_RELU;
    check_invalid(l, "act");
    l.act = ACT_NONE;
    l.residual = true;
    check_invalid(l, "res");
}
END_TEST

START_TEST(make_divisible_gives_the_widths_of_published_networks)
{
    /* Widths of OFA at 1.2, of MobileNetV2 at 0.35 to 1.4 and of MobileNetV3's squeeze-excite, by divisor 8. */
    static const struct {
        double value;
        int width;
    } known[] = {{16 * 1.2, 24},   {24 * 1.2, 32},    {40 * 1.2, 48},     {80 * 1.2, 96},   {112 * 1.2, 136},
                 {160 * 1.2, 192}, {960 * 1.2, 1152}, {1280 * 1.2, 1536}, {32 * 0.35, 16},  {16 * 0.35, 8},
                 {24 * 0.35, 8},   {32 * 1.4, 48},    {96 * 0.35, 32},    {160 * 0.35, 56}, {320 * 0.35, 112},
                 {16 * 1.4, 24},   {24 * 1.4, 32},    {64 * 1.4, 88},     {320 * 1.4, 448}, {72 / 4.0, 24},
                 {120 / 4.0, 32},  {480 / 4.0, 120},  {672 / 4.0, 168},   {960 / 4.0, 240}, {1, 8},
                 {4, 8},           {11, 16},          {12, 16},           {9, 16},          {8.8, 8}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        ck_assert_msg(make_divisible(known[i].value, 8) == known[i].width, "%g gives %d instead of %d", known[i].value,
                      make_divisible(known[i].value, 8), known[i].width);
    ck_assert_int_eq(make_divisible(7, 4), 8);
    ck_assert_int_eq(make_divisible(18, 1), 18);
}
END_TEST

START_TEST(output_sizes_are_those_of_same_padding)
{
    /* Counted: how many windows start on a multiple of the stride within the image. */
    for (int n = 1; n <= 64; n++)
        for (int stride = 1; stride <= 4; stride++) {
            int windows = 0;
            for (int at = 0; at < n; at += stride) windows++;
            ck_assert_int_eq(conv_out_size(n, stride), windows);
        }
}
END_TEST

START_TEST(names_come_back_from_their_text)
{
    enum dtype dtype;
    enum activation act;
    ck_assert(dtype_parse("f32", &dtype) && dtype == DTYPE_F32 && dtype_bytes(dtype) == 4);
    ck_assert(dtype_parse("int8", &dtype) && dtype == DTYPE_INT8 && dtype_bytes(dtype) == 1);
    ck_assert(!dtype_parse("f16", &dtype));
    for (int i = 0; i < ACTIVATIONS; i++) {
        const char *name = activation_name((enum activation)i);
        ck_assert(activation_parse(name, strlen(name), &act) && (int)act == i);
        ck_assert(!activation_parse(name, strlen(name) - 2, &act));
    }
}
END_TEST

static TCase *text(void)
{
    TCase *c = tcase_create("text");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, only_the_canonical_text_is_read_and_errors_name_the_attribute);
    tcase_add_test(c, every_valid_layer_comes_back_from_its_text);
    tcase_add_test(c, layers_that_differ_in_one_attribute_are_not_equal);
    tcase_add_test(c, values_that_no_text_can_hold_are_refused_too);
    tcase_add_test(c, make_divisible_gives_the_widths_of_published_networks);
    tcase_add_test(c, output_sizes_are_those_of_same_padding);
    tcase_add_test(c, names_come_back_from_their_text);
    return c;
}

TEST_MAIN("layer", text())
