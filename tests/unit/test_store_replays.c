/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Answers that are kept for who asks again. */
#include <sodium.h>

#include "check_main.h"
#include "lut/base/clock.h"
#include "server/store/replays.h"
#include "server/store/store.h"
#include "test_kv_dir.h"

static struct test_dir dir;
static struct kv *kv;
static int64_t wall_ms;

static int64_t wall(void)
{
    return wall_ms;
}

static uint64_t now(void)
{
    return 1;
}

static void set_up(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    wall_ms = 1000000;
    clock_replace(now, wall);
    dir = dir_make();
    kv = store_open(&dir);
}

static void tear_down(void)
{
    kv_close(kv);
    dir_remove(&dir);
    clock_replace(NULL, NULL);
}

static struct replay replay(const char *token, const char *key, const char *body)
{
    struct replay r;
    replay_init(&r, token, key, "POST /v1/x", body, strlen(body));
    return r;
}

static void keep(struct replay r, const char *text)
{
    json_t *answer = json_pack("{s:s}", "body", text);
    ck_assert_ok(replay_begin(kv, &r, ok_err));
    ck_assert_ok(replay_end(kv, &r, answer, ok_err));
    json_decref(answer);
}

/* @param text of the answer when it is there; NULL: none is expected. */
static enum replay_found find(struct replay r, const char *text)
{
    enum replay_found found;
    json_t *answer = NULL;
    ck_assert_ok(replay_find(kv, &r, &found, &answer, ok_err));
    ck_assert_int_eq(answer != NULL, text != NULL);
    if (text) ck_assert_str_eq(json_string_value(json_object_get(answer, "body")), text);
    json_decref(answer);
    return found;
}

START_TEST(an_answer_is_found_by_the_same_request_alone)
{
    ck_assert_int_eq(find(replay("t", "k", "b"), NULL), REPLAY_NONE);
    keep(replay("t", "k", "b"), "done");
    ck_assert_int_eq(find(replay("t", "k", "b"), "done"), REPLAY_SAME);
    ck_assert_int_eq(find(replay("t", "k", "c"), NULL), REPLAY_OTHER);
    ck_assert_int_eq(find(replay("t", "other", "b"), NULL), REPLAY_NONE);
    ck_assert_int_eq(find(replay("other", "k", "b"), NULL), REPLAY_NONE);
    ck_assert_int_eq(find(replay("tk", "", "b"), NULL), REPLAY_NONE);
}
END_TEST

START_TEST(a_request_without_an_answer_is_unsure)
{
    struct replay r = replay("t", "k", "b");
    ck_assert_ok(replay_begin(kv, &r, ok_err));
    ck_assert_int_eq(find(r, NULL), REPLAY_UNSURE);
    ck_assert_int_eq(find(replay("t", "k", "c"), NULL), REPLAY_OTHER);
}
END_TEST

START_TEST(what_created_nothing_is_forgotten)
{
    struct replay r = replay("t", "k", "b");
    ck_assert_ok(replay_begin(kv, &r, ok_err));
    ck_assert_ok(replay_end(kv, &r, NULL, ok_err));
    ck_assert_int_eq(find(r, NULL), REPLAY_NONE);
    ck_assert_int_eq(find(replay("t", "k", "c"), NULL), REPLAY_NONE);
    ck_assert_ok(replay_end(kv, &r, NULL, ok_err));
}
END_TEST

START_TEST(an_answer_is_kept_for_a_day_and_then_pruned)
{
    const int64_t day_ms = 24 * 3600 * 1000;
    size_t count = 99;
    keep(replay("t", "old", "b"), "old");
    wall_ms += day_ms / 2;
    keep(replay("t", "new", "b"), "new");
    wall_ms += day_ms / 2 - 1;
    ck_assert_int_eq(find(replay("t", "old", "b"), "old"), REPLAY_SAME);
    ck_assert_ok(replay_prune(kv, &count, ok_err));
    ck_assert_uint_eq(count, 0);
    wall_ms++;
    ck_assert_int_eq(find(replay("t", "old", "b"), NULL), REPLAY_NONE);
    ck_assert_ok(replay_prune(kv, &count, ok_err));
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(find(replay("t", "new", "b"), "new"), REPLAY_SAME);
}
END_TEST

START_TEST(more_than_a_page_is_pruned)
{
    size_t count = 0;
    char key[16];
    for (int i = 0; i < 1500; i++) {
        snprintf(key, sizeof key, "%d", i);
        struct replay r = replay("t", key, "b");
        ck_assert_ok(replay_begin(kv, &r, ok_err));
    }
    wall_ms += (int64_t)25 * 3600 * 1000;
    ck_assert_ok(replay_prune(kv, &count, ok_err));
    ck_assert_uint_eq(count, 1500);
}
END_TEST

static bool holds(void *context, struct kv_slice key, struct kv_slice value)
{
    const char *secret = context;
    (void)key;
    ck_assert_ptr_null(memmem(value.data, value.size, secret, strlen(secret)));
    return true;
}

START_TEST(the_store_holds_neither_answer_nor_request_nor_key_nor_token)
{
    const char *const secrets[] = {"lathe_secret", "my-own-key", "the body", "the answer"};
    struct kv_txn *txn;
    keep(replay(secrets[0], secrets[1], secrets[2]), secrets[3]);
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        ck_assert_ok(kv_scan(txn, "", NULL, holds, (void *)secrets[i], ok_err));
    kv_read_end(txn);
}
END_TEST

START_TEST(an_answer_that_was_damaged_is_unsure)
{
    struct replay r = replay("t", "k", "b");
    const char *const texts[] = {"", "AAAA", "no base64!",
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_t *record =
            json_pack("{s:I, s:s, s:s}", "created_ms", (json_int_t)wall_ms, "request", r.request, "answer", texts[i]);
        ck_assert_ok(store_write(kv, "idempotency", r.id, record, ok_err));
        json_decref(record);
        ck_assert_int_eq(find(r, NULL), REPLAY_UNSURE);
    }
}
END_TEST

static TCase *replays(void)
{
    TCase *t = tcase_create("replays");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, an_answer_is_found_by_the_same_request_alone);
    tcase_add_test(t, a_request_without_an_answer_is_unsure);
    tcase_add_test(t, what_created_nothing_is_forgotten);
    tcase_add_test(t, an_answer_is_kept_for_a_day_and_then_pruned);
    tcase_add_test(t, more_than_a_page_is_pruned);
    tcase_add_test(t, the_store_holds_neither_answer_nor_request_nor_key_nor_token);
    tcase_add_test(t, an_answer_that_was_damaged_is_unsure);
    return t;
}

TEST_MAIN("store_replays", replays())
