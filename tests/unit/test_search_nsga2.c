/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Dominance and hypervolumes against plain definitions; NSGA-II against trying all. */
#include "check_main.h"
#include "server/search/nsga2.h"
#include "server/search/pareto.h"
#include "test_search_random.h"

enum { ROWS = 60 };

/* Few values, so that there are ties and equal rows. */
static void random_rows(struct rng *rng, double *values, size_t n, int m)
{
    for (size_t i = 0; i < n * (size_t)m; i++) values[i] = rng_below(rng, 8);
}

/* By definition: the rank is one more than the highest of those that dominate. */
static int rank_of(const double *values, const double *violation, size_t n, int m, size_t at)
{
    int rank = 0;
    for (size_t b = 0; b < n; b++) {
        bool dominates = violation[b] > 0 || violation[at] > 0
                             ? violation[b] < violation[at]
                             : pareto_dominates(values + b * (size_t)m, values + at * (size_t)m, m);
        if (!dominates) continue;
        int above = rank_of(values, violation, n, m, b);
        if (above + 1 > rank) rank = above + 1;
    }
    return rank;
}

START_TEST(ranks_are_those_of_the_definition)
{
    struct rng rng;
    rng_seed(&rng, 1);
    for (int m = 1; m <= 4; m++) {
        double values[12 * 4];
        double violation[12];
        int rank[12];
        random_rows(&rng, values, 12, m);
        for (int i = 0; i < 12; i++) violation[i] = rng_below(&rng, 3) ? 0 : rng_below(&rng, 4);
        ck_assert(pareto_sort(values, violation, 12, m, rank));
        for (size_t i = 0; i < 12; i++) ck_assert_int_eq(rank[i], rank_of(values, violation, 12, m, i));
    }
}
END_TEST

START_TEST(crowding_is_the_distance_of_neighbours)
{
    /* Of (0,6), (1,3), (3,2), (6,0) in another order. */
    const double values[] = {3, 2, 0, 6, 6, 0, 1, 3};
    const size_t items[] = {0, 1, 2, 3};
    double distance[4];
    ck_assert(pareto_crowding(values, 2, items, 4, distance));
    ck_assert_double_eq_tol(distance[0], (6 - 1) / 6.0 + (3 - 0) / 6.0, 1e-12);
    ck_assert_double_eq_tol(distance[3], (3 - 0) / 6.0 + (6 - 2) / 6.0, 1e-12);
    ck_assert(isinf(distance[1]) && isinf(distance[2]));
}
END_TEST

START_TEST(the_filter_keeps_what_nothing_dominates_once)
{
    struct rng rng;
    rng_seed(&rng, 2);
    for (int round = 0; round < 50; round++) {
        int m = 2 + round % 3;
        double values[ROWS * 4];
        size_t kept[ROWS];
        random_rows(&rng, values, ROWS, m);
        size_t count = pareto_filter(values, ROWS, m, kept);
        for (size_t a = 0; a < ROWS; a++) {
            bool expected = true;
            bool is_kept = false;
            for (size_t b = 0; b < ROWS; b++) {
                const double *x = values + a * (size_t)m;
                const double *y = values + b * (size_t)m;
                bool equal = memcmp(x, y, (size_t)m * sizeof *x) == 0;
                expected = expected && !pareto_dominates(y, x, m) && !(equal && b < a);
            }
            for (size_t i = 0; i < count; i++) is_kept = is_kept || kept[i] == a;
            ck_assert(expected == is_kept);
        }
    }
}
END_TEST

/* All values are whole numbers from 0 to 7 and the reference is 8: count the cells that something dominates. */
START_TEST(hypervolume_is_the_number_of_dominated_cells)
{
    struct rng rng;
    rng_seed(&rng, 3);
    for (int round = 0; round < 40; round++) {
        int m = 1 + round % 4;
        const double reference[] = {8, 8, 8, 8};
        double values[10 * 4];
        int cells = 1;
        int dominated = 0;
        random_rows(&rng, values, 10, m);
        for (int k = 0; k < m; k++) cells *= 8;
        for (int cell = 0; cell < cells; cell++) {
            bool any = false;
            for (int i = 0; i < 10 && !any; i++) {
                int rest = cell;
                any = true;
                for (int k = 0; k < m; k++, rest /= 8) any = any && values[i * m + k] <= rest % 8;
            }
            dominated += any;
        }
        ck_assert_double_eq_tol(pareto_hypervolume(values, 10, m, reference), dominated, 1e-9);
    }
}
END_TEST

/* ---- fronts of small problems ---- */

static void values_of(const struct random_problem *r, unsigned objectives, const struct subnet *s, double top1,
                      double *out)
{
    int m = 0;
    for (int c = 0; c < COSTS; c++)
        if (objectives & nsga2_cost((enum cost)c)) out[m++] = problem_cost(r->problem, (enum cost)c, s);
    if (objectives & NSGA2_TOP1) out[m++] = -top1;
}

