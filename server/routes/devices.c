/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/cpus.h"
#include "lut/base/json.h"
#include "lut/base/port.h"
#include "lut/base/text.h"
#include "server/routes/app.h"
#include "server/routes/devices.h"
#include "server/routes/events.h"
#include "server/store/store.h"

enum { BODY_BYTES = 16 * 1024, DESTINATION_MOST = 255, VISIT_MOST_S = 3600 };

/* ---- checking what people send ---- */

/* What ssh takes as [user@]host; nothing that could be read as an option or by a shell. */
static bool is_destination(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
    size_t n = strlen(text);
    size_t user = strspn(text, allowed);
    if (n == 0 || n > DESTINATION_MOST || text[0] == '-') return false;
    if (user == n) return true;
    const char *host = text + user + 1;
    return user > 0 && text[user] == '@' && *host && *host != '-' && host[strspn(host, allowed)] == '\0';
}

static void check_ssh(struct json_fields *f)
{
    const char *destination = NULL;
    int64_t port = 22;
    json_get_string(f, "destination", JSON_REQUIRED, &destination);
    json_get_int(f, "port", JSON_OPTIONAL, 1, 65535, &port);
    if (!f->status && !is_destination(destination))
        f->status =
            error_field(f->err, "destination",
                        "destination must be [USER@]HOST of letters, digits and . _ : -, neither part starting with -");
}

static void check_cpus(struct json_fields *f)
{
    cpu_set_t set;
    const char *cpus = NULL;
    json_get_string(f, "cpus", JSON_OPTIONAL, &cpus);
    if (!f->status && cpus) f->status = cpus_parse(cpus, &set, f->err);
}

static bool is_governor(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
    return n > 0 && n < 32 && !text[n];
}

/* How a device is to be while it measures. */
static void check_conditions(struct json_fields *f)
{
    const char *governor = NULL;
    int64_t khz = 0;
    double celsius = 0;
    json_get_string(f, "governor", JSON_OPTIONAL, &governor);
    json_get_int(f, "khz", JSON_OPTIONAL, 1, UINT32_MAX, &khz);
    json_get_number(f, "cool_below_c", JSON_OPTIONAL, 1, 150, &celsius);
    if (!f->status && governor && !is_governor(governor))
        f->status = error_field(f->err, "governor", "governor must be a name such as performance");
}

static void check_serial(struct json_fields *f)
{
    static const char *const flows[] = {"none", "rtscts", "xonxoff", NULL};
    static const char *const resets[] = {"none", "dtr", "rts", NULL};
    static const char *const protocols[] = {"lathe", "mlperf-tiny", NULL};
    const char *port = NULL;
    int64_t baud = 115200;
    int64_t visit_s = 0;
    int word = 0;
    json_get_string(f, "port", JSON_REQUIRED, &port);
    json_get_int(f, "baud", JSON_OPTIONAL, 1200, 12000000, &baud);
    json_get_word(f, "flow", JSON_OPTIONAL, flows, &word);
    json_get_word(f, "reset", JSON_OPTIONAL, resets, &word);
    json_get_word(f, "protocol", JSON_OPTIONAL, protocols, &word);
    json_get_int(f, "visit_s", JSON_OPTIONAL, 1, VISIT_MOST_S, &visit_s);
    if (!f->status && !port_is_name(port))
        f->status = error_field(f->err, "port",
                                "port must be the path of a device, e.g. /dev/serial/by-id/usb-..., or what is plugged "
                                "in, usb:VID:PID or usb:VID:PID:SERIAL");
}

static enum lathe_status check_transport(const json_t *transport, struct lathe_error *err)
{
    static const char *const types[] = {"local", "ssh", "serial", NULL};
    struct json_fields f;
    int type = 0;
    json_fields_begin(&f, transport, err);
    json_get_word(&f, "type", JSON_REQUIRED, types, &type);
    if (type == 0 || type == 1) check_cpus(&f);
    if (type == 0 || type == 1) check_conditions(&f);
    if (type == 1) check_ssh(&f);
    if (type == 2) check_serial(&f);
    enum lathe_status st = json_fields_end(&f);
    if (st) error_in_field(err, "transport");
    return st;
}

/* ---- answers ---- */

