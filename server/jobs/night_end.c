/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Results of a night's job, and what it leaves in the notes of the night's version; see jobs_create_night(). */
#include <math.h>
#include <string.h>

#include "lut/table/nights.h"
#include "server/jobs/batch.h"
#include "server/jobs/internal.h"

enum lathe_status night_settle(struct kv_txn *txn, const json_t *job, const json_t *fingerprint, const char **why,
                               struct lathe_error *err)
{
    struct lathe_error own = {0};
    *why = NULL;
    enum lathe_status st =
        table_night_settle(txn, job_table(job), (uint32_t)job_hidden(job, "version"), fingerprint, &own);
    if (st == LATHE_CONFLICT)
        *why = "the device's fingerprint changed during the night: keep its clocks, governor and runner the same while "
               "it is measured";
    else if (st == LATHE_NOT_FOUND) *why = "the night's table was deleted meanwhile";
    else if (st && err) *err = own;
    return *why ? LATHE_OK : st;
}

void night_note_visit(json_t *job, const struct batch_visit *v)
{
    if (!json_is_number(json_object_get(v->state, "load"))) return;
    job_set_hidden(job, "load_permille", job_hidden(job, "load_permille") + v->around.load_permille);
    job_set_hidden(job, "load_visits", job_hidden(job, "load_visits") + 1);
}

/* ---- shipped subnets ---- */

/* One shipped subnet's visits. */
struct shipped {
    int network;
    struct sample_pool pool;
    enum sample_basis most; /* samples of later ones don't count */
    json_t *visits_ms;
    enum lathe_status status;
    struct lathe_error *err;
};

static bool pool_visit(void *context, const struct visit_mark *m)
{
    struct shipped *s = context;
    if (m->network == s->network && m->run_count)
        s->status = sample_pool_add(&s->pool, m->visit, &m->around, m->runs, m->run_count, s->err);
    return !s->status;
}

/* The mean of a visit's runs that count; a visit without any is none. */
static bool note_mean(void *context, const struct visit_mark *m)
{
    struct shipped *s = context;
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; m->network == s->network && i < m->run_count; i++) {
        if (sample_basis_of(&m->around, &m->runs[i]) > s->most) continue;
        sum += sample_pool_ns(&s->pool, &m->around, &m->runs[i]);
        n++;
    }
    if (n) json_array_append_new(s->visits_ms, json_real(sum / (double)n / 1e6));
    return true;
}

static enum lathe_status read_shipped(struct kv_txn *txn, const char *job, int network,
                                      const struct table_scaling *scaling, json_t *visits_ms, struct latency *out,
                                      struct lathe_error *err)
{
    struct shipped s = {.network = network, .visits_ms = visits_ms, .err = err};
    sample_pool_init(&s.pool, scaling);
    enum lathe_status st = marks_scan(txn, job, pool_visit, &s, err);
    if (!st) st = s.status;
    s.most = sample_pool_most(&s.pool);
    if (!st) st = marks_scan(txn, job, note_mean, &s, err);
    if (!st) st = sample_pool_latency(&s.pool, out, err);
    sample_pool_clear(&s.pool);
    return st;
}

/* The shipped subnets of a job as they come. */
struct telling {
    struct kv_txn *txn;
    const json_t *job;
    struct table_scaling scaling;
    json_t *subnets;
    enum lathe_status status;
    struct lathe_error *err;
};

static bool tell_shipped(void *context, int number, const json_t *network)
{
    struct telling *t = context;
    struct latency latency;
    if (strcmp(job_text(network, "role"), "shipped") != 0) return true;
    json_t *visits = json_array();
    enum lathe_status st = read_shipped(t->txn, job_text(t->job, "id"), number, &t->scaling, visits, &latency, t->err);
    if (!st)
        json_array_append_new(t->subnets, json_pack("{s:s,s:O,s:O,s:O,s:f,s:o}", "job", job_text(t->job, "id"),
                                                    "shipped", json_object_get(network, "shipped"), "context",
                                                    json_object_get(network, "context"), "visits_ms", visits,
                                                    "latency_ms", latency_best_ms(&latency), "ci_ms",
                                                    isfinite(latency.ci_ms) ? json_real(latency.ci_ms) : json_null()));
    json_decref(visits);
    /* Not visited before the budget was used up. */
    t->status = st == LATHE_NOT_FOUND ? LATHE_OK : st;
    return !t->status;
}

/* ---- the night's notes ---- */

static json_t *load_of(const json_t *job)
{
    int64_t visits = job_hidden(job, "load_visits");
    return visits ? json_real((double)job_hidden(job, "load_permille") / (double)visits / 1000) : json_null();
}

static json_t *describe_job(const json_t *job, const char *stopped_by)
{
    return json_pack("{s:s,s:s,s:I,s:f,s:o,s:I,s:I}", "job", job_text(job, "id"), "stopped_by", stopped_by, "visits",
                     (json_int_t)job_int(job, "visits_done"), "device_s", (double)job_hidden(job, "busy_ns") / 1e9,
                     "load", load_of(job), "throttled", (json_int_t)job_int(job, "throttled"), "redone",
                     (json_int_t)job_int(job, "redone"));
}

/* The array of this name, made where it is missing. Borrowed. */
static json_t *array_in(json_t *notes, const char *name)
{
    if (!json_object_get(notes, name)) json_object_set_new(notes, name, json_array());
    return json_object_get(notes, name);
}

/* Totals over the night's jobs: the load of each counts as long as the job took. */
static void sum_up(json_t *notes)
{
    size_t i;
    const json_t *job;
    double device_s = 0;
    double loaded_s = 0;
    double load = 0;
    json_array_foreach(json_object_get(notes, "jobs"), i, job)
    {
        double s = json_number_value(json_object_get(job, "device_s"));
        const json_t *share = json_object_get(job, "load");
        device_s += s;
        if (!json_is_number(share)) continue;
        loaded_s += s;
        load += s * json_number_value(share);
    }
    json_object_set_new(notes, "device_s", json_real(device_s));
    json_object_set_new(notes, "load", loaded_s > 0 ? json_real(load / loaded_s) : json_null());
}

enum lathe_status night_finish(struct kv_txn *txn, const json_t *job, const char *stopped_by, struct lathe_error *err)
{
    uint32_t version = (uint32_t)job_hidden(job, "version");
    struct table_info info;
    struct telling t = {.txn = txn, .job = job, .err = err};
    enum lathe_status st = table_get_scaling(txn, job_table(job), version, &t.scaling, err);
    if (!st) st = table_info(txn, job_table(job), version, &info, err);
    if (st) return st;
    json_t *notes = info.notes ? json_incref(info.notes) : json_object();
    t.subnets = array_in(notes, "subnets");
    st = plan_networks(txn, job_text(job, "id"), tell_shipped, &t, err);
    if (!st) st = t.status;
    json_array_append_new(array_in(notes, "jobs"), describe_job(job, stopped_by));
    sum_up(notes);
    if (!st) st = table_set_notes(txn, job_table(job), version, notes, err);
    json_decref(notes);
    table_info_clear(&info);
    return st;
}
