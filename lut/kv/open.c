/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lut/kv/store.h"

static const size_t default_map_bytes = (size_t)64 << 30;
enum { MAX_READERS = 1024 };
const char version_key[8] = "version";

/* LMDB makes EIO of a write that was cut short, and a full disk does that. */
static bool disk_is_full(const struct kv *kv)
{
    static const uint64_t little = (uint64_t)16 << 20;
    struct statvfs disk;
    return statvfs(kv->dir, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < little;
}

enum lathe_status kv_failed(const struct kv *kv, int rc, const char *doing, struct lathe_error *err)
{
    if (rc == EIO && disk_is_full(kv)) rc = ENOSPC;
    switch (rc) {
    case MDB_MAP_FULL:
        return space_failed(kv, err);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return error_set(err, LATHE_FULL, "no space for the store in %s (%s); nothing was changed. Free some and retry",
                         kv->dir, strerror(rc));
    case EIO: /* also a quota's or a limit's, which cut writes short */
        return error_set(err, LATHE_IO,
                         "can't %s the store in %s: the disk is full or failing (%s); nothing was changed. Check its "
                         "free space and the system's log",
                         doing, kv->dir, strerror(rc));
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
        return error_set(err, LATHE_IO, "the store in %s is damaged or none of ours (%s); restore it from a backup",
                         kv->dir, mdb_strerror(rc));
    case MDB_PANIC:
        return error_set(err, LATHE_IO, "the store in %s met a fatal error earlier; check its disk and start again",
                         kv->dir);
    default:
        return error_set(err, LATHE_IO, "can't %s the store in %s: %s", doing, kv->dir, mdb_strerror(rc));
    }
}

static enum lathe_status make_directory(struct kv *kv, struct lathe_error *err)
{
    if (mkdir(kv->dir, 0700) == 0 || errno == EEXIST) return LATHE_OK;
    return error_set(err, LATHE_IO, "can't create the folder %s: %s", kv->dir, strerror(errno));
}

/* The kernel drops the lock when its process ends, however that ends; the pid inside is for the message alone. */
static enum lathe_status take_lock(struct kv *kv, struct lathe_error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/lock", kv->dir) >= (int)sizeof path)
        return error_set(err, LATHE_INVALID, "path %s is too long", kv->dir);
    kv->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (kv->lock_fd < 0) return error_set(err, LATHE_IO, "can't open %s: %s", path, strerror(errno));
    if (flock(kv->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return error_set(err, LATHE_IO, "can't lock %s: %s", path, strerror(errno));
        char owner[24] = "";
        ssize_t n = pread(kv->lock_fd, owner, sizeof owner - 1, 0);
        owner[n > 0 ? n : 0] = '\0';
        owner[strspn(owner, "0123456789")] = '\0';
        return error_set(err, LATHE_CONFLICT, "%s is in use by process %s: stop it, or choose another folder", kv->dir,
                         owner[0] ? owner : "(unknown)");
    }
    char owner[24];
    int n = snprintf(owner, sizeof owner, "%ld\n", (long)getpid());
    if (ftruncate(kv->lock_fd, 0) != 0 || pwrite(kv->lock_fd, owner, (size_t)n, 0) != n)
        return error_set(err, LATHE_IO, "can't write %s: %s", path, strerror(errno));
    return LATHE_OK;
}

enum lathe_status folder_take(struct kv *kv, struct lathe_error *err)
{
    enum lathe_status st = make_directory(kv, err);
    return st ? st : take_lock(kv, err);
}

static enum lathe_status open_environment(struct kv *kv, const struct kv_options *options, struct lathe_error *err)
{
    int rc = mdb_env_create(&kv->env);
    if (!rc) rc = mdb_env_set_mapsize(kv->env, kv->map_bytes);
    if (!rc) rc = mdb_env_set_maxreaders(kv->env, MAX_READERS);
    if (!rc) rc = mdb_env_set_maxdbs(kv->env, 2);
    /* Without MDB_NOTLS a snapshot would belong to its thread; here it belongs to whoever holds it. */
    unsigned flags = MDB_NOTLS | (options && options->unsafe_nosync ? MDB_NOSYNC : 0);
    if (!rc) rc = mdb_env_open(kv->env, kv->dir, flags, 0600);
    return rc ? kv_failed(kv, rc, "open", err) : LATHE_OK;
}

static void encode_version(uint32_t version, unsigned char out[VERSION_BYTES])
{
    for (int i = 0; i < VERSION_BYTES; i++) out[i] = (unsigned char)(version >> (8 * (VERSION_BYTES - 1 - i)));
}

uint32_t version_decode(const unsigned char in[VERSION_BYTES])
{
    uint32_t version = 0;
    for (int i = 0; i < VERSION_BYTES; i++) version = version << 8 | in[i];
    return version;
}

static int put_version(struct kv *kv, MDB_txn *txn, uint32_t version)
{
    unsigned char bytes[VERSION_BYTES];
    encode_version(version, bytes);
    MDB_val key = {sizeof version_key - 1, (void *)version_key};
    MDB_val value = {sizeof bytes, bytes};
    return mdb_put(txn, kv->meta, &key, &value, 0);
}

/* Compare the version on record with ours before anything else is read; a new store gets ours. */
static enum lathe_status check_version(struct kv *kv, MDB_txn *txn, uint32_t version, struct lathe_error *err)
{
    MDB_val key = {sizeof version_key - 1, (void *)version_key};
    MDB_val value;
    int rc = mdb_get(txn, kv->meta, &key, &value);
    if (rc == MDB_NOTFOUND) {
        kv->stored_version = version;
        rc = put_version(kv, txn, version);
        return rc ? kv_failed(kv, rc, "write", err) : LATHE_OK;
    }
    if (!rc && value.mv_size != VERSION_BYTES) rc = MDB_CORRUPTED;
    if (rc) return kv_failed(kv, rc, "read", err);
    kv->stored_version = version_decode(value.mv_data);
    if (kv->stored_version > version)
        return error_set(err, LATHE_NEWER,
                         "%s was written by a newer version of this program (data version %u, this one reads up to "
                         "%u): update the program, or choose another folder",
                         kv->dir, kv->stored_version, version);
    return LATHE_OK;
}

static enum lathe_status open_databases(struct kv *kv, uint32_t version, struct lathe_error *err)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(kv->env, NULL, 0, &txn);
    if (rc) return kv_failed(kv, rc, "open", err);
    rc = mdb_dbi_open(txn, "data", MDB_CREATE, &kv->data);
    if (!rc) rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &kv->meta);
    enum lathe_status st = rc ? kv_failed(kv, rc, "open", err) : check_version(kv, txn, version, err);
    if (!st) {
        rc = space_load(kv, txn);
        if (rc) st = kv_failed(kv, rc, "open", err);
    }
    if (st) {
        mdb_txn_abort(txn);
        return st;
    }
    rc = mdb_txn_commit(txn);
    return rc ? kv_failed(kv, rc, "open", err) : LATHE_OK;
}

