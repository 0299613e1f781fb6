/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Results of a lease into the table. One write transaction checks the fence, adds the samples, marks the visits and
 * moves the job on, so that after a crash at any point all of it has happened or nothing has.
 *
 * A table's version belongs to one fingerprint. A profile's first results settle the version that it fills. When later
 * ones come under another fingerprint (another runner, another clock), or when the rows that its plan counted on were
 * measured under another one, then the rows already there say nothing about the device as it is now: the samples go
 * into the new version, and the rest of the profile is planned anew from what that version has. A device whose
 * fingerprint goes on changing would never end; after REPLANS_MAX times the profile fails and says why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "server/jobs/batch.h"
#include "server/jobs/config.h"
#include "server/jobs/internal.h"
#include "server/jobs/liveness.h"

enum { REPLANS_MAX = 3 };

struct storing {
    struct jobs *jobs;
    const char *lease_id;
    const struct batch *batch;
    int64_t now_ms;
    /* Set afresh by each run of the write function: */
    json_t *lease, *job;
    uint32_t version;
    int threads;
    int accepted;
    bool changed_version, ended;
};

/* Whether the lease has this visit of this network. */
static bool in_lease(const json_t *lease, const struct batch_visit *v)
{
    size_t i;
    const json_t *visit;
    json_array_foreach(json_object_get(lease, "visits"), i, visit)
    {
        if (job_int(visit, "visit") == v->visit) return job_int(visit, "network") == v->network;
    }
    return false;
}

static enum lathe_status check_visit(const struct storing *s, size_t i, const json_t *layers, struct lathe_error *err)
{
    const struct batch_visit *v = &s->batch->visits[i];
    bool per_layer = strcmp(job_text(s->job, "kind"), "profile") == 0 || v->layers > 0;
    char field[48];
    snprintf(field, sizeof field, "visits[%zu]", i);
    if (!in_lease(s->lease, v))
        return error_field(err, field, "%s: the lease has no visit %d of network %d", field, v->visit, v->network);
    if (v->runs != (size_t)job_int(s->job, "runs"))
        return error_field(err, field, "%s has %zu runs; the lease asked for %lld", field, v->runs,
                           (long long)job_int(s->job, "runs"));
    if (per_layer && v->layers != json_array_size(layers))
        return error_field(err, field, "%s has times of %zu layers; its network has %zu", field, v->layers,
                           json_array_size(layers));
    return LATHE_OK;
}

/* A sample during which the thread lost its core says how long others ran. Its CPU time is what the layer took, where
 * the runner can tell and the layer ran on this one thread. */
static uint32_t sample_of(const struct storing *s, const struct batch_visit *v, size_t at)
{
    if (v->preempted[at] && v->cpu_ns[at] && s->threads == 1 && v->cpu_ns[at] < v->wall_ns[at]) return v->cpu_ns[at];
    return v->wall_ns[at];
}

static enum lathe_status add_layer(const struct storing *s, struct kv_txn *txn, const struct batch_visit *v,
                                   size_t position, const char *layer, uint64_t context, uint32_t *samples,
                                   struct lathe_error *err)
{
    char source[80];
    for (size_t run = 0; run < v->runs; run++) samples[run] = sample_of(s, v, run * v->layers + position);
    snprintf(source, sizeof source, "%s.%d.%zu", job_text(s->job, "id"), v->visit, position);
    return table_add_samples(txn, job_table(s->job), s->version, layer, source, context, samples, v->runs, s->now_ms,
                             err);
}

static enum lathe_status add_profile_visit(const struct storing *s, struct kv_txn *txn, const struct batch_visit *v,
                                           const json_t *network, struct lathe_error *err)
{
    const json_t *layers = json_object_get(network, "layers");
    uint64_t context = strtoull(job_text(network, "context"), NULL, 16);
    uint32_t *samples = malloc(sizeof *samples * v->runs);
    if (!samples) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = LATHE_OK;
    size_t i;
    const json_t *layer;
    json_array_foreach(layers, i, layer)
    {
        if (!st) st = add_layer(s, txn, v, i, json_string_value(layer), context, samples, err);
    }
    free(samples);
    if (!st) st = visit_mark(txn, job_text(s->job, "id"), v->visit, "1", err);
    return st ? st : profile_count_rows(txn, s->job, s->version, layers, err);
}

