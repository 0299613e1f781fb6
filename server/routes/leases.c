/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What agents do: ask for work, renew, report, give back. */
#include <string.h>

#include "lut/base/cpus.h"
#include "lut/base/json.h"
#include "lut/base/text.h"
#include "server/routes/agents.h"
#include "server/routes/lease_waiters.h"

enum { WAIT_MAX_S = 60, SMALL_BODY = 64 * 1024, LEASES_MOST = 256, RESULTS_BODY = 8 * 1024 * 1024 };

static enum lathe_status check_leases(const json_t *leases, struct lathe_error *err)
{
    size_t i;
    const json_t *id;
    json_array_foreach(leases, i, id)
    {
        if (!json_is_string(id)) return error_field(err, "leases", "leases must be ids of leases");
    }
    return LATHE_OK;
}

static enum lathe_status check_cpus(const json_t *cpus, struct lathe_error *err)
{
    const char *device;
    json_t *value;
    cpu_set_t set;
    json_object_foreach((json_t *)cpus, device, value)
    {
        const char *text = json_string_value(value);
        if (!text || cpus_parse(text, &set, NULL))
            return error_field(err, "cpus", "cpus.%.64s must list processors, such as 0-3,6", device);
    }
    return LATHE_OK;
}

/* The body {"instance","machine","leases":[ids],"cpus":{device: "0-3"}}; all may be left out, and so may the body. */
static enum lathe_status read_wanted(const json_t *body, struct lease_request *out, struct lathe_error *err)
{
    struct json_fields f;
    json_fields_begin(&f, body, err);
    json_get_name(&f, "instance", JSON_OPTIONAL, &out->instance);
    json_get_name(&f, "machine", JSON_OPTIONAL, &out->machine);
    json_get_array(&f, "leases", JSON_OPTIONAL, 0, LEASES_MOST, &out->leases);
    json_get_object(&f, "cpus", JSON_OPTIONAL, &out->cpus);
    enum lathe_status st = json_fields_end(&f);
    if (!st) st = check_leases(out->leases, err);
    return st ? st : check_cpus(out->cpus, err);
}

/* POST /v1/agents/{agent}/leases?wait_s=30 */
static enum http_outcome take_lease(struct http_request *request)
{
    static const char *const known[] = {"wait_s", NULL};
    struct app *app = http_app(request);
    const char *agent = http_param(request, "agent");
    int64_t wait_s = 0;
    if (!http_query_known(request, known) || !http_query_int(request, "wait_s", 0, WAIT_MAX_S, 0, &wait_s))
        return HTTP_DONE;
    if (!text_is_name(agent)) {
        http_reply_problem(request, 400, "agent", NULL, "the path does not name an agent");
        return HTTP_DONE;
    }
    if (!may_act_as(request, agent)) return HTTP_DONE;
    struct lease_request wanted = {.agent = agent, .instance = "", .machine = ""};
    size_t size = 0;
    http_body(request, &size);
    if (size) {
        struct lathe_error err = {0};
        const json_t *body = http_json(request);
        if (!body) return HTTP_DONE;
        if (read_wanted(body, &wanted, &err)) return fail(request, &err);
    }
    return lease_waiters_serve(app->waiters, request, &wanted, (int)wait_s);
}

/* Whether the lease in the path is one that the caller may work on; else the reply is set. */
static bool may_use_lease(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    char agent[65];
    if (!refuse_query(request)) return false;
    if (jobs_lease_agent(app->jobs, http_param(request, "lease"), agent, &err)) {
        fail(request, &err);
        return false;
    }
    return may_act_as(request, agent);
}

static enum http_outcome reply_status(struct http_request *request, enum lathe_status st, json_t *answer,
                                      const struct lathe_error *err)
{
    if (st) return fail(request, err);
    if (answer) http_reply_json(request, 200, answer);
    else http_reply_empty(request, 204);
    return HTTP_DONE;
}

