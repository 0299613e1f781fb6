/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "check_main.h"
#include "test_kv_dir.h"

enum { KEYS = 2000, VALUE_BYTES = 3000 };

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

/* All keys get values of one letter, in one transaction. */
static enum lathe_status put_all(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    char value[VALUE_BYTES];
    char key[32];
    enum lathe_status st = LATHE_OK;
    memset(value, *(const char *)context, sizeof value);
    for (int i = 0; !st && i < KEYS; i++) {
        snprintf(key, sizeof key, "key/%05d", i);
        st = kv_put(txn, KV_KEY(key), value, sizeof value, err);
    }
    return st;
}

static void path_in_dir(const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", dir.path, name);
}

static off_t copy_to(const char *name)
{
    char path[128];
    struct stat info;
    path_in_dir(name, path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_ok(kv_copy(kv, fd, ok_err));
    ck_assert_int_eq(fstat(fd, &info), 0);
    close(fd);
    return info.st_size;
}

/* Make a copy the store of a folder of its own, and open that. */
static struct kv *open_copy(const char *name, const char *folder)
{
    char from[128];
    char to[160];
    struct kv *copy = NULL;
    struct kv_hold *hold = NULL;
    path_in_dir(name, from);
    ck_assert_ok(kv_hold_open(folder, &hold, ok_err));
    ck_assert(!kv_hold_has_store(hold));
    snprintf(to, sizeof to, "%s/new.mdb", folder);
    ck_assert_int_eq(rename(from, to), 0);
    ck_assert_ok(kv_hold_replace(hold, "new.mdb", "old.mdb", ok_err));
    kv_hold_close(hold);
    ck_assert_ok(kv_open(folder, 1, &(struct kv_options){.unsafe_nosync = true}, &copy, ok_err));
    return copy;
}

struct letters {
    size_t keys;
    char first;
    bool mixed;
};

static bool note_letter(void *context, struct kv_slice key, struct kv_slice value)
{
    struct letters *l = context;
    char letter = *(const char *)value.data;
    (void)key;
    if (!l->keys++) l->first = letter;
    l->mixed |= letter != l->first || value.size != VALUE_BYTES;
    return true;
}

static struct letters letters_of(struct kv *store)
{
    struct letters l = {0};
    struct kv_txn *txn;
    ck_assert_ok(kv_read_begin(store, &txn, ok_err));
    ck_assert_ok(kv_scan(txn, "key/", NULL, note_letter, &l, ok_err));
    kv_read_end(txn);
    return l;
}

START_TEST(a_copy_has_what_the_store_had_without_its_free_pages)
{
    struct kv_copy_info info;
    struct kv_stats stats;
    char path[128];
    char folder[128];
    char text[64];
    ck_assert_ok(kv_write(kv, put_all, "a", ok_err));
    ck_assert_ok(kv_write(kv, put_all, "b", ok_err));
    ck_assert_ok(store_put_text(kv, "last", "word", ok_err));
    off_t bytes = copy_to("copy.mdb");
    kv_get_stats(kv, &stats);
    ck_assert_uint_lt((uint64_t)bytes, stats.file_bytes * 3 / 4);
    path_in_dir("copy.mdb", path);
    ck_assert_ok(kv_copy_check(path, 1, &info, ok_err));
    ck_assert_uint_eq(info.keys, KEYS + 1);
    ck_assert_uint_eq(info.version, 1);
    path_in_dir("elsewhere", folder);
    struct kv *copy = open_copy("copy.mdb", folder);
    ck_assert_uint_eq(letters_of(copy).keys, KEYS);
    ck_assert_int_eq(letters_of(copy).first, 'b');
    ck_assert_str_eq(store_text(copy, "last", text), "word");
    ck_assert_ok(store_put_text(copy, "after", "goes on", ok_err));
    kv_close(copy);
}
END_TEST

static atomic_bool done;

static void *write_on(void *context)
{
    int *rounds = context;
    while (!atomic_load(&done)) {
        char letter[2] = {(char)('a' + ++*rounds % 26), '\0'};
        if (kv_write(kv, put_all, letter, NULL)) return (void *)"failed";
    }
    return NULL;
}

START_TEST(copies_are_of_one_moment_while_a_writer_goes_on)
{
    enum { COPIES = 5 };
    pthread_t writer;
    void *failed;
    int rounds = 0;
    char name[32];
    char folder[128];
    ck_assert_ok(kv_write(kv, put_all, "a", ok_err));
    ck_assert_int_eq(pthread_create(&writer, NULL, write_on, &rounds), 0);
    for (int i = 0; i < COPIES; i++) {
        snprintf(name, sizeof name, "copy-%d.mdb", i);
        copy_to(name);
    }
    atomic_store(&done, true);
    pthread_join(writer, &failed);
    ck_assert_ptr_null(failed);
    ck_assert_int_gt(rounds, 0);
    for (int i = 0; i < COPIES; i++) {
        snprintf(name, sizeof name, "elsewhere-%d", i);
        path_in_dir(name, folder);
        snprintf(name, sizeof name, "copy-%d.mdb", i);
        struct kv *copy = open_copy(name, folder);
        struct letters l = letters_of(copy);
        ck_assert_uint_eq(l.keys, KEYS);
        ck_assert(!l.mixed);
        kv_close(copy);
    }
}
END_TEST

START_TEST(a_folder_in_use_can_not_be_held)
{
    struct kv_hold *hold = NULL;
    struct lathe_error err = {0};
    ck_assert_int_eq(kv_hold_open(dir.path, &hold, &err), LATHE_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.message, "in use"));
    ck_assert_ptr_null(hold);
}
END_TEST

