/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Pareto fronts. */
#include <math.h>
#include <string.h>

#include "server/routes/explain.h"
#include "server/search/front.h"
#include "server/search/nsga2.h"

enum { BODY_BYTES = 64 * 1024, POINTS = 50 };

struct front_ask {
    struct ask ask;
    unsigned objectives; /* as nsga2.h has them */
    json_t *names;       /* of the objectives, in the order asked for; owned */
    bool pair;           /* top-1 and one cost */
    enum cost cost;      /* the first one */
    int points;
    struct nsga2_options nsga2;
};

/* ["top1","latency"], or any others of them, one at least a cost. */
static void read_objectives(struct json_fields *f, struct front_ask *a)
{
    const json_t *list = NULL;
    a->objectives = NSGA2_TOP1 | nsga2_cost(COST_LATENCY);
    a->cost = COST_LATENCY;
    json_get_array(f, "objectives", JSON_OPTIONAL, 2, COST_OTHER_LATENCY + 1, &list);
    a->names = list && !f->status ? json_deep_copy(list) : json_pack("[s,s]", "top1", "latency");
    a->pair = true;
    if (f->status || !list) return;
    a->objectives = 0;
    a->cost = COSTS;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        enum cost cost = COSTS;
        if (!name || !objective_find(name, &cost) || a->objectives & nsga2_cost(cost)) {
            f->status =
                error_field(f->err, "objectives", "objectives must be different ones of: %s", objective_names());
            return;
        }
        a->objectives |= nsga2_cost(cost);
        if (cost < a->cost) a->cost = cost;
    }
    a->pair = json_array_size(list) == 2 && a->objectives & NSGA2_TOP1;
    if (a->cost == COSTS) f->status = error_field(f->err, "objectives", "one of the objectives must be a cost");
}

static void read_nsga2(struct json_fields *f, struct nsga2_options *out)
{
    const json_t *object = NULL;
    struct json_fields g;
    nsga2_defaults(out);
    json_get_object(f, "nsga2", JSON_OPTIONAL, &object);
    if (f->status || !object) return;
    int64_t population = out->population;
    int64_t generations = out->generations;
    json_fields_begin(&g, object, f->err);
    json_get_int(&g, "population", JSON_OPTIONAL, 4, 2000, &population);
    json_get_int(&g, "generations", JSON_OPTIONAL, 1, 100000, &generations);
    json_get_number(&g, "mutation_probability", JSON_OPTIONAL, 0, 1, &out->mutation_probability);
    json_get_number(&g, "crossover_probability", JSON_OPTIONAL, 0, 1, &out->crossover_probability);
    json_get_bool(&g, "seeded", JSON_OPTIONAL, &out->seeded);
    out->population = (int)population;
    out->generations = (int)generations;
    f->status = json_fields_end(&g);
    if (f->status) error_in_field(f->err, "nsga2");
}

/* "sweep" is for accuracy against one cost; "auto" is that where it can be. */
static enum lathe_status check_algorithm(const struct front_ask *a, struct lathe_error *err)
{
    const char *name = a->ask.algorithm;
    if (strcmp(name, "auto") != 0 && strcmp(name, "sweep") != 0 && strcmp(name, "nsga2") != 0)
        return error_field(err, "algorithm", "algorithm of a front must be auto, sweep or nsga2");
    if (strcmp(name, "sweep") == 0 && !a->pair)
        return error_field(err, "algorithm", "sweep is for top1 and one cost: for other objectives use nsga2");
    return LATHE_OK;
}

static enum lathe_status read_request(struct app *app, const json_t *body, struct front_ask *a, struct lathe_error *err)
{
    struct json_fields f;
    int64_t points = POINTS;
    json_fields_begin(&f, body, err);
    ask_read(&a->ask, app, body, FRONT_BUDGET_MS, &f);
    json_get_int(&f, "points", JSON_OPTIONAL, 2, FRONT_POINTS_MOST, &points);
    read_objectives(&f, a);
    read_nsga2(&f, &a->nsga2);
    if (!f.status) f.status = check_algorithm(a, err);
    if (!f.status) f.status = question_needs_predictor(&a->ask.question, err);
    a->points = (int)points;
    if (!f.status && a->ask.search.min_top1 > 0)
        f.status = error_field(err, "constraints.min_top1",
                               "a front has no min_top1: it goes from the cheapest subnet "
                               "to the most accurate one");
    return json_fields_end(&f);
}

static json_t *point_json(const struct question *q, const struct front_point *p)
{
    json_t *point = json_pack("{s:f, s:o}", "top1", p->top1, "subnet", subnet_to_json(q->space, &p->subnet));
    question_put_costs(q, &p->subnet, point);
    return point;
}

static json_t *answer_json(const struct front_ask *a, const struct front *front)
{
    const struct question *q = &a->ask.question;
    json_t *points = json_array();
    for (size_t i = 0; i < front->count; i++) json_array_append_new(points, point_json(q, &front->points[i]));
    json_t *search =
        json_pack("{s:s, s:I, s:f, s:f, s:I, s:o}", "algorithm", front->algorithm, "evaluations",
                  (json_int_t)front->evaluations, "elapsed_ms", front->elapsed_ms, "budget_ms", a->ask.search.budget_ms,
                  "seed", (json_int_t)a->ask.search.seed, "effort", explain_effort(front->evaluations, front->cpu_ms));
    return json_pack("{s:O, s:o, s:o, s:o}", "objectives", a->names, "points", points, "search", search, "provenance",
                     question_provenance(q));
}

static enum lathe_status run(const struct front_ask *a, struct front *out, struct lathe_error *err)
{
    const struct problem *p = a->ask.question.problem;
    if (a->pair && strcmp(a->ask.algorithm, "nsga2") != 0)
        return front_run(p, &a->ask.search, a->cost, a->points, out, err);
    return nsga2_run(p, &a->ask.search, &a->nsga2, a->objectives, a->points, out, err);
}

static void clear(struct front_ask *a)
{
    ask_clear(&a->ask);
    json_decref(a->names);
}

static enum http_outcome find_front(struct http_request *request)
{
    struct lathe_error err = {0};
    struct front_ask a = {0};
    struct front front;
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    enum lathe_status st = read_request(http_app(request), body, &a, &err);
    if (st) {
        clear(&a);
        return fail(request, &err);
    }
    st = ask_problem(&a.ask, request, &err);
    if (st) {
        question_fail(&a.ask.question, request, &err);
    } else if (run(&a, &front, &err)) {
        ask_fail(&a.ask, request, &err);
    } else {
        http_reply_json(request, 200, answer_json(&a, &front));
        front_clear(&front);
    }
    clear(&a);
    return HTTP_DONE;
}

const struct http_route front_routes[] = {
    {"POST", "/v1/fronts", ROLES_PEOPLE, POOL_SEARCH, BODY_BYTES, find_front},
    {0},
};