/* Whole runs, less what others had of the core meanwhile where the runner tells: see sample_of(). */
static char *run_times(const struct storing *s, const struct batch_visit *v)
{
    json_t *times = json_array();
    for (size_t run = 0; run < json_array_size(v->total); run++) {
        json_int_t ns = json_integer_value(json_array_get(v->total, run));
        for (size_t at = run * v->layers; at < (run + 1) * v->layers; at++)
            ns -= (json_int_t)v->wall_ns[at] - (json_int_t)sample_of(s, v, at);
        json_array_append_new(times, json_integer(ns > 0 ? ns : 1));
    }
    char *text = json_dumps(times, JSON_COMPACT);
    json_decref(times);
    return text;
}

static enum lathe_status add_measurement_visit(const struct storing *s, struct kv_txn *txn, const struct batch_visit *v,
                                               struct lathe_error *err)
{
    char *totals = run_times(s, v);
    if (!totals) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = visit_mark(txn, job_text(s->job, "id"), v->visit, totals, err);
    free(totals);
    return st;
}

static enum lathe_status add_visit(struct storing *s, struct kv_txn *txn, size_t i, struct lathe_error *err)
{
    const struct batch_visit *v = &s->batch->visits[i];
    const char *job = job_text(s->job, "id");
    json_t *network = NULL;
    if (visit_done(txn, job, v->visit)) return LATHE_OK;
    enum lathe_status st = LATHE_OK;
    if (in_lease(s->lease, v)) st = plan_network(txn, job, v->network, &network, err);
    if (!st) st = check_visit(s, i, json_object_get(network, "layers"), err);
    if (!st && strcmp(job_text(s->job, "kind"), "profile") == 0) st = add_profile_visit(s, txn, v, network, err);
    else if (!st) st = add_measurement_visit(s, txn, v, err);
    json_decref(network);
    if (!st) s->accepted++;
    return st;
}

static enum lathe_status created_of(struct kv_txn *txn, const json_t *job, uint32_t version, int64_t *created,
                                    struct lathe_error *err)
{
    struct table_info info;
    enum lathe_status st = table_info(txn, job_table(job), version, &info, err);
    if (st) return st;
    *created = info.created_ms;
    table_info_clear(&info);
    return LATHE_OK;
}

/* Find the version for the batch's fingerprint, and whether it is another one than the profile has worked with. A table
 * that was deleted in between gets the same number again, but another time of creation. */
static enum lathe_status settle_version(struct storing *s, struct kv_txn *txn, struct lathe_error *err)
{
    int64_t created = 0;
    enum lathe_status st =
        table_version_for(txn, job_table(s->job), s->batch->fingerprint, "measured", s->now_ms, &s->version, err);
    if (!st) st = created_of(txn, s->job, s->version, &created, err);
    if (st) return st;
    int64_t known = job_hidden(s->job, "version");
    s->changed_version = known && (known != s->version || created != job_hidden(s->job, "version_created"));
    job_set_hidden(s->job, "version", s->version);
    job_set_hidden(s->job, "version_created", created);
    return LATHE_OK;
}

static enum lathe_status fail_for_change(struct storing *s, struct kv_txn *txn, struct lathe_error *err)
{
    s->ended = true;
    return job_end(txn, s->job, "failed",
                   "the device's fingerprint changed again and again during the profile: keep its clocks, governor and "
                   "runner the same, and compare the fingerprints of the table's versions",
                   err);
}

