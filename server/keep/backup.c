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

#include "lut/base/clock.h"
#include "server/keep/backup_internal.h"

struct backup {
    crypto_generichash_state hash;
    struct trailer trailer;
    uint64_t at; /* bytes that were read, of file and trailer */
    int fd;
    bool sealed; /* bytes of the trailer are made */
    unsigned char end[BACKUP_TRAILER_BYTES];
};

static const char magic[TRAILER_MAGIC_BYTES] = "lathe backup 1";

static void put_u64(unsigned char *out, uint64_t value)
{
    for (int i = 0; i < 8; i++) out[i] = (unsigned char)(value >> (8 * (7 - i)));
}

static uint64_t get_u64(const unsigned char *in)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value = value << 8 | in[i];
    return value;
}

void trailer_write(const struct trailer *t, crypto_generichash_state *hash, unsigned char out[BACKUP_TRAILER_BYTES])
{
    memcpy(out, magic, TRAILER_MAGIC_BYTES);
    put_u64(out + TRAILER_MAGIC_BYTES, t->data_bytes);
    put_u64(out + TRAILER_MAGIC_BYTES + 8, (uint64_t)t->created_ms);
    crypto_generichash_update(hash, out, TRAILER_HEAD_BYTES);
    crypto_generichash_final(hash, out + TRAILER_HEAD_BYTES, TRAILER_HASH_BYTES);
}

bool trailer_read(const unsigned char in[BACKUP_TRAILER_BYTES], struct trailer *out)
{
    if (memcmp(in, magic, TRAILER_MAGIC_BYTES) != 0) return false;
    out->data_bytes = get_u64(in + TRAILER_MAGIC_BYTES);
    out->created_ms = (int64_t)get_u64(in + TRAILER_MAGIC_BYTES + 8);
    return true;
}

/* File systems without O_TMPFILE get a file that loses its name at once. @return -1: errno says why. */
static int open_nameless(const char *dir)
{
    char path[PATH_MAX];
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
    if (snprintf(path, sizeof path, "%s/backup.XXXXXX", dir) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) unlink(path);
    return fd;
}

enum lathe_status backup_open(struct kv *kv, const char *dir, struct backup **out, struct lathe_error *err)
{
    struct backup *b = calloc(1, sizeof *b);
    struct stat info;
    if (!b) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    b->fd = open_nameless(dir);
    b->trailer.created_ms = clock_wall_ms();
    crypto_generichash_init(&b->hash, NULL, 0, TRAILER_HASH_BYTES);
    enum lathe_status st = LATHE_OK;
    if (b->fd < 0) st = error_set(err, LATHE_IO, "can't create a file in %s: %s", dir, strerror(errno));
    if (!st) st = kv_copy(kv, b->fd, err);
    if (!st && fstat(b->fd, &info) != 0) st = error_set(err, LATHE_IO, "can't read a copy: %s", strerror(errno));
    if (st) {
        backup_close(b);
        return st;
    }
    b->trailer.data_bytes = (uint64_t)info.st_size;
    *out = b;
    return LATHE_OK;
}

uint64_t backup_bytes(const struct backup *b)
{
    return b->trailer.data_bytes + BACKUP_TRAILER_BYTES;
}

static ssize_t read_data(struct backup *b, char *out, size_t size)
{
    uint64_t left = b->trailer.data_bytes - b->at;
    ssize_t n = pread(b->fd, out, size < left ? size : (size_t)left, (off_t)b->at);
    if (n <= 0) return -1;
    crypto_generichash_update(&b->hash, (unsigned char *)out, (unsigned long long)n);
    return n;
}

static ssize_t read_trailer(struct backup *b, char *out, size_t size)
{
    if (!b->sealed) trailer_write(&b->trailer, &b->hash, b->end);
    b->sealed = true;
    size_t done = (size_t)(b->at - b->trailer.data_bytes);
    size_t left = BACKUP_TRAILER_BYTES - done;
    size_t n = size < left ? size : left;
    memcpy(out, b->end + done, n);
    return (ssize_t)n;
}

ssize_t backup_read(struct backup *b, char *out, size_t size)
{
    ssize_t n = b->at < b->trailer.data_bytes ? read_data(b, out, size) : read_trailer(b, out, size);
    if (n > 0) b->at += (uint64_t)n;
    return n;
}

void backup_close(struct backup *b)
{
    if (!b) return;
    if (b->fd >= 0) close(b->fd);
    free(b);
}
