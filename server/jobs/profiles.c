/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/text.h"
#include "server/jobs/config.h"
#include "server/jobs/internal.h"

enum { ROUNDS_DEFAULT = 4, RUNS_DEFAULT = 3, WARMUP_DEFAULT = 2, WARMUP_MAX = 1000, HELD_OUT_DEFAULT = 10 };
/* REGRESSION_SUBNETS: beside those that cover; least squares need several subnets a row. */
enum { REGRESSION_SUBNETS = 240, ISOLATED_RUNS = 10 };
static const double ci_default = 0.02;
static const double budget_max_s = 7 * 86400;

struct table_id job_table(const json_t *job)
{
    return (struct table_id){.device = job_text(job, "device"), .config = job_text(job, "config")};
}

/* What a version of a table has, for the planner. */
struct known_rows {
    struct kv_txn *txn;
    struct table_id table;
    uint32_t version; /* 0: there is none */
    bool relied_on;   /* something that it has spares work */
    double ci;        /* of each row, as a share of it; 0: not asked */
    const char *mode;
};

bool profile_is(const json_t *job, const char *mode)
{
    return strcmp(job_text(job, "mode"), mode) == 0;
}

static enum lathe_status look_up_row(void *context, const char *layer_text, struct plan_have *out,
                                     struct lathe_error *err)
{
    struct known_rows *known = context;
    struct latency latency;
    if (!known->version) return LATHE_OK;
    enum lathe_status st = table_get(known->txn, known->table, known->version, layer_text, &latency, err);
    if (st == LATHE_NOT_FOUND) return LATHE_OK;
    if (st) return st;
    /* Imported figures have no contexts: they say how long a layer took somewhere, not on this device. */
    if (!latency.contexts) return LATHE_OK;
    *out = (struct plan_have){.samples = latency.samples, .contexts = latency.contexts};
    if (known->ci > 0) {
        /* Rows measured before there were intervals are as good as their samples are many. */
        if (isfinite(latency.ci_ms)) out->precise = latency.ci_ms <= known->ci * latency_best_ms(&latency);
        if (isfinite(latency.ci_ms) && !out->precise) out->samples = 0;
    }
    known->relied_on = true;
    return LATHE_OK;
}

/* A plan and what it rests on. */
struct profile_draft {
    const struct space *space;
    struct plan plan;
    uint32_t version; /* of the table that it relies on; 0: none */
    int64_t version_created;
    json_t *sentinel;       /* of the table's version, if it has one: {"context","layers"}; owned */
    double ns_per_mac;      /* of the table's rows; 0: unknown */
    struct board_room room; /* that it is planned for; zeros: the device is no board, as far as is known */
};

static void draft_clear(struct profile_draft *draft)
{
    plan_clear(&draft->plan);
    json_decref(draft->sentinel);
    draft->sentinel = NULL;
}

struct speed {
    double ns, macs;
};

static bool add_speed(void *context, const char *row_text, const struct latency *latency)
{
    struct speed *speed = context;
    struct layer layer;
    int resolution;
    if (row_parse(row_text, &layer, &resolution, NULL)) return true;
    speed->ns += latency_best_ms(latency) * 1e6;
    speed->macs += (double)layer_macs(&layer);
    return true;
}

enum lathe_status profile_speed(struct kv_txn *txn, struct table_id table, uint32_t version, double *ns_per_mac,
                                struct lathe_error *err)
{
    struct speed speed = {0};
    enum lathe_status st = table_scan(txn, table, version, NULL, add_speed, &speed, err);
    if (!st && speed.macs > 0) *ns_per_mac = speed.ns / speed.macs;
    return st;
}

static size_t read_resolutions(const json_t *job, int *out)
{
    const json_t *list = json_object_get(job, "resolutions");
    size_t n = json_array_size(list);
    if (n > SPACE_MAX_VALUES) n = SPACE_MAX_VALUES;
    for (size_t i = 0; i < n; i++) out[i] = (int)json_integer_value(json_array_get(list, i));
    return n;
}

