/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Profiles and measurements from their creation to their end. */
#include "tests/unit/test_jobs_fixture.h"

static const int r32 = 32;

START_TEST(a_profile_measures_every_row_as_often_as_planned)
{
    char id[40];
    json_t *job = profile(NULL, 0, 4, id);
    ck_assert_str_eq(text_of(job, "state"), "queued");
    ck_assert_int_eq(int_of(job, "visits_total"), int_of(job, "networks") * 4);
    ck_assert_int_eq(work_off_all("a", 1000), int_of(job, "visits_total"));
    assert_table_is_what_was_measured();
    ck_assert_int_eq((int)json_object_size(t.measured), int_of(job, "rows_total"));
    const char *layer;
    json_t *count;
    json_object_foreach(t.measured, layer, count)
    {
        struct latency latency;
        ck_assert(row_of(0, layer, &latency));
        ck_assert_uint_ge(latency.contexts, 3);
        ck_assert_int_ge((int)json_integer_value(count), 3 * 4 * 2);
    }
    json_decref(job);
    job = get_job("profile", id);
    ck_assert_str_eq(text_of(job, "state"), "done");
    ck_assert_int_eq(int_of(job, "visits_done"), int_of(job, "visits_total"));
    ck_assert_int_eq(int_of(job, "rows_done"), int_of(job, "rows_total"));
    ck_assert(json_is_null(json_object_get(job, "error")));
    json_decref(job);
}
END_TEST

START_TEST(rows_done_grows_with_the_contexts_that_are_measured)
{
    char id[40];
    json_decref(profile(&r32, 1, 4, id));
    json_t *lease = lease_for("a");
    int before = 0;
    for (size_t i = 0; i < json_array_size(json_object_get(lease, "visits")); i++) {
        ck_assert_int_eq(report(lease, i, 1, 1000), LATHE_OK);
        json_t *job = get_job("profile", id);
        ck_assert_int_eq(int_of(job, "visits_done"), (int)i + 1);
        ck_assert_int_ge(int_of(job, "rows_done"), before);
        before = int_of(job, "rows_done");
        if (i == 1) ck_assert_int_eq(before, 0); /* no row has three contexts after two networks */
        json_decref(job);
    }
    ck_assert_int_gt(before, 0);
    json_decref(lease);
}
END_TEST

START_TEST(a_second_profile_is_born_done)
{
    char id[40];
    json_decref(profile(NULL, 0, 2, id));
    work_off_all("a", 1000);
    json_t *job = profile(NULL, 0, 2, id);
    ck_assert_str_eq(text_of(job, "state"), "done");
    ck_assert_int_eq(int_of(job, "visits_total"), 0);
    ck_assert_int_eq(int_of(job, "rows_done"), int_of(job, "rows_total"));
    json_decref(job);
    ck_assert_ptr_null(lease_for("a"));
}
END_TEST

START_TEST(a_profile_skips_rows_that_the_table_has)
{
    char id[40];
    json_t *whole = profile(NULL, 0, 2, id);
    json_t *cancelled = NULL;
    ASSERT_OK(jobs_cancel(t.jobs, "profile", id, &cancelled, err));
    json_decref(profile(&r32, 1, 2, id));
    work_off_all("a", 1000);
    json_t *rest = profile(NULL, 0, 2, id);
    ck_assert_int_lt(int_of(rest, "visits_total"), int_of(whole, "visits_total"));
    ck_assert_int_gt(int_of(rest, "rows_done"), 0);
    work_off_all("a", 1000);
    json_t *again = profile(NULL, 0, 2, id);
    ck_assert_str_eq(text_of(again, "state"), "done");
    json_decref(whole);
    json_decref(cancelled);
    json_decref(rest);
    json_decref(again);
}
END_TEST

START_TEST(a_profile_goes_on_after_the_server_was_killed)
{
    char id[40];
    json_t *job = profile(NULL, 0, 4, id);
    int total = int_of(job, "visits_total");
    int visits = 0;
    json_t *lease;
    /* A fresh process for each lease, and a second one in the middle of it. */
    while ((lease = lease_for("a"))) {
        size_t n = json_array_size(json_object_get(lease, "visits"));
        ck_assert_int_eq(report(lease, 0, n / 2, 1000), LATHE_OK);
        reopen_store();
        ck_assert_int_eq(report(lease, n / 2, n, 1000), LATHE_OK);
        ck_assert_int_eq(release(lease, NULL, false), LATHE_OK);
        reopen_store();
        visits += (int)n;
        json_decref(lease);
    }
    ck_assert_int_eq(visits, total);
    assert_state("profile", id, "done");
    assert_table_is_what_was_measured();
    json_decref(job);
}
END_TEST

