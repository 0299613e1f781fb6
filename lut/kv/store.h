/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the files of lut/kv share; not for other modules.
 *
 * open.c opens and closes an environment, transaction.c reads and writes inside one transaction, writer.c is the thread
 * that commits groups of write functions, changes.c notes the keys that they change for who watches, space.c knows how
 * full the store is, copy.c makes copies and puts them in place.
 * Threads: struct kv is fixed after kv_open() but for its writer, which has a lock of its own. */
#ifndef LATHE_KV_STORE_H
#define LATHE_KV_STORE_H

#include <lmdb.h>
#include <pthread.h>

#include "lut/kv/kv.h"

struct write_request;

/* Watched keys that a transaction changed, one behind the other. */
struct changes {
    const struct kv_watch *watch; /* NULL: nobody wants them */
    char *bytes;
    size_t size, capacity;
    size_t count, last; /* how many; where the last one starts */
    bool lost;          /* memory ran out */
};

/* The queue in front of the writer thread. lock guards everything below it. */
struct writer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct write_request *first, **end; /* waiting, in order of arrival */
    bool stop;
    uint64_t commits, writes;
    uint64_t counted;       /* bytes of keys that are counted */
    struct kv_watch watch;  /* changed: NULL when nobody watches */
    struct changes changes; /* the writer thread's own */
};

struct kv {
    MDB_env *env;
    MDB_dbi data, meta;
    int lock_fd;
    char *dir;
    size_t map_bytes;
    char *counted; /* prefix; NULL: nothing is counted */
    uint32_t stored_version;
    struct writer writer;
};

struct kv_txn {
    struct kv *kv;
    MDB_txn *txn;
    bool writable;
    bool wrote;                 /* the function under way changed something, or tried to */
    bool broken;                /* LMDB refused an operation: this transaction can only be aborted */
    struct lathe_error failure; /* why it is broken */
    int scans;                  /* scans under way */
    int64_t counted;            /* bytes that it added to those that are counted */
    struct changes *changes;    /* of a write */
};

/** An error message for what LMDB returned. @param doing e.g. "write". @return LATHE_IO, or LATHE_FULL. */
enum lathe_status kv_failed(const struct kv *, int rc, const char *doing, struct lathe_error *err);

/* ---- open.c ---- */

/** Create kv->dir when absent, and lock it for this process. @return as kv_hold_open(). */
enum lathe_status folder_take(struct kv *, struct lathe_error *err);
/** Make the names of the folder's files survive a power cut, too. */
enum lathe_status folder_sync(const struct kv *, struct lathe_error *err);
/** Free what folder_take() and kv_open() made, and struct kv with it. */
void kv_release(struct kv *);
enum { VERSION_BYTES = 4 };
extern const char version_key[8];
uint32_t version_decode(const unsigned char in[VERSION_BYTES]);

/* ---- space.c ---- */

/** Bytes of the pages in use, as a transaction sees them. */
uint64_t space_used(struct kv *, MDB_txn *);
/** Whether a store of this many bytes may not grow any more. */
bool space_is_full(const struct kv *, uint64_t used);
enum lathe_status space_failed(const struct kv *, struct lathe_error *err);
/** Before a key is put or deleted: count. @param size of its new value; below 0: there is none. */
void space_count(struct kv_txn *, const MDB_val *key, int64_t size);
/** The same when what is deleted is known. */
void space_count_deleted(struct kv_txn *, const MDB_val *key, const MDB_val *value);
/** Read what was counted when the store was used last; a store that never counted is read through. */
int space_load(struct kv *, MDB_txn *);
/** Keep what a transaction counted, with it. */
int space_save(const struct kv_txn *);

/* ---- changes.c ---- */

/** Note that a key was put or deleted, if it is watched. */
void changes_note(struct changes *, const void *key, size_t size);
/** Tell the watcher what was noted, if anything was. */
void changes_tell(struct changes *);
/** Forget what was noted. */
void changes_reset(struct changes *);
void changes_clear(struct changes *);

enum lathe_status writer_start(struct kv *, struct lathe_error *err);
/** Run what is waiting, then end the thread. */
void writer_stop(struct kv *);

#endif
