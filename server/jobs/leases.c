/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/text.h"
#include "server/jobs/batch.h"
#include "server/jobs/board_news.h"
#include "server/jobs/internal.h"
#include "server/jobs/liveness.h"
#include "server/jobs/offers.h"

/* About one pass over one resolution: some seconds of work on most devices. Results come as they are measured, so a
 * lease's length costs nothing when it is lost. */
enum { LEASE_VISITS = 27, FAILURES_MAX = 3 };
/* Often enough to follow clocks and heat, seldom enough to cost little. */
enum { SENTINEL_WARMUP = 2, SENTINEL_RUNS = 3, SENTINEL_EVERY_MS = 100, SENTINEL_EVERY_MS_OF_BLOCK = 30 };

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
    const struct lease_request *request;
    const char *id;
    json_t *job;    /* the outcome, as the next two */
    json_t *answer; /* for the agent */
    json_t *ended;  /* array of leases */
};

/* @param lease gets what tells whose it is and where it runs. */
static enum lathe_status put_lease(struct kv_txn *txn, const struct grant *g, const struct offer *offer, json_t *lease,
                                   struct lathe_error *err)
{
    if (json_object_set_new(lease, "instance", json_string(g->request->instance)) ||
        json_object_set_new(lease, "place", json_string(offer->place)) ||
        json_object_set_new(lease, "cpus", json_string(offer->cpus)))
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    return store_put(txn, "lease", g->id, lease, err);
}

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
    lease =
        json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:I,s:O}", "schema", STORE_VERSION, "id", g->id, "agent", g->request->agent,
                  "device", device, "kind", kind, "job", job, "fence", (json_int_t)fence, "visits", visits);
    g->answer =
        json_pack("{s:s,s:I,s:i,s:s,s:s,s:{s:s,s:O},s:s,s:b,s:O,s:O,s:o,s:O}", "id", g->id, "fence", (json_int_t)fence,
                  "ttl_s", LEASE_TTL_S, "kind", kind, "job", job, "device", "name", device, "transport",
                  json_object_get(offer->device, "transport"), "config", job_text(g->job, "config"), "per_layer",
                  !profile_is(g->job, "regression"), "warmup", json_object_get(g->job, "warmup"), "runs",
                  json_object_get(g->job, "runs"), "networks", networks, "visits", visits);
    if (job_hidden(g->job, "warm_ms"))
        json_object_set_new(g->answer, "warm_ms", json_integer(job_hidden(g->job, "warm_ms")));
    if (g->answer && job_sentinel(g->job) >= 0)
        json_object_set_new(g->answer, "sentinel",
                            json_pack("{s:i,s:i,s:i,s:i,s:i}", "network", job_sentinel(g->job), "warmup",
                                      SENTINEL_WARMUP, "runs", SENTINEL_RUNS, "every_ms", SENTINEL_EVERY_MS,
                                      "block_every_ms", SENTINEL_EVERY_MS_OF_BLOCK));
    if (!lease || !g->answer) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st) st = put_lease(txn, g, offer, lease, err);
    json_decref(lease);
    return st;
}

static enum lathe_status end_leases(struct kv_txn *txn, const json_t *leases, struct lathe_error *err)
{
    enum lathe_status st = LATHE_OK;
    for (size_t i = 0; !st && i < json_array_size(leases); i++)
        st = store_delete(txn, "lease", job_text(json_array_get(leases, i), "id"), err);
    return st;
}

/* Without visits: there is nothing to run. */
static enum lathe_status grant_cleaning(struct kv_txn *txn, struct grant *g, const struct offer *offer,
                                        struct lathe_error *err)
{
    int64_t fence = 0;
    const char *job = job_text(g->job, "id");
    const char *device = job_text(g->job, "device");
    enum lathe_status st = next_fence(txn, device, &fence, err);
    if (st) return st;
    json_t *lease =
        json_pack("{s:i,s:s,s:s,s:s,s:s,s:s,s:I}", "schema", STORE_VERSION, "id", g->id, "agent", g->request->agent,
                  "device", device, "kind", "clean", "job", job, "fence", (json_int_t)fence);
    g->answer = json_pack("{s:s,s:I,s:i,s:s,s:s,s:{s:s,s:O}}", "id", g->id, "fence", (json_int_t)fence, "ttl_s",
                          LEASE_TTL_S, "kind", "clean", "job", job, "device", "name", device, "transport",
                          json_object_get(offer->device, "transport"));
    st = lease && g->answer ? put_lease(txn, g, offer, lease, err) : error_set(err, LATHE_NO_MEMORY, "out of memory");
    json_decref(lease);
    return st;
}