START_TEST(another_fingerprint_starts_a_new_version_and_a_new_plan)
{
    char id[40];
    json_t *job = profile(NULL, 0, 2, id);
    int total = int_of(job, "visits_total");
    json_t *lease = lease_for("a");
    ck_assert_int_eq(report(lease, 0, 10, 1000), LATHE_OK);
    json_t *old = json_deep_copy(t.measured);
    /* Then somebody turns the clock down: what comes now is another device. */
    json_object_clear(t.measured);
    ck_assert_int_eq(report(lease, 10, 1, 600), LATHE_OK);
    ck_assert_int_eq(report(lease, 11, 1, 600), LATHE_CONFLICT); /* the lease was of the old plan */
    work_off_all("a", 600);
    assert_state("profile", id, "done");
    assert_table_is_what_was_measured();
    ck_assert_int_ge((int)json_object_size(t.visits), total);
    const char *layer;
    json_t *count;
    json_object_foreach(t.measured, layer, count)
    {
        struct latency now;
        ck_assert(row_of(2, layer, &now));
        ck_assert_uint_ge(now.contexts, 3);
    }
    json_object_foreach(old, layer, count)
    {
        struct latency then;
        ck_assert(row_of(1, layer, &then));
        ck_assert_int_eq((int)then.count, (int)json_integer_value(count));
    }
    ck_assert_int_eq((int)json_object_size(t.measured), int_of(job, "rows_total"));
    json_decref(job);
    json_decref(old);
    json_decref(lease);
}
END_TEST

START_TEST(rows_of_an_old_fingerprint_are_measured_again_when_the_device_has_changed)
{
    char id[40];
    json_decref(profile(&r32, 1, 2, id));
    work_off_all("a", 1000);
    json_object_clear(t.measured);
    json_object_clear(t.visits);
    json_t *job = profile(NULL, 0, 2, id); /* counts on the rows of resolution 32 */
    work_off_all("a", 600);
    assert_state("profile", id, "done");
    assert_table_is_what_was_measured();
    ck_assert_int_eq((int)json_object_size(t.measured), int_of(job, "rows_total"));
    json_t *again = profile(NULL, 0, 2, id);
    ck_assert_str_eq(text_of(again, "state"), "done");
    json_decref(job);
    json_decref(again);
}
END_TEST

static enum lathe_status delete_table(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    (void)context;
    return table_delete(txn, TABLE, err);
}

START_TEST(a_profile_starts_over_when_its_table_is_deleted)
{
    char id[40];
    json_t *job = profile(&r32, 1, 2, id);
    json_t *lease = lease_for("a");
    ck_assert_int_eq(report(lease, 0, 10, 1000), LATHE_OK);
    pass_seconds(1);
    ASSERT_OK(kv_write(t.kv, delete_table, NULL, err));
    json_object_clear(t.measured);
    ck_assert_int_eq(report(lease, 10, 1, 1000), LATHE_OK);
    work_off_all("a", 1000);
    assert_state("profile", id, "done");
    assert_table_is_what_was_measured();
    ck_assert_int_eq((int)json_object_size(t.measured), int_of(job, "rows_total"));
    json_decref(lease);
    json_decref(job);
}
END_TEST

START_TEST(a_device_that_changes_again_and_again_fails_its_profile)
{
    char id[40];
    json_decref(profile(&r32, 1, 2, id));
    int mhz = 1000;
    json_t *lease;
    while ((lease = lease_for("a"))) {
        ck_assert_int_eq(report(lease, 0, 1, mhz++), LATHE_OK);
        json_decref(lease);
        ck_assert_int_lt(mhz, 1100);
    }
    json_t *job = get_job("profile", id);
    ck_assert_str_eq(text_of(job, "state"), "failed");
    ck_assert_ptr_nonnull(strstr(text_of(job, "error"), "fingerprint"));
    json_decref(job);
}
END_TEST

