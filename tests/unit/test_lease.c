/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Leases: who gets what, for how long, and what their results do. */
#include "tests/unit/test_jobs_fixture.h"

static const int r32 = 32;

static void set_up_profile(void)
{
    char id[40];
    set_up();
    json_decref(profile(&r32, 1, 4, id));
}

START_TEST(a_lease_describes_each_network_that_it_visits_once)
{
    json_t *lease = lease_for("a");
    json_t *seen = json_object();
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(lease, "networks"), i, item)
    {
        char number[16];
        snprintf(number, sizeof number, "%d", int_of(item, "network"));
        ck_assert_ptr_null(json_object_get(seen, number));
        json_object_set_new(seen, number, json_false());
        size_t k;
        const json_t *layer;
        json_array_foreach(json_object_get(item, "layers"), k, layer)
        {
            struct layer parsed;
            ASSERT_OK(layer_parse(json_string_value(layer), &parsed, err));
        }
    }
    json_array_foreach(json_object_get(lease, "visits"), i, item)
    {
        char number[16];
        snprintf(number, sizeof number, "%d", int_of(item, "network"));
        ck_assert_ptr_nonnull(json_object_get(seen, number));
        json_object_set_new(seen, number, json_true());
    }
    const char *number;
    json_t *visited;
    /* The sentinel is the agent's to visit, in between. */
    const json_t *sentinel = json_object_get(lease, "sentinel");
    json_object_foreach(seen, number, visited)
        ck_assert(json_is_true(visited) || (int)strtol(number, NULL, 10) == int_of(sentinel, "network"));
    ck_assert_str_eq(text_of(lease, "config"), CONFIG);
    ck_assert_str_eq(text_of(json_object_get(json_object_get(lease, "device"), "transport"), "type"), "local");
    ck_assert_int_eq(int_of(lease, "ttl_s"), LEASE_TTL_S);
    json_decref(seen);
    json_decref(lease);
}
END_TEST

START_TEST(a_device_works_on_one_lease_at_a_time)
{
    json_t *lease = lease_for("a");
    ck_assert_ptr_nonnull(lease);
    ck_assert_ptr_null(lease_for("b"));
    ck_assert_int_eq(release(lease, NULL, false), LATHE_OK);
    json_t *other = lease_for("b");
    ck_assert_ptr_nonnull(other);
    json_decref(lease);
    json_decref(other);
}
END_TEST

START_TEST(an_agent_that_asks_again_takes_over_its_own_lease)
{
    json_t *lost = lease_for("a");
    ck_assert_int_eq(report(lost, 0, 2, 1000), LATHE_OK);
    json_t *lease = lease_for("a");
    ck_assert_ptr_nonnull(lease);
    ck_assert_str_ne(text_of(lease, "id"), text_of(lost, "id"));
    ck_assert_int_gt(int_of(lease, "fence"), int_of(lost, "fence"));
    ck_assert_int_eq(report(lost, 2, 1, 1000), LATHE_CONFLICT);
    int done = int_of(json_array_get(json_object_get(lost, "visits"), 1), "visit");
    const json_t *first = json_array_get(json_object_get(lease, "visits"), 0);
    ck_assert_int_eq(int_of(first, "visit"), done + 1);
    json_decref(lost);
    json_decref(lease);
}
END_TEST

START_TEST(fences_of_a_device_only_grow)
{
    int last = 0;
    for (int i = 0; i < 5; i++) {
        json_t *lease = lease_for("a");
        ck_assert_int_gt(int_of(lease, "fence"), last);
        last = int_of(lease, "fence");
        ck_assert_int_eq(report(lease, 0, 1, 1000), LATHE_OK);
        ck_assert_int_eq(release(lease, NULL, false), LATHE_OK);
        if (i == 2) reopen_store();
        json_decref(lease);
    }
}
END_TEST

START_TEST(a_device_is_served_by_its_agent_only)
{
    put_device("board", "local", "mine");
    ck_assert_ptr_null(lease_for("other"));
    json_t *lease = lease_for("mine");
    ck_assert_ptr_nonnull(lease);
    json_decref(lease);
}
END_TEST

START_TEST(results_sent_twice_count_once)
{
    json_t *lease = lease_for("a");
    json_t *results = results_of(lease, 0, 5, 1000);
    json_t *answer = NULL;
    ASSERT_OK(jobs_results(t.jobs, text_of(lease, "id"), results, &answer, err));
    ck_assert_int_eq(int_of(answer, "accepted"), 5);
    json_decref(answer);
    count_measured(lease, results);
    ASSERT_OK(jobs_results(t.jobs, text_of(lease, "id"), results, &answer, err));
    ck_assert_int_eq(int_of(answer, "accepted"), 0);
    json_decref(answer);
    json_decref(results);
    /* Some that are known and some that are not. */
    results = results_of(lease, 3, 4, 1000);
    ASSERT_OK(jobs_results(t.jobs, text_of(lease, "id"), results, &answer, err));
    ck_assert_int_eq(int_of(answer, "accepted"), 2);
    count_measured(lease, results);
    assert_table_is_what_was_measured();
    json_t *job = get_job("profile", text_of(lease, "job"));
    ck_assert_int_eq(int_of(job, "visits_done"), 7);
    json_decref(job);
    json_decref(answer);
    json_decref(results);
    json_decref(lease);
}
END_TEST

