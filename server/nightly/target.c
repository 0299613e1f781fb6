/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* One step of a target at a time. Each makes at most one job and ends with one write that moves the target on, unless
 * somebody else did meanwhile. A server that died between the two finds the job again: it is the one that is active for
 * the target. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/table/nights.h"
#include "server/jobs/night_plan.h"
#include "server/nightly/internal.h"

/* Of a budget, what the first measuring may take where confirmations may follow. */
static const double first_share = 0.7;

/* What a step finds, and is to be written. */
struct step {
    struct nightly *nightly;
    const json_t *run;
    size_t index;
    const json_t *seen; /* the target as the step found it */
    struct table_id table;
    json_t *changes; /* fields to set */
    json_t *job;     /* to add to the target's; NULL: none */
    json_t *findings;
    bool begins; /* the night takes its number */
    bool accepts_itself;
};

/* ---- writing ---- */

/* The first night of its rows becomes the level that later ones are set against. */
static void accept_itself(json_t *run, json_t *target)
{
    char now[25];
    clock_format(clock_wall_ms(), now);
    json_object_set_new(target, "accepted", json_true());
    if (json_is_null(json_object_get(run, "accepted")))
        json_object_set_new(run, "accepted", json_pack("{s:s,s:s,s:n}", "at", now, "by", "itself", "note"));
}

static enum lathe_status begin_night(const struct step *s, struct kv_txn *txn, json_t *target, struct lathe_error *err)
{
    uint32_t version = 0;
    struct baseline baseline = {.version = 0};
    enum lathe_status st = baseline_find(txn, s->run, s->table.device, s->table.config, &baseline, err);
    if (!st) st = table_night_begin(txn, s->table, doc_text(s->run, "id"), clock_wall_ms(), &version, err);
    if (st) return st;
    doc_set_int(target, "version", version);
    json_object_set_new(target, "first", json_boolean(!baseline.run[0]));
    if (!baseline.run[0]) return LATHE_OK;
    doc_set_text(target, "baseline_run", baseline.run);
    doc_set_int(target, "baseline_version", baseline.version);
    return LATHE_OK;
}

static enum lathe_status note_age(const struct step *s, struct kv_txn *txn, struct lathe_error *err)
{
    char id[140];
    snprintf(id, sizeof id, "%s/%s", s->table.device, s->table.config);
    json_t *age = json_pack("{s:s,s:s,s:I}", "device", s->table.device, "config", s->table.config, "measured_ms",
                            (json_int_t)clock_wall_ms());
    enum lathe_status st =
        age ? store_put(txn, "nightly-age", id, age, err) : error_set(err, LATHE_NO_MEMORY, "out of memory");
    json_decref(age);
    return st;
}

static enum lathe_status write_step(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const struct step *s = context;
    json_t *run = NULL;
    enum lathe_status st = store_get(txn, "run", doc_text(s->run, "id"), &run, err);
    if (st) return st;
    json_t *target = json_array_get(json_object_get(run, "targets"), s->index);
    bool same = target && json_equal(json_object_get(target, "state"), json_object_get(s->seen, "state")) &&
                json_equal(json_object_get(target, "profile"), json_object_get(s->seen, "profile")) && !run_ended(run);
    if (!same) goto out;
    if (!json_equal(json_object_get(s->changes, "state"), json_object_get(target, "state")) || s->job)
        doc_set_int(doc_hidden(target), "since_ms", clock_wall_ms());
    json_object_update(target, s->changes);
    if (s->job) json_array_append(json_object_get(doc_hidden(target), "jobs"), s->job);
    if (s->begins) st = begin_night(s, txn, target, err);
    if (s->accepts_itself) accept_itself(run, target);
    if (!st && s->findings)
        st = findings_put(txn, doc_text(run, "id"), s->table.device, s->table.config, s->findings, err);
    if (!st && s->findings) st = note_age(s, txn, err);
    if (!st) st = run_save(txn, run, err);
out:
    json_decref(run);
    return st;
}

static enum lathe_status fail(struct step *s, const char *why)
{
    doc_set_text(s->changes, "state", "failed");
    doc_set_text(s->changes, "error", why);
    json_object_set_new(s->changes, "eta_s", json_null());
    return LATHE_OK;
}

/* ---- jobs ---- */

