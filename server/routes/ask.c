/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/ask.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/jobs/room.h"
#include "server/store/store.h"

static const double LIMIT_MOST = 1e9;

/* ---- constraints ---- */

/* One number for every table, or a list of one a table. */
static void read_latency(struct ask *a, const json_t *value, struct json_fields *f)
{
    struct limits *limits = &a->search.limits;
    size_t tables = (size_t)a->question.table_count;
    if (json_is_array(value) && json_array_size(value) != tables) {
        f->status =
            error_field(f->err, "latency_ms", "latency_ms must be a number, or a list of %zu, one a table", tables);
        return;
    }
    for (size_t i = 0; i < tables; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        double limit = json_number_value(item);
        if (!json_is_number(item) || !(limit >= 0 && limit <= LIMIT_MOST)) {
            f->status = error_field(f->err, "latency_ms", "latency_ms must be a number from 0 to %g", LIMIT_MOST);
            return;
        }
        limits_set(limits, cost_of_table((int)i), limit);
    }
}

static void read_limits(struct ask *a, struct json_fields *f)
{
    const json_t *object = NULL;
    struct json_fields g;
    struct limits *limits = &a->search.limits;
    json_get_object(f, "constraints", JSON_OPTIONAL, &object);
    if (f->status || !object) return;
    json_fields_begin(&g, object, f->err);
    const json_t *latency = json_object_get(object, "latency_ms");
    json_allow(&g, "latency_ms");
    if (latency && !json_is_null(latency)) read_latency(a, latency, &g);
    for (int c = COST_MACS; c < COST_OTHER_LATENCY; c++) {
        double limit = limits_get(limits, (enum cost)c);
        json_get_number(&g, cost_name((enum cost)c), JSON_OPTIONAL, 0, LIMIT_MOST, &limit);
        limits_set(limits, (enum cost)c, limit);
    }
    json_get_number(&g, "min_top1", JSON_OPTIONAL, 0, 1, &a->search.min_top1);
    for (int c = 0; c < COSTS; c++) a->limited = a->limited || limits_get(limits, (enum cost)c) < INFINITY;
    f->status = json_fields_end(&g);
    if (f->status) error_in_field(f->err, "constraints");
}

/* What a table's device has, where it is a board. The least of several boards counts. */
static void limit_to_board(struct ask *a, const struct board_room *room)
{
    const struct {
        enum cost cost;
        double bytes;
    } has[] = {{COST_SRAM, (double)room->arena_bytes}, {COST_FLASH, (double)room->flash_bytes}};
    for (size_t i = 0; i < sizeof has / sizeof has[0]; i++) {
        double limit = limits_get(&a->search.limits, has[i].cost);
        double kb = has[i].bytes / 1024;
        if (!(kb > 0) || (limit < INFINITY && !a->from_board[has[i].cost]) || kb >= limit) continue;
        limits_set(&a->search.limits, has[i].cost, kb);
        a->from_board[has[i].cost] = a->limited = true;
    }
}

static void limit_to_boards(struct ask *a, struct json_fields *f)
{
    for (int i = 0; i < a->question.table_count && !f->status; i++) {
        struct board_room room;
        json_t *device = NULL;
        if (store_read(a->question.app->kv, "device", a->question.tables[i].device, &device, NULL)) continue;
        if (room_of_device(device, &room)) limit_to_board(a, &room);
        json_decref(device);
    }
}

/* ---- fixed choices ---- */

static const struct {
    const char *name;
    enum dim_kind kind;
} fixable[] = {{"resolution", DIM_RESOLUTION},
               {"depth", DIM_DEPTH},
               {"kernel", DIM_KERNEL},
               {"expand", DIM_EXPAND},
               {"width", DIM_WIDTH}};

static void fix_dim(struct ask *a, int dim, const json_t *value, const char *field, struct json_fields *f)
{
    int index = json_is_number(value) ? space_find_value(a->question.space, dim, json_number_value(value)) : -1;
    if (index < 0) {
        f->status = error_field(f->err, field, "%s of %s can't be fixed to that: GET /v1/spaces/%s tells the values",
                                field, space_id(a->question.space), space_id(a->question.space));
        return;
    }
    a->fixes = true;
    a->fixed[dim] = (int8_t)index;
}

