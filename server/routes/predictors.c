/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdlib.h>
#include <string.h>

#include "lut/base/text.h"
#include "server/predictors/training.h"
#include "server/routes/app.h"
#include "server/routes/events.h"
#include "server/routes/predictor_cache.h"

enum { FILE_BYTES = 64 * 1024 * 1024 };

static enum http_outcome list_predictors(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    json_t *list;
    const char *cursor;
    size_t limit;
    char next[65];
    if (!page_params(request, &limit, &cursor)) return HTTP_DONE;
    if (predictor_list(app->predictors, cursor, limit, &list, next, &err)) return fail(request, &err);
    http_reply_json(request, 200, page_json(list, next));
    return HTTP_DONE;
}

enum lathe_status predictor_read(struct predictor_cache *predictors, const char *id, json_t **out,
                                 struct lathe_error *err)
{
    struct held_predictor *held;
    enum lathe_status st = predictor_hold(predictors, id, NULL, &held, err);
    if (st) return st;
    *out = json_copy(held->document);
    predictor_release(predictors, held);
    return LATHE_OK;
}

/* Answer with a predictor's document. */
static enum http_outcome reply_predictor(struct http_request *request, int status)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    json_t *answer = NULL;
    if (predictor_read(app->predictors, http_param(request, "id"), &answer, &err)) return fail(request, &err);
    http_reply_json(request, status, answer);
    return HTTP_DONE;
}

static const char *const predictor_types[] = {"application/json", "application/octet-stream", NULL};

static enum http_outcome get_predictor(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    char *file;
    size_t size;
    if (!refuse_query(request)) return HTTP_DONE;
    if (strcmp(predictor_types[http_chosen(request)], "application/json") == 0) return reply_predictor(request, 200);
    if (predictor_file(app->predictors, http_param(request, "id"), &file, &size, &err)) return fail(request, &err);
    http_reply(request, 200, "application/octet-stream", file, size);
    return HTTP_DONE;
}

static bool space_known(struct http_request *request, const char *id)
{
    struct app *app = http_app(request);
    if (catalog_find(app->spaces, id)) return true;
    http_reply_problem(request, 400, "space", NULL, "there is no space %.64s: GET /v1/spaces lists them", id);
    return false;
}

static enum http_outcome put_predictor(struct http_request *request)
{
    static const char *const known[] = {"space", NULL};
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    const char *space = http_query(request, "space");
    bool replaced = false;
    size_t size;
    const void *file = http_body(request, &size);
    if (!http_query_known(request, known) || (space && !space_known(request, space))) return HTTP_DONE;
    if (!has_type(request, "application/octet-stream")) {
        http_reply_problem(request, 415, NULL, NULL,
                           "send a safetensors file with Content-Type: application/octet-stream");
        return HTTP_DONE;
    }
    if (predictor_store(app->predictors, http_param(request, "id"), space, file, size, "uploaded", NULL, &replaced,
                        &err))
        return fail(request, &err);
    return reply_predictor(request, replaced ? 200 : 201);
}

static json_t *figures_json(const struct training_figures *f, enum training_method method)
{
    json_t *figures = json_pack("{s:f, s:f, s:f, s:f}", "r2", f->r2, "mae", f->mae, "kendall_tau", f->kendall_tau,
                                "choosing_mae", f->choosing_mae);
    if (method == TRAIN_RIDGE) json_object_set_new(figures, "lambda", json_real(f->lambda));
    else json_object_set_new(figures, "epochs", json_integer(f->epochs));
    return figures;
}

static json_t *report_json(const struct training_report *r)
{
    const struct training_figures *kept = training_kept(r);
    json_t *candidates = json_object();
    if (r->ridge.fitted) json_object_set_new(candidates, "ridge", figures_json(&r->ridge, TRAIN_RIDGE));
    if (r->mlp.fitted) json_object_set_new(candidates, "mlp", figures_json(&r->mlp, TRAIN_MLP));
    return json_pack("{s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:o}", "method", training_method_name(r->kept), "rows",
                     (json_int_t)r->rows, "train_rows", (json_int_t)r->train_rows, "held_out_rows",
                     (json_int_t)r->held_out_rows, "r2", kept->r2, "mae", kept->mae, "kendall_tau", kept->kendall_tau,
                     "candidates", candidates);
}