/* The job that the target has under way already, as a server that died left it. @param mode NULL: a profile that fills
 * the table. @param[out] job its id, new reference, or NULL. */
static enum lathe_status find_job(const struct step *s, const char *mode, json_t **job, struct lathe_error *err)
{
    json_t *list = NULL;
    char next[65];
    size_t i;
    const json_t *one;
    struct job_filter filter = {s->table.device, s->table.config, mode};
    *job = NULL;
    enum lathe_status st = jobs_list(s->nightly->jobs, "profile", &filter, NULL, SIZE_MAX - 1, &list, next, err);
    if (st) return st;
    json_array_foreach(list, i, one)
    {
        const char *state = doc_text(one, "state");
        bool active = strcmp(state, "queued") == 0 || strcmp(state, "running") == 0;
        bool mine = mode ? strcmp(doc_text(one, "run"), doc_text(s->run, "id")) == 0
                         : strcmp(doc_text(one, "space"), doc_text(s->run, "space")) == 0;
        if (active && mine && !*job) *job = json_incref(json_object_get(one, "id"));
    }
    json_decref(list);
    return LATHE_OK;
}

static size_t resolutions_of(const json_t *run, int out[SPACE_MAX_VALUES])
{
    size_t n = 0;
    size_t i;
    const json_t *r;
    json_array_foreach(json_object_get(run, "resolutions"), i, r)
    {
        if (n < SPACE_MAX_VALUES) out[n++] = (int)json_integer_value(r);
    }
    return n;
}

/* Of the device's share of the budget, how much this target has: its configs take turns. */
static double budget_of(const struct step *s)
{
    size_t configs = 0;
    size_t i;
    const json_t *t;
    json_array_foreach(json_object_get(s->run, "targets"), i, t)
    {
        configs += strcmp(doc_text(t, "device"), s->table.device) == 0;
    }
    return doc_number(s->run, "budget_s") / (double)(configs ? configs : 1);
}

static enum lathe_status begin_profile(struct step *s, struct lathe_error *err)
{
    int resolutions[SPACE_MAX_VALUES];
    json_t *id = NULL;
    struct profile_request q = {.device = s->table.device,
                                .config = s->table.config,
                                .space = doc_text(s->run, "space"),
                                .resolutions = resolutions,
                                .resolution_count = resolutions_of(s->run, resolutions),
                                .ci = -1,
                                .held_out = -1,
                                .budget_s = budget_of(s)};
    enum lathe_status st = find_job(s, NULL, &id, err);
    if (!st && !id) {
        json_t *job = NULL;
        st = jobs_create_profile(s->nightly->jobs, &q, &job, err);
        id = json_incref(json_object_get(job, "id"));
        json_decref(job);
    }
    if (!st) {
        doc_set_text(s->changes, "state", "profiling");
        json_object_set(s->changes, "profile", id);
    }
    json_decref(id);
    return st;
}

/* ---- beginning ---- */

/* The night takes a number as it begins, so that it is the same one after a restart. */
static enum lathe_status begin(struct step *s, struct lathe_error *err)
{
    struct kv_txn *txn;
    struct table_info info = {0};
    struct lathe_error why = {0};
    enum lathe_status st = kv_read_begin(s->nightly->kv, &txn, err);
    if (st) return st;
    st = table_info(txn, s->table, 0, &info, &why);
    kv_read_end(txn);
    table_info_clear(&info);
    if (st == LATHE_NOT_FOUND) return begin_profile(s, err);
    if (st && err) *err = why;
    doc_set_text(s->changes, "state", "waiting");
    s->begins = !st;
    return st;
}

static json_t *shipped_networks(const json_t *shipped)
{
    json_t *list = json_array();
    size_t i;
    const json_t *s;
    json_array_foreach(shipped, i, s)
    {
        json_array_append_new(list, json_pack("{s:O,s:O,s:O}", "shipped", json_object_get(s, "id"), "context",
                                              json_object_get(s, "context"), "layers", json_object_get(s, "layers")));
    }
    return list;
}

/* Rows on a front matter most. @return new object; empty where there is nothing to search with. */
static json_t *front_rows(const struct step *s, const struct space *space)
{
    const struct nightly_search *search = s->nightly->search;
    json_t *layers = NULL;
    json_t *set = json_object();
    size_t i;
    const json_t *layer;
    if (search) (void)search->front(search->context, s->table, space, &layers, NULL);
    json_array_foreach(layers, i, layer)
    {
        json_object_set_new(set, json_string_value(layer), json_true());
    }
    json_decref(layers);
    return set;
}

