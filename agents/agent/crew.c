/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/crew.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/agent/instance.h"
#include "agents/agent/scout.h"
#include "lut/base/clock.h"
#include "lut/base/log.h"

/* IDLE_S: how long a device keeps its runner without work. */
enum { WAIT_S = 30, POLL_TIMEOUT_S = WAIT_S + 15, IDLE_S = 30, SLICE_MS = 200 };

struct crew;

/* A device's worker and its thread. */
struct member {
    struct crew *crew;
    struct worker *worker;
    pthread_t thread;
    char device[65];
    /* Under the crew's lock: */
    json_t *leases; /* array of documents: the one that it works on, then those that wait */
    bool leaving;   /* takes no more */
    bool ended;     /* its thread is about to return */
    struct member *next;
};

struct crew {
    const struct crew_options *options;
    struct instance instance;
    struct scout *scout;
    struct api *poll_api; /* given up at once when the agent stops */
    struct rng rng;
    int failures;           /* of polls, in a row */
    pthread_mutex_t lock;   /* guards what follows, and members */
    pthread_cond_t changed; /* for everyone */
    struct member *members;
    bool quit;
};

static bool stopping(const struct crew *c)
{
    return atomic_load(c->options->worker.stop) != 0;
}

/* Wait for a change, for some time at most. The lock is held. */
static void wait_for_change(struct crew *c, uint64_t ms)
{
    uint64_t when = clock_now_ns() + ms * UINT64_C(1000000);
    struct timespec ts = {.tv_sec = (time_t)(when / UINT64_C(1000000000)),
                          .tv_nsec = (long)(when % UINT64_C(1000000000))};
    pthread_cond_timedwait(&c->changed, &c->lock, &ts);
}

/* ---- members ---- */

/* Wait for a lease. The lock is held. @return borrowed; NULL: there is none for too long, or it is time to go. */
static json_t *next_lease(struct member *m)
{
    uint64_t until = clock_now_ns() + IDLE_S * UINT64_C(1000000000);
    while (!json_array_size(m->leases) && !m->crew->quit && clock_now_ns() < until)
        wait_for_change(m->crew, IDLE_S * 1000);
    return m->crew->quit ? NULL : json_array_get(m->leases, 0);
}

