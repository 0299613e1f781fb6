/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/job_routes.h"

#include <stdio.h>
#include <string.h>

#include "server/routes/job_waiters.h"

enum http_outcome reply_job_list(struct http_request *request, const char *kind)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    static const char *const known[] = {"limit", "cursor", "device", "config", NULL};
    const struct job_filter filter = {.device = http_query(request, "device"), .config = http_query(request, "config")};
    json_t *list = NULL;
    char next[65] = "";
    size_t limit = 0;
    const char *cursor = NULL;
    if (!http_query_known(request, known) || !page_of(request, &limit, &cursor)) return HTTP_DONE;
    if (jobs_list(app->jobs, kind, &filter, cursor, limit, &list, next, &err)) return fail(request, &err);
    http_reply_json(request, 200, page_json(list, next));
    return HTTP_DONE;
}

static void answer_job(struct http_request *request, const char *kind, const char *id)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    json_t *job = NULL;
    if (jobs_get(app->jobs, kind, id, &job, &err)) fail(request, &err);
    else http_reply_json(request, 200, job);
}

enum http_outcome reply_job(struct http_request *request, const char *kind)
{
    struct app *app = http_app(request);
    if (!refuse_query(request)) return HTTP_DONE;
    return job_waiters_serve(app->job_waiters, request, kind, http_param(request, "id"), http_wait(request),
                             answer_job);
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

static void put_location(struct http_request *request, const char *kind, const char *id)
{
    char location[96];
    snprintf(location, sizeof location, "/v1/%ss/%s", kind, id);
    http_reply_header(request, "Location", location);
}

/* A measurement that was made a while ago. */
static void answer_made(struct http_request *request, const char *kind, const char *id)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    json_t *job = NULL;
    put_location(request, kind, id);
    if (jobs_get(app->jobs, kind, id, &job, &err)) fail(request, &err);
    else http_reply_json(request, job_has_ended(job) ? 200 : 202, job);
}

enum http_outcome reply_job_made(struct http_request *request, int http_status, enum lathe_status st, const char *kind,
                                 json_t *take_job, const struct lathe_error *err)
{
    const struct app *app = http_app(request);
    if (st) {
        json_decref(take_job);
        return fail(request, err);
    }
    const char *id = json_string_value(json_object_get(take_job, "id"));
    int wait_s = strcmp(kind, "measurement") == 0 ? http_wait(request) : 0;
    if (wait_s) {
        enum http_outcome outcome = job_waiters_serve(app->job_waiters, request, kind, id, wait_s, answer_made);
        json_decref(take_job);
        return outcome;
    }
    put_location(request, kind, id);
    http_reply_json(request, http_status, take_job);
    return HTTP_DONE;
}
