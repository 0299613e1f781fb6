/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/cli/comparison.h"

#include <math.h>
#include <string.h>

#include "check_main.h"
#include "lut/base/rng.h"
#include "server/cli/plot.h"

static json_t *network(const char *name, const char *family, double top1, double ms)
{
    return json_pack("{s:s,s:s,s:f,s:f}", "name", name, "family", family, "top1", top1, "latency_ms", ms);
}

/* ---- means ---- */

START_TEST(an_interval_is_students)
{
    /* By hand: mean 11, standard deviation 1.5811, t(0.975, 4) = 2.7764: half is 2.7764 * 1.5811 / sqrt(5). */
    static const double ms[] = {9, 10, 11, 12, 13};
    double half = 0;
    ck_assert_double_eq_tol(comparison_mean(ms, 5, &half), 11, 1e-12);
    ck_assert_double_eq_tol(half, 1.96324, 1e-4);
    ck_assert(comparison_mean(ms, 1, &half) == 9);
    ck_assert(isnan(half));
}
END_TEST

/* ---- fronts ---- */

START_TEST(a_front_is_interpolated_between_its_networks)
{
    json_t *all = json_pack("[o,o,o,o]", network("a", "once-for-all", 0.70, 10), network("b", "once-for-all", 0.76, 22),
                            network("slow", "once-for-all", 0.72, 30), network("other", "MobileNetV3", 0.75, 1));
    int below = 0;
    ck_assert_double_eq_tol(comparison_front_ms(all, 0.73, &below), 16, 1e-9);
    ck_assert_int_eq(below, 0);
    ck_assert_double_eq_tol(comparison_front_ms(all, 0.76, &below), 22, 1e-9);
    ck_assert_double_eq_tol(comparison_front_ms(all, 0.70, &below), 10, 1e-9);
    ck_assert_int_eq(below, 0);
    ck_assert_double_eq_tol(comparison_front_ms(all, 0.60, &below), 10, 1e-9);
    ck_assert_int_eq(below, 1);
    ck_assert(isnan(comparison_front_ms(all, 0.77, &below)));
    json_decref(all);
}
END_TEST

/* The front by its definition: the networks that no other beats, in order of latency, and the pair around. */
static double front_by_definition(const struct plot_point *points, size_t count, double top1)
{
    const struct plot_point *low = NULL;
    const struct plot_point *high = NULL;
    unsigned char on[64];
    plot_front(points, count, 0, on);
    for (size_t i = 0; i < count; i++) {
        if (!on[i]) continue;
        if (points[i].y >= top1 && (!high || points[i].y < high->y)) high = &points[i];
        if (points[i].y < top1 && (!low || points[i].y > low->y)) low = &points[i];
    }
    if (!high || !low || high->y == top1) return high ? high->x : (double)NAN;
    return low->x + (high->x - low->x) * (top1 - low->y) / (high->y - low->y);
}

START_TEST(fronts_of_random_networks_are_those_of_the_definition)
{
    struct rng rng;
    rng_seed(&rng, 3);
    for (int round = 0; round < 500; round++) {
        struct plot_point points[64] = {{0}};
        size_t count = 1 + rng_below(&rng, 40);
        json_t *all = json_array();
        int below = 0;
        for (size_t i = 0; i < count; i++) {
            points[i].x = 1 + 50 * rng_unit(&rng);
            points[i].y = 0.6 + 0.002 * rng_below(&rng, 100);
            json_array_append_new(all, network("n", "once-for-all", points[i].y, points[i].x));
        }
        double top1 = 0.6 + 0.2 * rng_unit(&rng);
        double wanted = front_by_definition(points, count, top1);
        double got = comparison_front_ms(all, top1, &below);
        ck_assert(isnan(wanted) ? isnan(got) : fabs(got - wanted) < 1e-9);
        json_decref(all);
    }
}
END_TEST

