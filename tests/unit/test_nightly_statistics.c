/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>
#include <stdint.h>

#include "check_main.h"
#include "lut/base/rng.h"
#include "server/nightly/decide/changes.h"
#include "server/nightly/decide/decide.h"
#include "server/nightly/decide/fdr.h"
#include "server/nightly/decide/probability.h"
#include "server/nightly/decide/ranks.h"
#include "server/nightly/decide/robust.h"

/* scipy.stats 1.10: 2 * t.sf(t, degrees), t.isf(p / 2, degrees) */
START_TEST(student_p_and_t_are_those_of_scipy)
{
    ck_assert_double_eq_tol(student_p(2.0, 5), 0.10193947882985828, 1e-12);
    ck_assert_double_eq_tol(student_p(-4.5, 17.5), 0.0002953924842948257, 1e-14);
    ck_assert_double_eq_tol(student_p(0.3, 1), 0.8144528418445154, 1e-12);
    ck_assert_double_eq_tol(student_p(8, 100) / 2.2728648077280803e-12, 1, 1e-8);
    ck_assert_double_eq_tol(student_t(0.05, 7), 2.3646242510103, 1e-9);
    ck_assert_double_eq_tol(student_t(0.001, 12.5), 4.266936766292131, 1e-9);
}
END_TEST

