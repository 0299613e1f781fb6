/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/outbox.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lut/base/clock.h"
#include "lut/base/log.h"

/* KEPT_MAX bounds memory while the server is away: a visit's document is some ten kilobytes. */
enum { KEPT_MAX = 512, BATCH_MAX = 64, SEND_EVERY_MS = 1000, TIMEOUT_S = 30, CHECK_STOP_MS = 200 };
static const uint64_t MS = UINT64_C(1000000);

struct outbox {
    struct api *api; /* the sender's */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;  /* for the sender */
    pthread_cond_t moved; /* for the worker: acknowledged, lost or refused */
    bool quit, busy;      /* busy: a call of the sender is under way */
    bool active;          /* there is a lease */
    bool flushing;
    char lease[40];
    int64_t fence;
    uint64_t renew_every_ns;
    json_t *fingerprint;
    json_t *board; /* NULL: the device is none */
    json_t *kept;  /* array of visits, oldest first */
    enum outbox_state state;
    char refusal[512];
    char trouble[512]; /* "": none */
    bool trouble_told;
    bool board_due, board_sent; /* the server is to be told what board it is; it is in the call under way */
    uint64_t last_contact_ns, last_send_ns, retry_at_ns;
    int failures;
    struct rng rng;
};

/* Wait on a condition, at most until a time of clock_now_ns(). */
static void wait_until(struct outbox *o, pthread_cond_t *cond, uint64_t when_ns)
{
    struct timespec ts = {.tv_sec = (time_t)(when_ns / UINT64_C(1000000000)),
                          .tv_nsec = (long)(when_ns % UINT64_C(1000000000))};
    pthread_cond_timedwait(cond, &o->lock, &ts);
}

/* When the sender has something to do next. */
static uint64_t next_action_ns(const struct outbox *o)
{
    uint64_t when = o->board_due || (o->trouble[0] && !o->trouble_told) ? 0 : o->last_contact_ns + o->renew_every_ns;
    if (json_array_size(o->kept)) {
        uint64_t send = o->flushing ? 0 : o->last_send_ns + SEND_EVERY_MS * MS;
        if (send < when) when = send;
    }
    return when > o->retry_at_ns ? when : o->retry_at_ns;
}

/* The next call: results when there are some, else a renewal; that first where it tells the board. @return its body,
 * new reference. */
static json_t *compose(struct outbox *o, char *path, size_t path_bytes, size_t *visits)
{
    size_t n = o->board_due ? 0 : json_array_size(o->kept);
    o->board_sent = o->board_due;
    *visits = n < BATCH_MAX ? n : BATCH_MAX;
    snprintf(path, path_bytes, "/v1/leases/%s/%s", o->lease, n ? "results" : "renew");
    if (!n) {
        const char *trouble = o->trouble[0] ? o->trouble : NULL;
        o->trouble_told = true;
        return json_pack("{s:I,s:s*,s:O*}", "fence", (json_int_t)o->fence, "trouble", trouble, "board",
                         o->board_due ? o->board : NULL);
    }
    json_t *batch = json_array();
    for (size_t i = 0; i < *visits; i++) json_array_append(batch, json_array_get(o->kept, i));
    return json_pack("{s:I,s:O,s:O*,s:o}", "fence", (json_int_t)o->fence, "fingerprint", o->fingerprint, "board",
                     o->board, "visits", batch);
}

static void note_success(struct outbox *o, size_t visits)
{
    for (size_t i = 0; i < visits; i++) json_array_remove(o->kept, 0);
    if (o->board_sent) o->board_due = false;
    if (o->failures) log_event(LOG_INFO, "the server answers again lease=%s", o->lease);
    o->failures = 0;
    o->retry_at_ns = 0;
    o->last_contact_ns = clock_now_ns();
}

static void note_failure(struct outbox *o, const char *why)
{
    o->failures++;
    o->trouble_told = false;
    uint64_t pause = backoff_ms(o->failures, &o->rng);
    o->retry_at_ns = clock_now_ns() + pause * MS;
    log_event(LOG_WARN, "failed to reach the server: %s; %zu visits kept, next try in %llu ms lease=%s", why,
              json_array_size(o->kept), (unsigned long long)pause, o->lease);
}

