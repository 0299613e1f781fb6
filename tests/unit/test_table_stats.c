/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>

#include "check_main.h"
#include "lut/base/rng.h"
#include "lut/table/table.h"

/* Michelson's 1879 measurements of the speed of light, first run of twenty (km/s less 299000). Their mean of 909 and
 * deviation of 104.926 are in every textbook; the rest is from Python's statistics module (quantiles "inclusive"). */
START_TEST(statistics_of_a_published_set_are_the_published_ones)
{
    double x[] = {850,  740, 900, 1070, 930, 850, 950,  980,  980, 880,
                  1000, 980, 930, 650,  760, 810, 1000, 1000, 960, 960};
    struct latency l;
    for (int i = 0; i < 20; i++) x[i] *= 1e6;
    latency_from_samples(x, 20, &l);
    ck_assert_uint_eq(l.count, 20);
    ck_assert_double_eq_tol(l.mean_ms, 909, 1e-9);
    ck_assert_double_eq_tol(l.std_ms, 104.9260, 5e-5);
    ck_assert_double_eq_tol(l.trimmed_ms, 920, 1e-9);
    ck_assert_double_eq_tol(l.min_ms, 650, 1e-9);
    ck_assert_double_eq_tol(l.p50_ms, 940, 1e-9);
    ck_assert_double_eq_tol(l.p90_ms, 1000, 1e-9);
}
END_TEST

/* The k-th smallest by counting, without sorting. */
static double kth_smallest(const double *x, size_t n, size_t k)
{
    for (size_t i = 0; i < n; i++) {
        size_t below = 0;
        size_t equal = 0;
        for (size_t j = 0; j < n; j++) {
            below += x[j] < x[i];
            equal += x[j] == x[i];
        }
        if (below <= k && k < below + equal) return x[i];
    }
    return NAN;
}

static double percentile(const double *x, size_t n, unsigned percent)
{
    size_t hundredths = percent * (n - 1);
    double low = kth_smallest(x, n, hundredths / 100);
    double high = kth_smallest(x, n, hundredths / 100 + (hundredths % 100 ? 1 : 0));
    return low + (high - low) * (double)(hundredths % 100) / 100;
}

static void check_by_brute_force(const double *x, size_t n, const struct latency *l)
{
    long double sum = 0;
    long double trimmed = 0;
    long double pairs = 0;
    size_t kept = n - 2 * (n / 10);
    for (size_t i = 0; i < n; i++) sum += x[i];
    for (size_t k = n / 10; k < n - n / 10; k++) trimmed += kth_smallest(x, n, k);
    /* The variance is half the mean square of all differences: no mean is needed. */
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) pairs += (x[i] - x[j]) * (long double)(x[i] - x[j]);
    double std = n > 1 ? sqrt((double)(pairs / n / (n - 1))) : 0;
    ck_assert_double_eq_tol(l->mean_ms * 1e6, (double)(sum / n), 1e-3);
    ck_assert_double_eq_tol(l->trimmed_ms * 1e6, (double)(trimmed / kept), 1e-3);
    ck_assert_double_eq_tol(l->std_ms * 1e6, std, 1e-3);
    ck_assert_double_eq_tol(l->min_ms * 1e6, kth_smallest(x, n, 0), 1e-3);
    ck_assert_double_eq_tol(l->p50_ms * 1e6, percentile(x, n, 50), 1e-3);
    ck_assert_double_eq_tol(l->p90_ms * 1e6, percentile(x, n, 90), 1e-3);
}

START_TEST(statistics_of_any_number_of_samples_are_those_of_brute_force)
{
    struct rng rng;
    rng_seed(&rng, 7);
    for (size_t n = 1; n <= 64; n++) {
        double x[64], sorted[64];
        struct latency l;
        for (size_t i = 0; i < n; i++) sorted[i] = x[i] = 1000 + rng_below(&rng, n % 2 ? 40 : 4000000);
        latency_from_samples(sorted, n, &l);
        ck_assert_uint_eq(l.count, n);
        check_by_brute_force(x, n, &l);
    }
}
END_TEST

START_TEST(the_figure_for_searches_is_the_trimmed_mean_where_there_is_one)
{
    struct latency l = {.mean_ms = 2, .trimmed_ms = 1.5};
    ck_assert_double_eq(latency_best_ms(&l), 1.5);
    l.trimmed_ms = NAN;
    ck_assert_double_eq(latency_best_ms(&l), 2);
}
END_TEST

static TCase *stats(void)
{
    TCase *c = tcase_create("stats");
    tcase_add_test(c, statistics_of_a_published_set_are_the_published_ones);
    tcase_add_test(c, statistics_of_any_number_of_samples_are_those_of_brute_force);
    tcase_add_test(c, the_figure_for_searches_is_the_trimmed_mean_where_there_is_one);
    return c;
}

TEST_MAIN("table_stats", stats())
