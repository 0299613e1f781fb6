/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/planner.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lut/base/json.h"
#include "lut/layer/board_memory.h"
#include "server/spaces/catalog.h"
#include "tests/check_main.h"

static struct catalog *catalog;

static void open_catalog(void)
{
    struct lathe_error err;
    ck_assert_msg(catalog_open(SOURCE_DIR "/server/spaces/catalog", &catalog, &err) == LATHE_OK, "%s", err.message);
}

static void close_catalog(void)
{
    catalog_free(catalog);
}

/* A table that has everything but the layers whose text begins with one of these. */
struct table {
    const char *missing; /* NULL: everything is missing; "": nothing is */
    struct plan_have had;
};

static enum lathe_status have(void *context, const char *text, struct plan_have *out, struct lathe_error *err)
{
    const struct table *table = context;
    (void)err;
    if (!table->missing) return LATHE_OK;
    if (table->missing[0] && strncmp(text, table->missing, strlen(table->missing)) == 0) return LATHE_OK;
    *out = table->had;
    return LATHE_OK;
}

static struct table nothing = {.missing = NULL};

static struct plan_request request_for(const char *space, const int *resolutions, size_t count, struct table *table)
{
    const struct space *found = catalog_find(catalog, space);
    ck_assert_ptr_nonnull(found);
    return (struct plan_request){.space = found,
                                 .resolutions = resolutions,
                                 .resolution_count = count,
                                 .rounds = 4,
                                 .runs = 3,
                                 .seed = 7,
                                 .have = have,
                                 .context = table};
}

static struct plan make(const struct plan_request *request)
{
    struct plan plan;
    struct lathe_error err = {0};
    ck_assert_msg(plan_make(request, &plan, &err) == LATHE_OK, "%s", err.message);
    return plan;
}

/* In how many networks of a plan a layer stands, found by lowering each of them. */
static int contexts_of(const struct space *space, const struct plan *plan, const struct layer *layer)
{
    int contexts = 0;
    for (size_t i = 0; i < plan->network_count; i++) {
        struct layer layers[SPACE_MAX_SLOTS];
        int n = space_lower(space, &plan->networks[i], layers);
        int at = 0;
        while (at < n && !layer_equal(&layers[at], layer)) at++;
        contexts += at < n;
    }
    return contexts;
}

/* Every layer that can stand in a slot at a resolution, by running through all values of all its dimensions. */
static int least_contexts(const struct space *space, const struct plan *plan, int resolution_index)
{
    int least = INT_MAX;
    for (int slot = 0; slot < space_slot_count(space); slot++) {
        const struct space_slot *of = space_slot(space, slot);
        struct subnet s = {{0}};
        bool more = true;
        while (more) {
            struct layer layer;
            s.at[space_resolution_dim(space)] = (uint8_t)resolution_index;
            if (space_slot_layer(space, &s, slot, &layer)) {
                int contexts = contexts_of(space, plan, &layer);
                if (contexts < least) least = contexts;
            }
            more = false;
            for (int i = 0; i < of->dim_count && !more; i++) {
                int dim = of->dims[i];
                if (dim == space_resolution_dim(space)) continue;
                if (++s.at[dim] < space_dim(space, dim)->count) more = true;
                else s.at[dim] = 0;
            }
        }
    }
    return least;
}

START_TEST(every_row_of_a_resolution_stands_in_three_subnets)
{
    const int resolution = 160;
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct plan_request q = request_for("ofa-mbv3-w1.2", &resolution, 1, &nothing);
        q.seed = seed;
        struct plan plan = make(&q);
        ck_assert_uint_ge(plan.network_count, 27);
        ck_assert_uint_le(plan.network_count, 30);
        ck_assert_int_ge(least_contexts(q.space, &plan, 0), 3);
        ck_assert_uint_eq(plan.row_count, plan.rows_total);
        plan_clear(&plan);
    }
}
END_TEST

START_TEST(every_row_of_two_resolutions_stands_in_three_subnets)
{
    const int resolutions[] = {224, 160};
    struct plan_request q = request_for("ofa-mbv3-w1.2", resolutions, 2, &nothing);
    struct plan plan = make(&q);
    ck_assert_uint_le(plan.network_count, 60);
    ck_assert_int_ge(least_contexts(q.space, &plan, 0), 3);
    ck_assert_int_ge(least_contexts(q.space, &plan, 16), 3);
    plan_clear(&plan);
}
END_TEST

