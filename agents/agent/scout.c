/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/scout.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/agent/port_scan.h"
#include "agents/agent/serial_ports.h"
#include "agents/agent/ssh_hosts.h"
#include "lut/base/clock.h"
#include "lut/base/log.h"

enum { EVERY_S = 3, CALL_TIMEOUT_S = 10 };

struct scout {
    const struct agent_config *config;
    const atomic_int *stop; /* NULL: never */
    struct api *api;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ends;
    bool quit;    /* under lock, as the next */
    json_t *scan; /* what was asked for last, not looked at yet; NULL: nothing */
    /* Of its thread: */
    char *ports_key; /* of the ports that were listed last */
    json_t *ports, *told;
    json_t *scan_id; /* of the scan that the ports' answers are of; NULL: none */
    bool unwanted;   /* the server does not know what to do with it */
};

/* What there is now; new reference. */
static json_t *look(struct scout *s)
{
    char *key = serial_ports_key();
    if (key && (!s->ports_key || strcmp(key, s->ports_key) != 0)) {
        json_decref(s->ports);
        s->ports = serial_ports_list();
        json_decref(s->scan_id);
        s->scan_id = NULL;
        free(s->ports_key);
        s->ports_key = key;
        key = NULL;
    }
    free(key);
    return json_pack("{s:O?,s:o?,s:O*}", "serial", s->ports, "ssh", ssh_hosts_list(s->config->ssh_config), "scan",
                     s->scan_id);
}

static void tell(struct scout *s, json_t *now)
{
    char path[128];
    struct api_reply reply = {0};
    struct lathe_error err = {0};
    snprintf(path, sizeof path, "/v1/agents/%s/sees", s->config->name);
    if (api_put(s->api, path, now, CALL_TIMEOUT_S, &reply, &err)) {
        /* The crew says so, too, and waits; this is tried again with the next look. */
        log_event(LOG_DEBUG, "failed to tell what is in reach: %s", err.message);
        return;
    }
    if (reply.status >= 500) {
        log_event(LOG_DEBUG, "failed to tell what is in reach: %s", reply.problem);
    } else {
        s->unwanted = reply.status == 404 || reply.status == 405;
        if (reply.status >= 400) log_event(LOG_WARN, "failed to tell what is in reach: %s", reply.problem);
        json_decref(s->told);
        s->told = json_incref(now);
    }
    api_reply_clear(&reply);
}

/* Ask at the ports. A new list, since the one before may be with the server still. */
static void scan(struct scout *s, const json_t *asked)
{
    json_t *ports = port_scan(serial_ports_list(), asked, s->stop);
    if (!ports) return;
    json_decref(s->ports);
    s->ports = ports;
    free(s->ports_key);
    s->ports_key = serial_ports_key();
    json_decref(s->scan_id);
    s->scan_id = json_incref(json_object_get(asked, "id"));
    log_event(LOG_INFO, "scanned %zu serial ports", json_array_size(ports));
}

void scout_scan(struct scout *s, const json_t *document)
{
    pthread_mutex_lock(&s->lock);
    json_decref(s->scan);
    s->scan = json_deep_copy(document);
    pthread_cond_signal(&s->ends);
    pthread_mutex_unlock(&s->lock);
}

static json_t *take_scan(struct scout *s)
{
    pthread_mutex_lock(&s->lock);
    json_t *asked = s->scan;
    s->scan = NULL;
    pthread_mutex_unlock(&s->lock);
    return asked;
}

static void *run(void *context)
{
    struct scout *s = context;
    bool quit = false;
    while (!quit) {
        json_t *asked = take_scan(s);
        if (asked) scan(s, asked);
        json_decref(asked);
        json_t *now = s->unwanted ? NULL : look(s);
        if (now && !json_equal(now, s->told)) tell(s, now);
        json_decref(now);
        uint64_t until_ns = clock_now_ns() + EVERY_S * UINT64_C(1000000000);
        const struct timespec until = {.tv_sec = (time_t)(until_ns / UINT64_C(1000000000)),
                                       .tv_nsec = (long)(until_ns % UINT64_C(1000000000))};
        pthread_mutex_lock(&s->lock);
        while (!s->quit && !s->scan && clock_now_ns() < until_ns) pthread_cond_timedwait(&s->ends, &s->lock, &until);
        quit = s->quit;
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

static void release(struct scout *s)
{
    pthread_cond_destroy(&s->ends);
    pthread_mutex_destroy(&s->lock);
    api_free(s->api);
    json_decref(s->ports);
    json_decref(s->told);
    json_decref(s->scan);
    json_decref(s->scan_id);
    free(s->ports_key);
    free(s);
}

enum lathe_status scout_start(const struct api_options *options, const struct agent_config *config, struct scout **out,
                              struct lathe_error *err)
{
    pthread_condattr_t monotonic;
    struct scout *s = calloc(1, sizeof *s);
    if (!s) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    s->config = config;
    s->stop = options->aborted;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->ends, &monotonic);
    pthread_condattr_destroy(&monotonic);
    enum lathe_status st = api_new(options, &s->api, err);
    if (!st && pthread_create(&s->thread, NULL, run, s)) st = error_set(err, LATHE_IO, "can't start a thread");
    if (st) release(s);
    else *out = s;
    return st;
}

void scout_stop(struct scout *s)
{
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->quit = true;
    pthread_cond_signal(&s->ends);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    release(s);
}
