/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/device_states.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/log.h"
#include "server/routes/events.h"

static const uint64_t seen_every_ns = UINT64_C(5000000000);

struct known_device {
    char name[65];
    const char *state; /* static */
    int64_t last_seen_ms;
    uint64_t told_ns;
};

struct known_list {
    struct known_device *items;
    size_t count, capacity;
};

struct device_states {
    struct event_hub *hub;
    struct jobs *jobs;
    struct known_list known, next; /* in order of names */
    size_t at;                     /* in known, while next is made */
    json_t *agents;                /* as jobs_agents() last told; NULL: never */
};

static struct known_device *add(struct known_list *list)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 16;
        struct known_device *grown = realloc(list->items, capacity * sizeof *grown);
        if (!grown) return NULL;
        list->items = grown;
        list->capacity = capacity;
    }
    return &list->items[list->count++];
}

/* A device that is new has been told of already: it is in the store. */
static void compare(void *context, const char *name, const char *state, int64_t last_seen_ms)
{
    struct device_states *s = context;
    uint64_t now = clock_now_ns();
    struct known_device *next = add(&s->next);
    if (!next) return;
    while (s->at < s->known.count && strcmp(s->known.items[s->at].name, name) < 0) s->at++;
    const struct known_device *old = s->at < s->known.count ? &s->known.items[s->at] : NULL;
    if (old && strcmp(old->name, name) != 0) old = NULL;
    *next = (struct known_device){.state = state, .last_seen_ms = last_seen_ms, .told_ns = old ? old->told_ns : now};
    snprintf(next->name, sizeof next->name, "%s", name);
    if (!old) return;
    bool turned = strcmp(old->state, state) != 0;
    bool heard = old->last_seen_ms != last_seen_ms;
    if (!turned && !heard) return;
    if (!turned && now - old->told_ns < seen_every_ns) {
        next->last_seen_ms = old->last_seen_ms;
        return;
    }
    next->told_ns = now;
    event_hub_touch(s->hub, TOPIC_DEVICE, name);
}

static void look_for_agents(struct device_states *s)
{
    json_t *agents = jobs_agents(s->jobs);
    const char *name;
    json_t *agent;
    json_object_foreach(agents, name, agent)
    {
        const json_t *known = json_object_get(s->agents, name);
        if (!known || json_is_true(json_object_get(known, "online")) != json_is_true(json_object_get(agent, "online")))
            event_hub_touch(s->hub, TOPIC_AGENT, name);
    }
    json_decref(s->agents);
    s->agents = agents;
}

static void look(void *context)
{
    struct device_states *s = context;
    struct lathe_error err = {0};
    s->at = s->next.count = 0;
    if (jobs_each_device_state(s->jobs, compare, s, &err)) {
        log_event(LOG_WARN, "failed to look after devices: %s", err.message);
        return;
    }
    struct known_list swap = s->known;
    s->known = s->next;
    s->next = swap;
}

static void tick(void *context)
{
    look(context);
    look_for_agents(context);
}

static void on_change(void *context, unsigned topic, const char *id)
{
    (void)id;
    if (topic == TOPIC_LEASE || topic == TOPIC_DEVICE) look(context);
}

enum lathe_status device_states_new(struct event_hub *hub, struct jobs *jobs, struct device_states **out,
                                    struct lathe_error *err)
{
    struct device_states *s = calloc(1, sizeof *s);
    if (!s) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    s->hub = hub;
    s->jobs = jobs;
    event_hub_listen(hub, on_change, s);
    event_hub_on_tick(hub, tick, s);
    *out = s;
    return LATHE_OK;
}

void device_states_free(struct device_states *s)
{
    if (!s) return;
    free(s->known.items);
    free(s->next.items);
    json_decref(s->agents);
    free(s);
}