/* @param rows to measure again; NULL: the night as a whole. */
static enum lathe_status plan(const struct step *s, const json_t *rows, struct night_plan *out, struct lathe_error *err)
{
    int resolutions[SPACE_MAX_VALUES];
    struct kv_txn *txn;
    json_t *shipped = NULL;
    json_t *networks = NULL;
    const struct space *space = catalog_find(s->nightly->spaces, doc_text(s->run, "space"));
    if (!space) return error_set(err, LATHE_CONFLICT, "there is no space %s any more", doc_text(s->run, "space"));
    json_t *fronts = rows ? NULL : front_rows(s, space);
    struct night_choice q = {.space = space,
                             .resolutions = resolutions,
                             .resolution_count = resolutions_of(s->run, resolutions),
                             .table = s->table,
                             .version = (uint32_t)doc_int(s->seen, "version"),
                             .fronts = fronts,
                             .budget_s = first_share * budget_of(s)};
    enum lathe_status st = kv_read_begin(s->nightly->kv, &txn, err);
    if (st) goto out;
    st = shipped_of_table(txn, s->table.device, s->table.config, &shipped, err);
    networks = shipped_networks(shipped);
    q.shipped = networks;
    if (!st && rows) st = night_plan_confirm(txn, &q, rows, NULL, out, err);
    else if (!st) st = night_plan_make(txn, &q, out, err);
    kv_read_end(txn);
out:
    json_decref(fronts);
    json_decref(shipped);
    json_decref(networks);
    return st;
}

static enum lathe_status create_job(struct step *s, const struct night_plan *p, double budget_s, json_t **id,
                                    struct lathe_error *err)
{
    json_t *job = NULL;
    struct night_request q = {.device = s->table.device,
                              .config = s->table.config,
                              .space = doc_text(s->run, "space"),
                              .run = doc_text(s->run, "id"),
                              .version = (uint32_t)doc_int(s->seen, "version"),
                              .networks = p->networks,
                              .rounds = p->rounds,
                              .budget_s = budget_s,
                              .seed = (uint64_t)doc_int(s->seen, "version") + json_array_size(s->job)};
    enum lathe_status st = jobs_create_night(s->nightly->jobs, &q, &job, err);
    if (!st) *id = json_incref(json_object_get(job, "id"));
    json_decref(job);
    return st;
}

static void note_plan(struct step *s, const struct night_plan *p)
{
    doc_set_int(s->changes, "rows_total", (int64_t)p->rows_total);
    doc_set_int(s->changes, "rows_measured", (int64_t)p->rows_measured);
    doc_set_int(s->changes, "networks", (int64_t)json_array_size(p->networks));
    doc_set_number(s->changes, "eta_s", p->estimate_s);
}

static enum lathe_status begin_measuring(struct step *s, struct lathe_error *err)
{
    struct night_plan p = {0};
    double budget_s = budget_of(s);
    enum lathe_status st = plan(s, NULL, &p, err);
    if (!st) note_plan(s, &p);
    if (!st) st = find_job(s, "night", &s->job, err);
    if (!st && !s->job) st = create_job(s, &p, first_share * budget_s, &s->job, err);
    if (!st) {
        doc_set_text(s->changes, "state", "measuring");
        json_object_set(s->changes, "profile", s->job);
    }
    night_plan_clear(&p);
    return st;
}

/* ---- after measuring ---- */

/* Fields that differ, nested ones by their path. */
static void compare_fields(const json_t *before, const json_t *now, const char *path, json_t *list)
{
    json_t *both = json_copy((json_t *)(uintptr_t)before);
    const char *name;
    json_t *unused;
    json_object_update_missing(both, (json_t *)(uintptr_t)now);
    json_object_foreach(both, name, unused)
    {
        char field[256];
        json_t *a = json_object_get(before, name);
        json_t *b = json_object_get(now, name);
        snprintf(field, sizeof field, "%s%s%s", path, path[0] ? "." : "", name);
        if (a && b && json_equal(a, b)) continue;
        if (json_is_object(a) && json_is_object(b)) compare_fields(a, b, field, list);
        else
            json_array_append_new(
                list, json_pack("{s:s,s:O?,s:O?}", "field", field, "before", a ? a : NULL, "now", b ? b : NULL));
    }
    json_decref(both);
}