/* "128,128" */
static bool read_hidden(struct http_request *request, struct mlp_options *o)
{
    const char *text = http_query(request, "hidden");
    if (!text) return true;
    o->hidden_count = 0;
    for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        uint64_t width = 0;
        if (o->hidden_count < MLP_HIDDEN_MOST && text_to_u64(at, strcspn(at, ","), &width) && width >= 1 &&
            width <= MLP_WIDTH_MOST) {
            o->hidden[o->hidden_count++] = (int)width;
            continue;
        }
        http_reply_problem(request, 400, "hidden", NULL,
                           "hidden must be the widths of 1 to %d layers, each 1 to %d, for example 128,128",
                           MLP_HIDDEN_MOST, MLP_WIDTH_MOST);
        return false;
    }
    return true;
}

static bool unwanted(void *request)
{
    return http_unwanted(request);
}

/* @return false when the 400 reply is set. */
static bool read_training(struct http_request *request, struct training_options *o)
{
    const char *method = http_query(request, "method");
    int64_t epochs = 0;
    int64_t seed = 0;
    training_defaults(o);
    if (method && !training_method_find(method, &o->method)) {
        http_reply_problem(request, 400, "method", NULL, "method must be auto, ridge or mlp");
        return false;
    }
    if (!http_query_int(request, "epochs", 1, MLP_EPOCHS_MOST, o->mlp.epochs, &epochs) ||
        !http_query_int(request, "seed", 0, INT64_MAX, 0, &seed) || !read_hidden(request, &o->mlp))
        return false;
    o->mlp.epochs = (int)epochs;
    o->mlp.seed = (uint64_t)seed;
    o->mlp.cancelled = unwanted;
    o->mlp.cancelled_context = request;
    return true;
}

static enum http_outcome train_predictor(struct http_request *request)
{
    static const char *const known[] = {"space", "method", "seed", "hidden", "epochs", NULL};
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct training_options options;
    struct training_report report;
    const char *space = http_query(request, "space");
    const char *id = http_param(request, "id");
    char *file;
    size_t file_size;
    size_t size;
    bool replaced;
    const char *csv = http_body(request, &size);
    if (!http_query_known(request, known)) return HTTP_DONE;
    if (!space) {
        http_reply_problem(request, 400, "space", NULL,
                           "space is missing: say of which space the subnets are, ?space=ID");
        return HTTP_DONE;
    }
    if (!space_known(request, space) || !read_training(request, &options)) return HTTP_DONE;
    if (!has_type(request, "text/csv")) {
        http_reply_problem(request, 415, NULL, NULL, "send subnets and accuracies with Content-Type: text/csv");
        return HTTP_DONE;
    }
    enum lathe_status st = predictor_train(catalog_find(app->spaces, space), csv, size, "uploaded CSV", &options, &file,
                                           &file_size, &report, &err);
    if (st) return fail(request, &err);
    json_t *training = report_json(&report);
    st = predictor_store(app->predictors, id, space, file, file_size, "trained", training, &replaced, &err);
    json_decref(training);
    free(file);
    return st ? fail(request, &err) : reply_predictor(request, 201);
}

static enum http_outcome remove_predictor(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    if (!refuse_query(request)) return HTTP_DONE;
    if (predictor_remove(app->predictors, http_param(request, "id"), &err)) return fail(request, &err);
    http_reply_empty(request, 204);
    return HTTP_DONE;
}

const struct http_produces predictor_produces = {get_predictor, predictor_types};

const struct http_route predictor_routes[] = {
    {"GET", "/v1/predictors", ROLES_ANY, POOL_QUICK, 0, list_predictors},
    {"GET", "/v1/predictors/{id}", ROLES_ANY, POOL_QUICK, 0, get_predictor},
    {"PUT", "/v1/predictors/{id}", ROLES_PEOPLE, POOL_QUICK, FILE_BYTES, put_predictor},
    {"DELETE", "/v1/predictors/{id}", ROLES_PEOPLE, POOL_QUICK, 0, remove_predictor},
    {"POST", "/v1/predictors/{id}/train", ROLES_PEOPLE, POOL_SEARCH, FILE_BYTES, train_predictor},
    {0},
};
