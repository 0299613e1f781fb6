/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

#include "check_main.h"
#include "lut/base/file.h"
#include "lut/base/rng.h"
#include "server/keep/backup.h"
#include "test_kv_dir.h"

static struct test_dir dir;
static struct kv *kv;
static char folder[128]; /* the store's */
static char file[128], other[128], target[128];

static void set_up(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    dir = dir_make();
    snprintf(folder, sizeof folder, "%s/store", dir.path);
    snprintf(file, sizeof file, "%s/a.backup", dir.path);
    snprintf(other, sizeof other, "%s/b.backup", dir.path);
    snprintf(target, sizeof target, "%s/target", dir.path);
    ck_assert_ok(kv_open(folder, 1, &(struct kv_options){.unsafe_nosync = true}, &kv, ok_err));
    ck_assert_ok(store_put_text(kv, "key", "backed up", ok_err));
}

static void tear_down(void)
{
    kv_close(kv);
    dir_remove(&dir);
}

/* Read a backup to a file, so many bytes at a time. */
static void back_up(size_t step)
{
    struct backup *b = NULL;
    char block[4096];
    ssize_t n;
    uint64_t total = 0;
    ck_assert_ok(backup_open(kv, folder, &b, ok_err));
    FILE *f = fopen(file, "wb");
    ck_assert_ptr_nonnull(f);
    while ((n = backup_read(b, block, step)) > 0) {
        ck_assert_uint_eq(fwrite(block, 1, (size_t)n, f), (size_t)n);
        total += (uint64_t)n;
    }
    ck_assert_int_eq(n, 0);
    ck_assert_uint_eq(total, backup_bytes(b));
    fclose(f);
    backup_close(b);
}

static enum lathe_status restore(const char *from, bool force, struct restored *out, struct lathe_error *err)
{
    struct restore_request request = {.file = from, .dir = target, .force = force, .version = 1};
    return backup_restore(&request, out, err);
}

static const char *restored_text(const char *key, char text[64])
{
    struct kv *copy = NULL;
    ck_assert_ok(kv_open(target, 1, &(struct kv_options){.unsafe_nosync = true}, &copy, ok_err));
    store_text(copy, key, text);
    kv_close(copy);
    return text;
}

START_TEST(a_backup_read_in_any_steps_is_whole_and_restores)
{
    static const size_t steps[] = {1, 7, 63, 64, 65, 4096};
    char text[64];
    struct restored restored;
    struct backup_info info;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        back_up(steps[i]);
        ck_assert_ok(backup_check(file, &info, ok_err));
        ck_assert_uint_gt(info.bytes, 4096);
    }
    ck_assert_ok(restore(file, false, &restored, ok_err));
    ck_assert_uint_eq(restored.keys, 1);
    ck_assert_str_eq(restored.aside, "");
    ck_assert_str_eq(restored_text("key", text), "backed up");
}
END_TEST

START_TEST(nothing_is_left_in_the_folder_of_a_backup)
{
    struct backup *b = NULL;
    char command[200];
    ck_assert_ok(backup_open(kv, folder, &b, ok_err));
    snprintf(command, sizeof command, "test \"$(ls -A %s)\" = \"$(printf 'data.mdb\\nlock\\nlock.mdb')\"", folder);
    ck_assert_int_eq(system(command), 0);
    backup_close(b);
}
END_TEST

START_TEST(what_was_there_stays_unless_forced_and_is_kept_aside_then)
{
    char text[64];
    char path[256];
    char token[160];
    struct restored restored;
    struct lathe_error err = {0};
    back_up(4096);
    ck_assert_ok(restore(file, false, &restored, ok_err));
    ck_assert_ok(store_put_text(kv, "key", "later", ok_err));
    back_up(4096);
    snprintf(token, sizeof token, "%s/admin.token", target);
    ck_assert_ok(file_write(token, "old\n", 4, 0600, ok_err));
    ck_assert_int_eq(restore(file, false, &restored, &err), LATHE_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.message, "--force"));
    ck_assert_str_eq(restored_text("key", text), "backed up");
    ck_assert_int_eq(access(token, F_OK), 0);
    ck_assert_ok(restore(file, true, &restored, ok_err));
    ck_assert_str_eq(restored_text("key", text), "later");
    snprintf(path, sizeof path, "%s/%s", target, restored.aside);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_ne(access(token, F_OK), 0); /* the server writes one that is in the store */
}
END_TEST

