/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/visits.h"

#include <poll.h>
#include <stdlib.h>

#include "agents/agent/drift.h"
#include "lut/base/clock.h"
#include "lut/base/log.h"

/* SENTINEL_SHARE: the sentinel may take one part in so many of the device's time, however slow it is; where one network
 * is visited again and again, for a measurement, it is all that tells it from the device's mood. A throttled device
 * gets COOL_MS for itself, each time twice as long. */
enum {
    PENDING_MAX = 256,
    TRIES_MAX = 4,
    SENTINEL_SHARE = 8,
    SENTINEL_SHARE_OF_BLOCK = 2,
    COOL_MS = 500,
    SLICE_MS = 100,
    COOL_LOOK_MS = 1000,
    COOL_MOST_S = 300,
    WARMUP_MOST = 6,
    LOOKS = 3,
    LOOK_MS = 20,
    HOPE_AFTER_MS = 10000
};

/* A visit that waits for the sentinel behind it. */
struct pending {
    const struct lease_visit *visit;
    json_t *document;
    uint64_t at_ns; /* its middle */
};

struct round {
    struct runner *runner;
    const struct lease *lease;
    struct outbox *outbox;
    const atomic_int *stop;
    struct drift *drift;
    struct pending pending[PENDING_MAX];
    size_t pending_count;
    uint64_t sentinel_at_ns;   /* when it ran last */
    uint64_t sentinel_cost_ns; /* device time that it took, not accounted yet */
    uint64_t sentinel_last_ns; /* what a visit to it takes, and its fastest run */
    uint64_t sentinel_run_ns;
    int tries;                 /* of the pending visits */
    uint64_t gave_up_ns;       /* when the device last stayed throttled through all of them; 0: never */
    struct device_state state; /* at the last sentinel */
    bool has_state;
    bool hot; /* it could not be cooled to the temperature that it is to have */
};

static bool stopping(const struct round *r)
{
    return atomic_load(r->stop) != 0;
}

static json_t *matrix_json(const void *numbers, int runs, int layers, bool bytes)
{
    json_t *matrix = json_array();
    for (int run = 0; run < runs; run++) {
        json_t *row = json_array();
        for (int i = run * layers; i < (run + 1) * layers; i++)
            json_array_append_new(
                row, json_integer(bytes ? ((const uint8_t *)numbers)[i] : (json_int_t)((const uint32_t *)numbers)[i]));
        json_array_append_new(matrix, row);
    }
    return matrix;
}

static json_t *visit_json(const struct lease_visit *visit, const struct visit_samples *s)
{
    json_t *document = json_pack("{s:i,s:i}", "visit", visit->visit, "network", visit->network);
    json_t *totals = json_array();
    for (int run = 0; run < s->runs; run++) json_array_append_new(totals, json_integer((json_int_t)s->total_ns[run]));
    json_object_set_new(document, "total_ns", totals);
    if (!s->layers) return document;
    json_object_set_new(document, "wall_ns", matrix_json(s->wall_ns, s->runs, s->layers, false));
    json_object_set_new(document, "cpu_ns", matrix_json(s->cpu_ns, s->runs, s->layers, false));
    json_object_set_new(document, "preempted", matrix_json(s->preempted, s->runs, s->layers, true));
    return document;
}

static void drop_pending(struct round *r)
{
    for (size_t i = 0; i < r->pending_count; i++) json_decref(r->pending[i].document);
    r->pending_count = 0;
}

static enum lathe_status run_network(struct round *r, struct runner_visit *visit, struct visit_samples *out,
                                     struct visits_failure *failure)
{
    enum lathe_status st = runner_run(r->runner, r->lease, visit, out, &failure->fatal, &failure->err);
    if (!st) return st;
    failure->failed = true;
    failure->no_room = visit->no_room;
    failure->network = visit->network;
    failure->needs_bytes = visit->needs_bytes;
    return st;
}