/* The visits of a lease, and the lease. */
static enum lathe_status grant_visits(struct kv_txn *txn, struct grant *g, const struct offer *offer,
                                      struct lathe_error *err)
{
    json_t *visits = NULL;
    enum lathe_status st = plan_next(txn, job_text(g->job, "id"), LEASE_VISITS, &visits, err);
    if (!st && !json_array_size(visits))
        st = error_set(err, LATHE_IO, "job %s is under way, but its plan has no visit left", job_text(g->job, "id"));
    if (!st) st = write_lease(txn, g, offer, visits, err);
    json_decref(visits);
    return st;
}

static void clear_grant(struct grant *g)
{
    json_decref(g->job);
    json_decref(g->answer);
    json_decref(g->ended);
    g->job = g->answer = g->ended = NULL;
}

static enum lathe_status grant_lease(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct grant *g = context;
    struct offer offer = {0};
    clear_grant(g);
    enum lathe_status st = offer_find(txn, g->request, &offer, err);
    if (st) return st;
    g->job = json_incref(offer.job);
    g->ended = json_incref(offer.ended);
    st = end_leases(txn, g->ended, err);
    if (!st)
        st = strcmp(job_text(g->job, "kind"), "clean") == 0 ? grant_cleaning(txn, g, &offer, err)
                                                            : grant_visits(txn, g, &offer, err);
    if (!st) {
        json_object_set_new(g->job, "state", json_string("running"));
        st = job_save(txn, g->job, err);
    }
    offer_clear(&offer);
    return st;
}

/* Agents ask often and mostly in vain: look on a snapshot first. */
static enum lathe_status look_for_work(struct jobs *jobs, const struct lease_request *request, struct lathe_error *err)
{
    struct kv_txn *txn;
    struct offer offer = {0};
    enum lathe_status st = kv_read_begin(jobs->kv, &txn, err);
    if (st) return st;
    st = offer_find(txn, request, &offer, err);
    kv_read_end(txn);
    offer_clear(&offer);
    return st;
}

enum lathe_status jobs_lease(struct jobs *jobs, const char *agent, json_t **lease, struct lathe_error *err)
{
    const struct lease_request request = {.agent = agent, .instance = "", .machine = ""};
    return jobs_lease_to(jobs, &request, lease, err);
}

