/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/job_routes.h"

#include <stdio.h>

enum http_outcome reply_job_list(struct http_request *request, const char *kind)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    static const char *const known[] = {"limit", "cursor", "device", "config", NULL};
    const struct job_filter filter = {http_query(request, "device"), http_query(request, "config")};
    json_t *list = NULL;
    char next[65] = "";
    size_t limit = 0;
    const char *cursor = NULL;
    if (!http_query_known(request, known) || !page_of(request, &limit, &cursor)) return HTTP_DONE;
    if (jobs_list(app->jobs, kind, &filter, cursor, limit, &list, next, &err)) return fail(request, &err);
    http_reply_json(request, 200, page_json(list, next));
    return HTTP_DONE;
}

enum http_outcome reply_job(struct http_request *request, const char *kind)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    json_t *job = NULL;
    if (!refuse_query(request)) return HTTP_DONE;
    if (jobs_get(app->jobs, kind, http_param(request, "id"), &job, &err)) return fail(request, &err);
    http_reply_json(request, 200, job);
    return HTTP_DONE;
}

enum http_outcome reply_job_cancelled(struct http_request *request, const char *kind)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    json_t *job = NULL;
    if (!refuse_query(request)) return HTTP_DONE;
    if (jobs_cancel(app->jobs, kind, http_param(request, "id"), &job, &err)) return fail(request, &err);
    http_reply_json(request, 200, job);
    return HTTP_DONE;
}

enum http_outcome reply_job_made(struct http_request *request, int http_status, enum lathe_status st, const char *kind,
                                 json_t *take_job, const struct lathe_error *err)
{
    char location[96];
    if (st) {
        json_decref(take_job);
        return fail(request, err);
    }
    snprintf(location, sizeof location, "/v1/%ss/%s", kind, json_string_value(json_object_get(take_job, "id")));
    http_reply_header(request, "Location", location);
    http_reply_json(request, http_status, take_job);
    return HTTP_DONE;
}
