/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Fronts, least costs, several tables and fixed choices, against trying all. */
#include "check_main.h"
#include "server/search/front.h"
#include "test_search_random.h"

/* ---- fronts ---- */

static void check_front(const struct random_problem *r, const struct limits *limits, enum cost cost,
                        const struct front *f)
{
    ck_assert_uint_ge(f->count, 1);
    for (size_t i = 0; i < f->count; i++) {
        const struct front_point *p = &f->points[i];
        ck_assert(problem_feasible(r->problem, limits, &p->subnet));
        ck_assert_double_eq(p->cost[cost], problem_cost(r->problem, cost, &p->subnet));
        ck_assert_double_eq(p->cost[COST_MACS], problem_cost(r->problem, COST_MACS, &p->subnet));
        if (i == 0) continue;
        ck_assert_double_gt(p->cost[cost], p[-1].cost[cost]);
        ck_assert_double_gt(p->top1, p[-1].top1);
    }
}

/* How many points are the best within their cost. */
static size_t count_best(const struct random_problem *r, const struct limits *limits, enum cost cost,
                         const struct front *f)
{
    size_t best = 0;
    for (size_t i = 0; i < f->count; i++) {
        struct limits within = *limits;
        double top1 = 0;
        limits_set(&within, cost, f->points[i].cost[cost]);
        ck_assert(best_of_all(r, &within, &top1));
        best += f->points[i].top1 >= top1 - 2e-6;
    }
    return best;
}

START_TEST(points_of_a_front_are_the_best_within_their_cost)
{
    size_t points = 0;
    size_t best = 0;
    int ends = 0;
    int fronts = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct random_problem r;
        struct rng rng;
        struct front f = {0};
        struct search_request request = request_of(seed);
        double top1 = 0;
        rng_seed(&rng, seed);
        random_problem_init(&r, seed);
        enum cost cost = seed % 3 == 2 ? COST_MACS : COST_LATENCY;
        if (seed % 2) limit_at_random(&r, COST_OTHER_LATENCY, &rng, &request.limits);
        ck_assert_int_eq(front_run(r.problem, &request, cost, 50, &f, NULL), LATHE_OK);
        check_front(&r, &request.limits, cost, &f);
        points += f.count;
        best += count_best(&r, &request.limits, cost, &f);
        ck_assert(best_of_all(&r, &request.limits, &top1));
        ends += f.points[f.count - 1].top1 >= top1 - 2e-6;
        fronts++;
        if (!(seed % 2)) ck_assert_double_eq(f.points[0].cost[cost], problem_least(r.problem, cost, NULL));
        front_clear(&f);
        random_problem_clear(&r);
    }
    ck_assert_int_ge(ends, fronts - 1);
    ck_assert_msg(best * 100 >= points * 98, "%d of %d points are the best", (int)best, (int)points);
}
END_TEST

