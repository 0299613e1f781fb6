/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "server/http/internal.h"

/* @return false: the reply is set, what the request is to create was created before or can't be told. */
static bool begin_once(struct http_request *r)
{
    const struct http_options *o = &r->server->options;
    const char *key = r->route->roles & HTTP_CREATES && o->begin_once ? http_header(r, "Idempotency-Key") : NULL;
    return !key || o->begin_once(r, key, &r->once);
}

static void run(struct http_request *r)
{
    if (!begin_once(r) || r->route->handle(r) == HTTP_DONE) http_finish(r);
}

static struct http_request *take(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    while (!p->first && !p->stop) pthread_cond_wait(&p->work, &p->lock);
    struct http_request *r = p->first;
    if (r) {
        p->first = r->next;
        if (!p->first) p->end = &p->first;
        p->waiting--;
    }
    pthread_mutex_unlock(&p->lock);
    return r;
}

static void *worker(void *argument)
{
    struct pool *p = argument;
    struct http_request *r;
    while ((r = take(p))) {
        if (!atomic_load(&r->server->stopping)) {
            run(r);
            continue;
        }
        http_reply_problem(r, 503, NULL, NULL, "the server is stopping");
        http_finish(r);
    }
    return NULL;
}

enum lathe_status pool_start(struct pool *p, int threads, size_t limit, struct lathe_error *err)
{
    *p = (struct pool){.limit = limit};
    p->end = &p->first;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    /* Signals are for the program's main thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = 0;
    while (!rc && p->thread_count < threads) {
        rc = pthread_create(&p->threads[p->thread_count], NULL, worker, p);
        if (!rc) p->thread_count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!rc) return LATHE_OK;
    pool_stop(p);
    return error_set(err, LATHE_NO_MEMORY, "can't start a worker thread: %s", strerror(rc));
}

bool pool_push(struct pool *p, struct http_request *r)
{
    pthread_mutex_lock(&p->lock);
    bool room = p->waiting < p->limit;
    if (room) {
        r->next = NULL;
        *p->end = r;
        p->end = &r->next;
        p->waiting++;
        pthread_cond_signal(&p->work);
    }
    pthread_mutex_unlock(&p->lock);
    return room;
}

void pool_stop(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->thread_count; i++) pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
}
