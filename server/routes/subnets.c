/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The subnet for a target. */
#include <math.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "server/routes/explain.h"
#include "server/routes/networks.h"
#include "server/routes/shipped.h"
#include "server/routes/verify.h"

enum { BODY_BYTES = 64 * 1024 };
static const char most_macs[] = "most_macs";

/* ---- reading the request ---- */

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

static enum lathe_status check_objective(const struct ask *a, const char *objective, struct lathe_error *err)
{
    const struct search_request *r = &a->search;
    if (r->minimise != COSTS && !a->question.predictor) return question_needs_predictor(&a->question, err);
    if (r->minimise == COSTS && r->min_top1 > 0)
        return error_field(err, "min_top1", "min_top1 needs an objective to minimise: \"objective\":\"latency\"");
    if (r->minimise == COSTS && !a->limited)
        return error_field(err, "constraints", "give at least one limit, for example {\"latency_ms\": 25}");
    if (r->minimise != COSTS && !(r->min_top1 > 0))
        return error_field(err, "min_top1", "objective %s needs min_top1, the least top-1 as a fraction: 0.8",
                           objective);
    return LATHE_OK;
}

/* Where nobody knows how accurate a space's subnets are, the largest that fits is what is sought. */
static enum lathe_status read_objective(struct ask *a, const char *objective, struct lathe_error *err)
{
    a->search.most_macs = objective ? strcmp(objective, most_macs) == 0 : !a->question.predictor;
    a->search.minimise = COSTS;
    if (!objective || a->search.most_macs) return LATHE_OK;
    if (!objective_find(objective, &a->search.minimise))
        return error_field(err, "objective", "objective must be one of: %s, %s", objective_names(), most_macs);
    return a->search.minimise == COSTS ? question_needs_predictor(&a->question, err) : LATHE_OK;
}

/* Only what one table's limit was asked for can be watched by nights. */
static enum lathe_status check_ship(const struct ask *a, struct lathe_error *err)
{
    if (a->question.table_count != 1)
        return error_field(err, "ship", "a subnet is shipped for one table: POST /v1/shipped for each of several");
    if (!isfinite(limits_get(&a->search.limits, COST_LATENCY)))
        return error_field(err, "ship", "a subnet is shipped for a latency: give constraints.latency_ms");
    return LATHE_OK;
}

/* What a request wants beside the answer. */
struct wishes {
    bool verify;
    const char *ship; /* name to ship it by; NULL: it is not shipped */
};