START_TEST(other_spaces_are_covered_too)
{
    struct plan_request q = request_for("ofa-proxyless-w1.3", NULL, 0, &nothing);
    const struct space_dim *dim = space_dim(q.space, space_resolution_dim(q.space));
    const int resolutions[] = {dim->values[0], dim->values[dim->count - 1]};
    q.resolutions = resolutions;
    q.resolution_count = 2;
    struct plan plan = make(&q);
    ck_assert_uint_le(plan.network_count, 60);
    ck_assert_int_ge(least_contexts(q.space, &plan, 0), 3);
    ck_assert_int_ge(least_contexts(q.space, &plan, dim->count - 1), 3);
    plan_clear(&plan);
}
END_TEST

START_TEST(rows_that_resolutions_share_are_planned_once)
{
    const int both[] = {160, 224};
    struct plan_request q = request_for("ofa-mbv3-w1.2", both, 2, &nothing);
    struct plan plan = make(&q);
    /* 1x1 layers behind the pooling are the same at both: fewer rows than twice those of one. */
    q.resolution_count = 1;
    struct plan one = make(&q);
    ck_assert_uint_lt(plan.rows_total, 2 * one.rows_total);
    plan_clear(&plan);
    plan_clear(&one);
}
END_TEST

START_TEST(no_network_is_planned_twice)
{
    struct plan_request q = request_for("ofa-mbv3-w1.2", NULL, 0, &nothing);
    struct plan plan = make(&q);
    ck_assert_uint_le(plan.network_count, 17 * 30);
    for (size_t i = 0; i < plan.network_count; i++) {
        for (size_t k = 0; k < i; k++) ck_assert(!subnet_equal(&plan.networks[i], &plan.networks[k]));
    }
    plan_clear(&plan);
}
END_TEST

START_TEST(choices_of_a_stage_are_taken_equally_often)
{
    const int resolution = 160;
    struct plan_request q = request_for("ofa-mbv3-w1.2", &resolution, 1, &nothing);
    struct plan plan = make(&q);
    for (int dim = 0; dim < space_dim_count(q.space); dim++) {
        const struct space_dim *d = space_dim(q.space, dim);
        if (d->kind != DIM_DEPTH) continue;
        for (int v = 0; v < d->count; v++) {
            int used = 0;
            for (size_t i = 0; i < plan.network_count; i++) used += plan.networks[i].at[dim] == v;
            ck_assert_int_ge(used, 6);
            ck_assert_int_le(used, 12);
        }
    }
    plan_clear(&plan);
}
END_TEST

START_TEST(deep_stages_are_spread_over_the_networks)
{
    const int resolution = 160;
    struct plan_request q = request_for("ofa-mbv3-w1.2", &resolution, 1, &nothing);
    struct plan plan = make(&q);
    int all_deep = 0;
    for (size_t i = 0; i < plan.network_count; i++) {
        int deep = 0;
        for (int dim = 0; dim < space_dim_count(q.space); dim++)
            deep += space_dim(q.space, dim)->kind == DIM_DEPTH && plan.networks[i].at[dim] == 2;
        all_deep += deep == 5;
    }
    ck_assert_int_le(all_deep, 2); /* nine of them without dealing stages anew */
    plan_clear(&plan);
}
END_TEST

START_TEST(a_table_that_has_all_rows_needs_nothing)
{
    const int resolution = 160;
    struct table table = {.missing = "", .had = {.samples = 36, .contexts = 3}};
    struct plan_request q = request_for("ofa-mbv3-w1.2", &resolution, 1, &table);
    struct plan plan = make(&q);
    ck_assert_uint_eq(plan.network_count, 0);
    ck_assert_uint_eq(plan.visit_count, 0);
    ck_assert_uint_eq(plan.row_count, 0);
    ck_assert_uint_gt(plan.rows_total, 90);
    plan_clear(&plan);
}
END_TEST

