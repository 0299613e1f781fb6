/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "check_main.h"
#include "lut/layer/board_memory.h"
#include "test_search_random.h"

enum { ROUNDS = 20 };

/* What firmware needs: the arena of the layer that needs most, the flash of all. */
static void check_board_costs(const struct random_problem *r, const struct subnet *s)
{
    struct layer layers[SPACE_MAX_SLOTS];
    uint64_t arena = 0;
    uint64_t flash = 0;
    int n = space_lower(r->space, s, layers);
    for (int i = 0; i < n; i++) {
        uint64_t bytes = board_layer_arena_bytes(&layers[i]);
        arena = bytes > arena ? bytes : arena;
        flash += board_layer_flash_bytes(&layers[i]);
    }
    ck_assert_double_eq(problem_cost(r->problem, COST_SRAM, s), (double)arena / 1024);
    ck_assert_double_eq(problem_cost(r->problem, COST_FLASH, s), (double)flash / 1024);
}

START_TEST(costs_are_those_of_the_layers_added_in_order)
{
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct random_problem r;
        random_problem_init(&r, seed);
        for (size_t i = 0; i < r.count; i++) {
            const struct subnet *s = &r.all[i];
            struct layer layers[SPACE_MAX_SLOTS];
            struct subnet_cost cost;
            double latency = 0;
            double by_slot = 0;
            int resolution = space_dim(r.space, 0)->values[s->at[0]];
            int n = space_lower(r.space, s, layers);
            for (int l = 0; l < n; l++) {
                char text[LAYER_TEXT_BYTES];
                double one = 0;
                layer_print(&layers[l], text);
                random_latency(&r.tables[0], text, resolution, &one, NULL);
                latency += one;
            }
            for (int slot = 0; slot < space_slot_count(r.space); slot++)
                by_slot += problem_slot_latency_ms(r.problem, s, slot);
            space_cost(r.space, s, DTYPE_F32, &cost);
            ck_assert_double_eq(problem_latency_ms(r.problem, s), latency);
            ck_assert_double_eq(by_slot, latency);
            ck_assert_double_eq(problem_macs_m(r.problem, s), (double)cost.macs / 1e6);
            ck_assert_double_eq(problem_params_m(r.problem, s), (double)cost.params / 1e6);
            ck_assert_double_eq(problem_cost(r.problem, COST_WEIGHTS, s), (double)cost.weight_bytes / 1024);
            ck_assert_double_eq(problem_cost(r.problem, COST_PEAK_ACTIVATION, s),
                                (double)cost.peak_activation_bytes / 1024);
            check_board_costs(&r, s);
        }
        random_problem_clear(&r);
    }
}
END_TEST

START_TEST(the_least_of_every_cost_is_the_least_of_all_subnets)
{
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        struct random_problem r;
        random_problem_init(&r, seed);
        for (int c = 0; c < RANDOM_COSTS; c++) {
            double least = INFINITY;
            struct subnet s;
            for (size_t i = 0; i < r.count; i++) least = fmin(least, problem_cost(r.problem, (enum cost)c, &r.all[i]));
            ck_assert_double_eq_tol(problem_least(r.problem, (enum cost)c, &s), least, 1e-12);
            ck_assert_double_eq(problem_cost(r.problem, (enum cost)c, &s),
                                problem_least(r.problem, (enum cost)c, NULL));
        }
        ck_assert_double_eq(problem_least_latency_ms(r.problem, NULL), problem_least(r.problem, COST_LATENCY, NULL));
        random_problem_clear(&r);
    }
}
END_TEST

START_TEST(a_subnet_at_the_limit_is_feasible_and_just_above_it_is_not)
{
    struct random_problem r;
    random_problem_init(&r, 1);
    for (int c = 0; c < RANDOM_COSTS; c++) {
        for (size_t i = 0; i < r.count; i++) {
            struct limits limits;
            double cost = problem_cost(r.problem, (enum cost)c, &r.all[i]);
            limits_none(&limits);
            ck_assert(problem_feasible(r.problem, &limits, &r.all[i]));
            limits_set(&limits, (enum cost)c, cost);
            ck_assert(problem_feasible(r.problem, &limits, &r.all[i]));
            limits_set(&limits, (enum cost)c, nextafter(cost, 0));
            ck_assert(!problem_feasible(r.problem, &limits, &r.all[i]));
        }
    }
    random_problem_clear(&r);
}
END_TEST

