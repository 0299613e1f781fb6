/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The exact multiple-choice knapsack and the search by it, against trying all. */
#include "check_main.h"
#include "server/search/mckp.h"
#include "test_search_random.h"

START_TEST(the_best_of_an_additive_model_are_found_at_all_resolutions)
{
    enum { MOST = 6 };
    for (uint64_t seed = 0; seed < 60; seed++) {
        static struct additive_model model;
        struct random_problem r;
        struct rng rng;
        struct search_request q = request_of(seed);
        struct mckp *mckp = NULL;
        struct candidate found[MOST];
        bool exact = false;
        float best = -INFINITY;
        int feasible = 0;
        rng_seed(&rng, seed);
        random_problem_init(&r, seed);
        limit_at_random(&r, COST_LATENCY, &rng, &q.limits);
        if (seed % 3 == 0) limit_at_random(&r, COST_OTHER_LATENCY, &rng, &q.limits);
        model.centre_top1 = 0.5F;
        for (int d = 0; d < space_dim_count(r.space); d++)
            for (int v = 0; v < space_dim(r.space, d)->count; v++)
                model.gain[d][v] = space_dim(r.space, d)->count > 1 ? (float)rng_unit(&rng) : 0;
        ck_assert_int_eq(mckp_new(r.problem, &q.limits, &mckp, NULL), LATHE_OK);
        const struct mckp_query query = {.model = &model, .request = &q, .most = MOST};
        int count = mckp_best(mckp, &query, found, &exact);
        for (size_t i = 0; i < r.count; i++) {
            if (!problem_feasible(r.problem, &q.limits, &r.all[i])) continue;
            feasible++;
            best = fmaxf(best, score_of(&r, model.centre_top1, model.gain, &r.all[i]));
        }
        ck_assert(exact);
        ck_assert_int_eq(count, feasible < MOST ? feasible : MOST);
        for (int i = 0; i < count; i++) {
            ck_assert(problem_feasible(r.problem, &q.limits, &found[i].subnet));
            ck_assert_float_eq_tol(found[i].score, score_of(&r, model.centre_top1, model.gain, &found[i].subnet), 1e-5);
            if (i > 0) ck_assert(found[i].score <= found[i - 1].score);
        }
        if (count) ck_assert_float_eq_tol(found[0].score, best, 1e-5);
        mckp_free(mckp);
        random_problem_clear(&r);
    }
}
END_TEST

START_TEST(knapsack_is_nearly_always_optimal_and_never_infeasible_in_small_problems)
{
    int optimal = 0;
    int solved = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct random_problem r;
        struct rng rng;
        struct search_request q = request_of(seed);
        struct search_result result = {0};
        double best = 0;
        rng_seed(&rng, seed);
        random_problem_init(&r, seed);
        limit_at_random(&r, COST_LATENCY, &rng, &q.limits);
        if (seed % 3 == 1) limit_at_random(&r, (enum cost)rng_below(&rng, RANDOM_COSTS), &rng, &q.limits);
        enum lathe_status st = search_run("knapsack", r.problem, &q, &result, NULL);
        if (best_of_all(&r, &q.limits, &best)) {
            solved++;
            ck_assert_int_eq(st, LATHE_OK);
            ck_assert(problem_feasible(r.problem, &q.limits, &result.subnet));
            optimal += fabs(result.top1 - best) < 2e-6;
        } else {
            ck_assert_int_eq(st, LATHE_INFEASIBLE);
        }
        random_problem_clear(&r);
    }
    ck_assert_int_gt(solved, 40);
    ck_assert_msg(optimal * 100 >= solved * 95, "%d of %d are optimal", optimal, solved);
}
END_TEST

/* A predictor of one layer with random weights. */
static struct predictor *linear_predictor(const struct space *space)
{
    struct encoding encoding;
    struct rng rng;
    struct predictor *predictor = NULL;
    char *bytes = NULL;
    size_t size = 0;
    float w[512];
    const float bias = 0.7F;
    encoding_init(&encoding, space);
    rng_seed(&rng, 12);
    for (int i = 0; i < encoding.features; i++) w[i] = ((float)rng_unit(&rng) - 0.5F) * 0.02F;
    const struct tensor_source tensors[] = {
        {.name = "0.weight", .rank = 2, .shape = {1, (size_t)encoding.features}, .values = w},
        {.name = "0.bias", .rank = 1, .shape = {1}, .values = &bias},
    };
    json_t *metadata = json_object();
    must(!safetensors_write(metadata, tensors, 2, &bytes, &size, NULL), "can't write a predictor");
    must(!predictor_load(bytes, size, space, &predictor, NULL), "can't read a predictor");
    json_decref(metadata);
    free(bytes);
    return predictor;
}

/* Both algorithms know a linear predictor's optimum at once; they find it in different ways. */
START_TEST(of_a_linear_predictor_the_first_optimum_ends_the_search)
{
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    struct predictor *predictor = linear_predictor(space);
    struct problem *problem = NULL;
    uint64_t table = 5;
    ck_assert_int_eq(problem_of_table(space, predictor, random_latency, &table, &problem, NULL), LATHE_OK);
    for (uint64_t seed = 0; seed < 3; seed++) {
        struct search_request q = request_of(seed);
        struct search_result knapsack = {0};
        struct search_result multistart = {0};
        q.limits.latency_ms = problem_least_latency_ms(problem, NULL) * (1.3 + 0.2 * (double)seed);
        ck_assert_int_eq(search_run("knapsack", problem, &q, &knapsack, NULL), LATHE_OK);
        ck_assert_int_eq(search_run("multistart", problem, &q, &multistart, NULL), LATHE_OK);
        ck_assert_double_eq_tol(knapsack.top1, multistart.top1, 2e-6);
        ck_assert_uint_lt(knapsack.evaluations, 1000);
        ck_assert_uint_lt(multistart.evaluations, 1000);
    }
    problem_free(problem);
    predictor_free(predictor);
    space_free(space);
}
END_TEST

static bool at_once(void *context)
{
    (void)context;
    return true;
}

START_TEST(a_search_repeats_itself_and_stops_when_asked)
{
    struct random_problem r;
    struct search_request q = request_of(3);
    struct search_result first = {0};
    struct search_result again = {0};
    random_problem_init(&r, 14);
    q.limits.latency_ms = problem_least_latency_ms(r.problem, NULL) * 1.4;
    ck_assert_int_eq(search_run("knapsack", r.problem, &q, &first, NULL), LATHE_OK);
    ck_assert_int_eq(search_run("knapsack", r.problem, &q, &again, NULL), LATHE_OK);
    ck_assert(subnet_equal(&first.subnet, &again.subnet));
    ck_assert_uint_eq(first.evaluations, again.evaluations);
    q.cancelled = at_once;
    ck_assert_int_eq(search_run("knapsack", r.problem, &q, &first, NULL), LATHE_CANCELLED);
    random_problem_clear(&r);
}
END_TEST

static TCase *knapsack_case(void)
{
    TCase *tc = tcase_create("knapsack");
    tcase_set_timeout(tc, 240);
    tcase_add_test(tc, the_best_of_an_additive_model_are_found_at_all_resolutions);
    tcase_add_test(tc, knapsack_is_nearly_always_optimal_and_never_infeasible_in_small_problems);
    tcase_add_test(tc, of_a_linear_predictor_the_first_optimum_ends_the_search);
    tcase_add_test(tc, a_search_repeats_itself_and_stops_when_asked);
    return tc;
}

TEST_MAIN("knapsack", knapsack_case())
