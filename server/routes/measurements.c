/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/base/json.h"
#include "server/routes/job_routes.h"
#include "server/routes/networks.h"

enum { BODY_BYTES = 256 * 1024 };

static enum http_outcome list_measurements(struct http_request *request)
{
    return reply_job_list(request, "measurement");
}

/* What was measured, as once-for-all would write it. */
static enum http_outcome reply_measured(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct layer layers[NETWORK_MAX_LAYERS];
    json_t *texts = NULL;
    size_t i;
    const json_t *text;
    int count = 0;
    if (!refuse_query(request)) return HTTP_DONE;
    enum lathe_status st = jobs_measured_layers(app->jobs, http_param(request, "id"), &texts, &err);
    if (st) return fail(request, &err);
    json_array_foreach(texts, i, text)
    {
        if (!st && count < NETWORK_MAX_LAYERS) st = layer_parse(json_string_value(text), &layers[count++], &err);
    }
    json_decref(texts);
    if (st) return fail(request, &err);
    return reply_net_config(request, layers, count, network_media[NETWORK_AS_NET_CONFIG]);
}

static enum http_outcome get_measurement(struct http_request *request)
{
    if (http_chosen(request) == NETWORK_AS_NET_CONFIG) return reply_measured(request);
    return reply_job(request, "measurement");
}

static enum http_outcome cancel_measurement(struct http_request *request)
{
    return reply_job_cancelled(request, "measurement");
}

static enum lathe_status create(const struct app *app, const json_t *body, json_t **job, struct lathe_error *err)
{
    struct json_fields f;
    const char *device = NULL;
    const char *config = NULL;
    int64_t visits = 0;
    int64_t runs = 0;
    double ci = -1;
    struct asked_network asked;
    json_fields_begin(&f, body, err);
    json_get_name(&f, "device", JSON_REQUIRED, &device);
    json_get_string(&f, "config", JSON_REQUIRED, &config);
    json_get_int(&f, "visits", JSON_OPTIONAL, 1, 1000, &visits);
    json_get_int(&f, "runs", JSON_OPTIONAL, 1, 1000, &runs);
    json_get_number(&f, "ci", JSON_OPTIONAL, 0, 0.99, &ci);
    asked_network_allow(&f);
    enum lathe_status st = json_fields_end(&f);
    if (!st) st = asked_network_read(app, body, &asked, err);
    if (st) return st;
    json_t *layers = network_texts(asked.network.layers, asked.network.count);
    struct measurement_request q = {device, config, asked.what, layers, (int)visits, (int)runs, ci};
    st = jobs_create_measurement(app->jobs, &q, job, err);
    json_decref(asked.what);
    json_decref(layers);
    return st;
}

static enum http_outcome create_measurement(struct http_request *request)
{
    struct lathe_error err = {0};
    json_t *job = NULL;
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    enum lathe_status st = create(http_app(request), body, &job, &err);
    return reply_job_made(request, 202, st, "measurement", job, &err);
}

const struct http_produces measurement_produces = {get_measurement, network_media};

const struct http_route measurement_routes[] = {
    {"GET", "/v1/measurements", ROLES_ANY, POOL_QUICK, 0, list_measurements},
    {"POST", "/v1/measurements", ROLES_PEOPLE | HTTP_CREATES, POOL_QUICK, BODY_BYTES, create_measurement},
    {"GET", "/v1/measurements/{id}", ROLES_ANY, POOL_QUICK, 0, get_measurement},
    {"DELETE", "/v1/measurements/{id}", ROLES_PEOPLE, POOL_QUICK, 0, cancel_measurement},
    {0},
};