START_TEST(a_front_has_as_many_points_as_asked_for_at_most)
{
    struct random_problem r;
    struct search_request request = request_of(1);
    random_problem_init(&r, 21);
    for (int points = 2; points < 8; points++) {
        struct front f = {0};
        struct front again = {0};
        ck_assert_int_eq(front_run(r.problem, &request, COST_LATENCY, points, &f, NULL), LATHE_OK);
        ck_assert_uint_le(f.count, points);
        ck_assert_int_eq(front_run(r.problem, &request, COST_LATENCY, points, &again, NULL), LATHE_OK);
        ck_assert_uint_eq(f.count, again.count);
        for (size_t i = 0; i < f.count; i++) ck_assert(subnet_equal(&f.points[i].subnet, &again.points[i].subnet));
        front_clear(&f);
        front_clear(&again);
    }
    struct lathe_error err = {0};
    struct front f = {0};
    ck_assert_int_eq(front_run(r.problem, &request, COST_LATENCY, 1, &f, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "points");
    request.limits.latency_ms = problem_least_latency_ms(r.problem, NULL) * 0.99;
    ck_assert_int_eq(front_run(r.problem, &request, COST_LATENCY, 5, &f, &err), LATHE_INFEASIBLE);
    ck_assert_str_eq(err.field, "latency_ms");
    random_problem_clear(&r);
}
END_TEST

/* ---- least costs ---- */

/* @return false when no subnet is accurate enough. */
static bool least_of_all(const struct random_problem *r, const struct search_request *q, double *least)
{
    float *top1 = top1_of_all(r);
    *least = INFINITY;
    for (size_t i = 0; i < r->count; i++)
        if ((double)top1[i] >= q->min_top1 && problem_feasible(r->problem, &q->limits, &r->all[i]))
            *least = fmin(*least, problem_cost(r->problem, q->minimise, &r->all[i]));
    free(top1);
    return *least < INFINITY;
}

START_TEST(the_cheapest_subnet_that_is_accurate_enough_is_found)
{
    int solved = 0;
    int optimal = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct random_problem r;
        struct rng rng;
        struct search_request q = request_of(seed);
        struct search_result result = {0};
        double least;
        rng_seed(&rng, seed);
        random_problem_init(&r, seed);
        float *top1 = top1_of_all(&r);
        q.minimise = (enum cost)rng_below(&rng, RANDOM_COSTS);
        /* As accurate as some subnet: a fraction above 0 is all that a request may ask for. */
        q.min_top1 = (double)top1[rng_below(&rng, (uint32_t)r.count)] - 1e-5; /* predictions may differ in rounding */
        free(top1);
        if (seed % 3 == 0) limit_at_random(&r, COST_PARAMS, &rng, &q.limits);
        if (q.min_top1 > 0 && q.min_top1 <= 1) {
            bool possible = least_of_all(&r, &q, &least);
            enum lathe_status st = search_run("auto", r.problem, &q, &result, NULL);
            ck_assert_int_eq(st, possible ? LATHE_OK : LATHE_INFEASIBLE);
            if (possible) {
                solved++;
                ck_assert_double_ge(result.top1, q.min_top1);
                ck_assert(problem_feasible(r.problem, &q.limits, &result.subnet));
                optimal += problem_cost(r.problem, q.minimise, &result.subnet) <= least * (1 + 1e-9);
            }
        }
        random_problem_clear(&r);
    }
    ck_assert_int_gt(solved, 20);
    ck_assert_msg(optimal * 100 >= solved * 97, "%d of %d are the cheapest", optimal, solved);
}
END_TEST

