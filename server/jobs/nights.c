/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Profiles of mode "night": networks and the order of their visits are given, results go into a night's version of the
 * table. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/json.h"
#include "lut/base/text.h"
#include "lut/table/nights.h"
#include "server/jobs/internal.h"
#include "server/jobs/night_plan.h"
#include "server/jobs/night_time.h"

/* NIGHT_BLOCK: visits to a shipped subnet in a row, as a measurement visits its network. Its blocks lie apart, since
 * what a device is like for a second says little of a night. */
enum { ROUNDS_A_SITTING = 2, NIGHT_BLOCK = 4, NETWORK_LAYERS_MAX = 1024, NETWORKS_MAX = 4000 };
static const double budget_max_s = 7 * 86400;

/* A network as its visits are ordered. */
struct item {
    uint32_t number; /* index among the request's */
    int wave;
    int resolution; /* 0: a layer by itself */
    int visits;
};

struct items {
    struct item *cover, *shipped;
    size_t cover_count, shipped_count;
};

static void items_clear(struct items *items)
{
    free(items->cover);
    free(items->shipped);
}

static bool role_is(const json_t *network, const char *role)
{
    return strcmp(job_text(network, "role"), role) == 0;
}

static enum lathe_status check_layers(const json_t *layers, const char *field, struct lathe_error *err)
{
    size_t i;
    const json_t *text;
    json_array_foreach(layers, i, text)
    {
        struct layer layer;
        if (!json_is_string(text) || layer_parse(json_string_value(text), &layer, err))
            return error_field(err, field, "%s.layers[%zu] is no layer", field, i);
    }
    return LATHE_OK;
}

static enum lathe_status check_network(const json_t *network, size_t i, struct lathe_error *err)
{
    char field[32];
    struct json_fields f;
    const char *context = "";
    const char *shipped = NULL;
    const json_t *layers = NULL;
    int role = 0;
    int64_t visits = 0;
    int64_t wave = 0;
    static const char *const roles[] = {"cover", "shipped", "sentinel", NULL};
    snprintf(field, sizeof field, "networks[%zu]", i);
    json_fields_begin(&f, network, err);
    json_get_string(&f, "context", JSON_REQUIRED, &context);
    json_get_array(&f, "layers", JSON_REQUIRED, 1, NETWORK_LAYERS_MAX, &layers);
    json_get_word(&f, "role", JSON_REQUIRED, roles, &role);
    json_get_string(&f, "shipped", JSON_OPTIONAL, &shipped);
    json_get_int(&f, "visits", JSON_OPTIONAL, 0, PLAN_MAX_ROUNDS, &visits);
    json_get_int(&f, "wave", JSON_OPTIONAL, 0, NETWORKS_MAX, &wave);
    enum lathe_status st = json_fields_end(&f);
    if (st) {
        error_in_field(err, field);
        return st;
    }
    size_t digits = strspn(context, "0123456789abcdef");
    if (digits < 1 || digits > 16 || context[digits])
        return error_field(err, field, "%s.context must be 1 to 16 hexadecimal digits", field);
    if (strcmp(roles[role], "shipped") == 0 && !shipped)
        return error_field(err, field, "%s is shipped, but says not as what", field);
    return check_layers(layers, field, err);
}

static enum lathe_status check_networks(const json_t *networks, struct lathe_error *err)
{
    size_t i;
    const json_t *network;
    size_t sentinels = 0;
    enum lathe_status st = LATHE_OK;
    json_array_foreach(networks, i, network)
    {
        if (!st) st = check_network(network, i, err);
        sentinels += role_is(network, "sentinel");
    }
    if (st) return st;
    if (sentinels > 1) return error_field(err, "networks", "a night has one sentinel");
    if (i - sentinels < 1 || i > NETWORKS_MAX)
        return error_field(err, "networks", "a night must have from 1 to %d networks", NETWORKS_MAX);
    return LATHE_OK;
}

static enum lathe_status check_night(const struct jobs *jobs, const struct night_request *q, struct lathe_error *err)
{
    if (!text_is_name(q->device)) return error_field(err, "device", "device is not a name");
    if (!text_is_config(q->config)) return error_field(err, "config", "config is no config name");
    if (!catalog_find(jobs->spaces, q->space)) return error_field(err, "space", "there is no space %s", q->space);
    if (!text_is_name(q->run)) return error_field(err, "run", "run is not a name");
    if (!version_is_night(q->version)) return error_field(err, "version", "version %u is no night's", q->version);
    if (q->rounds < 0 || q->rounds > PLAN_MAX_ROUNDS)
        return error_field(err, "rounds", "rounds must be 1 to %d", PLAN_MAX_ROUNDS);
    if (q->runs < 0 || q->runs > PLAN_MAX_RUNS) return error_field(err, "runs", "runs must be 1 to %d", PLAN_MAX_RUNS);
    if (!(q->budget_s >= 0 && q->budget_s <= budget_max_s))
        return error_field(err, "budget_s", "budget_s must be 0 to %.0f seconds; 0 for none", budget_max_s);
    if (q->seed > INT64_MAX) return error_field(err, "seed", "seed must be below 2^63");
    return check_networks(q->networks, err);
}

