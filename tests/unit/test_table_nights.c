/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>
#include <string.h>

#include "check_main.h"
#include "lut/table/nights.h"
#include "lut/table/row_samples.h"
#include "test_kv_dir.h"

#define POOL "avgpool in=5x5x1152 out=1x1x1152"
#define LINEAR "linear in=1x1x1536 out=1x1x1000"
#define SENTINEL "00000000000000aa"

static const struct table_id id = {"board", "xnnpack-f32-t1-b1"};
static struct test_dir dir;
static struct kv *kv;

/* ---- writes, each a transaction of its own ---- */

struct writing {
    enum lathe_status (*write)(struct writing *, struct kv_txn *, struct lathe_error *err);
    uint32_t version, from;
    const char *row, *source, *text;
    uint64_t wall_ns, sentinel_ns;
    int64_t now_ms;
    double reference_ns, ratio;
};

static enum lathe_status in_write(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct writing *w = context;
    return w->write(w, txn, err);
}

static enum lathe_status try_write(struct writing *w, struct lathe_error *err)
{
    return kv_write(kv, in_write, w, err);
}

static void must_write(struct writing *w)
{
    ck_assert_ok(kv_write(kv, in_write, w, ok_err));
}

static enum lathe_status do_table(struct writing *w, struct kv_txn *txn, struct lathe_error *err)
{
    json_t *fingerprint = json_pack("{s:s}", "cpu", w->text);
    enum lathe_status st = table_version_for(txn, id, fingerprint, "measured", 10, &w->version, err);
    json_decref(fingerprint);
    return st;
}

static enum lathe_status do_begin(struct writing *w, struct kv_txn *txn, struct lathe_error *err)
{
    return table_night_begin(txn, id, w->text, w->now_ms, &w->version, err);
}

static enum lathe_status do_settle(struct writing *w, struct kv_txn *txn, struct lathe_error *err)
{
    json_t *fingerprint = json_pack("{s:s}", "cpu", w->text);
    enum lathe_status st = table_night_settle(txn, id, w->version, fingerprint, err);
    json_decref(fingerprint);
    return st;
}

/* A reference, and whose it is. */
static enum lathe_status do_scaling(struct writing *w, struct kv_txn *txn, struct lathe_error *err)
{
    const struct table_scaling scaling = {w->reference_ns, 1};
    json_t *notes = json_pack("{s:{s:s}}", "sentinel", "context", w->text);
    enum lathe_status st = table_set_scaling(txn, id, w->version, &scaling, err);
    if (!st) st = table_set_notes(txn, id, w->version, notes, err);
    json_decref(notes);
    return st;
}

static enum lathe_status do_samples(struct writing *w, struct kv_txn *txn, struct lathe_error *err)
{
    const struct sample_context around = {.subnet = 7, .sentinel_ns = w->sentinel_ns};
    struct sample samples[3] = {{w->wall_ns, 0, 0}, {w->wall_ns, 0, 0}, {w->wall_ns, 0, 0}};
    enum lathe_status st = table_add_samples(txn, id, w->version, w->row, w->source, &around, samples, 3, err);
    return st ? st : table_update_row(txn, id, w->version, w->row, w->now_ms, NULL, err);
}

static enum lathe_status do_thin(struct writing *w, struct kv_txn *txn, struct lathe_error *err)
{
    return table_night_thin(txn, id, w->version, err);
}

static enum lathe_status do_remove(struct writing *w, struct kv_txn *txn, struct lathe_error *err)
{
    return table_night_delete(txn, id, w->version, err);
}

static enum lathe_status do_delete(struct writing *w, struct kv_txn *txn, struct lathe_error *err)
{
    (void)w;
    return table_delete(txn, id, err);
}

static enum lathe_status do_replace(struct writing *w, struct kv_txn *txn, struct lathe_error *err)
{
    return table_replace_row(txn, id, w->version, w->from, w->row, w->now_ms, err);
}

static enum lathe_status do_take_speed(struct writing *w, struct kv_txn *txn, struct lathe_error *err)
{
    return table_take_speed(txn, id, w->version, w->from, w->now_ms, &w->ratio, err);
}

static uint32_t begin(const char *run, int64_t now_ms)
{
    struct writing w = {.write = do_begin, .text = run, .now_ms = now_ms};
    must_write(&w);
    return w.version;
}

