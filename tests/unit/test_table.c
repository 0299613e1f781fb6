/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Tables in a store: versions, rows, lists, what is damaged or newer. */
#include <math.h>

#include "check_main.h"
#include "lut/table/table.h"
#include "test_kv_dir.h"

#define STEM "conv2d in=160x160x3 out=80x80x24 k=3 s=2 act=hswish"
#define POOL "avgpool in=5x5x1152 out=1x1x1152"
#define LINEAR "linear in=1x1x1536 out=1x1x1000"

static const struct table_id id = {"note10", "tflite-f32-t1-b1"};
static struct test_dir dir;
static struct kv *kv;

static void set_up(void)
{
    dir = dir_make();
    kv = store_open(&dir);
}

static void tear_down(void)
{
    kv_close(kv);
    dir_remove(&dir);
}

static struct kv_txn *begin(void)
{
    struct kv_txn *txn = NULL;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    return txn;
}

static struct entry make_entry(const char *row_text, double mean_ms)
{
    struct entry e = {.latency = {.count = 10,
                                  .mean_ms = mean_ms,
                                  .trimmed_ms = NAN,
                                  .std_ms = 0.5,
                                  .min_ms = NAN,
                                  .p50_ms = NAN,
                                  .p90_ms = NAN,
                                  .updated_ms = 77}};
    ck_assert_ok(row_parse(row_text, &e.layer, &e.resolution, ok_err));
    return e;
}

struct import {
    struct table_id id;
    const char *fingerprint, *origin;
    const struct entry *entries;
    size_t count;
    int64_t now_ms;
    uint32_t version;
};

static enum lathe_status import(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct import *i = context;
    json_t *fingerprint = json_loads(i->fingerprint, 0, NULL);
    enum lathe_status st = table_version_for(txn, i->id, fingerprint, i->origin, i->now_ms, &i->version, err);
    json_decref(fingerprint);
    return st ? st : table_put(txn, i->id, i->version, i->entries, i->count, err);
}

static uint32_t put(struct table_id table, const char *fingerprint, const struct entry *entries, size_t n)
{
    struct import i = {table, fingerprint, "imported", entries, n, 1000, 0};
    ck_assert_ok(kv_write(kv, import, &i, ok_err));
    return i.version;
}

static double mean_of(uint32_t version, const char *row_text)
{
    struct kv_txn *txn = begin();
    struct latency l = {.mean_ms = NAN};
    enum lathe_status st = table_get(txn, id, version, row_text, &l, NULL);
    kv_read_end(txn);
    ck_assert(st == LATHE_OK || st == LATHE_NOT_FOUND);
    return st ? NAN : l.mean_ms;
}

START_TEST(a_row_comes_back_bit_for_bit)
{
    struct entry e = make_entry(STEM, 0.1 + 0.2);
    e.latency = (struct latency){.count = UINT64_MAX,
                                 .mean_ms = 0.1 + 0.2,
                                 .trimmed_ms = 1.0 / 3,
                                 .std_ms = 5e-324,
                                 .min_ms = 1.7976931348623157e308,
                                 .p50_ms = 2,
                                 .p90_ms = NAN,
                                 .ci_ms = 0.7,
                                 .cpu_share = 0.25,
                                 .contexts = INT32_MAX,
                                 .alone = true,
                                 .updated_ms = -1};
    put(id, "{}", &e, 1);
    struct kv_txn *txn = begin();
    struct latency l;
    ck_assert_ok(table_get(txn, id, 0, STEM, &l, ok_err));
    kv_read_end(txn);
    ck_assert(isnan(l.p90_ms));
    l.p90_ms = e.latency.p90_ms = 0;
    ck_assert_uint_eq(l.count, UINT64_MAX);
    ck_assert_mem_eq(&l.mean_ms, &e.latency.mean_ms, 8 * sizeof(double));
    ck_assert_uint_eq(l.contexts, INT32_MAX);
    ck_assert(l.alone);
    ck_assert_int_eq(l.updated_ms, -1);
}
END_TEST

