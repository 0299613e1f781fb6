/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which networks a night measures. */
#include "test_night_fixture.h"

#define OFA "ofa-mbv3-w1.2"
static const int small = 48, published = 160;

static void begin(void)
{
    set_up();
    reset_night_device();
}

static void end(void)
{
    json_decref(night_device.order);
    tear_down();
}

/* A table that makes the device's times known, without measuring. */
static enum lathe_status put_row(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const char *layer = context;
    struct entry entry = {.latency = {.count = 1, .mean_ms = 0.5, .trimmed_ms = 0.5, .ci_ms = NAN}};
    json_t *fingerprint = json_pack("{s:s}", "cpu", "made up");
    uint32_t version;
    enum lathe_status st = layer_parse(layer, &entry.layer, err);
    if (!st) st = table_version_for(txn, TABLE, fingerprint, "measured", 1, &version, err);
    json_decref(fingerprint);
    return st ? st : table_put(txn, TABLE, version, &entry, 1, err);
}

static void make_table(void)
{
    ASSERT_OK(kv_write(t.kv, put_row, (void *)"avgpool in=5x5x1152 out=1x1x1152", err));
}

static uint64_t digest_of(const struct night_plan *plan)
{
    uint64_t hash = 0xcbf29ce484222325u;
    size_t i;
    const json_t *network;
    json_array_foreach(plan->networks, i, network)
    {
        if (strcmp(text_of(network, "role"), "cover") != 0) continue;
        for (const char *c = text_of(network, "context"); *c; c++) hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    }
    return hash;
}

/* A digest that changes means that the planner covers spaces in another way: all nights so far would be held against
 * rows in other contexts. Do that knowingly. */
START_TEST(the_covering_subnets_are_always_the_same)
{
    make_table();
    const struct night_choice choice = choice_of(OFA, &published, 0);
    struct night_plan first = plan_night(&choice);
    struct night_plan second = plan_night(&choice);
    ck_assert(json_equal(first.networks, second.networks));
    ck_assert_uint_eq(digest_of(&first), UINT64_C(312732628149948266));
    night_plan_clear(&first);
    night_plan_clear(&second);
}
END_TEST

START_TEST(without_a_budget_every_row_gets_twelve_visits_in_three_contexts)
{
    make_table();
    const struct night_choice choice = choice_of(OFA, &published, 0);
    struct night_plan plan = plan_night(&choice);
    json_t *rows = layers_of_plan(&plan, "cover");
    const char *row;
    json_t *visits;
    ck_assert_uint_eq(json_object_size(rows), plan.rows_total);
    ck_assert_uint_eq(plan.rows_total, 96);
    ck_assert_uint_eq(plan.rows_measured, 96);
    ck_assert_int_eq(plan.rounds, NIGHT_ROUNDS);
    json_object_foreach(rows, row, visits)
    {
        ck_assert_msg(json_integer_value(visits) >= 12, "%s has %d visits", row, (int)json_integer_value(visits));
    }
    ck_assert(plan.estimate_s > 0);
    json_decref(rows);
    night_plan_clear(&plan);
}
END_TEST

START_TEST(a_large_budget_buys_rounds_up_to_twenty_four_visits_a_row)
{
    make_table();
    struct night_choice choice = choice_of(OFA, &published, 0);
    struct night_plan plain = plan_night(&choice);
    choice.budget_s = 1000 * plain.estimate_s;
    struct night_plan rich = plan_night(&choice);
    choice.budget_s = 1.6 * plain.estimate_s;
    struct night_plan between = plan_night(&choice);
    ck_assert_int_eq(rich.rounds, NIGHT_ROUNDS_MAX);
    ck_assert_int_gt(between.rounds, plain.rounds);
    ck_assert_int_lt(between.rounds, rich.rounds);
    ck_assert(between.estimate_s <= choice.budget_s);
    ck_assert_uint_eq(digest_of(&plain), digest_of(&rich));
    night_plan_clear(&plain);
    night_plan_clear(&rich);
    night_plan_clear(&between);
}
END_TEST

static struct night_plan plan_with(double share, uint32_t version, const json_t *fronts)
{
    struct night_choice choice = choice_of(OFA, &published, version);
    struct night_plan plain = plan_night(&choice);
    choice.budget_s = share * plain.estimate_s;
    choice.fronts = fronts;
    struct night_plan plan = plan_night(&choice);
    ck_assert(plan.estimate_s <= choice.budget_s);
    night_plan_clear(&plain);
    return plan;
}

START_TEST(a_small_budget_measures_some_rows_well_rather_than_all_of_them_badly)
{
    make_table();
    struct night_plan plan = plan_with(0.25, 0, NULL);
    size_t i;
    const json_t *network;
    json_array_foreach(plan.networks, i, network)
    {
        if (strcmp(text_of(network, "role"), "cover") == 0) ck_assert_int_eq(int_of(network, "visits"), NIGHT_VISITS);
    }
    ck_assert_uint_gt(plan.rows_measured, plan.rows_total / 5);
    ck_assert_uint_lt(plan.rows_measured, plan.rows_total);
    night_plan_clear(&plan);
}
END_TEST