static enum lathe_status find_version(struct known_rows *known, uint32_t version, int64_t *created, json_t **sentinel,
                                      struct lathe_error *err)
{
    struct table_info info;
    enum lathe_status st = table_info(known->txn, known->table, version, &info, err);
    if (st == LATHE_NOT_FOUND) return LATHE_OK;
    if (st) return st;
    /* Rows that were measured in another way say nothing of what this way would give. */
    const char *method = json_string_value(json_object_get(info.fingerprint, "method"));
    if (strcmp(method ? method : "layers", known->mode) != 0) {
        table_info_clear(&info);
        return LATHE_OK;
    }
    known->version = info.version;
    *created = info.created_ms;
    *sentinel = json_incref(json_object_get(info.notes, "sentinel"));
    table_info_clear(&info);
    return LATHE_OK;
}

bool profile_room(struct kv_txn *txn, const json_t *job, struct board_room *out)
{
    int64_t refused = job_hidden(job, "refused_bytes");
    if (!room_look_up(txn, job_text(job, "device"), out)) return false;
    if (refused > 0 && out->arena_bytes >= (uint64_t)refused) out->arena_bytes = (uint64_t)refused - 1;
    return true;
}

bool profile_is_planned_for(const json_t *job, const struct board_room *room)
{
    return job_hidden(job, "planned_arena") == (int64_t)room->arena_bytes &&
           job_hidden(job, "planned_flash") == (int64_t)room->flash_bytes;
}

/* The table's own sentinel may be of a time when the board had more room: then there is none. */
static void drop_large_sentinel(struct profile_draft *draft)
{
    struct board_room needs;
    room_of_layers(json_object_get(draft->sentinel, "layers"), &needs);
    if (needs.arena_bytes <= draft->room.arena_bytes && needs.flash_bytes <= draft->room.flash_bytes) return;
    json_decref(draft->sentinel);
    draft->sentinel = NULL;
    draft->plan.has_sentinel = false;
}

static enum lathe_status draft_plan(struct jobs *jobs, struct kv_txn *txn, const json_t *job, uint32_t version,
                                    struct profile_draft *draft, struct lathe_error *err)
{
    struct known_rows known = {.txn = txn,
                               .table = job_table(job),
                               .ci = json_number_value(json_object_get(job, "ci")),
                               .mode = job_text(job, "mode")};
    int resolutions[SPACE_MAX_VALUES];
    int64_t created = 0;
    *draft = (struct profile_draft){.space = catalog_find(jobs->spaces, job_text(job, "space"))};
    if (!draft->space) return error_field(err, "space", "there is no space %s", job_text(job, "space"));
    enum lathe_status st = find_version(&known, version, &created, &draft->sentinel, err);
    if (!st && known.version) st = profile_speed(txn, known.table, known.version, &draft->ns_per_mac, err);
    if (st) return st;
    bool is_board = profile_room(txn, job, &draft->room);
    struct plan_request request = {
        .space = draft->space,
        .resolutions = resolutions,
        .resolution_count = read_resolutions(job, resolutions),
        .rounds = (int)job_int(job, "rounds"),
        .runs = (int)job_int(job, "runs"),
        .held_out = (int)job_int(job, "held_out"),
        .random = profile_is(job, "regression") ? REGRESSION_SUBNETS : 0,
        .only_held_out = json_is_true(json_object_get(job, "calibrate")),
        .seed = (uint64_t)job_int(job, "seed"),
        .room = is_board ? &draft->room : NULL,
        .have = look_up_row,
        .context = &known,
    };
    st = plan_make(&request, &draft->plan, err);
    if (!st && is_board && draft->sentinel) drop_large_sentinel(draft);
    if (!st && (known.relied_on || request.only_held_out)) {
        draft->version = known.version;
        draft->version_created = created;
    }
    return st;
}

json_t *plan_describe_subnet(const struct space *space, const struct subnet *s, const char *role)
{
    struct layer layers[SPACE_MAX_SLOTS];
    char text[LAYER_TEXT_BYTES];
    char context[20];
    json_t *texts = json_array();
    int n = space_lower(space, s, layers);
    for (int i = 0; i < n; i++) {
        layer_print(&layers[i], text);
        json_array_append_new(texts, json_string(text));
    }
    snprintf(context, sizeof context, "%016llx", (unsigned long long)space_subnet_id(space, s));
    return json_pack("{s:s,s:o,s:s}", "context", context, "layers", texts, "role", role);
}

int job_sentinel(const json_t *job)
{
    return (int)job_hidden(job, "sentinel") - 1;
}

