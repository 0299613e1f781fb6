/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Documents and ids. */
#include "check_main.h"
#include "lut/base/clock.h"
#include "server/store/store.h"
#include "test_kv_dir.h"

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

static void write_document(const char *kind, const char *id)
{
    json_t *document = json_pack("{s:s, s:f}", "id", id, "value", 0.1);
    ck_assert_ok(store_write(kv, kind, id, document, ok_err));
    json_decref(document);
}

START_TEST(a_document_comes_back_with_its_schema)
{
    json_t *got = NULL;
    write_document("board", "a");
    ck_assert_ok(store_read(kv, "board", "a", &got, ok_err));
    ck_assert_str_eq(json_string_value(json_object_get(got, "id")), "a");
    ck_assert(json_real_value(json_object_get(got, "value")) == 0.1);
    ck_assert_int_eq(json_integer_value(json_object_get(got, "schema")), 1);
    json_decref(got);
}
END_TEST

START_TEST(an_absent_document_is_not_found_and_named)
{
    struct lathe_error err = {0};
    json_t *got = NULL;
    write_document("board", "ab");
    ck_assert_int_eq(store_read(kv, "board", "a", &got, &err), LATHE_NOT_FOUND);
    ck_assert_str_eq(err.message, "no board a");
    ck_assert_ptr_null(got);
    char id[600];
    memset(id, 'x', sizeof id);
    id[sizeof id - 1] = '\0';
    ck_assert_int_eq(store_read(kv, "board", id, &got, &err), LATHE_NOT_FOUND);
}
END_TEST

START_TEST(a_document_of_a_newer_schema_is_refused)
{
    struct lathe_error err = {0};
    json_t *got = NULL;
    ck_assert_ok(store_put_text(kv, "board/a", "{\"schema\":2}", ok_err));
    ck_assert_int_eq(store_read(kv, "board", "a", &got, &err), LATHE_NEWER);
    ck_assert_ptr_nonnull(strstr(err.message, "newer"));
}
END_TEST

START_TEST(a_damaged_document_is_an_error_that_names_it)
{
    static const char *const damaged[] = {"{\"schema\":", "[]", "{}", "{\"schema\":\"1\"}", "", "\xff"};
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        struct lathe_error err = {0};
        json_t *got = NULL;
        ck_assert_ok(store_put_text(kv, "board/a", damaged[i], ok_err));
        ck_assert_int_eq(store_read(kv, "board", "a", &got, &err), LATHE_IO);
        ck_assert_ptr_nonnull(strstr(err.message, "board a"));
        ck_assert_ptr_null(got);
    }
}
END_TEST

/* Ids of one page as "a,b,"; "!" when the list fails. */
static const char *page(const char *kind, const char *after, size_t limit, char next[65], char out[128])
{
    struct kv_txn *txn = NULL;
    json_t *list = NULL;
    size_t i;
    json_t *document;
    char from[65] = "";
    if (after) snprintf(from, sizeof from, "%s", after);
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    enum lathe_status st = store_list(txn, kind, after ? from : NULL, limit, &list, next, NULL);
    kv_read_end(txn);
    size_t length = (size_t)snprintf(out, 128, "%s", st ? "!" : "");
    json_array_foreach(list, i, document)
    {
        length +=
            (size_t)snprintf(out + length, 128 - length, "%s,", json_string_value(json_object_get(document, "id")));
    }
    json_decref(list);
    return out;
}

START_TEST(pages_hold_every_document_of_a_kind_once)
{
    static const char *const ids[] = {"b", "a", "a-b", "a.c", "c"};
    char next[65];
    char out[128];
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) write_document("board", ids[i]);
    write_document("board-file", "z"); /* a kind that starts like another is another */
    write_document("boar", "y");
    ck_assert_str_eq(page("board", NULL, 2, next, out), "a,a-b,");
    ck_assert_str_eq(next, "a-b");
    ck_assert_str_eq(page("board", next, 2, next, out), "a.c,b,");
    ck_assert_str_eq(next, "b");
    ck_assert_str_eq(page("board", next, 2, next, out), "c,");
    ck_assert_str_eq(next, "");
    ck_assert_str_eq(page("board", NULL, 5, next, out), "a,a-b,a.c,b,c,");
    ck_assert_str_eq(next, "");
}
END_TEST

START_TEST(a_cursor_of_a_document_that_has_gone_goes_on_behind_it)
{
    char next[65];
    char out[128];
    write_document("board", "a");
    write_document("board", "c");
    ck_assert_str_eq(page("board", "b", 9, next, out), "c,");
    ck_assert_str_eq(page("board", "zz", 9, next, out), "");
    ck_assert_str_eq(page("none", NULL, 9, next, out), "");
}
END_TEST

START_TEST(a_list_with_a_damaged_document_fails_as_a_whole)
{
    char next[65];
    char out[128];
    write_document("board", "a");
    ck_assert_ok(store_put_text(kv, "board/b", "{", ok_err));
    ck_assert_str_eq(page("board", NULL, 9, next, out), "!");
}
END_TEST

static int64_t wall_ms;

static int64_t fixed_wall(void)
{
    return wall_ms;
}

START_TEST(ids_differ_and_sort_by_age)
{
    char ids[3][40];
    wall_ms = 1790000000000;
    clock_replace(NULL, fixed_wall);
    store_new_id("p", ids[0]);
    store_new_id("p", ids[1]);
    wall_ms++;
    store_new_id("p", ids[2]);
    clock_replace(NULL, NULL);
    ck_assert_str_ne(ids[0], ids[1]);
    ck_assert_int_lt(strcmp(ids[0], ids[2]), 0);
    ck_assert_int_lt(strcmp(ids[1], ids[2]), 0);
    ck_assert_uint_eq(strlen(ids[0]), 18);
}
END_TEST

static TCase *documents(void)
{
    TCase *t = tcase_create("documents");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_document_comes_back_with_its_schema);
    tcase_add_test(t, an_absent_document_is_not_found_and_named);
    tcase_add_test(t, a_document_of_a_newer_schema_is_refused);
    tcase_add_test(t, a_damaged_document_is_an_error_that_names_it);
    tcase_add_test(t, pages_hold_every_document_of_a_kind_once);
    tcase_add_test(t, a_cursor_of_a_document_that_has_gone_goes_on_behind_it);
    tcase_add_test(t, a_list_with_a_damaged_document_fails_as_a_whole);
    tcase_add_test(t, ids_differ_and_sort_by_age);
    return t;
}

TEST_MAIN("store", documents())