enum lathe_status jobs_lease_to(struct jobs *jobs, const struct lease_request *request, json_t **lease,
                                struct lathe_error *err)
{
    char id[JOB_ID_BYTES];
    struct lathe_error own = {0};
    if (!text_is_name(request->agent)) return error_field(err, "agent", "agent is not a name");
    liveness_see_agent(jobs, request->agent);
    enum lathe_status st = look_for_work(jobs, request, &own);
    struct grant g = {.request = request, .id = id};
    if (!st) {
        store_new_id("l", id);
        st = kv_write(jobs->kv, grant_lease, &g, &own);
    }
    if (!st) {
        for (size_t i = 0; i < json_array_size(g.ended); i++)
            liveness_forget_lease(jobs, job_text(json_array_get(g.ended, i), "id"));
        lease_extend(jobs, id);
        *lease = json_incref(g.answer);
    } else if (st != LATHE_NOT_FOUND && err) *err = own;
    clear_grant(&g);
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

/* What comes with a renewal. */
struct telling {
    const char *lease, *trouble;
    int64_t fence;
    const json_t *board;
    struct jobs *jobs;
    json_t *document;  /* the outcome: the lease */
    bool planned_anew; /* and its plan is no more */
};

static enum lathe_status note_trouble(struct kv_txn *txn, const struct telling *t, struct lathe_error *err)
{
    json_t *job = NULL;
    enum lathe_status st = device_note_error(txn, job_text(t->document, "device"), t->trouble, err);
    if (!st) st = job_load(txn, job_text(t->document, "kind"), job_text(t->document, "job"), &job, err);
    if (!st && job_active(job)) {
        json_object_set_new(job, "error", json_string(t->trouble));
        st = job_save(txn, job, err);
    }
    json_decref(job);
    return st;
}

static enum lathe_status note_telling(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct telling *t = context;
    json_decref(t->document);
    t->document = NULL;
    enum lathe_status st = lease_load(txn, t->lease, t->fence, &t->document, err);
    if (!st && t->trouble) st = note_trouble(txn, t, err);
    if (!st && t->board) st = board_told(t->jobs, txn, t->document, t->board, &t->planned_anew, err);
    return st;
}

static enum lathe_status load_lease(struct jobs *jobs, struct telling *t, struct lathe_error *err)
{
    struct kv_txn *txn;
    enum lathe_status st = kv_read_begin(jobs->kv, &txn, err);
    if (st) return st;
    st = lease_load(txn, t->lease, t->fence, &t->document, err);
    kv_read_end(txn);
    return st;
}

enum lathe_status jobs_renew(struct jobs *jobs, const char *lease, int64_t fence, const struct lease_news *news,
                             json_t **answer, struct lathe_error *err)
{
    struct telling t = {.lease = lease, .fence = fence, .jobs = jobs, .trouble = news->trouble, .board = news->board};
    enum lathe_status st = t.board ? board_check(t.board, err) : LATHE_OK;
    if (!st) st = t.trouble || t.board ? kv_write(jobs->kv, note_telling, &t, err) : load_lease(jobs, &t, err);
    if (!st) liveness_see_agent(jobs, job_text(t.document, "agent"));
    if (!st && t.planned_anew) {
        liveness_forget_lease(jobs, lease);
        jobs_notify_work(jobs);
        st = error_set(err, LATHE_CONFLICT,
                       "lease %s has ended: its profile was planned anew, for what the board has "
                       "room for; ask anew",
                       lease);
    } else if (!st) {
        lease_extend(jobs, lease);
        *answer = json_pack("{s:i}", "ttl_s", LEASE_TTL_S);
    }
    json_decref(t.document);
    return st;
}

struct giving_back {
    const char *lease, *error;
    int64_t fence;
    bool fatal;
    int64_t freed_kb;                    /* of a clean job that is done; -1: it is not, or is another */
    const struct board_refusal *refusal; /* NULL: none */
    struct jobs *jobs;
    json_t *job; /* the outcome: changed, or NULL */
};

static enum lathe_status note_failure(struct kv_txn *txn, const struct giving_back *g, struct lathe_error *err)
{
    int64_t failures = job_hidden(g->job, "failures") + 1;
    char reason[512];
    if (g->fatal) return job_end(txn, g->job, "failed", g->error, err);
    snprintf(reason, sizeof reason, "failed %d times in a row, the last time: %s", (int)failures, g->error);
    if (failures >= FAILURES_MAX) {
        enum lathe_status st = device_quarantine(txn, job_text(g->job, "device"), err);
        return st ? st : job_end(txn, g->job, "failed", reason, err);
    }
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
    /* That a network is too large is no fault of the device. */
    if (!st && !g->refusal) st = device_note_error(txn, job_text(lease, "device"), g->error, err);
    if (!st) st = job_load(txn, job_text(lease, "kind"), job_text(lease, "job"), &job, err);
    if (!st && g->error && job_active(job)) {
        g->job = json_incref(job);
        st = g->refusal ? board_refused(g->jobs, txn, job, g->refusal, err) : note_failure(txn, g, err);
    }
    if (!st && g->freed_kb >= 0 && strcmp(job_text(job, "kind"), "clean") != 0)
        st = error_field(err, "freed_kb", "job %s frees nothing: it is no clean job", job_text(job, "id"));
    if (!st && g->freed_kb >= 0 && job_active(job)) {
        g->job = json_incref(job);
        st = clean_finish(txn, job, g->freed_kb, err);
    }
    json_decref(lease);
    json_decref(job);
    return st;
}

static enum lathe_status release(struct jobs *jobs, struct giving_back *g, struct lathe_error *err)
{
    g->jobs = jobs;
    enum lathe_status st = kv_write(jobs->kv, give_back, g, err);
    if (!st) {
        liveness_forget_lease(jobs, g->lease);
        jobs_notify_work(jobs);
    }
    json_decref(g->job);
    return st;
}

enum lathe_status jobs_release(struct jobs *jobs, const char *lease, int64_t fence, const char *error, bool fatal,
                               struct lathe_error *err)
{
    struct giving_back g = {.lease = lease, .fence = fence, .error = error, .fatal = fatal, .freed_kb = -1};
    return release(jobs, &g, err);
}

enum lathe_status jobs_release_refused(struct jobs *jobs, const char *lease, int64_t fence,
                                       const struct board_refusal *refusal, struct lathe_error *err)
{
    struct giving_back g = {
        .lease = lease, .fence = fence, .error = refusal->error, .freed_kb = -1, .refusal = refusal};
    return release(jobs, &g, err);
}

enum lathe_status jobs_release_cleaned(struct jobs *jobs, const char *lease, int64_t fence, int64_t freed_kb,
                                       struct lathe_error *err)
{
    struct giving_back g = {.lease = lease, .fence = fence, .freed_kb = freed_kb};
    return release(jobs, &g, err);
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