void job_add_sentinel(json_t *job, json_t *networks, const json_t *sentinel)
{
    job_set_hidden(job, "sentinel", 0);
    if (!sentinel) return;
    json_t *network = json_copy((json_t *)sentinel);
    json_object_set_new(network, "role", json_string("sentinel"));
    json_array_append_new(networks, network);
    job_set_hidden(job, "sentinel", job_hidden(job, "first_network") + (int64_t)json_array_size(networks));
}

static enum lathe_status put_rows(struct kv_txn *txn, const char *job, const struct plan *plan, bool isolated,
                                  struct lathe_error *err)
{
    enum lathe_status st = LATHE_OK;
    for (size_t i = 0; !st && i < plan->row_count; i++) {
        char key[JOB_KEY_BYTES];
        unsigned char contexts = isolated ? 1 : (unsigned char)plan->rows[i].contexts;
        snprintf(key, sizeof key, "row/%s/%s", job, plan->rows[i].text);
        st = kv_put(txn, KV_KEY(key), &contexts, 1, err);
    }
    return st;
}

/* Parameters that a network brings and none before it had: layers that it shares with them at the same occurrence are
 * packed already. */
static double new_params_of(const json_t *layers, json_t *packed)
{
    double params = 0;
    size_t i;
    const json_t *text;
    json_array_foreach(layers, i, text)
    {
        char key[LAYER_TEXT_BYTES + 16];
        struct layer layer;
        int occurrence = 0;
        for (size_t k = 0; k < i; k++) occurrence += json_equal(json_array_get(layers, k), (json_t *)text);
        snprintf(key, sizeof key, "%d %s", occurrence, json_string_value(text));
        if (json_object_get(packed, key) || layer_parse(json_string_value(text), &layer, NULL)) continue;
        json_object_set_new(packed, key, json_true());
        params += (double)layer_params(&layer);
    }
    return params;
}

void plan_note_params(const json_t *visits, json_t *networks, double *total)
{
    json_t *packed = json_object();
    *total = 0;
    for (size_t i = 0; i < json_array_size(visits); i++) {
        json_t *network = json_array_get(networks, (size_t)json_integer_value(json_array_get(visits, i)));
        if (!network || json_object_get(network, "new_params")) continue;
        double params = new_params_of(json_object_get(network, "layers"), packed);
        json_object_set_new(network, "new_params", json_integer((json_int_t)params));
        *total += params;
    }
    json_decref(packed);
}

static void set_estimate(json_t *job, const struct profile_draft *draft, double params)
{
    const struct plan *plan = &draft->plan;
    double macs = 0;
    for (size_t i = 0; i < plan->network_count; i++) {
        struct subnet_cost cost;
        space_cost(draft->space, &plan->networks[i], DTYPE_F32, &cost);
        macs += (double)cost.macs * (double)plan->visit_count / (double)plan->network_count;
    }
    progress_estimate(job, macs, params, draft->ns_per_mac, draft->ns_per_mac > 0);
}

json_t *plan_describe_layer(const char *layer_text)
{
    return json_pack("{s:s,s:[s],s:s}", "context", "0", "layers", layer_text, "role", "cover");
}

/* Rows that no subnet that fits holds, after the subnets: as many rounds of them. */
static void list_alone(const struct plan *plan, int64_t rounds, json_t *networks, json_t *visits)
{
    size_t first = json_array_size(networks);
    for (size_t i = 0; i < plan->row_count; i++)
        if (plan->rows[i].alone) json_array_append_new(networks, plan_describe_layer(plan->rows[i].text));
    for (int64_t round = 0; round < rounds; round++)
        for (size_t i = first; i < json_array_size(networks); i++)
            json_array_append_new(visits, json_integer((json_int_t)i));
}

enum { LEFT_OUT_SHOWN = 20 };

/* @param job may have been refused a network that was thought to fit. */
static json_t *why_left_out(const json_t *job, const struct plan_left_out *row)
{
    uint64_t refused = (uint64_t)job_hidden(job, "refused_bytes");
    uint64_t needs = (uint64_t)job_hidden(job, "refused_needs");
    if (row->refusal) return json_string(row->refusal);
    if (refused && row->arena_bytes == refused && needs)
        return json_sprintf("does not fit: needs %llu bytes of SRAM, says the board", (unsigned long long)needs);
    if (refused && row->arena_bytes >= refused)
        return json_sprintf("does not fit: needs %llu bytes of SRAM, and the board has refused what needs %llu",
                            (unsigned long long)row->arena_bytes, (unsigned long long)refused);
    return json_sprintf("does not fit: needs %llu bytes of SRAM and %llu of flash",
                        (unsigned long long)row->arena_bytes, (unsigned long long)row->flash_bytes);
}