START_TEST(a_cancelled_profile_keeps_what_was_measured_and_ends_its_lease)
{
    char id[40];
    json_t *job = NULL;
    json_decref(profile(&r32, 1, 2, id));
    json_t *lease = lease_for("a");
    ck_assert_int_eq(report(lease, 0, 4, 1000), LATHE_OK);
    ASSERT_OK(jobs_cancel(t.jobs, "profile", id, &job, err));
    ck_assert_str_eq(text_of(job, "state"), "cancelled");
    json_decref(job);
    ck_assert_int_eq(report(lease, 4, 1, 1000), LATHE_CONFLICT);
    ck_assert_int_eq(release(lease, NULL, false), LATHE_CONFLICT);
    ck_assert_int_eq(jobs_cancel(t.jobs, "profile", id, &job, NULL), LATHE_CONFLICT);
    ck_assert_ptr_null(lease_for("a"));
    assert_table_is_what_was_measured();
    json_decref(lease);
}
END_TEST

START_TEST(three_failures_in_a_row_fail_a_job)
{
    char id[40];
    json_decref(profile(&r32, 1, 2, id));
    for (int i = 0; i < 3; i++) {
        assert_state("profile", id, i ? "running" : "queued");
        json_t *lease = lease_for("a");
        ck_assert_int_eq(release(lease, "the runner crashed", false), LATHE_OK);
        json_decref(lease);
    }
    json_t *job = get_job("profile", id);
    ck_assert_str_eq(text_of(job, "state"), "failed");
    ck_assert_ptr_nonnull(strstr(text_of(job, "error"), "the runner crashed"));
    json_decref(job);
    ck_assert_ptr_null(lease_for("a"));
}
END_TEST

START_TEST(progress_forgives_failures)
{
    char id[40];
    json_decref(profile(&r32, 1, 2, id));
    for (size_t i = 0; i < 6; i++) {
        json_t *lease = lease_for("a");
        ck_assert_int_eq(report(lease, 0, 1, 1000), LATHE_OK);
        ck_assert_int_eq(release(lease, "the runner crashed", false), LATHE_OK);
        json_decref(lease);
    }
    assert_state("profile", id, "running");
}
END_TEST

START_TEST(a_fatal_failure_fails_a_job_at_once)
{
    char id[40];
    json_decref(profile(&r32, 1, 2, id));
    json_t *lease = lease_for("a");
    ck_assert_int_eq(release(lease, "no such runtime", true), LATHE_OK);
    json_decref(lease);
    json_t *job = get_job("profile", id);
    ck_assert_str_eq(text_of(job, "state"), "failed");
    ck_assert_str_eq(text_of(job, "error"), "no such runtime");
    json_decref(job);
}
END_TEST

static void measure_to(int visits, int runs, double ci, char *id)
{
    json_t *job = NULL;
    json_t *what = json_of("{\"subnet\":{\"space\":\"small\",\"resolution\":32}}");
    json_t *layers = json_of("[\"avgpool in=4x4x16 out=1x1x16\",\"linear in=1x1x16 out=1x1x10\"]");
    struct measurement_request asked = {"board", CONFIG, what, layers, visits, runs, ci};
    ASSERT_OK(jobs_create_measurement(t.jobs, &asked, &job, err));
    snprintf(id, 40, "%s", text_of(job, "id"));
    ck_assert(json_is_null(json_object_get(job, "latency_ms")));
    ck_assert(json_equal(json_object_get(job, "subnet"), json_object_get(what, "subnet")));
    json_decref(job);
    json_decref(what);
    json_decref(layers);
}

static void measure(int visits, int runs, char *id)
{
    measure_to(visits, runs, -1, id);
}

/* Send results for all visits of the lease that is next; each visit's runs take 100 us and, every other visit, `more`.
 * @return how many visits. */
