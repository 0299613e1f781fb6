/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lut/base/buf.h"

enum lathe_status file_read(const char *path, size_t max_bytes, char **data, size_t *size, struct lathe_error *err)
{
    bool standard_input = strcmp(path, "-") == 0;
    int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        enum lathe_status st = errno == ENOENT ? LATHE_NOT_FOUND : LATHE_IO;
        return error_set(err, st, "can't open %s: %s", path, strerror(errno));
    }
    enum lathe_status st = LATHE_OK;
    struct buf b;
    buf_init(&b);
    char chunk[65536];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            st = error_set(err, LATHE_IO, "can't read %s: %s", path, strerror(errno));
            break;
        }
        buf_put(&b, chunk, (size_t)n);
        if (n == 0) break;
        if (b.size > max_bytes) {
            st = error_set(err, LATHE_INVALID, "%s is larger than %zu bytes", path, max_bytes);
            break;
        }
    }
    if (!st && b.failed) st = error_set(err, LATHE_NO_MEMORY, "no memory to read %s", path);
    if (!standard_input) close(fd);
    if (st) {
        buf_clear(&b);
        return st;
    }
    *data = buf_take(&b, size);
    return LATHE_OK;
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

/* The new name must survive a power cut as the content does. */
static int sync_folder_of(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -1;
    int rc = fsync(fd);
    close(fd);
    return rc;
}

enum lathe_status file_write(const char *path, const void *data, size_t size, unsigned mode, struct lathe_error *err)
{
    /* One name a call: two threads may write the same file at once, and the last one's content stands. */
    static _Atomic unsigned calls;
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.%d.%u.tmp", path, (int)getpid(), atomic_fetch_add(&calls, 1)) >=
        (int)sizeof temporary)
        return error_set(err, LATHE_INVALID, "path %s is too long", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
    if (fd < 0) return error_set(err, LATHE_IO, "can't create %s: %s", temporary, strerror(errno));
    bool written = write_all(fd, data, size) == 0 && fsync(fd) == 0;
    if (close(fd) != 0) written = false;
    if (written && rename(temporary, path) == 0 && sync_folder_of(path) == 0) return LATHE_OK;
    int reason = errno;
    unlink(temporary);
    return error_set(err, LATHE_IO, "can't write %s: %s", path, strerror(reason));
}