START_TEST(objectives_that_make_no_sense_are_refused)
{
    struct random_problem r;
    struct search_request q = request_of(0);
    struct search_result result;
    struct lathe_error err = {0};
    random_problem_init(&r, 3);
    q.minimise = COST_LATENCY;
    ck_assert_int_eq(search_run("auto", r.problem, &q, &result, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "min_top1");
    q.min_top1 = 80;
    ck_assert_int_eq(search_run("auto", r.problem, &q, &result, &err), LATHE_INVALID);
    q.min_top1 = 0.1;
    ck_assert_int_eq(search_run("evolution", r.problem, &q, &result, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "objective");
    q = request_of(0);
    q.budget_ms = 0;
    ck_assert_int_eq(search_run("auto", r.problem, &q, &result, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "budget_ms");
    q.budget_ms = 1e9;
    ck_assert_int_eq(search_run("auto", r.problem, &q, &result, &err), LATHE_INVALID);
    random_problem_clear(&r);
}
END_TEST

/* ---- fixed choices ---- */

START_TEST(fixed_choices_are_kept_and_the_rest_is_optimal)
{
    int optimal = 0;
    int solved = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct random_problem r;
        struct rng rng;
        struct problem *fixed_problem = NULL;
        struct search_request q = request_of(seed);
        struct search_result result = {0};
        int8_t fixed[SPACE_MAX_DIMS];
        double best = -INFINITY;
        rng_seed(&rng, seed);
        random_problem_init(&r, seed);
        memset(fixed, -1, sizeof fixed);
        for (int k = 0; k < 3; k++) {
            int d = (int)rng_below(&rng, (uint32_t)space_dim_count(r.space));
            fixed[d] = (int8_t)rng_below(&rng, (uint32_t)space_dim(r.space, d)->count);
        }
        const struct problem_request request = {.space = r.space,
                                                .predictor = r.predictor,
                                                .latency = random_latency,
                                                .tables = {&r.tables[0]},
                                                .fixed = fixed};
        ck_assert_int_eq(problem_new(&request, &fixed_problem, NULL), LATHE_OK);
        limit_at_random(&r, COST_LATENCY, &rng, &q.limits);
        float *top1 = top1_of_all(&r);
        double least = INFINITY;
        for (size_t i = 0; i < r.count; i++) {
            bool kept = true;
            for (int d = 0; d < space_dim_count(r.space); d++)
                kept = kept && (fixed[d] < 0 || (int)r.all[i].at[d] == (int)fixed[d] ||
                                !space_dim_active(r.space, &r.all[i], d));
            ck_assert(problem_allows(fixed_problem, &r.all[i]) == kept);
            if (!kept) continue;
            least = fmin(least, problem_latency_ms(r.problem, &r.all[i]));
            if (problem_feasible(r.problem, &q.limits, &r.all[i])) best = fmax(best, (double)top1[i]);
        }
        free(top1);
        ck_assert_double_eq_tol(problem_least_latency_ms(fixed_problem, NULL), least, 1e-12);
        enum lathe_status st = search_run("auto", fixed_problem, &q, &result, NULL);
        ck_assert_int_eq(st, best > -INFINITY ? LATHE_OK : LATHE_INFEASIBLE);
        if (!st) {
            solved++;
            ck_assert(problem_allows(fixed_problem, &result.subnet));
            optimal += fabs(result.top1 - best) < 2e-6;
        }
        problem_free(fixed_problem);
        random_problem_clear(&r);
    }
    ck_assert_int_gt(solved, 20);
    ck_assert_msg(optimal >= solved - 1, "%d of %d are optimal", optimal, solved);
}
END_TEST

/* ---- budgets ---- */

START_TEST(a_larger_budget_is_never_worse)
{
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    struct predictor *predictor = shipped_predictor(space);
    struct problem *problem = NULL;
    uint64_t table = 3;
    ck_assert_int_eq(problem_of_table(space, predictor, random_latency, &table, &problem, NULL), LATHE_OK);
    for (uint64_t seed = 0; seed < 3; seed++) {
        double before = 0;
        const double budgets_ms[] = {2, 3, 5, 8, 13, 22, 37};
        for (size_t i = 0; i < sizeof budgets_ms / sizeof budgets_ms[0]; i++) {
            struct search_request q = request_of(seed);
            struct search_result result = {0};
            q.budget_ms = budgets_ms[i];
            q.limits.latency_ms = problem_least_latency_ms(problem, NULL) * 1.5;
            ck_assert_int_eq(search_run("auto", problem, &q, &result, NULL), LATHE_OK);
            ck_assert_double_ge(result.top1, before);
            ck_assert_double_le(result.latency_ms, q.limits.latency_ms);
            before = result.top1;
        }
    }
    problem_free(problem);
    predictor_free(predictor);
    space_free(space);
}
END_TEST

static TCase *front_case(void)
{
    TCase *tc = tcase_create("front");
    tcase_set_timeout(tc, 240);
    tcase_add_test(tc, points_of_a_front_are_the_best_within_their_cost);
    tcase_add_test(tc, a_front_has_as_many_points_as_asked_for_at_most);
    tcase_add_test(tc, the_cheapest_subnet_that_is_accurate_enough_is_found);
    tcase_add_test(tc, objectives_that_make_no_sense_are_refused);
    tcase_add_test(tc, fixed_choices_are_kept_and_the_rest_is_optimal);
    tcase_add_test(tc, a_larger_budget_is_never_worse);
    return tc;
}

TEST_MAIN("front", front_case())
