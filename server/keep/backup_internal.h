/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The trailer of a backup; not for other modules. Threads: plain values. */
#ifndef LATHE_KEEP_BACKUP_INTERNAL_H
#define LATHE_KEEP_BACKUP_INTERNAL_H

#include <sodium.h>

#include "server/keep/backup.h"

enum {
    TRAILER_MAGIC_BYTES = 16,
    TRAILER_HASH_BYTES = 32,
    TRAILER_HEAD_BYTES = BACKUP_TRAILER_BYTES - TRAILER_HASH_BYTES,
};

struct trailer {
    uint64_t data_bytes;
    int64_t created_ms;
};
/** Print it. @param hash of the data before it; used up. */
void trailer_write(const struct trailer *, crypto_generichash_state *hash, unsigned char out[BACKUP_TRAILER_BYTES]);
/** @return false: this is none. */
bool trailer_read(const unsigned char in[BACKUP_TRAILER_BYTES], struct trailer *out);

#endif