/* The lease ends, too: what else it asked for belongs to the old plan. */
static enum lathe_status plan_anew(struct storing *s, struct kv_txn *txn, struct lathe_error *err)
{
    struct lathe_error why = {0};
    int64_t times = job_hidden(s->job, "replans") + 1;
    if (times > REPLANS_MAX) return fail_for_change(s, txn, err);
    job_set_hidden(s->job, "replans", times);
    enum lathe_status st = profile_plan(s->jobs, txn, s->job, s->version, &why);
    if (st == LATHE_INVALID || st == LATHE_UNSUPPORTED) {
        s->ended = true;
        return job_end(txn, s->job, "failed", why.message, err);
    }
    if (st) {
        if (err) *err = why;
        return st;
    }
    int64_t created = 0;
    st = created_of(txn, s->job, s->version, &created, err);
    if (st) return st;
    job_set_hidden(s->job, "version", s->version);
    job_set_hidden(s->job, "version_created", created);
    s->ended = true;
    return store_delete(txn, "lease", s->lease_id, err);
}

static enum lathe_status finish_if_done(struct storing *s, struct kv_txn *txn, struct lathe_error *err)
{
    if (job_int(s->job, "visits_done") < job_int(s->job, "visits_total")) return job_save(txn, s->job, err);
    if (strcmp(job_text(s->job, "kind"), "measurement") == 0) {
        enum lathe_status st = measurement_finish(txn, s->job, err);
        if (st) return st;
    } else job_set_int(s->job, "rows_done", job_int(s->job, "rows_total"));
    return job_end(txn, s->job, "done", NULL, err);
}

static enum lathe_status move_on(struct storing *s, struct kv_txn *txn, struct lathe_error *err)
{
    if (!s->accepted) return LATHE_OK;
    job_set_int(s->job, "visits_done", job_int(s->job, "visits_done") + s->accepted);
    job_set_hidden(s->job, "failures", 0);
    json_object_set_new(s->job, "error", json_null());
    enum lathe_status st = s->changed_version ? plan_anew(s, txn, err) : LATHE_OK;
    if (st || !job_active(s->job)) return st;
    return finish_if_done(s, txn, err);
}

static void forget_outcome(struct storing *s)
{
    json_decref(s->lease);
    json_decref(s->job);
    s->lease = s->job = NULL;
    s->version = 0;
    s->accepted = 0;
    s->changed_version = s->ended = false;
}

/* Whether the batch has a visit that is not stored yet. */
static bool brings_news(const struct storing *s, struct kv_txn *txn)
{
    for (size_t i = 0; i < s->batch->count; i++) {
        if (!visit_done(txn, job_text(s->job, "id"), s->batch->visits[i].visit)) return true;
    }
    return false;
}

static enum lathe_status store_batch(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct storing *s = context;
    struct config_numbers numbers;
    forget_outcome(s);
    enum lathe_status st = lease_load(txn, s->lease_id, s->batch->fence, &s->lease, err);
    if (!st) st = job_load(txn, job_text(s->lease, "kind"), job_text(s->lease, "job"), &s->job, err);
    if (!st) st = config_read(job_text(s->job, "config"), &numbers, err);
    if (st || !job_active(s->job) || !brings_news(s, txn)) return st;
    s->threads = numbers.threads;
    if (strcmp(job_text(s->job, "kind"), "profile") == 0) st = settle_version(s, txn, err);
    else measurement_note_fingerprint(s->job, s->batch->fingerprint);
    for (size_t i = 0; !st && i < s->batch->count; i++) st = add_visit(s, txn, i, err);
    return st ? st : move_on(s, txn, err);
}

enum lathe_status jobs_results(struct jobs *jobs, const char *lease, const json_t *results, json_t **answer,
                               struct lathe_error *err)
{
    struct batch batch;
    enum lathe_status st = batch_read(results, &batch, err);
    if (st) return st;
    struct storing s = {.jobs = jobs, .lease_id = lease, .batch = &batch, .now_ms = clock_wall_ms()};
    st = kv_write(jobs->kv, store_batch, &s, err);
    if (!st) {
        liveness_see_agent(jobs, job_text(s.lease, "agent"));
        if (s.ended) liveness_forget_lease(jobs, lease);
        else lease_extend(jobs, lease);
        if (s.accepted) jobs_notify_change(jobs, s.job);
        if (s.ended) jobs_notify_work(jobs);
        *answer = json_pack("{s:i}", "accepted", s.accepted);
    }
    json_decref(s.lease);
    json_decref(s.job);
    batch_clear(&batch);
    return st;
}