/* POST /v1/leases/{lease}/renew {"fence","trouble","board"} */
static enum http_outcome renew_lease(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct json_fields f;
    int64_t fence = 0;
    struct lease_news news = {0};
    json_t *answer = NULL;
    const json_t *body = http_json(request);
    if (!body || !may_use_lease(request)) return HTTP_DONE;
    json_fields_begin(&f, body, &err);
    json_get_int(&f, "fence", JSON_REQUIRED, 1, INT64_MAX, &fence);
    json_get_string(&f, "trouble", JSON_OPTIONAL, &news.trouble);
    json_get_object(&f, "board", JSON_OPTIONAL, &news.board);
    enum lathe_status st = json_fields_end(&f);
    if (!st) st = jobs_renew(app->jobs, http_param(request, "lease"), fence, &news, &answer, &err);
    return reply_status(request, st, answer, &err);
}

/* POST /v1/leases/{lease}/results */
static enum http_outcome add_results(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    json_t *answer = NULL;
    const json_t *body = http_json(request);
    if (!body || !may_use_lease(request)) return HTTP_DONE;
    enum lathe_status st = jobs_results(app->jobs, http_param(request, "lease"), body, &answer, &err);
    return reply_status(request, st, answer, &err);
}

/* {"network","needs_bytes"}: what does not fit the board. */
static enum lathe_status read_refusal(const json_t *from, const char *error, struct board_refusal *out,
                                      struct lathe_error *err)
{
    struct json_fields f;
    int64_t network = 0;
    int64_t needs = 0;
    json_fields_begin(&f, from, err);
    json_get_int(&f, "network", JSON_REQUIRED, 0, INT32_MAX, &network);
    json_get_int(&f, "needs_bytes", JSON_OPTIONAL, 0, INT64_MAX, &needs);
    enum lathe_status st = json_fields_end(&f);
    if (st) error_in_field(err, "no_room");
    else if (!error) st = error_field(err, "error", "no_room needs an error that says what does not fit");
    *out = (struct board_refusal){.network = (int)network, .needs_bytes = (uint64_t)needs, .error = error};
    return st;
}

/* POST /v1/leases/{lease}/release {"fence"}, {"fence","error","fatal","no_room"} or, of a clean job,
 * {"fence","freed_kb"} */
static enum http_outcome release_lease(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct json_fields f;
    int64_t fence = 0;
    const char *error = NULL;
    bool fatal = false;
    int64_t freed_kb = -1;
    const json_t *no_room = NULL;
    struct board_refusal refusal = {0};
    const json_t *body = http_json(request);
    if (!body || !may_use_lease(request)) return HTTP_DONE;
    json_fields_begin(&f, body, &err);
    json_get_int(&f, "fence", JSON_REQUIRED, 1, INT64_MAX, &fence);
    json_get_string(&f, "error", JSON_OPTIONAL, &error);
    json_get_bool(&f, "fatal", JSON_OPTIONAL, &fatal);
    json_get_int(&f, "freed_kb", JSON_OPTIONAL, 0, INT64_MAX, &freed_kb);
    json_get_object(&f, "no_room", JSON_OPTIONAL, &no_room);
    enum lathe_status st = json_fields_end(&f);
    if (!st && no_room) st = read_refusal(no_room, error, &refusal, &err);
    if (!st && fatal && !error) st = error_field(&err, "error", "a fatal release needs an error that says why");
    if (!st && error && freed_kb >= 0) st = error_field(&err, "freed_kb", "what failed has no freed_kb");
    if (!st && no_room) st = jobs_release_refused(app->jobs, http_param(request, "lease"), fence, &refusal, &err);
    else if (!st)
        st = freed_kb >= 0 ? jobs_release_cleaned(app->jobs, http_param(request, "lease"), fence, freed_kb, &err)
                           : jobs_release(app->jobs, http_param(request, "lease"), fence, error, fatal, &err);
    return reply_status(request, st, NULL, &err);
}

const struct http_route lease_routes[] = {
    {"POST", "/v1/agents/{agent}/leases", ROLE_AGENT | ROLE_ADMIN, POOL_QUICK, SMALL_BODY, take_lease},
    {"POST", "/v1/leases/{lease}/renew", ROLE_AGENT | ROLE_ADMIN, POOL_QUICK, SMALL_BODY, renew_lease},
    {"POST", "/v1/leases/{lease}/results", ROLE_AGENT | ROLE_ADMIN, POOL_QUICK, RESULTS_BODY, add_results},
    {"POST", "/v1/leases/{lease}/release", ROLE_AGENT | ROLE_ADMIN, POOL_QUICK, SMALL_BODY, release_lease},
    {0},
};
