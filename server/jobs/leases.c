/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/text.h"
#include "server/jobs/internal.h"
#include "server/jobs/liveness.h"

/* About one pass over one resolution: some seconds of work on most devices. Results come as they are measured, so a
 * lease's length costs nothing when it is lost. */
enum { LEASE_VISITS = 27, FAILURES_MAX = 3 };
/* Often enough to follow clocks and heat, seldom enough to cost little. */
enum { SENTINEL_WARMUP = 2, SENTINEL_RUNS = 3, SENTINEL_EVERY_MS = 300, SENTINEL_EVERY_MS_OF_MEASUREMENT = 30 };

enum lathe_status lease_load(struct kv_txn *txn, const char *lease, int64_t fence, json_t **out,
                             struct lathe_error *err)
{
    json_t *document = NULL;
    enum lathe_status st = store_get(txn, "lease", lease, &document, err);
    if (st == LATHE_NOT_FOUND) return error_set(err, LATHE_CONFLICT, "lease %s has ended: stop and ask anew", lease);
    if (st) return st;
    if (job_int(document, "fence") != fence) {
        st = error_set(err, LATHE_CONFLICT, "lease %s is not held under fence %lld: stop and ask anew", lease,
                       (long long)fence);
        json_decref(document);
        return st;
    }
    *out = document;
    return LATHE_OK;
}

/* A piece of work that an agent may take. */
struct offer {
    json_t *job, *device;
    json_t *former; /* a lease of the same agent that ends by taking this one; or NULL */
};

static void clear_offer(struct offer *offer)
{
    json_decref(offer->job);
    json_decref(offer->device);
    json_decref(offer->former);
    *offer = (struct offer){0};
}

/* Whether an agent may work on a job now. An agent works off one lease at a time: when it asks for work while it holds
 * a lease, it has lost it, be it that it was restarted or that the answer never reached it; no need to wait for expiry.
 * @return LATHE_NOT_FOUND when not. */
static enum lathe_status consider(struct kv_txn *txn, const struct active_job *active, const char *agent,
                                  struct offer *out, struct lathe_error *err)
{
    struct offer offer = {0};
    enum lathe_status st = job_load(txn, active->kind, active->id, &offer.job, err);
    if (!st) st = store_get(txn, "device", job_text(offer.job, "device"), &offer.device, err);
    if (st) goto out;
    const char *of = json_string_value(json_object_get(offer.device, "agent"));
    if (of && strcmp(of, agent) != 0) {
        st = LATHE_NOT_FOUND;
        goto out;
    }
    st = lease_of_device(txn, job_text(offer.job, "device"), &offer.former, err);
    if (st == LATHE_NOT_FOUND) st = LATHE_OK;
    else if (!st && strcmp(job_text(offer.former, "agent"), agent) != 0) st = LATHE_NOT_FOUND;
out:
    if (st) clear_offer(&offer);
    else *out = offer;
    return st;
}

static enum lathe_status find_offer(struct kv_txn *txn, const char *agent, struct offer *out, struct lathe_error *err)
{
    struct active_job *active = NULL;
    size_t n = 0;
    enum lathe_status st = job_list_active(txn, &active, &n, err);
    if (st) return st;
    st = LATHE_NOT_FOUND;
    for (size_t i = 0; i < n && st == LATHE_NOT_FOUND; i++) st = consider(txn, &active[i], agent, out, err);
    free(active);
    return st;
}

static enum lathe_status next_fence(struct kv_txn *txn, const char *device, int64_t *fence, struct lathe_error *err)
{
    char key[JOB_KEY_BYTES];
    char digits[24];
    struct kv_slice value;
    uint64_t last = 0;
    snprintf(key, sizeof key, "fence/%s", device);
    enum lathe_status st = kv_get(txn, KV_KEY(key), &value, err);
    if (st && st != LATHE_NOT_FOUND) return st;
    if (!st && !text_to_u64(value.data, value.size, &last))
        return error_set(err, LATHE_IO, "the store's key %s is damaged", key);
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)last + 1);
    st = kv_put(txn, KV_KEY(key), digits, strlen(digits), err);
    if (!st) *fence = (int64_t)last + 1;
    return st;
}

static enum lathe_status list_network(struct kv_txn *txn, const char *job, int number, json_t *list,
                                      struct lathe_error *err)
{
    json_t *network = NULL;
    enum lathe_status st = plan_network(txn, job, number, &network, err);
    if (!st)
        json_array_append_new(list,
                              json_pack("{s:i,s:O}", "network", number, "layers", json_object_get(network, "layers")));
    json_decref(network);
    return st;
}

