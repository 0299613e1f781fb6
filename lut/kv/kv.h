/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* An ordered key-value store with transactions: the seam behind which LMDB stands, and another store could.
 *
 * Caveats first:
 * - Values from kv_get() and kv_scan() live until their transaction ends, and inside a write function only until its
 *   next kv_put() or kv_delete(): copy what you keep.
 * - A write transaction is a function. It may run again from the start (a store may retry, and a group commit may run
 *   it a second time when a neighbour fails): it must do nothing but read its arguments and use its transaction, and
 *   write its outputs afresh each time.
 * - Inside a write function no other transaction may be opened on the same thread; kv_write() there is LATHE_CONFLICT.
 * - A function whose kv_put() or kv_delete() met LATHE_IO fails with that, whatever it returns.
 * - No transaction is held over I/O or waiting.
 * Keys: 1 to KV_KEY_BYTES bytes, ordered by memcmp. Values: up to 1 GiB.
 *
 * Threads: one struct kv serves all threads. Readers never wait and see a snapshot. All writes go through one writer
 * thread, which commits what is waiting as one group; kv_write() returns after its commit is on disk. */
#ifndef LATHE_KV_KV_H
#define LATHE_KV_KV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lut/base/error.h"

enum { KV_KEY_BYTES = 480 };

struct kv;
struct kv_txn;

struct kv_slice {
    const void *data;
    size_t size;
};

struct kv_options {
    size_t map_bytes;    /* the file never gets larger; 0: 64 GiB. One that is larger already does not grow */
    bool unsafe_nosync;  /* for tests and benches: commits don't wait for the disk */
    const char *counted; /* prefix of keys whose bytes are counted, see kv_stats; borrowed; NULL: none */
};

/** Open or create the store in directory dir, which is created when absent (0700), and start its writer thread.
 *  One process at a time: a lock on DIR/lock is held until kv_close().
 *  @param version  the data version that this program writes; a newer store is LATHE_NEWER, an older one is handed to
 *                  the migration of the caller by kv_stored_version().
 *  @return LATHE_OK; LATHE_CONFLICT when another process has it (err names its process id); LATHE_NEWER; LATHE_IO. */
enum lathe_status kv_open(const char *dir, uint32_t version, const struct kv_options *, struct kv **out,
                          struct lathe_error *err);
/** Wait for the writes under way, stop the writer, release. NULL is allowed. */
void kv_close(struct kv *);

/** The version recorded in the store when it was opened; equals the opener's for a new store. */
uint32_t kv_stored_version(const struct kv *);

/** Inside a write: record that the store's data now has this version, in one step with the migration's last change. */
enum lathe_status kv_put_version(struct kv_txn *, uint32_t version, struct lathe_error *err);

/** Begin a snapshot. A thread has at most one at a time. Ends with kv_read_end(). */
enum lathe_status kv_read_begin(struct kv *, struct kv_txn **out, struct lathe_error *err);
void kv_read_end(struct kv_txn *);

/** @return LATHE_OK, LATHE_NOT_FOUND (err untouched) or LATHE_IO. */
enum lathe_status kv_get(struct kv_txn *, const void *key, size_t key_size, struct kv_slice *value,
                         struct lathe_error *err);

/** Visit keys from `from` (inclusive; NULL: the first) that start with prefix, in order, until visit returns false.
 *  visit must not write: kv_put() and its like are LATHE_CONFLICT there. @return LATHE_OK also for none; LATHE_IO. */
enum lathe_status kv_scan(struct kv_txn *, const char *prefix, const char *from,
                          bool (*visit)(void *context, struct kv_slice key, struct kv_slice value), void *context,
                          struct lathe_error *err);

/** Inside a write transaction only. kv_delete of an absent key is LATHE_NOT_FOUND. */
enum lathe_status kv_put(struct kv_txn *, const void *key, size_t key_size, const void *value, size_t value_size,
                         struct lathe_error *err);