START_TEST(choices_of_skipped_blocks_cost_nothing)
{
    struct random_problem r;
    struct rng rng;
    rng_seed(&rng, 1);
    random_problem_init(&r, 2);
    for (int i = 0; i < 500; i++) {
        struct subnet s = {{0}};
        for (int d = 0; d < space_dim_count(r.space); d++)
            s.at[d] = (uint8_t)rng_below(&rng, (uint32_t)space_dim(r.space, d)->count);
        struct subnet canonical = s;
        space_canonicalise(r.space, &canonical);
        for (int c = 0; c < RANDOM_COSTS; c++)
            ck_assert_double_eq(problem_cost(r.problem, (enum cost)c, &s),
                                problem_cost(r.problem, (enum cost)c, &canonical));
    }
    random_problem_clear(&r);
}
END_TEST

/* A table without some rows, and what was said of it. */
struct gaps {
    const char *missing_text; /* rows that hold this text... */
    int missing_at;           /* ...at this resolution; 0: at all */
    int asked, reported;
    char last[LAYER_TEXT_BYTES];
    enum lathe_status failure;
    double value;
};

static enum lathe_status gap_latency(void *context, const char *text, int resolution, double *out,
                                     struct lathe_error *err)
{
    struct gaps *g = context;
    g->asked++;
    if (g->failure) return error_set(err, g->failure, "the store is gone");
    if (strstr(text, g->missing_text) && (!g->missing_at || g->missing_at == resolution)) return LATHE_NOT_FOUND;
    *out = g->value;
    return LATHE_OK;
}

static void report_gap(void *context, int table, int resolution, const char *text)
{
    struct gaps *g = context;
    ck_assert_int_eq(table, 0);
    ck_assert(!g->missing_at || g->missing_at == resolution);
    ck_assert_ptr_nonnull(strstr(text, g->missing_text));
    g->reported++;
    snprintf(g->last, sizeof g->last, "%s", text);
}

static enum lathe_status problem_of(struct gaps *g, const struct space *space, const int *resolutions, size_t count,
                                    struct problem **out, struct lathe_error *err)
{
    const struct problem_request request = {.space = space,
                                            .latency = gap_latency,
                                            .tables = {g},
                                            .resolutions = resolutions,
                                            .resolution_count = count,
                                            .missing = report_gap,
                                            .missing_context = g};
    return problem_new(&request, out, err);
}

START_TEST(an_incomplete_resolution_is_left_out_and_its_missing_rows_are_told_once)
{
    struct space *space = space_from_text(tiny_space);
    struct gaps g = {.missing_text = "k=5", .missing_at = 120, .value = 1};
    struct problem *problem = NULL;
    const uint8_t *values = NULL;
    ck_assert_int_eq(problem_of(&g, space, NULL, 0, &problem, NULL), LATHE_OK);
    ck_assert_int_eq(problem_values(problem, 0, &values), 2);
    ck_assert(values[0] == 0 && values[1] == 2);
    ck_assert_int_eq(problem_values(problem, 2, &values), 2);
    /* Two blocks of two expand ratios; stem, first, 8 block rows, pool and linear, at three resolutions. */
    ck_assert_int_eq(g.reported, 4);
    ck_assert_int_eq(g.asked, 3 * (2 + 8 + 2));
    struct subnet s = {{1}};
    struct limits limits;
    limits_none(&limits);
    ck_assert(!problem_allows(problem, &s) && isnan(problem_latency_ms(problem, &s)));
    ck_assert(!problem_feasible(problem, &limits, &s));
    s.at[0] = 2;
    ck_assert(problem_allows(problem, &s) && problem_feasible(problem, &limits, &s));
    problem_free(problem);
    space_free(space);
}
END_TEST

START_TEST(a_table_without_any_complete_resolution_is_a_conflict)
{
    struct space *space = space_from_text(tiny_space);
    struct gaps g = {.missing_text = "linear", .value = 1};
    struct problem *problem = NULL;
    struct lathe_error err = {0};
    ck_assert_int_eq(problem_of(&g, space, NULL, 0, &problem, &err), LATHE_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.message, "at 3 of 3 resolutions"));
    ck_assert_ptr_nonnull(strstr(err.message, "linear in=1x1x16 out=1x1x10"));
    ck_assert_ptr_null(problem);
    space_free(space);
}
END_TEST