/* What a board has no room for: how many rows, and the first of them. */
static void tell_left_out(json_t *job, const struct plan *plan)
{
    json_t *list = json_array();
    for (size_t i = 0; i < plan->left_out_count && i < LEFT_OUT_SHOWN; i++)
        json_array_append_new(list, json_pack("{s:s,s:o}", "layer", plan->left_out[i].text, "why",
                                              why_left_out(job, &plan->left_out[i])));
    job_set_int(job, "rows_alone", (int64_t)plan->alone_count);
    job_set_int(job, "rows_left_out", (int64_t)plan->left_out_count);
    json_object_set_new(job, "left_out", list);
}

static void list_subnets(const struct profile_draft *draft, const char *role, json_t *networks, json_t *visits)
{
    const struct plan *plan = &draft->plan;
    for (size_t i = 0; i < plan->network_count; i++)
        json_array_append_new(
            networks, plan_describe_subnet(draft->space, &plan->networks[i], plan->held_out[i] ? "held_out" : role));
    for (size_t i = 0; i < plan->visit_count; i++) json_array_append_new(visits, json_integer(plan->visits[i]));
}

/* Each missing row as a network of its own, and the held-out subnets; rounds of all of them, in the order of the rows.
 */
static void list_isolated(const struct profile_draft *draft, const json_t *job, json_t *networks, json_t *visits)
{
    const struct plan *plan = &draft->plan;
    for (size_t i = 0; i < plan->row_count; i++)
        json_array_append_new(networks, plan_describe_layer(plan->rows[i].text));
    for (size_t i = 0; i < plan->network_count; i++)
        if (plan->held_out[i])
            json_array_append_new(networks, plan_describe_subnet(draft->space, &plan->networks[i], "held_out"));
    for (int64_t round = 0; round < job_int(job, "rounds"); round++)
        for (size_t i = 0; i < json_array_size(networks); i++)
            json_array_append_new(visits, json_integer((json_int_t)i));
}

/* How many visits the draft makes. */
static size_t visits_of(const struct profile_draft *draft, const json_t *job)
{
    return draft->plan.visit_count + draft->plan.alone_count * (size_t)job_int(job, "rounds");
}

static enum lathe_status put_draft(struct kv_txn *txn, json_t *job, const struct profile_draft *draft,
                                   struct lathe_error *err)
{
    const struct plan *plan = &draft->plan;
    json_t *networks = json_array();
    json_t *visits = json_array();
    double params = 0;
    if (profile_is(job, "isolated")) list_isolated(draft, job, networks, visits);
    else {
        list_subnets(draft, profile_is(job, "regression") ? "fit" : "cover", networks, visits);
        list_alone(plan, job_int(job, "rounds"), networks, visits);
    }
    plan_note_params(visits, networks, &params);
    enum lathe_status st = LATHE_OK;
    size_t network_count = json_array_size(networks);
    bool complete = profile_is(job, "isolated") || (network_count == plan->network_count + plan->alone_count &&
                                                    json_array_size(visits) == visits_of(draft, job));
    json_t *own =
        draft->sentinel || !plan->has_sentinel ? NULL : plan_describe_subnet(draft->space, &plan->sentinel, "sentinel");
    job_add_sentinel(job, networks, draft->sentinel ? draft->sentinel : own);
    json_decref(own);
    if (!complete) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st) st = plan_put(txn, job, networks, visits, err);
    if (!st) st = put_rows(txn, job_text(job, "id"), plan, profile_is(job, "isolated"), err);
    json_decref(networks);
    json_decref(visits);
    if (st) return st;
    set_estimate(job, draft, params);
    job_set_hidden(job, "params", (int64_t)params);
    job_set_hidden(job, "params_built", 0);
    job_set_hidden(job, "promise_ns", 0);
    job_set_int(job, "networks", (int64_t)network_count);
    job_set_int(job, "rows_total", (int64_t)plan->rows_total);
    job_set_int(job, "rows_done", (int64_t)(plan->rows_total - plan->row_count));
    tell_left_out(job, plan);
    job_set_hidden(job, "planned_arena", (int64_t)draft->room.arena_bytes);
    job_set_hidden(job, "planned_flash", (int64_t)draft->room.flash_bytes);
    job_set_hidden(job, "version", draft->version);
    job_set_hidden(job, "version_created", draft->version_created);
    return LATHE_OK;
}

