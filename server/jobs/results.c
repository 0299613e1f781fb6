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
#include "server/jobs/further.h"
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
    bool same_speed; /* the sentinel's times stand for the table's version */
    json_t *touched; /* rows that got samples, as the keys of an object */
};

/* Whether a job can't do without times between layers. */
static bool wants_layers(const json_t *job)
{
    return strcmp(job_text(job, "kind"), "profile") == 0 && !profile_is(job, "regression");
}

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
    bool per_layer = wants_layers(s->job) || v->layers > 0;
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

/* CPU times are of the thread that runs the network: of a layer that others worked on, too, they say nothing. */
static uint64_t cpu_of(const struct storing *s, uint32_t cpu_ns)
{
    return s->threads == 1 ? cpu_ns : 0;
}

static struct sample_context around_of(const struct storing *s, const struct batch_visit *v, uint64_t subnet)
{
    struct sample_context around = v->around;
    around.subnet = subnet;
    if (!s->same_speed) around.sentinel_ns = around.sentinel_cpu_ns = 0;
    if (s->threads != 1) around.sentinel_cpu_ns = 0;
    return around;
}

static enum lathe_status add_layer(const struct storing *s, struct kv_txn *txn, const struct batch_visit *v,
                                   size_t position, const char *layer, uint64_t context, struct sample *samples,
                                   struct lathe_error *err)
{
    char source[80];
    struct sample_context around = around_of(s, v, context);
    for (size_t run = 0; run < v->runs; run++) {
        size_t at = run * v->layers + position;
        samples[run] = (struct sample){v->wall_ns[at], cpu_of(s, v->cpu_ns[at]), v->preempted[at]};
    }
    snprintf(source, sizeof source, "%s.%d.%zu", job_text(s->job, "id"), v->visit, position);
    json_object_set_new(s->touched, layer, json_true());
    return table_add_samples(txn, job_table(s->job), s->version, layer, source, &around, samples, v->runs, err);
}

static enum lathe_status add_layers(const struct storing *s, struct kv_txn *txn, const struct batch_visit *v,
                                    const json_t *network, struct sample *samples, struct lathe_error *err)
{
    uint64_t context = strtoull(job_text(network, "context"), NULL, 16);
    enum lathe_status st = LATHE_OK;
    size_t i;
    const json_t *layer;
    json_array_foreach(json_object_get(network, "layers"), i, layer)
    {
        if (!st) st = add_layer(s, txn, v, i, json_string_value(layer), context, samples, err);
    }
    return st;
}

/* Whole runs. Their CPU time is that of their layers, with what lay between them. */
static void sum_runs(const struct storing *s, const struct batch_visit *v, struct sample *out)
{
    for (size_t run = 0; run < v->runs; run++) {
        unsigned preempted = v->disturbed;
        uint64_t total = (uint64_t)json_integer_value(json_array_get(v->total, run));
        uint64_t wall = 0;
        uint64_t cpu = 0;
        for (size_t at = run * v->layers; at < (run + 1) * v->layers; at++) {
            wall += v->wall_ns[at];
            cpu += cpu_of(s, v->cpu_ns[at]);
            preempted += v->preempted[at];
        }
        if (cpu && total > wall) cpu += total - wall;
        out[run] = (struct sample){.wall_ns = total, .cpu_ns = cpu};
        out[run].preempted = (uint8_t)(preempted < UINT8_MAX ? preempted : UINT8_MAX);
    }
}

static enum lathe_status keep_visit(const struct storing *s, struct kv_txn *txn, const struct batch_visit *v,
                                    const json_t *network, struct lathe_error *err)
{
    bool into_table = strcmp(job_text(network, "role"), "cover") == 0;
    struct sample *samples = malloc(sizeof *samples * v->runs);
    if (!samples) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    struct visit_mark mark = {.network = v->network, .around = around_of(s, v, 0), .runs = samples};
    enum lathe_status st = LATHE_OK;
    if (into_table) st = add_layers(s, txn, v, network, samples, err);
    else {
        sum_runs(s, v, samples);
        mark.run_count = v->runs;
    }
    if (!st) st = visit_put(txn, job_text(s->job, "id"), v->visit, mark_new(&mark), err);
    if (!st) tally_visit(s->job, v, into_table);
    free(samples);
    return st;
}