/* Benjamini and Hochberg (1995), section 3.2: of fifteen, the first four are rejected at 5%. */
START_TEST(fdr_rejects_what_its_authors_example_rejects)
{
    static const double p[] = {0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
                               0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
    double q[15];
    ck_assert_int_eq(fdr_adjust(p, 15, q), 0);
    for (int i = 0; i < 15; i++) ck_assert_int_eq(q[i] <= 0.05, i < 4);
    ck_assert_double_eq_tol(q[0], 0.0015, 1e-12);
    ck_assert_double_eq_tol(q[3], 0.0095 * 15 / 4, 1e-12);
    ck_assert_double_eq_tol(q[14], 1, 1e-12);
}
END_TEST

START_TEST(fdr_keeps_the_order_in_which_chances_came)
{
    double q[] = {0.9, 0.01, 0.5};
    ck_assert_int_eq(fdr_adjust(q, 3, q), 0);
    ck_assert_double_eq_tol(q[1], 0.03, 1e-12);
    ck_assert_double_eq_tol(q[2], 0.75, 1e-12);
    ck_assert_double_eq_tol(q[0], 0.9, 1e-12);
}
END_TEST

static size_t one_stratum(struct ranked *out, const double *now, size_t m, const double *before, size_t n)
{
    for (size_t i = 0; i < m; i++) out[i] = (struct ranked){now[i], 0, true};
    for (size_t i = 0; i < n; i++) out[m + i] = (struct ranked){before[i], 0, false};
    return m + n;
}

/* Permeability constants of Hollander and Wolfe (1973), page 69f, as in R's manual of wilcox.test: W = 35, exact
 * p = 0.2544; the difference in location is 0.305. */
START_TEST(one_stratum_gives_the_published_u_and_shift)
{
    static const double x[] = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
    static const double y[] = {1.15, 0.88, 0.90, 0.74, 1.21};
    struct ranked s[15];
    struct rank_shift shift;
    double p;
    size_t n = one_stratum(s, x, 10, y, 5);
    ck_assert_int_eq(rank_test(s, n, &p, NULL), LATHE_OK);
    ck_assert_double_eq_tol(p, 0.2544122544122544, 1e-12);
    ck_assert_int_eq(rank_shift(s, n, &shift, NULL), LATHE_OK);
    ck_assert_double_eq_tol(shift.shift, 0.305, 1e-12);
    ck_assert_double_lt(shift.lower, 0);
    ck_assert_double_gt(shift.upper, 0.305);
}
END_TEST

/* scipy.stats 1.10: mannwhitneyu(x, y, method="asymptotic"), which corrects for ties and continuity. */
START_TEST(ties_go_by_the_corrected_normal_approximation)
{
    static const double x[] = {1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
    static const double y[] = {0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
    struct ranked s[18];
    double p;
    ck_assert_int_eq(rank_test(s, one_stratum(s, x, 9, y, 9), &p, NULL), LATHE_OK);
    ck_assert_double_eq_tol(p, 0.13291945818531892, 1e-9);
}
END_TEST

/* Van Elteren's sum by definition, for strata of known sizes: U of each less its mean, over its numbers + 1. */
static double elteren(const struct ranked *s, size_t n, uint32_t strata, unsigned now)
{
    double sum = 0;
    for (uint32_t c = 0; c < strata; c++) {
        double u = 0;
        double m = 0;
        double all = 0;
        for (size_t i = 0; i < n; i++) {
            if (s[i].stratum != c) continue;
            all++;
            m += (now >> i) & 1;
            for (size_t k = 0; k < n; k++)
                u += s[k].stratum == c && ((now >> i) & 1) && !((now >> k) & 1) && s[i].value > s[k].value;
        }
        sum += (u - m * (all - m) / 2) / (all + 1);
    }
    return sum;
}

static unsigned members(const struct ranked *s, size_t n, uint32_t stratum, unsigned now)
{
    unsigned count = 0;
    for (size_t i = 0; i < n; i++) count += s[i].stratum == stratum && ((now >> i) & 1);
    return count;
}

/* Of all ways to share out "now" within strata, the share that is as extreme: twice the smaller tail. */
static double enumerate(const struct ranked *s, size_t n, uint32_t strata)
{
    unsigned seen = 0;
    for (size_t i = 0; i < n; i++) seen |= (unsigned)s[i].now << i;
    double observed = elteren(s, n, strata, seen);
    double below = 0;
    double above = 0;
    double ways = 0;
    for (unsigned now = 0; now < 1u << n; now++) {
        bool alike = true;
        for (uint32_t c = 0; c < strata; c++) alike = alike && members(s, n, c, now) == members(s, n, c, seen);
        if (!alike) continue;
        double sum = elteren(s, n, strata, now);
        ways++;
        below += sum <= observed + 1e-12;
        above += sum >= observed - 1e-12;
    }
    return fmin(1, 2 * fmin(below, above) / ways);
}

/* Strata of 5, 4 and 3 numbers: weights 1/6, 1/5, 1/4. */
START_TEST(strata_give_the_chance_that_enumeration_gives)
{
    struct rng r;
    rng_seed(&r, (uint64_t)_i + 1);
    struct ranked s[12];
    for (uint32_t i = 0; i < 12; i++) {
        uint32_t stratum = i < 5 ? 0 : i < 9 ? 1 : 2;
        s[i] = (struct ranked){rng_unit(&r) + 10 * stratum, stratum, i % 2 == 0};
        if (s[i].now) s[i].value += 0.1 * _i;
    }
    double expected = enumerate(s, 12, 3);
    double p;
    ck_assert_int_eq(rank_test(s, 12, &p, NULL), LATHE_OK);
    ck_assert_double_eq_tol(p, expected, 1e-12);
}
END_TEST

START_TEST(strata_of_one_group_say_nothing)
{
    struct ranked s[] = {{1, 0, true}, {2, 0, true}, {3, 1, false}};
    struct rank_shift shift;
    double p;
    ck_assert_int_eq(rank_test(s, 3, &p, NULL), LATHE_OK);
    ck_assert(p == 1);
    ck_assert_int_eq(rank_shift(s, 3, &shift, NULL), LATHE_OK);
    ck_assert(isnan(shift.shift));
    ck_assert_uint_eq(shift.before + shift.now, 0);
}
END_TEST

/* Equal numbers all over, as a board in an emulator gives. */
START_TEST(numbers_without_any_spread_are_compared)
{
    struct ranked s[18];
    double p;
    for (int i = 0; i < 18; i++) s[i] = (struct ranked){i < 9 ? 10 : 11, 0, i >= 9};
    ck_assert_int_eq(rank_test(s, 18, &p, NULL), LATHE_OK);
    ck_assert_double_lt(p, 0.001);
    for (int i = 0; i < 18; i++) s[i].value = 10;
    ck_assert_int_eq(rank_test(s, 18, &p, NULL), LATHE_OK);
    ck_assert(p == 1);
}
END_TEST

START_TEST(a_step_is_found_where_it_is)
{
    static const double noise[] = {0.3, -0.2, 0.1, -0.4, 0.2, 0.0, -0.1, 0.4, -0.3, 0.1};
    double x[30];
    struct nightly_change changes[30];
    for (int i = 0; i < 30; i++) x[i] = (i < 17 ? 100 : 103) + noise[i % 10];
    ck_assert_uint_eq(nightly_changes(x, 30, 50, changes), 1);
    ck_assert_uint_eq(changes[0].index, 17);
    ck_assert_double_eq_tol(changes[0].ratio, 1.03, 0.002);
    ck_assert_double_lt(changes[0].p, 1e-10);
}
END_TEST

START_TEST(nights_that_did_not_measure_are_passed_over)
{
    static const double noise[] = {0.3, -0.2, 0.1, -0.4, 0.2};
    double x[40];
    struct nightly_change changes[40];
    for (int i = 0; i < 40; i++) x[i] = i % 3 == 1 ? NAN : (i < 21 ? 100 : 90) + noise[i % 5];
    ck_assert_uint_eq(nightly_changes(x, 40, 50, changes), 1);
    ck_assert_uint_eq(changes[0].index, 21);
}
END_TEST

START_TEST(steps_further_apart_than_a_window_are_all_found)
{
    struct rng r;
    double x[200];
    struct nightly_change changes[200];
    rng_seed(&r, 5);
    for (int i = 0; i < 200; i++) x[i] = (i < 60 ? 50 : i < 130 ? 52 : 49) * (1 + 0.01 * (rng_unit(&r) - 0.5));
    ck_assert_uint_eq(nightly_changes(x, 200, 50, changes), 2);
    ck_assert_uint_eq(changes[0].index, 60);
    ck_assert_uint_eq(changes[1].index, 130);
}
END_TEST

/* A thousand series of fifty: with a bound of 0.1% that counts all places, few have any change. */
START_TEST(noise_has_hardly_any_change_points)
{
    struct rng r;
    size_t found = 0;
    rng_seed(&r, 11);
    for (int t = 0; t < 1000; t++) {
        double x[50];
        struct change_point points[50];
        for (int i = 0; i < 50; i++) x[i] = sqrt(-2 * log(1 - rng_unit(&r))) * cos(6.283185307179586 * rng_unit(&r));
        found += change_points(x, 50, 50, points) > 0;
    }
    ck_assert_uint_le(found, 5);
}
END_TEST

START_TEST(a_constant_series_has_no_change)
{
    double x[20];
    struct nightly_change changes[20];
    for (int i = 0; i < 20; i++) x[i] = 7;
    ck_assert_uint_eq(nightly_changes(x, 20, 50, changes), 0);
    ck_assert_uint_eq(nightly_changes(x, 0, 50, changes), 0);
    ck_assert_uint_eq(nightly_changes(x, 1, 50, changes), 0);
}
END_TEST

START_TEST(a_ramp_is_told_from_a_step)
{
    double ramp[20];
    double step[20];
    for (int i = 0; i < 20; i++) {
        double noise = 0.001 * (i % 3 - 1);
        ramp[i] = noise + (i < 8 ? 0 : 0.003 * (i - 7));
        step[i] = noise + (i < 8 ? 0 : 0.03);
    }
    struct change_shape s = change_shape(ramp, 20);
    ck_assert(s.gradual);
    ck_assert_uint_ge(s.at, 7);
    ck_assert_uint_le(s.at, 9);
    s = change_shape(step, 20);
    ck_assert(!s.gradual);
    ck_assert_uint_eq(s.at, 8);
    ck_assert_double_eq_tol(s.step, 0.03, 0.001);
}
END_TEST

START_TEST(what_happens_twice_counts_as_spread_and_what_happens_once_does_not)
{
    double x[20];
    for (int i = 0; i < 20; i++) x[i] = i % 2 ? 1 : -1;
    x[7] = 30;
    double once = spread_about_zero(x, 20);
    for (int i = 0; i < 20; i++) x[i] = i % 2 ? 1 : -1;
    x[7] = x[12] = 30;
    double twice = spread_about_zero(x, 20);
    ck_assert_double_lt(once, 4);
    ck_assert_double_gt(twice, 100);
}
END_TEST

static TCase *ranks_case(void)
{
    TCase *c = tcase_create("ranks");
    tcase_add_test(c, student_p_and_t_are_those_of_scipy);
    tcase_add_test(c, fdr_rejects_what_its_authors_example_rejects);
    tcase_add_test(c, fdr_keeps_the_order_in_which_chances_came);
    tcase_add_test(c, one_stratum_gives_the_published_u_and_shift);
    tcase_add_test(c, ties_go_by_the_corrected_normal_approximation);
    tcase_add_loop_test(c, strata_give_the_chance_that_enumeration_gives, 0, 12);
    tcase_add_test(c, strata_of_one_group_say_nothing);
    tcase_add_test(c, numbers_without_any_spread_are_compared);
    return c;
}

static TCase *changes_case(void)
{
    TCase *c = tcase_create("changes");
    tcase_add_test(c, a_step_is_found_where_it_is);
    tcase_add_test(c, nights_that_did_not_measure_are_passed_over);
    tcase_add_test(c, steps_further_apart_than_a_window_are_all_found);
    tcase_add_test(c, noise_has_hardly_any_change_points);
    tcase_add_test(c, a_constant_series_has_no_change);
    tcase_add_test(c, a_ramp_is_told_from_a_step);
    tcase_add_test(c, what_happens_twice_counts_as_spread_and_what_happens_once_does_not);
    return c;
}

TEST_MAIN("nightly statistics", ranks_case(), changes_case())