START_TEST(get_of_an_absent_row_is_not_found_and_leaves_the_error_alone)
{
    struct lathe_error err = {.message = "untouched"};
    struct latency l;
    struct kv_txn *txn = begin();
    ck_assert_int_eq(table_get(txn, id, 0, STEM, &l, &err), LATHE_NOT_FOUND);
    kv_read_end(txn);
    struct entry e = make_entry(STEM, 1);
    put(id, "{}", &e, 1);
    txn = begin();
    ck_assert_int_eq(table_get(txn, id, 0, POOL, &l, &err), LATHE_NOT_FOUND);
    ck_assert_int_eq(table_get(txn, id, 9, STEM, &l, &err), LATHE_NOT_FOUND);
    ck_assert_int_eq(table_get(txn, id, 0, "no layer at all", &l, &err), LATHE_NOT_FOUND);
    ck_assert_int_eq(table_get(txn, (struct table_id){"note10", "other"}, 0, STEM, &l, &err), LATHE_NOT_FOUND);
    kv_read_end(txn);
    ck_assert_str_eq(err.message, "untouched");
}
END_TEST

START_TEST(a_fingerprint_that_differs_starts_a_version_and_the_old_one_stays)
{
    struct entry old = make_entry(STEM, 1);
    struct entry new = make_entry(STEM, 2);
    ck_assert_uint_eq(put(id, "{\"cpu\":\"a\",\"clock\":{\"x\":1,\"y\":2}}", &old, 1), 1);
    /* The order of its fields means nothing. */
    ck_assert_uint_eq(put(id, "{\"clock\":{\"y\":2,\"x\":1},\"cpu\":\"a\"}", &old, 1), 1);
    ck_assert_uint_eq(put(id, "{\"cpu\":\"b\"}", &new, 1), 2);
    ck_assert_uint_eq(put(id, "{\"cpu\":\"b\"}", &new, 1), 2);
    ck_assert_double_eq(mean_of(0, STEM), 2);
    ck_assert_double_eq(mean_of(2, STEM), 2);
    ck_assert_double_eq(mean_of(1, STEM), 1);
    /* Only the newest counts: going back to an earlier fingerprint is another version, too. */
    ck_assert_uint_eq(put(id, "{\"cpu\":\"a\",\"clock\":{\"x\":1,\"y\":2}}", &old, 1), 3);
}
END_TEST

START_TEST(info_tells_rows_versions_and_times)
{
    struct entry rows[] = {make_entry(STEM, 1), make_entry(POOL, 1), make_entry(STEM, 3)};
    struct table_info info;
    put(id, "{\"cpu\":\"a\"}", rows, 3);
    put(id, "{\"cpu\":\"b\"}", rows + 1, 1);
    struct kv_txn *txn = begin();
    ck_assert_ok(table_info(txn, id, 0, &info, ok_err));
    ck_assert_str_eq(info.device, "note10");
    ck_assert_str_eq(info.config, "tflite-f32-t1-b1");
    ck_assert_str_eq(info.origin, "imported");
    ck_assert_uint_eq(info.version, 2);
    ck_assert_uint_eq(info.entries, 1);
    ck_assert_int_ge(info.updated_ms, 1000);
    ck_assert_str_eq(json_string_value(json_object_get(info.fingerprint, "cpu")), "b");
    table_info_clear(&info);
    ck_assert_ok(table_info(txn, id, 1, &info, ok_err));
    ck_assert_uint_eq(info.entries, 2); /* one row twice is one row */
    ck_assert_int_eq(info.created_ms, 1000);
    table_info_clear(&info);
    struct lathe_error err = {0};
    ck_assert_int_eq(table_info(txn, id, 3, &info, &err), LATHE_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.message, "version 3"));
    ck_assert_int_eq(table_info(txn, (struct table_id){"x", "y"}, 0, &info, &err), LATHE_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.message, "x/y"));
    kv_read_end(txn);
}
END_TEST