START_TEST(speedups_and_claims_are_of_equal_accuracy)
{
    json_t *list = json_pack("[o,o,o,o,o]", network("a", "once-for-all", 0.70, 10),
                             network("b", "once-for-all", 0.76, 22), network("v3", "MobileNetV3", 0.73, 24),
                             network("small", "MobileNetV3", 0.65, 5), network("b9", "EfficientNet", 0.84, 90));
    json_t *report = json_pack("{s:o}", "networks", list);
    comparison_add_speedups(report);
    const json_t *speedups = json_object_get(report, "speedups");
    ck_assert_uint_eq(json_array_size(speedups), 3);
    ck_assert_double_eq_tol(json_number_value(json_object_get(json_array_get(speedups, 0), "speedup")), 1.5, 1e-9);
    ck_assert(json_is_null(json_object_get(json_array_get(speedups, 1), "speedup"))); /* 10 ms is not faster than 5 */
    ck_assert(json_is_null(json_object_get(json_array_get(speedups, 2), "front_ms")));
    const json_t *claim = json_array_get(json_object_get(report, "claims"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(claim, "family")), "MobileNetV3");
    ck_assert_double_eq_tol(json_number_value(json_array_get(json_object_get(claim, "measured"), 0)), 1.5, 1e-9);
    ck_assert(json_is_null(json_object_get(json_array_get(json_object_get(report, "claims"), 1), "measured")));
    json_decref(report);
}
END_TEST

/* ---- plots ---- */

static const char *const series[] = {"once-for-all", "a<b & \"c\""};

static char *draw(const struct plot_point *points, size_t count)
{
    return plot_svg(&(struct plot){.title = "title <&>",
                                   .description = "it's \x01 here",
                                   .x_title = "x",
                                   .y_title = "y",
                                   .series = series,
                                   .series_count = 2,
                                   .points = points,
                                   .count = count});
}

static int occurrences(const char *text, const char *part)
{
    int n = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part)) n++;
    return n;
}

START_TEST(a_plot_has_every_point_and_escapes_texts)
{
    static const struct plot_point points[] = {
        {.x = 3, .y = 70, .low = 2.5, .high = 3.5, .series = 0, .name = "</svg><script>", .label = NULL},
        {.x = 30, .y = 76, .series = 0, .name = "two", .label = NULL},
        {.x = 12, .y = 73, .series = 1, .name = "three", .label = "]]>&amp;"},
    };
    char *svg = draw(points, 3);
    ck_assert_ptr_nonnull(svg);
    ck_assert_int_eq(occurrences(svg, "class=\"point\""), 3);
    ck_assert_int_eq(occurrences(svg, "class=\"bar\""), 1);
    ck_assert_int_eq(occurrences(svg, "class=\"front\""), 2);
    ck_assert_int_eq(occurrences(svg, "</svg>"), 1);
    ck_assert_int_eq(occurrences(svg, "<script"), 0);
    ck_assert_ptr_nonnull(strstr(svg, "&lt;/svg&gt;&lt;script&gt;"));
    ck_assert_ptr_nonnull(strstr(svg, "]]&gt;&amp;amp;"));
    ck_assert_ptr_nonnull(strstr(svg, "it&#39;s ? here"));
    ck_assert_ptr_nonnull(strstr(svg, "a&lt;b &amp; &quot;c&quot;"));
    free(svg);
}
END_TEST

START_TEST(what_can_not_be_plotted_is_refused)
{
    const struct plot_point zero = {.x = 0, .y = 70, .name = "zero"};
    const struct plot_point nan = {.x = 1, .y = (double)NAN, .name = "nan"};
    const struct plot_point stranger = {.x = 1, .y = 70, .series = 2, .name = "stranger"};
    const struct plot_point one = {.x = 1e-6, .y = 70, .name = "one"};
    ck_assert_ptr_null(draw(&zero, 1));
    ck_assert_ptr_null(draw(&nan, 1));
    ck_assert_ptr_null(draw(&stranger, 1));
    ck_assert_ptr_null(draw(NULL, 0));
    char *svg = draw(&one, 1);
    ck_assert_ptr_nonnull(svg);
    ck_assert(!strstr(svg, "nan") && !strstr(svg, "inf"));
    free(svg);
}
END_TEST

static TCase *comparison_case(void)
{
    TCase *c = tcase_create("comparison");
    tcase_add_test(c, an_interval_is_students);
    tcase_add_test(c, a_front_is_interpolated_between_its_networks);
    tcase_add_test(c, fronts_of_random_networks_are_those_of_the_definition);
    tcase_add_test(c, speedups_and_claims_are_of_equal_accuracy);
    tcase_add_test(c, a_plot_has_every_point_and_escapes_texts);
    tcase_add_test(c, what_can_not_be_plotted_is_refused);
    return c;
}

TEST_MAIN("comparison", comparison_case())
