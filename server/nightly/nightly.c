/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The thread that moves runs on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lut/base/clock.h"
#include "lut/base/log.h"
#include "server/nightly/internal.h"

/* How long it waits for news. Jobs wake it as they end; patience and progress are looked at this often. */
enum { LOOK_EVERY_S = 1 };

static void step_run(struct nightly *n, const char *id)
{
    struct lathe_error err = {0};
    json_t *run = NULL;
    enum lathe_status st = store_read(n->kv, "run", id, &run, &err);
    size_t count = json_array_size(json_object_get(run, "targets"));
    for (size_t i = 0; !st && i < count; i++) {
        const json_t *target = json_array_get(json_object_get(run, "targets"), i);
        if (target_ended(target)) continue;
        st = target_step(n, run, i, &err);
        if (!st) continue;
        log_event(LOG_WARN, "failed to move on run %s device=%s config=%s: %s", id, doc_text(target, "device"),
                  doc_text(target, "config"), err.message);
        st = LATHE_OK;
    }
    if (st) log_event(LOG_WARN, "failed to read run %s: %s", id, err.message);
    json_decref(run);
}

static void look(struct nightly *n)
{
    struct lathe_error err = {0};
    struct kv_txn *txn;
    json_t *ids = NULL;
    size_t i;
    const json_t *id;
    if (kv_read_begin(n->kv, &txn, &err)) return;
    enum lathe_status st = run_ids(txn, "active-run", &ids, &err);
    kv_read_end(txn);
    if (st) log_event(LOG_WARN, "failed to list runs: %s", err.message);
    json_array_foreach(ids, i, id)
    {
        step_run(n, json_string_value(id));
    }
    json_decref(ids);
}

static void *work(void *context)
{
    struct nightly *n = context;
    pthread_mutex_lock(&n->lock);
    while (!n->stopping) {
        n->looking = false;
        pthread_mutex_unlock(&n->lock);
        look(n);
        pthread_mutex_lock(&n->lock);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LOOK_EVERY_S;
        while (!n->stopping && !n->looking && pthread_cond_timedwait(&n->woken, &n->lock, &until) != ETIMEDOUT) {
        }
    }
    pthread_mutex_unlock(&n->lock);
    return NULL;
}

void nightly_wake(struct nightly *n)
{
    pthread_mutex_lock(&n->lock);
    n->looking = true;
    pthread_cond_signal(&n->woken);
    pthread_mutex_unlock(&n->lock);
}

enum lathe_status nightly_open(struct kv *kv, struct jobs *jobs, const struct catalog *spaces,
                               const struct nightly_search *search, struct nightly **out, struct lathe_error *err)
{
    struct nightly *n = calloc(1, sizeof *n);
    pthread_condattr_t monotonic;
    if (!n) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    *n = (struct nightly){.kv = kv, .jobs = jobs, .spaces = spaces, .search = search, .started_ms = clock_wall_ms()};
    pthread_mutex_init(&n->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&n->woken, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int failed = pthread_create(&n->thread, NULL, work, n);
    if (failed) {
        pthread_cond_destroy(&n->woken);
        pthread_mutex_destroy(&n->lock);
        free(n);
        return error_set(err, LATHE_IO, "can't start a thread: %s", strerror(failed));
    }
    *out = n;
    return LATHE_OK;
}

void nightly_close(struct nightly *n)
{
    if (!n) return;
    pthread_mutex_lock(&n->lock);
    n->stopping = true;
    pthread_cond_signal(&n->woken);
    pthread_mutex_unlock(&n->lock);
    pthread_join(n->thread, NULL);
    pthread_cond_destroy(&n->woken);
    pthread_mutex_destroy(&n->lock);
    free(n);
}