enum lathe_status profile_plan(struct jobs *jobs, struct kv_txn *txn, json_t *job, uint32_t version,
                               struct lathe_error *err)
{
    struct profile_draft draft;
    enum lathe_status st = draft_plan(jobs, txn, job, version, &draft, err);
    if (!st) st = plan_delete(txn, job_text(job, "id"), false, err);
    if (!st) st = put_draft(txn, job, &draft, err);
    draft_clear(&draft);
    return st;
}

enum lathe_status profile_count_row(struct kv_txn *txn, json_t *job, const char *row, const struct latency *now,
                                    struct lathe_error *err)
{
    char key[JOB_KEY_BYTES];
    struct kv_slice value;
    double ci = json_number_value(json_object_get(job, "ci"));
    snprintf(key, sizeof key, "row/%s/%s", job_text(job, "id"), row);
    enum lathe_status st = kv_get(txn, KV_KEY(key), &value, err);
    if (st == LATHE_NOT_FOUND) return LATHE_OK;
    uint32_t wanted = st || value.size < 1 ? 0 : *(const unsigned char *)value.data;
    if (st || now->contexts < wanted) return st;
    if (ci > 0 && !(now->ci_ms <= ci * latency_best_ms(now))) return LATHE_OK;
    st = kv_delete(txn, KV_KEY(key), err);
    if (!st) job_set_int(job, "rows_done", job_int(job, "rows_done") + 1);
    return st;
}

static enum lathe_status check_request(const struct jobs *jobs, const struct profile_request *q,
                                       struct lathe_error *err)
{
    if (!text_is_name(q->device)) return error_field(err, "device", "device is not a name");
    enum lathe_status st = config_read(q->config, NULL, err);
    if (st) return st;
    if (!catalog_find(jobs->spaces, q->space)) return error_field(err, "space", "there is no space %s", q->space);
    if (q->rounds < 0 || q->rounds > PLAN_MAX_ROUNDS)
        return error_field(err, "rounds", "rounds must be 1 to %d", PLAN_MAX_ROUNDS);
    if (q->runs < 0 || q->runs > PLAN_MAX_RUNS) return error_field(err, "runs", "runs must be 1 to %d", PLAN_MAX_RUNS);
    if (q->warmup < 0 || q->warmup > WARMUP_MAX)
        return error_field(err, "warmup", "warmup must be 1 to %d", WARMUP_MAX);
    if (!(q->ci < 1)) return error_field(err, "ci", "ci must be a share of a row below 1: 0.02 is 2%%; 0 for none");
    if (!(q->budget_s >= 0 && q->budget_s <= budget_max_s))
        return error_field(err, "budget_s", "budget_s must be 0 to %.0f seconds; 0 for none", budget_max_s);
    if (q->held_out > PLAN_MAX_HELD_OUT)
        return error_field(err, "held_out", "held_out must be 0 to %d", PLAN_MAX_HELD_OUT);
    if (q->calibrate && q->held_out == 0)
        return error_field(err, "held_out", "a calibration measures held-out subnets: ask for at least one");
    if (q->seed > INT64_MAX) return error_field(err, "seed", "seed must be below 2^63");
    return LATHE_OK;
}

/* Ascending and without repeats; those that the space does not have are found by the planner. */
static json_t *list_resolutions(const struct space *space, const struct profile_request *q)
{
    const struct space_dim *dim = space_dim(space, space_resolution_dim(space));
    json_t *list = json_array();
    for (int i = 0; i < dim->count; i++) {
        bool wanted = !q->resolutions;
        for (size_t k = 0; !wanted && k < q->resolution_count; k++) wanted = q->resolutions[k] == dim->values[i];
        if (wanted) json_array_append_new(list, json_integer(dim->values[i]));
    }
    return list;
}

static enum lathe_status check_resolutions(const struct space *space, const struct profile_request *q,
                                           struct lathe_error *err)
{
    const struct space_dim *dim = space_dim(space, space_resolution_dim(space));
    if (q->resolutions && !q->resolution_count) return error_field(err, "resolutions", "name at least one resolution");
    for (size_t k = 0; q->resolutions && k < q->resolution_count; k++) {
        int i = 0;
        while (i < dim->count && dim->values[i] != q->resolutions[k]) i++;
        if (i == dim->count)
            return error_field(err, "resolutions", "space %s has no resolution %d", q->space, q->resolutions[k]);
    }
    return LATHE_OK;
}

