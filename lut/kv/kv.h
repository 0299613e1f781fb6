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
    size_t map_bytes;   /* upper bound of the store's size; 0: 64 GiB of address space */
    bool unsafe_nosync; /* for tests and benches: commits don't wait for the disk */
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
 *  @return fn's status, or LATHE_IO when the commit failed (disk full: err says so; nothing was changed). */
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
    uint64_t commits;    /* groups committed since kv_open() */
    uint64_t writes;     /* write functions in them */
    uint64_t bytes_used; /* of the store's file */
};
void kv_get_stats(struct kv *, struct kv_stats *out);

/** A text key and its size, as two arguments. Keys longer than KV_KEY_BYTES are refused by kv_put(). */
#define KV_KEY(key) (key), strlen(key)

#endif
