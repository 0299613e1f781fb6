/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/agent/outbox.h"
#include "agents/agent/visits.h"
#include "lut/base/clock.h"
#include "lut/base/log.h"

/* STOP_GRACE_MS: how long results may take to reach the server after the agent was told to stop. */
enum { WAIT_S = 30, POLL_TIMEOUT_S = WAIT_S + 15, CALL_TIMEOUT_S = 30, STOP_GRACE_MS = 5000, SLICE_MS = 200 };

struct worker {
    const struct worker_options *options;
    struct api *poll_api; /* given up at once when the agent stops */
    struct api *call_api; /* given up when a stopping agent has waited long enough */
    struct outbox *outbox;
    struct runner *runner;
    atomic_int give_up;
    struct rng rng;
    int failures; /* of polls, in a row */
};

static bool stopping(const struct worker *w)
{
    return atomic_load(w->options->stop) != 0;
}

/* Wait, but not on after a stop. Short slices, since a signal may come to any thread. */
static void pause_ms(const struct worker *w, uint64_t ms)
{
    uint64_t until = clock_now_ns() + ms * UINT64_C(1000000);
    while (!stopping(w) && clock_now_ns() < until) poll(NULL, 0, SLICE_MS);
}

/* How a lease ended. */
struct ending {
    bool lost;         /* nothing to give back */
    const char *error; /* NULL: well */
    bool fatal;
    struct lathe_error err; /* room for the error's text */
};

static void end_badly(struct ending *e, bool fatal, const struct lathe_error *err)
{
    e->err = *err;
    e->error = e->err.message;
    e->fatal = fatal;
}

static void run_visits(struct worker *w, const struct lease *lease, struct ending *ending)
{
    struct visits_failure failure;
    visits_run(w->runner, lease, w->outbox, w->options->stop, &failure);
    if (failure.failed) end_badly(ending, failure.fatal, &failure.err);
}

static void settle_outbox(struct worker *w, struct ending *ending)
{
    if (!outbox_flush(w->outbox, w->options->stop, STOP_GRACE_MS)) atomic_store(&w->give_up, 1);
    enum outbox_state state = outbox_state(w->outbox);
    ending->lost = state == OUTBOX_LOST;
    if (state != OUTBOX_REFUSED || ending->error) return;
    struct lathe_error err;
    error_set(&err, LATHE_INVALID, "the server refused the results: %s", outbox_refusal(w->outbox));
    end_badly(ending, false, &err);
}

/* Give a lease back, until the server has heard it. A server that stays away ends the lease by itself. */
static void give_back(struct worker *w, const char *lease, int64_t fence, const struct ending *ending)
{
    char path[96];
    json_t *body = json_pack("{s:I}", "fence", (json_int_t)fence);
    if (ending->error) {
        json_object_set_new(body, "error", json_string(ending->error));
        json_object_set_new(body, "fatal", json_boolean(ending->fatal));
    }
    snprintf(path, sizeof path, "/v1/leases/%s/release", lease);
    for (int failures = 0; !atomic_load(&w->give_up);) {
        struct api_reply reply = {0};
        struct lathe_error err = {0};
        int timeout_s = stopping(w) ? STOP_GRACE_MS / 1000 : CALL_TIMEOUT_S;
        enum lathe_status st = api_post(w->call_api, path, body, timeout_s, &reply, &err);
        bool heard = !st && reply.status < 500;
        if (heard && reply.status >= 400)
            log_event(LOG_WARN, "failed to release the lease: %s lease=%s", reply.problem, lease);
        if (!heard)
            log_event(LOG_WARN, "failed to release the lease: %s lease=%s", st ? err.message : reply.problem, lease);
        api_reply_clear(&reply);
        if (heard || stopping(w)) break;
        pause_ms(w, backoff_ms(++failures, &w->rng));
    }
    json_decref(body);
}

static void work_off(struct worker *w, const struct lease *lease, struct ending *ending)
{
    struct lathe_error err = {0};
    json_t *fingerprint = NULL;
    bool fatal = false;
    outbox_begin(w->outbox, lease->id, lease->fence, lease->ttl_s);
    if (runner_ready(w->runner, lease, &fingerprint, &fatal, &err)) end_badly(ending, fatal, &err);
    else {
        outbox_set_fingerprint(w->outbox, fingerprint);
        run_visits(w, lease, ending);
    }
    json_decref(fingerprint);
    settle_outbox(w, ending);
    outbox_end(w->outbox);
}