START_TEST(few_missing_rows_need_few_networks)
{
    const int resolution = 160;
    struct table table = {.missing = "mbconv in=80x80x24 out=40x40x32 mid=72", .had = {.samples = 36, .contexts = 3}};
    struct plan_request q = request_for("ofa-mbv3-w1.2", &resolution, 1, &table);
    struct plan plan = make(&q);
    ck_assert_uint_eq(plan.row_count, 3); /* kernels 3, 5, 7 */
    ck_assert_uint_eq(plan.network_count, 9);
    for (size_t i = 0; i < plan.row_count; i++) {
        struct layer layer;
        ck_assert_int_eq(layer_parse(plan.rows[i].text, &layer, NULL), LATHE_OK);
        ck_assert_int_eq(contexts_of(q.space, &plan, &layer), 3);
    }
    plan_clear(&plan);
}
END_TEST

START_TEST(rows_with_too_few_contexts_get_the_rest)
{
    const int resolution = 160;
    struct table table = {.missing = "", .had = {.samples = 1000, .contexts = 2}};
    struct plan_request q = request_for("ofa-mbv3-w1.2", &resolution, 1, &table);
    struct plan plan = make(&q);
    ck_assert_uint_eq(plan.row_count, plan.rows_total);
    ck_assert_uint_eq(plan.network_count, 9); /* one more context for nine choices of a first block */
    plan_clear(&plan);
}
END_TEST

START_TEST(rows_with_too_few_samples_get_the_rest)
{
    const int resolution = 160;
    struct table table = {.missing = "", .had = {.samples = 3 * 4 * 3 - 1, .contexts = 5}};
    struct plan_request q = request_for("ofa-mbv3-w1.2", &resolution, 1, &table);
    struct plan plan = make(&q);
    ck_assert_uint_eq(plan.network_count, 9);
    plan_clear(&plan);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_plan)
{
    const int resolution = 160;
    struct plan_request q = request_for("ofa-mbv3-w1.2", &resolution, 1, &nothing);
    struct plan a = make(&q);
    struct plan b = make(&q);
    ck_assert_uint_eq(a.network_count, b.network_count);
    ck_assert_mem_eq(a.networks, b.networks, sizeof *a.networks * a.network_count);
    ck_assert_mem_eq(a.visits, b.visits, sizeof *a.visits * a.visit_count);
    q.seed++;
    struct plan c = make(&q);
    ck_assert(a.network_count != c.network_count ||
              memcmp(a.networks, c.networks, sizeof *a.networks * a.network_count) != 0);
    plan_clear(&a);
    plan_clear(&b);
    plan_clear(&c);
}
END_TEST

START_TEST(each_round_visits_every_network_once)
{
    const int resolution = 160;
    struct plan_request q = request_for("ofa-mbv3-w1.2", &resolution, 1, &nothing);
    q.rounds = 5;
    struct plan plan = make(&q);
    ck_assert_uint_eq(plan.visit_count, plan.network_count * 5);
    int same_as_before = 0;
    for (size_t round = 0; round < 5; round++) {
        const uint32_t *visits = plan.visits + round * plan.network_count;
        bool seen[64] = {false};
        for (size_t i = 0; i < plan.network_count; i++) {
            ck_assert_uint_lt(visits[i], plan.network_count);
            ck_assert(!seen[visits[i]]);
            seen[visits[i]] = true;
            same_as_before += round > 0 && visits[i] == plan.visits[(round - 1) * plan.network_count + i];
        }
    }
    ck_assert_int_lt(same_as_before, 20); /* four by chance */
    plan_clear(&plan);
}
END_TEST

START_TEST(rounds_of_resolutions_take_turns)
{
    const int resolutions[] = {160, 224};
    struct plan_request q = request_for("ofa-mbv3-w1.2", resolutions, 2, &nothing);
    struct plan plan = make(&q);
    int dim = space_resolution_dim(q.space);
    int changes = 0;
    for (size_t i = 1; i < plan.visit_count; i++)
        changes += plan.networks[plan.visits[i]].at[dim] != plan.networks[plan.visits[i - 1]].at[dim];
    ck_assert_int_eq(changes, 3); /* four rounds, two at a time */
    plan_clear(&plan);
}
END_TEST

