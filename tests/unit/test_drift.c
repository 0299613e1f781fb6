/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A device's moods as the sentinel sees them: traces of what a phone that heats up, a neighbour and a clock change do.
 */
#include "agents/agent/drift.h"

#include <math.h>

#include "check_main.h"
#include "lut/base/rng.h"

static const uint64_t ms = 1000000;

static void add(struct drift *d, uint64_t at_ms, double took_ms, bool disturbed)
{
    struct drift_run runs[3];
    for (int i = 0; i < 3; i++) {
        uint64_t ns = (uint64_t)(took_ms * (double)ms) + (uint64_t)i;
        runs[i] = (struct drift_run){at_ms * ms, disturbed ? 0 : ns, ns};
    }
    drift_add(d, runs, 3);
}

static double at(const struct drift *d, uint64_t at_ms)
{
    uint64_t ns = 0;
    uint64_t cpu_ns = 0;
    drift_at(d, at_ms * ms, &ns, &cpu_ns);
    return (double)ns / (double)ms;
}

START_TEST(the_speed_is_that_of_half_a_second_around)
{
    struct drift d = {0};
    for (int i = 0; i < 20; i++) add(&d, 300u * (unsigned)i, i < 10 ? 5 : 8, false);
    ck_assert_double_eq_tol(at(&d, 600), 5, 1e-3);
    ck_assert_double_eq_tol(at(&d, 5000), 8, 1e-3);
}
END_TEST

START_TEST(the_nearest_runs_count_however_far_they_are)
{
    struct drift d = {0};
    add(&d, 0, 5, false);
    add(&d, 60000, 7, false);
    ck_assert_double_eq_tol(at(&d, 10000), 6, 1e-3);
    ck_assert_double_eq_tol(at(&d, 70000), 7, 1e-3);
}
END_TEST

START_TEST(disturbed_runs_give_cpu_time_alone)
{
    struct drift d = {0};
    uint64_t ns = 1;
    uint64_t cpu_ns = 0;
    add(&d, 100, 5, true);
    drift_at(&d, 100 * ms, &ns, &cpu_ns);
    ck_assert_uint_eq(ns, 0);
    ck_assert_uint_eq(cpu_ns, 5 * ms + 1);
    add(&d, 200, 6, false);
    ck_assert_double_eq_tol(at(&d, 100), 6, 1e-3);
}
END_TEST

/* What a drifting device's samples come to when each is divided by the sentinel around it: a clock that falls from 100%
 * to 60% over two minutes and recovers, with 2% of noise on every figure. */
START_TEST(drift_is_divided_out)
{
    struct drift d = {0};
    struct rng rng;
    double worst = 0;
    double sum = 0;
    int n = 0;
    rng_seed(&rng, 3);
    for (uint64_t t = 0; t < 240000; t += 300) {
        double speed = t < 120000 ? 1 - 0.4 * (double)t / 120000 : 0.6 + 0.4 * ((double)t - 120000) / 120000;
        add(&d, t, 5 / speed * (1 + 0.02 * (rng_unit(&rng) - 0.5)), false);
        if (t < 1000) continue;
        uint64_t visit = t - 150;
        double speed_then =
            visit < 120000 ? 1 - 0.4 * (double)visit / 120000 : 0.6 + 0.4 * ((double)visit - 120000) / 120000;
        double sample = 2 / speed_then;
        double normalised = sample * 5 / at(&d, visit);
        sum += normalised;
        n++;
        worst = fmax(worst, fabs(normalised / 2 - 1));
    }
    ck_assert_double_lt(worst, 0.02);
    ck_assert_double_eq_tol(sum / n, 2, 0.01);
}
END_TEST

START_TEST(a_throttled_device_is_noticed_and_a_steady_one_is_not)
{
    struct drift d = {0};
    struct rng rng;
    rng_seed(&rng, 4);
    for (unsigned i = 0; i < 60; i++) {
        add(&d, 300u * i, 5 * (1 + 0.1 * (rng_unit(&rng) - 0.5)), i % 7 == 0);
        ck_assert(!drift_is_slow(&d));
    }
    add(&d, 300 * 60, 6.5, false);
    ck_assert(drift_is_slow(&d));
    add(&d, 300 * 61, 5, false);
    ck_assert(!drift_is_slow(&d));
}
END_TEST

START_TEST(a_device_that_stays_slower_is_taken_as_it_is)
{
    struct drift d = {0};
    for (unsigned i = 0; i < 20; i++) add(&d, 300u * i, 5, false);
    int slow = 0;
    for (unsigned i = 20; i < 120; i++) {
        add(&d, 300u * i, 8, false);
        slow += drift_is_slow(&d);
    }
    ck_assert_int_gt(slow, 0);
    ck_assert(!drift_is_slow(&d));
}
END_TEST

static TCase *drift_case(void)
{
    TCase *c = tcase_create("drift");
    tcase_add_test(c, the_speed_is_that_of_half_a_second_around);
    tcase_add_test(c, the_nearest_runs_count_however_far_they_are);
    tcase_add_test(c, disturbed_runs_give_cpu_time_alone);
    tcase_add_test(c, drift_is_divided_out);
    tcase_add_test(c, a_throttled_device_is_noticed_and_a_steady_one_is_not);
    tcase_add_test(c, a_device_that_stays_slower_is_taken_as_it_is);
    return c;
}

TEST_MAIN("drift", drift_case())