START_TEST(rows_of_resolutions_keep_apart_and_are_found_where_none_is_asked_for)
{
    struct entry rows[] = {make_entry(LINEAR " @160", 1), make_entry(LINEAR " @224", 2), make_entry(POOL, 3),
                           make_entry(STEM " @160", 4), make_entry(STEM, 5)};
    static const struct {
        const char *layer;
        int resolution;
        double mean;
    } asked[] = {{LINEAR, 160, 1}, {LINEAR, 224, 2}, {LINEAR, 192, 1}, {POOL, 160, 3}, {STEM, 160, 4}, {STEM, 192, 5}};
    struct latency l;
    put(id, "{}", rows, 5);
    ck_assert_double_eq(mean_of(0, LINEAR), 1);
    ck_assert_double_eq(mean_of(0, LINEAR " @224"), 2);
    ck_assert_double_eq(mean_of(0, STEM), 5);
    ck_assert(isnan(mean_of(0, LINEAR " @16")));
    ck_assert(isnan(mean_of(0, "linear in=1x1x1536 out=1x1x100")));
    struct kv_txn *txn = begin();
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        ck_assert_ok(table_get_at(txn, id, 0, asked[i].layer, asked[i].resolution, &l, ok_err));
        ck_assert_double_eq(l.mean_ms, asked[i].mean);
    }
    ck_assert_int_eq(table_get_at(txn, id, 0, "linear in=1x1x8 out=1x1x8", 160, &l, NULL), LATHE_NOT_FOUND);
    kv_read_end(txn);
}
END_TEST

struct seen {
    char text[512];
    size_t count, most;
};

static bool see_row(void *context, const char *row_text, const struct latency *l)
{
    struct seen *seen = context;
    size_t n = strlen(seen->text);
    snprintf(seen->text + n, sizeof seen->text - n, "%s=%g;", row_text, l->mean_ms);
    return ++seen->count != seen->most;
}

START_TEST(rows_are_scanned_in_order_from_where_it_is_asked)
{
    struct entry rows[] = {make_entry(LINEAR, 3), make_entry(POOL, 1), make_entry(STEM " @160", 2)};
    put(id, "{}", rows, 3);
    put((struct table_id){"note10", "tflite-f32-t1-b12"}, "{}", rows, 3);
    struct kv_txn *txn = begin();
    struct seen all = {0}, some = {0}, one = {.most = 1};
    ck_assert_ok(table_scan(txn, id, 0, NULL, see_row, &all, ok_err));
    ck_assert_str_eq(all.text, POOL "=1;" STEM " @160=2;" LINEAR "=3;");
    ck_assert_ok(table_scan(txn, id, 0, "conv2d", see_row, &some, ok_err));
    ck_assert_str_eq(some.text, STEM " @160=2;" LINEAR "=3;");
    ck_assert_ok(table_scan(txn, id, 0, POOL, see_row, &one, ok_err));
    ck_assert_str_eq(one.text, POOL "=1;");
    ck_assert_int_eq(table_scan(txn, (struct table_id){"x", "y"}, 0, NULL, see_row, &all, NULL), LATHE_NOT_FOUND);
    kv_read_end(txn);
}
END_TEST

static bool see_table(void *context, const struct table_info *info)
{
    struct seen *seen = context;
    size_t n = strlen(seen->text);
    snprintf(seen->text + n, sizeof seen->text - n, "%s/%s:%u;", info->device, info->config, info->version);
    return ++seen->count != seen->most;
}

