/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The subnet for a target. */
#include <string.h>

#include "server/routes/question.h"
#include "server/search/search.h"

enum { BODY_BYTES = 64 * 1024 };
static const double LIMIT_MOST = 1e9;

struct ask {
    struct question question;
    struct search_request search;
    const char *algorithm;
    int resolutions[SPACE_MAX_VALUES];
    size_t resolution_count;
};

/* ---- reading the request ---- */

static void read_limits(struct json_fields *f, struct limits *limits)
{
    const json_t *object = NULL;
    struct json_fields g;
    limits_none(limits);
    json_get_object(f, "constraints", JSON_REQUIRED, &object);
    if (f->status) return;
    json_fields_begin(&g, object, f->err);
    for (int c = 0; c < COSTS; c++) {
        double limit = limits_get(limits, (enum cost)c);
        json_get_number(&g, cost_name((enum cost)c), JSON_OPTIONAL, 0, LIMIT_MOST, &limit);
        limits_set(limits, (enum cost)c, limit);
    }
    bool limited = false;
    for (int c = 0; c < COSTS; c++) limited = limited || limits_get(limits, (enum cost)c) <= LIMIT_MOST;
    f->status = json_fields_end(&g);
    if (!f->status && !limited)
        f->status = error_field(f->err, "", "give at least one limit, for example {\"latency_ms\": 25}");
    if (f->status) error_in_field(f->err, "constraints");
}

static void read_evolution(struct json_fields *f, struct evolution_options *out)
{
    const json_t *object = NULL;
    struct json_fields g;
    json_get_object(f, "evolution", JSON_OPTIONAL, &object);
    if (f->status || !object) return;
    int64_t population = out->population;
    int64_t generations = out->generations;
    json_fields_begin(&g, object, f->err);
    json_get_int(&g, "population", JSON_OPTIONAL, 4, 10000, &population);
    json_get_int(&g, "generations", JSON_OPTIONAL, 1, 100000, &generations);
    json_get_number(&g, "parent_ratio", JSON_OPTIONAL, 0, 1, &out->parent_ratio);
    json_get_number(&g, "mutation_probability", JSON_OPTIONAL, 0, 1, &out->mutation_probability);
    json_get_number(&g, "mutation_ratio", JSON_OPTIONAL, 0, 1, &out->mutation_ratio);
    out->population = (int)population;
    out->generations = (int)generations;
    f->status = json_fields_end(&g);
    if (f->status) error_in_field(f->err, "evolution");
}

static enum lathe_status read_ask(struct app *app, const json_t *body, struct ask *a, struct lathe_error *err)
{
    struct json_fields f;
    int64_t seed = 0;
    bool verify = false;
    a->algorithm = "auto";
    search_defaults(&a->search);
    json_fields_begin(&f, body, err);
    question_read(&a->question, app, &f);
    read_limits(&f, &a->search.limits);
    json_get_string(&f, "algorithm", JSON_OPTIONAL, &a->algorithm);
    json_get_int(&f, "seed", JSON_OPTIONAL, 0, INT64_MAX, &seed);
    json_get_ints(&f, "resolutions", JSON_OPTIONAL, 1, 65535, a->resolutions, SPACE_MAX_VALUES, &a->resolution_count);
    json_get_bool(&f, "verify", JSON_OPTIONAL, &verify);
    read_evolution(&f, &a->search.evolution);
    a->search.seed = (uint64_t)seed;
    if (!f.status && !a->resolution_count && json_is_array(json_object_get(body, "resolutions")))
        f.status = error_field(err, "resolutions", "resolutions must hold at least one, or be left out");
    if (!f.status && verify) {
        error_field(err, "verify", "a search can't measure its answer: have it measured with POST /v1/measurements");
        if (err) err->status = LATHE_UNSUPPORTED;
        f.status = LATHE_UNSUPPORTED;
    }
    if (!f.status && !search_find(a->algorithm))
        f.status = error_field(err, "algorithm", "algorithm must be one of: %s", search_names());
    return json_fields_end(&f);
}

/* ---- the answer ---- */