START_TEST(resolutions_that_were_asked_for_must_be_complete_and_known)
{
    struct space *space = space_from_text(tiny_space);
    struct gaps g = {.missing_text = "k=5", .missing_at = 120, .value = 1};
    struct problem *problem = NULL;
    struct lathe_error err = {0};
    const uint8_t *values = NULL;
    ck_assert_int_eq(problem_of(&g, space, (const int[]){112, 120}, 2, &problem, &err), LATHE_CONFLICT);
    ck_assert_int_eq(problem_of(&g, space, (const int[]){112, 121}, 2, &problem, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "resolutions[1]");
    ck_assert_int_eq(problem_of(&g, space, (const int[]){240}, 0, &problem, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "resolutions");
    ck_assert_int_eq(problem_of(&g, space, (const int[]){240, 112}, 2, &problem, &err), LATHE_OK);
    ck_assert_int_eq(problem_values(problem, 0, &values), 2);
    ck_assert(values[0] == 0 && values[1] == 2);
    problem_free(problem);
    space_free(space);
}
END_TEST

START_TEST(a_resolution_that_the_predictor_lacks_is_left_out_and_refused_when_asked_for)
{
    struct space *space = space_from_text(tiny_space);
    struct rng rng;
    struct gaps g = {.missing_text = "nothing", .value = 1};
    struct problem *problem = NULL;
    struct lathe_error err = {0};
    const uint8_t *values = NULL;
    const int wanted[] = {240};
    rng_seed(&rng, 1);
    struct predictor *predictor = random_predictor(&rng, space);
    ck_assert_int_eq(problem_of_table(space, predictor, gap_latency, &g, &problem, &err), LATHE_OK);
    ck_assert_int_eq(problem_values(problem, 0, &values), 2);
    problem_free(problem);
    const struct problem_request asking = {.space = space,
                                           .predictor = predictor,
                                           .latency = gap_latency,
                                           .tables = {&g},
                                           .resolutions = wanted,
                                           .resolution_count = 1};
    ck_assert_int_eq(problem_new(&asking, &problem, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "resolutions[0]");
    predictor_free(predictor);
    space_free(space);
}
END_TEST

START_TEST(errors_of_the_table_end_the_building)
{
    struct space *space = space_from_text(tiny_space);
    struct gaps broken = {.missing_text = "nothing", .failure = LATHE_IO};
    struct gaps absurd = {.missing_text = "nothing", .value = NAN};
    struct problem *problem = NULL;
    struct lathe_error err = {0};
    ck_assert_int_eq(problem_of(&broken, space, NULL, 0, &problem, &err), LATHE_IO);
    ck_assert_str_eq(err.message, "the store is gone");
    ck_assert_int_eq(broken.asked, 1);
    ck_assert_int_eq(problem_of(&absurd, space, NULL, 0, &problem, &err), LATHE_INVALID);
    space_free(space);
}
END_TEST

static TCase *costs(void)
{
    TCase *c = tcase_create("costs");
    tcase_add_test(c, costs_are_those_of_the_layers_added_in_order);
    tcase_add_test(c, the_least_of_every_cost_is_the_least_of_all_subnets);
    tcase_add_test(c, a_subnet_at_the_limit_is_feasible_and_just_above_it_is_not);
    tcase_add_test(c, choices_of_skipped_blocks_cost_nothing);
    return c;
}

static TCase *tables(void)
{
    TCase *c = tcase_create("tables");
    tcase_add_test(c, an_incomplete_resolution_is_left_out_and_its_missing_rows_are_told_once);
    tcase_add_test(c, a_table_without_any_complete_resolution_is_a_conflict);
    tcase_add_test(c, resolutions_that_were_asked_for_must_be_complete_and_known);
    tcase_add_test(c, a_resolution_that_the_predictor_lacks_is_left_out_and_refused_when_asked_for);
    tcase_add_test(c, errors_of_the_table_end_the_building);
    return c;
}

TEST_MAIN("search problem", costs(), tables())