static struct drift_run drift_run_of(const struct visit_samples *s, int run, uint64_t at_ns)
{
    struct drift_run out = {.at_ns = at_ns};
    unsigned preempted = 0;
    for (int i = run * s->layers; i < (run + 1) * s->layers; i++) {
        out.cpu_ns += s->cpu_ns[i];
        preempted += s->preempted[i];
    }
    if (!preempted) out.ns = s->total_ns[run];
    return out;
}

static enum lathe_status visit_sentinel(struct round *r, struct visits_failure *failure)
{
    const struct lease_sentinel *sentinel = &r->lease->sentinel;
    struct runner_visit visit = {.network = sentinel->network, .warmup = sentinel->warmup, .runs = sentinel->runs};
    struct visit_samples samples = {0};
    struct drift_run runs[DRIFT_RUNS];
    uint64_t start = clock_now_ns();
    if (run_network(r, &visit, &samples, failure)) return failure->err.status;
    uint64_t end = clock_now_ns();
    int n = samples.runs < DRIFT_RUNS ? samples.runs : DRIFT_RUNS;
    r->sentinel_run_ns = UINT64_MAX;
    for (int i = 0; i < n; i++) {
        runs[i] = drift_run_of(&samples, i, start + (end - start) / 2);
        if (samples.total_ns[i] < r->sentinel_run_ns) r->sentinel_run_ns = samples.total_ns[i];
    }
    visit_samples_clear(&samples);
    drift_add(r->drift, runs, (size_t)n);
    r->sentinel_at_ns = end;
    r->sentinel_last_ns = end - start - visit.build_ns;
    r->sentinel_cost_ns += visit.busy_ns;
    r->has_state = runner_state(r->runner, &r->state);
    return LATHE_OK;
}

/* Between the visits of a sentinel there are every_ms, or as much as makes it cheap. */
static bool sentinel_is_due(const struct round *r, bool block)
{
    const struct lease_sentinel *s = &r->lease->sentinel;
    if (s->network < 0) return false;
    uint64_t every = (uint64_t)(block ? s->block_every_ms : s->every_ms) * UINT64_C(1000000);
    uint64_t share = block ? SENTINEL_SHARE_OF_BLOCK : SENTINEL_SHARE;
    if (every < share * r->sentinel_last_ns) every = share * r->sentinel_last_ns;
    return r->pending_count == PENDING_MAX || clock_now_ns() - r->sentinel_at_ns >= every;
}

static void add_sentinel(const struct round *r, const struct pending *p)
{
    uint64_t ns = 0;
    uint64_t cpu_ns = 0;
    if (r->lease->sentinel.network < 0) return;
    drift_at(r->drift, p->at_ns, &ns, &cpu_ns);
    json_object_set_new(p->document, "sentinel",
                        json_pack("{s:I,s:I}", "ns", (json_int_t)ns, "cpu_ns", (json_int_t)cpu_ns));
}

static void add_state(const struct round *r, json_t *document)
{
    if (!r->has_state) return;
    json_t *state = json_object();
    uint32_t khz = r->state.busy_khz ? r->state.busy_khz : r->state.khz;
    if (khz) json_object_set_new(state, "khz", json_integer(khz));
    if (r->state.temperature_dk) json_object_set_new(state, "temperature_k", json_real(r->state.temperature_dk / 10.0));
    if (r->state.others_share >= 0) json_object_set_new(state, "load", json_real(r->state.others_share));
    if (r->state.available_kib)
        json_object_set_new(state, "available_mb", json_integer((json_int_t)(r->state.available_kib / 1024)));
    json_object_set_new(document, "state", state);
}

/* Hand on what is pending. @return false when it is no longer wanted. */
static bool send_pending(struct round *r, bool throttled)
{
    bool wanted = true;
    for (size_t i = 0; i < r->pending_count; i++) {
        struct pending *p = &r->pending[i];
        add_sentinel(r, p);
        add_state(r, p->document);
        if (r->tries) json_object_set_new(p->document, "redone", json_integer(r->tries));
        if (throttled || r->hot) json_object_set_new(p->document, "throttled", json_true());
        if (i == 0) {
            json_int_t busy = json_integer_value(json_object_get(p->document, "busy_ns"));
            json_object_set_new(p->document, "busy_ns", json_integer(busy + (json_int_t)r->sentinel_cost_ns));
            r->sentinel_cost_ns = 0;
        }
        if (wanted) wanted = outbox_add(r->outbox, p->document, r->stop);
        else json_decref(p->document);
    }
    r->pending_count = 0;
    r->tries = 0;
    return wanted;
}

