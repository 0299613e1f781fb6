/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/agent/board.h"
#include "agents/agent/model.h"
#include "agents/agent/target.h"
#include "lut/base/clock.h"
#include "lut/base/log.h"

/* A session holds packed weights once for each layer and position. All rows of OFA's space at one resolution come to a
 * third of a gigabyte; two resolutions fit, and a profile of all of them starts afresh when it gets too big. */
static const uint64_t PACKED_BYTES_MAX = UINT64_C(1) << 30;
/* A network may stall, where a pipe does not. */
enum { REMOTE_REPLY_MS = 5000 };

struct runner {
    const struct agent_config *agent;
    const atomic_int *stop;
    struct session *session; /* NULL: none is open */
    struct model *model;     /* in its place, of a board that has a model of its own; NULL: none */
    char device[65], config[65], job[40];
    enum dtype dtype;
    json_t *prepared; /* object: network number -> the id that the session knows it by */
    json_t *packed;   /* object, used as a set: "position layer" */
    uint64_t packed_bytes;
    int next_id;
    int builds; /* so far */
    struct drift drift;
    double cool_below_c;                   /* 0: don't */
    bool stateless;                        /* the runner can't tell how its device is */
    void (*away)(void *, const char *why); /* NULL: nobody wants to know */
    void *away_context;
};

struct runner *runner_new(const struct agent_config *agent, const atomic_int *stop)
{
    struct runner *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->agent = agent;
    r->stop = stop;
    r->prepared = json_object();
    r->packed = json_object();
    return r;
}

void runner_tell_away(struct runner *r, void (*away)(void *context, const char *why), void *context)
{
    r->away = away;
    r->away_context = context;
}

static void forget_networks(struct runner *r)
{
    json_object_clear(r->prepared);
    json_object_clear(r->packed);
    r->packed_bytes = 0;
    r->next_id = 0;
}

void runner_close(struct runner *r)
{
    session_close(r->session);
    r->session = NULL;
    model_close(r->model);
    r->model = NULL;
    r->stateless = false;
    forget_networks(r);
}

struct drift *runner_drift(struct runner *r)
{
    return &r->drift;
}

void runner_free(struct runner *r)
{
    if (!r) return;
    runner_close(r);
    json_decref(r->prepared);
    json_decref(r->packed);
    free(r);
}

static bool is_open_for(const struct runner *r, const struct lease *lease)
{
    return (r->session || r->model) && strcmp(r->device, lease->device) == 0 && strcmp(r->config, lease->config) == 0;
}

/* What times are made of, where it is not nanoseconds; as texts, as all of a fingerprint. */
static void add_clock(const struct session *session, json_t *fingerprint)
{
    const struct session_board *board = session_board(session);
    if (session_clock(session) == SESSION_WALL_NS) return;
    bool cycles = session_clock(session) == SESSION_CYCLES;
    json_object_set_new(fingerprint, "clock", json_string(cycles ? "cycles" : "instructions"));
    if (cycles && board && !json_object_get(fingerprint, "timer_hz"))
        json_object_set_new(fingerprint, "timer_hz", json_sprintf("%u", board->timer_hz));
}

/* The runner's "key=value" lines as an object. */
static json_t *fingerprint_of(const struct session *session)
{
    json_t *fingerprint = json_object();
    for (const char *const *line = session_fingerprint(session); line && *line; line++) {
        const char *equals = strchr(*line, '=');
        char key[64];
        if (!equals || equals == *line) continue;
        snprintf(key, sizeof key, "%.*s", (int)(equals - *line), *line);
        json_object_set_new(fingerprint, key, json_string(equals + 1));
    }
    add_clock(session, fingerprint);
    return fingerprint;
}

json_t *runner_board(const struct runner *r)
{
    return r->session ? board_json(r->session) : NULL;
}

/* Whether trying again can't help. */
static bool is_fatal(enum lathe_status st)
{
    return st == LATHE_NOT_FOUND || st == LATHE_UNSUPPORTED || st == LATHE_INVALID || st == LATHE_DENIED;
}

static enum lathe_status open_session(struct runner *r, const struct lease *lease, bool *fatal, struct lathe_error *err)
{
    struct runtime_config config;
    struct target target;
    enum lathe_status st = runtime_config_parse(lease->config, &config, err);
    if (!st) st = target_find(r->agent, lease->device, lease->transport_options, config.runtime, &target, err);
    if (!st) {
        const struct session_options options = {.transport = &target.options,
                                                .reply_ms = target.options.destination ? REMOTE_REPLY_MS : 0,
                                                .run_ms = target.visit_s * 1000,
                                                .governor = target.governor,
                                                .khz = target.khz};
        target.options.stop = r->stop;
        target.options.away = r->away;
        target.options.away_context = r->away_context;
        st = target.protocol == PROTOCOL_MLPERF_TINY
                 ? model_open(&target, &r->model, err)
                 : session_open_with(target.transport, target.argv, &config, &options, &r->session, err);
    }
    *fatal = is_fatal(st);
    if (st) {
        r->session = NULL;
        r->model = NULL;
        return st;
    }
    r->dtype = config.dtype;
    r->cool_below_c = target.cool_below_c;
    snprintf(r->device, sizeof r->device, "%s", lease->device);
    snprintf(r->config, sizeof r->config, "%s", lease->config);
    log_event(LOG_INFO, "opened a runner device=%s config=%s", lease->device, lease->config);
    return LATHE_OK;
}

