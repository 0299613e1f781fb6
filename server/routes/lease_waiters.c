/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/lease_waiters.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"

struct waiter {
    struct http_request *request;
    char agent[65], instance[65], machine[65];
    json_t *leases, *cpus;
    uint64_t deadline_ns;
    bool superseded; /* the same instance of the agent has asked again */
    struct waiter *next;
};

struct lease_waiters {
    struct jobs *jobs;
    pthread_t thread;
    pthread_mutex_t lock;   /* guards what follows */
    pthread_cond_t changed; /* work, tick or stop */
    struct waiter *first;   /* newest first */
    uint64_t work;          /* grows whenever there may be work */
    json_t *scans;          /* object: agent -> what it is asked to look at */
    bool ticked, stopping;
};

static void on_work(void *context)
{
    struct lease_waiters *w = context;
    pthread_mutex_lock(&w->lock);
    w->work++;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

/* @return new reference; NULL: nobody asked for one. */
static json_t *take_scan(struct lease_waiters *w, const char *agent)
{
    pthread_mutex_lock(&w->lock);
    json_t *scan = json_incref(json_object_get(w->scans, agent));
    json_object_del(w->scans, agent);
    pthread_mutex_unlock(&w->lock);
    return scan;
}

void lease_waiters_ask_scan(struct lease_waiters *w, const char *agent, json_t *scan)
{
    pthread_mutex_lock(&w->lock);
    json_object_set_new(w->scans, agent, scan);
    w->work++;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

/* Set the reply when there is one to give. @return false: none yet. */
static bool try_lease(struct lease_waiters *all, const struct waiter *w)
{
    struct lathe_error err = {0};
    json_t *lease = NULL;
    const struct lease_request wanted = {w->agent, w->instance, w->machine, w->leases, w->cpus};
    json_t *scan = take_scan(all, w->agent);
    if (scan) {
        http_reply_json(w->request, 200, scan);
        return true;
    }
    enum lathe_status st = jobs_lease_to(all->jobs, &wanted, &lease, &err);
    if (st == LATHE_NOT_FOUND) return false;
    if (st) http_reply_error(w->request, &err, NULL);
    else http_reply_json(w->request, 200, lease);
    return true;
}

static bool is_same(const struct waiter *a, const struct waiter *b)
{
    return strcmp(a->agent, b->agent) == 0 && strcmp(a->instance, b->instance) == 0;
}

static void free_waiter(struct waiter *w)
{
    json_decref(w->leases);
    json_decref(w->cpus);
    free(w);
}

/* A client that has gone gets no lease: nobody would work it off until it expires. */
static bool settle(struct lease_waiters *w, struct waiter *waiter, bool may_have_work, bool stopping)
{
    bool over = stopping || waiter->superseded || clock_now_ns() >= waiter->deadline_ns;
    if (!over) over = http_abandoned(waiter->request);
    if (over) {
        http_reply_empty(waiter->request, 204);
        return true;
    }
    return may_have_work && try_lease(w, waiter);
}

/* Go through waiters that were taken off the list. Those that have to wait on are returned. */
static struct waiter *settle_all(struct lease_waiters *w, struct waiter *list, bool may_have_work, bool stopping)
{
    struct waiter *kept = NULL;
    struct waiter **end = &kept;
    while (list) {
        struct waiter *waiter = list;
        list = list->next;
        waiter->next = NULL;
        if (settle(w, waiter, may_have_work, stopping)) {
            http_finish(waiter->request);
            free_waiter(waiter);
        } else {
            *end = waiter;
            end = &waiter->next;
        }
    }
    return kept;
}

/* Behind those that came in the meantime, who are newer; of one agent only the newest waits on. */
static void put_back(struct lease_waiters *w, struct waiter *kept)
{
    struct waiter **end = &w->first;
    for (; *end; end = &(*end)->next) {
        for (struct waiter *old = kept; old; old = old->next) {
            if (!is_same(old, *end)) continue;
            old->superseded = true;
            w->ticked = true;
        }
    }
    *end = kept;
}

static void *look_after(void *context)
{
    struct lease_waiters *w = context;
    uint64_t seen = 0;
    pthread_mutex_lock(&w->lock);
    while (!w->stopping || w->first) {
        while (seen == w->work && !w->ticked && !w->stopping) pthread_cond_wait(&w->changed, &w->lock);
        bool may_have_work = seen != w->work;
        bool stopping = w->stopping;
        struct waiter *list = w->first;
        seen = w->work;
        w->ticked = false;
        w->first = NULL;
        pthread_mutex_unlock(&w->lock);
        list = settle_all(w, list, may_have_work, stopping);
        pthread_mutex_lock(&w->lock);
        put_back(w, list);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

enum lathe_status lease_waiters_new(struct jobs *jobs, struct lease_waiters **out, struct lathe_error *err)
{
    struct lease_waiters *w = calloc(1, sizeof *w);
    if (!w) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    w->jobs = jobs;
    w->scans = json_object();
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    int failed = pthread_create(&w->thread, NULL, look_after, w);
    if (failed) {
        json_decref(w->scans);
        free(w);
        return error_set(err, LATHE_IO, "can't start a thread: %s", strerror(failed));
    }
    jobs_on_work(jobs, on_work, w);
    *out = w;
    return LATHE_OK;
}

void lease_waiters_tick(struct lease_waiters *w)
{
    pthread_mutex_lock(&w->lock);
    w->ticked = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

void lease_waiters_stop(struct lease_waiters *w)
{
    pthread_mutex_lock(&w->lock);
    bool first = !w->stopping;
    w->stopping = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    if (first) pthread_join(w->thread, NULL);
}

void lease_waiters_free(struct lease_waiters *w)
{
    if (!w) return;
    lease_waiters_stop(w);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
    json_decref(w->scans);
    free(w);
}

/* Join those who wait, unless there may be work that came since the last look, or the server stops.
 * @return false: not joined. */
static bool join(struct lease_waiters *w, struct waiter *waiter, uint64_t seen, bool *stopping)
{
    pthread_mutex_lock(&w->lock);
    *stopping = w->stopping;
    bool joined = !w->stopping && seen == w->work;
    if (joined) {
        for (struct waiter *old = w->first; old; old = old->next) {
            if (!is_same(old, waiter)) continue;
            old->superseded = true;
            w->ticked = true;
        }
        waiter->next = w->first;
        w->first = waiter;
        if (w->ticked) pthread_cond_signal(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    return joined;
}

static uint64_t work_seen(struct lease_waiters *w)
{
    pthread_mutex_lock(&w->lock);
    uint64_t seen = w->work;
    pthread_mutex_unlock(&w->lock);
    return seen;
}

enum http_outcome lease_waiters_serve(struct lease_waiters *w, struct http_request *request,
                                      const struct lease_request *wanted, int wait_s)
{
    struct waiter *waiter = calloc(1, sizeof *waiter);
    if (!waiter) {
        struct lathe_error err = {.status = LATHE_NO_MEMORY, .message = "out of memory"};
        http_reply_error(request, &err, NULL);
        return HTTP_DONE;
    }
    waiter->request = request;
    waiter->deadline_ns = clock_now_ns() + (uint64_t)wait_s * UINT64_C(1000000000);
    snprintf(waiter->agent, sizeof waiter->agent, "%s", wanted->agent);
    snprintf(waiter->instance, sizeof waiter->instance, "%s", wanted->instance);
    snprintf(waiter->machine, sizeof waiter->machine, "%s", wanted->machine);
    waiter->leases = json_deep_copy(wanted->leases);
    waiter->cpus = json_deep_copy(wanted->cpus);
    bool stopping = false;
    while (!stopping) {
        uint64_t seen = work_seen(w);
        if (try_lease(w, waiter)) {
            free_waiter(waiter);
            return HTTP_DONE;
        }
        if (wait_s == 0) break;
        if (join(w, waiter, seen, &stopping)) return HTTP_LATER;
    }
    free_waiter(waiter);
    http_reply_empty(request, 204);
    return HTTP_DONE;
}