/* The networks of some visits and the sentinel, each once: [{"network","layers"}]. */
static enum lathe_status list_networks(struct kv_txn *txn, const json_t *of, const json_t *visits, json_t **out,
                                       struct lathe_error *err)
{
    const char *job = job_text(of, "id");
    json_t *list = json_array();
    enum lathe_status st = LATHE_OK;
    if (job_sentinel(of) >= 0) st = list_network(txn, job, job_sentinel(of), list, err);
    size_t i;
    const json_t *visit;
    json_array_foreach(visits, i, visit)
    {
        int number = (int)job_int(visit, "network");
        size_t known = 0;
        while (known < i && job_int(json_array_get(visits, known), "network") != number) known++;
        if (st || known < i) continue;
        st = list_network(txn, job, number, list, err);
    }
    if (st) json_decref(list);
    else *out = list;
    return st;
}

struct grant {
    const char *agent, *id;
    json_t *job;    /* the outcome, as the next two */
    json_t *answer; /* for the agent */
    char former[JOB_ID_BYTES];
};

static enum lathe_status write_lease(struct kv_txn *txn, struct grant *g, const struct offer *offer, json_t *visits,
                                     struct lathe_error *err)
{
    int64_t fence = 0;
    const char *job = job_text(g->job, "id");
    const char *kind = job_text(g->job, "kind");
    const char *device = job_text(g->job, "device");
    json_t *networks = NULL;
    json_t *lease = NULL;
    enum lathe_status st = next_fence(txn, device, &fence, err);
    if (!st) st = list_networks(txn, g->job, visits, &networks, err);
    if (st) return st;
    lease = json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:I,s:O}", "schema", STORE_VERSION, "id", g->id, "agent", g->agent,
                      "device", device, "kind", kind, "job", job, "fence", (json_int_t)fence, "visits", visits);
    g->answer = json_pack("{s:s,s:I,s:i,s:s,s:s,s:{s:s,s:O},s:s,s:b,s:O,s:O,s:o,s:O}", "id", g->id, "fence",
                          (json_int_t)fence, "ttl_s", LEASE_TTL_S, "kind", kind, "job", job, "device", "name", device,
                          "transport", json_object_get(offer->device, "transport"), "config",
                          job_text(g->job, "config"), "per_layer", 1, "warmup", json_object_get(g->job, "warmup"),
                          "runs", json_object_get(g->job, "runs"), "networks", networks, "visits", visits);
    if (g->answer && job_sentinel(g->job) >= 0)
        json_object_set_new(
            g->answer, "sentinel",
            json_pack("{s:i,s:i,s:i,s:i}", "network", job_sentinel(g->job), "warmup", SENTINEL_WARMUP, "runs",
                      SENTINEL_RUNS, "every_ms",
                      strcmp(kind, "measurement") == 0 ? SENTINEL_EVERY_MS_OF_MEASUREMENT : SENTINEL_EVERY_MS));
    if (!lease || !g->answer) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st) st = store_put(txn, "lease", g->id, lease, err);
    json_decref(lease);
    return st;
}

static enum lathe_status grant_lease(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct grant *g = context;
    struct offer offer = {0};
    json_t *visits = NULL;
    json_decref(g->job);
    json_decref(g->answer);
    g->job = g->answer = NULL;
    g->former[0] = '\0';
    enum lathe_status st = find_offer(txn, g->agent, &offer, err);
    if (st) return st;
    g->job = json_incref(offer.job);
    if (offer.former) {
        snprintf(g->former, sizeof g->former, "%s", job_text(offer.former, "id"));
        st = store_delete(txn, "lease", g->former, err);
    }
    if (!st) st = plan_next(txn, job_text(g->job, "id"), LEASE_VISITS, &visits, err);
    if (!st && !json_array_size(visits))
        st = error_set(err, LATHE_IO, "job %s is under way, but its plan has no visit left", job_text(g->job, "id"));
    if (!st) st = write_lease(txn, g, &offer, visits, err);
    if (!st) {
        json_object_set_new(g->job, "state", json_string("running"));
        st = job_save(txn, g->job, err);
    }
    json_decref(visits);
    clear_offer(&offer);
    return st;
}

/* Agents ask often and mostly in vain: look on a snapshot first. */
static enum lathe_status look_for_work(struct jobs *jobs, const char *agent, struct lathe_error *err)
{
    struct kv_txn *txn;
    struct offer offer = {0};
    enum lathe_status st = kv_read_begin(jobs->kv, &txn, err);
    if (st) return st;
    st = find_offer(txn, agent, &offer, err);
    kv_read_end(txn);
    clear_offer(&offer);
    return st;
}

