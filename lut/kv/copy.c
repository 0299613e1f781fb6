/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lut/kv/store.h"

enum lathe_status kv_copy(struct kv *kv, int fd, struct lathe_error *err)
{
    int rc = mdb_env_copyfd2(kv->env, fd, MDB_CP_COMPACT);
    return rc ? kv_failed(kv, rc, "copy", err) : LATHE_OK;
}

static enum lathe_status copy_failed(const char *file, const char *why, struct lathe_error *err)
{
    return error_set(err, LATHE_INVALID, "%s holds no store that this program can read (%s)", file, why);
}

/* All of a database, read so that each page is touched. */
static int read_all(MDB_txn *txn, MDB_dbi database, uint64_t *keys)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    volatile unsigned char last;
    int rc = mdb_cursor_open(txn, database, &cursor);
    if (rc) return rc;
    while (!(rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) {
        if (value.mv_size) last = ((const unsigned char *)value.mv_data)[value.mv_size - 1];
        ++*keys;
    }
    (void)last;
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static enum lathe_status read_copy(MDB_txn *txn, const char *file, struct kv_copy_info *out, struct lathe_error *err)
{
    MDB_dbi data;
    MDB_dbi meta;
    MDB_val key = {sizeof version_key - 1, (void *)version_key};
    MDB_val value;
    int rc = mdb_dbi_open(txn, "data", 0, &data);
    if (!rc) rc = mdb_dbi_open(txn, "meta", 0, &meta);
    if (!rc) rc = mdb_get(txn, meta, &key, &value);
    if (!rc && value.mv_size != VERSION_BYTES) rc = MDB_CORRUPTED;
    if (!rc) out->version = version_decode(value.mv_data);
    if (!rc) rc = read_all(txn, data, &out->keys);
    return rc ? copy_failed(file, mdb_strerror(rc), err) : LATHE_OK;
}

enum lathe_status kv_copy_check(const char *file, uint32_t version, struct kv_copy_info *out, struct lathe_error *err)
{
    struct kv_copy_info info = {0};
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    int rc = mdb_env_create(&env);
    if (!rc) rc = mdb_env_set_maxdbs(env, 2);
    if (!rc) rc = mdb_env_open(env, file, MDB_RDONLY | MDB_NOSUBDIR | MDB_NOLOCK, 0600);
    if (!rc) rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    enum lathe_status st = rc ? copy_failed(file, mdb_strerror(rc), err) : read_copy(txn, file, &info, err);
    if (!st && info.version > version)
        st = error_set(err, LATHE_NEWER,
                       "%s was written by a newer version of this program (data version %u, this one reads up to %u): "
                       "update the program",
                       file, info.version, version);
    if (txn) mdb_txn_abort(txn);
    if (env) mdb_env_close(env);
    if (!st) *out = info;
    return st;
}

/* Only the folder and the lock of a struct kv are in use. */
struct kv_hold {
    struct kv *kv;
};

enum lathe_status kv_hold_open(const char *dir, struct kv_hold **out, struct lathe_error *err)
{
    struct kv_hold *hold = calloc(1, sizeof *hold);
    if (hold) hold->kv = calloc(1, sizeof *hold->kv);
    if (hold && hold->kv) hold->kv->dir = strdup(dir);
    if (!hold || !hold->kv || !hold->kv->dir) {
        kv_hold_close(hold);
        return error_set(err, LATHE_NO_MEMORY, "no memory to open %s", dir);
    }
    hold->kv->lock_fd = -1;
    enum lathe_status st = folder_take(hold->kv, err);
    if (st) kv_hold_close(hold);
    else *out = hold;
    return st;
}

void kv_hold_close(struct kv_hold *hold)
{
    if (!hold) return;
    if (hold->kv) kv_release(hold->kv);
    free(hold);
}

static const char data_file[] = "data.mdb";
static const char readers_file[] = "lock.mdb"; /* LMDB's, of the processes that have the old store open: of none */

static enum lathe_status path_in(const struct kv_hold *hold, const char *name, char out[PATH_MAX],
                                 struct lathe_error *err)
{
    if (snprintf(out, PATH_MAX, "%s/%s", hold->kv->dir, name) < PATH_MAX) return LATHE_OK;
    return error_set(err, LATHE_INVALID, "path %s is too long", hold->kv->dir);
}

bool kv_hold_has_store(const struct kv_hold *hold)
{
    char path[PATH_MAX];
    return path_in(hold, data_file, path, NULL) == LATHE_OK && access(path, F_OK) == 0;
}

/* The old store keeps its name until the new one takes it: aside is a second name of it, not a move. */
enum lathe_status kv_hold_replace(struct kv_hold *hold, const char *copy, const char *aside, struct lathe_error *err)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    char old[PATH_MAX];
    char readers[PATH_MAX];
    enum lathe_status st = path_in(hold, copy, from, err);
    if (!st) st = path_in(hold, data_file, to, err);
    if (!st) st = path_in(hold, aside, old, err);
    if (!st) st = path_in(hold, readers_file, readers, err);
    if (st) return st;
    if (link(to, old) != 0 && errno != ENOENT)
        return error_set(err, LATHE_IO, "can't keep the old store as %s: %s", old, strerror(errno));
    if (rename(from, to) != 0) {
        int reason = errno;
        unlink(old);
        return error_set(err, LATHE_IO, "can't rename %s to %s: %s", from, to, strerror(reason));
    }
    unlink(readers);
    return folder_sync(hold->kv, err);
}
