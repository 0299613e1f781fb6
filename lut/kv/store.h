/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the files of lut/kv share; not for other modules.
 *
 * open.c opens and closes an environment, transaction.c reads and writes inside one transaction, writer.c is the thread
 * that commits groups of write functions, changes.c notes the keys that they change for who watches.
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
    struct kv_watch watch;  /* changed: NULL when nobody watches */
    struct changes changes; /* the writer thread's own */
};

struct kv {
    MDB_env *env;
    MDB_dbi data, meta;
    int lock_fd;
    char *dir;
    size_t map_bytes;
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
    struct changes *changes;    /* of a write */
};

/** An error message for what LMDB returned. @param doing e.g. "write". @return LATHE_IO. */
enum lathe_status kv_failed(const struct kv *, int rc, const char *doing, struct lathe_error *err);

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