START_TEST(a_folder_whose_server_runs_is_left_alone)
{
    struct restored restored;
    struct lathe_error err = {0};
    char text[64];
    back_up(4096);
    struct restore_request request = {.file = file, .dir = folder, .force = true, .version = 1};
    ck_assert_ok(store_put_text(kv, "key", "later", ok_err));
    ck_assert_int_eq(backup_restore(&request, &restored, &err), LATHE_CONFLICT);
    ck_assert_str_eq(store_text(kv, "key", text), "later");
}
END_TEST

START_TEST(data_of_a_newer_server_are_refused)
{
    struct restored restored;
    struct lathe_error err = {0};
    char path[160];
    back_up(4096);
    struct restore_request request = {.file = file, .dir = target, .version = 0};
    ck_assert_int_eq(backup_restore(&request, &restored, &err), LATHE_NEWER);
    snprintf(path, sizeof path, "%s/data.mdb", target);
    ck_assert_int_ne(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/restoring.mdb", target);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* Nothing at all may appear where a file is refused. */
static void check_refused(const char *data, size_t size)
{
    struct restored restored;
    struct lathe_error err = {0};
    ck_assert_ok(file_write(other, data, size, 0600, ok_err));
    ck_assert_int_eq(restore(other, true, &restored, &err), LATHE_INVALID);
    ck_assert_ptr_nonnull(strstr(err.message, "b.backup is no whole backup"));
    ck_assert_ptr_nonnull(strstr(err.message, "Nothing was changed"));
    ck_assert_int_ne(access(target, F_OK), 0);
}

START_TEST(files_that_were_cut_are_refused)
{
    char *data;
    size_t size;
    struct rng rng;
    back_up(4096);
    ck_assert_ok(file_read(file, SIZE_MAX / 2, &data, &size, ok_err));
    rng_seed(&rng, 5);
    for (size_t left = 0; left < 200; left++) check_refused(data, left);
    for (size_t cut = 1; cut < 200; cut++) check_refused(data, size - cut);
    for (int i = 0; i < 200; i++) check_refused(data, rng_below(&rng, (uint32_t)size));
    free(data);
}
END_TEST

START_TEST(files_in_which_a_bit_is_turned_are_refused)
{
    char *data;
    size_t size;
    struct rng rng;
    back_up(4096);
    ck_assert_ok(file_read(file, SIZE_MAX / 2, &data, &size, ok_err));
    rng_seed(&rng, 6);
    for (int i = 0; i < 500; i++) {
        size_t at = i < 64 ? size - 1 - (size_t)i : rng_below(&rng, (uint32_t)size);
        char bit = (char)(1 << rng_below(&rng, 8));
        data[at] ^= bit;
        check_refused(data, size);
        data[at] ^= bit;
    }
    free(data);
}
END_TEST

START_TEST(files_that_never_were_backups_are_refused)
{
    struct restored restored;
    struct lathe_error err = {0};
    char noise[70000];
    struct rng rng;
    rng_seed(&rng, 7);
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)rng_below(&rng, 256);
    check_refused("", 0);
    check_refused(noise, sizeof noise);
    ck_assert_int_eq(restore("/nowhere/at-all", false, &restored, &err), LATHE_NOT_FOUND);
    ck_assert_int_eq(restore(dir.path, false, &restored, &err), LATHE_INVALID);
}
END_TEST

static TCase *backups(void)
{
    TCase *c = tcase_create("backup");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_backup_read_in_any_steps_is_whole_and_restores);
    tcase_add_test(c, nothing_is_left_in_the_folder_of_a_backup);
    tcase_add_test(c, what_was_there_stays_unless_forced_and_is_kept_aside_then);
    tcase_add_test(c, a_folder_whose_server_runs_is_left_alone);
    tcase_add_test(c, data_of_a_newer_server_are_refused);
    tcase_add_test(c, files_that_were_cut_are_refused);
    tcase_add_test(c, files_in_which_a_bit_is_turned_are_refused);
    tcase_add_test(c, files_that_never_were_backups_are_refused);
    return c;
}

TEST_MAIN("backup", backups())