static json_t *layers_json(const struct problem *problem, const struct subnet *s)
{
    const struct space *space = problem_space(problem);
    json_t *layers = json_array();
    for (int slot = 0; slot < space_slot_count(space); slot++) {
        struct layer layer;
        char text[LAYER_TEXT_BYTES];
        if (!space_slot_layer(space, s, slot, &layer)) continue;
        layer_print(&layer, text);
        json_array_append_new(layers, json_pack("{s:s, s:s, s:f}", "slot", space_slot(space, slot)->label, "layer",
                                                text, "latency_ms", problem_slot_latency_ms(problem, s, slot)));
    }
    return layers;
}

static json_t *provenance_json(const struct question *q)
{
    return json_pack("{s:o, s:I, s:O, s:s, s:s}", "table", json_sprintf("%s/%s", q->device, q->config), "table_version",
                     (json_int_t)q->table.version, "fingerprint", q->table.fingerprint, "predictor", q->predictor->id,
                     "space", space_id(q->space));
}

static json_t *answer_json(const struct ask *a, const struct search_result *r)
{
    const struct question *q = &a->question;
    double margin_ms = question_latency_margin_ms(q, &r->subnet);
    json_t *answer = json_pack("{s:o, s:f, s:f, s:[f,f]}", "subnet", subnet_to_json(q->space, &r->subnet), "top1",
                               r->top1, "latency_ms", r->latency_ms, "latency_ms_range", r->latency_ms - margin_ms,
                               r->latency_ms + margin_ms);
    for (int c = COST_MACS; c < COSTS; c++)
        json_object_set_new(answer, cost_name((enum cost)c),
                            json_real(problem_cost(q->problem, (enum cost)c, &r->subnet)));
    json_object_set_new(answer, "layers", layers_json(q->problem, &r->subnet));
    json_object_set_new(answer, "search",
                        json_pack("{s:s, s:I, s:f, s:I}", "algorithm", r->algorithm, "evaluations",
                                  (json_int_t)r->evaluations, "elapsed_ms", r->elapsed_ms, "seed",
                                  (json_int_t)a->search.seed));
    json_object_set_new(answer, "provenance", provenance_json(q));
    return answer;
}

/* What can't be met is answered with the least that can, of each limit. */
static void reply_infeasible(struct http_request *request, const struct ask *a, const struct lathe_error *err)
{
    struct lathe_error in = *err;
    json_t *least = json_object();
    for (int c = 0; c < COSTS; c++)
        if (limits_get(&a->search.limits, (enum cost)c) <= LIMIT_MOST)
            json_object_set_new(least, cost_name((enum cost)c),
                                json_real(problem_least(a->question.problem, (enum cost)c, NULL)));
    if (in.field[0]) error_in_field(&in, "constraints");
    http_reply_error(request, &in, json_pack("{s:o}", "least", least));
}

static bool abandoned(void *request)
{
    return http_abandoned(request);
}

static enum http_outcome find_subnet(struct http_request *request)
{
    struct lathe_error err = {0};
    struct ask a = {0};
    struct search_result result;
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    enum lathe_status st = read_ask(http_app(request), body, &a, &err);
    if (st) {
        question_clear(&a.question);
        return fail(request, &err);
    }
    st = question_ask(&a.question, a.resolution_count ? a.resolutions : NULL, a.resolution_count, &err);
    if (st) {
        question_fail(&a.question, request, &err);
    } else {
        a.search.cancelled = abandoned;
        a.search.cancelled_context = request;
        st = search_run(a.algorithm, a.question.problem, &a.search, &result, &err);
        if (!st) http_reply_json(request, 200, answer_json(&a, &result));
        else if (st == LATHE_INFEASIBLE) reply_infeasible(request, &a, &err);
        else fail(request, &err);
    }
    question_clear(&a.question);
    return HTTP_DONE;
}

const struct http_route subnet_routes[] = {
    {"POST", "/v1/subnets", ROLES_PEOPLE, POOL_SEARCH, BODY_BYTES, find_subnet},
    {0},
};