/* A space of few subnets: OFA's with all choices but those of one stage taken away. */
static struct space *small_space(const char *kernels)
{
    char text[2048];
    json_t *document = NULL;
    struct space *space = NULL;
    struct lathe_error err;
    snprintf(text, sizeof text,
             "{\"id\":\"small\",\"title\":\"small\",\"family\":\"inverted_residual\",\"width\":1.0,"
             "\"source\":\"made for a test\",\"resolutions\":[32],\"kernel\":%s,\"expand\":[3],"
             "\"stem\":{\"channels\":8,\"kernel\":3,\"stride\":2,\"activation\":\"relu\"},"
             "\"first\":{\"channels\":8,\"kernel\":3,\"activation\":\"relu\",\"residual\":true},"
             "\"stages\":[{\"channels\":8,\"stride\":2,\"activation\":\"relu\",\"squeeze_excite\":false,"
             "\"depth\":[1]}],\"head\":[{\"kind\":\"avgpool\"},{\"kind\":\"linear\",\"features\":10}]}",
             kernels);
    ck_assert_int_eq(json_parse(text, strlen(text), &document, NULL), LATHE_OK);
    ck_assert_msg(space_parse(document, &space, &err) == LATHE_OK, "%s: %s", err.field, err.message);
    json_decref(document);
    return space;
}

START_TEST(a_space_of_one_subnet_is_measured_in_its_only_context)
{
    struct space *space = small_space("[3]");
    struct plan_request q = {.space = space, .rounds = 2, .runs = 1, .have = have, .context = &nothing};
    struct plan plan = make(&q);
    ck_assert_uint_eq(plan.network_count, 1);
    ck_assert_uint_eq(plan.visit_count, 2);
    for (size_t i = 0; i < plan.row_count; i++) ck_assert_int_eq(plan.rows[i].contexts, 1);
    plan_clear(&plan);
    struct table table = {.missing = "", .had = {.samples = 2, .contexts = 1}};
    q.context = &table;
    plan = make(&q);
    ck_assert_uint_eq(plan.network_count, 0);
    plan_clear(&plan);
    space_free(space);
}
END_TEST

START_TEST(rows_that_few_subnets_hold_get_all_of_those)
{
    struct space *space = small_space("[3, 5]");
    struct plan_request q = {.space = space, .rounds = 1, .runs = 1, .have = have, .context = &nothing};
    struct plan plan = make(&q);
    ck_assert_uint_eq(plan.network_count, 2);
    plan_clear(&plan);
    space_free(space);
}
END_TEST

START_TEST(held_out_subnets_stand_beside_those_that_cover_and_are_visited_as_often)
{
    static const int resolutions[] = {160, 192};
    struct plan_request q = request_for("ofa-mbv3-w1.2", resolutions, 2, &nothing);
    struct plan without = make(&q);
    q.held_out = 10;
    struct plan with = make(&q);
    ck_assert_uint_eq(with.network_count, without.network_count + 10);
    ck_assert_uint_eq(with.visit_count, with.network_count * 4);
    size_t held_out = 0;
    for (size_t i = 0; i < with.network_count; i++) {
        held_out += with.held_out[i];
        for (size_t k = 0; k < i; k++) ck_assert(!subnet_equal(&with.networks[i], &with.networks[k]));
    }
    ck_assert_uint_eq(held_out, 10);
    plan_clear(&with);
    plan_clear(&without);
}
END_TEST

START_TEST(a_full_table_needs_held_out_subnets_only_when_it_is_calibrated)
{
    static const int resolutions[] = {160};
    struct table full = {.missing = "", .had = {.samples = 1, .contexts = 3, .precise = true}};
    struct plan_request q = request_for("ofa-mbv3-w1.2", resolutions, 1, &full);
    q.held_out = 10;
    struct plan plan = make(&q);
    ck_assert_uint_eq(plan.network_count, 0);
    ck_assert_uint_eq(plan.visit_count, 0);
    plan_clear(&plan);
    q.only_held_out = true;
    plan = make(&q);
    ck_assert_uint_eq(plan.network_count, 10);
    ck_assert_uint_eq(plan.row_count, 0);
    for (size_t i = 0; i < 10; i++) ck_assert(plan.held_out[i]);
    plan_clear(&plan);
}
END_TEST

START_TEST(the_sentinel_is_of_middling_size)
{
    static const int resolutions[] = {160, 176, 192};
    struct plan_request q = request_for("ofa-mbv3-w1.2", resolutions, 3, &nothing);
    struct plan plan = make(&q);
    struct subnet_cost cost;
    struct subnet_cost middle;
    struct rng rng;
    double mean = 0;
    rng_seed(&rng, 1);
    for (int i = 0; i < 200; i++) {
        struct subnet s;
        space_random(q.space, &rng, &s);
        s.at[space_resolution_dim(q.space)] = plan.sentinel.at[space_resolution_dim(q.space)];
        space_cost(q.space, &s, DTYPE_F32, &cost);
        mean += (double)cost.macs / 200;
    }
    space_cost(q.space, &plan.sentinel, DTYPE_F32, &middle);
    ck_assert_double_gt((double)middle.macs, 0.7 * mean);
    ck_assert_double_lt((double)middle.macs, 1.3 * mean);
    plan_clear(&plan);
}
END_TEST