static size_t run_lease(int more_ns)
{
    json_t *answer = NULL;
    json_t *lease = lease_for("a");
    ck_assert_ptr_nonnull(lease);
    size_t n = json_array_size(json_object_get(lease, "visits"));
    json_t *results = results_of(lease, 0, n, 1000);
    for (size_t i = 0; i < n; i++) {
        json_t *totals = json_object_get(json_array_get(json_object_get(results, "visits"), i), "total_ns");
        for (size_t k = 0; k < json_array_size(totals); k++)
            json_array_set_new(totals, k, json_integer(100000 + (i % 2 ? more_ns : 0)));
    }
    ASSERT_OK(jobs_results(t.jobs, text_of(lease, "id"), results, &answer, err));
    json_decref(answer);
    ck_assert_int_eq(release(lease, NULL, false), LATHE_OK);
    json_decref(results);
    json_decref(lease);
    return n;
}

START_TEST(a_measurement_goes_on_until_its_interval_is_as_narrow_as_asked)
{
    /* Visits 100 and 110 us by turns: 10 of them leave half an interval of 3.77 us, 3.6%; the root of 4.6 as many makes
     * it 2% (t falls a little, too). */
    char id[40];
    measure_to(0, 2, 0.02, id);
    size_t visits = run_lease(10000);
    ck_assert_uint_eq(visits, 10);
    for (int leases = 1; leases < 4; leases++) {
        json_t *job = get_job("measurement", id);
        bool ended = strcmp(text_of(job, "state"), "done") == 0;
        ck_assert(ended || json_is_null(json_object_get(job, "latency_ms")));
        json_decref(job);
        if (ended) break;
        visits += run_lease(10000);
    }
    json_t *job = get_job("measurement", id);
    ck_assert_str_eq(text_of(job, "state"), "done");
    const json_t *range = json_object_get(job, "latency_ms_range");
    double half = (json_real_value(json_array_get(range, 1)) - json_real_value(json_array_get(range, 0))) / 2;
    ck_assert_double_lt(half, 0.02 * 0.105);
    ck_assert_double_gt(half, 0.01 * 0.105);
    ck_assert_uint_lt(visits, 50);
    json_decref(job);
}
END_TEST

START_TEST(a_measurement_that_stays_uncertain_ends_with_its_visits)
{
    char id[40];
    measure_to(25, 2, 0.0001, id);
    ck_assert_uint_eq(run_lease(10000), 10);
    ck_assert_uint_eq(run_lease(10000), 15);
    json_t *job = get_job("measurement", id);
    ck_assert_str_eq(text_of(job, "state"), "done");
    ck_assert_int_eq(int_of(job, "count"), 50);
    json_decref(job);
}
END_TEST

START_TEST(a_measurement_of_so_many_visits_makes_them_all)
{
    char id[40];
    measure(14, 2, id);
    ck_assert_uint_eq(run_lease(0), 14);
    json_t *job = get_job("measurement", id);
    ck_assert_str_eq(text_of(job, "state"), "done");
    json_decref(job);
}
END_TEST

START_TEST(a_measurement_has_the_figures_of_its_samples)
{
    /* Visits of two runs with these times in microseconds. By hand: the mean of the visits'
     * means is 110.375, their standard error 3.0371, t(0.975, 3) = 3.18245. */
    static const int times[4][2] = {{100, 104}, {110, 112}, {108, 116}, {114, 119}};
    char id[40];
    measure(4, 2, id);
    json_t *lease = lease_for("a");
    ck_assert(json_is_true(json_object_get(lease, "per_layer")));
    ck_assert_uint_eq(json_array_size(json_object_get(lease, "networks")), 1);
    json_t *results = results_of(lease, 0, 4, 1000);
    for (size_t i = 0; i < 4; i++) {
        json_t *totals = json_object_get(json_array_get(json_object_get(results, "visits"), i), "total_ns");
        for (size_t k = 0; k < 2; k++) json_array_set_new(totals, k, json_integer(times[i][k] * 1000));
    }
    json_t *answer = NULL;
    ASSERT_OK(jobs_results(t.jobs, text_of(lease, "id"), results, &answer, err));
    json_t *job = get_job("measurement", id);
    ck_assert_str_eq(text_of(job, "state"), "done");
    ck_assert_int_eq(int_of(job, "count"), 8);
    ck_assert_double_eq_tol(json_real_value(json_object_get(job, "mean_ms")), 0.110375, 1e-12);
    ck_assert_double_eq_tol(json_real_value(json_object_get(job, "min_ms")), 0.100, 1e-12);
    const json_t *range = json_object_get(job, "latency_ms_range");
    ck_assert_double_eq_tol(json_real_value(json_array_get(range, 0)), 0.1007096, 1e-6);
    ck_assert_double_eq_tol(json_real_value(json_array_get(range, 1)), 0.1200404, 1e-6);
    json_decref(job);
    json_decref(answer);
    json_decref(results);
    json_decref(lease);
}
END_TEST

