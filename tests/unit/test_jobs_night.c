/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What a night's job measures, and what it leaves. */
#include "test_night_fixture.h"

static const int small = 48;

static void begin(void)
{
    set_up();
    reset_night_device();
    profile_space("small", small);
}

static void end(void)
{
    json_decref(night_device.order);
    tear_down();
}

/* A night of all rows, begun, and its job's id. */
static uint32_t full_night(double budget_s, char *id)
{
    uint32_t version = begin_night();
    const struct night_choice choice = choice_of("small", &small, version);
    struct night_plan plan = plan_night(&choice);
    start_night("small", version, &plan, budget_s, id);
    night_plan_clear(&plan);
    return version;
}

static json_t *planned_rows(void)
{
    const struct night_choice choice = choice_of("small", &small, 0);
    struct night_plan plan = plan_night(&choice);
    json_t *rows = layers_of_plan(&plan, "cover");
    night_plan_clear(&plan);
    return rows;
}

static const char *a_row(const json_t *rows, const char *kind)
{
    const char *row;
    json_t *unused;
    json_object_foreach((json_t *)rows, row, unused)
    {
        if (strncmp(row, kind, strlen(kind)) == 0) return row;
    }
    ck_abort_msg("no row of %s", kind);
    return NULL;
}

static double night_ms(uint32_t version, const char *row)
{
    struct latency latency = {0};
    ck_assert_msg(row_of(version, row, &latency), "no row %s", row);
    return latency_best_ms(&latency);
}

static double reference_of(uint32_t version)
{
    struct kv_txn *txn = NULL;
    struct table_scaling scaling;
    ASSERT_OK(kv_read_begin(t.kv, &txn, err));
    ASSERT_OK(table_get_scaling(txn, TABLE, version, &scaling, err));
    kv_read_end(txn);
    return scaling.reference_ns;
}

START_TEST(a_night_fills_its_own_version_and_nothing_else)
{
    char id[40];
    struct table_info before = night_info(0);
    json_t *rows = planned_rows();
    const char *row;
    json_t *visits;
    double layer_ms = night_ms(1, a_row(rows, "mbconv"));
    uint32_t version = full_night(0, id);
    night_device.slow = 1.5;
    work_nights();
    json_t *job = get_job("profile", id);
    ck_assert_str_eq(text_of(job, "state"), "done");
    ck_assert_str_eq(text_of(job, "mode"), "night");
    ck_assert_str_eq(text_of(job, "run"), "run-1");
    ck_assert_str_eq(text_of(job, "stopped_by"), "rounds");
    ck_assert_uint_eq((uint32_t)json_integer_value(json_object_get(job, "version")), version);
    ck_assert_int_eq(int_of(job, "rows_done"), int_of(job, "rows_total"));
    json_object_foreach(rows, row, visits)
    {
        ck_assert_uint_eq(visits_of_row(version, row, NULL), (size_t)json_integer_value(visits));
    }
    ck_assert_double_eq_tol(night_ms(1, a_row(rows, "mbconv")), layer_ms, 1e-12);
    struct table_info after = night_info(0);
    ck_assert_uint_eq(after.version, 1);
    ck_assert_int_eq(after.updated_ms, before.updated_ms);
    table_info_clear(&before);
    table_info_clear(&after);
    json_decref(rows);
    json_decref(job);
}
END_TEST

START_TEST(a_night_has_its_own_reference_beside_the_tables_sentinel)
{
    char id[40];
    json_t *rows = planned_rows();
    const char *row = a_row(rows, "mbconv");
    double layer_ms = night_ms(1, row);
    struct table_info table = night_info(0);
    uint32_t version = full_night(0, id);
    night_device.slow = 1.5;
    work_nights();
    struct table_info night = night_info(version);
    ck_assert_double_eq_tol(reference_of(version) / reference_of(1), 1.5, 1e-4);
    ck_assert_double_eq_tol(night_ms(version, row) / layer_ms, 1.5, 1e-3);
    ck_assert(json_equal(json_object_get(table.notes, "sentinel"), json_object_get(night.notes, "sentinel")));
    ck_assert_str_eq(text_of(night.notes, "run"), "run-1");
    ck_assert_str_eq(text_of(night.fingerprint, "cpu"), "made up");
    table_info_clear(&table);
    table_info_clear(&night);
    json_decref(rows);
}
END_TEST