START_TEST(a_resolution_that_the_space_lacks_is_named)
{
    const int resolution = 161;
    struct plan_request q = request_for("ofa-mbv3-w1.2", &resolution, 1, &nothing);
    struct plan plan;
    struct lathe_error err = {0};
    ck_assert_int_eq(plan_make(&q, &plan, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "resolutions");
    ck_assert_ptr_nonnull(strstr(err.message, "161"));
}
END_TEST

/* ---- boards ---- */

static bool fits(const struct space *space, const struct subnet *s, const struct board_room *room)
{
    struct layer layers[SPACE_MAX_SLOTS];
    uint64_t arena = 0;
    uint64_t flash = 0;
    int n = space_lower(space, s, layers);
    for (int i = 0; i < n; i++) {
        uint64_t bytes = board_layer_arena_bytes(&layers[i]);
        arena = bytes > arena ? bytes : arena;
        flash += board_layer_flash_bytes(&layers[i]);
    }
    return arena <= room->arena_bytes && flash <= room->flash_bytes;
}

static bool holds(const struct space *space, const struct subnet *s, const char *text)
{
    struct layer layers[SPACE_MAX_SLOTS];
    struct layer wanted;
    int n = space_lower(space, s, layers);
    ck_assert_int_eq(layer_parse(text, &wanted, NULL), LATHE_OK);
    for (int i = 0; i < n; i++)
        if (layer_equal(&layers[i], &wanted)) return true;
    return false;
}

/* Count through all dimensions but the resolution. @return false after the last. */
static bool next_subnet(const struct space *space, struct subnet *s)
{
    for (int d = 1; d < space_dim_count(space); d++) {
        if (++s->at[d] < space_dim(space, d)->count) return true;
        s->at[d] = 0;
    }
    return false;
}

static bool some_fitting_subnet_holds(const struct space *space, const char *text, const struct board_room *room)
{
    struct subnet s = {{0}};
    do {
        if (holds(space, &s, text) && fits(space, &s, room)) return true;
    } while (next_subnet(space, &s));
    return false;
}

static struct space *board_space(void)
{
    static const char text[] =
        "{\"id\":\"wide\",\"title\":\"t\",\"family\":\"inverted_residual\",\"resolutions\":[96],\"width\":[0.5,1,2],"
        "\"stem\":{\"channels\":16,\"kernel\":3,\"stride\":2,\"activation\":\"relu6\"},"
        "\"first\":{\"channels\":16,\"kernel\":3,\"activation\":\"relu6\",\"residual\":false},\"stages\":["
        "{\"channels\":24,\"stride\":2,\"activation\":\"relu6\",\"squeeze_excite\":false,\"depth\":[1,2]},"
        "{\"channels\":40,\"stride\":2,\"activation\":\"relu6\",\"squeeze_excite\":false,\"depth\":[1,2]}],"
        "\"kernel\":[3,7],\"expand\":[3,6],"
        "\"head\":[{\"kind\":\"avgpool\"},{\"kind\":\"linear\",\"features\":10}]}";
    struct space *space = NULL;
    json_t *document = NULL;
    ck_assert_int_eq(json_parse(text, strlen(text), &document, NULL), LATHE_OK);
    ck_assert_int_eq(space_parse(document, &space, NULL), LATHE_OK);
    json_decref(document);
    return space;
}

/* Where a board's room lies between what networks and single layers need, each row is in a subnet that fits, or alone
 * since there is no such subnet, or left out since it does not fit itself: by trying all subnets. */
START_TEST(a_row_is_planned_in_a_subnet_that_fits_or_alone_or_left_out)
{
    struct space *space = board_space();
    size_t in_subnets = 0;
    size_t alone = 0;
    size_t left_out = 0;
    for (int i = 1; i <= 12; i++) {
        const struct board_room room = {.arena_bytes = 6000 * (uint64_t)i, .flash_bytes = 7000 * (uint64_t)(13 - i)};
        struct plan_request q = {.space = space,
                                 .rounds = 2,
                                 .runs = 1,
                                 .held_out = 3,
                                 .seed = 5,
                                 .room = &room,
                                 .have = have,
                                 .context = &nothing};
        struct plan plan = make(&q);
        for (size_t n = 0; n < plan.network_count; n++) ck_assert(fits(space, &plan.networks[n], &room));
        ck_assert(!plan.has_sentinel || fits(space, &plan.sentinel, &room));
        for (size_t r = 0; r < plan.row_count; r++) {
            size_t contexts = 0;
            for (size_t n = 0; n < plan.network_count; n++)
                contexts += !plan.held_out[n] && holds(space, &plan.networks[n], plan.rows[r].text);
            ck_assert_int_eq(plan.rows[r].alone, !some_fitting_subnet_holds(space, plan.rows[r].text, &room));
            ck_assert(plan.rows[r].alone ? contexts == 0 : contexts >= 1);
            in_subnets += !plan.rows[r].alone;
            alone += plan.rows[r].alone;
        }
        for (size_t r = 0; r < plan.left_out_count; r++)
            ck_assert(plan.left_out[r].arena_bytes > room.arena_bytes ||
                      plan.left_out[r].flash_bytes > room.flash_bytes);
        ck_assert_uint_eq(plan.rows_total, plan.row_count);
        left_out += plan.left_out_count;
        plan_clear(&plan);
    }
    ck_assert_uint_gt(in_subnets, 20);
    ck_assert_uint_gt(alone, 20);
    ck_assert_uint_gt(left_out, 20);
    space_free(space);
}
END_TEST

START_TEST(a_board_with_room_for_all_gets_the_same_plan_as_any_device)
{
    const int resolution = 160;
    const struct board_room room = {UINT64_MAX, UINT64_MAX};
    struct plan_request q = request_for("ofa-mbv3-w1.2", &resolution, 1, &nothing);
    struct plan any = make(&q);
    q.room = &room;
    struct plan board = make(&q);
    ck_assert_uint_eq(board.network_count, any.network_count);
    for (size_t i = 0; i < any.network_count; i++) ck_assert(subnet_equal(&board.networks[i], &any.networks[i]));
    ck_assert_uint_eq(board.left_out_count + board.alone_count, 0);
    plan_clear(&any);
    plan_clear(&board);
}
END_TEST

static TCase *planner_case(void)
{
    TCase *tc = tcase_create("planner");
    tcase_add_unchecked_fixture(tc, open_catalog, close_catalog);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, every_row_of_a_resolution_stands_in_three_subnets);
    tcase_add_test(tc, every_row_of_two_resolutions_stands_in_three_subnets);
    tcase_add_test(tc, other_spaces_are_covered_too);
    tcase_add_test(tc, rows_that_resolutions_share_are_planned_once);
    tcase_add_test(tc, no_network_is_planned_twice);
    tcase_add_test(tc, choices_of_a_stage_are_taken_equally_often);
    tcase_add_test(tc, deep_stages_are_spread_over_the_networks);
    tcase_add_test(tc, a_table_that_has_all_rows_needs_nothing);
    tcase_add_test(tc, few_missing_rows_need_few_networks);
    tcase_add_test(tc, rows_with_too_few_contexts_get_the_rest);
    tcase_add_test(tc, rows_with_too_few_samples_get_the_rest);
    tcase_add_test(tc, the_same_seed_gives_the_same_plan);
    tcase_add_test(tc, each_round_visits_every_network_once);
    tcase_add_test(tc, rounds_of_resolutions_take_turns);
    tcase_add_test(tc, a_space_of_one_subnet_is_measured_in_its_only_context);
    tcase_add_test(tc, rows_that_few_subnets_hold_get_all_of_those);
    tcase_add_test(tc, held_out_subnets_stand_beside_those_that_cover_and_are_visited_as_often);
    tcase_add_test(tc, a_full_table_needs_held_out_subnets_only_when_it_is_calibrated);
    tcase_add_test(tc, the_sentinel_is_of_middling_size);
    tcase_add_test(tc, a_resolution_that_the_space_lacks_is_named);
    tcase_add_test(tc, a_row_is_planned_in_a_subnet_that_fits_or_alone_or_left_out);
    tcase_add_test(tc, a_board_with_room_for_all_gets_the_same_plan_as_any_device);
    return tc;
}

TEST_MAIN("planner", planner_case())
