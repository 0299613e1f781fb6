/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/trust.h"

#include <math.h>

#include "check_main.h"

static struct trust judge(const struct trust_pair *pairs, size_t n)
{
    struct trust t;
    ck_assert_int_eq(trust_of(pairs, n, &t, NULL), LATHE_OK);
    return t;
}

START_TEST(a_common_ratio_becomes_the_factor_and_leaves_no_error)
{
    static const struct trust_pair pairs[] = {{10, 11}, {20, 22}, {30, 33}, {40, 44}};
    struct trust t = judge(pairs, 4);
    ck_assert_double_eq_tol(t.factor, 1.1, 1e-12);
    ck_assert_double_eq_tol(t.mape, 0, 1e-12);
    ck_assert_double_eq_tol(t.raw_mape, 1 - 1 / 1.1, 1e-12);
    ck_assert_double_eq_tol(t.tau, 1, 1e-12);
}
END_TEST

/* By hand: ratios 1, 1, 1 and 1.2. The odd one is judged by the others' median 1: 1 - 1/1.2 off. The others' medians
 * are 1 each: no error. */
START_TEST(a_subnet_is_judged_by_the_factor_of_the_others)
{
    static const struct trust_pair pairs[] = {{10, 10}, {20, 20}, {30, 30}, {10, 12}};
    struct trust t = judge(pairs, 4);
    ck_assert_double_eq_tol(t.factor, 1, 1e-12);
    ck_assert_double_eq_tol(t.worst, 1 - 1 / 1.2, 1e-12);
    ck_assert_double_eq_tol(t.mape, (1 - 1 / 1.2) / 4, 1e-12);
}
END_TEST

START_TEST(order_counts_in_tau)
{
    static const struct trust_pair pairs[] = {{1, 1}, {2, 3}, {3, 2}};
    ck_assert_double_eq_tol(judge(pairs, 3).tau, 1.0 / 3, 1e-12);
}
END_TEST

START_TEST(one_subnet_gives_a_factor_and_no_order)
{
    static const struct trust_pair pair = {10, 9};
    struct trust t = judge(&pair, 1);
    ck_assert_double_eq_tol(t.factor, 0.9, 1e-12);
    ck_assert(isnan(t.tau));
}
END_TEST

static TCase *trust_case(void)
{
    TCase *c = tcase_create("trust");
    tcase_add_test(c, a_common_ratio_becomes_the_factor_and_leaves_no_error);
    tcase_add_test(c, a_subnet_is_judged_by_the_factor_of_the_others);
    tcase_add_test(c, order_counts_in_tau);
    tcase_add_test(c, one_subnet_gives_a_factor_and_no_order);
    return c;
}

TEST_MAIN("trust", trust_case())