START_TEST(a_slower_kind_of_layer_shows_in_its_rows_and_in_no_others)
{
    char id[40];
    json_t *rows = planned_rows();
    const char *row;
    json_t *unused;
    uint32_t before = full_night(0, id);
    work_nights();
    night_device.kind = "mbconv";
    night_device.kind_slow = 1.1;
    uint32_t version = full_night(0, id);
    work_nights();
    json_object_foreach(rows, row, unused)
    {
        double ratio = night_ms(version, row) / night_ms(before, row);
        ck_assert_double_eq_tol(ratio, strncmp(row, "mbconv", 6) == 0 ? 1.1 : 1, 1e-3);
    }
    json_decref(rows);
}
END_TEST

START_TEST(what_a_nights_jobs_took_is_noted)
{
    char id[40];
    uint32_t version = full_night(0, id);
    work_nights();
    struct table_info info = night_info(version);
    const json_t *job = json_array_get(json_object_get(info.notes, "jobs"), 0);
    ck_assert_str_eq(text_of(job, "job"), id);
    ck_assert_str_eq(text_of(job, "stopped_by"), "rounds");
    double busy_s = int_of(job, "visits") * 0.01;
    ck_assert_double_eq_tol(json_number_value(json_object_get(job, "device_s")), busy_s, 1e-9);
    ck_assert_double_eq_tol(json_number_value(json_object_get(info.notes, "device_s")), busy_s, 1e-9);
    ck_assert_double_eq_tol(json_number_value(json_object_get(info.notes, "load")), 0.25, 1e-9);
    table_info_clear(&info);
}
END_TEST

/* A plan of the night with one shipped subnet in it: the first that covers. */
static struct night_plan plan_with_shipped(uint32_t version, json_t **shipped)
{
    struct night_choice choice = choice_of("small", &small, version);
    struct night_plan plain = plan_night(&choice);
    const json_t *network = json_array_get(plain.networks, 0);
    *shipped = json_pack("[{s:s,s:s,s:O}]", "shipped", "app", "context", "00000000000000aa", "layers",
                         json_object_get(network, "layers"));
    choice.shipped = *shipped;
    struct night_plan plan = plan_night(&choice);
    night_plan_clear(&plain);
    return plan;
}

START_TEST(shipped_subnets_are_timed_as_wholes_visit_by_visit)
{
    char id[40];
    json_t *shipped;
    uint32_t version = begin_night();
    struct night_plan plan = plan_with_shipped(version, &shipped);
    start_night("small", version, &plan, 0, id);
    work_nights();
    struct table_info info = night_info(version);
    const json_t *subnets = json_object_get(info.notes, "subnets");
    ck_assert_uint_eq(json_array_size(subnets), 1);
    const json_t *subnet = json_array_get(subnets, 0);
    ck_assert_str_eq(text_of(subnet, "shipped"), "app");
    ck_assert_str_eq(text_of(subnet, "job"), id);
    ck_assert_str_eq(text_of(subnet, "context"), "00000000000000aa");
    const json_t *visits = json_object_get(subnet, "visits_ms");
    double truth_ms = sum_of_truths(json_object_get(json_array_get(shipped, 0), "layers")) / 1e6;
    ck_assert_uint_eq(json_array_size(visits), NIGHT_SHIPPED_VISITS);
    for (size_t i = 0; i < json_array_size(visits); i++)
        ck_assert_double_eq_tol(json_number_value(json_array_get(visits, i)), truth_ms, 1e-3);
    ck_assert_double_eq_tol(json_number_value(json_object_get(subnet, "latency_ms")), truth_ms, 1e-3);
    ck_assert(json_is_number(json_object_get(subnet, "ci_ms")));
    table_info_clear(&info);
    json_decref(shipped);
    night_plan_clear(&plan);
}
END_TEST

