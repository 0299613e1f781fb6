/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Bearer tokens. */
#include "check_main.h"
#include "server/store/store.h"
#include "server/store/tokens.h"
#include "test_kv_dir.h"

static struct test_dir dir;
static struct kv *kv;
static char role[8], name[65];

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

START_TEST(a_token_stands_for_its_role_and_name)
{
    char text[TOKEN_TEXT_BYTES];
    ck_assert_ok(token_create(kv, "agent", "lab", text, ok_err));
    ck_assert_uint_eq(strlen(text), 6 + 43);
    ck_assert_int_eq(strncmp(text, "lathe_", 6), 0);
    ck_assert_ok(token_find(kv, text, role, name, ok_err));
    ck_assert_str_eq(role, "agent");
    ck_assert_str_eq(name, "lab");
}
END_TEST

START_TEST(a_token_that_differs_in_one_character_is_unknown)
{
    char text[TOKEN_TEXT_BYTES];
    ck_assert_ok(token_create(kv, "user", "u", text, ok_err));
    for (size_t i = 0; i < strlen(text); i++) {
        char other[TOKEN_TEXT_BYTES];
        memcpy(other, text, sizeof other);
        other[i] = other[i] == 'A' ? 'B' : 'A';
        ck_assert_int_eq(token_find(kv, other, role, name, NULL), LATHE_NOT_FOUND);
        memcpy(other, text, sizeof other);
        other[i] = '\0';
        ck_assert_int_eq(token_find(kv, other, role, name, NULL), LATHE_NOT_FOUND);
    }
    char longer[600];
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    ck_assert_int_eq(token_find(kv, longer, role, name, NULL), LATHE_NOT_FOUND);
}
END_TEST

/* Neither the token nor the base64 part of it stands in any key or value. */
static bool holds_no_token(void *context, struct kv_slice key, struct kv_slice value)
{
    const char *text = (const char *)context + 6;
    ck_assert_ptr_null(memmem(key.data, key.size, text, strlen(text)));
    ck_assert_ptr_null(memmem(value.data, value.size, text, strlen(text)));
    return true;
}

START_TEST(the_store_does_not_hold_the_token)
{
    char text[TOKEN_TEXT_BYTES];
    struct kv_txn *txn = NULL;
    ck_assert_ok(token_create(kv, "user", "u", text, ok_err));
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(kv_scan(txn, "", NULL, holds_no_token, text, ok_err));
    kv_read_end(txn);
}
END_TEST

START_TEST(a_name_is_given_once)
{
    struct lathe_error err = {0};
    char first[TOKEN_TEXT_BYTES];
    char second[TOKEN_TEXT_BYTES];
    ck_assert_ok(token_create(kv, "user", "u", first, ok_err));
    ck_assert_int_eq(token_create(kv, "admin", "u", second, &err), LATHE_CONFLICT);
    ck_assert_str_eq(err.field, "name");
    ck_assert_ok(token_find(kv, first, role, name, ok_err));
    ck_assert_str_eq(role, "user");
    ck_assert_int_eq(token_find(kv, second, role, name, NULL), LATHE_NOT_FOUND);
}
END_TEST

START_TEST(a_revoked_token_is_unknown_and_its_name_free_again)
{
    char old[TOKEN_TEXT_BYTES];
    char young[TOKEN_TEXT_BYTES];
    ck_assert_ok(token_create(kv, "user", "u", old, ok_err));
    ck_assert_ok(token_revoke(kv, "u", ok_err));
    ck_assert_int_eq(token_find(kv, old, role, name, NULL), LATHE_NOT_FOUND);
    ck_assert_int_eq(token_revoke(kv, "u", NULL), LATHE_NOT_FOUND);
    ck_assert_ok(token_create(kv, "user", "u", young, ok_err));
    ck_assert_str_ne(old, young);
    ck_assert_int_eq(token_find(kv, old, role, name, NULL), LATHE_NOT_FOUND);
    ck_assert_ok(token_find(kv, young, role, name, ok_err));
}
END_TEST

START_TEST(roles_and_names_that_are_none_are_refused)
{
    struct lathe_error err = {0};
    char text[TOKEN_TEXT_BYTES];
    ck_assert_int_eq(token_create(kv, "root", "u", text, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "role");
    ck_assert_int_eq(token_create(kv, "user", "a/b", text, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "name");
}
END_TEST

static TCase *tokens(void)
{
    TCase *t = tcase_create("tokens");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_token_stands_for_its_role_and_name);
    tcase_add_test(t, a_token_that_differs_in_one_character_is_unknown);
    tcase_add_test(t, the_store_does_not_hold_the_token);
    tcase_add_test(t, a_name_is_given_once);
    tcase_add_test(t, a_revoked_token_is_unknown_and_its_name_free_again);
    tcase_add_test(t, roles_and_names_that_are_none_are_refused);
    return t;
}

TEST_MAIN("store_tokens", tokens())