static void note_end(struct outbox *o, enum outbox_state state, const struct api_reply *reply)
{
    log_event(LOG_WARN, "%s: %s; %zu visits dropped lease=%s",
              state == OUTBOX_LOST ? "the lease has ended" : "the server refused results", reply->problem,
              json_array_size(o->kept), o->lease);
    o->state = state;
    snprintf(o->refusal, sizeof o->refusal, "%s", reply->problem);
    json_array_clear(o->kept);
}

static void note_outcome(struct outbox *o, enum lathe_status st, const struct api_reply *reply,
                         const struct lathe_error *err, size_t visits)
{
    if (st) note_failure(o, err->message);
    else if (reply->status >= 200 && reply->status < 300) note_success(o, visits);
    else if (reply->status == 409) note_end(o, OUTBOX_LOST, reply);
    else if (reply->status >= 500 || reply->status == 408 || reply->status == 429) note_failure(o, reply->problem);
    else note_end(o, OUTBOX_REFUSED, reply);
}

/* One call, with the lock released meanwhile. The lease can't change under it: outbox_end() waits for busy. */
static void call(struct outbox *o)
{
    char path[96];
    size_t visits = 0;
    struct api_reply reply = {0};
    struct lathe_error err = {0};
    json_t *body = compose(o, path, sizeof path, &visits);
    o->busy = true;
    o->last_send_ns = clock_now_ns();
    pthread_mutex_unlock(&o->lock);
    enum lathe_status st = body ? api_post(o->api, path, body, TIMEOUT_S, &reply, &err)
                                : error_set(&err, LATHE_NO_MEMORY, "out of memory");
    pthread_mutex_lock(&o->lock);
    o->busy = false;
    note_outcome(o, st, &reply, &err, visits);
    pthread_cond_broadcast(&o->moved);
    /* The body shares the visits' documents with the worker's thread: drop it under the lock. */
    json_decref(body);
    api_reply_clear(&reply);
}

static void *send_all(void *context)
{
    struct outbox *o = context;
    pthread_mutex_lock(&o->lock);
    while (!o->quit) {
        if (!o->active || o->state != OUTBOX_OPEN) {
            pthread_cond_wait(&o->wake, &o->lock);
            continue;
        }
        uint64_t when = next_action_ns(o);
        if (when > clock_now_ns()) wait_until(o, &o->wake, when);
        else call(o);
    }
    pthread_mutex_unlock(&o->lock);
    return NULL;
}

