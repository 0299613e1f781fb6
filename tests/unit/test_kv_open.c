/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Opening: the lock, the version on record, and what is left after a crash. */
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check_main.h"
#include "lut/base/file.h"
#include "test_kv_dir.h"

static struct test_dir dir;

static void set_up(void)
{
    dir = dir_make();
}

static void tear_down(void)
{
    dir_remove(&dir);
}

/* In another process: whether opening is refused with a message that names the owner. */
static int open_as_second(pid_t owner)
{
    struct lathe_error err = {0};
    struct kv *kv = NULL;
    char process[32];
    snprintf(process, sizeof process, "process %ld:", (long)owner);
    if (kv_open(dir.path, 1, NULL, &kv, &err) != LATHE_CONFLICT) return 1;
    return kv == NULL && strstr(err.message, process) && strstr(err.message, dir.path) ? 0 : 2;
}

static int exit_code_of(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(a_second_process_is_told_which_one_has_the_store)
{
    struct kv *kv = store_open(&dir);
    pid_t owner = getpid();
    pid_t child = fork();
    if (child == 0) _exit(open_as_second(owner));
    ck_assert_int_eq(exit_code_of(child), 0);
    ck_assert_int_eq(open_as_second(owner), 0);
    kv_close(kv);
    kv = store_open(&dir);
    kv_close(kv);
}
END_TEST

START_TEST(a_folder_is_made_for_its_owner_alone)
{
    char path[96];
    struct stat info;
    struct kv *kv = NULL;
    snprintf(path, sizeof path, "%s/new", dir.path);
    ck_assert_ok(kv_open(path, 1, NULL, &kv, ok_err));
    kv_close(kv);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0700);
}
END_TEST

START_TEST(a_folder_that_can_not_be_made_is_an_error_that_names_it)
{
    struct lathe_error err = {0};
    struct kv *kv = NULL;
    char path[96];
    snprintf(path, sizeof path, "%s/absent/new", dir.path);
    ck_assert_int_eq(kv_open(path, 1, NULL, &kv, &err), LATHE_IO);
    ck_assert_ptr_nonnull(strstr(err.message, path));
    ck_assert_ptr_null(kv);
}
END_TEST

START_TEST(a_file_that_is_no_store_is_refused)
{
    struct lathe_error err = {0};
    struct kv *kv = NULL;
    char path[96];
    static char junk[32768];
    memset(junk, 'j', sizeof junk);
    snprintf(path, sizeof path, "%s/data.mdb", dir.path);
    ck_assert_ok(file_write(path, junk, sizeof junk, 0600, ok_err));
    ck_assert_int_eq(kv_open(dir.path, 1, NULL, &kv, &err), LATHE_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "damaged"));
}
END_TEST

static struct kv *open_version(uint32_t version)
{
    struct kv *kv = NULL;
    ck_assert_ok(kv_open(dir.path, version, NULL, &kv, ok_err));
    return kv;
}

static enum lathe_status migrate(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    enum lathe_status st = kv_put(txn, KV_KEY("migrated"), "yes", 3, err);
    return st ? st : kv_put_version(txn, *(const uint32_t *)context, err);
}

START_TEST(a_store_of_a_newer_version_is_refused_and_an_older_one_is_handed_to_migration)
{
    struct lathe_error err = {0};
    uint32_t version = 9;
    struct kv *kv = open_version(7);
    ck_assert_uint_eq(kv_stored_version(kv), 7);
    kv_close(kv);
    kv = NULL;
    ck_assert_int_eq(kv_open(dir.path, 6, NULL, &kv, &err), LATHE_NEWER);
    ck_assert_ptr_nonnull(strstr(err.message, "version 7"));
    ck_assert_ptr_null(kv);
    /* Opening alone changes nothing: only the migration says that it is done. */
    for (int i = 0; i < 2; i++) {
        kv = open_version(9);
        ck_assert_uint_eq(kv_stored_version(kv), 7);
        if (i == 1) ck_assert_ok(kv_write(kv, migrate, &version, ok_err));
        kv_close(kv);
    }
    kv = open_version(9);
    ck_assert_uint_eq(kv_stored_version(kv), 9);
    kv_close(kv);
    ck_assert_int_eq(kv_open(dir.path, 7, NULL, &kv, &err), LATHE_NEWER);
}
END_TEST

enum { WRITERS = 4, ACKNOWLEDGED = 120, KEY_TEXT = 11, MOST = 100000 }; /* KEY_TEXT: "000/000000" with its NUL */

struct crash_writer {
    pthread_t thread;
    struct kv *kv;
    int pipe;
    int number;
};

/* Write for ever; after each acknowledgement tell the parent. A key is shorter than PIPE_BUF, so it comes whole. */
static void *write_and_tell(void *argument)
{
    struct crash_writer *w = argument;
    for (int i = 0;; i++) {
        char key[32];
        snprintf(key, sizeof key, "%03d/%06d", w->number, i);
        if (store_put_text(w->kv, key, "acknowledged", NULL)) return NULL;
        if (write(w->pipe, key, KEY_TEXT) != KEY_TEXT) return NULL;
    }
}

static void run_until_killed(int pipe)
{
    struct crash_writer writers[WRITERS];
    struct kv *kv = NULL;
    if (kv_open(dir.path, 1, NULL, &kv, NULL)) _exit(1);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct crash_writer){.kv = kv, .pipe = pipe, .number = i};
        if (pthread_create(&writers[i].thread, NULL, write_and_tell, &writers[i]) != 0) _exit(2);
    }
    pthread_join(writers[0].thread, NULL);
    _exit(3);
}

START_TEST(every_acknowledged_write_survives_the_death_of_the_process)
{
    static char keys[MOST][KEY_TEXT];
    size_t count = 0;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        run_until_killed(ends[1]);
    }
    close(ends[1]);
    FILE *lines = fdopen(ends[0], "r");
    while (count < MOST && fread(keys[count], sizeof keys[0], 1, lines) == 1)
        if (++count == ACKNOWLEDGED) ck_assert_int_eq(kill(child, SIGKILL), 0);
    fclose(lines);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert_uint_ge(count, ACKNOWLEDGED);

    struct kv *kv = open_version(1);
    for (size_t i = 0; i < count; i++) {
        char text[64];
        ck_assert_str_eq(store_text(kv, keys[i], text), "acknowledged");
    }
    kv_close(kv);
}
END_TEST

static TCase *opening(void)
{
    TCase *c = tcase_create("opening");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_second_process_is_told_which_one_has_the_store);
    tcase_add_test(c, a_folder_is_made_for_its_owner_alone);
    tcase_add_test(c, a_folder_that_can_not_be_made_is_an_error_that_names_it);
    tcase_add_test(c, a_file_that_is_no_store_is_refused);
    tcase_add_test(c, a_store_of_a_newer_version_is_refused_and_an_older_one_is_handed_to_migration);
    tcase_add_test(c, every_acknowledged_write_survives_the_death_of_the_process);
    return c;
}

TEST_MAIN("kv_open", opening())
