/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What follows when all visits of a profile's plan are done: further rounds for the networks that hold rows whose
 * intervals are still too wide, or the end: the sentinel's reference is settled, the held-out subnets are set against
 * the sums of their rows, and the table gets its factor and a note of how far it can be trusted. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "server/jobs/internal.h"
#include "server/jobs/trust.h"

enum { ROUNDS_MAX = 32, ROUNDS_AT_ONCE = 4, WIDE_ROWS_MOST = 4096, PRIOR_DEGREES = 30 };
/* Student's t for the twenty-odd degrees of freedom that a row has in the end. */
static const double t_of_many = 2.08;
/* The widest of many rows looks wider than it is: of what a forecast says this much came true in campaigns that were
 * watched. */
static const double came_true = 0.75;

/* Rows that the profile is not done with. */
struct wide_rows {
    struct kv_txn *txn;
    const json_t *job;
    json_t *set;  /* row -> its index in the lists below, or what is none */
    double worst; /* interval over what is asked, of the widest; at least 1 */
    bool unknown; /* of some row no interval is known yet */
    /* For a forecast: of rows with an interval, the squares of interval over what is asked, were they of many visits.
     */
    double *squares, *degrees;
    double *rounds; /* that they have seen */
    size_t count;
    size_t head; /* bytes of a key before its row */
    enum lathe_status status;
    struct lathe_error *err;
};

static bool note_wide(void *context, struct kv_slice key, struct kv_slice value)
{
    struct wide_rows *w = context;
    char row[ROW_TEXT_BYTES];
    struct latency latency;
    (void)value;
    snprintf(row, sizeof row, "%.*s", (int)(key.size - w->head), (const char *)key.data + w->head);
    json_object_set_new(w->set, row, json_integer(WIDE_ROWS_MOST));
    enum lathe_status st =
        table_get(w->txn, job_table(w->job), (uint32_t)job_hidden(w->job, "version"), row, &latency, w->err);
    if (st && st != LATHE_NOT_FOUND) w->status = st;
    if (st) return st == LATHE_NOT_FOUND;
    double asked = json_number_value(json_object_get(w->job, "ci")) * latency_best_ms(&latency);
    if (!isfinite(latency.ci_ms) || asked <= 0) {
        w->unknown = true;
        return true;
    }
    w->worst = fmax(w->worst, latency.ci_ms / asked);
    double visits = (double)latency.samples / (double)job_int(w->job, "runs");
    double degrees = fmax(visits - latency.contexts, 1);
    double ratio = latency.ci_ms / asked * t_of_many / student_t95((size_t)degrees);
    if (w->count < WIDE_ROWS_MOST) {
        w->squares[w->count] = ratio * ratio;
        w->degrees[w->count] = degrees;
        w->rounds[w->count] = visits / fmax(latency.contexts, 1);
        json_object_set_new(w->set, row, json_integer((json_int_t)w->count++));
    }
    return true;
}

/* The mean square of all rows. */
static double mean_square(const struct wide_rows *w)
{
    double mean = 0;
    for (size_t i = 0; i < w->count; i++) mean += w->squares[i] / (double)w->count;
    return mean;
}

/* How many rounds a row is likely to need in all. A spread that is known from few visits is mostly chance: each is
 * drawn towards that of all rows, as if that were worth PRIOR_DEGREES degrees of freedom. */
static double rounds_of_row(const struct wide_rows *w, const json_t *index, double mean)
{
    size_t i = (size_t)json_integer_value(index);
    if (i >= w->count) return 0;
    double drawn = (w->squares[i] * w->degrees[i] + mean * PRIOR_DEGREES) / (w->degrees[i] + PRIOR_DEGREES);
    return fmin(ceil(w->rounds[i] * drawn), ROUNDS_MAX);
}

static void wide_clear(struct wide_rows *w)
{
    json_decref(w->set);
    free(w->squares);
}

