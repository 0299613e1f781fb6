/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "check_main.h"
#include "test_search_random.h"

static struct search_request short_request(uint64_t seed)
{
    struct search_request request = request_of(seed);
    /* Enough for spaces of a few thousand subnets. */
    request.evolution.generations = 60;
    return request;
}

/* A limit between the least and the most that a cost can be, or somewhat below the least. */
static double random_limit(const struct random_problem *r, enum cost cost, struct rng *rng)
{
    double least = problem_least(r->problem, cost, NULL);
    double most = least;
    for (size_t i = 0; i < r->count; i++) most = fmax(most, problem_cost(r->problem, cost, &r->all[i]));
    return least + (rng_unit(rng) * 1.1 - 0.1) * (most - least);
}

START_TEST(small_spaces_are_solved_as_well_as_by_trying_all)
{
    int met = 0;
    int unmet = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct random_problem r;
        struct rng rng;
        struct search_request request = short_request(seed);
        struct search_result result = {0};
        struct lathe_error err = {0};
        double best = 0;
        rng_seed(&rng, seed);
        random_problem_init(&r, seed / 3);
        int constraints = 1 + (int)rng_below(&rng, 2);
        for (int i = 0; i < constraints; i++) {
            enum cost cost = (enum cost)rng_below(&rng, RANDOM_COSTS);
            limits_set(&request.limits, cost, random_limit(&r, cost, &rng));
        }
        enum lathe_status st = search_run("evolution", r.problem, &request, &result, &err);
        if (best_of_all(&r, &request.limits, &best)) {
            met++;
            ck_assert_msg(st == LATHE_OK, "seed %d: %s", (int)seed, err.message);
            ck_assert(problem_feasible(r.problem, &request.limits, &result.subnet));
            ck_assert_double_eq_tol(result.top1, best, 2e-6);
            ck_assert_double_eq(result.latency_ms, problem_latency_ms(r.problem, &result.subnet));
        } else {
            unmet++;
            ck_assert_int_eq(st, LATHE_INFEASIBLE);
        }
        random_problem_clear(&r);
    }
    ck_assert(met > 20 && unmet > 2);
}
END_TEST

START_TEST(the_least_latency_itself_can_be_met_and_nothing_below)
{
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct random_problem r;
        struct search_request request = short_request(seed);
        struct search_result result = {0};
        struct lathe_error err = {0};
        char figure[32];
        random_problem_init(&r, seed);
        double least = problem_least_latency_ms(r.problem, NULL);
        request.limits.latency_ms = least;
        ck_assert_int_eq(search_run("auto", r.problem, &request, &result, &err), LATHE_OK);
        ck_assert_double_eq(result.latency_ms, least);
        request.limits.latency_ms = nextafter(least, 0);
        ck_assert_int_eq(search_run("auto", r.problem, &request, &result, &err), LATHE_INFEASIBLE);
        ck_assert_int_eq(err.status, LATHE_INFEASIBLE);
        ck_assert_str_eq(err.field, "latency_ms");
        snprintf(figure, sizeof figure, "%.3f", least);
        ck_assert_ptr_nonnull(strstr(err.message, figure));
        random_problem_clear(&r);
    }
}
END_TEST

