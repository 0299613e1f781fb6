/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Nightly runs. */
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "lut/base/json.h"
#include "lut/base/text.h"
#include "server/nightly/nightly.h"
#include "server/routes/app.h"

enum { BODY_BYTES = 64 * 1024, NAMES_MOST = 200 };

static enum http_outcome list_runs(struct http_request *request)
{
    static const char *const known[] = {"limit", "cursor", "device", "config", NULL};
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    const struct run_filter filter = {http_query(request, "device"), http_query(request, "config")};
    json_t *list = NULL;
    char next[65] = "";
    size_t limit = 0;
    const char *cursor = NULL;
    if (!http_query_known(request, known) || !page_of(request, &limit, &cursor)) return HTTP_DONE;
    if (nightly_list(app->nightly, &filter, cursor, limit, &list, next, &err)) return fail(request, &err);
    http_reply_json(request, 200, page_json(list, next));
    return HTTP_DONE;
}

static enum http_outcome get_run(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    json_t *run = NULL;
    if (!refuse_query(request)) return HTTP_DONE;
    if (nightly_get(app->nightly, http_param(request, "id"), true, &run, &err)) return fail(request, &err);
    http_reply_json(request, 200, run);
    return HTTP_DONE;
}

static enum http_outcome cancel_run(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    json_t *run = NULL;
    if (!refuse_query(request)) return HTTP_DONE;
    if (nightly_cancel(app->nightly, http_param(request, "id"), &run, &err)) return fail(request, &err);
    http_reply_json(request, 200, run);
    return HTTP_DONE;
}

/* ---- a new run ---- */

/* Names, each in the form that `is_one` wants. @param word that stands for all in place of a list; NULL: none.
 * @param[out] out NULL: all. New reference. */
static enum lathe_status read_names(const json_t *body, const char *field, const char *word,
                                    bool (*is_one)(const char *), json_t **out, struct lathe_error *err)
{
    const json_t *value = json_object_get(body, field);
    const char *text = json_string_value(value);
    *out = NULL;
    if (text && word && strcmp(text, word) == 0) return LATHE_OK;
    json_t *list = text ? json_pack("[s]", text) : json_incref((json_t *)(uintptr_t)value);
    size_t i;
    const json_t *item;
    bool good = json_is_array(list) && json_array_size(list) >= 1 && json_array_size(list) <= NAMES_MOST;
    json_array_foreach(list, i, item)
    {
        good = good && json_is_string(item) && is_one(json_string_value(item));
    }
    if (!good) {
        json_decref(list);
        return error_field(err, field,
                           word ? "%s must be \"%s\" or a list of 1 to %d names"
                                : "%s must be%s a name or a list of 1 to %d names",
                           field, word ? word : "", NAMES_MOST);
    }
    *out = list;
    return LATHE_OK;
}

static enum lathe_status read_run(const json_t *body, int *resolutions, struct run_request *out,
                                  struct lathe_error *err)
{
    struct json_fields f;
    struct run_request q = {.min_effect = -1, .fdr = -1, .confirmations = -1};
    int64_t confirmations = -1;
    json_fields_begin(&f, body, err);
    json_allow(&f, "devices");
    json_allow(&f, "config");
    json_get_name(&f, "space", JSON_REQUIRED, &q.space);
    json_get_ints(&f, "resolutions", JSON_OPTIONAL, 1, 65535, resolutions, SPACE_MAX_VALUES, &q.resolution_count);
    json_get_number(&f, "budget_s", JSON_OPTIONAL, 0, DBL_MAX, &q.budget_s);
    json_get_string(&f, "baseline", JSON_OPTIONAL, &q.baseline);
    json_get_number(&f, "min_effect", JSON_OPTIONAL, 0, 1, &q.min_effect);
    json_get_number(&f, "fdr", JSON_OPTIONAL, 0, 1, &q.fdr);
    json_get_int(&f, "confirmations", JSON_OPTIONAL, 1, 9, &confirmations);
    json_get_number(&f, "patience_s", JSON_OPTIONAL, 1, DBL_MAX, &q.patience_s);
    json_get_string(&f, "label", JSON_OPTIONAL, &q.label);
    enum lathe_status st = json_fields_end(&f);
    if (st) return st;
    const json_t *named = json_object_get(body, "resolutions");
    if (named && !json_is_null(named)) q.resolutions = resolutions;
    if (q.baseline && strcmp(q.baseline, "last-accepted") == 0) q.baseline = NULL;
    q.confirmations = (int)confirmations;
    *out = q;
    return LATHE_OK;
}