/* @param[out] out its set is a new reference. */
static enum lathe_status find_wide(struct kv_txn *txn, const json_t *job, struct wide_rows *out,
                                   struct lathe_error *err)
{
    char prefix[JOB_KEY_BYTES];
    snprintf(prefix, sizeof prefix, "row/%s/", job_text(job, "id"));
    struct wide_rows w = {.txn = txn, .job = job, .set = json_object(), .worst = 1, .head = strlen(prefix), .err = err};
    w.squares = calloc((size_t)3 * WIDE_ROWS_MOST, sizeof *w.squares);
    if (!w.squares) {
        wide_clear(&w);
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    w.degrees = w.squares + WIDE_ROWS_MOST;
    w.rounds = w.degrees + WIDE_ROWS_MOST;
    enum lathe_status st = kv_scan(txn, prefix, NULL, note_wide, &w, err);
    if (!st) st = w.status;
    if (st) wide_clear(&w);
    else *out = w;
    return st;
}

/* An interval shrinks with the root of the number of visits. */
static int rounds_needed(const json_t *job, const struct wide_rows *w)
{
    double done = (double)job_hidden(job, "rounds_done");
    double more = ceil(done * (w->worst * w->worst - 1));
    if (w->unknown && more < 1) more = 1;
    double most = ROUNDS_MAX - done;
    return (int)fmax(fmin(more, most), 0);
}

struct holders {
    const json_t *wide;
    json_t *numbers; /* of networks that hold a wide row */
};

static bool note_holder(void *context, int number, const json_t *network)
{
    struct holders *h = context;
    size_t i;
    const json_t *layer;
    if (strcmp(job_text(network, "role"), "cover") != 0) return true;
    json_array_foreach(json_object_get(network, "layers"), i, layer)
    {
        if (!json_object_get(h->wide, json_string_value(layer))) continue;
        json_array_append_new(h->numbers, json_integer(number));
        break;
    }
    return true;
}

static enum lathe_status find_holders(struct kv_txn *txn, const json_t *job, const struct wide_rows *w, json_t **out,
                                      struct lathe_error *err)
{
    struct holders h = {w->set, json_array()};
    enum lathe_status st = plan_networks(txn, job_text(job, "id"), note_holder, &h, err);
    if (st) json_decref(h.numbers);
    else *out = h.numbers;
    return st;
}

struct looking_ahead {
    const struct wide_rows *wide;
    double mean, planned, visits; /* planned: rounds */
};

/* A network is visited until its widest row is done. */
static bool add_ahead(void *context, int number, const json_t *network)
{
    struct looking_ahead *a = context;
    double most = 0;
    size_t i;
    const json_t *layer;
    (void)number;
    if (strcmp(job_text(network, "role"), "cover") != 0) return true;
    json_array_foreach(json_object_get(network, "layers"), i, layer)
    {
        const json_t *index = json_object_get(a->wide->set, json_string_value(layer));
        if (index) most = fmax(most, rounds_of_row(a->wide, index, a->mean));
    }
    a->visits += fmax(most - a->planned, 0);
    return true;
}

enum lathe_status profile_visits_ahead(struct kv_txn *txn, const json_t *job, double *visits, struct lathe_error *err)
{
    struct wide_rows w;
    *visits = 0;
    /* Before the second round is under way there are hardly any intervals. */
    bool early = job_int(job, "visits_done") * 4 < 5 * job_int(job, "networks");
    if (json_number_value(json_object_get(job, "ci")) <= 0 || early) return LATHE_OK;
    enum lathe_status st = find_wide(txn, job, &w, err);
    if (st) return st;
    struct looking_ahead a = {.wide = &w, .mean = mean_square(&w), .planned = (double)job_hidden(job, "rounds_done")};
    if (w.count) st = plan_networks(txn, job_text(job, "id"), add_ahead, &a, err);
    wide_clear(&w);
    if (!st) *visits = came_true * a.visits;
    return st;
}

static enum lathe_status add_rounds(struct kv_txn *txn, json_t *job, const struct wide_rows *w, int rounds,
                                    struct lathe_error *err)
{
    json_t *holders = NULL;
    json_t *visits = json_array();
    struct rng rng;
    enum lathe_status st = find_holders(txn, job, w, &holders, err);
    size_t n = json_array_size(holders);
    uint32_t *order = malloc(sizeof *order * (n + 1));
    if (!order) {
        json_decref(holders);
        json_decref(visits);
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    rng_seed(&rng, (uint64_t)job_int(job, "seed") + (uint64_t)job_int(job, "visits_total"));
    for (int round = 0; !st && round < rounds; round++) {
        for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
        rng_shuffle(&rng, order, n);
        for (size_t i = 0; i < n; i++) json_array_append(visits, json_array_get(holders, order[i]));
    }
    if (!st) st = plan_extend(txn, job, visits, err);
    if (!st) job_set_hidden(job, "rounds_done", job_hidden(job, "rounds_done") + rounds);
    free(order);
    json_decref(holders);
    json_decref(visits);
    return st;
}

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
    enum lathe_status st = settle_reference(txn, job, version, err);
    if (!st && profile_is(job, "regression")) {
        st = profile_regress(txn, job, version, err);
        wide = 0;
    }
    if (!st) st = judge(txn, job, version, err);
    if (st) return st;
    if (!wide) job_set_int(job, "rows_done", job_int(job, "rows_total"));
    job_set_int(job, "rows_wide", (int64_t)wide);
    json_object_set_new(job, "stopped_by", json_string(stopped_by));
    json_object_set_new(job, "progress", json_real(1));
    json_object_set_new(job, "eta_s", json_real(0));
    return job_end(txn, job, "done", NULL, err);
}

enum lathe_status profile_go_on(struct kv_txn *txn, json_t *job, bool by_budget, struct lathe_error *err)
{
    struct wide_rows w;
    enum lathe_status st = find_wide(txn, job, &w, err);
    if (st) return st;
    size_t wide = json_object_size(w.set);
    bool asked = json_number_value(json_object_get(job, "ci")) > 0;
    int rounds = wide && asked && !by_budget ? rounds_needed(job, &w) : 0;
    /* A few at a time: the estimate gets better as samples come. */
    if (rounds > ROUNDS_AT_ONCE) rounds = ROUNDS_AT_ONCE;
    if (rounds) {
        st = add_rounds(txn, job, &w, rounds, err);
        if (!st) st = job_save(txn, job, err);
    } else {
        const char *by = by_budget ? "budget" : wide || !asked ? "rounds" : "ci";
        st = finish(txn, job, by, wide, err);
    }
    wide_clear(&w);
    return st;
}