static enum lathe_status read_request(struct app *app, const json_t *body, struct ask *a, struct wishes *wishes,
                                      struct lathe_error *err)
{
    struct json_fields f;
    const char *objective = NULL;
    json_fields_begin(&f, body, err);
    ask_read(a, app, body, SEARCH_BUDGET_MS, &f);
    read_evolution(&f, &a->search.evolution);
    json_get_string(&f, "objective", JSON_OPTIONAL, &objective);
    json_get_number(&f, "min_top1", JSON_OPTIONAL, 0, 1, &a->search.min_top1);
    json_get_bool(&f, "verify", JSON_OPTIONAL, &wishes->verify);
    json_get_name(&f, "ship", JSON_OPTIONAL, &wishes->ship);
    if (!f.status && !search_find(a->algorithm))
        f.status = error_field(err, "algorithm", "algorithm must be one of: %s", search_names());
    if (!f.status) f.status = read_objective(a, objective, err);
    if (!f.status) f.status = check_objective(a, objective, err);
    if (!f.status && wishes->ship) f.status = check_ship(a, err);
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

static json_t *answer_json(const struct ask *a, const struct search_result *r)
{
    const struct question *q = &a->question;
    double margin_ms = question_latency_margin_ms(q, &r->subnet);
    json_t *answer = json_pack("{s:o, s:o, s:[f,f]}", "subnet", subnet_to_json(q->space, &r->subnet), "top1",
                               isnan(r->top1) ? question_top1(q, &r->subnet) : json_real(r->top1), "latency_ms_range",
                               r->latency_ms - margin_ms, r->latency_ms + margin_ms);
    question_put_costs(q, &r->subnet, answer);
    json_object_set_new(answer, "layers", layers_json(q->problem, &r->subnet));
    json_object_set_new(answer, "search",
                        json_pack("{s:s, s:s, s:I, s:f, s:f, s:I, s:o}", "algorithm", r->algorithm, "objective",
                                  a->search.most_macs ? most_macs : objective_name(a->search.minimise), "evaluations",
                                  (json_int_t)r->evaluations, "elapsed_ms", r->elapsed_ms, "budget_ms",
                                  a->search.budget_ms, "seed", (json_int_t)a->search.seed, "effort",
                                  explain_effort(r->evaluations, r->cpu_ms)));
    json_object_set_new(answer, "explain", explain_answer(a, r));
    json_object_set_new(answer, "provenance", question_provenance(q));
    return answer;
}

/* @param[out] shipped its document, or NULL. */
static enum lathe_status ship_found(const struct ask *a, const struct search_result *r, const char *name,
                                    json_t **shipped, struct lathe_error *err)
{
    const struct question *q = &a->question;
    struct shipping_request s = {.name = name,
                                 .device = q->tables[0].device,
                                 .config = q->tables[0].config,
                                 .space = q->space,
                                 .subnet = &r->subnet,
                                 .latency_ms = limits_get(&a->search.limits, COST_LATENCY),
                                 .predictor = q->predictor ? q->predictor->id : NULL};
    *shipped = NULL;
    return name ? ship(q->app, &s, shipped, err) : LATHE_OK;
}

static void reply_found(const struct ask *a, struct http_request *request, const struct search_result *result,
                        const char *ship_name, json_t *take_verified)
{
    struct lathe_error err = {0};
    json_t *shipped = NULL;
    if (ship_found(a, result, ship_name, &shipped, &err)) {
        json_decref(take_verified);
        fail(request, &err);
        return;
    }
    if (http_chosen(request) == NETWORK_AS_NET_CONFIG) {
        struct layer layers[SPACE_MAX_SLOTS];
        int count = space_lower(a->question.space, &result->subnet, layers);
        json_decref(take_verified);
        json_decref(shipped);
        reply_net_config(request, layers, count, network_media[NETWORK_AS_NET_CONFIG]);
        return;
    }
    json_t *answer = answer_json(a, result);
    if (take_verified) json_object_set_new(answer, "verified", take_verified);
    if (shipped) json_object_set_new(answer, "shipped", shipped);
    http_reply_json(request, 200, answer);
}

/* Measuring takes seconds: each such request has a thread of its own, so that it holds none of the pool's. */
enum { VERIFYING_MOST = 16 };
static atomic_int verifying;

struct verification {
    struct http_request *request;
    struct ask ask;
    const char *ship; /* borrowed from the request's body */
};

static void *verify(void *context)
{
    struct verification *v = context;
    struct http_request *request = v->request;
    struct search_result result;
    struct lathe_error err = {0};
    json_t *verified = NULL;
    if (verify_run(&v->ask, request, &result, &verified, &err)) ask_fail(&v->ask, request, &err);
    else reply_found(&v->ask, request, &result, v->ship, verified);
    ask_clear(&v->ask);
    free(v);
    atomic_fetch_sub(&verifying, 1);
    http_finish(request);
    return NULL;
}

/* @param a taken on success. @return HTTP_LATER, or HTTP_DONE with a reply and `a` left as it is. */
static enum http_outcome verify_later(struct http_request *request, struct ask *a, const char *ship)
{
    struct verification *v = malloc(sizeof *v);
    pthread_attr_t attributes;
    pthread_t thread;
    bool started = false;
    bool free_place = atomic_fetch_add(&verifying, 1) < VERIFYING_MOST;
    if (v && free_place) {
        *v = (struct verification){request, *a, ship};
        v->ask.search.cancelled_context = request;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        started = pthread_create(&thread, &attributes, verify, v) == 0;
        pthread_attr_destroy(&attributes);
    }
    if (started) return HTTP_LATER;
    atomic_fetch_sub(&verifying, 1);
    free(v);
    http_reply_problem(request, 503, NULL, NULL, "too many subnets are being measured already: try again");
    return HTTP_DONE;
}

static enum http_outcome find_subnet(struct http_request *request)
{
    struct lathe_error err = {0};
    struct ask a;
    struct search_result result;
    struct wishes wishes = {0};
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    enum lathe_status st = read_request(http_app(request), body, &a, &wishes, &err);
    if (!st && wishes.verify) st = verify_check(&a, &err);
    if (st) {
        ask_clear(&a);
        return fail(request, &err);
    }
    st = ask_problem(&a, request, &err);
    if (st) {
        question_fail(&a.question, request, &err);
    } else if (wishes.verify) {
        if (verify_later(request, &a, wishes.ship) == HTTP_LATER) return HTTP_LATER;
    } else {
        st = search_run(a.algorithm, a.question.problem, &a.search, &result, &err);
        if (st) ask_fail(&a, request, &err);
        else reply_found(&a, request, &result, wishes.ship, NULL);
    }
    ask_clear(&a);
    return HTTP_DONE;
}

const struct http_produces subnet_produces = {find_subnet, network_media};

const struct http_route subnet_routes[] = {
    {"POST", "/v1/subnets", ROLES_PEOPLE | HTTP_CREATES, POOL_SEARCH, BODY_BYTES, find_subnet},
    {0},
};