/* Its visits come four in a row, as a measurement's, in three places of the night. */
START_TEST(a_shipped_subnet_is_visited_in_blocks_that_lie_apart)
{
    char id[40];
    json_t *shipped;
    uint32_t version = begin_night();
    struct night_plan plan = plan_with_shipped(version, &shipped);
    start_night("small", version, &plan, 0, id);
    json_array_clear(night_device.order);
    work_nights();
    int blocks = 0;
    size_t in_a_row = 0;
    size_t i;
    const json_t *number;
    json_array_foreach(night_device.order, i, number)
    {
        bool own = json_integer_value(number) == 0; /* shipped networks come first */
        if (own) in_a_row++;
        if (own && in_a_row == 1) blocks++;
        if (!own && in_a_row) ck_assert_uint_eq(in_a_row, 4);
        if (!own) in_a_row = 0;
    }
    ck_assert_int_eq(blocks, 3);
    json_decref(shipped);
    night_plan_clear(&plan);
}
END_TEST

START_TEST(rounds_are_shuffled_and_each_holds_every_network)
{
    char id[40];
    full_night(0, id);
    json_t *job = get_job("profile", id);
    size_t networks = (size_t)int_of(job, "networks");
    json_array_clear(night_device.order);
    work_nights();
    json_t *first = json_object();
    bool ascending = true;
    for (size_t i = 0; i < networks; i++) {
        char number[16];
        json_int_t n = json_integer_value(json_array_get(night_device.order, i));
        snprintf(number, sizeof number, "%d", (int)n);
        json_object_set_new(first, number, json_true());
        ascending = ascending && n == (json_int_t)i;
    }
    ck_assert_uint_eq(json_object_size(first), networks);
    ck_assert(!ascending);
    json_decref(first);
    json_decref(job);
}
END_TEST

START_TEST(a_budget_ends_a_night_early_and_well)
{
    char id[40];
    night_device.busy_ns = UINT64_C(1000000000);
    uint32_t version = full_night(20, id);
    work_nights();
    json_t *job = get_job("profile", id);
    ck_assert_str_eq(text_of(job, "state"), "done");
    ck_assert_str_eq(text_of(job, "stopped_by"), "budget");
    ck_assert_int_lt(int_of(job, "visits_done"), int_of(job, "visits_total"));
    ck_assert_double_ge(json_number_value(json_object_get(job, "device_s")), 20);
    struct table_info info = night_info(version);
    ck_assert_str_eq(text_of(json_array_get(json_object_get(info.notes, "jobs"), 0), "stopped_by"), "budget");
    ck_assert_uint_gt(info.entries, 0);
    table_info_clear(&info);
    json_decref(job);
}
END_TEST

START_TEST(another_fingerprint_fails_the_night_and_says_so)
{
    char id[40];
    uint32_t version = full_night(0, id);
    json_t *lease = lease_for("a");
    ck_assert_int_eq(send_visits(lease, 0, 5), LATHE_OK);
    night_device.cpu = "another";
    ck_assert_int_eq(send_visits(lease, 5, 10), LATHE_OK);
    json_t *job = get_job("profile", id);
    ck_assert_str_eq(text_of(job, "state"), "failed");
    ck_assert_ptr_nonnull(strstr(text_of(job, "error"), "fingerprint changed during the night"));
    ck_assert_int_eq(send_visits(lease, 10, 11), LATHE_CONFLICT);
    struct table_info info = night_info(version);
    ck_assert_str_eq(text_of(info.fingerprint, "cpu"), "made up");
    struct table_info newest = night_info(0);
    ck_assert_uint_eq(newest.version, 1);
    table_info_clear(&info);
    table_info_clear(&newest);
    json_decref(job);
    json_decref(lease);
}
END_TEST

START_TEST(a_night_may_have_another_fingerprint_than_its_table)
{
    char id[40];
    uint32_t version = full_night(0, id);
    night_device.cpu = "another";
    work_nights();
    assert_state("profile", id, "done");
    struct table_info info = night_info(version);
    struct table_info newest = night_info(0);
    ck_assert_str_eq(text_of(info.fingerprint, "cpu"), "another");
    ck_assert_uint_eq(newest.version, 1);
    ck_assert_str_eq(text_of(newest.fingerprint, "cpu"), "made up");
    table_info_clear(&info);
    table_info_clear(&newest);
}
END_TEST

