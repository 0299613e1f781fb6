/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Group commit: the writer thread takes every write function that waits, runs them one after the other in one LMDB
 * transaction, commits once, and wakes their callers.
 *
 * A function that fails must undo what it did and nothing of its neighbours'. Most fail before they change anything
 * (a conflict, an absent row, malformed input), and then there is nothing to undo. One that fails after a change spoils
 * the transaction: it is aborted, the functions before it run again without it and are committed at once, and the group
 * goes on behind it in a new transaction. So a function runs at most twice, and success costs nothing extra. LMDB's
 * nested transactions would undo without running again, but each allocates 2 MiB for its dirty list and copies the
 * parent's state, in every write and not in the rare bad one alone. */
#include <signal.h>
#include <string.h>

#include "lut/kv/store.h"

enum { FREED_MUCH_BYTES = 64 * 1024 };

struct write_request {
    kv_write_fn fn;
    void *context;
    struct lathe_error err; /* err.status stays LATHE_OK while nobody filled it */
    enum lathe_status status;
    bool settled; /* has failed for good: it doesn't run again */
    bool finished;
    pthread_cond_t done;
    struct write_request *next;
};

static void settle(struct write_request *r, enum lathe_status status, const struct lathe_error *err)
{
    r->status = status;
    r->settled = true;
    if (err) r->err = *err;
}

static enum lathe_status begin(struct kv *kv, struct kv_txn *txn, struct lathe_error *err)
{
    *txn = (struct kv_txn){.kv = kv, .writable = true, .changes = &kv->writer.changes};
    changes_reset(txn->changes);
    int rc = mdb_txn_begin(kv->env, NULL, 0, &txn->txn);
    return rc ? kv_failed(kv, rc, "write", err) : LATHE_OK;
}

/* What is above the limit must not grow. @param[in,out] used bytes before the function ran, and after it. */
static void refuse_growth(const struct kv_txn *txn, struct write_request *r, uint64_t *used)
{
    struct lathe_error full;
    uint64_t before = *used;
    *used = space_used(txn->kv, txn->txn);
    if (*used <= before || !space_is_full(txn->kv, *used)) return;
    space_failed(txn->kv, &full);
    settle(r, full.status, &full);
}

/* Run those of first..end (exclusive) that have not failed yet. @return the one that spoiled the transaction, or NULL.
 * @param[out] changed whether there is anything to commit. */
static struct write_request *run_all(struct kv_txn *txn, struct write_request *first, const struct write_request *end,
                                     bool *changed)
{
    uint64_t used = space_used(txn->kv, txn->txn);
    *changed = false;
    for (struct write_request *r = first; r != end; r = r->next) {
        if (r->settled) continue;
        r->err = (struct lathe_error){0};
        txn->wrote = false;
        r->status = r->fn(r->context, txn, &r->err);
        /* A function can't talk its way past an operation that LMDB refused. */
        if (txn->broken) settle(r, txn->failure.status, &txn->failure);
        else if (r->status) settle(r, r->status, NULL);
        else if (txn->wrote) refuse_growth(txn, r, &used);
        if (r->settled && txn->wrote) return r;
        if (txn->wrote) *changed = true;
    }
    return NULL;
}

/* @return how many of first..end ran well. */
static uint64_t count_good(const struct write_request *first, const struct write_request *end)
{
    uint64_t good = 0;
    for (const struct write_request *r = first; r != end; r = r->next) good += !r->settled;
    return good;
}

static void settle_all(struct write_request *first, const struct write_request *end, const struct lathe_error *why)
{
    for (struct write_request *r = first; r != end; r = r->next)
        if (!r->settled) settle(r, why->status, why);
}

/* LMDB uses pages again from the second transaction after the one that freed them. So that what was deleted makes room
 * at once, a large deletion is followed by a transaction that changes next to nothing. */
static void make_room(struct kv *kv)
{
    static const char key[] = "freed";
    MDB_txn *txn;
    MDB_val k = {sizeof key - 1, (void *)key};
    MDB_val v = {sizeof kv->writer.commits, &kv->writer.commits};
    if (mdb_txn_begin(kv->env, NULL, 0, &txn) != 0) return;
    if (mdb_put(txn, kv->meta, &k, &v, 0) == 0) mdb_txn_commit(txn);
    else mdb_txn_abort(txn);
}

