/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Multistart and the enumeration under it, against trying all. */
#include "check_main.h"
#include "server/search/chain.h"
#include "test_search_random.h"

START_TEST(auto_is_optimal_in_99_of_100_small_problems_and_never_infeasible)
{
    int optimal = 0;
    int solved = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct random_problem r;
        struct rng rng;
        struct search_request request = request_of(seed);
        struct search_result result = {0};
        struct lathe_error err = {0};
        double best = 0;
        rng_seed(&rng, seed);
        random_problem_init(&r, seed / 2);
        limit_at_random(&r, COST_LATENCY, &rng, &request.limits);
        if (seed % 3 == 1) limit_at_random(&r, (enum cost)rng_below(&rng, RANDOM_COSTS), &rng, &request.limits);
        enum lathe_status st = search_run("auto", r.problem, &request, &result, &err);
        if (best_of_all(&r, &request.limits, &best)) {
            solved++;
            ck_assert_msg(st == LATHE_OK, "seed %d: %s", (int)seed, err.message);
            ck_assert(problem_feasible(r.problem, &request.limits, &result.subnet));
            optimal += fabs(result.top1 - best) < 2e-6;
        } else {
            ck_assert_int_eq(st, LATHE_INFEASIBLE);
        }
        random_problem_clear(&r);
    }
    ck_assert_int_gt(solved, 75);
    ck_assert_msg(optimal * 100 >= solved * 99, "%d of %d are optimal", optimal, solved);
}
END_TEST

/* All resolutions of these spaces are within reach of the middle one, and blocks that are skipped count nothing. */
START_TEST(enumeration_finds_the_best_of_an_additive_model)
{
    enum { MOST = 5 };
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct random_problem r;
        struct rng rng;
        struct limits limits;
        struct chain *chain = NULL;
        struct candidate found[MOST];
        static struct additive_model model;
        rng_seed(&rng, seed);
        random_problem_init(&r, seed);
        limits_none(&limits);
        limit_at_random(&r, COST_LATENCY, &rng, &limits);
        model.centre_top1 = 0.5F;
        for (int d = 0; d < space_dim_count(r.space); d++)
            for (int v = 0; v < space_dim(r.space, d)->count; v++)
                /* Nothing is to be gained where there is no choice. */
                model.gain[d][v] = space_dim(r.space, d)->count > 1 ? (float)rng_unit(&rng) : 0;
        ck_assert_int_eq(chain_new(r.problem, &limits, &chain, NULL), LATHE_OK);
        struct subnet centre = r.all[0];
        centre.at[space_resolution_dim(r.space)] = 1;
        int count = chain_best(chain, &model, &centre, found, MOST);
        float best = -1;
        size_t feasible = 0;
        for (size_t i = 0; i < r.count; i++) {
            if (!problem_feasible(r.problem, &limits, &r.all[i])) continue;
            feasible++;
            best = fmaxf(best, score_of(&r, model.centre_top1, model.gain, &r.all[i]));
        }
        ck_assert_int_eq(count, feasible < MOST ? (int)feasible : MOST);
        for (int i = 0; i < count; i++) {
            ck_assert(problem_feasible(r.problem, &limits, &found[i].subnet));
            ck_assert_float_eq_tol(found[i].score, score_of(&r, model.centre_top1, model.gain, &found[i].subnet), 1e-5);
            if (i > 0) ck_assert(found[i].score <= found[i - 1].score);
        }
        if (count) ck_assert_float_eq_tol(found[0].score, best, 1e-5);
        chain_free(chain);
        random_problem_clear(&r);
    }
}
END_TEST

START_TEST(the_same_seed_gives_the_same_answer)
{
    struct random_problem r;
    struct search_result first = {0};
    struct search_result again = {0};
    random_problem_init(&r, 11);
    struct search_request request = request_of(4);
    request.limits.latency_ms = problem_least_latency_ms(r.problem, NULL) * 1.5;
    ck_assert_int_eq(search_run("multistart", r.problem, &request, &first, NULL), LATHE_OK);
    ck_assert_int_eq(search_run("multistart", r.problem, &request, &again, NULL), LATHE_OK);
    ck_assert(subnet_equal(&first.subnet, &again.subnet));
    ck_assert_double_eq(first.top1, again.top1);
    ck_assert_uint_eq(first.evaluations, again.evaluations);
    ck_assert_uint_lt(first.evaluations, 4 * r.count);
    random_problem_clear(&r);
}
END_TEST

static bool at_once(void *context)
{
    (void)context;
    return true;
}

START_TEST(a_search_stops_when_asked)
{
    struct random_problem r;
    struct search_result result = {0};
    struct lathe_error err = {0};
    random_problem_init(&r, 12);
    struct search_request request = request_of(0);
    request.cancelled = at_once;
    ck_assert_int_eq(search_run("multistart", r.problem, &request, &result, &err), LATHE_CANCELLED);
    random_problem_clear(&r);
}
END_TEST

static TCase *multistart_case(void)
{
    TCase *tc = tcase_create("multistart");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, auto_is_optimal_in_99_of_100_small_problems_and_never_infeasible);
    tcase_add_test(tc, enumeration_finds_the_best_of_an_additive_model);
    tcase_add_test(tc, the_same_seed_gives_the_same_answer);
    tcase_add_test(tc, a_search_stops_when_asked);
    return tc;
}

TEST_MAIN("multistart", multistart_case())
