/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What a watcher is told of what is committed. */
#include <pthread.h>
#include <stdatomic.h>

#include "check_main.h"
#include "test_kv_dir.h"

static struct test_dir dir;
static struct kv *kv;
static char told[4096]; /* keys in the order told, a space behind each; "|" ends a commit */
static size_t told_count;
static long seen_value; /* under "a/1" when last told */

static void note(void *context, const struct kv_slice *keys, size_t count)
{
    struct kv_txn *txn;
    struct kv_slice value;
    ck_assert_ptr_eq(context, &dir);
    ck_assert_ptr_nonnull(keys);
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(told);
        snprintf(told + n, sizeof told - n, "%.*s ", (int)keys[i].size, (const char *)keys[i].data);
    }
    strncat(told, "|", sizeof told - strlen(told) - 1);
    told_count += count;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    if (kv_get(txn, KV_KEY("a/1"), &value, NULL) == LATHE_OK && value.size == sizeof seen_value)
        memcpy(&seen_value, value.data, sizeof seen_value);
    kv_read_end(txn);
}

static const char *const prefixes[] = {"a/", "b/", NULL};
static const struct kv_watch watch = {prefixes, note, &dir};

static void set_up(void)
{
    dir = dir_make();
    kv = store_open(&dir);
    kv_watch(kv, &watch);
    told[0] = '\0';
    told_count = 0;
    seen_value = 0;
}

static void tear_down(void)
{
    kv_close(kv);
    dir_remove(&dir);
}

struct step {
    char what; /* '+', '-', '*': put, delete, delete all of a prefix */
    const char *key;
};

struct steps {
    const struct step *items; /* ended by a step without key */
    enum lathe_status result;
    int runs;
};

static enum lathe_status walk(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct steps *steps = context;
    steps->runs++;
    for (const struct step *s = steps->items; s->key; s++) {
        enum lathe_status st = s->what == '+'   ? kv_put(txn, KV_KEY(s->key), "v", 1, err)
                               : s->what == '-' ? kv_delete(txn, KV_KEY(s->key), err)
                                                : kv_delete_prefix(txn, s->key, NULL, err);
        if (st && st != LATHE_NOT_FOUND) return st;
    }
    return steps->result;
}

static enum lathe_status write_steps(const struct step *items, enum lathe_status result)
{
    struct steps steps = {items, result, 0};
    return kv_write(kv, walk, &steps, NULL);
}

START_TEST(puts_and_deletes_of_watched_keys_are_told_after_their_commit)
{
    const struct step first[] = {{'+', "a/1"}, {'+', "c/1"}, {'+', "b/1"}, {'+', "b/2"}, {0, NULL}};
    const struct step second[] = {{'-', "a/1"}, {'-', "a/none"}, {'*', "b/"}, {'*', "c/"}, {0, NULL}};
    ck_assert_int_eq(write_steps(first, LATHE_OK), LATHE_OK);
    ck_assert_int_eq(write_steps(second, LATHE_OK), LATHE_OK);
    ck_assert_str_eq(told, "a/1 b/1 b/2 |a/1 b/1 b/2 |");
}
END_TEST

START_TEST(what_was_not_committed_is_not_told)
{
    const struct step items[] = {{'+', "a/1"}, {0, NULL}};
    ck_assert_int_eq(write_steps(items, LATHE_CONFLICT), LATHE_CONFLICT);
    const struct step unwatched[] = {{'+', "c/1"}, {'+', "a"}, {'-', "a/none"}, {0, NULL}};
    ck_assert_int_eq(write_steps(unwatched, LATHE_OK), LATHE_OK);
    ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(a_key_that_changes_again_and_again_is_told_once)
{
    const struct step items[] = {{'+', "a/1"}, {'+', "c/1"}, {'+', "a/1"}, {'-', "a/1"}, {'+', "b/1"}, {0, NULL}};
    ck_assert_int_eq(write_steps(items, LATHE_OK), LATHE_OK);
    ck_assert_str_eq(told, "a/1 b/1 |");
}
END_TEST

START_TEST(many_keys_are_all_told)
{
    enum { KEYS = 2000 };
    static char keys[KEYS][16];
    static struct step items[KEYS + 1];
    for (int i = 0; i < KEYS; i++) {
        snprintf(keys[i], sizeof keys[i], "c/a/%d", i);
        items[i] = (struct step){'+', keys[i]};
    }
    ck_assert_int_eq(write_steps(items, LATHE_OK), LATHE_OK);
    for (int i = 0; i < KEYS; i++) keys[i][0] = 'a';
    ck_assert_int_eq(write_steps(items, LATHE_OK), LATHE_OK);
    ck_assert_uint_eq(told_count, KEYS);
}
END_TEST

START_TEST(nobody_is_told_once_nobody_watches)
{
    const struct step items[] = {{'+', "a/1"}, {0, NULL}};
    kv_watch(kv, NULL);
    ck_assert_int_eq(write_steps(items, LATHE_OK), LATHE_OK);
    ck_assert_str_eq(told, "");
}
END_TEST

static enum lathe_status count_up(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    bool spoil = *(bool *)context;
    struct kv_slice old;
    long value = 0;
    if (kv_get(txn, KV_KEY("a/1"), &old, NULL) == LATHE_OK) memcpy(&value, old.data, sizeof value);
    value++;
    enum lathe_status st = kv_put(txn, KV_KEY("a/1"), &value, sizeof value, err);
    if (!st && spoil) st = kv_put(txn, KV_KEY("b/spoilt"), "v", 1, err);
    return st ? st : spoil ? LATHE_CONFLICT : LATHE_OK;
}

static _Atomic long done;

static void *count_up_often(void *context)
{
    for (int i = 0; i < 100; i++) {
        bool spoil = i % 3 == 0;
        (void)context;
        if (kv_write(kv, count_up, &spoil, NULL) == LATHE_OK) atomic_fetch_add(&done, 1);
    }
    return NULL;
}

/* Groups that are run again tell nothing twice of what failed, and the last that is told is the last that is there. */
START_TEST(of_groups_with_failing_neighbours_the_rest_is_told)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up_often, NULL), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    ck_assert_ptr_null(strstr(told, "spoilt"));
    ck_assert_int_eq(seen_value, atomic_load(&done));
}
END_TEST

static TCase *watching(void)
{
    TCase *t = tcase_create("watching");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, puts_and_deletes_of_watched_keys_are_told_after_their_commit);
    tcase_add_test(t, what_was_not_committed_is_not_told);
    tcase_add_test(t, a_key_that_changes_again_and_again_is_told_once);
    tcase_add_test(t, many_keys_are_all_told);
    tcase_add_test(t, nobody_is_told_once_nobody_watches);
    tcase_add_test(t, of_groups_with_failing_neighbours_the_rest_is_told);
    return t;
}

TEST_MAIN("kv_watch", watching())