START_TEST(results_under_another_fence_change_nothing)
{
    json_t *lease = lease_for("a");
    json_t *results = results_of(lease, 0, 5, 1000);
    json_t *answer = NULL;
    struct lathe_error err = {0};
    struct latency latency;
    json_object_set_new(results, "fence", json_integer(int_of(lease, "fence") + 1));
    ck_assert_int_eq(jobs_results(t.jobs, text_of(lease, "id"), results, &answer, &err), LATHE_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.message, text_of(lease, "id")));
    ck_assert_int_eq(jobs_results(t.jobs, "l-unknown", results, &answer, &err), LATHE_CONFLICT);
    ck_assert(!row_of(0, "linear in=1x1x16 out=1x1x10", &latency));
    json_decref(results);
    json_decref(lease);
}
END_TEST

START_TEST(an_expired_lease_gives_its_visits_back)
{
    json_t *lost = lease_for("a");
    size_t n = json_array_size(json_object_get(lost, "visits"));
    ck_assert_int_eq(report(lost, 0, 3, 1000), LATHE_OK);
    pass_seconds(LEASE_TTL_S - 1);
    jobs_expire(t.jobs);
    ck_assert_ptr_null(lease_for("b"));
    pass_seconds(2);
    jobs_expire(t.jobs);
    ck_assert_int_eq(report(lost, 3, 1, 1000), LATHE_CONFLICT);
    json_t *lease = lease_for("b");
    ck_assert_ptr_nonnull(lease);
    ck_assert_int_eq(int_of(json_array_get(json_object_get(lease, "visits"), 0), "visit"),
                     int_of(json_array_get(json_object_get(lost, "visits"), 3), "visit"));
    json_decref(lost);
    json_decref(lease);
    ck_assert_int_gt(work_off_all("b", 1000), (int)n - 4);
    assert_table_is_what_was_measured();
}
END_TEST

START_TEST(renewals_and_results_keep_a_lease)
{
    const struct lease_news nothing_new = {0};
    json_t *lease = lease_for("a");
    for (int i = 0; i < 4; i++) {
        json_t *answer = NULL;
        pass_seconds(LEASE_TTL_S - 1);
        jobs_expire(t.jobs);
        if (i % 2) ck_assert_int_eq(report(lease, (size_t)i, 1, 1000), LATHE_OK);
        else ASSERT_OK(jobs_renew(t.jobs, text_of(lease, "id"), int_of(lease, "fence"), &nothing_new, &answer, err));
        json_decref(answer);
    }
    pass_seconds(LEASE_TTL_S + 1);
    jobs_expire(t.jobs);
    json_t *answer = NULL;
    ck_assert_int_eq(jobs_renew(t.jobs, text_of(lease, "id"), int_of(lease, "fence"), &nothing_new, &answer, NULL),
                     LATHE_CONFLICT);
    json_decref(lease);
}
END_TEST

START_TEST(a_restarted_server_gives_live_leases_a_fresh_time)
{
    json_t *lease = lease_for("a");
    pass_seconds(LEASE_TTL_S + 5);
    reopen_store();
    jobs_expire(t.jobs);
    ck_assert_int_eq(report(lease, 0, 1, 1000), LATHE_OK);
    pass_seconds(LEASE_TTL_S + 1);
    jobs_expire(t.jobs);
    ck_assert_int_eq(report(lease, 1, 1, 1000), LATHE_CONFLICT);
    json_decref(lease);
}
END_TEST

static void set_cell(json_t *results, const char *name, size_t run, size_t layer, int value)
{
    json_t *visit = json_array_get(json_object_get(results, "visits"), 0);
    json_array_set_new(json_array_get(json_object_get(visit, name), run), layer, json_integer(value));
}

