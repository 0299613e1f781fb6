/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/job_waiters.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "server/routes/events.h"

struct job_waiter {
    struct http_request *request;
    const char *kind;
    char id[65];
    void (*answer)(struct http_request *, const char *, const char *);
    uint64_t deadline_ns;
    uint64_t number;
    struct job_waiter *next;
};

struct job_waiters {
    struct jobs *jobs;
    pthread_mutex_t lock; /* guards what follows; not held while anything is answered */
    struct job_waiter *first;
    uint64_t numbers;
    bool stopping;
};

bool job_has_ended(const json_t *job)
{
    const char *state = json_string_value(json_object_get(job, "state"));
    return !state || (strcmp(state, "queued") != 0 && strcmp(state, "running") != 0);
}

/* One that can't be read has no end to wait for either. */
static bool has_ended(struct jobs *jobs, const char *kind, const char *id)
{
    json_t *job = NULL;
    bool ended = jobs_get(jobs, kind, id, &job, NULL) != LATHE_OK || job_has_ended(job);
    json_decref(job);
    return ended;
}

static void finish_all(struct job_waiter *list)
{
    while (list) {
        struct job_waiter *waiter = list;
        list = list->next;
        waiter->answer(waiter->request, waiter->kind, waiter->id);
        http_finish(waiter->request);
        free(waiter);
    }
}

/* Take those off the list that meet a condition. Called with the lock. */
static struct job_waiter *take(struct job_waiters *w, bool (*chosen)(const struct job_waiter *, const void *),
                               const void *context)
{
    struct job_waiter *taken = NULL;
    for (struct job_waiter **at = &w->first; *at;) {
        struct job_waiter *waiter = *at;
        if (!chosen(waiter, context)) {
            at = &waiter->next;
            continue;
        }
        *at = waiter->next;
        waiter->next = taken;
        taken = waiter;
    }
    return taken;
}

static struct job_waiter *take_locked(struct job_waiters *w, bool (*chosen)(const struct job_waiter *, const void *),
                                      const void *context)
{
    pthread_mutex_lock(&w->lock);
    struct job_waiter *taken = take(w, chosen, context);
    pthread_mutex_unlock(&w->lock);
    return taken;
}

static bool is_about(const struct job_waiter *waiter, const void *id)
{
    return strcmp(waiter->id, id) == 0;
}

static bool is_over(const struct job_waiter *waiter, const void *now_ns)
{
    return *(const uint64_t *)now_ns >= waiter->deadline_ns || http_abandoned(waiter->request);
}

static bool is_number(const struct job_waiter *waiter, const void *number)
{
    return waiter->number == *(const uint64_t *)number;
}

static bool is_any(const struct job_waiter *waiter, const void *nothing)
{
    (void)waiter, (void)nothing;
    return true;
}

static void on_change(void *context, unsigned topic, const char *id)
{
    static const char *const kinds[TOPICS] = {
        [TOPIC_PROFILE] = "profile", [TOPIC_MEASUREMENT] = "measurement", [TOPIC_CLEAN] = "clean"};
    struct job_waiters *w = context;
    pthread_mutex_lock(&w->lock);
    bool any = w->first != NULL;
    pthread_mutex_unlock(&w->lock);
    if (any && kinds[topic] && has_ended(w->jobs, kinds[topic], id)) finish_all(take_locked(w, is_about, id));
}

static void on_tick(void *context)
{
    uint64_t now = clock_now_ns();
    finish_all(take_locked(context, is_over, &now));
}

enum lathe_status job_waiters_new(struct event_hub *hub, struct jobs *jobs, struct job_waiters **out,
                                  struct lathe_error *err)
{
    struct job_waiters *w = calloc(1, sizeof *w);
    if (!w) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    w->jobs = jobs;
    pthread_mutex_init(&w->lock, NULL);
    event_hub_listen(hub, on_change, w);
    event_hub_on_tick(hub, on_tick, w);
    *out = w;
    return LATHE_OK;
}

void job_waiters_stop(struct job_waiters *w)
{
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    struct job_waiter *all = take(w, is_any, NULL);
    pthread_mutex_unlock(&w->lock);
    finish_all(all);
}

void job_waiters_free(struct job_waiters *w)
{
    if (!w) return;
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* @return false: the server stops, or memory ran out. @param[out] number of the waiter, who may be gone by then. */
static bool join(struct job_waiters *w, const struct job_waiter *like, uint64_t *number)
{
    struct job_waiter *waiter = malloc(sizeof *waiter);
    if (!waiter) return false;
    *waiter = *like;
    pthread_mutex_lock(&w->lock);
    bool joined = !w->stopping;
    if (joined) {
        *number = waiter->number = ++w->numbers;
        waiter->next = w->first;
        w->first = waiter;
    }
    pthread_mutex_unlock(&w->lock);
    if (!joined) free(waiter);
    return joined;
}

enum http_outcome job_waiters_serve(struct job_waiters *w, struct http_request *request, const char *kind,
                                    const char *id, int wait_s,
                                    void (*answer)(struct http_request *, const char *, const char *))
{
    uint64_t number;
    struct job_waiter waiter = {.request = request, .kind = kind, .answer = answer};
    waiter.deadline_ns = clock_now_ns() + (uint64_t)wait_s * UINT64_C(1000000000);
    snprintf(waiter.id, sizeof waiter.id, "%s", id);
    if (!wait_s || !join(w, &waiter, &number)) {
        answer(request, kind, id);
        return HTTP_DONE;
    }
    /* An end that came before it joined is told to nobody any more. From here on the request may be another thread's.
     */
    if (has_ended(w->jobs, kind, waiter.id)) finish_all(take_locked(w, is_number, &number));
    return HTTP_LATER;
}
