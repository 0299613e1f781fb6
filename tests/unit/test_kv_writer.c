/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Group commit: threads, failing neighbours, a full store, a failing disk. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "check_main.h"
#include "test_kv_dir.h"

enum { THREADS = 8, WRITES = 60 };

static struct test_dir dir;
static struct kv *kv;

/* What one write function does: add `add` to the number under "sum", put its own key, then return `result`. */
struct addition {
    int add;
    char key[32];
    enum lathe_status result;
    bool fail_first; /* before anything is changed */
};

static atomic_int runs;

static enum lathe_status add_to_sum(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const struct addition *a = context;
    struct kv_slice old;
    long sum = 0;
    atomic_fetch_add(&runs, 1);
    if (a->fail_first) return error_set(err, a->result, "failed first");
    enum lathe_status st = kv_get(txn, KV_KEY("sum"), &old, err);
    if (!st) memcpy(&sum, old.data, sizeof sum);
    else if (st != LATHE_NOT_FOUND) return st;
    sum += a->add;
    st = kv_put(txn, KV_KEY("sum"), &sum, sizeof sum, err);
    if (!st) st = kv_put(txn, KV_KEY(a->key), "x", 1, err);
    if (st) return st;
    return a->result ? error_set(err, a->result, "failed late") : LATHE_OK;
}

static long read_sum(void)
{
    struct kv_txn *txn;
    struct kv_slice value;
    long sum = 0;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    if (kv_get(txn, KV_KEY("sum"), &value, NULL) == LATHE_OK) memcpy(&sum, value.data, sizeof sum);
    kv_read_end(txn);
    return sum;
}

static bool count_key(void *context, struct kv_slice key, struct kv_slice value)
{
    (void)key, (void)value;
    (*(size_t *)context)++;
    return true;
}

static size_t count_keys(const char *prefix)
{
    struct kv_txn *txn;
    size_t n = 0;
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    ck_assert_ok(kv_scan(txn, prefix, NULL, count_key, &n, ok_err));
    kv_read_end(txn);
    return n;
}

struct worker {
    pthread_t thread;
    int number;
    bool spoils; /* every third write fails after it changed something, every fourth before */
    int good, bad;
};

static void *work(void *argument)
{
    struct worker *w = argument;
    for (int i = 0; i < WRITES; i++) {
        bool late = w->spoils && i % 3 == 0;
        bool first = w->spoils && !late && i % 4 == 0;
        struct addition a = {
            .add = late ? 1000 : 1, .result = late || first ? LATHE_CONFLICT : LATHE_OK, .fail_first = first};
        struct lathe_error err = {0};
        snprintf(a.key, sizeof a.key, "%s/%d/%d", late ? "bad" : "good", w->number, i);
        enum lathe_status st = kv_write(kv, add_to_sum, &a, &err);
        if (st == a.result && strcmp(err.message, late ? "failed late" : first ? "failed first" : "") == 0)
            (*(st ? &w->bad : &w->good))++;
    }
    return NULL;
}

/* @return how many writes were well done. */
static int run_workers(bool spoils)
{
    struct worker workers[THREADS] = {0};
    int good = 0;
    int all = 0;
    for (int i = 0; i < THREADS; i++) {
        workers[i].number = i;
        workers[i].spoils = spoils;
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        good += workers[i].good;
        all += workers[i].good + workers[i].bad;
    }
    ck_assert_int_eq(all, THREADS * WRITES);
    return good;
}

START_TEST(writes_of_many_threads_are_committed_in_groups)
{
    struct kv_stats stats;
    dir = dir_make();
    ck_assert_ok(kv_open(dir.path, 1, NULL, &kv, ok_err));
    int good = run_workers(false);
    ck_assert_int_eq(good, THREADS * WRITES);
    ck_assert_int_eq(read_sum(), good);
    ck_assert_uint_eq(count_keys("good/"), (size_t)good);
    kv_get_stats(kv, &stats);
    ck_assert_uint_eq(stats.writes, (uint64_t)good);
    ck_assert_uint_lt(stats.commits, stats.writes);
    ck_assert_uint_gt(stats.file_bytes, 4096);
    kv_close(kv);
    dir_remove(&dir);
}
END_TEST

/* Groups form by chance, so rounds go on until one was spoiled and run again; each round must leave the same state as
 * if every function had run alone. */
START_TEST(a_failing_function_undoes_its_own_changes_and_no_others)
{
    dir = dir_make();
    kv = store_open(&dir);
    int rounds = 0;
    int again = 0;
    for (long sum = 0; again == 0 && rounds < 200; rounds++) {
        atomic_store(&runs, 0);
        int good = run_workers(true);
        sum += good;
        ck_assert_int_eq(read_sum(), sum);
        ck_assert_uint_eq(count_keys("good/"), (size_t)good);
        ck_assert_uint_eq(count_keys("bad/"), 0);
        again = atomic_load(&runs) - THREADS * WRITES;
    }
    ck_assert_int_gt(again, 0);
    ck_assert_int_le(again, THREADS * WRITES);
    kv_close(kv);
    dir_remove(&dir);
}
END_TEST

static enum lathe_status write_inside(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    (void)txn, (void)err;
    *(enum lathe_status *)context = store_put_text(kv, "inner", "v", NULL);
    return LATHE_OK;
}