START_TEST(a_measurement_leaves_out_time_that_others_had_the_core)
{
    /* Two layers of 1000 ns of which 900 ns are CPU time, whole runs of 2100 ns. In the second run the second layer was
     * preempted: what counts of that run is its CPU time and what lay between the layers. */
    char id[40];
    measure(1, 2, id);
    json_t *lease = lease_for("a");
    json_t *results = results_of(lease, 0, 1, 1000);
    json_t *visit = json_array_get(json_object_get(results, "visits"), 0);
    json_object_set_new(visit, "wall_ns", json_of("[[1000,1000],[1000,1000]]"));
    json_object_set_new(visit, "cpu_ns", json_of("[[900,900],[900,900]]"));
    json_object_set_new(visit, "preempted", json_of("[[0,0],[0,1]]"));
    json_object_set_new(visit, "total_ns", json_of("[2100,2100]"));
    json_t *answer = NULL;
    ASSERT_OK(jobs_results(t.jobs, text_of(lease, "id"), results, &answer, err));
    json_t *job = get_job("measurement", id);
    ck_assert_double_eq_tol(json_real_value(json_object_get(job, "min_ms")), 0.0019, 1e-12);
    ck_assert_double_eq_tol(json_real_value(json_object_get(job, "mean_ms")), 0.0020, 1e-12);
    json_decref(job);
    json_decref(answer);
    json_decref(results);
    json_decref(lease);
}
END_TEST

START_TEST(a_measurement_touches_no_table)
{
    char id[40];
    measure(0, 0, id);
    ck_assert_int_eq(work_off_all("a", 1000), 10);
    json_t *job = get_job("measurement", id);
    ck_assert_int_eq(int_of(job, "count"), 50);
    ck_assert_double_eq_tol(json_real_value(json_object_get(job, "latency_ms")), 1.000002, 1e-12);
    json_decref(job);
    struct latency latency;
    ck_assert(!row_of(0, "linear in=1x1x16 out=1x1x10", &latency));
}
END_TEST

START_TEST(measurements_go_before_profiles)
{
    char profile_id[40];
    char measurement_id[40];
    json_decref(profile(&r32, 1, 2, profile_id));
    measure(2, 2, measurement_id);
    json_t *lease = lease_for("a");
    ck_assert_str_eq(text_of(lease, "job"), measurement_id);
    json_decref(lease);
}
END_TEST

START_TEST(removing_a_device_cancels_its_jobs)
{
    char first[40];
    char second[40];
    json_decref(profile(&r32, 1, 2, first));
    measure(2, 2, second);
    json_t *lease = lease_for("a");
    ASSERT_OK(jobs_cancel_device(t.jobs, "board", err));
    assert_state("profile", first, "cancelled");
    assert_state("measurement", second, "cancelled");
    ck_assert_int_eq(report(lease, 0, 1, 1000), LATHE_CONFLICT);
    json_decref(lease);
}
END_TEST

START_TEST(jobs_are_listed_by_age_in_pages)
{
    char ids[5][40];
    char next[65] = "";
    int seen = 0;
    for (int i = 0; i < 5; i++) {
        json_t *job = NULL;
        json_decref(profile(&r32, 1, 2, ids[i]));
        ASSERT_OK(jobs_cancel(t.jobs, "profile", ids[i], &job, err));
        json_decref(job);
        pass_seconds(1);
    }
    do {
        json_t *list = NULL;
        char after[65];
        memcpy(after, next, sizeof after);
        ASSERT_OK(jobs_list(t.jobs, "profile", NULL, after[0] ? after : NULL, 2, &list, next, err));
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *job = json_array_get(list, i);
            ck_assert_str_eq(text_of(job, "id"), ids[seen++]);
            ck_assert_ptr_null(json_object_get(job, "hidden"));
            ck_assert_ptr_null(json_object_get(job, "schema"));
        }
        json_decref(list);
    } while (next[0]);
    ck_assert_int_eq(seen, 5);
}
END_TEST