static void add(uint32_t version, const char *row, const char *source, uint64_t wall_ns, uint64_t sentinel_ns)
{
    must_write(&(struct writing){.write = do_samples,
                                 .version = version,
                                 .row = row,
                                 .source = source,
                                 .wall_ns = wall_ns,
                                 .sentinel_ns = sentinel_ns,
                                 .now_ms = 500});
}

static void scale(uint32_t version, double reference_ns, const char *sentinel)
{
    must_write(
        &(struct writing){.write = do_scaling, .version = version, .reference_ns = reference_ns, .text = sentinel});
}

/* ---- reads ---- */

static bool find(uint32_t version, const char *row, struct latency *out)
{
    struct kv_txn *txn;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    enum lathe_status st = table_get(txn, id, version, row, out, NULL);
    kv_read_end(txn);
    ck_assert(st == LATHE_OK || st == LATHE_NOT_FOUND);
    return st == LATHE_OK;
}

static struct latency get(uint32_t version, const char *row)
{
    struct latency l = {0};
    ck_assert(find(version, row, &l));
    return l;
}

static struct table_info info_of(uint32_t version)
{
    struct kv_txn *txn;
    struct table_info info;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(table_info(txn, id, version, &info, ok_err));
    kv_read_end(txn);
    return info;
}

static bool note_version(void *context, const struct table_info *info)
{
    json_array_append_new(context, json_integer(info->version));
    return true;
}

static bool stop_at_first(void *context, const struct table_info *info)
{
    note_version(context, info);
    return false;
}

static json_t *nights(bool (*visit)(void *, const struct table_info *))
{
    struct kv_txn *txn;
    json_t *list = json_array();
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(table_nights(txn, id, visit, list, ok_err));
    kv_read_end(txn);
    return list;
}

static size_t visits_of(uint32_t version, const char *row)
{
    struct kv_txn *txn;
    struct row_samples samples;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(row_samples_read(txn, id, version, row, &samples, ok_err));
    kv_read_end(txn);
    size_t n = samples.count;
    row_samples_clear(&samples);
    return n;
}

static bool count_key(void *context, struct kv_slice key, struct kv_slice value)
{
    (void)key, (void)value;
    ++*(size_t *)context;
    return true;
}

static size_t keys_in_store(void)
{
    struct kv_txn *txn;
    size_t n = 0;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(kv_scan(txn, "", NULL, count_key, &n, ok_err));
    kv_read_end(txn);
    return n;
}

static void set_up(void)
{
    dir = dir_make();
    kv = store_open(&dir);
    must_write(&(struct writing){.write = do_table, .text = "x"});
    scale(1, 1000, SENTINEL);
    add(1, POOL, "p1.0.0", 100, 1000);
    add(1, LINEAR, "p1.0.1", 200, 1000);
}

static void tear_down(void)
{
    kv_close(kv);
    dir_remove(&dir);
}

START_TEST(a_night_is_beside_the_versions_that_readers_get)
{
    struct table_info before = info_of(0);
    uint32_t night = begin("run-1", 9000);
    ck_assert_uint_eq(night, NIGHT_VERSION_FIRST);
    add(night, POOL, "n1.0.0", 140, 1000);
    struct table_info after = info_of(0);
    ck_assert_uint_eq(after.version, 1);
    ck_assert_int_eq(after.updated_ms, before.updated_ms);
    ck_assert_double_eq_tol(get(0, POOL).mean_ms, 100e-6, 1e-12);
    ck_assert_double_eq_tol(get(night, POOL).mean_ms, 140e-6, 1e-12);
    struct table_info own = info_of(night);
    ck_assert_str_eq(own.origin, "night");
    ck_assert_str_eq(json_string_value(json_object_get(own.notes, "run")), "run-1");
    ck_assert_uint_eq(own.entries, 1);
    ck_assert_int_eq(own.created_ms, 9000);
    ck_assert_int_eq(own.updated_ms, 9000);
    ck_assert_uint_eq(json_object_size(own.fingerprint), 0);
    table_info_clear(&before);
    table_info_clear(&after);
    table_info_clear(&own);
}
END_TEST

START_TEST(a_night_changes_when_its_rows_do)
{
    uint32_t night = begin("run-1", 100);
    add(night, POOL, "n1.0.0", 140, 1000);
    struct table_info info = info_of(night);
    ck_assert_int_eq(info.updated_ms, 500);
    table_info_clear(&info);
}
END_TEST

START_TEST(another_fingerprint_makes_the_next_version_whatever_nights_there_are)
{
    begin("run-1", 9000);
    struct writing w = {.write = do_table, .text = "y"};
    must_write(&w);
    ck_assert_uint_eq(w.version, 2);
}
END_TEST

