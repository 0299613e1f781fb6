/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/night_search.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/routes/question.h"
#include "server/search/front.h"

enum { FRONT_POINTS = 20 };
static const double front_budget_ms = 100;

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* A question about one table. @param q question_clear() it, also on failure. */
static enum lathe_status ask(struct app *app, struct table_id table, const struct space *space, const char *predictor,
                             struct question *q, struct lathe_error *err)
{
    struct question_part part = {0};
    q->app = app;
    q->space = space;
    q->table_count = 1;
    snprintf(q->tables[0].device, sizeof q->tables[0].device, "%s", table.device);
    snprintf(q->tables[0].config, sizeof q->tables[0].config, "%s", table.config);
    enum lathe_status st = predictor_hold(app->predictors, predictor, space, &q->predictor, err);
    return st ? st : question_ask(q, &part, err);
}

static void add_layers(const struct space *space, const struct subnet *s, json_t *set)
{
    struct layer layers[SPACE_MAX_SLOTS];
    char text[LAYER_TEXT_BYTES];
    int n = space_lower(space, s, layers);
    for (int i = 0; i < n; i++) {
        layer_print(&layers[i], text);
        json_object_set_new(set, text, json_true());
    }
}

static json_t *names_of(json_t *take_set)
{
    json_t *list = json_array();
    const char *name;
    json_t *unused;
    json_object_foreach(take_set, name, unused)
    {
        json_array_append_new(list, json_string(name));
    }
    json_decref(take_set);
    return list;
}

/* Where there is no predictor, or the table lacks rows, no row is on a front. */
static enum lathe_status front(void *context, struct table_id table, const struct space *space, json_t **layers,
                               struct lathe_error *err)
{
    struct question q = {0};
    struct search_request r;
    struct front found = {0};
    json_t *set = json_object();
    search_defaults(&r);
    r.budget_ms = front_budget_ms;
    (void)err;
    if (!ask(context, table, space, NULL, &q, NULL) && q.predictor &&
        !front_run(q.problem, &r, COST_LATENCY, FRONT_POINTS, &found, NULL)) {
        for (size_t i = 0; i < found.count; i++) add_layers(space, &found.points[i].subnet, set);
        front_clear(&found);
    }
    question_clear(&q);
    *layers = names_of(set);
    return LATHE_OK;
}

static enum lathe_status replacement(void *context, const json_t *shipped, const json_t *factors, double level,
                                     json_t **found, struct lathe_error *err)
{
    struct app *app = context;
    struct question q = {.factors = factors, .level = level};
    struct search_request r;
    struct search_result result;
    const char *id = text_of(json_object_get(shipped, "subnet"), "space");
    const struct space *space = id ? catalog_find(app->spaces, id) : NULL;
    if (!space) return error_set(err, LATHE_NOT_FOUND, "the subnet's space is gone");
    search_defaults(&r);
    r.limits.latency_ms = json_number_value(json_object_get(shipped, "latency_ms"));
    enum lathe_status st = ask(app, (struct table_id){text_of(shipped, "device"), text_of(shipped, "config")}, space,
                               text_of(shipped, "predictor"), &q, err);
    r.most_macs = !q.predictor;
    if (!st) st = search_run("auto", q.problem, &r, &result, err);
    if (!st)
        *found = json_pack("{s:o,s:f,s:o}", "subnet", subnet_to_json(space, &result.subnet), "latency_ms",
                           result.latency_ms, "top1", isnan(result.top1) ? json_null() : json_real(result.top1));
    question_clear(&q);
    return st;
}

struct nightly_search night_search(struct app *app)
{
    return (struct nightly_search){.front = front, .replacement = replacement, .context = app};
}