START_TEST(rows_on_fronts_come_first)
{
    make_table();
    struct night_plan plain = plan_with(0.15, 0, NULL);
    struct night_plan all = plan_with(4, 0, NULL);
    json_t *measured = layers_of_plan(&plain, "cover");
    json_t *every = layers_of_plan(&all, "cover");
    json_t *fronts = json_object();
    const char *row;
    json_t *unused;
    json_object_foreach(every, row, unused)
    {
        if (!json_object_get(measured, row) && json_object_size(fronts) < 3)
            json_object_set_new(fronts, row, json_true());
    }
    ck_assert_uint_eq(json_object_size(fronts), 3);
    struct night_plan other = plan_with(0.15, 0, fronts);
    json_t *now = layers_of_plan(&other, "cover");
    size_t found = 0;
    json_object_foreach(fronts, row, unused) found += json_object_get(now, row) != NULL;
    ck_assert_uint_ge(found, 1);
    ck_assert(!json_equal(plain.networks, other.networks));
    json_decref(now);
    json_decref(fronts);
    json_decref(every);
    json_decref(measured);
    night_plan_clear(&plain);
    night_plan_clear(&all);
    night_plan_clear(&other);
}
END_TEST

START_TEST(over_some_nights_a_small_budget_sees_every_row)
{
    profile_space(OFA, published);
    json_t *seen = json_object();
    size_t total = 0;
    int nights = 0;
    for (; nights < 8 && (!total || json_object_size(seen) < total); nights++) {
        char id[40];
        uint32_t version = begin_night();
        struct night_plan plan = plan_with(0.2, version, NULL);
        json_t *rows = layers_of_plan(&plan, "cover");
        start_night(OFA, version, &plan, 0, id);
        work_nights();
        assert_state("profile", id, "done");
        json_object_update(seen, rows);
        total = plan.rows_total;
        json_decref(rows);
        night_plan_clear(&plan);
    }
    ck_assert_msg(json_object_size(seen) == total, "%zu of %zu rows in %d nights", json_object_size(seen), total,
                  nights);
    json_decref(seen);
}
END_TEST

static json_t *shipped_of(const struct night_plan *plan, const char *id)
{
    const json_t *network = json_array_get(plan->networks, 0);
    return json_pack("{s:s,s:s,s:O}", "shipped", id, "context", "00000000000000aa", "layers",
                     json_object_get(network, "layers"));
}

START_TEST(shipped_subnets_come_first_and_take_half_of_the_budget_at_most)
{
    make_table();
    struct night_choice choice = choice_of(OFA, &published, 0);
    struct night_plan plain = plan_night(&choice);
    json_t *shipped = json_array();
    for (int i = 0; i < 20; i++) json_array_append_new(shipped, shipped_of(&plain, "ship"));
    choice.shipped = shipped;
    choice.budget_s = 0.5 * plain.estimate_s;
    struct night_plan plan = plan_night(&choice);
    size_t count = 0;
    size_t i;
    const json_t *network;
    json_array_foreach(plan.networks, i, network)
    {
        if (strcmp(text_of(network, "role"), "shipped") != 0) continue;
        ck_assert_int_eq(int_of(network, "visits"), NIGHT_SHIPPED_VISITS);
        ck_assert_str_eq(text_of(network, "shipped"), "ship");
        count++;
    }
    ck_assert_uint_ge(count, 1);
    ck_assert_uint_eq(count + plan.shipped_left_out, 20);
    ck_assert_uint_gt(plan.rows_measured, 0);
    ck_assert(plan.estimate_s <= choice.budget_s);
    json_decref(shipped);
    night_plan_clear(&plain);
    night_plan_clear(&plan);
}
END_TEST

/* Layers of a network that are among some rows. */
static size_t rows_in(const json_t *rows, const json_t *network)
{
    size_t n = 0;
    size_t i;
    const json_t *text;
    json_array_foreach(json_object_get(network, "layers"), i, text) n +=
        json_object_get(rows, json_string_value(text)) != NULL;
    return n;
}

START_TEST(rows_of_shipped_subnets_come_first)
{
    make_table();
    struct night_plan all = plan_with(4, 0, NULL);
    struct night_plan plain = plan_with(0.12, 0, NULL);
    json_t *shipped = json_array();
    json_t *before = layers_of_plan(&plain, "cover");
    const json_t *worst = NULL;
    size_t fewest = SIZE_MAX;
    size_t i;
    const json_t *network;
    json_array_foreach(all.networks, i, network)
    {
        size_t n = rows_in(before, network);
        if (strcmp(text_of(network, "role"), "cover") == 0 && n < fewest) worst = network;
        if (worst == network) fewest = n;
    }
    json_array_append_new(shipped, json_pack("{s:s,s:s,s:O}", "shipped", "x", "context", "aa", "layers",
                                             json_object_get(worst, "layers")));
    struct night_choice choice = choice_of(OFA, &published, 0);
    choice.shipped = shipped;
    choice.budget_s = 2 * plain.estimate_s;
    struct night_plan plan = plan_night(&choice);
    json_t *now = layers_of_plan(&plan, "cover");
    ck_assert_uint_gt(rows_in(now, worst), fewest);
    json_decref(before);
    json_decref(now);
    json_decref(shipped);
    night_plan_clear(&all);
    night_plan_clear(&plain);
    night_plan_clear(&plan);
}
END_TEST