static enum lathe_status reset(struct runner *r, struct lathe_error *err)
{
    forget_networks(r);
    return r->session ? session_reset(r->session, err) : LATHE_OK;
}

enum lathe_status runner_ready(struct runner *r, const struct lease *lease, json_t **fingerprint, bool *fatal,
                               struct lathe_error *err)
{
    enum lathe_status st = LATHE_OK;
    *fatal = false;
    if (!is_open_for(r, lease)) {
        runner_close(r);
        st = open_session(r, lease, fatal, err);
    } else if (strcmp(r->job, lease->job) != 0) {
        st = reset(r, err);
        /* A runner that died while there was nothing to do is no failure of this lease. */
        if (st) {
            runner_close(r);
            st = open_session(r, lease, fatal, err);
        }
    }
    if (st) return st;
    if (strcmp(r->job, lease->job) != 0) r->drift = (struct drift){0};
    snprintf(r->job, sizeof r->job, "%s", lease->job);
    *fingerprint = r->model ? model_fingerprint(r->model) : fingerprint_of(r->session);
    return LATHE_OK;
}

/* Note what a network packs. */
static void note_packed(struct runner *r, const struct lease_network *network)
{
    for (int i = 0; i < network->layer_count; i++) {
        char text[LAYER_TEXT_BYTES];
        char key[LAYER_TEXT_BYTES + 16];
        layer_print(&network->layers[i], text);
        snprintf(key, sizeof key, "%d %s", i, text);
        if (json_object_get(r->packed, key)) continue;
        json_object_set_new(r->packed, key, json_true());
        r->packed_bytes += layer_weight_bytes(&network->layers[i], r->dtype);
    }
}

static enum lathe_status prepare_once(struct runner *r, const struct lease_network *network, int *id,
                                      struct lathe_error *err)
{
    char number[16];
    if (r->packed_bytes > PACKED_BYTES_MAX || r->next_id >= session_network_count(r->session)) {
        enum lathe_status st = reset(r, err);
        if (st) return st;
    }
    enum lathe_status st = session_prepare(r->session, r->next_id, network->layers, network->layer_count, err);
    if (st) return st;
    r->builds++;
    note_packed(r, network);
    *id = r->next_id++;
    snprintf(number, sizeof number, "%d", network->network);
    json_object_set_new(r->prepared, number, json_integer(*id));
    return LATHE_OK;
}

static enum lathe_status prepare(struct runner *r, const struct lease_network *network, int *id,
                                 struct lathe_error *err)
{
    char number[16];
    snprintf(number, sizeof number, "%d", network->network);
    const json_t *known = json_object_get(r->prepared, number);
    if (known) {
        *id = (int)json_integer_value(known);
        return LATHE_OK;
    }
    enum lathe_status st = prepare_once(r, network, id, err);
    if (st != LATHE_NO_MEMORY || r->next_id == 0) return st;
    /* The device is full: it may hold this network alone. */
    st = reset(r, err);
    return st ? st : prepare_once(r, network, id, err);
}

/* Prepare the network of a visit, and say so when there is no room for it. */
static enum lathe_status make_room(struct runner *r, const struct lease *lease, struct runner_visit *visit, int *id,
                                   struct lathe_error *err)
{
    struct lathe_error why;
    enum lathe_status st = prepare(r, lease_network(lease, visit->network), id, &why);
    visit->no_room = st == LATHE_NO_MEMORY;
    if (visit->no_room) visit->needs_bytes = session_needed_bytes(r->session);
    if (st) error_set(err, st, "%s%s", visit->no_room ? "does not fit: " : "", why.message);
    return st;
}

double runner_cool_below_c(const struct runner *r)
{
    return r->cool_below_c;
}

bool runner_state(struct runner *r, struct device_state *out)
{
    struct lathe_error err;
    if (!r->session || r->stateless) return false;
    enum lathe_status st = session_state(r->session, out, &err);
    /* What fails otherwise shows in the next visit. */
    r->stateless = st == LATHE_UNSUPPORTED;
    return st == LATHE_OK;
}

enum lathe_status runner_run(struct runner *r, const struct lease *lease, struct runner_visit *visit,
                             struct visit_samples *out, bool *fatal, struct lathe_error *err)
{
    int id = 0;
    uint64_t start = clock_now_ns();
    int built = r->builds;
    enum lathe_status st = r->model ? LATHE_OK : make_room(r, lease, visit, &id, err);
    uint64_t ready = clock_now_ns();
    visit->build_ns = r->builds == built ? 0 : ready - start;
    if (!st)
        st = r->model ? model_run(r->model, visit->warmup, visit->runs, out, err)
                      : session_run(r->session, id, visit->warmup, visit->runs, lease->per_layer, out, err);
    visit->busy_ns = visit->build_ns + (st ? 0 : out->elapsed_ns);
    *fatal = st == LATHE_UNSUPPORTED || st == LATHE_INVALID || st == LATHE_NO_MEMORY;
    if (st) runner_close(r);
    return st;
}
