/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Backups: a consistent copy of a server's store in one file, and the way back.
 *
 * A backup is what kv_copy() writes, and BACKUP_TRAILER_BYTES behind it: "lathe backup 1" and two NULs; how many bytes
 * come before (8 bytes, big-endian); when it was made (milliseconds since 1970, the same); BLAKE2b-256 of all that. So
 * a file that was cut short or changed is found out before anything is read from it, and LMDB's own tools open it as it
 * is.
 *
 * Tokens are in it as the store has them, as hashes. admin.token is not: where a store is restored the server writes a
 * new one at its next start, and the old one stops working. The tokens of users and agents go on.
 *
 * Threads: one owner a backup. */
#ifndef LATHE_KEEP_BACKUP_H
#define LATHE_KEEP_BACKUP_H

#include <sys/types.h>

#include "lut/kv/kv.h"

enum { BACKUP_TRAILER_BYTES = 64 };

/* ---- making one ---- */

struct backup;

/** Copy a store into a file of a folder that has no name there, so that nothing is left however the process ends, and
 *  no transaction is open while somebody reads it. @param dir on a disk with room for the copy.
 *  @return as kv_copy(). */
enum lathe_status backup_open(struct kv *, const char *dir, struct backup **out, struct lathe_error *err);
uint64_t backup_bytes(const struct backup *);
/** The next bytes. @return how many; 0 behind the last; below 0 when reading failed. */
ssize_t backup_read(struct backup *, char *out, size_t size);
void backup_close(struct backup *);

/* ---- using one ---- */

struct backup_info {
    uint64_t bytes; /* of the file */
    int64_t created_ms;
};
/** Whether a file is a whole backup. @return LATHE_NOT_FOUND; LATHE_INVALID: it is none, was cut short or has changed;
 *  LATHE_IO. err names the file. */
enum lathe_status backup_check(const char *file, struct backup_info *out, struct lathe_error *err);

struct restore_request {
    const char *file, *dir; /* dir is created when absent; its parent has to be there */
    bool force;             /* what the folder has is moved aside */
    uint32_t version;       /* of data that the server reads, at most */
};
struct restored {
    struct backup_info backup;
    uint64_t keys;
    char aside[64]; /* name in the folder of the store that was there; "": there was none */
};
/** Make a backup the store of a folder: checked from its first byte to its last key before the folder's own store is
 *  touched, and put in place in one step.
 *  @return as backup_check(); LATHE_CONFLICT: a server runs on the folder, or it has a store and force is not set;
 *  LATHE_NEWER; LATHE_FULL; LATHE_IO. Nothing was changed then. */
enum lathe_status backup_restore(const struct restore_request *, struct restored *out, struct lathe_error *err);

#endif