START_TEST(a_runner_without_times_between_layers_fails_the_night_and_says_so)
{
    char id[40];
    full_night(0, id);
    night_device.no_layers = true;
    work_nights();
    json_t *job = get_job("profile", id);
    ck_assert_str_eq(text_of(job, "state"), "failed");
    ck_assert_ptr_nonnull(strstr(text_of(job, "error"), "no times between layers"));
    json_decref(job);
}
END_TEST

static enum lathe_status delete_table(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    (void)context;
    return table_delete(txn, TABLE, err);
}

START_TEST(a_table_that_is_deleted_meanwhile_fails_its_night)
{
    char id[40];
    full_night(0, id);
    json_t *lease = lease_for("a");
    ck_assert_int_eq(send_visits(lease, 0, 5), LATHE_OK);
    ASSERT_OK(kv_write(t.kv, delete_table, NULL, err));
    ck_assert_int_eq(send_visits(lease, 5, 10), LATHE_OK);
    json_t *job = get_job("profile", id);
    ck_assert_str_eq(text_of(job, "state"), "failed");
    ck_assert_ptr_nonnull(strstr(text_of(job, "error"), "deleted"));
    json_decref(job);
    json_decref(lease);
}
END_TEST

/* A server that is killed in the middle of a lease: what was sent is there, what is sent again changes nothing, and the
 * rest goes on. */
START_TEST(a_night_goes_on_where_a_killed_server_left_it)
{
    char id[40];
    json_t *rows = planned_rows();
    const char *row;
    json_t *visits;
    uint32_t version = full_night(0, id);
    json_t *lease = lease_for("a");
    ck_assert_int_eq(send_visits(lease, 0, 7), LATHE_OK);
    reopen_store();
    ck_assert_int_eq(send_visits(lease, 0, 9), LATHE_OK);
    reopen_store();
    json_decref(lease);
    pass_seconds(LEASE_TTL_S + 1);
    jobs_expire(t.jobs);
    work_nights();
    json_t *job = get_job("profile", id);
    ck_assert_str_eq(text_of(job, "state"), "done");
    ck_assert_int_eq(int_of(job, "visits_done"), int_of(job, "visits_total"));
    json_object_foreach(rows, row, visits)
    {
        ck_assert_uint_eq(visits_of_row(version, row, NULL), (size_t)json_integer_value(visits));
    }
    json_decref(job);
    json_decref(rows);
}
END_TEST

static struct night_plan confirm(uint32_t version, const json_t *rows, const json_t *shipped, const json_t *ids)
{
    struct kv_txn *txn = NULL;
    struct night_plan plan = {0};
    struct lathe_error why = {0};
    struct night_choice choice = choice_of("small", &small, version);
    choice.shipped = shipped;
    ASSERT_OK(kv_read_begin(t.kv, &txn, err));
    enum lathe_status st = night_plan_confirm(txn, &choice, rows, ids, &plan, &why);
    kv_read_end(txn);
    ck_assert_msg(st == LATHE_OK, "%s", why.message);
    return plan;
}

START_TEST(a_confirmation_measures_rows_again_in_the_contexts_they_had)
{
    char first[40];
    char second[40];
    json_t *rows = planned_rows();
    const char *row = a_row(rows, "mbconv");
    uint32_t version = full_night(0, first);
    work_nights();
    json_t *asked = json_pack("[s,s]", row, "avgpool in=9x9x9 out=1x1x9");
    struct night_plan plan = confirm(version, asked, NULL, NULL);
    size_t i;
    const json_t *network;
    json_array_foreach(plan.networks, i, network)
    {
        ck_assert(strcmp(text_of(network, "role"), "sentinel") == 0 || holds_layer(network, row));
    }
    start_night("small", version, &plan, 0, second);
    work_nights();
    assert_state("profile", second, "done");
    ck_assert_uint_ge(visits_of_row(version, row, first), 12);
    ck_assert_uint_ge(visits_of_row(version, row, second), 12);
    struct table_info info = night_info(version);
    ck_assert_uint_eq(json_array_size(json_object_get(info.notes, "jobs")), 2);
    table_info_clear(&info);
    json_decref(asked);
    json_decref(rows);
    night_plan_clear(&plan);
}
END_TEST