START_TEST(a_write_inside_a_write_is_refused_instead_of_waiting_for_ever)
{
    enum lathe_status inner = LATHE_OK;
    dir = dir_make();
    kv = store_open(&dir);
    ck_assert_ok(kv_write(kv, write_inside, &inner, ok_err));
    ck_assert_int_eq(inner, LATHE_CONFLICT);
    kv_close(kv);
    dir_remove(&dir);
}
END_TEST

static enum lathe_status ignore_failure(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct put_args *a = context;
    kv_put(txn, KV_KEY(a->key), a->value, a->size, err);
    return LATHE_OK;
}

static enum lathe_status delete_pieces(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    (void)context;
    return kv_delete_prefix(txn, "piece/", NULL, err);
}

START_TEST(a_full_store_refuses_what_does_not_fit_and_keeps_the_rest)
{
    enum { PIECE = 100000, LIMIT = 1 << 20 };
    static char piece[PIECE];
    struct lathe_error err = {0};
    struct kv_options options = {.map_bytes = LIMIT, .unsafe_nosync = true};
    char key[32];
    enum lathe_status st = LATHE_OK;
    int stored = 0;
    dir = dir_make();
    ck_assert_ok(kv_open(dir.path, 1, &options, &kv, ok_err));
    for (; !st && stored < 100; stored += !st) {
        snprintf(key, sizeof key, "piece/%03d", stored);
        st = kv_write(kv, put_one, &(struct put_args){key, piece, PIECE}, &err);
    }
    ck_assert_int_eq(st, LATHE_FULL);
    ck_assert_ptr_nonnull(strstr(err.message, "1 MiB"));
    ck_assert_int_ge(stored, 5);
    ck_assert_uint_eq(count_keys("piece/"), (size_t)stored);
    /* A function that overlooks the failure fails all the same. */
    ck_assert_int_eq(kv_write(kv, ignore_failure, &(struct put_args){"big", piece, PIECE}, &err), LATHE_FULL);
    ck_assert_uint_eq(count_keys("big"), 0);
    /* What is deleted makes room at once, though not as one piece. */
    ck_assert_ok(kv_write(kv, delete_pieces, NULL, ok_err));
    stored /= 2;
    for (int i = 0; i < stored; i++) {
        snprintf(key, sizeof key, "piece/%03d", i);
        ck_assert_ok(kv_write(kv, put_one, &(struct put_args){key, piece, PIECE}, ok_err));
    }
    kv_close(kv);
    options.map_bytes = 2 * LIMIT;
    ck_assert_ok(kv_open(dir.path, 1, &options, &kv, ok_err));
    ck_assert_uint_eq(count_keys("piece/"), (size_t)stored);
    ck_assert_ok(kv_write(kv, put_one, &(struct put_args){"big", piece, PIECE}, ok_err));
    kv_close(kv);
    dir_remove(&dir);
}
END_TEST

/* In a process of its own, whose files may not grow any more: the commit fails as it does on a full disk. */
static int write_beyond_the_limit(void)
{
    enum { BIG = 4 << 20 };
    struct lathe_error err = {0};
    struct rlimit limit = {256 << 10, 256 << 10};
    struct kv_options options = {.map_bytes = 64 << 20};
    char text[64];
    char *big = calloc(1, BIG);
    if (!big || kv_open(dir.path, 1, &options, &kv, &err)) return 10;
    if (store_put_text(kv, "before", "kept", &err)) return 11;
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 12;
    if (kv_write(kv, put_one, &(struct put_args){"big", big, BIG}, &err) != LATHE_IO) return 13;
    if (!strstr(err.message, "space") || !strstr(err.message, "nothing was changed")) return 14;
    free(big);
    if (strcmp(store_text(kv, "before", text), "kept") != 0 || *store_text(kv, "big", text)) return 15;
    if (store_put_text(kv, "after", "goes on", &err)) return 16;
    kv_close(kv);
    return 0;
}

START_TEST(a_commit_that_the_disk_refuses_fails_its_writers_and_changes_nothing)
{
    int status;
    char text[64];
    dir = dir_make();
    pid_t child = fork();
    if (child == 0) _exit(write_beyond_the_limit());
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "step %d", WEXITSTATUS(status));
    kv = store_open(&dir);
    ck_assert_str_eq(store_text(kv, "before", text), "kept");
    ck_assert_str_eq(store_text(kv, "after", text), "goes on");
    ck_assert_uint_eq(count_keys("big"), 0);
    kv_close(kv);
    dir_remove(&dir);
}
END_TEST

static TCase *writer(void)
{
    TCase *c = tcase_create("writer");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, writes_of_many_threads_are_committed_in_groups);
    tcase_add_test(c, a_failing_function_undoes_its_own_changes_and_no_others);
    tcase_add_test(c, a_write_inside_a_write_is_refused_instead_of_waiting_for_ever);
    tcase_add_test(c, a_full_store_refuses_what_does_not_fit_and_keeps_the_rest);
    tcase_add_test(c, a_commit_that_the_disk_refuses_fails_its_writers_and_changes_nothing);
    return c;
}

TEST_MAIN("kv_writer", writer())
