/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/regress.h"

#include <math.h>
#include <string.h>

#include "check_main.h"
#include "lut/base/rng.h"

enum { ROWS = 5, NETWORKS = 40 };

static void solve(const uint8_t *counts, const double *y, const double *prior, size_t networks, size_t rows, double *x)
{
    ck_assert_int_eq(regress(counts, y, prior, networks, rows, x, NULL), LATHE_OK);
}

START_TEST(rows_that_networks_tell_apart_are_found)
{
    struct rng rng;
    uint8_t counts[NETWORKS * ROWS];
    double y[NETWORKS] = {0}, x[ROWS];
    static const double truth[ROWS] = {1.5, 0.2, 3, 0.75, 2}, prior[ROWS] = {1, 1, 1, 1, 1};
    rng_seed(&rng, 1);
    for (int i = 0; i < NETWORKS; i++)
        for (int k = 0; k < ROWS; k++) {
            counts[i * ROWS + k] = (uint8_t)rng_below(&rng, 3);
            if (k == i % ROWS) counts[i * ROWS + k]++;
            y[i] += counts[i * ROWS + k] * truth[k];
        }
    solve(counts, y, prior, NETWORKS, ROWS, x);
    for (int k = 0; k < ROWS; k++) ck_assert_double_eq_tol(x[k], truth[k], 2e-3 * truth[k] + 1e-4);
}
END_TEST

START_TEST(rows_that_always_stand_together_share_as_the_prior_has_it)
{
    static const uint8_t counts[] = {1, 1, 0, 1, 1, 1, 1, 1, 2};
    static const double y[] = {4, 5, 6}, prior[] = {3, 1, 1};
    double x[3];
    solve(counts, y, prior, 3, 3, x);
    ck_assert_double_eq_tol(x[0] + x[1], 4, 0.01);
    ck_assert_double_eq_tol(x[0] / x[1], 3, 0.05);
    ck_assert_double_eq_tol(x[2], 1, 0.01);
}
END_TEST

/* What is minimised: relative errors, and the ridge. */
static double objective(const uint8_t *counts, const double *y, const double *scaled, const double *factors)
{
    double sum = 0;
    for (int i = 0; i < NETWORKS; i++) {
        double predicted = 0;
        for (int k = 0; k < 3; k++) predicted += counts[i * 3 + k] * scaled[k] * factors[k];
        sum += pow(predicted / y[i] - 1, 2);
    }
    for (int k = 0; k < 3; k++) sum += 1e-4 * pow(factors[k] - 1, 2);
    return sum;
}

/* A row that makes networks faster can't be: it is 0, and no point of a grid of non-negative ones is better. */
START_TEST(no_row_is_below_zero_and_nothing_on_a_grid_is_better)
{
    struct rng rng;
    uint8_t counts[NETWORKS * 3];
    double y[NETWORKS], x[3];
    static const double prior[] = {1, 1, 1};
    rng_seed(&rng, 2);
    for (int i = 0; i < NETWORKS; i++) {
        for (int k = 0; k < 3; k++) counts[i * 3 + k] = (uint8_t)(1 + rng_below(&rng, 3));
        y[i] = (2 * counts[i * 3] + counts[i * 3 + 1] - 0.4 * counts[i * 3 + 2]) * (1 + 0.02 * (rng_unit(&rng) - 0.5));
    }
    solve(counts, y, prior, NETWORKS, 3, x);
    ck_assert_double_eq(x[2], 0);
    double one[] = {1, 1, 1};
    double least = objective(counts, y, one, x);
    for (int a = 0; a <= 60; a++)
        for (int b = 0; b <= 60; b++)
            for (int c = 0; c <= 10; c++)
                ck_assert_double_ge(objective(counts, y, one, (double[]){a * 0.05, b * 0.05, c * 0.05}), least - 2e-3);
}
END_TEST

static TCase *regress_case(void)
{
    TCase *c = tcase_create("regress");
    tcase_add_test(c, rows_that_networks_tell_apart_are_found);
    tcase_add_test(c, rows_that_always_stand_together_share_as_the_prior_has_it);
    tcase_add_test(c, no_row_is_below_zero_and_nothing_on_a_grid_is_better);
    return c;
}

TEST_MAIN("regress", regress_case())
