/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What is thinned, and when; time is what the tests say. */
#include <sched.h>

#include "check_main.h"
#include "lut/base/clock.h"
#include "lut/table/table.h"
#include "server/keep/keeper.h"
#include "server/store/store.h"
#include "test_kv_dir.h"

enum { CHUNKS = 4, RUNS = 5 };
static const int64_t DAY_MS = 86400000;
static const int64_t NOW_MS = 1000 * INT64_C(86400000);

static struct test_dir dir;
static struct kv *kv;

static void open_store(size_t map_bytes)
{
    struct kv_options options = {.unsafe_nosync = true, .counted = "samples/", .map_bytes = map_bytes};
    ck_assert_ok(kv_open(dir.path, 1, &options, &kv, ok_err));
}

static void set_up(void)
{
    dir = dir_make();
    open_store(0);
}

static void tear_down(void)
{
    kv_close(kv);
    dir_remove(&dir);
}

/* Rows first.. of a table, all measured so many days before now. */
struct batch {
    const char *device;
    int first, rows;
    int days;
    int runs;
};

static struct table_id table_of(const struct batch *b)
{
    return (struct table_id){b->device, "xnnpack-f32-t1-b1"};
}

static void row_of(int number, char out[ROW_TEXT_BYTES])
{
    snprintf(out, ROW_TEXT_BYTES, "linear in=1x1x%d out=1x1x1000", number + 1);
}

static enum lathe_status add_batch(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const struct batch *b = context;
    uint32_t version;
    json_t *fingerprint = json_pack("{s:s}", "cpu", "x");
    enum lathe_status st = table_version_for(txn, table_of(b), fingerprint, "measured", 10, &version, err);
    json_decref(fingerprint);
    struct sample samples[256] = {{0}};
    for (int i = 0; i < b->runs; i++) samples[i].wall_ns = 1000000 + (uint64_t)i;
    for (int r = b->first; !st && r < b->first + b->rows; r++) {
        char row[ROW_TEXT_BYTES];
        row_of(r, row);
        for (int c = 0; !st && c < CHUNKS; c++) {
            char source[48];
            struct sample_context around = {.subnet = (uint64_t)c + 1};
            snprintf(source, sizeof source, "p-1.%d.0", c);
            st = table_add_samples(txn, table_of(b), version, row, source, &around, samples, (size_t)b->runs, err);
        }
        if (!st) st = table_update_row(txn, table_of(b), version, row, NOW_MS - b->days * DAY_MS, NULL, err);
    }
    return st;
}

static void measure(const char *device, int first, int rows, int days)
{
    struct batch b = {device, first, rows, days, RUNS};
    ck_assert_ok(kv_write(kv, add_batch, &b, ok_err));
}

static bool see_chunk(void *context, const char *source, const struct sample_context *around,
                      const struct sample *samples, size_t n)
{
    (void)source, (void)around, (void)samples;
    *(size_t *)context += n;
    return true;
}

static size_t samples_of(const char *device, int row)
{
    struct kv_txn *txn;
    char text[ROW_TEXT_BYTES];
    size_t n = 0;
    row_of(row, text);
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(table_samples(txn, table_of(&(struct batch){.device = device}), 0, text, see_chunk, &n, ok_err));
    kv_read_end(txn);
    return n;
}

static struct sweep_report sweep(int keep_days)
{
    struct sweep_request request = {.keep_ms = keep_days * DAY_MS, .now_ms = NOW_MS};
    struct sweep_report report;
    ck_assert_ok(sweep_samples(kv, &request, &report, ok_err));
    return report;
}

START_TEST(rows_older_than_asked_are_thinned_and_no_others)
{
    measure("a", 0, 100, 91);
    measure("b", 0, 3, 90); /* to the millisecond: not older */
    measure("b", 3, 3, 89);
    struct sweep_report report = sweep(90);
    ck_assert_uint_eq(report.rows, 100);
    ck_assert_uint_eq(report.samples, 100 * CHUNKS * RUNS);
    ck_assert(!report.early);
    for (int i = 0; i < 100; i++) ck_assert_uint_eq(samples_of("a", i), 0);
    for (int i = 0; i < 6; i++) ck_assert_uint_eq(samples_of("b", i), CHUNKS * RUNS);
    report = sweep(90);
    ck_assert_uint_eq(report.rows, 0);
    struct sweep_totals totals;
    ck_assert_ok(sweep_totals(kv, &totals, ok_err));
    ck_assert_int_eq(totals.thinned_ms, NOW_MS);
    ck_assert_uint_eq(totals.samples, 100 * CHUNKS * RUNS);
}
END_TEST