START_TEST(each_limit_that_can_not_be_met_is_named_with_its_least)
{
    struct random_problem r;
    random_problem_init(&r, 3);
    for (int c = 0; c < RANDOM_COSTS; c++) {
        struct search_request request = short_request(0);
        struct search_result result = {0};
        struct lathe_error err = {0};
        char figure[32];
        double least = problem_least(r.problem, (enum cost)c, NULL);
        limits_set(&request.limits, (enum cost)c, least * 0.99);
        ck_assert_int_eq(search_run("auto", r.problem, &request, &result, &err), LATHE_INFEASIBLE);
        ck_assert_str_eq(err.field, cost_name((enum cost)c));
        snprintf(figure, sizeof figure, "%.3f", least);
        ck_assert_ptr_nonnull(strstr(err.message, figure));
    }
    random_problem_clear(&r);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_answer)
{
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    struct rng rng;
    uint64_t table = 4;
    struct problem *problem = NULL;
    rng_seed(&rng, 4);
    struct predictor *predictor = random_predictor(&rng, space);
    ck_assert_int_eq(problem_of_table(space, predictor, random_latency, &table, &problem, NULL), LATHE_OK);
    struct search_result first = {0};
    struct search_result again = {0};
    struct search_result other = {0};
    struct search_request request = short_request(5);
    request.limits.latency_ms = problem_least_latency_ms(problem, NULL) * 1.6;
    ck_assert_int_eq(search_run("evolution", problem, &request, &first, NULL), LATHE_OK);
    ck_assert_int_eq(search_run("evolution", problem, &request, &again, NULL), LATHE_OK);
    request.seed = 6;
    ck_assert_int_eq(search_run("evolution", problem, &request, &other, NULL), LATHE_OK);
    ck_assert(subnet_equal(&first.subnet, &again.subnet));
    ck_assert_double_eq(first.top1, again.top1);
    ck_assert_uint_eq(first.evaluations, again.evaluations);
    ck_assert_uint_eq(first.evaluations, 100 + 60 * 100);
    ck_assert(!subnet_equal(&first.subnet, &other.subnet));
    ck_assert_str_eq(first.algorithm, "evolution");
    problem_free(problem);
    predictor_free(predictor);
    space_free(space);
}
END_TEST

/* A limit that next to no random subnet meets: the search must still end, and soon. */
START_TEST(a_limit_just_above_the_least_ends_in_a_feasible_subnet)
{
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    struct rng rng;
    uint64_t table = 8;
    struct problem *problem = NULL;
    rng_seed(&rng, 8);
    struct predictor *predictor = random_predictor(&rng, space);
    ck_assert_int_eq(problem_of_table(space, predictor, random_latency, &table, &problem, NULL), LATHE_OK);
    struct search_result result = {0};
    struct search_request request = short_request(1);
    request.limits.latency_ms = problem_least_latency_ms(problem, NULL) * 1.001;
    ck_assert_int_eq(search_run("evolution", problem, &request, &result, NULL), LATHE_OK);
    ck_assert(problem_feasible(problem, &request.limits, &result.subnet));
    problem_free(problem);
    predictor_free(predictor);
    space_free(space);
}
END_TEST

struct watcher {
    int asked, stop_after, told;
    double last_fraction, last_best;
};

static bool watch_cancel(void *context)
{
    struct watcher *w = context;
    return ++w->asked > w->stop_after;
}

static void watch_progress(void *context, double fraction, double best)
{
    struct watcher *w = context;
    ck_assert(fraction > w->last_fraction && fraction <= 1);
    ck_assert(!w->told || best >= w->last_best);
    w->last_fraction = fraction;
    w->last_best = best;
    w->told++;
}

START_TEST(a_search_stops_when_asked_and_leaves_the_result_alone)
{
    struct random_problem r;
    struct watcher w = {.stop_after = 7};
    struct search_request request = short_request(1);
    struct search_result result = {.evaluations = 12345};
    struct lathe_error err = {0};
    random_problem_init(&r, 5);
    request.cancelled = watch_cancel;
    request.cancelled_context = &w;
    ck_assert_int_eq(search_run("evolution", r.problem, &request, &result, &err), LATHE_CANCELLED);
    ck_assert_int_eq(err.status, LATHE_CANCELLED);
    ck_assert_int_eq(w.asked, 8);
    ck_assert_uint_eq(result.evaluations, 12345);
    random_problem_clear(&r);
}
END_TEST

START_TEST(progress_goes_up_to_the_end)
{
    struct random_problem r;
    struct watcher w = {0};
    struct search_request request = short_request(1);
    struct search_result result = {0};
    random_problem_init(&r, 6);
    request.progress = watch_progress;
    request.progress_context = &w;
    ck_assert_int_eq(search_run("evolution", r.problem, &request, &result, NULL), LATHE_OK);
    ck_assert_int_eq(w.told, 60);
    ck_assert_double_eq(w.last_fraction, 1);
    ck_assert_double_eq(w.last_best, result.top1);
    random_problem_clear(&r);
}
END_TEST