struct wrong {
    const char *device, *config, *space;
    int resolution;
    enum lathe_status status;
    const char *field, *says;
};

START_TEST(a_request_that_can_not_be_met_names_its_field)
{
    static const struct wrong wrongs[] = {
        {"nobody", CONFIG, "small", 32, LATHE_NOT_FOUND, "device", "nobody"},
        {"imported", CONFIG, "small", 32, LATHE_UNSUPPORTED, "device", "transport"},
        {"board", "xnnpack", "small", 32, LATHE_INVALID, "config", "xnnpack-f32-t1-b1"},
        {"board", "xnnpack-f32-t0-b1", "small", 32, LATHE_INVALID, "config", "threads"},
        {"board", "xnnpack-f64-t1-b1", "small", 32, LATHE_INVALID, "config", "dtype"},
        {"board", "xnnpack-f32-t1-b1-x", "small", 32, LATHE_INVALID, "config", "config"},
        {"board", "-f32-t1-b1", "small", 32, LATHE_INVALID, "config", "config"},
        {"board", CONFIG, "large", 32, LATHE_INVALID, "space", "large"},
        {"board", CONFIG, "small", 33, LATHE_INVALID, "resolutions", "33"},
    };
    put_device("imported", NULL, NULL);
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        const struct wrong *w = &wrongs[i];
        struct lathe_error err = {0};
        json_t *job = NULL;
        struct profile_request q = {.device = w->device,
                                    .config = w->config,
                                    .space = w->space,
                                    .resolutions = &w->resolution,
                                    .resolution_count = 1};
        ck_assert_int_eq(jobs_create_profile(t.jobs, &q, &job, &err), w->status);
        ck_assert_int_eq(err.status, w->status);
        ck_assert_str_eq(err.field, w->field);
        ck_assert_msg(strstr(err.message, w->says) != NULL, "\"%s\" does not say %s", err.message, w->says);
    }
    json_t *list = NULL;
    char next[65];
    ASSERT_OK(jobs_list(t.jobs, "profile", NULL, NULL, 10, &list, next, err));
    ck_assert_uint_eq(json_array_size(list), 0);
    json_decref(list);
}
END_TEST

static TCase *jobs_case(void)
{
    TCase *tc = tcase_create("jobs");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, a_profile_measures_every_row_as_often_as_planned);
    tcase_add_test(tc, rows_done_grows_with_the_contexts_that_are_measured);
    tcase_add_test(tc, a_second_profile_is_born_done);
    tcase_add_test(tc, a_profile_skips_rows_that_the_table_has);
    tcase_add_test(tc, a_profile_goes_on_after_the_server_was_killed);
    tcase_add_test(tc, another_fingerprint_starts_a_new_version_and_a_new_plan);
    tcase_add_test(tc, rows_of_an_old_fingerprint_are_measured_again_when_the_device_has_changed);
    tcase_add_test(tc, a_profile_starts_over_when_its_table_is_deleted);
    tcase_add_test(tc, a_device_that_changes_again_and_again_fails_its_profile);
    tcase_add_test(tc, a_cancelled_profile_keeps_what_was_measured_and_ends_its_lease);
    tcase_add_test(tc, three_failures_in_a_row_fail_a_job);
    tcase_add_test(tc, progress_forgives_failures);
    tcase_add_test(tc, a_fatal_failure_fails_a_job_at_once);
    tcase_add_test(tc, a_measurement_has_the_figures_of_its_samples);
    tcase_add_test(tc, a_measurement_goes_on_until_its_interval_is_as_narrow_as_asked);
    tcase_add_test(tc, a_measurement_that_stays_uncertain_ends_with_its_visits);
    tcase_add_test(tc, a_measurement_of_so_many_visits_makes_them_all);
    tcase_add_test(tc, a_measurement_leaves_out_time_that_others_had_the_core);
    tcase_add_test(tc, a_measurement_touches_no_table);
    tcase_add_test(tc, measurements_go_before_profiles);
    tcase_add_test(tc, removing_a_device_cancels_its_jobs);
    tcase_add_test(tc, jobs_are_listed_by_age_in_pages);
    tcase_add_test(tc, a_request_that_can_not_be_met_names_its_field);
    return tc;
}

TEST_MAIN("jobs", jobs_case())