static void init_conditions(struct outbox *o)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&o->wake, &monotonic);
    pthread_cond_init(&o->moved, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

enum lathe_status outbox_new(const struct api_options *options, struct outbox **out, struct lathe_error *err)
{
    struct outbox *o = calloc(1, sizeof *o);
    if (!o) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    o->kept = json_array();
    rng_seed(&o->rng, clock_now_ns());
    pthread_mutex_init(&o->lock, NULL);
    init_conditions(o);
    enum lathe_status st = api_new(options, &o->api, err);
    if (!st && pthread_create(&o->thread, NULL, send_all, o)) st = error_set(err, LATHE_IO, "can't start a thread");
    if (st) {
        api_free(o->api);
        json_decref(o->kept);
        free(o);
        return st;
    }
    *out = o;
    return LATHE_OK;
}

void outbox_free(struct outbox *o)
{
    if (!o) return;
    pthread_mutex_lock(&o->lock);
    o->quit = true;
    pthread_cond_signal(&o->wake);
    pthread_mutex_unlock(&o->lock);
    pthread_join(o->thread, NULL);
    api_free(o->api);
    json_decref(o->kept);
    json_decref(o->fingerprint);
    json_decref(o->board);
    pthread_mutex_destroy(&o->lock);
    pthread_cond_destroy(&o->wake);
    pthread_cond_destroy(&o->moved);
    free(o);
}

void outbox_begin(struct outbox *o, const char *lease, int64_t fence, int ttl_s)
{
    pthread_mutex_lock(&o->lock);
    snprintf(o->lease, sizeof o->lease, "%s", lease);
    o->fence = fence;
    o->renew_every_ns = (uint64_t)ttl_s * UINT64_C(1000000000) / 3;
    o->last_contact_ns = o->last_send_ns = clock_now_ns();
    o->retry_at_ns = 0;
    o->failures = 0;
    o->state = OUTBOX_OPEN;
    o->refusal[0] = '\0';
    o->trouble[0] = '\0';
    o->board_due = false;
    o->active = true;
    pthread_cond_signal(&o->wake);
    pthread_mutex_unlock(&o->lock);
}

void outbox_set_fingerprint(struct outbox *o, const json_t *fingerprint, const json_t *board)
{
    pthread_mutex_lock(&o->lock);
    json_decref(o->fingerprint);
    json_decref(o->board);
    o->fingerprint = json_deep_copy(fingerprint);
    o->board = json_deep_copy(board);
    pthread_mutex_unlock(&o->lock);
}

bool outbox_tell_board(struct outbox *o, const atomic_int *stop)
{
    pthread_mutex_lock(&o->lock);
    o->board_due = o->board != NULL;
    pthread_cond_signal(&o->wake);
    while (o->state == OUTBOX_OPEN && o->board_due && !atomic_load(stop))
        wait_until(o, &o->moved, clock_now_ns() + CHECK_STOP_MS * MS);
    bool told = o->state == OUTBOX_OPEN && !o->board_due;
    pthread_mutex_unlock(&o->lock);
    return told;
}

void outbox_tell_trouble(struct outbox *o, const char *why)
{
    pthread_mutex_lock(&o->lock);
    if (strcmp(o->trouble, why) != 0) {
        snprintf(o->trouble, sizeof o->trouble, "%s", why);
        o->trouble_told = false;
        pthread_cond_signal(&o->wake);
    }
    pthread_mutex_unlock(&o->lock);
}

bool outbox_add(struct outbox *o, json_t *take_visit, const atomic_int *stop)
{
    pthread_mutex_lock(&o->lock);
    while (o->state == OUTBOX_OPEN && json_array_size(o->kept) >= KEPT_MAX && !atomic_load(stop))
        wait_until(o, &o->moved, clock_now_ns() + CHECK_STOP_MS * MS);
    bool add = o->state == OUTBOX_OPEN && json_array_size(o->kept) < KEPT_MAX;
    if (add) add = !json_array_append_new(o->kept, take_visit);
    else json_decref(take_visit);
    pthread_cond_signal(&o->wake);
    pthread_mutex_unlock(&o->lock);
    return add;
}

enum outbox_state outbox_state(struct outbox *o)
{
    pthread_mutex_lock(&o->lock);
    enum outbox_state state = o->state;
    pthread_mutex_unlock(&o->lock);
    return state;
}

const char *outbox_refusal(struct outbox *o)
{
    return o->refusal;
}

bool outbox_flush(struct outbox *o, const atomic_int *stop, int grace_ms)
{
    uint64_t until = 0; /* set when stop is seen */
    pthread_mutex_lock(&o->lock);
    o->flushing = true;
    pthread_cond_signal(&o->wake);
    while (o->state == OUTBOX_OPEN && json_array_size(o->kept)) {
        if (atomic_load(stop) && !until) {
            until = clock_now_ns() + (uint64_t)grace_ms * MS;
            o->retry_at_ns = 0; /* one more try at once */
            pthread_cond_signal(&o->wake);
        }
        if (until && clock_now_ns() >= until) break;
        wait_until(o, &o->moved, clock_now_ns() + CHECK_STOP_MS * MS);
    }
    o->flushing = false;
    bool done = o->state != OUTBOX_OPEN || !json_array_size(o->kept);
    pthread_mutex_unlock(&o->lock);
    return done;
}

void outbox_end(struct outbox *o)
{
    pthread_mutex_lock(&o->lock);
    o->active = false;
    while (o->busy) pthread_cond_wait(&o->moved, &o->lock);
    json_array_clear(o->kept);
    pthread_mutex_unlock(&o->lock);
}
