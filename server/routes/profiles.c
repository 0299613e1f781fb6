/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <float.h>

#include "lut/base/json.h"
#include "server/routes/job_routes.h"

enum { BODY_BYTES = 64 * 1024 };

static enum http_outcome list_profiles(struct http_request *request)
{
    return reply_job_list(request, "profile");
}

static enum http_outcome get_profile(struct http_request *request)
{
    return reply_job(request, "profile");
}

static enum http_outcome cancel_profile(struct http_request *request)
{
    return reply_job_cancelled(request, "profile");
}

/* @param resolutions room for SPACE_MAX_VALUES; the request borrows it. */
static enum lathe_status read_profile(const json_t *body, int *resolutions, struct profile_request *out,
                                      struct lathe_error *err)
{
    struct json_fields f;
    struct profile_request q = {.ci = -1, .held_out = -1};
    static const char *const modes[] = {"layers", "isolated", "regression", NULL};
    int64_t held_out = -1;
    int mode = 0;
    int64_t rounds = 0;
    int64_t runs = 0;
    int64_t warmup = 0;
    int64_t seed = 0;
    json_fields_begin(&f, body, err);
    json_get_name(&f, "device", JSON_REQUIRED, &q.device);
    json_get_string(&f, "config", JSON_REQUIRED, &q.config);
    json_get_name(&f, "space", JSON_REQUIRED, &q.space);
    json_get_int(&f, "rounds", JSON_OPTIONAL, 1, 1000, &rounds);
    json_get_int(&f, "runs", JSON_OPTIONAL, 1, 1000, &runs);
    json_get_int(&f, "warmup", JSON_OPTIONAL, 1, 1000, &warmup);
    json_get_number(&f, "ci", JSON_OPTIONAL, 0, 1, &q.ci);
    json_get_number(&f, "budget_s", JSON_OPTIONAL, 0, DBL_MAX, &q.budget_s);
    json_get_int(&f, "held_out", JSON_OPTIONAL, 0, 1000, &held_out);
    json_get_word(&f, "mode", JSON_OPTIONAL, modes, &mode);
    json_get_bool(&f, "calibrate", JSON_OPTIONAL, &q.calibrate);
    json_get_int(&f, "seed", JSON_OPTIONAL, 0, INT64_MAX, &seed);
    json_get_ints(&f, "resolutions", JSON_OPTIONAL, 1, 65535, resolutions, SPACE_MAX_VALUES, &q.resolution_count);
    enum lathe_status st = json_fields_end(&f);
    if (st) return st;
    const json_t *named = json_object_get(body, "resolutions");
    if (named && !json_is_null(named)) q.resolutions = resolutions;
    q.rounds = (int)rounds;
    q.mode = modes[mode];
    q.held_out = (int)held_out;
    q.runs = (int)runs;
    q.warmup = (int)warmup;
    q.seed = (uint64_t)seed;
    *out = q;
    return LATHE_OK;
}

static enum http_outcome create_profile(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct profile_request q;
    int resolutions[SPACE_MAX_VALUES];
    json_t *job = NULL;
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    enum lathe_status st = read_profile(body, resolutions, &q, &err);
    if (!st) st = jobs_create_profile(app->jobs, &q, &job, &err);
    return reply_job_made(request, 201, st, "profile", job, &err);
}

/* Planning a big space takes a tenth of a second: not for the pool that must answer at once. */
const struct http_route profile_routes[] = {
    {"GET", "/v1/profiles", ROLES_ANY, POOL_QUICK, 0, list_profiles},
    {"POST", "/v1/profiles", ROLES_PEOPLE | HTTP_CREATES, POOL_SEARCH, BODY_BYTES, create_profile},
    {"GET", "/v1/profiles/{id}", ROLES_ANY, POOL_QUICK, 0, get_profile},
    {"DELETE", "/v1/profiles/{id}", ROLES_PEOPLE, POOL_QUICK, 0, cancel_profile},
    {0},
};