START_TEST(a_store_that_is_replaced_is_kept_aside)
{
    char path[128];
    char text[64];
    struct kv_hold *hold = NULL;
    ck_assert_ok(store_put_text(kv, "which", "new", ok_err));
    copy_to("copy.mdb");
    ck_assert_ok(store_put_text(kv, "which", "old", ok_err));
    kv_close(kv);
    ck_assert_ok(kv_hold_open(dir.path, &hold, ok_err));
    ck_assert(kv_hold_has_store(hold));
    ck_assert_int_eq(kv_hold_replace(hold, "absent.mdb", "old.mdb", NULL), LATHE_IO);
    path_in_dir("old.mdb", path);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_ok(kv_hold_replace(hold, "copy.mdb", "old.mdb", ok_err));
    kv_hold_close(hold);
    ck_assert_int_eq(access(path, F_OK), 0);
    kv = store_open(&dir);
    ck_assert_str_eq(store_text(kv, "which", text), "new");
}
END_TEST

START_TEST(a_copy_of_a_newer_version_and_a_file_that_is_none_are_refused)
{
    struct kv_copy_info info;
    struct lathe_error err = {0};
    char path[128];
    copy_to("copy.mdb");
    path_in_dir("copy.mdb", path);
    ck_assert_int_eq(kv_copy_check(path, 0, &info, &err), LATHE_NEWER);
    path_in_dir("lock", path);
    ck_assert_int_eq(kv_copy_check(path, 1, &info, &err), LATHE_INVALID);
    path_in_dir("absent", path);
    ck_assert_int_eq(kv_copy_check(path, 1, &info, &err), LATHE_INVALID);
}
END_TEST

static TCase *copies(void)
{
    TCase *c = tcase_create("copy");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_copy_has_what_the_store_had_without_its_free_pages);
    tcase_add_test(c, copies_are_of_one_moment_while_a_writer_goes_on);
    tcase_add_test(c, a_folder_in_use_can_not_be_held);
    tcase_add_test(c, a_store_that_is_replaced_is_kept_aside);
    tcase_add_test(c, a_copy_of_a_newer_version_and_a_file_that_is_none_are_refused);
    return c;
}

TEST_MAIN("kv_copy", copies())