START_TEST(tables_are_listed_in_order_of_device_and_config)
{
    static const struct table_id ids[] = {{"a-b", "c"}, {"a", "d"}, {"b", "c"}, {"a", "c-x"}, {"a", "c"}, {"B", "c"}};
    struct entry e = make_entry(STEM, 1);
    for (int i = 0; i < 6; i++) put(ids[i], "{}", &e, 1);
    struct kv_txn *txn = begin();
    struct seen all = {0}, of_a = {0}, two = {.most = 2}, none = {0};
    ck_assert_ok(table_list(txn, NULL, see_table, &all, ok_err));
    ck_assert_str_eq(all.text, "B/c:1;a/c:1;a/c-x:1;a/d:1;a-b/c:1;b/c:1;");
    ck_assert_ok(table_list(txn, "a", see_table, &of_a, ok_err));
    ck_assert_str_eq(of_a.text, "a/c:1;a/c-x:1;a/d:1;");
    ck_assert_ok(table_list(txn, NULL, see_table, &two, ok_err));
    ck_assert_str_eq(two.text, "B/c:1;a/c:1;");
    ck_assert_ok(table_list(txn, "absent", see_table, &none, ok_err));
    ck_assert_uint_eq(none.count, 0);
    kv_read_end(txn);
}
END_TEST

static enum lathe_status delete_table(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    return table_delete(txn, *(const struct table_id *)context, err);
}

static bool count_key(void *context, struct kv_slice key, struct kv_slice value)
{
    (void)value;
    *(size_t *)context += memmem(key.data, key.size, "/tflite-f32-t1-b1/", 18) != NULL;
    return true;
}

START_TEST(deleting_a_table_leaves_nothing_of_it_and_all_of_its_neighbours)
{
    struct table_id other = {"note10", "tflite-f32-t1-b16"};
    struct table_id gone = id;
    struct entry rows[] = {make_entry(STEM, 1), make_entry(POOL, 1)};
    struct lathe_error err = {0};
    size_t left = 0;
    put(id, "{\"v\":1}", rows, 2);
    put(id, "{\"v\":2}", rows, 1);
    put(other, "{}", rows, 2);
    ck_assert_ok(kv_write(kv, delete_table, &gone, ok_err));
    struct kv_txn *txn = begin();
    struct table_info info;
    ck_assert_ok(kv_scan(txn, "", NULL, count_key, &left, ok_err));
    ck_assert_uint_eq(left, 0);
    ck_assert_ok(table_info(txn, other, 0, &info, ok_err));
    ck_assert_uint_eq(info.entries, 2);
    table_info_clear(&info);
    kv_read_end(txn);
    ck_assert_int_eq(kv_write(kv, delete_table, &gone, &err), LATHE_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.message, "note10/tflite-f32-t1-b1"));
}
END_TEST

