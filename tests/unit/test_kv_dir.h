/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A folder for one test, removed with all that is in it; and shorthands for stores in it. */
#ifndef LATHE_TESTS_KV_DIR_H
#define LATHE_TESTS_KV_DIR_H

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lut/kv/kv.h"

#define ck_assert_ok(call)                                                                                       \
    do {                                                                                                         \
        struct lathe_error ok_error_ = {0};                                                                      \
        struct lathe_error *ok_err = &ok_error_;                                                                 \
        enum lathe_status ok_status_ = (call);                                                                   \
        ck_assert_msg(ok_status_ == LATHE_OK, "%s: %s (%s)", #call, status_text(ok_status_), ok_error_.message); \
    } while (0)

struct test_dir {
    char path[64];
};

static inline struct test_dir dir_make(void)
{
    struct test_dir dir = {"/tmp/lathe-test-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(dir.path));
    return dir;
}

static inline int dir_remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

static inline void dir_remove(struct test_dir *dir)
{
    ck_assert_int_eq(nftw(dir->path, dir_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Commits don't wait for the disk: tests of what a process sees need not. */
static inline struct kv *store_open(const struct test_dir *dir)
{
    struct kv *kv = NULL;
    ck_assert_ok(kv_open(dir->path, 1, &(struct kv_options){.unsafe_nosync = true}, &kv, ok_err));
    return kv;
}

struct put_args {
    const char *key;
    const void *value;
    size_t size;
};

static inline enum lathe_status put_one(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const struct put_args *a = context;
    return kv_put(txn, KV_KEY(a->key), a->value, a->size, err);
}

static inline enum lathe_status store_put_text(struct kv *kv, const char *key, const char *value,
                                               struct lathe_error *err)
{
    return kv_write(kv, put_one, &(struct put_args){key, value, strlen(value)}, err);
}

static inline enum lathe_status store_put_bytes(struct kv *kv, const char *key, const void *bytes, size_t n,
                                                struct lathe_error *err)
{
    return kv_write(kv, put_one, &(struct put_args){key, bytes, n}, err);
}

/* The text under a key into out (at most 63 characters); "" when there is none. */
static inline const char *store_text(struct kv *kv, const char *key, char out[64])
{
    struct kv_txn *txn = NULL;
    struct kv_slice value = {0};
    out[0] = '\0';
    ck_assert_ok(kv_read_begin(kv, &txn, ok_err));
    if (kv_get(txn, KV_KEY(key), &value, NULL) == LATHE_OK)
        snprintf(out, 64, "%.*s", (int)value.size, (const char *)value.data);
    kv_read_end(txn);
    return out;
}

#endif