static enum lathe_status compare_fingerprints(struct step *s, struct lathe_error *err)
{
    struct kv_txn *txn;
    struct table_info before = {0};
    struct table_info now = {0};
    json_t *list = json_array();
    enum lathe_status st = kv_read_begin(s->nightly->kv, &txn, err);
    if (st) goto out;
    st = table_info(txn, s->table, (uint32_t)doc_int(s->seen, "baseline_version"), &before, err);
    if (!st) st = table_info(txn, s->table, (uint32_t)doc_int(s->seen, "version"), &now, err);
    if (!st) compare_fields(before.fingerprint, now.fingerprint, "", list);
    kv_read_end(txn);
    if (!st) json_object_set(s->changes, "fingerprint", list);
out:
    table_info_clear(&before);
    table_info_clear(&now);
    json_decref(list);
    return st;
}

static void end_well(struct step *s, json_t *take_findings)
{
    doc_set_text(s->changes, "state", "done");
    doc_set_number(s->changes, "progress", 1);
    json_object_set_new(s->changes, "eta_s", json_null());
    s->findings = take_findings;
}

static enum lathe_status confirm(struct step *s, const json_t *rows, struct lathe_error *err)
{
    struct night_plan p = {0};
    enum lathe_status st = find_job(s, "night", &s->job, err);
    if (!st && !s->job) st = plan(s, rows, &p, err);
    if (!st && !s->job) st = create_job(s, &p, 0, &s->job, err);
    if (!st) {
        doc_set_text(s->changes, "state", "confirming");
        json_object_set(s->changes, "profile", s->job);
        if (p.estimate_s > 0) doc_set_number(s->changes, "eta_s", p.estimate_s);
    }
    night_plan_clear(&p);
    return st;
}

static enum lathe_status judge(struct step *s, struct lathe_error *err)
{
    struct verdict v = {0};
    const json_t *jobs = json_object_get(doc_hidden((json_t *)(uintptr_t)s->seen), "jobs");
    doc_set_int(s->changes, "confirmations", (int64_t)json_array_size(jobs) - 1);
    if (json_is_true(json_object_get(s->seen, "first"))) {
        s->accepts_itself = true;
        end_well(s, json_array());
        return LATHE_OK;
    }
    enum lathe_status st = verdict_reach(s->nightly, s->run, s->seen, &v, err);
    if (!st) st = compare_fingerprints(s, err);
    if (!st) {
        doc_set_int(s->changes, "rows_compared", (int64_t)v.compared);
        json_object_set(s->changes, "speed", v.speed);
        if (v.checked) json_object_set(s->changes, "checked", v.checked);
    }
    if (!st && v.again) st = confirm(s, v.rows, err);
    else if (!st) end_well(s, json_incref(v.findings));
    verdict_clear(&v);
    return st;
}

/* ---- while a job runs ---- */

/* The share of a target that is done as its first job ends, and its part in what follows. */
static const double measured_share = 0.85;

static void note_progress(struct step *s, const json_t *job)
{
    double own = doc_number(job, "progress");
    bool confirming = strcmp(doc_text(s->seen, "state"), "confirming") == 0;
    bool profiling = strcmp(doc_text(s->seen, "state"), "profiling") == 0;
    double progress = confirming  ? measured_share + (1 - measured_share) * own / 2
                      : profiling ? 0.0
                                  : measured_share * own;
    json_t *eta = json_object_get(job, "eta_s");
    progress = fmax(round(progress * 100) / 100, doc_number(s->seen, "progress"));
    doc_set_number(s->changes, "progress", progress);
    if (json_is_number(eta)) doc_set_number(s->changes, "eta_s", round(json_number_value(eta)));
}

/* How long nothing has been heard of a job on a device that does not work on it. */
static double silent_s(const struct step *s, const json_t *job, const char *device_state)
{
    int64_t last = doc_int(doc_hidden((json_t *)(uintptr_t)s->seen), "since_ms");
    int64_t updated = 0;
    if (strcmp(device_state, "busy") == 0) return 0;
    if (clock_parse(doc_text(job, "updated"), &updated) && updated > last) last = updated;
    if (s->nightly->started_ms > last) last = s->nightly->started_ms;
    return (double)(clock_wall_ms() - last) / 1000;
}

