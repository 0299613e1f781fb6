/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <dirent.h>
#include <pthread.h>
#include <sys/stat.h>

#include "check_main.h"
#include "lut/base/file.h"
#include "test_kv_dir.h"

static struct test_dir dir;
static char path[96];

static void set_up(void)
{
    dir = dir_make();
    snprintf(path, sizeof path, "%s/file", dir.path);
}

static void tear_down(void)
{
    dir_remove(&dir);
}

static size_t count_files(void)
{
    size_t n = 0;
    DIR *open = opendir(dir.path);
    for (struct dirent *e = readdir(open); e; e = readdir(open)) n += e->d_name[0] != '.';
    closedir(open);
    return n;
}

START_TEST(a_file_comes_back_as_it_was_written)
{
    enum { SIZE = 200000 };
    unsigned char *bytes = malloc(SIZE);
    char *back = NULL;
    size_t size = 0;
    struct stat info;
    for (size_t i = 0; i < SIZE; i++) bytes[i] = (unsigned char)(i * 7 >> 2);
    ck_assert_ok(file_write(path, "short", 5, 0640, ok_err));
    ck_assert_ok(file_write(path, bytes, SIZE, 0600, ok_err));
    ck_assert_ok(file_read(path, SIZE, &back, &size, ok_err));
    ck_assert_uint_eq(size, SIZE);
    ck_assert_int_eq(memcmp(back, bytes, SIZE), 0);
    ck_assert_int_eq(back[SIZE], '\0');
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
    ck_assert_uint_eq(count_files(), 1);
    free(back);
    free(bytes);
}
END_TEST

START_TEST(an_empty_file_is_an_empty_text)
{
    char *back = NULL;
    size_t size = 1;
    ck_assert_ok(file_write(path, NULL, 0, 0600, ok_err));
    ck_assert_ok(file_read(path, 0, &back, &size, ok_err));
    ck_assert_uint_eq(size, 0);
    ck_assert_str_eq(back, "");
    free(back);
}
END_TEST

START_TEST(what_can_not_be_read_is_an_error_that_names_the_file)
{
    struct lathe_error err;
    char *back = NULL;
    size_t size = 0;
    ck_assert_int_eq(file_read(path, 10, &back, &size, &err), LATHE_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.message, path));
    ck_assert_ok(file_write(path, "12345678901", 11, 0600, ok_err));
    ck_assert_int_eq(file_read(path, 10, &back, &size, &err), LATHE_INVALID);
    ck_assert_ptr_nonnull(strstr(err.message, path));
    ck_assert_int_eq(file_read(dir.path, 10, &back, &size, &err), LATHE_IO);
    ck_assert_ptr_null(back);
}
END_TEST

START_TEST(a_failed_write_leaves_the_old_file_and_nothing_else)
{
    struct lathe_error err;
    char inner[128];
    ck_assert_ok(file_write(path, "old", 3, 0600, ok_err));
    snprintf(inner, sizeof inner, "%s/absent/file", dir.path);
    ck_assert_int_eq(file_write(inner, "x", 1, 0600, &err), LATHE_IO);
    /* A folder can't be replaced by a file: the rename fails after the bytes are written. */
    snprintf(inner, sizeof inner, "%s/folder", dir.path);
    ck_assert_int_eq(mkdir(inner, 0700), 0);
    ck_assert_int_eq(file_write(inner, "x", 1, 0600, &err), LATHE_IO);
    ck_assert_ptr_nonnull(strstr(err.message, inner));
    ck_assert_uint_eq(count_files(), 2);
}
END_TEST

static void *write_often(void *letter)
{
    char text[5000];
    memset(text, *(const char *)letter, sizeof text);
    for (int i = 0; i < 30; i++)
        if (file_write(path, text, sizeof text, 0600, NULL)) return letter;
    return NULL;
}

START_TEST(threads_that_write_the_same_file_leave_one_whole_content)
{
    pthread_t threads[4];
    static char letters[] = "abcd";
    char *back = NULL;
    size_t size = 0;
    for (int i = 0; i < 4; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, write_often, &letters[i]), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    ck_assert_ok(file_read(path, 10000, &back, &size, ok_err));
    ck_assert_uint_eq(size, 5000);
    ck_assert_uint_eq(strspn(back, (char[]){back[0], '\0'}), 5000);
    ck_assert_uint_eq(count_files(), 1);
    free(back);
}
END_TEST

static TCase *files(void)
{
    TCase *c = tcase_create("files");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_file_comes_back_as_it_was_written);
    tcase_add_test(c, an_empty_file_is_an_empty_text);
    tcase_add_test(c, what_can_not_be_read_is_an_error_that_names_the_file);
    tcase_add_test(c, a_failed_write_leaves_the_old_file_and_nothing_else);
    tcase_add_test(c, threads_that_write_the_same_file_leave_one_whole_content);
    return c;
}

TEST_MAIN("base_file", files())