/* The rows that samples were added to, once each. */
static enum lathe_status update_rows(struct storing *s, struct kv_txn *txn, struct lathe_error *err)
{
    const char *row;
    json_t *unused;
    enum lathe_status st = LATHE_OK;
    json_object_foreach(s->touched, row, unused)
    {
        struct latency latency;
        struct latency before;
        if (!st) st = table_get(txn, job_table(s->job), s->version, row, &before, err);
        bool known = !st;
        if (st == LATHE_NOT_FOUND) st = LATHE_OK;
        if (!st) st = table_update_row(txn, job_table(s->job), s->version, row, s->now_ms, &latency, err);
        if (!st) tally_row(s->job, known ? &before : NULL, &latency);
        if (!st) st = profile_count_row(txn, s->job, row, &latency, err);
    }
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
    if (!st) st = keep_visit(s, txn, v, network, err);
    if (!st) night_note_visit(s->job, v);
    if (!st && v->build_ns)
        job_set_hidden(s->job, "params_built", job_hidden(s->job, "params_built") + job_int(network, "new_params"));
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
    /* Rows that are measured in another way are another table's. */
    json_t *fingerprint = json_copy((json_t *)s->batch->fingerprint);
    if (!profile_is(s->job, "layers")) json_object_set(fingerprint, "method", json_object_get(s->job, "mode"));
    enum lathe_status st =
        table_version_for(txn, job_table(s->job), fingerprint, "measured", s->now_ms, &s->version, err);
    json_decref(fingerprint);
    if (!st) st = created_of(txn, s->job, s->version, &created, err);
    if (st) return st;
    int64_t known = job_hidden(s->job, "version");
    s->changed_version = known && (known != s->version || created != job_hidden(s->job, "version_created"));
    job_set_hidden(s->job, "version", s->version);
    job_set_hidden(s->job, "version_created", created);
    return LATHE_OK;
}

