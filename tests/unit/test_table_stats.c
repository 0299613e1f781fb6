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

static double normal(struct rng *rng)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) sum += rng_unit(rng);
    return sum;
}

enum { CONTEXTS = 3, VISITS = 4, RUNS = 3, POOL = CONTEXTS * VISITS * RUNS };

/* Contexts that differ by 5%, visits of one context by 2%, runs of one visit by half a percent; now and then a run that
 * takes half as long again. @return the true mean over contexts. */
static double make_pool(struct rng *rng, struct pooled_sample out[POOL], unsigned outliers)
{
    for (int i = 0; i < POOL; i++) {
        int context = i / (VISITS * RUNS);
        static double visit;
        if (i % RUNS == 0) visit = 0.02 * normal(rng);
        out[i] = (struct pooled_sample){
            .ns = 1e6 * (1 + 0.05 * (context - 1)) * (1 + visit + 0.005 * normal(rng)),
            .subnet = 100 + (uint64_t)context,
            .visit = (uint32_t)(i / RUNS),
        };
        if (rng_below(rng, 100) < outliers) out[i].ns *= 1.5;
    }
    return 1e6;
}

/* Ninety-five of a hundred intervals ought to hold the true value; that runs go together and contexts differ must not
 * make them too narrow or too wide. */
START_TEST(the_interval_covers_the_truth_nineteen_times_in_twenty)
{
    enum { TRIALS = 2000 };
    struct rng rng;
    int covered = 0;
    double width = 0;
    rng_seed(&rng, 5);
    for (int i = 0; i < TRIALS; i++) {
        struct pooled_sample s[POOL];
        struct latency l;
        double truth = make_pool(&rng, s, 0) / 1e6;
        ck_assert_int_eq(latency_from_pool(s, POOL, &l, NULL), LATHE_OK);
        ck_assert_uint_eq(l.contexts, CONTEXTS);
        covered += fabs(l.trimmed_ms - truth) <= l.ci_ms;
        width += l.ci_ms / TRIALS;
    }
    ck_assert_int_ge(covered, TRIALS * 92 / 100);
    ck_assert_int_le(covered, TRIALS * 99 / 100);
    /* By hand: t of nine degrees times 2% over the root of twelve visits is 1.3%; a little more for the trimming. */
    ck_assert_double_gt(width, 0.011);
    ck_assert_double_lt(width, 0.019);
}
END_TEST

START_TEST(outliers_widen_the_interval_little)
{
    struct rng rng;
    double width[2] = {0};
    rng_seed(&rng, 6);
    for (int i = 0; i < 400; i++) {
        struct pooled_sample s[POOL];
        struct latency l;
        make_pool(&rng, s, i % 2 ? 4 : 0);
        ck_assert_int_eq(latency_from_pool(s, POOL, &l, NULL), LATHE_OK);
        width[i % 2] += l.ci_ms;
    }
    ck_assert_double_lt(width[1], 1.6 * width[0]);
}
END_TEST

START_TEST(one_visit_a_context_gives_no_interval)
{
    struct pooled_sample s[] = {{1e6, 1, 1}, {1.1e6, 1, 1}, {2e6, 2, 2}};
    struct latency l;
    ck_assert_int_eq(latency_from_pool(s, 3, &l, NULL), LATHE_OK);
    ck_assert(isnan(l.ci_ms));
    ck_assert_uint_eq(l.contexts, 2);
    ck_assert_double_eq_tol(l.mean_ms, 4.1 / 3, 1e-12);
}
END_TEST

/* From the tables of any textbook. */
START_TEST(students_t_is_that_of_the_tables)
{
    ck_assert_double_eq_tol(student_t95(1), 12.706, 1e-3);
    ck_assert_double_eq_tol(student_t95(9), 2.262, 1e-3);
    ck_assert_double_eq_tol(student_t95(40), 2.021, 1e-3);
    ck_assert_double_eq_tol(student_t95(100000), 1.960, 1e-3);
}
END_TEST

static TCase *stats(void)
{
    TCase *c = tcase_create("stats");
    tcase_add_test(c, statistics_of_a_published_set_are_the_published_ones);
    tcase_add_test(c, statistics_of_any_number_of_samples_are_those_of_brute_force);
    tcase_add_test(c, the_figure_for_searches_is_the_trimmed_mean_where_there_is_one);
    tcase_add_test(c, the_interval_covers_the_truth_nineteen_times_in_twenty);
    tcase_add_test(c, outliers_widen_the_interval_little);
    tcase_add_test(c, one_visit_a_context_gives_no_interval);
    tcase_add_test(c, students_t_is_that_of_the_tables);
    return c;
}

TEST_MAIN("table_stats", stats())