json_t *device_json(struct jobs *jobs, const json_t *document)
{
    const char *name = json_string_value(json_object_get(document, "name"));
    int64_t seen_ms = 0;
    const char *state = jobs_device_state(jobs, document, &seen_ms);
    json_t *answer = json_copy((json_t *)document);
    json_object_del(answer, "schema");
    bool quarantined = strcmp(state, "quarantined") == 0;
    int64_t until_ms = quarantined ? json_integer_value(json_object_get(document, "quarantined_until_ms")) : 0;
    json_object_del(answer, "quarantined_until_ms");
    json_object_set_new(answer, "quarantined_until", time_json(until_ms));
    json_object_set_new(answer, "state", json_string(state));
    json_object_set_new(answer, "last_seen", time_json(seen_ms));
    json_object_set_new(answer, "condition", jobs_device_condition(jobs, name));
    if (!json_object_get(answer, "error")) json_object_set_new(answer, "error", json_null());
    if (!json_object_get(answer, "board")) json_object_set_new(answer, "board", json_null());
    return answer;
}

static json_t *describe(struct app *app, const json_t *document)
{
    return device_json(app->jobs, document);
}

static enum http_outcome list_devices(struct http_request *request)
{
    return reply_documents(request, "device", describe);
}

enum lathe_status device_read(struct app *app, const char *name, json_t **out, struct lathe_error *err)
{
    json_t *document;
    enum lathe_status st = store_read(app->kv, "device", name, &document, err);
    if (st) return st;
    *out = device_json(app->jobs, document);
    json_decref(document);
    return LATHE_OK;
}

static enum http_outcome get_device(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    json_t *answer;
    if (!refuse_query(request)) return HTTP_DONE;
    if (device_read(app, http_param(request, "device"), &answer, &err)) return fail(request, &err);
    http_reply_json(request, 200, answer);
    return HTTP_DONE;
}

/* ---- making and changing ---- */

enum lathe_status device_put_new(struct kv_txn *txn, const char *name, const json_t *transport, const char *agent,
                                 json_t **out, struct lathe_error *err)
{
    char created[25];
    clock_format(clock_wall_ms(), created);
    json_t *document = json_pack("{s:s, s:O, s:o, s:s}", "name", name, "transport", transport, "agent",
                                 agent ? json_string(agent) : json_null(), "created", created);
    if (!document) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = store_put(txn, "device", name, document, err);
    if (!st && out) *out = json_incref(document);
    json_decref(document);
    return st;
}

struct device_change {
    const char *name, *agent;
    const json_t *transport;
    bool set_agent, let_out;
    json_t *document; /* the result */
};

static enum lathe_status create_in(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct device_change *c = context;
    json_t *existing = NULL;
    enum lathe_status st = store_get(txn, "device", c->name, &existing, err);
    json_decref(existing);
    if (!st) {
        error_field(err, "name", "device %s exists already: change it with PATCH /v1/devices/%s", c->name, c->name);
        err->status = LATHE_CONFLICT;
        return LATHE_CONFLICT;
    }
    if (st != LATHE_NOT_FOUND) return st;
    json_decref(c->document);
    c->document = NULL;
    return device_put_new(txn, c->name, c->transport, c->agent, &c->document, err);
}

static enum http_outcome create_device(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct json_fields f;
    struct device_change c = {0};
    char location[96];
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    json_fields_begin(&f, body, &err);
    json_get_name(&f, "name", JSON_REQUIRED, &c.name);
    json_get_object(&f, "transport", JSON_REQUIRED, &c.transport);
    json_get_name(&f, "agent", JSON_OPTIONAL, &c.agent);
    enum lathe_status st = json_fields_end(&f);
    if (!st) st = check_transport(c.transport, &err);
    if (!st) st = kv_write(app->kv, create_in, &c, &err);
    if (st) {
        json_decref(c.document);
        return fail(request, &err);
    }
    snprintf(location, sizeof location, "/v1/devices/%s", c.name);
    http_reply_header(request, "Location", location);
    http_reply_json(request, 201, device_json(app->jobs, c.document));
    json_decref(c.document);
    return HTTP_DONE;
}

static enum lathe_status change_in(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct device_change *c = context;
    json_t *document = NULL;
    enum lathe_status st = store_get(txn, "device", c->name, &document, err);
    if (st) return st;
    /* What went wrong, and what was there, belonged to how it was reached before. */
    if (c->transport) json_object_set_new(document, "error", json_null());
    if (c->transport) json_object_del(document, "board");
    if (c->transport || c->let_out) jobs_end_quarantine(document);
    if (c->transport) json_object_set(document, "transport", (json_t *)c->transport);
    if (c->set_agent) json_object_set_new(document, "agent", c->agent ? json_string(c->agent) : json_null());
    st = store_put(txn, "device", c->name, document, err);
    json_decref(c->document);
    c->document = document;
    return st;
}