static void log_ending(const struct lease *lease, const struct ending *ending)
{
    if (ending->error)
        log_event(LOG_WARN, "failed to work off a lease: %s%s lease=%s job=%s device=%s", ending->error,
                  ending->fatal ? " (trying again can't help)" : "", lease->id, lease->job, lease->device);
    else if (!ending->lost)
        log_event(LOG_INFO, "worked off lease=%s job=%s device=%s", lease->id, lease->job, lease->device);
}

static void take_up(struct worker *w, const json_t *document)
{
    struct lease lease;
    struct ending ending = {0};
    struct lathe_error err = {0};
    if (lease_parse(document, &lease, &err)) {
        const char *id = json_string_value(json_object_get(document, "id"));
        int64_t fence = json_integer_value(json_object_get(document, "fence"));
        log_event(LOG_ERROR, "failed to read a lease: %s lease=%s", err.message, id ? id : "?");
        end_badly(&ending, true, &err);
        if (id && fence > 0 && strlen(id) < sizeof lease.id && !strpbrk(id, "/?#% ")) give_back(w, id, fence, &ending);
        return;
    }
    log_event(LOG_INFO, "took lease=%s job=%s device=%s config=%s visits=%d", lease.id, lease.job, lease.device,
              lease.config, lease.visit_count);
    work_off(w, &lease, &ending);
    log_ending(&lease, &ending);
    if (!ending.lost) give_back(w, lease.id, lease.fence, &ending);
    lease_clear(&lease);
}

/* The server is away, or can't answer now. */
static void wait_for_server(struct worker *w, const char *why)
{
    uint64_t ms = backoff_ms(++w->failures, &w->rng);
    log_event(LOG_WARN, "failed to ask for work: %s; next try in %llu ms", why, (unsigned long long)ms);
    pause_ms(w, ms);
}

/* Ask for work once and do it. @param[out] idle the server had none. */
static enum lathe_status step(struct worker *w, bool *idle, struct lathe_error *err)
{
    char path[160];
    struct api_reply reply = {0};
    struct lathe_error why = {0};
    *idle = false;
    snprintf(path, sizeof path, "/v1/agents/%s/leases?wait_s=%d", w->options->name, w->options->once ? 0 : WAIT_S);
    enum lathe_status st = api_post(w->poll_api, path, NULL, POLL_TIMEOUT_S, &reply, &why);
    if (st == LATHE_CANCELLED) return LATHE_OK;
    if (st) wait_for_server(w, why.message);
    else if (reply.status == 401 || reply.status == 403)
        st = error_set(err, LATHE_DENIED, "the server does not let this agent work as %s: %s", w->options->name,
                       reply.problem);
    else if (reply.status == 200 && reply.body) {
        w->failures = 0;
        take_up(w, reply.body);
    } else if (reply.status == 204) {
        w->failures = 0;
        *idle = true;
    } else wait_for_server(w, reply.problem[0] ? reply.problem : "its answer makes no sense");
    api_reply_clear(&reply);
    return st == LATHE_DENIED ? st : LATHE_OK;
}

static enum lathe_status work(struct worker *w, struct lathe_error *err)
{
    while (!stopping(w)) {
        bool idle = false;
        enum lathe_status st = step(w, &idle, err);
        if (st) return st;
        if (!idle) continue;
        if (w->options->once) break;
        runner_close(w->runner); /* a device that has nothing to do keeps no memory */
    }
    return LATHE_OK;
}

enum lathe_status worker_run(const struct worker_options *options, struct lathe_error *err)
{
    struct worker w = {.options = options};
    struct api_options api = {.server = options->server, .token = options->token, .ca_file = options->ca_file};
    atomic_init(&w.give_up, 0);
    rng_seed(&w.rng, clock_now_ns());
    api.aborted = options->stop;
    enum lathe_status st = api_new(&api, &w.poll_api, err);
    api.aborted = &w.give_up;
    if (!st) st = api_new(&api, &w.call_api, err);
    if (!st) st = outbox_new(&api, &w.outbox, err);
    w.runner = runner_new(options->runner);
    if (!st && !w.runner) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st) st = work(&w, err);
    atomic_store(&w.give_up, 1);
    runner_free(w.runner);
    outbox_free(w.outbox);
    api_free(w.call_api);
    api_free(w.poll_api);
    return st;
}