/* What is confirmed counts at the night's speed, though the device is another one by then. */
START_TEST(a_confirmation_keeps_the_nights_reference)
{
    char first[40];
    char second[40];
    json_t *rows = planned_rows();
    const char *row = a_row(rows, "mbconv");
    uint32_t version = full_night(0, first);
    work_nights();
    double before = night_ms(version, row);
    double reference = reference_of(version);
    json_t *asked = json_pack("[s]", row);
    struct night_plan plan = confirm(version, asked, NULL, NULL);
    night_device.slow = 1.3;
    start_night("small", version, &plan, 0, second);
    work_nights();
    ck_assert_double_eq(reference_of(version), reference);
    ck_assert_double_eq_tol(night_ms(version, row), before, before * 1e-3);
    json_decref(asked);
    json_decref(rows);
    night_plan_clear(&plan);
}
END_TEST

START_TEST(a_confirmation_of_a_shipped_subnet_alone_adds_to_the_notes)
{
    char first[40];
    char second[40];
    json_t *shipped;
    uint32_t version = begin_night();
    struct night_plan plan = plan_with_shipped(version, &shipped);
    start_night("small", version, &plan, 0, first);
    work_nights();
    json_t *ids = json_pack("[s,s]", "app", "another");
    json_t *none = json_array();
    struct night_plan again = confirm(version, none, shipped, ids);
    ck_assert_uint_eq(json_array_size(again.networks), 2); /* with the sentinel */
    start_night("small", version, &again, 0, second);
    work_nights();
    struct table_info info = night_info(version);
    const json_t *subnets = json_object_get(info.notes, "subnets");
    ck_assert_uint_eq(json_array_size(subnets), 2);
    ck_assert_str_eq(text_of(json_array_get(subnets, 0), "job"), first);
    ck_assert_str_eq(text_of(json_array_get(subnets, 1), "job"), second);
    ck_assert_uint_eq(json_array_size(json_object_get(json_array_get(subnets, 1), "visits_ms")), NIGHT_SHIPPED_VISITS);
    table_info_clear(&info);
    json_decref(ids);
    json_decref(none);
    json_decref(shipped);
    night_plan_clear(&plan);
    night_plan_clear(&again);
}
END_TEST

static size_t count_jobs(const char *mode)
{
    const struct job_filter filter = {.mode = mode};
    json_t *list = NULL;
    char next[65];
    ASSERT_OK(jobs_list(t.jobs, "profile", &filter, NULL, 100, &list, next, err));
    size_t n = json_array_size(list);
    json_decref(list);
    return n;
}

START_TEST(lists_of_profiles_leave_nights_out_unless_asked)
{
    char id[40];
    full_night(0, id);
    ck_assert_uint_eq(count_jobs(NULL), 1);
    ck_assert_uint_eq(count_jobs("night"), 1);
    ck_assert_uint_eq(count_jobs("layers"), 1);
    ck_assert_uint_eq(count_jobs("isolated"), 0);
}
END_TEST

START_TEST(a_board_that_is_told_changes_no_plan_of_a_night)
{
    char id[40];
    full_night(0, id);
    json_t *lease = lease_for("a");
    json_t *answer = NULL;
    json_t *board =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:i,s:i,s:i,s:s,s:b}", "name", "b", "core", "c", "timer", "t", "runner",
                  "r", "build", "1", "clock_hz", 1000000, "sram_bytes", 100000, "flash_bytes", 1000000, "arena_bytes",
                  90000, "code_bytes", 1000, "clock", "ns", "emulated", 1);
    const struct lease_news news = {.board = board};
    ASSERT_OK(jobs_renew(t.jobs, text_of(lease, "id"), int_of(lease, "fence"), &news, &answer, err));
    ck_assert_int_eq(send_visits(lease, 0, 5), LATHE_OK);
    json_t *job = get_job("profile", id);
    ck_assert_int_eq(int_of(job, "visits_done"), 5);
    json_decref(answer);
    json_decref(board);
    json_decref(lease);
    json_decref(job);
}
END_TEST

static const char *refusal_of(const struct night_request *q, struct lathe_error *err)
{
    json_t *job = NULL;
    enum lathe_status st = jobs_create_night(t.jobs, q, &job, err);
    ck_assert_int_ne(st, LATHE_OK);
    return err->field;
}