static void refuse(const struct problem *problem, const char *algorithm, const struct search_request *request,
                   const char *field)
{
    struct search_result result = {0};
    struct lathe_error err = {0};
    ck_assert_int_eq(search_run(algorithm, problem, request, &result, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, field);
}

START_TEST(parameters_out_of_range_are_refused_by_name)
{
    struct random_problem r;
    random_problem_init(&r, 7);
    struct search_request q = short_request(0);
    refuse(r.problem, "simplex", &q, "algorithm");
    q.evolution.population = 1;
    refuse(r.problem, "auto", &q, "evolution.population");
    q = short_request(0);
    q.evolution.generations = 0;
    refuse(r.problem, "auto", &q, "evolution.generations");
    q = short_request(0);
    q.evolution.parent_ratio = 1.5;
    refuse(r.problem, "auto", &q, "evolution.parent_ratio");
    q = short_request(0);
    q.evolution.mutation_probability = NAN;
    refuse(r.problem, "auto", &q, "evolution.mutation_probability");
    q = short_request(0);
    q.evolution.mutation_ratio = -0.1;
    refuse(r.problem, "auto", &q, "evolution.mutation_ratio");
    q = short_request(0);
    q.limits.latency_ms = 0;
    refuse(r.problem, "auto", &q, "latency_ms");
    q.limits.latency_ms = INFINITY;
    q.limits.weights_kb = NAN;
    refuse(r.problem, "auto", &q, "weights_kb");
    random_problem_clear(&r);
}
END_TEST

START_TEST(a_problem_without_predictor_has_costs_but_can_not_be_searched)
{
    struct random_problem r;
    random_problem_init(&r, 8);
    struct problem *bare = NULL;
    struct search_request q = short_request(0);
    ck_assert_int_eq(problem_of_table(r.space, NULL, random_latency, &r.tables[0], &bare, NULL), LATHE_OK);
    ck_assert_double_eq(problem_latency_ms(bare, &r.all[0]), problem_latency_ms(r.problem, &r.all[0]));
    refuse(bare, "auto", &q, "predictor");
    problem_free(bare);
    random_problem_clear(&r);
}
END_TEST

START_TEST(extreme_parameters_work)
{
    struct random_problem r;
    struct search_request q = short_request(3);
    struct search_result result = {0};
    random_problem_init(&r, 9);
    q.evolution = (struct evolution_options){.population = 2, .generations = 1};
    ck_assert_int_eq(search_run("evolution", r.problem, &q, &result, NULL), LATHE_OK);
    ck_assert_uint_eq(result.evaluations, 4);
    q.evolution = (struct evolution_options){7, 3, 1, 1, 1};
    ck_assert_int_eq(search_run("evolution", r.problem, &q, &result, NULL), LATHE_OK);
    ck_assert_uint_eq(result.evaluations, 28);
    random_problem_clear(&r);
}
END_TEST

static TCase *answers(void)
{
    TCase *c = tcase_create("answers");
    tcase_set_timeout(c, 240);
    tcase_add_test(c, small_spaces_are_solved_as_well_as_by_trying_all);
    tcase_add_test(c, the_least_latency_itself_can_be_met_and_nothing_below);
    tcase_add_test(c, each_limit_that_can_not_be_met_is_named_with_its_least);
    tcase_add_test(c, the_same_seed_gives_the_same_answer);
    tcase_add_test(c, a_limit_just_above_the_least_ends_in_a_feasible_subnet);
    return c;
}

static TCase *conduct(void)
{
    TCase *c = tcase_create("conduct");
    tcase_add_test(c, a_search_stops_when_asked_and_leaves_the_result_alone);
    tcase_add_test(c, progress_goes_up_to_the_end);
    tcase_add_test(c, parameters_out_of_range_are_refused_by_name);
    tcase_add_test(c, a_problem_without_predictor_has_costs_but_can_not_be_searched);
    tcase_add_test(c, extreme_parameters_work);
    return c;
}

TEST_MAIN("search", answers(), conduct())