static double mean_of_first_layer(const json_t *lease, json_t *results)
{
    json_t *answer = NULL;
    struct latency latency;
    int network = int_of(json_array_get(json_object_get(lease, "visits"), 0), "network");
    set_cell(results, "wall_ns", 0, 0, 9000);
    set_cell(results, "cpu_ns", 0, 0, 2000);
    set_cell(results, "preempted", 0, 0, 1);
    ASSERT_OK(jobs_results(t.jobs, text_of(lease, "id"), results, &answer, err));
    json_decref(answer);
    struct kv_txn *txn = NULL;
    struct table_id table = {.device = "board", .config = text_of(lease, "config")};
    ASSERT_OK(kv_read_begin(t.kv, &txn, err));
    ASSERT_OK(table_get(txn, table, 0, json_string_value(json_array_get(layers_of(lease, network), 0)), &latency, err));
    kv_read_end(txn);
    return latency.mean_ms;
}

START_TEST(a_preempted_sample_counts_with_its_cpu_time)
{
    json_t *lease = lease_for("a");
    json_t *results = results_of(lease, 0, 1, 1000);
    /* 2000 instead of 9000 in the first run, 1010 in the second. */
    ck_assert_double_eq_tol(mean_of_first_layer(lease, results), (2000 + 1010) / 2e6, 1e-12);
    json_decref(results);
    json_decref(lease);
}
END_TEST

START_TEST(cpu_time_of_one_thread_says_nothing_about_two)
{
    json_t *job = NULL;
    json_t *cancelled = NULL;
    json_t *lease = lease_for("a");
    struct profile_request q = {
        .device = "board", .config = "xnnpack-f32-t2-b1", .space = "small", .rounds = 1, .runs = 2};
    ASSERT_OK(jobs_cancel(t.jobs, "profile", text_of(lease, "job"), &cancelled, err));
    json_decref(lease);
    ASSERT_OK(jobs_create_profile(t.jobs, &q, &job, err));
    lease = lease_for("a");
    json_t *results = results_of(lease, 0, 1, 1000);
    ck_assert_double_eq_tol(mean_of_first_layer(lease, results), (9000 + 1010) / 2e6, 1e-12);
    json_decref(results);
    json_decref(lease);
    json_decref(cancelled);
    json_decref(job);
}
END_TEST

