/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What is kept of a visit that is done: what was around it and, of whole networks, the times of its runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/jobs/internal.h"

json_t *mark_new(const struct visit_mark *m)
{
    json_t *mark = json_pack("{s:i,s:I,s:I}", "network", m->network, "sentinel_ns", (json_int_t)m->around.sentinel_ns,
                             "sentinel_cpu_ns", (json_int_t)m->around.sentinel_cpu_ns);
    if (!m->run_count) return mark;
    json_t *runs = json_array();
    for (size_t i = 0; i < m->run_count; i++)
        json_array_append_new(runs, json_pack("[I,I,i]", (json_int_t)m->runs[i].wall_ns, (json_int_t)m->runs[i].cpu_ns,
                                              m->runs[i].preempted));
    json_object_set_new(mark, "runs", runs);
    return mark;
}

/* @param m its runs have room for MARK_RUNS_MAX. */
static bool read_mark(struct kv_slice key, struct kv_slice value, struct visit_mark *m)
{
    char digits[9] = "";
    json_t *mark = json_loadb(value.data, value.size, 0, NULL);
    if (!mark) return false;
    if (key.size >= 8) memcpy(digits, (const char *)key.data + key.size - 8, 8);
    m->visit = (uint32_t)strtoul(digits, NULL, 16);
    m->network = (int)job_int(mark, "network");
    m->around = (struct sample_context){.subnet = (uint64_t)m->network,
                                        .sentinel_ns = (uint64_t)job_int(mark, "sentinel_ns"),
                                        .sentinel_cpu_ns = (uint64_t)job_int(mark, "sentinel_cpu_ns")};
    const json_t *runs = json_object_get(mark, "runs");
    m->run_count = json_array_size(runs);
    if (m->run_count > MARK_RUNS_MAX) m->run_count = MARK_RUNS_MAX;
    for (size_t i = 0; i < m->run_count; i++) {
        const json_t *run = json_array_get(runs, i);
        m->runs[i] = (struct sample){(uint64_t)json_integer_value(json_array_get(run, 0)),
                                     (uint64_t)json_integer_value(json_array_get(run, 1)),
                                     (uint8_t)json_integer_value(json_array_get(run, 2))};
    }
    json_decref(mark);
    return true;
}

struct mark_walk {
    struct visit_mark mark;
    bool (*see)(void *, const struct visit_mark *);
    void *context;
};

static bool walk_mark(void *context, struct kv_slice key, struct kv_slice value)
{
    struct mark_walk *walk = context;
    return !read_mark(key, value, &walk->mark) || walk->see(walk->context, &walk->mark);
}

enum lathe_status marks_scan(struct kv_txn *txn, const char *job, bool (*see)(void *, const struct visit_mark *),
                             void *context, struct lathe_error *err)
{
    char prefix[JOB_KEY_BYTES];
    struct mark_walk walk = {.see = see, .context = context};
    walk.mark.runs = malloc(sizeof *walk.mark.runs * MARK_RUNS_MAX);
    if (!walk.mark.runs) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    snprintf(prefix, sizeof prefix, "visit/%s/", job);
    enum lathe_status st = kv_scan(txn, prefix, NULL, walk_mark, &walk, err);
    free(walk.mark.runs);
    return st;
}

struct sentinel_list {
    double *ns;
    size_t count, capacity;
    bool cpu, failed;
};

static bool note_sentinel(void *context, const struct visit_mark *m)
{
    struct sentinel_list *list = context;
    uint64_t ns = list->cpu ? m->around.sentinel_cpu_ns : m->around.sentinel_ns;
    if (!ns) return true;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 256;
        double *grown = realloc(list->ns, capacity * sizeof *grown);
        if (!grown) {
            list->failed = true;
            return false;
        }
        list->ns = grown;
        list->capacity = capacity;
    }
    list->ns[list->count++] = (double)ns;
    return true;
}

static enum lathe_status median_sentinel(struct kv_txn *txn, const char *job, bool cpu, double *ns,
                                         struct lathe_error *err)
{
    struct sentinel_list list = {.cpu = cpu};
    struct latency latency = {0};
    *ns = 0;
    enum lathe_status st = marks_scan(txn, job, note_sentinel, &list, err);
    if (!st && list.failed) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st && list.count) {
        latency_from_samples(list.ns, list.count, &latency);
        *ns = latency.p50_ms * 1e6;
    }
    free(list.ns);
    return st;
}

enum lathe_status marks_reference(struct kv_txn *txn, const char *job, double *ns, struct lathe_error *err)
{
    enum lathe_status st = median_sentinel(txn, job, false, ns, err);
    return st || *ns > 0 ? st : median_sentinel(txn, job, true, ns, err);
}

struct pooling {
    struct sample_pool *pools;
    const int *networks;
    size_t count;
    enum lathe_status status;
    struct lathe_error *err;
};

static bool pool_mark(void *context, const struct visit_mark *m)
{
    struct pooling *p = context;
    for (size_t i = 0; !p->status && m->run_count && i < p->count; i++)
        if (m->network == p->networks[i])
            p->status = sample_pool_add(&p->pools[i], m->visit, &m->around, m->runs, m->run_count, p->err);
    return !p->status;
}

enum lathe_status marks_latencies(struct kv_txn *txn, const char *job, const int *networks, size_t n,
                                  const struct table_scaling *scaling, struct latency *out, struct lathe_error *err)
{
    struct pooling p = {.networks = networks, .count = n, .err = err};
    p.pools = calloc(n ? n : 1, sizeof *p.pools);
    if (!p.pools) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++) sample_pool_init(&p.pools[i], scaling);
    enum lathe_status st = marks_scan(txn, job, pool_mark, &p, err);
    if (!st) st = p.status;
    for (size_t i = 0; !st && i < n; i++) {
        out[i] = (struct latency){0};
        st = sample_pool_latency(&p.pools[i], &out[i], err);
        if (st == LATHE_NOT_FOUND) st = LATHE_OK;
    }
    for (size_t i = 0; i < n; i++) sample_pool_clear(&p.pools[i]);
    free(p.pools);
    return st;
}

enum lathe_status marks_latency(struct kv_txn *txn, const char *job, int network, const struct table_scaling *scaling,
                                struct latency *out, struct lathe_error *err)
{
    struct latency latency = {0};
    enum lathe_status st = marks_latencies(txn, job, &network, 1, scaling, &latency, err);
    if (!st && !latency.count) return LATHE_NOT_FOUND;
    if (!st) *out = latency;
    return st;
}