/* Every point must be feasible and beaten by no subnet; count how many of the true front are there. */
static void compare(const struct random_problem *r, const struct limits *limits, unsigned objectives,
                    const struct front *f, size_t *true_points, size_t *there)
{
    int m = __builtin_popcount(objectives);
    float *top1 = top1_of_all(r);
    double *values = malloc((r->count + 1) * (size_t)m * sizeof *values);
    size_t *kept = malloc(r->count * sizeof *kept);
    size_t feasible = 0;
    for (size_t i = 0; i < r->count; i++)
        if (problem_feasible(r->problem, limits, &r->all[i]))
            values_of(r, objectives, &r->all[i], (double)top1[i], values + feasible++ * (size_t)m);
    size_t count = pareto_filter(values, feasible, m, kept);
    *true_points += count;
    for (size_t k = 0; k < count; k++) {
        bool found = false;
        for (size_t i = 0; i < f->count && !found; i++) {
            double point[PARETO_OBJECTIVES_MOST];
            values_of(r, objectives, &f->points[i].subnet, f->points[i].top1, point);
            found = true;
            for (int o = 0; o < m; o++)
                found = found && fabs(point[o] - values[kept[k] * (size_t)m + (size_t)o]) < 2e-6;
        }
        *there += found;
    }
    for (size_t i = 0; i < f->count; i++) {
        ck_assert(problem_feasible(r->problem, limits, &f->points[i].subnet));
        for (size_t k = 0; k < i; k++) ck_assert(!subnet_equal(&f->points[i].subnet, &f->points[k].subnet));
    }
    free(kept);
    free(values);
    free(top1);
}

START_TEST(nsga2_finds_the_fronts_of_small_problems)
{
    const unsigned objectives[] = {
        NSGA2_TOP1 | nsga2_cost(COST_LATENCY), NSGA2_TOP1 | nsga2_cost(COST_MACS) | nsga2_cost(COST_PEAK_ACTIVATION),
        nsga2_cost(COST_LATENCY) | nsga2_cost(COST_OTHER_LATENCY), NSGA2_TOP1 | nsga2_cost(COST_WEIGHTS)};
    size_t true_points = 0;
    size_t there = 0;
    for (uint64_t seed = 0; seed < 24; seed++) {
        struct random_problem r;
        struct search_request q;
        struct nsga2_options o;
        struct front f = {0};
        unsigned chosen = objectives[seed % 4];
        random_problem_init(&r, seed);
        search_defaults(&q);
        nsga2_defaults(&o);
        q.seed = seed;
        o.generations = 100;
        o.seeded = seed % 3 != 0;
        if (seed % 2) q.limits.params_m = problem_least(r.problem, COST_PARAMS, NULL) * 1.3;
        ck_assert_int_eq(nsga2_run(r.problem, &q, &o, chosen, FRONT_POINTS_MOST, &f, NULL), LATHE_OK);
        compare(&r, &q.limits, chosen, &f, &true_points, &there);
        for (size_t i = 1; i < f.count; i++) {
            enum cost first = seed % 4 == 1 ? COST_MACS : seed % 4 == 3 ? COST_WEIGHTS : COST_LATENCY;
            ck_assert_double_ge(f.points[i].cost[first], f.points[i - 1].cost[first]);
        }
        front_clear(&f);
        random_problem_clear(&r);
    }
    ck_assert_msg(there * 100 >= true_points * 97, "%d of %d points of the true fronts", (int)there, (int)true_points);
}
END_TEST

static bool third_time(void *context)
{
    return ++*(int *)context == 3;
}

START_TEST(nsga2_refuses_stops_and_repeats_itself)
{
    struct random_problem r;
    struct search_request q;
    struct nsga2_options o;
    struct front f = {0};
    struct front again = {0};
    struct lathe_error err = {0};
    int asked = 0;
    unsigned pair = NSGA2_TOP1 | nsga2_cost(COST_LATENCY);
    random_problem_init(&r, 30);
    search_defaults(&q);
    nsga2_defaults(&o);
    ck_assert_int_eq(nsga2_run(r.problem, &q, &o, NSGA2_TOP1, 10, &f, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "objectives");
    ck_assert_int_eq(nsga2_run(r.problem, &q, &o, pair, 1, &f, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "points");
    o.population = 3;
    ck_assert_int_eq(nsga2_run(r.problem, &q, &o, pair, 10, &f, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "nsga2.population");
    nsga2_defaults(&o);
    q.limits.macs_m = problem_least(r.problem, COST_MACS, NULL) * 0.9;
    ck_assert_int_eq(nsga2_run(r.problem, &q, &o, pair, 10, &f, &err), LATHE_INFEASIBLE);
    limits_none(&q.limits);
    ck_assert_int_eq(nsga2_run(r.problem, &q, &o, pair, 10, &f, &err), LATHE_OK);
    ck_assert_int_eq(nsga2_run(r.problem, &q, &o, pair, 10, &again, &err), LATHE_OK);
    ck_assert_uint_eq(f.count, again.count);
    ck_assert_uint_le(f.count, 10);
    for (size_t i = 0; i < f.count; i++) ck_assert(subnet_equal(&f.points[i].subnet, &again.points[i].subnet));
    front_clear(&f);
    front_clear(&again);
    q.cancelled = third_time;
    q.cancelled_context = &asked;
    ck_assert_int_eq(nsga2_run(r.problem, &q, &o, pair, 10, &f, &err), LATHE_CANCELLED);
    random_problem_clear(&r);
}
END_TEST

static TCase *nsga2_case(void)
{
    TCase *tc = tcase_create("nsga2");
    tcase_set_timeout(tc, 240);
    tcase_add_test(tc, ranks_are_those_of_the_definition);
    tcase_add_test(tc, crowding_is_the_distance_of_neighbours);
    tcase_add_test(tc, the_filter_keeps_what_nothing_dominates_once);
    tcase_add_test(tc, hypervolume_is_the_number_of_dominated_cells);
    tcase_add_test(tc, nsga2_finds_the_fronts_of_small_problems);
    tcase_add_test(tc, nsga2_refuses_stops_and_repeats_itself);
    return tc;
}

TEST_MAIN("nsga2", nsga2_case())
