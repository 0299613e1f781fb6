/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The largest subnet within limits, on spaces with a width for the whole network: by trying all of them. */
#include "check_main.h"
#include "test_search_random.h"

enum { ROUNDS = 24 };

static struct space *width_space(struct rng *rng)
{
    struct buf text;
    buf_init(&text);
    buf_printf(&text,
               "{\"id\":\"wide\",\"title\":\"t\",\"family\":\"inverted_residual\",\"resolutions\":[48,64,96],"
               "\"width\":%s,"
               "\"stem\":{\"channels\":16,\"kernel\":3,\"stride\":2,\"activation\":\"relu6\"},"
               "\"first\":{\"channels\":16,\"kernel\":3,\"activation\":\"relu6\",\"residual\":false},\"stages\":["
               "{\"channels\":24,\"stride\":2,\"activation\":\"relu6\",\"squeeze_excite\":false,\"depth\":[1,2]},"
               "{\"channels\":%u,\"stride\":2,\"activation\":\"relu6\",\"squeeze_excite\":false,\"depth\":[1,2]}],"
               "\"kernel\":[3,7],\"expand\":[3,6],"
               "\"head\":[{\"kind\":\"avgpool\"},{\"kind\":\"linear\",\"features\":10}]}",
               rng_below(rng, 2) ? "[0.5,1]" : "[0.3,0.6,1.2]", 24 + 8 * rng_below(rng, 4));
    struct space *space = space_from_text(text.data);
    buf_clear(&text);
    return space;
}

/* Limits of a board, and now and then of latency. */
static void limit(const struct random_problem *r, struct rng *rng, struct limits *limits)
{
    limit_at_random(r, COST_SRAM, rng, limits);
    limit_at_random(r, COST_FLASH, rng, limits);
    if (rng_below(rng, 2)) limit_at_random(r, COST_LATENCY, rng, limits);
}

static void init(struct random_problem *r, uint64_t seed, struct rng *rng)
{
    rng_seed(rng, seed);
    struct space *space = width_space(rng);
    random_problem_of(r, space, rng, seed);
}

static double most_macs_of_all(const struct random_problem *r, const struct limits *limits)
{
    double most = -1;
    for (size_t i = 0; i < r->count; i++)
        if (problem_feasible(r->problem, limits, &r->all[i])) most = fmax(most, problem_macs_m(r->problem, &r->all[i]));
    return most;
}

START_TEST(no_subnet_that_fits_computes_more)
{
    int met = 0;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct random_problem r;
        struct rng rng;
        struct search_request q = request_of(seed);
        struct search_result found;
        init(&r, seed, &rng);
        limit(&r, &rng, &q.limits);
        q.most_macs = true;
        q.evolution.generations = 20;
        double most = most_macs_of_all(&r, &q.limits);
        enum lathe_status st = search_run("auto", r.problem, &q, &found, NULL);
        ck_assert_int_eq(st, most < 0 ? LATHE_INFEASIBLE : LATHE_OK);
        if (!st) {
            met++;
            ck_assert(problem_feasible(r.problem, &q.limits, &found.subnet));
            ck_assert_double_eq(problem_macs_m(r.problem, &found.subnet), most);
            ck_assert(isnan(found.top1));
            ck_assert_str_eq(found.algorithm, "largest");
        }
        random_problem_clear(&r);
    }
    ck_assert_int_gt(met, ROUNDS / 2);
}
END_TEST

START_TEST(the_most_accurate_one_within_a_board_is_found_too)
{
    for (uint64_t seed = 0; seed < ROUNDS / 4; seed++) {
        struct random_problem r;
        struct rng rng;
        struct search_request q = request_of(seed);
        struct search_result found;
        double best = 0;
        init(&r, seed, &rng);
        limit(&r, &rng, &q.limits);
        bool any = best_of_all(&r, &q.limits, &best);
        enum lathe_status st = search_run("auto", r.problem, &q, &found, NULL);
        ck_assert_int_eq(st, any ? LATHE_OK : LATHE_INFEASIBLE);
        if (!st) ck_assert_double_eq_tol(found.top1, best, 1e-6);
        random_problem_clear(&r);
    }
}
END_TEST

START_TEST(it_needs_no_predictor_and_takes_no_other_algorithm)
{
    struct random_problem r;
    struct rng rng;
    struct problem *bare = NULL;
    struct search_request q = request_of(0);
    struct search_result with;
    struct search_result without;
    struct lathe_error err = {0};
    init(&r, 3, &rng);
    q.limits.flash_kb = problem_least(r.problem, COST_FLASH, NULL) * 1.5;
    q.most_macs = true;
    ck_assert_int_eq(problem_of_table(r.space, NULL, random_latency, &r.tables[0], &bare, NULL), LATHE_OK);
    ck_assert_int_eq(search_run("auto", r.problem, &q, &with, NULL), LATHE_OK);
    ck_assert_int_eq(search_run("evolution", bare, &q, &without, NULL), LATHE_OK);
    ck_assert(subnet_equal(&with.subnet, &without.subnet));
    ck_assert_int_eq(search_run("knapsack", bare, &q, &without, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "algorithm");
    problem_free(bare);
    random_problem_clear(&r);
}
END_TEST

static TCase *largest(void)
{
    TCase *c = tcase_create("largest");
    tcase_set_timeout(c, 240);
    tcase_add_test(c, no_subnet_that_fits_computes_more);
    tcase_add_test(c, the_most_accurate_one_within_a_board_is_found_too);
    tcase_add_test(c, it_needs_no_predictor_and_takes_no_other_algorithm);
    return c;
}

TEST_MAIN("largest", largest())