START_TEST(a_bad_row_or_name_is_refused_and_nothing_is_taken)
{
    struct entry rows[] = {make_entry(STEM, 1), make_entry(POOL, 1)};
    struct import i = {id, "{}", "imported", rows, 2, 1000, 0};
    struct lathe_error err = {0};
    rows[1].layer.out.c = 7;
    ck_assert_int_eq(kv_write(kv, import, &i, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "out");
    rows[1] = make_entry(POOL, NAN);
    ck_assert_int_eq(kv_write(kv, import, &i, &err), LATHE_INVALID);
    rows[1] = make_entry(POOL, 1);
    i.id.device = "a/b";
    ck_assert_int_eq(kv_write(kv, import, &i, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "device");
    i.id = (struct table_id){"a", ""};
    ck_assert_int_eq(kv_write(kv, import, &i, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "config");
    i.id = id;
    i.fingerprint = "[]";
    ck_assert_int_eq(kv_write(kv, import, &i, &err), LATHE_INVALID);
    size_t keys = 0;
    struct kv_txn *txn = begin();
    ck_assert_ok(kv_scan(txn, "", NULL, count_key, &keys, ok_err));
    kv_read_end(txn);
    ck_assert_uint_eq(keys, 0);
}
END_TEST

/* Store bytes of which the first one is replaced, or with one byte cut off. */
struct spoil {
    const char *key;
    int first; /* -1: cut the last byte */
};

static enum lathe_status spoil(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const struct spoil *s = context;
    struct kv_slice value;
    unsigned char bytes[256];
    enum lathe_status st = kv_get(txn, KV_KEY(s->key), &value, err);
    if (st) return st;
    memcpy(bytes, value.data, value.size);
    if (s->first >= 0) bytes[0] = (unsigned char)s->first;
    return kv_put(txn, KV_KEY(s->key), bytes, value.size - (s->first < 0), err);
}

START_TEST(a_row_of_a_newer_schema_is_refused_and_a_cut_one_is_damaged)
{
    static const char key[] = "entry/note10/tflite-f32-t1-b1/00000001/" POOL;
    static const struct {
        int first;
        enum lathe_status status;
    } spoils[] = {{4, LATHE_NEWER}, {255, LATHE_NEWER}, {0, LATHE_IO}, {-1, LATHE_IO}};
    struct entry rows[] = {make_entry(POOL, 1), make_entry(STEM, 1)};
    struct latency l;
    struct seen seen = {0};
    for (int i = 0; i < 4; i++) {
        struct lathe_error err = {0};
        put(id, "{}", rows, 2);
        ck_assert_ok(kv_write(kv, spoil, &(struct spoil){key, spoils[i].first}, ok_err));
        struct kv_txn *txn = begin();
        ck_assert_int_eq(table_get(txn, id, 0, POOL, &l, &err), spoils[i].status);
        ck_assert_str_ne(err.message, "");
        ck_assert_int_eq(table_scan(txn, id, 0, NULL, see_row, &seen, &err), spoils[i].status);
        ck_assert_ok(table_get(txn, id, 0, STEM, &l, ok_err));
        kv_read_end(txn);
    }
    ck_assert_uint_eq(seen.count, 0);
}
END_TEST

START_TEST(records_of_a_newer_schema_are_refused)
{
    static const char *const records[][2] = {
        {"table/note10/tflite-f32-t1-b1", "{\"schema\":2,\"version\":1,\"created\":1,\"updated\":1}"},
        {"version/note10/tflite-f32-t1-b1/00000001", "{\"schema\":2,\"fingerprint\":{}}"}};
    for (int i = 0; i < 2; i++) {
        struct entry e = make_entry(STEM, 1);
        struct lathe_error err = {0};
        struct table_info info;
        struct table_id table = id;
        put(id, "{}", &e, 1);
        ck_assert_ok(store_put_text(kv, records[i][0], records[i][1], ok_err));
        struct kv_txn *txn = begin();
        ck_assert_int_eq(table_info(txn, id, 0, &info, &err), LATHE_NEWER);
        kv_read_end(txn);
        ck_assert_ok(store_put_text(kv, records[i][0], "{\"schema\":1", ok_err));
        txn = begin();
        ck_assert_int_eq(table_info(txn, id, 0, &info, &err), LATHE_IO);
        ck_assert_ptr_nonnull(strstr(err.message, records[i][0]));
        kv_read_end(txn);
        ck_assert_ok(kv_write(kv, delete_table, &table, ok_err));
    }
}
END_TEST

static TCase *tables(void)
{
    TCase *c = tcase_create("tables");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_row_comes_back_bit_for_bit);
    tcase_add_test(c, get_of_an_absent_row_is_not_found_and_leaves_the_error_alone);
    tcase_add_test(c, a_fingerprint_that_differs_starts_a_version_and_the_old_one_stays);
    tcase_add_test(c, info_tells_rows_versions_and_times);
    tcase_add_test(c, rows_of_resolutions_keep_apart_and_are_found_where_none_is_asked_for);
    tcase_add_test(c, rows_are_scanned_in_order_from_where_it_is_asked);
    tcase_add_test(c, tables_are_listed_in_order_of_device_and_config);
    tcase_add_test(c, deleting_a_table_leaves_nothing_of_it_and_all_of_its_neighbours);
    tcase_add_test(c, a_bad_row_or_name_is_refused_and_nothing_is_taken);
    tcase_add_test(c, a_row_of_a_newer_schema_is_refused_and_a_cut_one_is_damaged);
    tcase_add_test(c, records_of_a_newer_schema_are_refused);
    return c;
}

TEST_MAIN("table", tables())
