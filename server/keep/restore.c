/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lut/base/clock.h"
#include "server/keep/backup_internal.h"

enum { BLOCK_BYTES = 1 << 16 };
static const char unpacked[] = "restoring.mdb";

static enum lathe_status no_backup(const char *file, const char *why, struct lathe_error *err)
{
    return error_set(err, LATHE_INVALID, "%s is no whole backup: %s. Nothing was changed", file, why);
}

static bool read_fully(int fd, void *out, size_t size, off_t at)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(fd, (char *)out + done, size - done, at + (off_t)done);
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

static bool write_fully(int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, (const char *)data + done, size - done);
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

/* Read the data, and write it elsewhere where that is asked for. @param to -1: nowhere. @param[out] hash of it. */
static enum lathe_status read_data(const char *file, int fd, const struct trailer *t, int to,
                                   crypto_generichash_state *hash, struct lathe_error *err)
{
    unsigned char block[BLOCK_BYTES];
    crypto_generichash_init(hash, NULL, 0, TRAILER_HASH_BYTES);
    for (uint64_t at = 0; at < t->data_bytes;) {
        uint64_t left = t->data_bytes - at;
        size_t n = left < sizeof block ? (size_t)left : sizeof block;
        if (!read_fully(fd, block, n, (off_t)at))
            return error_set(err, LATHE_IO, "can't read %s: %s", file, strerror(errno));
        if (to >= 0 && !write_fully(to, block, n))
            return error_set(err, errno == ENOSPC || errno == EDQUOT ? LATHE_FULL : LATHE_IO,
                             "can't write what %s holds: %s. Nothing was changed", file, strerror(errno));
        crypto_generichash_update(hash, block, n);
        at += n;
    }
    return LATHE_OK;
}

/* Check an open file. @param to see read_data(). */
static enum lathe_status check_open(const char *file, int fd, int to, struct backup_info *out, struct lathe_error *err)
{
    unsigned char end[BACKUP_TRAILER_BYTES];
    unsigned char expected[BACKUP_TRAILER_BYTES];
    crypto_generichash_state hash;
    struct stat info;
    struct trailer t;
    if (fstat(fd, &info) != 0) return error_set(err, LATHE_IO, "can't read %s: %s", file, strerror(errno));
    off_t data = info.st_size - BACKUP_TRAILER_BYTES;
    if (!S_ISREG(info.st_mode) || data <= 0 || !read_fully(fd, end, sizeof end, data) || !trailer_read(end, &t))
        return no_backup(file, "its end is missing, or it never was one", err);
    if (t.data_bytes != (uint64_t)data) return no_backup(file, "bytes are missing or too many", err);
    enum lathe_status st = read_data(file, fd, &t, to, &hash, err);
    if (st) return st;
    trailer_write(&t, &hash, expected);
    if (memcmp(expected, end, sizeof end) != 0) return no_backup(file, "its checksum is wrong", err);
    *out = (struct backup_info){.bytes = (uint64_t)info.st_size, .created_ms = t.created_ms};
    return LATHE_OK;
}

static enum lathe_status open_file(const char *file, int *fd, struct lathe_error *err)
{
    *fd = open(file, O_RDONLY | O_CLOEXEC);
    if (*fd >= 0) return LATHE_OK;
    return error_set(err, errno == ENOENT ? LATHE_NOT_FOUND : LATHE_IO, "can't open %s: %s", file, strerror(errno));
}

enum lathe_status backup_check(const char *file, struct backup_info *out, struct lathe_error *err)
{
    int fd;
    enum lathe_status st = open_file(file, &fd, err);
    if (st) return st;
    st = check_open(file, fd, -1, out, err);
    close(fd);
    return st;
}

/* The data of a backup as a file of its own, on disk; what is checked is what was written. */
static enum lathe_status unpack(const char *file, const char *to, struct backup_info *out, struct lathe_error *err)
{
    int fd;
    enum lathe_status st = open_file(file, &fd, err);
    if (st) return st;
    int copy = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (copy < 0) {
        st = error_set(err, LATHE_IO, "can't create %s: %s", to, strerror(errno));
    } else {
        st = check_open(file, fd, copy, out, err);
        if (!st && fsync(copy) != 0) st = error_set(err, LATHE_IO, "can't write %s: %s", to, strerror(errno));
        close(copy);
    }
    close(fd);
    return st;
}

static void name_aside(const char *what, char *out, size_t size)
{
    char now[25];
    char digits[16] = "";
    size_t n = 0;
    clock_format(clock_wall_ms(), now);
    for (const char *c = now; *c && *c != '.' && n < sizeof digits - 1; c++)
        if (*c != '-' && *c != ':') digits[n++] = *c;
    snprintf(out, size, "%s.before-%s", what, digits);
}

/* Its token is one of the store that goes; the server writes a new one where there is none. */
static enum lathe_status put_token_aside(const char *dir, struct lathe_error *err)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    char name[64];
    name_aside("admin.token", name, sizeof name);
    if (snprintf(from, sizeof from, "%s/admin.token", dir) >= (int)sizeof from ||
        snprintf(to, sizeof to, "%s/%s", dir, name) >= (int)sizeof to)
        return error_set(err, LATHE_INVALID, "path %s is too long", dir);
    if (rename(from, to) == 0 || errno == ENOENT) return LATHE_OK;
    return error_set(err, LATHE_IO, "can't rename %s: %s", from, strerror(errno));
}

/* In a folder that is held. */
static enum lathe_status restore_into(struct kv_hold *hold, const struct restore_request *r, const char *copy,
                                      struct restored *out, struct lathe_error *err)
{
    struct kv_copy_info info;
    char aside[64];
    bool had = kv_hold_has_store(hold);
    if (had && !r->force)
        return error_set(err, LATHE_CONFLICT,
                         "%s has data: choose another folder, or move what it has aside with --force", r->dir);
    enum lathe_status st = unpack(r->file, copy, &out->backup, err);
    if (!st) st = kv_copy_check(copy, r->version, &info, err);
    if (!st) st = put_token_aside(r->dir, err);
    name_aside("data.mdb", aside, sizeof aside);
    if (!st) st = kv_hold_replace(hold, unpacked, aside, err);
    if (st) return st;
    out->keys = info.keys;
    snprintf(out->aside, sizeof out->aside, "%s", had ? aside : "");
    return LATHE_OK;
}

enum lathe_status backup_restore(const struct restore_request *r, struct restored *out, struct lathe_error *err)
{
    char copy[PATH_MAX];
    struct restored restored = {0};
    struct kv_hold *hold = NULL;
    if (snprintf(copy, sizeof copy, "%s/%s", r->dir, unpacked) >= (int)sizeof copy)
        return error_set(err, LATHE_INVALID, "path %s is too long", r->dir);
    /* Before the folder is made or locked: a wrong file leaves no trace. */
    enum lathe_status st = backup_check(r->file, &restored.backup, err);
    if (!st) st = kv_hold_open(r->dir, &hold, err);
    if (st) return st;
    st = restore_into(hold, r, copy, &restored, err);
    if (st) unlink(copy);
    kv_hold_close(hold);
    if (!st) *out = restored;
    return st;
}