START_TEST(a_night_needs_a_table)
{
    struct lathe_error err = {0};
    must_write(&(struct writing){.write = do_delete});
    struct writing w = {.write = do_begin, .text = "run-1"};
    ck_assert_int_eq(try_write(&w, &err), LATHE_NOT_FOUND);
    ck_assert_str_eq(err.message, "device board has no table of xnnpack-f32-t1-b1 yet: profile it first");
}
END_TEST

START_TEST(the_first_fingerprint_of_a_night_settles_it)
{
    struct lathe_error err = {0};
    uint32_t night = begin("run-1", 9000);
    must_write(&(struct writing){.write = do_settle, .version = night, .text = "x"});
    must_write(&(struct writing){.write = do_settle, .version = night, .text = "x"});
    struct writing other = {.write = do_settle, .version = night, .text = "y"};
    ck_assert_int_eq(try_write(&other, &err), LATHE_CONFLICT);
    struct writing no_night = {.write = do_settle, .version = 1, .text = "x"};
    ck_assert_int_eq(try_write(&no_night, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "version");
    struct table_info info = info_of(night);
    ck_assert_str_eq(json_string_value(json_object_get(info.fingerprint, "cpu")), "x");
    table_info_clear(&info);
}
END_TEST

START_TEST(nights_are_listed_oldest_first_and_alone)
{
    for (int i = 0; i < 3; i++) begin("run", 100 + i);
    json_t *all = nights(note_version);
    json_t *first = nights(stop_at_first);
    ck_assert_uint_eq(json_array_size(all), 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(json_integer_value(json_array_get(all, i)), (json_int_t)(NIGHT_VERSION_FIRST + i));
    ck_assert_uint_eq(json_array_size(first), 1);
    json_decref(all);
    json_decref(first);
}
END_TEST

START_TEST(a_night_that_is_removed_leaves_nothing)
{
    begin("run-1", 100);
    size_t before = keys_in_store();
    uint32_t night = begin("run-2", 200);
    add(night, POOL, "n1.0.0", 140, 1000);
    scale(night, 1100, SENTINEL);
    must_write(&(struct writing){.write = do_remove, .version = night});
    ck_assert_uint_eq(keys_in_store(), before);
    struct lathe_error err = {0};
    struct writing again = {.write = do_remove, .version = night};
    ck_assert_int_eq(try_write(&again, &err), LATHE_NOT_FOUND);
    struct writing no_night = {.write = do_remove, .version = 1};
    ck_assert_int_eq(try_write(&no_night, &err), LATHE_INVALID);
    ck_assert(find(1, POOL, &(struct latency){0}));
}
END_TEST

START_TEST(a_table_takes_its_nights_along)
{
    uint32_t night = begin("run-1", 100);
    add(night, POOL, "n1.0.0", 140, 1000);
    scale(night, 1100, SENTINEL);
    must_write(&(struct writing){.write = do_delete});
    ck_assert_uint_eq(keys_in_store(), 0);
}
END_TEST

START_TEST(a_thinned_night_keeps_its_statistics)
{
    uint32_t night = begin("run-1", 100);
    add(night, POOL, "n1.0.0", 140, 1000);
    must_write(&(struct writing){.write = do_thin, .version = night});
    ck_assert_uint_eq(visits_of(night, POOL), 0);
    ck_assert_double_eq_tol(get(night, POOL).mean_ms, 140e-6, 1e-12);
    ck_assert_uint_eq(visits_of(1, POOL), 1);
}
END_TEST

/* A night of a device that is a tenth slower as a whole, on which one layer is half as slow again beside the others. */
static uint32_t slow_night(const char *sentinel, double reference_ns)
{
    uint32_t night = begin("run-1", 100);
    scale(night, reference_ns, sentinel);
    add(night, POOL, "n1.0.0", 165, (uint64_t)reference_ns);
    add(night, POOL, "n1.1.0", 165, (uint64_t)reference_ns);
    return night;
}

START_TEST(a_replaced_row_is_what_the_night_found_beside_the_sentinel)
{
    uint32_t night = slow_night(SENTINEL, 1100);
    must_write(&(struct writing){.write = do_replace, .version = 1, .from = night, .row = POOL, .now_ms = 700});
    struct latency row = get(1, POOL);
    ck_assert_double_eq_tol(row.mean_ms, 150e-6, 1e-9);
    ck_assert_uint_eq(row.count, 6);
    ck_assert_int_eq(row.updated_ms, 700);
    ck_assert_uint_eq(visits_of(1, POOL), 2);
    ck_assert_double_eq_tol(get(1, LINEAR).mean_ms, 200e-6, 1e-12);
    ck_assert_uint_eq(visits_of(night, POOL), 2);
}
END_TEST

START_TEST(a_row_from_beside_another_sentinel_is_taken_by_the_references)
{
    uint32_t night = slow_night("00000000000000bb", 5500);
    must_write(&(struct writing){.write = do_replace, .version = 1, .from = night, .row = POOL, .now_ms = 700});
    ck_assert_double_eq_tol(get(1, POOL).mean_ms, 165e-6, 1e-9);
}
END_TEST

START_TEST(a_row_of_a_thinned_night_is_replaced_by_its_statistics)
{
    uint32_t night = slow_night(SENTINEL, 1100);
    must_write(&(struct writing){.write = do_thin, .version = night});
    must_write(&(struct writing){.write = do_replace, .version = 1, .from = night, .row = POOL, .now_ms = 700});
    ck_assert_double_eq_tol(get(1, POOL).mean_ms, 150e-6, 1e-9);
    ck_assert_uint_eq(visits_of(1, POOL), 0);
}
END_TEST

START_TEST(a_row_that_the_night_does_not_have_is_not_found)
{
    struct lathe_error err = {0};
    uint32_t night = slow_night(SENTINEL, 1100);
    struct writing w = {.write = do_replace, .version = 1, .from = night, .row = LINEAR};
    ck_assert_int_eq(try_write(&w, &err), LATHE_NOT_FOUND);
    ck_assert_double_eq_tol(get(1, LINEAR).mean_ms, 200e-6, 1e-12);
}
END_TEST

START_TEST(a_table_that_takes_a_speed_becomes_slower_as_a_whole)
{
    uint32_t night = slow_night(SENTINEL, 1100);
    must_write(&(struct writing){.write = do_replace, .version = 1, .from = night, .row = POOL, .now_ms = 700});
    must_write(&(struct writing){.write = do_thin, .version = 1});
    add(1, POOL, "n1.2.0", 165, 1100);
    struct writing w = {.write = do_take_speed, .version = 1, .from = night, .now_ms = 800};
    must_write(&w);
    ck_assert_double_eq_tol(w.ratio, 1.1, 1e-12);
    ck_assert_double_eq_tol(get(1, POOL).mean_ms, 165e-6, 1e-9);
    ck_assert_double_eq_tol(get(1, LINEAR).mean_ms, 220e-6, 1e-9);
}
END_TEST

START_TEST(a_speed_beside_another_sentinel_is_not_taken)
{
    uint32_t night = slow_night("00000000000000bb", 1100);
    struct writing w = {.write = do_take_speed, .version = 1, .from = night, .now_ms = 800};
    must_write(&w);
    ck_assert_double_eq(w.ratio, 1);
    ck_assert_double_eq_tol(get(1, LINEAR).mean_ms, 200e-6, 1e-12);
}
END_TEST

static TCase *nights_case(void)
{
    TCase *c = tcase_create("nights");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_night_is_beside_the_versions_that_readers_get);
    tcase_add_test(c, a_night_changes_when_its_rows_do);
    tcase_add_test(c, another_fingerprint_makes_the_next_version_whatever_nights_there_are);
    tcase_add_test(c, a_night_needs_a_table);
    tcase_add_test(c, the_first_fingerprint_of_a_night_settles_it);
    tcase_add_test(c, nights_are_listed_oldest_first_and_alone);
    tcase_add_test(c, a_night_that_is_removed_leaves_nothing);
    tcase_add_test(c, a_table_takes_its_nights_along);
    tcase_add_test(c, a_thinned_night_keeps_its_statistics);
    tcase_add_test(c, a_replaced_row_is_what_the_night_found_beside_the_sentinel);
    tcase_add_test(c, a_row_from_beside_another_sentinel_is_taken_by_the_references);
    tcase_add_test(c, a_row_of_a_thinned_night_is_replaced_by_its_statistics);
    tcase_add_test(c, a_row_that_the_night_does_not_have_is_not_found);
    tcase_add_test(c, a_table_that_takes_a_speed_becomes_slower_as_a_whole);
    tcase_add_test(c, a_speed_beside_another_sentinel_is_not_taken);
    return c;
}

TEST_MAIN("table_nights", nights_case())