json_t *profile_new(const struct jobs *jobs, const struct profile_request *q)
{
    static const char *const unknown[] = {"device_s",   "elapsed_s", "eta_s", "progress",
                                          "stopped_by", "rows_wide", "trust"};
    json_t *job = job_new("profile", q->device, q->config);
    json_object_set_new(job, "space", json_string(q->space));
    json_object_set_new(job, "resolutions", list_resolutions(catalog_find(jobs->spaces, q->space), q));
    job_set_int(job, "rounds", q->rounds ? q->rounds : ROUNDS_DEFAULT);
    const char *mode = q->mode ? q->mode : "layers";
    bool isolated = strcmp(mode, "isolated") == 0;
    double ci = strcmp(mode, "layers") != 0 ? 0 : q->ci >= 0 ? q->ci : q->rounds ? 0 : ci_default;
    json_object_set_new(job, "mode", json_string(mode));
    json_object_set_new(job, "ci", json_real(ci));
    json_object_set_new(job, "budget_s", json_real(q->budget_s));
    json_object_set_new(job, "calibrate", json_boolean(q->calibrate));
    job_set_int(job, "held_out", q->held_out >= 0 ? q->held_out : HELD_OUT_DEFAULT);
    job_set_int(job, "redone", 0);
    job_set_int(job, "throttled", 0);
    tally_show(job);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) json_object_set_new(job, unknown[i], json_null());
    job_set_int(job, "runs", q->runs ? q->runs : isolated ? ISOLATED_RUNS : RUNS_DEFAULT);
    job_set_int(job, "warmup", q->warmup ? q->warmup : WARMUP_DEFAULT);
    if (!q->warmup) job_set_hidden(job, "warm_ms", WARM_MS);
    job_set_int(job, "seed", (int64_t)q->seed);
    return job;
}

struct creation {
    const json_t *blank; /* the document before it has a plan */
    const struct profile_draft *draft;
    json_t *job; /* the outcome */
};

static enum lathe_status store_profile(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct creation *c = context;
    json_t *device = NULL;
    json_decref(c->job);
    c->job = json_deep_copy(c->blank);
    if (!c->job) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = device_load_for_networks(txn, job_text(c->job, "device"), &device, err);
    json_decref(device);
    if (!st) st = put_draft(txn, c->job, c->draft, err);
    if (st) return st;
    if (!visits_of(c->draft, c->job)) return job_end(txn, c->job, "done", NULL, err);
    st = job_save(txn, c->job, err);
    return st ? st : job_enqueue(txn, c->job, err);
}

/* Planning takes a tenth of a second for a big space, so it is done on a snapshot before the write. What another
 * profile adds to the table in between is measured twice, and no harm is done. */
static enum lathe_status draft_on_snapshot(struct jobs *jobs, const json_t *job, struct profile_draft *draft,
                                           struct lathe_error *err)
{
    struct kv_txn *txn;
    json_t *device = NULL;
    enum lathe_status st = kv_read_begin(jobs->kv, &txn, err);
    if (st) return st;
    st = device_load_for_networks(txn, job_text(job, "device"), &device, err);
    if (!st) st = draft_plan(jobs, txn, job, 0, draft, err);
    kv_read_end(txn);
    json_decref(device);
    return st;
}

enum lathe_status jobs_create_profile(struct jobs *jobs, const struct profile_request *request, json_t **job,
                                      struct lathe_error *err)
{
    struct profile_draft draft = {0};
    struct creation c = {.draft = &draft};
    json_t *blank = NULL;
    enum lathe_status st = check_request(jobs, request, err);
    if (!st) st = check_resolutions(catalog_find(jobs->spaces, request->space), request, err);
    if (st) return st;
    blank = profile_new(jobs, request);
    if (!blank) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    c.blank = blank;
    st = draft_on_snapshot(jobs, blank, &draft, err);
    if (!st) st = kv_write(jobs->kv, store_profile, &c, err);
    if (st) goto out;
    *job = job_public(c.job);
    if (visits_of(&draft, blank)) jobs_notify_work(jobs);
out:
    draft_clear(&draft);
    json_decref(blank);
    json_decref(c.job);
    return st;
}