START_TEST(samples_that_are_kept_for_ever_stay)
{
    measure("a", 0, 3, 900);
    ck_assert_uint_eq(sweep(0).rows, 0);
    ck_assert_uint_eq(samples_of("a", 0), CHUNKS * RUNS);
}
END_TEST

/* Give the samples' table as accepted by a run, or not. */
static void put_run(const char *id, const char *device, uint32_t version, bool accepted)
{
    json_t *run = json_pack("{s:s,s:[{s:s,s:s,s:I,s:b}]}", "id", id, "targets", "device", device, "config",
                            "xnnpack-f32-t1-b1", "version", (json_int_t)version, "accepted", (int)accepted);
    ck_assert_ok(store_write(kv, "run", id, run, ok_err));
    json_decref(run);
}

START_TEST(a_night_that_was_accepted_keeps_its_samples)
{
    measure("a", 0, 3, 400);
    measure("b", 0, 3, 400);
    put_run("run-1", "a", 1, true);
    put_run("run-2", "b", 1, false);
    put_run("run-3", "b", 2, true);
    ck_assert_uint_eq(sweep(90).rows, 3);
    ck_assert_uint_eq(samples_of("a", 0), CHUNKS * RUNS);
    ck_assert_uint_eq(samples_of("b", 0), 0);
    put_run("run-1", "a", 1, false);
    ck_assert_uint_eq(sweep(90).rows, 3);
}
END_TEST

START_TEST(a_sweep_that_is_stopped_leaves_the_rest_for_the_next)
{
    atomic_bool stop = true;
    struct sweep_request request = {.keep_ms = DAY_MS, .now_ms = NOW_MS, .stop = &stop};
    struct sweep_report report;
    measure("a", 0, 100, 50);
    ck_assert_ok(sweep_samples(kv, &request, &report, ok_err));
    ck_assert_uint_eq(report.rows, 0);
    ck_assert_uint_eq(sweep(1).rows, 100);
}
END_TEST

/* Rows of one device after the other, each ten days younger, until the store is used to so many percent. */
static int fill(unsigned percent)
{
    struct kv_stats stats;
    int devices = 0;
    do {
        char device[16];
        snprintf(device, sizeof device, "d%03d", devices);
        struct batch b = {device, 0, 20, 360 - 10 * devices, 250};
        if (b.days < 0) b.days = 0;
        ck_assert_ok(kv_write(kv, add_batch, &b, ok_err));
        devices++;
        kv_get_stats(kv, &stats);
    } while (stats.used_bytes < stats.limit_bytes / 100 * percent);
    return devices;
}

START_TEST(a_store_that_fills_up_loses_its_oldest_samples_first)
{
    enum { MAP_BYTES = 8 << 20 };
    struct kv_stats stats;
    kv_close(kv);
    open_store(MAP_BYTES);
    int devices = fill(84);
    ck_assert_int_gt(devices, 15);
    ck_assert_uint_eq(sweep(3650).early, true);
    kv_get_stats(kv, &stats);
    ck_assert_uint_lt(stats.used_bytes, stats.limit_bytes / 100 * 75);
    ck_assert_uint_eq(samples_of("d000", 0), 0);
    /* What is kept is younger than what is gone. */
    bool kept = false;
    for (int i = 0; i < devices; i++) {
        char device[16];
        snprintf(device, sizeof device, "d%03d", i);
        bool has = samples_of(device, 19) > 0;
        ck_assert(!kept || has);
        kept = has;
    }
    ck_assert(kept);
    ck_assert(!sweep(3650).early);
}
END_TEST

