/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Predictions for given subnets. */
#include <stdio.h>
#include <stdlib.h>

#include "server/routes/question.h"

enum { BODY_BYTES = 4 * 1024 * 1024, SUBNETS_MOST = 1000 };

struct batch {
    struct question question;
    struct subnet *subnets;
    size_t count;
    int resolutions[SPACE_MAX_VALUES]; /* that occur */
    size_t resolution_count;
};

static void note_resolution(struct batch *b, const struct subnet *s)
{
    int dim = space_resolution_dim(b->question.space);
    int resolution = space_dim(b->question.space, dim)->values[s->at[dim]];
    for (size_t i = 0; i < b->resolution_count; i++)
        if (b->resolutions[i] == resolution) return;
    b->resolutions[b->resolution_count++] = resolution;
}

static enum lathe_status read_subnets(struct batch *b, const json_t *array, struct lathe_error *err)
{
    b->count = json_array_size(array);
    b->subnets = calloc(b->count, sizeof *b->subnets);
    if (!b->subnets) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < b->count; i++) {
        char field[32];
        snprintf(field, sizeof field, "subnets[%zu]", i);
        enum lathe_status st = subnet_from_json(b->question.space, json_array_get(array, i), &b->subnets[i], err);
        if (st) {
            error_in_field(err, field);
            return st;
        }
        note_resolution(b, &b->subnets[i]);
    }
    return LATHE_OK;
}

static enum lathe_status read_batch(struct app *app, const json_t *body, struct batch *b, struct lathe_error *err)
{
    struct json_fields f;
    const json_t *array = NULL;
    json_fields_begin(&f, body, err);
    question_read(&b->question, app, &f);
    json_get_array(&f, "subnets", JSON_REQUIRED, 1, SUBNETS_MOST, &array);
    enum lathe_status st = json_fields_end(&f);
    return st ? st : read_subnets(b, array, err);
}

static enum lathe_status evaluate(const struct batch *b, json_t **answer, struct lathe_error *err)
{
    const struct predictor *predictor = b->question.predictor ? b->question.predictor->predictor : NULL;
    struct predictor_work *work = predictor ? predictor_work_new(predictor) : NULL;
    float *top1 = calloc(b->count, sizeof *top1);
    json_t *list = json_array();
    if ((predictor && !work) || !top1 || !list) {
        predictor_work_free(work);
        free(top1);
        json_decref(list);
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    if (predictor) predictor_evaluate(predictor, work, b->subnets, b->count, top1);
    for (size_t i = 0; i < b->count; i++) {
        json_t *item = json_pack("{s:o}", "top1", predictor ? json_real((double)top1[i]) : json_null());
        question_put_costs(&b->question, &b->subnets[i], item);
        json_array_append_new(list, item);
    }
    predictor_work_free(work);
    free(top1);
    *answer = json_pack("{s:o}", "evaluations", list);
    return LATHE_OK;
}

static enum http_outcome evaluate_subnets(struct http_request *request)
{
    struct lathe_error err = {0};
    struct batch b = {0};
    json_t *answer = NULL;
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    enum lathe_status st = read_batch(http_app(request), body, &b, &err);
    bool read = !st;
    const struct question_part part = {.resolutions = b.resolutions, .resolution_count = b.resolution_count};
    if (!st) st = question_ask(&b.question, &part, &err);
    bool asked = !st;
    if (!st) st = evaluate(&b, &answer, &err);
    if (!st) http_reply_json(request, 200, answer);
    else if (read && !asked) question_fail(&b.question, request, &err);
    else fail(request, &err);
    question_clear(&b.question);
    free(b.subnets);
    return HTTP_DONE;
}

const struct http_route evaluation_routes[] = {
    {"POST", "/v1/evaluations", ROLES_PEOPLE, POOL_SEARCH, BODY_BYTES, evaluate_subnets},
    {0},
};