START_TEST(a_night_has_one_network_however_small_the_budget)
{
    make_table();
    struct night_choice choice = choice_of(OFA, &published, 0);
    choice.budget_s = 1e-6;
    struct night_plan plan = plan_night(&choice);
    ck_assert_uint_eq(json_array_size(plan.networks), 2); /* with the sentinel */
    night_plan_clear(&plan);
}
END_TEST

START_TEST(rows_that_stand_in_fewer_subnets_get_their_visits_all_the_same)
{
    profile_space("small", small);
    const struct night_choice choice = choice_of("small", &small, 0);
    struct night_plan plan = plan_night(&choice);
    json_t *rows = layers_of_plan(&plan, "cover");
    const char *row;
    json_t *visits;
    ck_assert_uint_eq(plan.rows_measured, plan.rows_total);
    json_object_foreach(rows, row, visits)
    {
        ck_assert_msg(json_integer_value(visits) >= 12, "%s has %d visits", row, (int)json_integer_value(visits));
    }
    json_decref(rows);
    night_plan_clear(&plan);
}
END_TEST

START_TEST(a_board_gets_networks_that_fit_and_rows_alone)
{
    json_t *device = json_pack("{s:i,s:s,s:{s:s,s:s},s:{s:s,s:I,s:I,s:I}}", "schema", 1, "name", "board", "transport",
                               "type", "serial", "port", "/dev/ttyX", "board", "name", "b", "arena_bytes",
                               (json_int_t)9000, "flash_bytes", (json_int_t)1000000, "code_bytes", (json_int_t)1000);
    ASSERT_OK(store_write(t.kv, "device", "board", device, err));
    make_table();
    const struct night_choice choice = choice_of("small", &small, 0);
    struct night_plan plan = plan_night(&choice);
    size_t i;
    const json_t *network;
    json_array_foreach(plan.networks, i, network)
    {
        struct board_room needs;
        room_of_layers(json_object_get(network, "layers"), &needs);
        ck_assert_uint_le(needs.arena_bytes, 9000);
        if (strcmp(text_of(network, "context"), "0") == 0) ck_assert_int_ge(int_of(network, "visits"), NIGHT_VISITS);
    }
    night_plan_clear(&plan);
    json_decref(device);
}
END_TEST

START_TEST(a_device_without_a_table_has_no_night)
{
    struct kv_txn *txn = NULL;
    struct night_plan plan;
    struct lathe_error why = {0};
    const struct night_choice choice = choice_of("small", &small, 0);
    ASSERT_OK(kv_read_begin(t.kv, &txn, err));
    ck_assert_int_eq(night_plan_make(txn, &choice, &plan, &why), LATHE_NOT_FOUND);
    kv_read_end(txn);
}
END_TEST

START_TEST(a_resolution_that_the_space_does_not_have_is_named)
{
    static const int odd = 49;
    struct kv_txn *txn = NULL;
    struct night_plan plan;
    struct lathe_error why = {0};
    make_table();
    const struct night_choice choice = choice_of("small", &odd, 0);
    ASSERT_OK(kv_read_begin(t.kv, &txn, err));
    ck_assert_int_eq(night_plan_make(txn, &choice, &plan, &why), LATHE_INVALID);
    ck_assert_str_eq(why.field, "resolutions");
    kv_read_end(txn);
}
END_TEST

static TCase *plan_case(void)
{
    TCase *c = tcase_create("plan");
    tcase_add_checked_fixture(c, begin, end);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, the_covering_subnets_are_always_the_same);
    tcase_add_test(c, without_a_budget_every_row_gets_twelve_visits_in_three_contexts);
    tcase_add_test(c, a_large_budget_buys_rounds_up_to_twenty_four_visits_a_row);
    tcase_add_test(c, a_small_budget_measures_some_rows_well_rather_than_all_of_them_badly);
    tcase_add_test(c, rows_on_fronts_come_first);
    tcase_add_test(c, over_some_nights_a_small_budget_sees_every_row);
    tcase_add_test(c, shipped_subnets_come_first_and_take_half_of_the_budget_at_most);
    tcase_add_test(c, rows_of_shipped_subnets_come_first);
    tcase_add_test(c, a_night_has_one_network_however_small_the_budget);
    tcase_add_test(c, rows_that_stand_in_fewer_subnets_get_their_visits_all_the_same);
    tcase_add_test(c, a_board_gets_networks_that_fit_and_rows_alone);
    tcase_add_test(c, a_device_without_a_table_has_no_night);
    tcase_add_test(c, a_resolution_that_the_space_does_not_have_is_named);
    return c;
}

TEST_MAIN("night_plan", plan_case())