static void pause_ms(const struct round *r, uint64_t ms)
{
    uint64_t until = clock_now_ns() + ms * UINT64_C(1000000);
    while (!stopping(r) && clock_now_ns() < until) poll(NULL, 0, SLICE_MS);
}

static double celsius(const struct device_state *s)
{
    return s->temperature_dk / 10.0 - 273.15;
}

static void say_hot(const struct round *r, bool known)
{
    if (known)
        log_event(LOG_WARN, "device %s can't be cooled below %.1f degrees within %d s: it has %.1f", r->lease->device,
                  runner_cool_below_c(r->runner), COOL_MOST_S, celsius(&r->state));
    else
        log_event(LOG_WARN, "device %s does not tell its temperature: it can't be cooled to %.1f degrees",
                  r->lease->device, runner_cool_below_c(r->runner));
}

/* Wait until the device is as cool as it is to be. @return false when it does not get so, or can't tell. */
static bool cool_to_temperature(struct round *r)
{
    double below = runner_cool_below_c(r->runner);
    uint64_t until = clock_now_ns() + (uint64_t)COOL_MOST_S * UINT64_C(1000000000);
    while (below > 0 && !stopping(r) && outbox_state(r->outbox) == OUTBOX_OPEN) {
        r->has_state = runner_state(r->runner, &r->state);
        bool known = r->has_state && r->state.temperature_dk;
        if (known && celsius(&r->state) < below) return true;
        if (!known || clock_now_ns() >= until) {
            say_hot(r, known);
            return false;
        }
        pause_ms(r, COOL_LOOK_MS);
    }
    return true;
}

/* Cool a device that was throttled: to its temperature where one is set, else for a time. */
static void cool(struct round *r)
{
    if (runner_cool_below_c(r->runner) > 0 && cool_to_temperature(r)) return;
    pause_ms(r, (uint64_t)COOL_MS << r->tries);
}

/* A network that takes a millisecond or two has not found its weights in the caches again after two runs: runs of int8
 * networks took 3, 2, 1, 0.5, 0.3% more one after the other, those of ten milliseconds none. */
static int warmup_of(const struct round *r)
{
    int least = r->lease->warmup;
    if (!r->lease->warm_ms || !r->sentinel_run_ns) return least;
    uint64_t wanted = (uint64_t)r->lease->warm_ms * UINT64_C(1000000) / r->sentinel_run_ns + 1;
    int most = least > WARMUP_MOST ? least : WARMUP_MOST;
    if (wanted > (uint64_t)most) return most;
    return (int)wanted > least ? (int)wanted : least;
}

static enum lathe_status visit_one(struct round *r, const struct lease_visit *v, struct visits_failure *failure)
{
    struct runner_visit visit = {.network = v->network, .warmup = warmup_of(r), .runs = r->lease->runs};
    struct visit_samples samples = {0};
    uint64_t start = clock_now_ns();
    if (run_network(r, &visit, &samples, failure)) return failure->err.status;
    uint64_t took = clock_now_ns() - start - visit.build_ns;
    struct pending *p = &r->pending[r->pending_count++];
    *p = (struct pending){v, visit_json(v, &samples), start + visit.build_ns + took / 2};
    json_object_set_new(p->document, "busy_ns", json_integer((json_int_t)visit.busy_ns));
    if (visit.build_ns) json_object_set_new(p->document, "build_ns", json_integer((json_int_t)visit.build_ns));
    visit_samples_clear(&samples);
    return LATHE_OK;
}