enum lathe_status kv_delete(struct kv_txn *, const void *key, size_t key_size, struct lathe_error *err);
/** Delete every key that starts with prefix. @param[out] count may be NULL. */
enum lathe_status kv_delete_prefix(struct kv_txn *, const char *prefix, size_t *count, struct lathe_error *err);

/** A write transaction: anything but LATHE_OK undoes what this function did, and nothing of its neighbours'. */
typedef enum lathe_status (*kv_write_fn)(void *context, struct kv_txn *, struct lathe_error *err);

/** Run fn in a write transaction and wait until it is on disk.
 *  A function that makes the store larger than 15/16 of its limit is LATHE_FULL; one that does not, and so every one
 * that deletes, goes on above it: the rest is the room that LMDB needs to change pages.
 *  @return fn's status; LATHE_FULL, also when the disk is; LATHE_IO when the commit failed. Nothing was changed then.
 */
enum lathe_status kv_write(struct kv *, kv_write_fn fn, void *context, struct lathe_error *err);

/* Who wants to know what changes. */
struct kv_watch {
    const char *const *prefixes; /* of the keys that matter; ended by NULL */
    /* Called after each commit that put or deleted such keys and before the callers of its kv_write() go on, in the
     * order of commits, on the writer thread: it must neither write nor wait for who writes, but may read.
     * @param keys each at least once; they live until it returns. NULL: memory ran out, any key may have changed. */
    void (*changed)(void *context, const struct kv_slice *keys, size_t count);
    void *context;
};
/** From now on tell a watcher of what is committed, in place of the one before; NULL: nobody. What it points to is
 *  borrowed. Call it while no write is under way. */
void kv_watch(struct kv *, const struct kv_watch *);

struct kv_stats {
    uint64_t commits;       /* groups committed since kv_open() */
    uint64_t writes;        /* write functions in them */
    uint64_t file_bytes;    /* of the store's file; it never shrinks: what was deleted is used again */
    uint64_t used_bytes;    /* of them, pages that hold something */
    uint64_t limit_bytes;   /* that the file never passes */
    uint64_t counted_bytes; /* of keys and values under options.counted, without what pages add */
};
/** Cheap: nothing is scanned. Any thread. */
void kv_get_stats(struct kv *, struct kv_stats *out);

/* ---- copies: copy.c ---- */

/** Write a consistent copy of the store to a file, from fd's position on, without its free pages. Writers go on
 *  meanwhile, but pages that they free are used again only when it has ended: fd is a file, not a slow client.
 *  @return LATHE_FULL when the disk is; LATHE_IO. What was written is then of no use. */
enum lathe_status kv_copy(struct kv *, int fd, struct lathe_error *err);

/* What a copy has. */
struct kv_copy_info {
    uint32_t version; /* of its data */
    uint64_t keys;
};
/** Read a copy from its first key to its last. @param version the newest that the caller reads.
 *  @return LATHE_NEWER, or LATHE_INVALID when the file is damaged or none of ours. LMDB trusts what it reads: only give
 *  it files whose checksum is right. */
enum lathe_status kv_copy_check(const char *file, uint32_t version, struct kv_copy_info *out, struct lathe_error *err);

/* A directory that no store is open in meanwhile. */
struct kv_hold;
/** Create the directory when it is absent (0700), and keep others out. @return LATHE_CONFLICT when a store is open
 *  there (err names its process id); LATHE_IO. */
enum lathe_status kv_hold_open(const char *dir, struct kv_hold **out, struct lathe_error *err);
void kv_hold_close(struct kv_hold *);
/** Whether there is a store in it. */
bool kv_hold_has_store(const struct kv_hold *);
/** Make a copy, a file of the same directory, its store in one step: after a crash there is the old one or the new one.
 *  @param aside name in the directory that the old store gets, if there is one. */
enum lathe_status kv_hold_replace(struct kv_hold *, const char *copy, const char *aside, struct lathe_error *err);

/** A text key and its size, as two arguments. Keys longer than KV_KEY_BYTES are refused by kv_put(). */
#define KV_KEY(key) (key), strlen(key)

#endif