static enum lathe_status check_patience(struct step *s, const json_t *job, struct lathe_error *err)
{
    char why[512];
    json_t *device = NULL;
    int64_t seen_ms;
    double patience_s = doc_number(s->run, "patience_s");
    enum lathe_status st = store_read(s->nightly->kv, "device", s->table.device, &device, err);
    if (st == LATHE_NOT_FOUND) return fail(s, "the device was removed meanwhile");
    if (st) return st;
    const char *state = jobs_device_state(s->nightly->jobs, device, &seen_ms);
    double silent = silent_s(s, job, state);
    const char *last_error = json_string_value(json_object_get(device, "error"));
    if (silent >= patience_s) {
        json_t *ended = NULL;
        snprintf(why, sizeof why, "no sign of life for %.0f s: the device is %s%s%s", silent, state,
                 last_error ? "; its last error: " : "", last_error ? last_error : "");
        if (jobs_cancel(s->nightly->jobs, "profile", doc_text(job, "id"), &ended, NULL) == LATHE_OK) json_decref(ended);
        st = fail(s, why);
    }
    json_decref(device);
    return st;
}

static enum lathe_status after_job(struct step *s, const json_t *job, struct lathe_error *err)
{
    if (strcmp(doc_text(s->seen, "state"), "profiling") == 0) return begin(s, err);
    doc_set_number(s->changes, "device_s", doc_number(s->seen, "device_s") + doc_number(job, "device_s"));
    return judge(s, err);
}

static enum lathe_status follow_job(struct step *s, struct lathe_error *err)
{
    json_t *job = NULL;
    char why[600];
    enum lathe_status st = jobs_get(s->nightly->jobs, "profile", doc_text(s->seen, "profile"), &job, err);
    if (st) return st;
    const char *state = doc_text(job, "state");
    if (strcmp(state, "done") == 0) {
        st = after_job(s, job, err);
    } else if (strcmp(state, "queued") == 0 || strcmp(state, "running") == 0) {
        note_progress(s, job);
        st = check_patience(s, job, err);
    } else {
        const char *error = doc_text(job, "error");
        snprintf(why, sizeof why, "the measuring %s%s%s", strcmp(state, "failed") == 0 ? "failed" : "was cancelled",
                 error[0] ? ": " : "", error);
        st = fail(s, why);
    }
    json_decref(job);
    return st;
}

static enum lathe_status decide_step(struct step *s, struct lathe_error *err)
{
    const char *state = doc_text(s->seen, "state");
    if (strcmp(state, "waiting") != 0) return follow_job(s, err);
    return json_is_integer(json_object_get(s->seen, "version")) ? begin_measuring(s, err) : begin(s, err);
}

/* Whether the step has anything to say that is new. */
static bool is_news(const struct step *s)
{
    const char *name;
    const json_t *value;
    if (s->job || s->findings || s->begins) return true;
    json_object_foreach(s->changes, name, value)
    {
        if (!json_equal(value, json_object_get(s->seen, name))) return true;
    }
    return false;
}

enum lathe_status target_step(struct nightly *n, const json_t *run, size_t index, struct lathe_error *err)
{
    const json_t *target = json_array_get(json_object_get(run, "targets"), index);
    struct lathe_error why = {0};
    struct step s = {.nightly = n,
                     .run = run,
                     .index = index,
                     .seen = target,
                     .table = {doc_text(target, "device"), doc_text(target, "config")},
                     .changes = json_object()};
    enum lathe_status st = decide_step(&s, &why);
    /* What can't be done for this device is its failure; the others go on. What the store says is not. */
    if (st && st != LATHE_IO && st != LATHE_NO_MEMORY) st = fail(&s, why.message);
    if (!st && is_news(&s)) {
        st = kv_write(n->kv, write_step, &s, &why);
        /* The next step need not wait; progress alone makes none. */
        if (!st && json_object_get(s.changes, "state")) nightly_wake(n);
    }
    if (st && err) *err = why;
    json_decref(s.changes);
    json_decref(s.job);
    json_decref(s.findings);
    return st;
}