/* Do the pending visits anew, since the device was throttled when they ran. */
static enum lathe_status redo_pending(struct round *r, struct visits_failure *failure)
{
    const struct lease_visit *again[PENDING_MAX];
    size_t n = r->pending_count;
    for (size_t i = 0; i < n; i++) again[i] = r->pending[i].visit;
    enum lathe_status st = LATHE_OK;
    drop_pending(r);
    /* Not before the sentinel is fast again, else they would begin in a throttled device and end in a cool one. */
    do {
        cool(r);
        r->tries++;
        st = visit_sentinel(r, failure);
    } while (!st && !stopping(r) && drift_is_slow(r->drift) && r->tries < TRIES_MAX - 1);
    for (size_t i = 0; !st && i < n && !stopping(r); i++) st = visit_one(r, again[i], failure);
    return st;
}

/* Whether the device is throttled, and no neighbour was just there for some milliseconds, as long as a visit to a small
 * sentinel takes: it is looked at again before anything is thrown away. */
static bool stays_slow(struct round *r, struct visits_failure *failure)
{
    for (int looks = 1; drift_is_slow(r->drift) && looks < LOOKS; looks++) {
        pause_ms(r, LOOK_MS);
        if (stopping(r) || visit_sentinel(r, failure)) return false;
    }
    return drift_is_slow(r->drift);
}

/* Whether pauses may help: a device that has just stayed slow through all of them is not waited for again at once. */
static bool has_hope(const struct round *r)
{
    return !r->gave_up_ns || clock_now_ns() - r->gave_up_ns > HOPE_AFTER_MS * UINT64_C(1000000);
}

/* The sentinel behind some visits: they are sent, or done again when it shows a device that is slower than it was. */
static bool close_block(struct round *r, struct visits_failure *failure)
{
    if (r->lease->sentinel.network < 0) return send_pending(r, false);
    if (visit_sentinel(r, failure)) return false;
    bool slow = stays_slow(r, failure);
    while (slow && r->tries < TRIES_MAX - 1 && has_hope(r) && !stopping(r)) {
        log_event(LOG_DEBUG, "throttled: %zu visits are done again lease=%s", r->pending_count, r->lease->id);
        if (redo_pending(r, failure) || visit_sentinel(r, failure)) return false;
        slow = stays_slow(r, failure);
    }
    if (failure->failed) return false;
    if (slow && r->tries == TRIES_MAX - 1) r->gave_up_ns = clock_now_ns();
    return send_pending(r, slow);
}

/* Whether a visit is one of several in a row to its network. */
static bool in_block(const struct lease *lease, int i)
{
    const struct lease_visit *v = lease->visits;
    return (i > 0 && v[i - 1].network == v[i].network) ||
           (i + 1 < lease->visit_count && v[i + 1].network == v[i].network);
}

void visits_run(struct runner *runner, const struct lease *lease, struct outbox *outbox, const atomic_int *stop,
                struct visits_failure *out)
{
    struct round *r = calloc(1, sizeof *r);
    *out = (struct visits_failure){0};
    if (!r) {
        out->failed = true;
        error_set(&out->err, LATHE_NO_MEMORY, "out of memory");
        return;
    }
    *r =
        (struct round){.runner = runner, .lease = lease, .outbox = outbox, .drift = runner_drift(runner), .stop = stop};
    r->hot = !cool_to_temperature(r);
    if (lease->sentinel.network >= 0) visit_sentinel(r, out);
    for (int i = 0; i < lease->visit_count && !out->failed && !stopping(r); i++) {
        if (outbox_state(outbox) != OUTBOX_OPEN || visit_one(r, &lease->visits[i], out)) break;
        bool last = i + 1 == lease->visit_count;
        if ((last || lease->sentinel.network < 0 || sentinel_is_due(r, in_block(lease, i))) && !close_block(r, out))
            break;
    }
    /* What was measured before a stop or a failure counts by the sentinels there are. */
    if (r->pending_count) send_pending(r, false);
    /* A stop from the terminal reaches the runner, too: its end is none of the job's failures then. */
    if (stopping(r)) out->failed = false;
    drop_pending(r);
    free(r);
}
