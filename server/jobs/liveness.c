/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/liveness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "server/jobs/internal.h"

static const uint64_t ONLINE_NS = UINT64_C(60000000000);

/* Room for one more item. @return false when memory ran out: then nothing was changed. */
static bool reserve(void **items, size_t count, size_t *capacity, size_t item_bytes)
{
    if (count < *capacity) return true;
    size_t grown_capacity = *capacity ? *capacity * 2 : 16;
    void *grown = realloc(*items, grown_capacity * item_bytes);
    if (!grown) return false;
    *items = grown;
    *capacity = grown_capacity;
    return true;
}

void lease_extend(struct jobs *jobs, const char *lease)
{
    uint64_t deadline = clock_now_ns() + (uint64_t)LEASE_TTL_S * UINT64_C(1000000000);
    pthread_mutex_lock(&jobs->lock);
    size_t i = 0;
    while (i < jobs->live_count && strcmp(jobs->live[i].id, lease) != 0) i++;
    if (i == jobs->live_count &&
        reserve((void **)&jobs->live, jobs->live_count, &jobs->live_capacity, sizeof *jobs->live))
        snprintf(jobs->live[jobs->live_count++].id, JOB_ID_BYTES, "%s", lease);
    if (i < jobs->live_count) jobs->live[i].deadline_ns = deadline;
    pthread_mutex_unlock(&jobs->lock);
}

bool liveness_overdue_lease(struct jobs *jobs, char *id)
{
    uint64_t now = clock_now_ns();
    pthread_mutex_lock(&jobs->lock);
    size_t i = 0;
    while (i < jobs->live_count && jobs->live[i].deadline_ns > now) i++;
    bool found = i < jobs->live_count;
    if (found) memcpy(id, jobs->live[i].id, JOB_ID_BYTES);
    pthread_mutex_unlock(&jobs->lock);
    return found;
}

void liveness_forget_lease(struct jobs *jobs, const char *lease)
{
    pthread_mutex_lock(&jobs->lock);
    for (size_t i = 0; i < jobs->live_count; i++) {
        if (strcmp(jobs->live[i].id, lease) != 0) continue;
        jobs->live[i] = jobs->live[--jobs->live_count];
        break;
    }
    pthread_mutex_unlock(&jobs->lock);
}

void liveness_see_agent(struct jobs *jobs, const char *agent)
{
    pthread_mutex_lock(&jobs->lock);
    size_t i = 0;
    while (i < jobs->seen_count && strcmp(jobs->seen[i].name, agent) != 0) i++;
    if (i == jobs->seen_count &&
        reserve((void **)&jobs->seen, jobs->seen_count, &jobs->seen_capacity, sizeof *jobs->seen))
        snprintf(jobs->seen[jobs->seen_count++].name, sizeof jobs->seen->name, "%s", agent);
    if (i < jobs->seen_count) {
        jobs->seen[i].at_ns = clock_now_ns();
        jobs->seen[i].wall_ms = clock_wall_ms();
    }
    pthread_mutex_unlock(&jobs->lock);
}

static bool is_leased(struct jobs *jobs, const char *device)
{
    struct kv_txn *txn;
    json_t *lease = NULL;
    if (kv_read_begin(jobs->kv, &txn, NULL)) return false;
    bool leased = lease_of_device(txn, device, &lease, NULL) == LATHE_OK;
    kv_read_end(txn);
    json_decref(lease);
    return leased;
}

/* @param agent NULL: any. @return whether one was heard of within the last minute. */
static bool is_online(struct jobs *jobs, const char *agent, int64_t *last_seen_ms)
{
    uint64_t now = clock_now_ns();
    bool online = false;
    *last_seen_ms = 0;
    pthread_mutex_lock(&jobs->lock);
    for (size_t i = 0; i < jobs->seen_count; i++) {
        const struct seen_agent *seen = &jobs->seen[i];
        if (agent && strcmp(seen->name, agent) != 0) continue;
        if (seen->wall_ms > *last_seen_ms) *last_seen_ms = seen->wall_ms;
        if (now - seen->at_ns < ONLINE_NS) online = true;
    }
    pthread_mutex_unlock(&jobs->lock);
    return online;
}

/* Of a device that has no lease. */
static const char *idle_state(struct jobs *jobs, const json_t *device, int64_t *last_seen_ms)
{
    bool online = is_online(jobs, json_string_value(json_object_get(device, "agent")), last_seen_ms);
    if (device_is_quarantined(device)) return "quarantined";
    return online ? "online" : "offline";
}

const char *jobs_device_state(struct jobs *jobs, const json_t *device, int64_t *last_seen_ms)
{
    int64_t last = 0;
    const char *state = idle_state(jobs, device, &last);
    if (last_seen_ms) *last_seen_ms = last;
    return is_leased(jobs, job_text(device, "name")) ? "busy" : state;
}

struct states {
    struct jobs *jobs;
    json_t *leased; /* object: names of devices */
    void (*visit)(void *, const char *, const char *, int64_t);
    void *context;
};

static bool note_leased(void *context, struct kv_slice key, struct kv_slice value)
{
    struct states *s = context;
    (void)key;
    json_t *lease = json_loadb(value.data, value.size, 0, NULL);
    json_object_set_new(s->leased, job_text(lease, "device"), json_true());
    json_decref(lease);
    return true;
}

static bool visit_state(void *context, struct kv_slice key, struct kv_slice value)
{
    struct states *s = context;
    int64_t last = 0;
    (void)key;
    json_t *device = json_loadb(value.data, value.size, 0, NULL);
    const char *name = job_text(device, "name");
    const char *state = idle_state(s->jobs, device, &last);
    if (device) s->visit(s->context, name, json_object_get(s->leased, name) ? "busy" : state, last);
    json_decref(device);
    return true;
}

enum lathe_status jobs_each_device_state(struct jobs *jobs, void (*visit)(void *, const char *, const char *, int64_t),
                                         void *context, struct lathe_error *err)
{
    struct kv_txn *txn = NULL;
    struct states s = {jobs, json_object(), visit, context};
    enum lathe_status st = kv_read_begin(jobs->kv, &txn, err);
    if (!st) st = kv_scan(txn, "lease/", NULL, note_leased, &s, err);
    if (!st) st = kv_scan(txn, "device/", NULL, visit_state, &s, err);
    kv_read_end(txn);
    json_decref(s.leased);
    return st;
}

json_t *jobs_agents(struct jobs *jobs)
{
    uint64_t now = clock_now_ns();
    json_t *agents = json_object();
    pthread_mutex_lock(&jobs->lock);
    for (size_t i = 0; agents && i < jobs->seen_count; i++) {
        const struct seen_agent *seen = &jobs->seen[i];
        json_object_set_new(
            agents, seen->name,
            json_pack("{s:b,s:I}", "online", now - seen->at_ns < ONLINE_NS, "last_seen_ms", (json_int_t)seen->wall_ms));
    }
    pthread_mutex_unlock(&jobs->lock);
    return agents;
}
