/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What follows when all visits of a profile's plan are done: further ones (further.c), or the end: the sentinel's
 * reference is settled, the held-out subnets are set against the sums of their rows, and the table gets its factor and
 * a note of how far it can be trusted. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "server/jobs/further.h"
#include "server/jobs/internal.h"
#include "server/jobs/trust.h"

enum { FILLING_AT_ONCE = 40 };

static bool collect_rows(void *context, int number, const json_t *network)
{
    json_t *rows = context;
    size_t i;
    const json_t *layer;
    (void)number;
    if (strcmp(job_text(network, "role"), "cover") != 0) return true;
    json_array_foreach(json_object_get(network, "layers"), i, layer)
    {
        json_object_set_new(rows, json_string_value(layer), json_true());
    }
    return true;
}

/* Make the statistics of all rows of the job's networks anew. */
static enum lathe_status refresh_rows(struct kv_txn *txn, const json_t *job, uint32_t version, struct lathe_error *err)
{
    json_t *rows = json_object();
    const char *row;
    json_t *unused;
    enum lathe_status st = plan_networks(txn, job_text(job, "id"), collect_rows, rows, err);
    json_object_foreach(rows, row, unused)
    {
        if (!st) st = table_update_row(txn, job_table(job), version, row, clock_wall_ms(), NULL, err);
        if (st == LATHE_NOT_FOUND) st = LATHE_OK;
    }
    json_decref(rows);
    return st;
}

/* The reference that this profile's first results gave was a guess from the first second: settle it by all of them. */
static enum lathe_status settle_reference(struct kv_txn *txn, const json_t *job, uint32_t version,
                                          struct lathe_error *err)
{
    struct table_scaling scaling;
    double ns = 0;
    if (!job_hidden(job, "reference_mine")) return LATHE_OK;
    enum lathe_status st = table_get_scaling(txn, job_table(job), version, &scaling, err);
    if (!st) st = marks_reference(txn, job_text(job, "id"), &ns, err);
    if (st || ns <= 0 || ns == scaling.reference_ns) return st;
    scaling.reference_ns = ns;
    st = table_set_scaling(txn, job_table(job), version, &scaling, err);
    return st ? st : refresh_rows(txn, job, version, err);
}

/* The held-out subnets as they come. */
struct judging {
    struct kv_txn *txn;
    const json_t *job;
    uint32_t version;
    struct table_scaling scaling;
    struct trust_pair pairs[PLAN_MAX_HELD_OUT];
    json_t *subnets; /* {"context","predicted_ms","measured_ms","ci_ms"} */
    double cpu_share;
    size_t count;
    enum lathe_status status;
    struct lathe_error *err;
};

/* The sum of a network's rows without the table's factor; NAN when a row is missing. */
static double sum_rows(struct judging *j, const json_t *network)
{
    double sum = 0;
    size_t i;
    const json_t *layer;
    json_array_foreach(json_object_get(network, "layers"), i, layer)
    {
        struct latency latency;
        enum lathe_status st =
            table_get(j->txn, job_table(j->job), j->version, json_string_value(layer), &latency, j->err);
        if (st && st != LATHE_NOT_FOUND) j->status = st;
        if (st) return NAN;
        sum += latency_best_ms(&latency) / j->scaling.factor;
    }
    return sum;
}

static bool judge_network(void *context, int number, const json_t *network)
{
    struct judging *j = context;
    struct latency measured;
    if (strcmp(job_text(network, "role"), "held_out") != 0 || j->count == PLAN_MAX_HELD_OUT) return true;
    enum lathe_status st = marks_latency(j->txn, job_text(j->job, "id"), number, &j->scaling, &measured, j->err);
    if (st == LATHE_NOT_FOUND) return true;
    j->status = st;
    if (st) return false;
    double predicted = sum_rows(j, network);
    if (j->status) return false;
    if (!isfinite(predicted) || predicted <= 0) return true;
    j->pairs[j->count++] = (struct trust_pair){predicted, latency_best_ms(&measured)};
    j->cpu_share += measured.cpu_share;
    json_array_append_new(j->subnets,
                          json_pack("{s:O,s:f,s:f,s:o}", "context", json_object_get(network, "context"), "predicted_ms",
                                    predicted, "measured_ms", latency_best_ms(&measured), "ci_ms",
                                    isfinite(measured.ci_ms) ? json_real(measured.ci_ms) : json_null()));
    return true;
}

/* What a reader has to know before using the table; NULL: nothing. */
static const char *doubt_of(const json_t *job, const struct trust *t, double cpu_share)
{
    if (t->mape > 0.03) return "subnets that were held out differ from their predictions by more than 3%";
    if (cpu_share > 0.5 && t->mape > 0.02)
        return "others had the device's cores for most of the time, and CPU times do not make up for it";
    if (job_int(job, "throttled") * 10 > job_int(job, "visits_total"))
        return "the device was throttled for more than a tenth of the visits";
    return NULL;
}

