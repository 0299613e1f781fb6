/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/shipped.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#include "lut/base/json.h"
#include "lut/base/text.h"
#include "server/nightly/nightly.h"
#include "server/store/store.h"

enum { BODY_BYTES = 64 * 1024 };

static enum lathe_status check_table(struct app *app, struct table_id id, struct lathe_error *err)
{
    struct kv_txn *txn;
    struct table_info info = {0};
    enum lathe_status st = kv_read_begin(app->kv, &txn, err);
    if (st) return st;
    st = table_info(txn, id, 0, &info, err);
    kv_read_end(txn);
    table_info_clear(&info);
    if (st && err) snprintf(err->field, sizeof err->field, "table");
    return st;
}

static json_t *texts_of(const struct space *space, const struct subnet *s)
{
    struct layer layers[SPACE_MAX_SLOTS];
    char text[LAYER_TEXT_BYTES];
    json_t *list = json_array();
    int n = space_lower(space, s, layers);
    for (int i = 0; i < n; i++) {
        layer_print(&layers[i], text);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

enum lathe_status ship(struct app *app, const struct shipping_request *q, json_t **shipped, struct lathe_error *err)
{
    char context[20];
    enum lathe_status st = check_table(app, (struct table_id){q->device, q->config}, err);
    if (st) return st;
    snprintf(context, sizeof context, "%016llx", (unsigned long long)space_subnet_id(q->space, q->subnet));
    json_t *document =
        json_pack("{s:s,s:s,s:s,s:o,s:f,s:s?,s:s,s:o}", "name", q->name, "device", q->device, "config", q->config,
                  "subnet", subnet_to_json(q->space, q->subnet), "latency_ms", q->latency_ms, "predictor", q->predictor,
                  "context", context, "layers", texts_of(q->space, q->subnet));
    return shipped_put(app->kv, document, shipped, err);
}

/* "device/config" */
static enum lathe_status split_table(const char *table, char device[65], char config[65], struct lathe_error *err)
{
    const char *slash = strchr(table, '/');
    size_t n = slash ? (size_t)(slash - table) : 0;
    device[0] = config[0] = '\0';
    if (n > 0 && n < 65 && strlen(slash + 1) < 65) {
        snprintf(device, 65, "%.*s", (int)n, table);
        snprintf(config, 65, "%s", slash + 1);
    }
    if (text_is_name(device) && text_is_config(config)) return LATHE_OK;
    return error_field(err, "table", "table must be DEVICE/CONFIG, for example pi4/xnnpack-f32-t1-b1");
}

static enum lathe_status read_limits(const json_t *limits, double *latency_ms, struct lathe_error *err)
{
    struct json_fields f;
    json_fields_begin(&f, limits, err);
    json_get_number(&f, "latency_ms", JSON_REQUIRED, DBL_MIN, 1e9, latency_ms);
    enum lathe_status st = json_fields_end(&f);
    if (st) error_in_field(err, "limits");
    return st;
}

static enum lathe_status read_subnet(struct app *app, const json_t *document, const struct space **space,
                                     struct subnet *out, struct lathe_error *err)
{
    const char *id = json_string_value(json_object_get(document, "space"));
    if (!id) return error_field(err, "subnet.space", "subnet.space must name the subnet's space");
    *space = catalog_find(app->spaces, id);
    if (!*space) return error_field(err, "subnet.space", "there is no space %s", id);
    enum lathe_status st = subnet_from_json(*space, document, out, err);
    if (st) error_in_field(err, "subnet");
    return st;
}

static enum http_outcome create_shipped(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct json_fields f;
    struct shipping_request q = {0};
    struct subnet subnet;
    char device[65];
    char config[65];
    const char *table = NULL;
    const json_t *document = NULL;
    const json_t *limits = NULL;
    json_t *shipped = NULL;
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    json_fields_begin(&f, body, &err);
    json_get_name(&f, "name", JSON_REQUIRED, &q.name);
    json_get_string(&f, "table", JSON_REQUIRED, &table);
    json_get_object(&f, "subnet", JSON_REQUIRED, &document);
    json_get_object(&f, "limits", JSON_REQUIRED, &limits);
    json_get_name(&f, "predictor", JSON_OPTIONAL, &q.predictor);
    enum lathe_status st = json_fields_end(&f);
    if (!st) st = split_table(table, device, config, &err);
    if (!st) st = read_limits(limits, &q.latency_ms, &err);
    if (!st) st = read_subnet(app, document, &q.space, &subnet, &err);
    q.device = device;
    q.config = config;
    q.subnet = &subnet;
    if (!st) st = ship(app, &q, &shipped, &err);
    if (st) return fail(request, &err);
    http_reply_json(request, 201, shipped);
    return HTTP_DONE;
}

static json_t *describe(struct app *app, const json_t *document)
{
    (void)app;
    return shipped_public(document);
}

static enum http_outcome list_shipped(struct http_request *request)
{
    return reply_documents(request, "shipped", describe);
}

static enum http_outcome delete_shipped(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    if (!refuse_query(request)) return HTTP_DONE;
    if (shipped_delete(app->kv, http_param(request, "id"), &err)) return fail(request, &err);
    http_reply_empty(request, 204);
    return HTTP_DONE;
}

const struct http_route shipped_routes[] = {
    {"GET", "/v1/shipped", ROLES_ANY, POOL_QUICK, 0, list_shipped},
    {"POST", "/v1/shipped", ROLES_PEOPLE | HTTP_CREATES, POOL_QUICK, BODY_BYTES, create_shipped},
    {"DELETE", "/v1/shipped/{id}", ROLES_PEOPLE, POOL_QUICK, 0, delete_shipped},
    {0},
};
