/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Pareto fronts. */
#include <math.h>
#include <string.h>

#include "server/routes/explain.h"
#include "server/search/front.h"

enum { BODY_BYTES = 64 * 1024, POINTS = 50 };

struct front_ask {
    struct ask ask;
    enum cost cost; /* that top-1 is set against */
    int points;
};

/* ["top1","latency"]: accuracy against one cost, in either order. */
static void read_objectives(struct json_fields *f, struct front_ask *a)
{
    const json_t *list = NULL;
    bool top1 = false;
    enum cost cost = COSTS;
    a->cost = COST_LATENCY;
    json_get_array(f, "objectives", JSON_OPTIONAL, 2, 2, &list);
    if (f->status || !list) return;
    for (size_t i = 0; i < 2; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        enum cost found = COSTS;
        if (!name || !objective_find(name, &found)) {
            f->status = error_field(f->err, "objectives", "objectives must be two of: %s", objective_names());
            return;
        }
        if (found == COSTS) top1 = true;
        else cost = found;
    }
    if (!top1 || cost == COSTS)
        f->status =
            error_field(f->err, "objectives", "objectives must be top1 and one of the costs: %s", objective_names());
    a->cost = cost;
}

static enum lathe_status read_request(struct app *app, const json_t *body, struct front_ask *a, struct lathe_error *err)
{
    struct json_fields f;
    int64_t points = POINTS;
    json_fields_begin(&f, body, err);
    ask_read(&a->ask, app, body, &f);
    a->ask.search.budget_ms = FRONT_BUDGET_MS;
    json_get_number(&f, "budget_ms", JSON_OPTIONAL, 1, SEARCH_BUDGET_MOST_MS, &a->ask.search.budget_ms);
    json_get_int(&f, "points", JSON_OPTIONAL, 2, FRONT_POINTS_MOST, &points);
    read_objectives(&f, a);
    if (!f.status && strcmp(a->ask.algorithm, "auto") != 0 && strcmp(a->ask.algorithm, "sweep") != 0)
        f.status = error_field(err, "algorithm", "algorithm of a front must be auto or sweep");
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
    return json_pack("{s:[s,s], s:o, s:o, s:o}", "objectives", "top1", objective_name(a->cost), "points", points,
                     "search", search, "provenance", question_provenance(q));
}

static enum http_outcome find_front(struct http_request *request)
{
    struct lathe_error err = {0};
    struct front_ask a;
    struct front front;
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    enum lathe_status st = read_request(http_app(request), body, &a, &err);
    if (st) {
        ask_clear(&a.ask);
        return fail(request, &err);
    }
    st = ask_problem(&a.ask, request, &err);
    if (st) {
        question_fail(&a.ask.question, request, &err);
    } else if (front_run(a.ask.question.problem, &a.ask.search, a.cost, a.points, &front, &err)) {
        ask_fail(&a.ask, request, &err);
    } else {
        http_reply_json(request, 200, answer_json(&a, &front));
        front_clear(&front);
    }
    ask_clear(&a.ask);
    return HTTP_DONE;
}

const struct http_route front_routes[] = {
    {"POST", "/v1/fronts", ROLES_PEOPLE, POOL_SEARCH, BODY_BYTES, find_front},
    {0},
};