enum lathe_status folder_sync(const struct kv *kv, struct lathe_error *err)
{
    int fd = open(kv->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    int reason = errno;
    if (fd >= 0) close(fd);
    return synced ? LATHE_OK : error_set(err, LATHE_IO, "can't sync the folder %s: %s", kv->dir, strerror(reason));
}

void kv_release(struct kv *kv)
{
    if (kv->env) mdb_env_close(kv->env);
    if (kv->lock_fd >= 0) close(kv->lock_fd);
    free(kv->dir);
    free(kv->counted);
    free(kv);
}

enum lathe_status kv_open(const char *dir, uint32_t version, const struct kv_options *options, struct kv **out,
                          struct lathe_error *err)
{
    struct kv *kv = calloc(1, sizeof *kv);
    if (!kv) return error_set(err, LATHE_NO_MEMORY, "no memory to open %s", dir);
    kv->lock_fd = -1;
    kv->map_bytes = options && options->map_bytes ? options->map_bytes : default_map_bytes;
    kv->dir = strdup(dir);
    kv->counted = options && options->counted ? strdup(options->counted) : NULL;
    if (!kv->dir || (options && options->counted && !kv->counted)) {
        kv_release(kv);
        return error_set(err, LATHE_NO_MEMORY, "no memory to open %s", dir);
    }
    enum lathe_status st = folder_take(kv, err);
    if (!st) st = open_environment(kv, options, err);
    if (!st) st = open_databases(kv, version, err);
    if (!st) st = folder_sync(kv, err);
    if (!st) st = writer_start(kv, err);
    if (st) {
        kv_release(kv);
        return st;
    }
    *out = kv;
    return LATHE_OK;
}

void kv_close(struct kv *kv)
{
    if (!kv) return;
    writer_stop(kv);
    kv_release(kv);
}

uint32_t kv_stored_version(const struct kv *kv)
{
    return kv->stored_version;
}

enum lathe_status kv_put_version(struct kv_txn *txn, uint32_t version, struct lathe_error *err)
{
    if (!txn->writable) return error_set(err, LATHE_CONFLICT, "a version can't be recorded in a snapshot");
    txn->wrote = true;
    int rc = put_version(txn->kv, txn->txn, version);
    if (!rc) return LATHE_OK;
    txn->broken = true;
    kv_failed(txn->kv, rc, "write", &txn->failure);
    return kv_failed(txn->kv, rc, "write", err);
}