static json_t *describe_trust(const json_t *job, const struct judging *j, const struct trust *t)
{
    char now[25];
    double cpu_share = j->cpu_share / (double)j->count;
    const char *doubt = doubt_of(job, t, cpu_share);
    clock_format(clock_wall_ms(), now);
    json_t *subnets = json_array();
    size_t i;
    json_t *s;
    json_array_foreach(j->subnets, i, s)
    {
        json_t *copy = json_copy(s);
        json_object_set_new(copy, "predicted_ms", json_real(j->pairs[i].predicted_ms * t->factor));
        json_array_append_new(subnets, copy);
    }
    return json_pack("{s:b,s:s?,s:i,s:f,s:f,s:f,s:o,s:f,s:f,s:s,s:s,s:o}", "trusted", doubt == NULL, "doubt", doubt,
                     "subnets", (int)t->subnets, "mape", t->mape, "worst", t->worst, "uncalibrated_mape", t->raw_mape,
                     "tau", isfinite(t->tau) ? json_real(t->tau) : json_null(), "factor", t->factor, "cpu_share",
                     isfinite(cpu_share) ? cpu_share : 0.0, "profile", job_text(job, "id"), "at", now, "held_out",
                     subnets);
}

static enum lathe_status store_trust(struct judging *j, json_t *job, struct lathe_error *err)
{
    struct trust trust;
    struct table_info info;
    enum lathe_status st = trust_of(j->pairs, j->count, &trust, err);
    if (st) return st;
    /* Isolated rows stand as the usual way has them: with no factor from whole subnets. */
    if (profile_is(job, "isolated")) {
        trust.factor = 1;
        trust.mape = trust.raw_mape;
    }
    j->scaling.factor = trust.factor;
    st = table_set_scaling(j->txn, job_table(job), j->version, &j->scaling, err);
    if (!st) st = table_info(j->txn, job_table(job), j->version, &info, err);
    if (st) return st;
    json_t *notes = info.notes ? json_incref(info.notes) : json_object();
    json_t *described = describe_trust(job, j, &trust);
    json_object_set(notes, "trust", described);
    st = table_set_notes(j->txn, job_table(job), j->version, notes, err);
    json_object_del(described, "held_out");
    json_object_set(job, "trust", described);
    json_decref(described);
    json_decref(notes);
    table_info_clear(&info);
    return st;
}

static enum lathe_status judge(struct kv_txn *txn, json_t *job, uint32_t version, struct lathe_error *err)
{
    struct judging *j = calloc(1, sizeof *j);
    if (!j) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    *j = (struct judging){.txn = txn, .job = job, .version = version, .subnets = json_array(), .err = err};
    enum lathe_status st = table_get_scaling(txn, job_table(job), version, &j->scaling, err);
    if (!st) st = plan_networks(txn, job_text(job, "id"), judge_network, j, err);
    if (!st) st = j->status;
    if (!st && j->count) st = store_trust(j, job, err);
    json_decref(j->subnets);
    free(j);
    return st;
}

static enum lathe_status finish(struct kv_txn *txn, json_t *job, const char *stopped_by, size_t wide,
                                struct lathe_error *err)
{
    uint32_t version = (uint32_t)job_hidden(job, "version");
    bool every_visit = job_int(job, "visits_done") == job_int(job, "visits_total");
    enum lathe_status st = settle_reference(txn, job, version, err);
    if (!st && profile_is(job, "regression")) st = profile_regress(txn, job, version, err);
    if (!st) st = profile_is(job, "night") ? night_finish(txn, job, stopped_by, err) : judge(txn, job, version, err);
    if (st) return st;
    if (every_visit) job_set_int(job, "rows_done", job_int(job, "rows_total") - (int64_t)wide);
    job_set_int(job, "rows_wide", (int64_t)wide);
    json_object_set_new(job, "stopped_by", json_string(stopped_by));
    json_object_set_new(job, "progress", json_real(1));
    json_object_set_new(job, "eta_s", json_real(0));
    return job_end(txn, job, "done", NULL, err);
}

/* What to visit further: where rows are in need for them, else to keep what was promised of the time. A few at a time,
 * since what visits take is not always the same. */
static enum lathe_status find_further(struct kv_txn *txn, const json_t *job, struct further *out,
                                      struct lathe_error *err)
{
    enum lathe_status st = further_visits(txn, job, out, err);
    double owed = fmin(ceil(progress_owed(job)), FILLING_AT_ONCE);
    if (st || json_array_size(out->visits) || owed < 1) return st;
    json_decref(out->visits);
    out->visits = NULL;
    return further_filling(txn, job, (size_t)owed, out, err);
}

enum lathe_status profile_go_on(struct kv_txn *txn, json_t *job, bool by_budget, struct lathe_error *err)
{
    struct further further = {0};
    bool asked = json_number_value(json_object_get(job, "ci")) > 0;
    enum lathe_status st = asked ? find_further(txn, job, &further, err) : LATHE_OK;
    if (st) return st;
    if (json_array_size(further.visits) && !by_budget) {
        st = plan_extend(txn, job, further.visits, err);
        if (!st) st = job_save(txn, job, err);
    } else {
        const char *by = by_budget ? "budget" : further.wide || !asked ? "rounds" : "ci";
        st = finish(txn, job, by, further.wide, err);
    }
    json_decref(further.visits);
    return st;
}