static void *work(void *context)
{
    struct member *m = context;
    struct crew *c = m->crew;
    json_t *lease;
    pthread_mutex_lock(&c->lock);
    while ((lease = next_lease(m))) {
        pthread_mutex_unlock(&c->lock);
        worker_take(m->worker, lease);
        pthread_mutex_lock(&c->lock);
        json_array_remove(m->leases, 0);
        pthread_cond_broadcast(&c->changed);
    }
    m->leaving = true;
    pthread_mutex_unlock(&c->lock);
    worker_free(m->worker);
    pthread_mutex_lock(&c->lock);
    m->ended = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void join_member(struct member *m)
{
    pthread_join(m->thread, NULL);
    json_decref(m->leases);
    free(m);
}

/* Join those that have ended. The lock is held. */
static void reap(struct crew *c)
{
    for (struct member **at = &c->members; *at;) {
        struct member *m = *at;
        if (m->ended) {
            *at = m->next;
            join_member(m);
        } else at = &m->next;
    }
}

static enum lathe_status new_member(struct crew *c, const char *device, struct member **out, struct lathe_error *err)
{
    struct member *m = calloc(1, sizeof *m);
    if (!m) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    m->crew = c;
    m->leases = json_array();
    snprintf(m->device, sizeof m->device, "%s", device);
    enum lathe_status st = worker_new(&c->options->worker, &m->worker, err);
    if (!st && pthread_create(&m->thread, NULL, work, m)) {
        worker_free(m->worker);
        st = error_set(err, LATHE_IO, "can't start a thread");
    }
    if (st) {
        json_decref(m->leases);
        free(m);
        return st;
    }
    m->next = c->members;
    c->members = m;
    *out = m;
    return LATHE_OK;
}

/* A lease goes to its device's member. When none can be made it is not worked on, and the server hears so with the next
 * poll, which does not name it. The lock is held. */
static void hand_over(struct crew *c, json_t *lease)
{
    struct lathe_error err = {0};
    const char *name = json_string_value(json_object_get(json_object_get(lease, "device"), "name"));
    const char *device = name ? name : "";
    struct member *m = c->members;
    while (m && (m->leaving || strcmp(m->device, device) != 0)) m = m->next;
    if (!m && new_member(c, device, &m, &err)) {
        log_event(LOG_ERROR, "failed to start work on device %s: %s", device, err.message);
        return;
    }
    json_array_append(m->leases, lease);
    pthread_cond_broadcast(&c->changed);
}

/* Leases of all members. */
static size_t count_leases(const struct crew *c)
{
    size_t n = 0;
    for (const struct member *m = c->members; m; m = m->next) n += json_array_size(m->leases);
    return n;
}

static void dismiss(struct crew *c)
{
    pthread_mutex_lock(&c->lock);
    c->quit = true;
    pthread_cond_broadcast(&c->changed);
    struct member *list = c->members;
    c->members = NULL;
    pthread_mutex_unlock(&c->lock);
    while (list) {
        struct member *m = list;
        list = m->next;
        join_member(m);
    }
}

/* ---- polls ---- */

/* What the server needs to know. The lock is held. */
static json_t *describe(const struct crew *c)
{
    const struct agent_config *config = c->options->worker.config;
    json_t *leases = json_array();
    json_t *cpus = json_object();
    for (const struct member *m = c->members; m; m = m->next)
        for (size_t i = 0; i < json_array_size(m->leases); i++)
            json_array_append_new(leases,
                                  json_string(json_string_value(json_object_get(json_array_get(m->leases, i), "id"))));
    for (int i = 0; i < config->device_count; i++)
        if (config->devices[i].cpus)
            json_object_set_new(cpus, config->devices[i].name, json_string(config->devices[i].cpus));
    return json_pack("{s:s,s:s,s:o,s:o}", "instance", c->instance.id, "machine", c->instance.machine, "leases", leases,
                     "cpus", cpus);
}

/* The server is away, or can't answer now. */
static void wait_for_server(struct crew *c, const char *why)
{
    uint64_t ms = backoff_ms(++c->failures, &c->rng);
    uint64_t until = clock_now_ns() + ms * UINT64_C(1000000);
    log_event(LOG_WARN, "failed to ask for work: %s; next try in %llu ms", why, (unsigned long long)ms);
    /* Short slices, since a signal may come to any thread. */
    while (!stopping(c) && clock_now_ns() < until) poll(NULL, 0, SLICE_MS);
}

/* Ask for work once. @param[out] lease new reference; NULL: none. @param[out] idle the server had none. */
static enum lathe_status ask(struct crew *c, const json_t *body, json_t **lease, bool *idle, struct lathe_error *err)
{
    char path[160];
    struct api_reply reply = {0};
    struct lathe_error why = {0};
    const char *name = c->options->worker.config->name;
    *lease = NULL;
    *idle = false;
    snprintf(path, sizeof path, "/v1/agents/%s/leases?wait_s=%d", name, c->options->once ? 0 : WAIT_S);
    enum lathe_status st = api_post(c->poll_api, path, body, POLL_TIMEOUT_S, &reply, &why);
    if (st == LATHE_CANCELLED) return LATHE_OK;
    if (st) wait_for_server(c, why.message);
    else if (reply.status == 401 || reply.status == 403)
        st = error_set(err, LATHE_DENIED, "the server does not let this agent work as %s: %s", name, reply.problem);
    else if (reply.status == 200 && reply.body) *lease = json_incref(reply.body);
    else if (reply.status == 204) *idle = true;
    else wait_for_server(c, reply.problem[0] ? reply.problem : "its answer makes no sense");
    if (*lease || *idle) c->failures = 0;
    api_reply_clear(&reply);
    return st == LATHE_DENIED ? st : LATHE_OK;
}

/* Not work, but a question. */
static bool is_scan(const json_t *lease)
{
    const char *kind = json_string_value(json_object_get(lease, "kind"));
    return kind && strcmp(kind, "scan") == 0;
}

/* One poll. @param[out] done there is no work any more, and `once` is set. */
static enum lathe_status step(struct crew *c, bool *done, struct lathe_error *err)
{
    json_t *lease = NULL;
    bool idle = false;
    pthread_mutex_lock(&c->lock);
    reap(c);
    while (count_leases(c) >= (size_t)c->options->worker.config->jobs && !stopping(c)) wait_for_change(c, SLICE_MS);
    json_t *body = describe(c);
    size_t before = count_leases(c);
    pthread_mutex_unlock(&c->lock);
    enum lathe_status st = stopping(c) ? LATHE_OK : ask(c, body, &lease, &idle, err);
    json_decref(body);
    pthread_mutex_lock(&c->lock);
    if (lease && is_scan(lease)) scout_scan(c->scout, lease);
    else if (lease) hand_over(c, lease);
    *done = idle && c->options->once && before == 0;
    /* Others may have what it waits for: look again when something ends. */
    while (idle && c->options->once && before > 0 && count_leases(c) == before && !stopping(c))
        wait_for_change(c, SLICE_MS);
    pthread_mutex_unlock(&c->lock);
    json_decref(lease);
    return st;
}

static void init_lock(struct crew *c)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

enum lathe_status crew_run(const struct crew_options *options, struct lathe_error *err)
{
    struct crew c = {.options = options};
    struct api_options api = options->worker.api;
    bool done = false;
    enum lathe_status st = instance_claim(options->worker.config->name, api.server, &c.instance, err);
    if (st) return st;
    rng_seed(&c.rng, clock_now_ns());
    init_lock(&c);
    api.aborted = options->worker.stop;
    st = api_new(&api, &c.poll_api, err);
    if (!st) st = scout_start(&api, options->worker.config, &c.scout, err);
    while (!st && !done && !stopping(&c)) st = step(&c, &done, err);
    dismiss(&c);
    scout_stop(c.scout);
    api_free(c.poll_api);
    pthread_cond_destroy(&c.changed);
    pthread_mutex_destroy(&c.lock);
    instance_release(&c.instance);
    return st;
}