/* A number is for all dimensions of the kind that have a choice; a list has one for each, null where it is free. */
static void fix_kind(struct ask *a, int kind, const json_t *value, struct json_fields *f)
{
    const struct space *space = a->question.space;
    const char *name = fixable[kind].name;
    size_t dims = 0;
    for (int d = 0; d < space_dim_count(space) && !f->status; d++) {
        char field[32];
        if (space_dim(space, d)->kind != fixable[kind].kind) continue;
        size_t at = dims++;
        snprintf(field, sizeof field, json_is_array(value) ? "%s[%zu]" : "%s", name, at);
        const json_t *item = json_is_array(value) ? json_array_get(value, at) : value;
        if (!item || json_is_null(item) || (!json_is_array(value) && space_dim(space, d)->count == 1)) continue;
        fix_dim(a, d, item, field, f);
    }
    if (f->status) return;
    if (!dims) f->status = error_field(f->err, name, "space %s has no %s to fix", space_id(space), name);
    else if (json_is_array(value) && json_array_size(value) != dims)
        f->status =
            error_field(f->err, name, "%s must be a number or a list of %zu, null where it is free", name, dims);
}

static void read_fix(struct ask *a, struct json_fields *f)
{
    const json_t *object = NULL;
    struct json_fields g;
    memset(a->fixed, -1, sizeof a->fixed);
    json_get_object(f, "fix", JSON_OPTIONAL, &object);
    if (f->status || !object) return;
    json_fields_begin(&g, object, f->err);
    for (int k = 0; k < (int)(sizeof fixable / sizeof fixable[0]); k++) {
        const json_t *value = json_object_get(object, fixable[k].name);
        json_allow(&g, fixable[k].name);
        if (value && !json_is_null(value) && !g.status) fix_kind(a, k, value, &g);
    }
    f->status = json_fields_end(&g);
    if (f->status) error_in_field(f->err, "fix");
}

/* ---- all of it ---- */

void ask_read(struct ask *a, struct app *app, const json_t *body, double budget_ms, struct json_fields *f)
{
    int64_t seed = 0;
    *a = (struct ask){.algorithm = "auto"};
    search_defaults(&a->search);
    a->search.budget_ms = budget_ms;
    question_read(&a->question, app, f);
    read_limits(a, f);
    limit_to_boards(a, f);
    read_fix(a, f);
    json_get_string(f, "algorithm", JSON_OPTIONAL, &a->algorithm);
    json_get_int(f, "seed", JSON_OPTIONAL, 0, INT64_MAX, &seed);
    json_get_number(f, "budget_ms", JSON_OPTIONAL, 1, SEARCH_BUDGET_MOST_MS, &a->search.budget_ms);
    json_get_ints(f, "resolutions", JSON_OPTIONAL, 1, 65535, a->resolutions, SPACE_MAX_VALUES, &a->resolution_count);
    a->search.seed = (uint64_t)seed;
    if (!f->status && !a->resolution_count && json_is_array(json_object_get(body, "resolutions")))
        f->status = error_field(f->err, "resolutions", "resolutions must hold at least one, or be left out");
}

static bool unwanted(void *request)
{
    return http_unwanted(request);
}

enum lathe_status ask_problem(struct ask *a, struct http_request *request, struct lathe_error *err)
{
    const struct question_part part = {.resolutions = a->resolution_count ? a->resolutions : NULL,
                                       .resolution_count = a->resolution_count,
                                       .fixed = a->fixes ? a->fixed : NULL,
                                       .limits = &a->search.limits};
    a->search.cancelled = unwanted;
    a->search.cancelled_context = request;
    return question_ask(&a->question, &part, err);
}

/* The least of every limit; of latencies by several tables in the tables' order. */
static json_t *least_json(const struct ask *a)
{
    const struct problem *p = a->question.problem;
    json_t *least = json_object();
    for (int c = 0; c < COST_OTHER_LATENCY; c++)
        if (limits_get(&a->search.limits, (enum cost)c) < INFINITY)
            json_object_set_new(least, cost_name((enum cost)c), json_real(problem_least(p, (enum cost)c, NULL)));
    if (a->question.several && limits_get(&a->search.limits, COST_LATENCY) < INFINITY) {
        json_t *all = json_array();
        for (int i = 0; i < a->question.table_count; i++)
            json_array_append_new(all, json_real(problem_least(p, cost_of_table(i), NULL)));
        json_object_set_new(least, "latency_ms", all);
    }
    return least;
}

void ask_fail(const struct ask *a, struct http_request *request, const struct lathe_error *err)
{
    struct lathe_error in = *err;
    bool of_limit = cost_find(in.field) != COSTS || strncmp(in.field, "latency_ms[", 11) == 0;
    if (of_limit) error_in_field(&in, "constraints");
    http_reply_error(request, &in, err->status == LATHE_INFEASIBLE ? json_pack("{s:o}", "least", least_json(a)) : NULL);
}

void ask_clear(struct ask *a)
{
    question_clear(&a->question);
}
