/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Searches and latencies on the published Note10 tables; skipped where those are absent. */
#include <math.h>

#include "check_main.h"
#include "server/search/search.h"
#include "test_search_note10.h"

static struct note10 note10;
static struct space *space;
static struct predictor *predictor;
static struct problem *problem;

static void set_up(void)
{
    struct lathe_error err = {0};
    space = shipped_space("ofa-mbv3-w1.2");
    predictor = published_predictor(space);
    note10_load(&note10);
    ck_assert_msg(!problem_of_table(space, predictor, note10_latency, &note10, &problem, &err), "%s", err.message);
}

static void tear_down(void)
{
    problem_free(problem);
    note10_clear(&note10);
    predictor_free(predictor);
    space_free(space);
}

START_TEST(the_five_published_resolutions_are_searched)
{
    const uint8_t *values = NULL;
    ck_assert_int_eq(problem_values(problem, 0, &values), 5);
    for (int i = 0; i < 5; i++) ck_assert_int_eq(space_dim(space, 0)->values[values[i]], 160 + 16 * i);
}
END_TEST

START_TEST(latencies_and_macs_of_the_vectors_are_exact)
{
    double worst = 0;
    struct vector *vectors = read_vectors(space);
    for (int i = 0; i < VECTORS; i++) {
        worst = fmax(worst, fabs(problem_latency_ms(problem, &vectors[i].subnet) - vectors[i].latency_ms));
        ck_assert_double_eq_tol(problem_macs_m(problem, &vectors[i].subnet) * 1e6, (double)vectors[i].macs, 0.01);
    }
    printf("latency of the vectors: worst error %.1e ms of a bound of 1e-6\n", worst);
    ck_assert_double_le(worst, 1e-6);
    free(vectors);
}
END_TEST

START_TEST(at_25_ms_the_published_parameters_find_what_once_for_all_does)
{
    for (uint64_t seed = 0; seed < 3; seed++) {
        struct search_request request;
        struct search_result result = {0};
        struct lathe_error err = {0};
        search_defaults(&request);
        request.seed = seed;
        request.limits.latency_ms = 25;
        ck_assert_msg(search_run("evolution", problem, &request, &result, &err) == LATHE_OK, "%s", err.message);
        printf("25 ms, seed %d: top-1 %.2f%%, %.3f ms\n", (int)seed, result.top1 * 100, result.latency_ms);
        ck_assert_double_ge(result.top1, 0.814);
        ck_assert_double_le(result.latency_ms, 25);
        ck_assert_uint_eq(result.evaluations, 50100);
    }
}
END_TEST

static TCase *published(void)
{
    TCase *c = tcase_create("published");
    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, the_five_published_resolutions_are_searched);
    tcase_add_test(c, latencies_and_macs_of_the_vectors_are_exact);
    tcase_add_test(c, at_25_ms_the_published_parameters_find_what_once_for_all_does);
    return c;
}

int main(void)
{
    if (!have_test_data()) return 77;
    TCase *const cases[] = {published()};
    return run_suite("search, published figures", cases, 1);
}