START_TEST(requests_that_make_no_night_are_refused)
{
    struct lathe_error err = {0};
    json_t *good = json_of("[{\"context\":\"aa\",\"layers\":[\"avgpool in=5x5x8 out=1x1x8\"],\"role\":\"cover\"}]");
    json_t *empty = json_array();
    json_t *no_layer = json_of("[{\"context\":\"aa\",\"layers\":[\"nothing\"],\"role\":\"cover\"}]");
    json_t *no_role = json_of("[{\"context\":\"aa\",\"layers\":[\"avgpool in=5x5x8 out=1x1x8\"],\"role\":\"fit\"}]");
    json_t *nameless =
        json_of("[{\"context\":\"aa\",\"layers\":[\"avgpool in=5x5x8 out=1x1x8\"],\"role\":\"shipped\"}]");
    json_t *no_context =
        json_of("[{\"context\":\"xx\",\"layers\":[\"avgpool in=5x5x8 out=1x1x8\"],\"role\":\"cover\"}]");
    struct night_request q = {.device = "board", .config = CONFIG, .space = "small", .run = "run-1"};
    q.version = begin_night();
    q.networks = empty;
    ck_assert_str_eq(refusal_of(&q, &err), "networks");
    q.networks = no_layer;
    ck_assert_str_eq(refusal_of(&q, &err), "networks[0]");
    q.networks = no_role;
    ck_assert_str_eq(refusal_of(&q, &err), "networks[0].role");
    q.networks = nameless;
    ck_assert_str_eq(refusal_of(&q, &err), "networks[0]");
    q.networks = no_context;
    ck_assert_str_eq(refusal_of(&q, &err), "networks[0]");
    q.networks = good;
    q.version = 1;
    ck_assert_str_eq(refusal_of(&q, &err), "version");
    q.version = NIGHT_VERSION_FIRST + 7;
    refusal_of(&q, &err);
    ck_assert_int_eq(err.status, LATHE_NOT_FOUND);
    q.space = "none";
    ck_assert_str_eq(refusal_of(&q, &err), "space");
    json_decref(good);
    json_decref(empty);
    json_decref(no_layer);
    json_decref(no_role);
    json_decref(nameless);
    json_decref(no_context);
}
END_TEST

static TCase *night_case(void)
{
    TCase *c = tcase_create("night");
    tcase_add_checked_fixture(c, begin, end);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, a_night_fills_its_own_version_and_nothing_else);
    tcase_add_test(c, a_night_has_its_own_reference_beside_the_tables_sentinel);
    tcase_add_test(c, a_slower_kind_of_layer_shows_in_its_rows_and_in_no_others);
    tcase_add_test(c, what_a_nights_jobs_took_is_noted);
    tcase_add_test(c, shipped_subnets_are_timed_as_wholes_visit_by_visit);
    tcase_add_test(c, a_shipped_subnet_is_visited_in_blocks_that_lie_apart);
    tcase_add_test(c, rounds_are_shuffled_and_each_holds_every_network);
    tcase_add_test(c, a_budget_ends_a_night_early_and_well);
    tcase_add_test(c, another_fingerprint_fails_the_night_and_says_so);
    tcase_add_test(c, a_night_may_have_another_fingerprint_than_its_table);
    tcase_add_test(c, a_runner_without_times_between_layers_fails_the_night_and_says_so);
    tcase_add_test(c, a_table_that_is_deleted_meanwhile_fails_its_night);
    tcase_add_test(c, a_night_goes_on_where_a_killed_server_left_it);
    tcase_add_test(c, a_confirmation_measures_rows_again_in_the_contexts_they_had);
    tcase_add_test(c, a_confirmation_keeps_the_nights_reference);
    tcase_add_test(c, a_confirmation_of_a_shipped_subnet_alone_adds_to_the_notes);
    tcase_add_test(c, lists_of_profiles_leave_nights_out_unless_asked);
    tcase_add_test(c, a_board_that_is_told_changes_no_plan_of_a_night);
    tcase_add_test(c, requests_that_make_no_night_are_refused);
    return c;
}

TEST_MAIN("jobs_night", night_case())