START_TEST(samples_of_the_last_day_stay_even_in_a_full_store)
{
    enum { MAP_BYTES = 4 << 20 };
    enum lathe_status st = LATHE_OK;
    struct lathe_error err = {0};
    int devices = 0;
    kv_close(kv);
    open_store(MAP_BYTES);
    for (; !st; devices++) {
        char device[16];
        snprintf(device, sizeof device, "d%03d", devices);
        struct batch b = {device, 0, 5, 0, 250};
        st = kv_write(kv, add_batch, &b, &err);
    }
    ck_assert_int_eq(st, LATHE_FULL);
    ck_assert_ptr_nonnull(strstr(err.message, "--data-limit"));
    struct sweep_report report = sweep(0);
    ck_assert(report.early && report.short_of_room);
    ck_assert_uint_eq(report.rows, 0);
    ck_assert_uint_gt(samples_of("d000", 0), 0);
    /* Two days later they go, in the store that took nothing more. */
    struct sweep_request later = {.now_ms = NOW_MS + 2 * DAY_MS};
    ck_assert_ok(sweep_samples(kv, &later, &report, ok_err));
    ck_assert_uint_gt(report.rows, 0);
    struct batch b = {"again", 0, 5, 0, 250};
    ck_assert_ok(kv_write(kv, add_batch, &b, ok_err));
}
END_TEST

/* ---- the keeper ---- */

static _Atomic uint64_t fake_ns = 1;

static uint64_t now_ns(void)
{
    return fake_ns;
}

static int64_t wall_ms(void)
{
    return NOW_MS;
}

static void wait_for_sweeps(struct keeper *k, uint64_t count)
{
    struct keeper_status status;
    do {
        sched_yield();
        keeper_get_status(k, &status);
    } while (status.sweeps < count);
    ck_assert_uint_eq(status.sweeps, count);
}

START_TEST(the_keeper_sweeps_at_the_start_and_once_an_hour)
{
    struct keeper *k = NULL;
    clock_replace(now_ns, wall_ms);
    measure("a", 0, 3, 100);
    ck_assert_ok(keeper_new(kv, 90 * DAY_MS, &k, ok_err));
    keeper_tick(k);
    wait_for_sweeps(k, 1);
    ck_assert_uint_eq(samples_of("a", 0), 0);
    measure("b", 0, 3, 100);
    fake_ns += UINT64_C(3599000000000);
    keeper_tick(k);
    wait_for_sweeps(k, 1);
    ck_assert_uint_eq(samples_of("b", 0), CHUNKS * RUNS);
    fake_ns += UINT64_C(1000000000);
    keeper_tick(k);
    wait_for_sweeps(k, 2);
    ck_assert_uint_eq(samples_of("b", 0), 0);
    keeper_free(k);
    clock_replace(NULL, NULL);
}
END_TEST

START_TEST(the_keeper_sweeps_as_soon_as_the_store_fills_up)
{
    enum { MAP_BYTES = 8 << 20 };
    struct keeper *k = NULL;
    kv_close(kv);
    open_store(MAP_BYTES);
    clock_replace(now_ns, wall_ms);
    ck_assert_ok(keeper_new(kv, 3650 * DAY_MS, &k, ok_err));
    keeper_tick(k);
    wait_for_sweeps(k, 1);
    fill(84);
    keeper_tick(k);
    wait_for_sweeps(k, 2);
    struct keeper_status status;
    keeper_get_status(k, &status);
    ck_assert(status.early);
    ck_assert_uint_eq(samples_of("d000", 0), 0);
    keeper_free(k);
    clock_replace(NULL, NULL);
}
END_TEST

static TCase *sweeps(void)
{
    TCase *c = tcase_create("sweep");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, rows_older_than_asked_are_thinned_and_no_others);
    tcase_add_test(c, samples_that_are_kept_for_ever_stay);
    tcase_add_test(c, a_night_that_was_accepted_keeps_its_samples);
    tcase_add_test(c, a_sweep_that_is_stopped_leaves_the_rest_for_the_next);
    tcase_add_test(c, a_store_that_fills_up_loses_its_oldest_samples_first);
    tcase_add_test(c, samples_of_the_last_day_stay_even_in_a_full_store);
    tcase_add_test(c, the_keeper_sweeps_at_the_start_and_once_an_hour);
    tcase_add_test(c, the_keeper_sweeps_as_soon_as_the_store_fills_up);
    return c;
}

TEST_MAIN("sweep", sweeps())
