/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/agent/clean.h"
#include "agents/agent/outbox.h"
#include "agents/agent/visits.h"
#include "lut/base/clock.h"
#include "lut/base/log.h"

/* STOP_GRACE_MS: how long results may take to reach the server after the agent was told to stop. */
enum { CALL_TIMEOUT_S = 30, STOP_GRACE_MS = 5000, SLICE_MS = 200 };

struct worker {
    const struct worker_options *options;
    struct api *call_api; /* given up when a stopping agent has waited long enough */
    struct outbox *outbox;
    struct runner *runner;
    atomic_int give_up;
    struct rng rng;
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
    json_t *outcome;        /* members to release with; NULL: none */
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
    if (failure.failed && failure.no_room)
        ending->outcome = json_pack("{s:{s:i,s:I}}", "no_room", "network", failure.network, "needs_bytes",
                                    (json_int_t)failure.needs_bytes);
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
    if (ending->outcome) json_object_update(body, ending->outcome);
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
    enum lathe_status st = runner_ready(w->runner, lease, &fingerprint, &fatal, &err);
    if (st && st != LATHE_CANCELLED) end_badly(ending, fatal, &err);
    if (!st) {
        json_t *board = runner_board(w->runner);
        outbox_set_fingerprint(w->outbox, fingerprint, board);
        json_decref(board);
        /* A plan that is for another board's room is made anew: the lease has ended then. */
        if (outbox_tell_board(w->outbox, w->options->stop)) run_visits(w, lease, ending);
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

static void take_up(struct worker *w, const struct lease *lease)
{
    struct ending ending = {0};
    log_event(LOG_INFO, "took lease=%s job=%s device=%s config=%s visits=%d", lease->id, lease->job, lease->device,
              lease->config, lease->visit_count);
    work_off(w, lease, &ending);
    log_ending(lease, &ending);
    if (!ending.lost) give_back(w, lease->id, lease->fence, &ending);
    json_decref(ending.outcome);
}

/* A lease without visits: the device is to be tidied. */
static void clean_up(struct worker *w, const struct clean_lease *lease)
{
    struct ending ending = {0};
    struct lathe_error err = {0};
    uint64_t freed_kb = 0;
    log_event(LOG_INFO, "cleaning lease=%s device=%s", lease->id, lease->device);
    outbox_begin(w->outbox, lease->id, lease->fence, lease->ttl_s);
    enum lathe_status st = clean_device(w->options->config, lease, w->options->stop, &freed_kb, &err);
    if (st) end_badly(&ending, st != LATHE_IO && st != LATHE_TIMEOUT && st != LATHE_CANCELLED, &err);
    else ending.outcome = json_pack("{s:I}", "freed_kb", (json_int_t)freed_kb);
    ending.lost = outbox_state(w->outbox) == OUTBOX_LOST;
    outbox_end(w->outbox);
    if (st) log_event(LOG_WARN, "failed to clean device %s: %s lease=%s", lease->device, err.message, lease->id);
    if (st == LATHE_CANCELLED) ending.error = NULL;
    if (!ending.lost) give_back(w, lease->id, lease->fence, &ending);
    json_decref(ending.outcome);
}

/* What can't be read is given back, as far as it tells what to give back. */
static void refuse(struct worker *w, const json_t *document, const struct lathe_error *err)
{
    struct ending ending = {0};
    const char *id = json_string_value(json_object_get(document, "id"));
    int64_t fence = json_integer_value(json_object_get(document, "fence"));
    log_event(LOG_ERROR, "failed to read a lease: %s lease=%s", err->message, id ? id : "?");
    end_badly(&ending, true, err);
    if (id && fence > 0 && strlen(id) < 40 && !strpbrk(id, "/?#% ")) give_back(w, id, fence, &ending);
}

void worker_take(struct worker *w, const json_t *document)
{
    struct lathe_error err = {0};
    if (clean_lease_is(document)) {
        struct clean_lease lease;
        if (clean_lease_parse(document, &lease, &err)) refuse(w, document, &err);
        else clean_up(w, &lease);
        return;
    }
    struct lease lease;
    if (lease_parse(document, &lease, &err)) {
        refuse(w, document, &err);
        return;
    }
    take_up(w, &lease);
    lease_clear(&lease);
}

static void tell_away(void *context, const char *why)
{
    const struct worker *w = context;
    outbox_tell_trouble(w->outbox, why);
}

enum lathe_status worker_new(const struct worker_options *options, struct worker **out, struct lathe_error *err)
{
    struct worker *w = calloc(1, sizeof *w);
    if (!w) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    struct api_options api = options->api;
    w->options = options;
    atomic_init(&w->give_up, 0);
    rng_seed(&w->rng, clock_now_ns());
    api.aborted = &w->give_up;
    enum lathe_status st = api_new(&api, &w->call_api, err);
    if (!st) st = outbox_new(&api, &w->outbox, err);
    if (!st) w->runner = runner_new(options->config, options->stop);
    if (!st && !w->runner) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st) runner_tell_away(w->runner, tell_away, w);
    if (st) worker_free(w);
    else *out = w;
    return st;
}

void worker_free(struct worker *w)
{
    if (!w) return;
    atomic_store(&w->give_up, 1);
    runner_free(w->runner);
    outbox_free(w->outbox);
    api_free(w->call_api);
    free(w);
}