static enum http_outcome change_device(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct json_fields f;
    struct device_change c = {.name = http_param(request, "device")};
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    c.set_agent = json_object_get(body, "agent") != NULL;
    json_fields_begin(&f, body, &err);
    bool quarantined = true;
    json_get_object(&f, "transport", JSON_OPTIONAL, &c.transport);
    json_get_name(&f, "agent", JSON_OPTIONAL, &c.agent);
    json_get_bool(&f, "quarantined", JSON_OPTIONAL, &quarantined);
    if (!f.status && quarantined && json_object_get(body, "quarantined"))
        f.status = error_field(&err, "quarantined", "quarantined can only be set to false: the device is let out");
    c.let_out = !quarantined;
    enum lathe_status st = json_fields_end(&f);
    if (!st && c.transport) st = check_transport(c.transport, &err);
    if (!st) st = kv_write(app->kv, change_in, &c, &err);
    if (!st && (c.transport || c.let_out)) jobs_look_again(app->jobs);
    if (st) fail(request, &err);
    else http_reply_json(request, 200, device_json(app->jobs, c.document));
    json_decref(c.document);
    return HTTP_DONE;
}

/* ---- removing ---- */

struct removal {
    const char *device;
    bool with_tables;
    json_t *tables; /* "device/config" of each */
};

static bool note_table(void *context, const struct table_info *info)
{
    struct removal *r = context;
    json_array_append_new(r->tables, json_sprintf("%s/%s", info->device, info->config));
    return true;
}

static enum lathe_status check_removal(struct kv_txn *txn, struct removal *r, struct lathe_error *err)
{
    json_t *document = NULL;
    enum lathe_status st = store_get(txn, "device", r->device, &document, err);
    json_decref(document);
    if (st) return st;
    json_array_clear(r->tables);
    st = table_list(txn, r->device, note_table, r, err);
    size_t count = json_array_size(r->tables);
    if (!st && count && !r->with_tables)
        return error_set(err, LATHE_CONFLICT,
                         "device %s has %zu table%s, which would go with it: add ?with_tables=true to remove all",
                         r->device, count, count == 1 ? "" : "s");
    return st;
}

static enum lathe_status remove_in(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct removal *r = context;
    enum lathe_status st = check_removal(txn, r, err);
    for (size_t i = 0; !st && i < json_array_size(r->tables); i++) {
        const char *name = json_string_value(json_array_get(r->tables, i));
        st = table_delete(txn, (struct table_id){r->device, strchr(name, '/') + 1}, err);
    }
    if (st) return st;
    st = store_delete(txn, "condition", r->device, NULL);
    if (st && st != LATHE_NOT_FOUND) return error_set(err, st, "failed to remove what is known of %s", r->device);
    return store_delete(txn, "device", r->device, err);
}

/* Refuses what would be refused, then ends the device's work before its tables go, so that no result that is under way
 * makes them anew. */
static enum lathe_status remove_with_jobs(struct app *app, struct removal *r, struct lathe_error *err)
{
    struct kv_txn *txn;
    enum lathe_status st = kv_read_begin(app->kv, &txn, err);
    if (st) return st;
    st = check_removal(txn, r, err);
    kv_read_end(txn);
    if (!st) st = jobs_cancel_device(app->jobs, r->device, err);
    return st ? st : kv_write(app->kv, remove_in, r, err);
}

static enum http_outcome remove_device(struct http_request *request)
{
    static const char *const known[] = {"with_tables", NULL};
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    const char *with = http_query(request, "with_tables");
    if (!http_query_known(request, known)) return HTTP_DONE;
    if (with && strcmp(with, "true") != 0 && strcmp(with, "false") != 0) {
        http_reply_problem(request, 400, "with_tables", NULL, "with_tables must be true or false");
        return HTTP_DONE;
    }
    struct removal r = {.device = http_param(request, "device"),
                        .with_tables = with && strcmp(with, "true") == 0,
                        .tables = json_array()};
    enum lathe_status st = remove_with_jobs(app, &r, &err);
    if (st == LATHE_CONFLICT) http_reply_error(request, &err, json_pack("{s:O}", "tables", r.tables));
    else if (st) fail(request, &err);
    else http_reply_empty(request, 204);
    json_decref(r.tables);
    return HTTP_DONE;
}

const struct http_route device_routes[] = {
    {"GET", "/v1/devices", ROLES_ANY, POOL_QUICK, 0, list_devices},
    {"POST", "/v1/devices", ROLES_PEOPLE | HTTP_CREATES, POOL_QUICK, BODY_BYTES, create_device},
    {"GET", "/v1/devices/{device}", ROLES_ANY, POOL_QUICK, 0, get_device},
    {"PATCH", "/v1/devices/{device}", ROLES_PEOPLE, POOL_QUICK, BODY_BYTES, change_device},
    {"DELETE", "/v1/devices/{device}", ROLES_PEOPLE, POOL_QUICK, 0, remove_device},
    {0},
};