/* Results that are well formed, but not what the lease asked for. */
static void assert_refused(const json_t *lease, json_t *results, const char *field)
{
    struct lathe_error err = {0};
    json_t *answer = NULL;
    struct latency latency;
    ck_assert_int_eq(jobs_results(t.jobs, text_of(lease, "id"), results, &answer, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, field);
    ck_assert(!row_of(0, "linear in=1x1x16 out=1x1x10", &latency));
    json_t *job = get_job("profile", text_of(lease, "job"));
    ck_assert_int_eq(int_of(job, "visits_done"), 0);
    json_decref(job);
    json_decref(results);
}

START_TEST(one_bad_visit_refuses_its_whole_batch)
{
    json_t *lease = lease_for("a");
    json_t *results = results_of(lease, 0, 3, 1000);
    json_object_set_new(json_array_get(json_object_get(results, "visits"), 2), "visit", json_integer(999));
    assert_refused(lease, results, "visits[2]");
    results = results_of(lease, 0, 3, 1000);
    json_object_set_new(json_array_get(json_object_get(results, "visits"), 1), "network", json_integer(999));
    assert_refused(lease, results, "visits[1]");
    json_object_set_new(lease, "runs", json_integer(3)); /* the fake agent runs once more than it was asked to */
    assert_refused(lease, results_of(lease, 0, 1, 1000), "visits[0]");
    json_decref(lease);
}
END_TEST

START_TEST(layers_that_the_network_does_not_have_are_refused)
{
    json_t *lease = lease_for("a");
    json_t *results = results_of(lease, 0, 1, 1000);
    json_t *visit = json_array_get(json_object_get(results, "visits"), 0);
    static const char *const names[] = {"wall_ns", "cpu_ns", "preempted"};
    for (size_t i = 0; i < 3; i++) {
        for (size_t run = 0; run < 2; run++)
            json_array_remove(json_array_get(json_object_get(visit, names[i]), run), 0);
    }
    assert_refused(lease, results, "visits[0]");
    json_decref(lease);
}
END_TEST

static void count_call(void *context)
{
    ++*(int *)context;
}

START_TEST(listeners_hear_of_work)
{
    char id[40];
    int work = 0;
    jobs_on_work(t.jobs, count_call, &work);
    json_decref(profile(NULL, 0, 1, id));
    ck_assert_int_eq(work, 1);
    json_t *lease = lease_for("a");
    ck_assert_int_eq(release(lease, NULL, false), LATHE_OK);
    ck_assert_int_eq(work, 2);
    json_decref(lease);
    lease = lease_for("a");
    pass_seconds(LEASE_TTL_S + 1);
    jobs_expire(t.jobs);
    ck_assert_int_eq(work, 3);
    jobs_expire(t.jobs);
    ck_assert_int_eq(work, 3);
    json_decref(lease);
}
END_TEST

/* @param agent that the device names; NULL: none. */
static const char *state_with(const char *agent, int64_t *seen)
{
    json_t *device = json_pack("{s:s,s:s?}", "name", "board", "agent", agent);
    const char *state = jobs_device_state(t.jobs, device, seen);
    json_decref(device);
    return state;
}

START_TEST(a_device_is_offline_online_or_busy)
{
    int64_t seen = -1;
    ck_assert_str_eq(state_with(NULL, &seen), "offline");
    ck_assert_int_eq(seen, 0);
    json_t *lease = lease_for("a");
    ck_assert_str_eq(state_with(NULL, &seen), "busy");
    ck_assert_int_eq(seen, fake_wall_ms());
    ck_assert_int_eq(release(lease, NULL, false), LATHE_OK);
    pass_seconds(59);
    ck_assert_str_eq(state_with("a", &seen), "online");
    ck_assert_str_eq(state_with("b", &seen), "offline");
    pass_seconds(2);
    ck_assert_str_eq(state_with(NULL, &seen), "offline");
    json_decref(lease);
}
END_TEST

static const char *stored_state(void)
{
    json_t *device = NULL;
    ASSERT_OK(store_read(t.kv, "device", "board", &device, err));
    const char *state = jobs_device_state(t.jobs, device, NULL);
    json_decref(device);
    return state;
}

static void fail_three_times(void)
{
    for (int i = 0; i < 3; i++) {
        json_t *lease = lease_for("a");
        ck_assert_ptr_nonnull(lease);
        ck_assert_int_eq(release(lease, "it hangs", false), LATHE_OK);
        json_decref(lease);
    }
}

START_TEST(a_device_that_fails_again_and_again_gets_no_work_for_ten_minutes)
{
    static const int resolution = 32;
    char other[40];
    pass_seconds(1);
    json_decref(profile(&resolution, 1, 1, other));
    fail_three_times();
    assert_state("profile", other, "queued"); /* the job behind it waits */
    ck_assert_str_eq(stored_state(), "quarantined");
    ck_assert_ptr_null(lease_for("a"));
    pass_seconds(599);
    ck_assert_ptr_null(lease_for("a"));
    pass_seconds(2);
    ck_assert_str_eq(stored_state(), "online");
    /* One good visit, and the count begins anew. */
    json_t *lease = lease_for("a");
    ck_assert_ptr_nonnull(lease);
    ck_assert_int_eq(report(lease, 0, 1, 1000), LATHE_OK);
    ck_assert_int_eq(release(lease, NULL, false), LATHE_OK);
    ck_assert_str_eq(stored_state(), "online");
    json_decref(lease);
}
END_TEST

START_TEST(a_lease_names_its_agent_until_it_ends)
{
    char agent[65] = "";
    json_t *lease = lease_for("a");
    ASSERT_OK(jobs_lease_agent(t.jobs, text_of(lease, "id"), agent, err));
    ck_assert_str_eq(agent, "a");
    ck_assert_int_eq(release(lease, NULL, false), LATHE_OK);
    ck_assert_int_eq(jobs_lease_agent(t.jobs, text_of(lease, "id"), agent, NULL), LATHE_CONFLICT);
    json_decref(lease);
}
END_TEST

static TCase *lease_case(void)
{
    TCase *tc = tcase_create("lease");
    tcase_add_checked_fixture(tc, set_up_profile, tear_down);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, a_lease_describes_each_network_that_it_visits_once);
    tcase_add_test(tc, a_device_works_on_one_lease_at_a_time);
    tcase_add_test(tc, an_agent_that_asks_again_takes_over_its_own_lease);
    tcase_add_test(tc, fences_of_a_device_only_grow);
    tcase_add_test(tc, a_device_is_served_by_its_agent_only);
    tcase_add_test(tc, results_sent_twice_count_once);
    tcase_add_test(tc, results_under_another_fence_change_nothing);
    tcase_add_test(tc, an_expired_lease_gives_its_visits_back);
    tcase_add_test(tc, renewals_and_results_keep_a_lease);
    tcase_add_test(tc, a_restarted_server_gives_live_leases_a_fresh_time);
    tcase_add_test(tc, a_preempted_sample_counts_with_its_cpu_time);
    tcase_add_test(tc, cpu_time_of_one_thread_says_nothing_about_two);
    tcase_add_test(tc, one_bad_visit_refuses_its_whole_batch);
    tcase_add_test(tc, layers_that_the_network_does_not_have_are_refused);
    tcase_add_test(tc, listeners_hear_of_work);
    tcase_add_test(tc, a_device_is_offline_online_or_busy);
    tcase_add_test(tc, a_device_that_fails_again_and_again_gets_no_work_for_ten_minutes);
    tcase_add_test(tc, a_lease_names_its_agent_until_it_ends);
    return tc;
}

TEST_MAIN("lease", lease_case())
