/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/base/json.h"
#include "server/routes/job_routes.h"

enum { BODY_BYTES = 64 * 1024 };

static enum http_outcome list_measurements(struct http_request *request)
{
    return reply_job_list(request, "measurement");
}

static enum http_outcome get_measurement(struct http_request *request)
{
    return reply_job(request, "measurement");
}

static enum http_outcome cancel_measurement(struct http_request *request)
{
    return reply_job_cancelled(request, "measurement");
}

/* The network of a subnet document, which names its space: its canonical document, and its layers as texts. */
static enum lathe_status lower_subnet(const struct catalog *spaces, const json_t *document, json_t **subnet,
                                      json_t **layers, struct lathe_error *err)
{
    struct subnet s;
    struct layer lowered[SPACE_MAX_SLOTS];
    const char *id = json_string_value(json_object_get(document, "space"));
    if (!id) return error_field(err, "subnet.space", "subnet.space must name the subnet's space");
    const struct space *space = catalog_find(spaces, id);
    if (!space) return error_field(err, "subnet.space", "there is no space %s", id);
    enum lathe_status st = subnet_from_json(space, document, &s, err);
    if (st) {
        error_in_field(err, "subnet");
        return st;
    }
    int n = space_lower(space, &s, lowered);
    *layers = json_array();
    for (int i = 0; i < n; i++) {
        char text[LAYER_TEXT_BYTES];
        layer_print(&lowered[i], text);
        json_array_append_new(*layers, json_string(text));
    }
    *subnet = subnet_to_json(space, &s);
    return LATHE_OK;
}

static enum lathe_status create(const struct app *app, const json_t *body, json_t **job, struct lathe_error *err)
{
    struct json_fields f;
    const char *device = NULL;
    const char *config = NULL;
    const json_t *document = NULL;
    int64_t visits = 0;
    int64_t runs = 0;
    json_t *subnet = NULL;
    json_t *layers = NULL;
    json_fields_begin(&f, body, err);
    json_get_name(&f, "device", JSON_REQUIRED, &device);
    json_get_string(&f, "config", JSON_REQUIRED, &config);
    json_get_object(&f, "subnet", JSON_REQUIRED, &document);
    json_get_int(&f, "visits", JSON_OPTIONAL, 1, 1000, &visits);
    json_get_int(&f, "runs", JSON_OPTIONAL, 1, 1000, &runs);
    enum lathe_status st = json_fields_end(&f);
    if (!st) st = lower_subnet(app->spaces, document, &subnet, &layers, err);
    if (!st) st = jobs_create_measurement(app->jobs, device, config, subnet, layers, (int)visits, (int)runs, job, err);
    json_decref(subnet);
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

const struct http_route measurement_routes[] = {
    {"GET", "/v1/measurements", ROLES_ANY, POOL_QUICK, 0, list_measurements},
    {"POST", "/v1/measurements", ROLES_PEOPLE, POOL_QUICK, BODY_BYTES, create_measurement},
    {"GET", "/v1/measurements/{id}", ROLES_ANY, POOL_QUICK, 0, get_measurement},
    {"DELETE", "/v1/measurements/{id}", ROLES_PEOPLE, POOL_QUICK, 0, cancel_measurement},
    {0},
};