enum lathe_status jobs_lease(struct jobs *jobs, const char *agent, json_t **lease, struct lathe_error *err)
{
    char id[JOB_ID_BYTES];
    struct lathe_error own = {0};
    if (!text_is_name(agent)) return error_field(err, "agent", "agent is not a name");
    liveness_see_agent(jobs, agent);
    enum lathe_status st = look_for_work(jobs, agent, &own);
    struct grant g = {.agent = agent, .id = id};
    if (!st) {
        store_new_id("l", id);
        st = kv_write(jobs->kv, grant_lease, &g, &own);
    }
    if (!st) {
        if (g.former[0]) liveness_forget_lease(jobs, g.former);
        lease_extend(jobs, id);
        *lease = json_incref(g.answer);
        jobs_notify_change(jobs, g.job);
    } else if (st != LATHE_NOT_FOUND && err) *err = own;
    json_decref(g.job);
    json_decref(g.answer);
    return st;
}

enum lathe_status jobs_lease_agent(struct jobs *jobs, const char *lease, char *agent, struct lathe_error *err)
{
    json_t *document = NULL;
    enum lathe_status st = store_read(jobs->kv, "lease", lease, &document, err);
    if (st == LATHE_NOT_FOUND) return error_set(err, LATHE_CONFLICT, "lease %s has ended: stop and ask anew", lease);
    if (st) return st;
    snprintf(agent, 65, "%s", job_text(document, "agent"));
    json_decref(document);
    return LATHE_OK;
}

enum lathe_status jobs_renew(struct jobs *jobs, const char *lease, int64_t fence, json_t **answer,
                             struct lathe_error *err)
{
    struct kv_txn *txn;
    json_t *document = NULL;
    enum lathe_status st = kv_read_begin(jobs->kv, &txn, err);
    if (st) return st;
    st = lease_load(txn, lease, fence, &document, err);
    kv_read_end(txn);
    if (st) return st;
    liveness_see_agent(jobs, job_text(document, "agent"));
    lease_extend(jobs, lease);
    json_decref(document);
    *answer = json_pack("{s:i}", "ttl_s", LEASE_TTL_S);
    return LATHE_OK;
}

struct giving_back {
    const char *lease, *error;
    int64_t fence;
    bool fatal;
    json_t *job; /* the outcome: changed, or NULL */
};

static enum lathe_status note_failure(struct kv_txn *txn, const struct giving_back *g, struct lathe_error *err)
{
    int64_t failures = job_hidden(g->job, "failures") + 1;
    char reason[512];
    if (g->fatal) return job_end(txn, g->job, "failed", g->error, err);
    snprintf(reason, sizeof reason, "failed %d times in a row, the last time: %s", (int)failures, g->error);
    if (failures >= FAILURES_MAX) return job_end(txn, g->job, "failed", reason, err);
    job_set_hidden(g->job, "failures", failures);
    json_object_set_new(g->job, "error", json_string(g->error));
    return job_save(txn, g->job, err);
}

static enum lathe_status give_back(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct giving_back *g = context;
    json_t *lease = NULL;
    json_t *job = NULL;
    json_decref(g->job);
    g->job = NULL;
    enum lathe_status st = lease_load(txn, g->lease, g->fence, &lease, err);
    if (!st) st = store_delete(txn, "lease", g->lease, err);
    if (!st) st = job_load(txn, job_text(lease, "kind"), job_text(lease, "job"), &job, err);
    if (!st && g->error && job_active(job)) {
        g->job = json_incref(job);
        st = note_failure(txn, g, err);
    }
    json_decref(lease);
    json_decref(job);
    return st;
}

enum lathe_status jobs_release(struct jobs *jobs, const char *lease, int64_t fence, const char *error, bool fatal,
                               struct lathe_error *err)
{
    struct giving_back g = {.lease = lease, .fence = fence, .error = error, .fatal = fatal};
    enum lathe_status st = kv_write(jobs->kv, give_back, &g, err);
    if (!st) {
        liveness_forget_lease(jobs, lease);
        jobs_notify_change(jobs, g.job);
        jobs_notify_work(jobs);
    }
    json_decref(g.job);
    return st;
}

static enum lathe_status delete_lease(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    enum lathe_status st = store_delete(txn, "lease", context, err);
    return st == LATHE_NOT_FOUND ? LATHE_OK : st;
}

void jobs_expire(struct jobs *jobs)
{
    char id[JOB_ID_BYTES];
    bool any = false;
    while (liveness_overdue_lease(jobs, id)) {
        /* When the store says no, the lease stays until the next call: nobody gets the device in the meantime. */
        if (kv_write(jobs->kv, delete_lease, id, NULL)) break;
        liveness_forget_lease(jobs, id);
        any = true;
    }
    if (any) jobs_notify_work(jobs);
}