static void reply_made(struct http_request *request, json_t *take_run)
{
    char location[96];
    snprintf(location, sizeof location, "/v1/runs/%s", json_string_value(json_object_get(take_run, "id")));
    http_reply_header(request, "Location", location);
    http_reply_json(request, 201, take_run);
}

static enum http_outcome create_run(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct run_request q;
    int resolutions[SPACE_MAX_VALUES];
    json_t *devices = NULL;
    json_t *configs = NULL;
    json_t *run = NULL;
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    enum lathe_status st = read_run(body, resolutions, &q, &err);
    if (!st) st = read_names(body, "devices", "all", text_is_name, &devices, &err);
    if (!st) st = read_names(body, "config", NULL, text_is_config, &configs, &err);
    q.devices = devices;
    q.configs = configs;
    if (!st) st = nightly_create(app->nightly, &q, &run, &err);
    json_decref(devices);
    json_decref(configs);
    if (st) return fail(request, &err);
    reply_made(request, run);
    return HTTP_DONE;
}

/* ---- accepting ---- */

static enum lathe_status check_targets(const json_t *targets, struct lathe_error *err)
{
    size_t i;
    const json_t *target;
    json_array_foreach(targets, i, target)
    {
        struct json_fields f;
        char field[32];
        const char *device = NULL;
        const char *config = NULL;
        snprintf(field, sizeof field, "targets[%zu]", i);
        json_fields_begin(&f, target, err);
        json_get_name(&f, "device", JSON_REQUIRED, &device);
        json_get_string(&f, "config", JSON_REQUIRED, &config);
        enum lathe_status st = json_fields_end(&f);
        if (!st) continue;
        error_in_field(err, field);
        return st;
    }
    return LATHE_OK;
}

static enum http_outcome accept_run(struct http_request *request)
{
    enum { NOTE_MOST = 1000 };
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct json_fields f;
    struct acceptance a = {.run = http_param(request, "id"), .by = http_principal(request)->name};
    json_t *run = NULL;
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    json_fields_begin(&f, body, &err);
    json_get_array(&f, "targets", JSON_OPTIONAL, 1, NAMES_MOST, &a.targets);
    json_get_string(&f, "note", JSON_OPTIONAL, &a.note);
    enum lathe_status st = json_fields_end(&f);
    if (!st && a.note && strlen(a.note) > NOTE_MOST)
        st = error_field(&err, "note", "note must be at most %d bytes long", NOTE_MOST);
    if (!st) st = check_targets(a.targets, &err);
    if (!st) st = nightly_accept(app->nightly, &a, &run, &err);
    if (st) return fail(request, &err);
    http_reply_json(request, 200, run);
    return HTTP_DONE;
}

/* ---- history ---- */

static enum http_outcome get_nights(struct http_request *request)
{
    static const char *const known[] = {"layer", NULL};
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    json_t *history = NULL;
    const struct table_id id = {http_param(request, "device"), http_param(request, "config")};
    const char *layer = http_query(request, "layer");
    if (!http_query_known(request, known)) return HTTP_DONE;
    if (nightly_history(app->nightly, id, layer && layer[0] ? layer : NULL, &history, &err)) return fail(request, &err);
    http_reply_json(request, 200, history);
    return HTTP_DONE;
}

const struct http_route run_routes[] = {
    {"GET", "/v1/runs", ROLES_ANY, POOL_SEARCH, 0, list_runs},
    {"POST", "/v1/runs", ROLES_PEOPLE | HTTP_CREATES, POOL_QUICK, BODY_BYTES, create_run},
    {"GET", "/v1/runs/{id}", ROLES_ANY, POOL_QUICK, 0, get_run},
    {"DELETE", "/v1/runs/{id}", ROLES_PEOPLE, POOL_QUICK, 0, cancel_run},
    {"POST", "/v1/runs/{id}/accept", ROLES_PEOPLE, POOL_SEARCH, BODY_BYTES, accept_run},
    {"GET", "/v1/tables/{device}/{config}/nights", ROLES_ANY, POOL_SEARCH, 0, get_nights},
    {0},
};