/* Run and commit requests from first on. @return the first one that is left for another transaction, or NULL. */
static struct write_request *commit_some(struct kv *kv, struct write_request *first)
{
    struct write_request *end = NULL;
    struct lathe_error why;
    struct kv_txn txn;
    bool changed;
    uint64_t space_before = 0;
    for (;;) {
        if (begin(kv, &txn, &why)) {
            settle_all(first, end, &why);
            return end;
        }
        space_before = space_used(kv, txn.txn);
        struct write_request *spoiler = run_all(&txn, first, end, &changed);
        if (!spoiler) break;
        mdb_txn_abort(txn.txn);
        end = spoiler->next;
    }
    if (!changed) {
        mdb_txn_abort(txn.txn);
        return end;
    }
    bool freed = space_used(kv, txn.txn) + FREED_MUCH_BYTES < space_before;
    int rc = space_save(&txn);
    if (rc) mdb_txn_abort(txn.txn);
    else rc = mdb_txn_commit(txn.txn);
    if (rc) {
        kv_failed(kv, rc, "write", &why);
        settle_all(first, end, &why);
        return end;
    }
    pthread_mutex_lock(&kv->writer.lock);
    kv->writer.commits++;
    kv->writer.counted += (uint64_t)txn.counted;
    kv->writer.writes += count_good(first, end);
    pthread_mutex_unlock(&kv->writer.lock);
    if (freed) make_room(kv);
    changes_tell(&kv->writer.changes);
    return end;
}

/* A request lives on its caller's stack and is gone as soon as the lock is released. */
static void wake_all(struct writer *w, struct write_request *group)
{
    pthread_mutex_lock(&w->lock);
    while (group) {
        struct write_request *next = group->next;
        group->finished = true;
        pthread_cond_signal(&group->done);
        group = next;
    }
    pthread_mutex_unlock(&w->lock);
}

static struct write_request *take_waiting(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    while (!w->first && !w->stop) pthread_cond_wait(&w->work, &w->lock);
    struct write_request *group = w->first;
    w->first = NULL;
    w->end = &w->first;
    w->changes.watch = w->watch.changed ? &w->watch : NULL;
    pthread_mutex_unlock(&w->lock);
    return group;
}

static void *writer_main(void *argument)
{
    struct kv *kv = argument;
    for (;;) {
        struct write_request *group = take_waiting(&kv->writer);
        if (!group) return NULL;
        for (struct write_request *r = group; r;) r = commit_some(kv, r);
        wake_all(&kv->writer, group);
    }
}

enum lathe_status writer_start(struct kv *kv, struct lathe_error *err)
{
    struct writer *w = &kv->writer;
    w->end = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, NULL);
    /* Signals belong to the program's own threads. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&w->thread, NULL, writer_main, kv);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!rc) return LATHE_OK;
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    return error_set(err, LATHE_NO_MEMORY, "can't start the store's writer thread: %s", strerror(rc));
}

void writer_stop(struct kv *kv)
{
    struct writer *w = &kv->writer;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    changes_clear(&w->changes);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
}

enum lathe_status kv_write(struct kv *kv, kv_write_fn fn, void *context, struct lathe_error *err)
{
    struct writer *w = &kv->writer;
    if (pthread_equal(pthread_self(), w->thread))
        return error_set(err, LATHE_CONFLICT, "a write function can't start another write");
    struct write_request r = {.fn = fn, .context = context};
    pthread_cond_init(&r.done, NULL);
    pthread_mutex_lock(&w->lock);
    *w->end = &r;
    w->end = &r.next;
    pthread_cond_signal(&w->work);
    while (!r.finished) pthread_cond_wait(&r.done, &w->lock);
    pthread_mutex_unlock(&w->lock);
    pthread_cond_destroy(&r.done);
    if (r.status && err && r.err.status) *err = r.err;
    return r.status;
}

void kv_watch(struct kv *kv, const struct kv_watch *watch)
{
    pthread_mutex_lock(&kv->writer.lock);
    kv->writer.watch = watch ? *watch : (struct kv_watch){0};
    pthread_mutex_unlock(&kv->writer.lock);
}
