/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Tidying devices: POST /v1/devices/{device}/clean makes a job, which is then looked at under /v1/cleans. */
#include "server/routes/job_routes.h"

static enum http_outcome create_clean(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    json_t *job = NULL;
    if (!refuse_query(request)) return HTTP_DONE;
    enum lathe_status st = jobs_create_clean(app->jobs, http_param(request, "device"), &job, &err);
    return reply_job_made(request, 202, st, "clean", job, &err);
}

static enum http_outcome list_cleans(struct http_request *request)
{
    return reply_job_list(request, "clean");
}

static enum http_outcome get_clean(struct http_request *request)
{
    return reply_job(request, "clean");
}

static enum http_outcome cancel_clean(struct http_request *request)
{
    return reply_job_cancelled(request, "clean");
}

const struct http_route clean_routes[] = {
    {"POST", "/v1/devices/{device}/clean", ROLES_PEOPLE | HTTP_CREATES, POOL_QUICK, 1024, create_clean},
    {"GET", "/v1/cleans", ROLES_ANY, POOL_QUICK, 0, list_cleans},
    {"GET", "/v1/cleans/{id}", ROLES_ANY, POOL_QUICK, 0, get_clean},
    {"DELETE", "/v1/cleans/{id}", ROLES_PEOPLE, POOL_QUICK, 0, cancel_clean},
    {0},
};
