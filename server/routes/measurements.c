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
    if (!st && !count)
        st = error_set(&err, LATHE_UNSUPPORTED, "this is a model of the board's own: its layers are not known");
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

/* What the table of a board's own model would be called; the models of the benchmark are of int8. */
static const char model_config[] = "mlperf_tiny-int8-t1-b1";

static bool is_given(const json_t *body, const char *name)
{
    const json_t *value = json_object_get(body, name);
    return value && !json_is_null(value);
}

/* What to measure: a network, or, where none is given, the model that the device has.
 * @param[out] what,layers new references. */
static enum lathe_status read_asked(const struct app *app, const json_t *body, json_t **what, json_t **layers,
                                    struct lathe_error *err)
{
    struct asked_network asked;
    if (!is_given(body, "subnet") && !is_given(body, "network")) {
        *what = json_pack("{s:n}", "model");
        *layers = json_array();
        return LATHE_OK;
    }
    enum lathe_status st = asked_network_read(app, body, &asked, err);
    if (st) return st;
    *what = asked.what;
    *layers = network_texts(asked.network.layers, asked.network.count);
    return LATHE_OK;
}

static enum lathe_status create(const struct app *app, const json_t *body, json_t **job, struct lathe_error *err)
{
    struct json_fields f;
    const char *device = NULL;
    const char *config = NULL;
    json_t *what = NULL;
    json_t *layers = NULL;
    int64_t visits = 0;
    int64_t runs = 0;
    double ci = -1;
    bool model = !is_given(body, "subnet") && !is_given(body, "network");
    json_fields_begin(&f, body, err);
    json_get_name(&f, "device", JSON_REQUIRED, &device);
    json_get_string(&f, "config", model ? JSON_OPTIONAL : JSON_REQUIRED, &config);
    json_get_int(&f, "visits", JSON_OPTIONAL, 1, 1000, &visits);
    json_get_int(&f, "runs", JSON_OPTIONAL, 1, 1000, &runs);
    json_get_number(&f, "ci", JSON_OPTIONAL, 0, 0.99, &ci);
    asked_network_allow(&f);
    enum lathe_status st = json_fields_end(&f);
    if (!st) st = read_asked(app, body, &what, &layers, err);
    if (st) return st;
    struct measurement_request q = {device, config ? config : model_config, what, layers, (int)visits, (int)runs, ci};
    st = jobs_create_measurement(app->jobs, &q, job, err);
    json_decref(what);
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