/* What a night measures goes into its own version, under one fingerprint. */
static enum lathe_status settle_night(struct storing *s, struct kv_txn *txn, struct lathe_error *err)
{
    const char *why = NULL;
    s->version = (uint32_t)job_hidden(s->job, "version");
    enum lathe_status st = night_settle(txn, s->job, s->batch->fingerprint, &why, err);
    if (st || !why) return st;
    s->ended = true;
    return job_end(txn, s->job, "failed", why, err);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* What the sentinel took in the middle of a batch; 0: it did not run. */
static double batch_sentinel(const struct batch *batch, bool cpu)
{
    uint64_t *ns = malloc(sizeof *ns * (batch->count + 1));
    size_t n = 0;
    for (size_t i = 0; ns && i < batch->count; i++) {
        ns[n] = cpu ? batch->visits[i].around.sentinel_cpu_ns : batch->visits[i].around.sentinel_ns;
        n += ns[n] > 0;
    }
    if (n) qsort(ns, n, sizeof *ns, compare_u64);
    uint64_t middle = n ? ns[n / 2] : 0;
    free(ns);
    return (double)middle;
}

/* The first sentinel of a version becomes its own, and what it takes its reference until the profile ends. */
static enum lathe_status adopt_sentinel(struct storing *s, struct kv_txn *txn, const struct table_info *info,
                                        const json_t *network, struct lathe_error *err)
{
    double ns = batch_sentinel(s->batch, false);
    if (ns <= 0) ns = batch_sentinel(s->batch, true);
    if (ns <= 0) return LATHE_OK;
    json_t *notes = info->notes ? json_copy(info->notes) : json_object();
    json_object_set_new(notes, "sentinel",
                        json_pack("{s:O,s:O}", "context", json_object_get(network, "context"), "layers",
                                  json_object_get(network, "layers")));
    struct table_scaling scaling = {.reference_ns = ns, .factor = 1};
    enum lathe_status st = table_set_notes(txn, job_table(s->job), s->version, notes, err);
    if (!st) st = table_set_scaling(txn, job_table(s->job), s->version, &scaling, err);
    json_decref(notes);
    job_set_hidden(s->job, "reference_mine", 1);
    return st;
}

/* A job's sentinel is that of the version that its results go to, or becomes it. Where the version has another one,
 * the profile is planned anew. */
static enum lathe_status settle_sentinel(struct storing *s, struct kv_txn *txn, struct lathe_error *err)
{
    int number = job_sentinel(s->job);
    struct table_info info;
    json_t *network = NULL;
    if (number < 0) return LATHE_OK;
    enum lathe_status st = table_info(txn, job_table(s->job), s->version, &info, err);
    if (st) return st;
    st = plan_network(txn, job_text(s->job, "id"), number, &network, err);
    const json_t *known = json_object_get(info.notes, "sentinel");
    if (!st && !known) st = adopt_sentinel(s, txn, &info, network, err);
    else if (!st && strcmp(job_text(known, "context"), job_text(network, "context")) != 0) {
        s->changed_version = !profile_is(s->job, "night");
        s->same_speed = false;
    }
    json_decref(network);
    table_info_clear(&info);
    return st;
}

/* Whether a measurement's device is as the table's version has it. */
static enum lathe_status compare_speed(struct storing *s, struct kv_txn *txn, struct lathe_error *err)
{
    struct table_info info;
    if (job_sentinel(s->job) < 0) return LATHE_OK;
    enum lathe_status st = table_info(txn, job_table(s->job), (uint32_t)job_hidden(s->job, "version"), &info, NULL);
    if (st == LATHE_NOT_FOUND) s->same_speed = false;
    if (st) return st == LATHE_NOT_FOUND ? LATHE_OK : error_set(err, st, "failed to read the device's table");
    json_object_del(info.fingerprint, "method");
    s->same_speed = json_equal(info.fingerprint, (json_t *)s->batch->fingerprint) == 1;
    table_info_clear(&info);
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

static enum lathe_status note_progress(struct storing *s, struct kv_txn *txn, struct lathe_error *err)
{
    double ahead = (double)job_hidden(s->job, "visits_ahead");
    enum lathe_status st = LATHE_OK;
    bool profile = strcmp(job_text(s->job, "kind"), "profile") == 0;
    if (profile) st = further_forecast(txn, s->job, &ahead, err);
    if (!st) progress_note(s->job, s->batch, ahead, s->now_ms);
    if (!st && profile) tally_show(s->job);
    return st;
}

/* Whether a profile has used up the device time that it may take. Its lease ends: what else it asks for is too much. */
static enum lathe_status stop_at_budget(struct storing *s, struct kv_txn *txn, struct lathe_error *err)
{
    s->ended = true;
    enum lathe_status st = profile_go_on(txn, s->job, true, err);
    return st ? st : store_delete(txn, "lease", s->lease_id, err);
}

static enum lathe_status finish_if_done(struct storing *s, struct kv_txn *txn, struct lathe_error *err)
{
    double budget_s = json_number_value(json_object_get(s->job, "budget_s"));
    bool over = budget_s > 0 && (double)job_hidden(s->job, "busy_ns") / 1e9 >= budget_s;
    if (job_int(s->job, "visits_done") < job_int(s->job, "visits_total"))
        return over ? stop_at_budget(s, txn, err) : job_save(txn, s->job, err);
    if (strcmp(job_text(s->job, "kind"), "profile") == 0) return profile_go_on(txn, s->job, over, err);
    return measurement_go_on(txn, s->job, err);
}

static enum lathe_status move_on(struct storing *s, struct kv_txn *txn, struct lathe_error *err)
{
    if (!s->accepted) return LATHE_OK;
    job_set_int(s->job, "visits_done", job_int(s->job, "visits_done") + s->accepted);
    job_set_hidden(s->job, "failures", 0);
    json_object_set_new(s->job, "error", json_null());
    enum lathe_status noted = device_note_error(txn, job_text(s->job, "device"), NULL, err);
    if (!noted) noted = device_note_board(txn, job_text(s->job, "device"), s->batch->board, err);
    if (noted) return noted;
    enum lathe_status st = condition_note(txn, job_text(s->job, "device"), s->batch, s->now_ms, err);
    if (!st) st = s->changed_version ? plan_anew(s, txn, err) : note_progress(s, txn, err);
    if (st || !job_active(s->job)) return st;
    return finish_if_done(s, txn, err);
}

/* Whether a runner gives times of whole runs only. */
static bool has_no_layers(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->visits[i].layers) return false;
    return batch->count > 0;
}

/* The runner can't time layers: the profile is planned anew as a regression. What it sent is of no use for that. Rows
 * of a regression have no visits that a night could be held against. */
static enum lathe_status turn_to_regression(struct storing *s, struct kv_txn *txn, struct lathe_error *err)
{
    if (profile_is(s->job, "night")) {
        s->ended = true;
        return job_end(txn, s->job, "failed", "the runner gives no times between layers: nights need them", err);
    }
    json_object_set_new(s->job, "mode", json_string("regression"));
    json_object_set_new(s->job, "ci", json_real(0));
    s->ended = true;
    s->accepted = 1;
    enum lathe_status st = profile_plan(s->jobs, txn, s->job, 0, err);
    if (!st) st = job_save(txn, s->job, err);
    return st ? st : store_delete(txn, "lease", s->lease_id, err);
}

static void forget_outcome(struct storing *s)
{
    json_decref(s->lease);
    json_decref(s->job);
    json_decref(s->touched);
    s->lease = s->job = NULL;
    s->touched = json_object();
    s->version = 0;
    s->accepted = 0;
    s->changed_version = s->ended = false;
    s->same_speed = true;
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
    bool profile = strcmp(job_text(s->job, "kind"), "profile") == 0;
    if (wants_layers(s->job) && has_no_layers(s->batch)) return turn_to_regression(s, txn, err);
    bool night = profile && profile_is(s->job, "night");
    if (profile) st = night ? settle_night(s, txn, err) : settle_version(s, txn, err);
    if (st || s->ended) return st;
    if (!st) st = profile ? settle_sentinel(s, txn, err) : compare_speed(s, txn, err);
    if (!st && !profile) measurement_note_fingerprint(s->job, s->batch->fingerprint);
    for (size_t i = 0; !st && i < s->batch->count; i++) st = add_visit(s, txn, i, err);
    if (!st) st = update_rows(s, txn, err);
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
        if (s.ended) jobs_notify_work(jobs);
        *answer = json_pack("{s:i}", "accepted", s.accepted);
    }
    json_decref(s.lease);
    json_decref(s.job);
    json_decref(s.touched);
    batch_clear(&batch);
    return st;
}