/* ---- the order of visits ---- */

static int resolution_of(const json_t *network)
{
    struct layer first;
    const json_t *layers = json_object_get(network, "layers");
    if (json_array_size(layers) < 2 || layer_parse(json_string_value(json_array_get(layers, 0)), &first, NULL))
        return 0;
    return first.in.h;
}

static int by_wave(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;
    if (x->wave != y->wave) return x->wave < y->wave ? -1 : 1;
    if (x->resolution != y->resolution) return x->resolution < y->resolution ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* @param networks without a sentinel. @param[out] out items_clear() it, on failure too. */
static enum lathe_status list_items(const json_t *networks, int rounds, struct items *out, struct lathe_error *err)
{
    size_t i;
    const json_t *network;
    size_t most = json_array_size(networks) + 1;
    *out = (struct items){.cover = calloc(most, sizeof *out->cover), .shipped = calloc(most, sizeof *out->shipped)};
    if (!out->cover || !out->shipped) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    json_array_foreach(networks, i, network)
    {
        int64_t visits = job_int(network, "visits");
        struct item item = {.number = (uint32_t)i, .resolution = resolution_of(network)};
        item.wave = (int)job_int(network, "wave");
        item.visits = visits ? (int)visits : rounds;
        if (role_is(network, "shipped")) out->shipped[out->shipped_count++] = item;
        else out->cover[out->cover_count++] = item;
    }
    qsort(out->cover, out->cover_count, sizeof *out->cover, by_wave);
    return LATHE_OK;
}

/* How many of n events, spread evenly over all rounds, come in one of them. */
static int share_of_round(int n, int rounds, int round)
{
    return n * (round + 1) / rounds - n * round / rounds;
}

/* A round of some networks of one resolution. @param room for their numbers. */
static void put_round(const struct item *items, size_t n, int rounds, int round, struct rng *rng, uint32_t *room,
                      json_t *visits)
{
    size_t due = 0;
    for (size_t i = 0; i < n; i++)
        if (share_of_round(items[i].visits, rounds, round)) room[due++] = items[i].number;
    rng_shuffle(rng, room, due);
    for (size_t i = 0; i < due; i++) json_array_append_new(visits, json_integer(room[i]));
}

static size_t same_resolution(const struct item *items, size_t n)
{
    size_t same = 1;
    while (same < n && items[same].resolution == items[0].resolution) same++;
    return same;
}

/* Rounds in sittings, resolution by resolution, for the reason that the planner has. */
static void put_wave(const struct item *items, size_t n, struct rng *rng, uint32_t *room, json_t *visits)
{
    int rounds = 1;
    for (size_t i = 0; i < n; i++)
        if (items[i].visits > rounds) rounds = items[i].visits;
    for (int sitting = 0; sitting < rounds; sitting += ROUNDS_A_SITTING)
        for (size_t at = 0, same; at < n; at += same) {
            same = same_resolution(items + at, n - at);
            for (int r = sitting; r < sitting + ROUNDS_A_SITTING && r < rounds; r++)
                put_round(items + at, same, rounds, r, rng, room, visits);
        }
}

static enum lathe_status order_cover(const struct items *all, uint64_t seed, json_t *visits, struct lathe_error *err)
{
    struct rng rng;
    uint32_t *room = malloc((all->cover_count + 1) * sizeof *room);
    if (!room) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    rng_seed(&rng, seed);
    for (size_t at = 0, n; at < all->cover_count; at += n) {
        n = 1;
        while (at + n < all->cover_count && all->cover[at + n].wave == all->cover[at].wave) n++;
        put_wave(all->cover + at, n, &rng, room, visits);
    }
    free(room);
    return LATHE_OK;
}

static int blocks_of(const struct item *item)
{
    return (item->visits + NIGHT_BLOCK - 1) / NIGHT_BLOCK;
}

/* Behind so many of the others' visits a block comes: blocks lie evenly over all of them. */
static size_t place_of_block(const struct item *item, int block, size_t others)
{
    return others * (2 * (size_t)block + 1) / (2 * (size_t)blocks_of(item));
}

/* Blocks of shipped subnets that come behind `done` of `others` visits; the last of a subnet is as long as what is
 * left.
 */
static void put_blocks(const struct items *all, size_t done, size_t others, json_t *visits)
{
    for (size_t i = 0; i < all->shipped_count; i++) {
        const struct item *item = &all->shipped[i];
        for (int block = 0; block < blocks_of(item); block++) {
            if (place_of_block(item, block, others) != done) continue;
            for (int k = block * NIGHT_BLOCK; k < (block + 1) * NIGHT_BLOCK && k < item->visits; k++)
                json_array_append_new(visits, json_integer(item->number));
        }
    }
}

static enum lathe_status order_visits(const struct items *all, uint64_t seed, json_t *visits, struct lathe_error *err)
{
    json_t *cover = json_array();
    enum lathe_status st = order_cover(all, seed, cover, err);
    size_t others = json_array_size(cover);
    for (size_t done = 0; !st && done <= others; done++) {
        put_blocks(all, done, others, visits);
        if (done < others) json_array_append(visits, json_array_get(cover, done));
    }
    json_decref(cover);
    return st;
}

/* ---- creation ---- */

struct night_draft {
    const struct night_request *request;
    json_t *blank;    /* the document before it has a plan; owned, as the next three */
    json_t *networks; /* without a sentinel */
    json_t *visits;
    json_t *rows; /* object, row -> how many networks have it */
    double params;
    json_t *job; /* the outcome */
};

static void draft_clear(struct night_draft *d)
{
    json_decref(d->blank);
    json_decref(d->networks);
    json_decref(d->visits);
    json_decref(d->rows);
    json_decref(d->job);
}

static void count_rows(const json_t *network, json_t *rows)
{
    size_t i;
    const json_t *text;
    json_t *own = json_object();
    const char *row;
    json_t *unused;
    json_array_foreach(json_object_get(network, "layers"), i, text)
    {
        json_object_set_new(own, json_string_value(text), json_true());
    }
    json_object_foreach(own, row, unused)
    {
        json_object_set_new(rows, row, json_integer(json_integer_value(json_object_get(rows, row)) + 1));
    }
    json_decref(own);
}

static void take_networks(struct night_draft *d)
{
    size_t i;
    json_t *network;
    json_array_foreach(d->request->networks, i, network)
    {
        if (role_is(network, "sentinel")) continue;
        json_array_append_new(d->networks, json_copy(network));
        if (role_is(network, "cover")) count_rows(network, d->rows);
    }
}

/* Those of the space that the networks have. */
static size_t list_resolutions(const struct jobs *jobs, const struct night_request *q, int *out)
{
    const struct space *space = catalog_find(jobs->spaces, q->space);
    const struct space_dim *dim = space_dim(space, space_resolution_dim(space));
    size_t n = 0;
    for (int v = 0; v < dim->count; v++) {
        size_t i;
        const json_t *network;
        bool has = false;
        json_array_foreach(q->networks, i, network)
        {
            has = has || (!role_is(network, "sentinel") && resolution_of(network) == dim->values[v]);
        }
        if (has) out[n++] = dim->values[v];
    }
    return n;
}

static enum lathe_status make_draft(const struct jobs *jobs, const struct night_request *q, struct night_draft *d,
                                    struct lathe_error *err)
{
    struct items items = {0};
    int resolutions[SPACE_MAX_VALUES];
    size_t resolution_count = list_resolutions(jobs, q, resolutions);
    const struct profile_request profile = {.device = q->device,
                                            .config = q->config,
                                            .space = q->space,
                                            .resolutions = resolution_count ? resolutions : NULL,
                                            .resolution_count = resolution_count,
                                            .rounds = q->rounds ? q->rounds : NIGHT_ROUNDS,
                                            .runs = q->runs ? q->runs : NIGHT_RUNS,
                                            .budget_s = q->budget_s,
                                            .mode = "night",
                                            .seed = q->seed};
    d->blank = profile_new(jobs, &profile);
    d->networks = json_array();
    d->visits = json_array();
    d->rows = json_object();
    if (!d->blank || !d->networks || !d->visits || !d->rows) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    json_object_set_new(d->blank, "run", json_string(q->run));
    job_set_int(d->blank, "version", q->version);
    job_set_int(d->blank, "rows_alone", 0);
    job_set_int(d->blank, "rows_left_out", 0);
    json_object_set_new(d->blank, "left_out", json_array());
    take_networks(d);
    enum lathe_status st = list_items(d->networks, profile.rounds, &items, err);
    if (!st) st = order_visits(&items, q->seed, d->visits, err);
    items_clear(&items);
    if (st) return st;
    plan_note_params(d->visits, d->networks, &d->params);
    return LATHE_OK;
}

/* A night's sentinel is the one that it has, else that of its table, else that of the request. New reference or NULL.
 */
static enum lathe_status find_sentinel(struct kv_txn *txn, const struct night_draft *d, json_t **out,
                                       struct lathe_error *err)
{
    const uint32_t versions[] = {d->request->version, 0};
    struct table_id id = {d->request->device, d->request->config};
    size_t i;
    json_t *network;
    *out = NULL;
    for (i = 0; i < 2 && !*out; i++) {
        struct table_info info;
        enum lathe_status st = table_info(txn, id, versions[i], &info, err);
        if (st) return st;
        *out = json_incref(json_object_get(info.notes, "sentinel"));
        table_info_clear(&info);
    }
    json_array_foreach(d->request->networks, i, network)
    {
        if (!*out && role_is(network, "sentinel")) *out = json_incref(network);
    }
    return LATHE_OK;
}

static enum lathe_status put_row_keys(struct kv_txn *txn, const struct night_draft *d, struct lathe_error *err)
{
    const char *row;
    json_t *count;
    enum lathe_status st = LATHE_OK;
    json_object_foreach(d->rows, row, count)
    {
        char key[JOB_KEY_BYTES];
        json_int_t n = json_integer_value(count);
        unsigned char contexts = n < UINT8_MAX ? (unsigned char)n : UINT8_MAX;
        snprintf(key, sizeof key, "row/%s/%s", job_text(d->job, "id"), row);
        if (!st) st = kv_put(txn, KV_KEY(key), &contexts, 1, err);
    }
    return st;
}

/* What the job is likely to take. */
static enum lathe_status foresee(struct kv_txn *txn, const struct night_draft *d, struct lathe_error *err)
{
    struct night_time time;
    struct table_id id = {d->request->device, d->request->config};
    size_t i;
    const json_t *network;
    double nominal_s = 0;
    enum lathe_status st = night_time_init(&time, txn, id, err);
    json_array_foreach(d->networks, i, network)
    {
        double visit_s = 0;
        double build_s = 0;
        int64_t visits = job_int(network, "visits");
        if (!st) st = night_time_of(txn, &time, json_object_get(network, "layers"), &visit_s, &build_s, err);
        nominal_s += visit_s * (double)(visits ? visits : job_int(d->job, "rounds")) + build_s;
    }
    job_set_hidden(d->job, "nominal_ms", (int64_t)(nominal_s * 1000) + 1);
    json_object_set_new(d->job, "estimate_s", json_real(ceil(nominal_s * time.slowness * 10) / 10));
    json_object_set_new(d->job, "estimate_from", json_string("table"));
    return st;
}

static enum lathe_status put_plan(struct kv_txn *txn, struct night_draft *d, struct lathe_error *err)
{
    json_t *sentinel = NULL;
    json_t *networks = json_copy(d->networks);
    enum lathe_status st = find_sentinel(txn, d, &sentinel, err);
    if (!st) {
        job_add_sentinel(d->job, networks, sentinel);
        st = plan_put(txn, d->job, networks, d->visits, err);
    }
    if (!st) st = put_row_keys(txn, d, err);
    if (!st) st = foresee(txn, d, err);
    json_decref(networks);
    json_decref(sentinel);
    if (st) return st;
    job_set_hidden(d->job, "params", (int64_t)d->params);
    job_set_hidden(d->job, "version", d->request->version);
    job_set_int(d->job, "networks", (int64_t)json_array_size(d->networks));
    job_set_int(d->job, "rows_total", (int64_t)json_object_size(d->rows));
    job_set_int(d->job, "rows_done", 0);
    return LATHE_OK;
}

static enum lathe_status store_night(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct night_draft *d = context;
    json_t *device = NULL;
    json_decref(d->job);
    d->job = json_deep_copy(d->blank);
    if (!d->job) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = device_load_for_networks(txn, d->request->device, &device, err);
    json_decref(device);
    if (!st) st = put_plan(txn, d, err);
    if (!st) st = job_save(txn, d->job, err);
    return st ? st : job_enqueue(txn, d->job, err);
}

enum lathe_status jobs_create_night(struct jobs *jobs, const struct night_request *request, json_t **job,
                                    struct lathe_error *err)
{
    struct night_draft d = {.request = request};
    enum lathe_status st = check_night(jobs, request, err);
    if (!st) st = make_draft(jobs, request, &d, err);
    if (!st) st = kv_write(jobs->kv, store_night, &d, err);
    if (!st) {
        *job = job_public(d.job);
        jobs_notify_work(jobs);
    }
    draft_clear(&d);
    return st;
}
