/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Asking what answers at an agent's serial ports. Opening a port may reset a board, so agents do it when they are
 * asked, and leave ports alone that devices are registered at. What they find comes as part of what they see. */
#include <string.h>

#include "lut/base/json.h"
#include "lut/base/port.h"
#include "lut/base/text.h"
#include "server/routes/agents.h"
#include "server/routes/lease_waiters.h"
#include "server/store/store.h"

enum { BODY_BYTES = 16 * 1024, PORTS_MOST = 16 };

static enum lathe_status check_ports(const json_t *ports, struct lathe_error *err)
{
    size_t i;
    const json_t *port;
    json_array_foreach(ports, i, port)
    {
        const char *text = json_string_value(port);
        if (!text || !port_is_name(text))
            return error_field(err, "ports", "ports[%zu] must be the path of a device or usb:VID:PID[:SERIAL]", i);
    }
    return LATHE_OK;
}

struct taken {
    const char *agent;
    json_t *ports; /* [{"device","port"}] */
};

/* Ports of devices that this agent may serve. */
static bool add_taken(void *context, struct kv_slice key, struct kv_slice value)
{
    const struct taken *t = context;
    (void)key;
    json_t *device = json_loadb(value.data, value.size, 0, NULL);
    const json_t *transport = json_object_get(device, "transport");
    const char *type = json_string_value(json_object_get(transport, "type"));
    const char *agent = json_string_value(json_object_get(device, "agent"));
    if (type && strcmp(type, "serial") == 0 && (!agent || strcmp(agent, t->agent) == 0))
        json_array_append_new(t->ports, json_pack("{s:O,s:O}", "device", json_object_get(device, "name"), "port",
                                                  json_object_get(transport, "port")));
    json_decref(device);
    return true;
}

static enum lathe_status list_taken(struct app *app, struct taken *t, struct lathe_error *err)
{
    struct kv_txn *txn;
    enum lathe_status st = kv_read_begin(app->kv, &txn, err);
    if (st) return st;
    st = kv_scan(txn, "device/", NULL, add_taken, t, err);
    kv_read_end(txn);
    return st;
}

static enum lathe_status check_online(struct app *app, const char *agent, struct lathe_error *err)
{
    json_t *agents = jobs_agents(app->jobs);
    bool online = json_is_true(json_object_get(json_object_get(agents, agent), "online"));
    json_decref(agents);
    return online ? LATHE_OK : error_set(err, LATHE_CONFLICT, "agent %s is not online: start lathe-agent", agent);
}

static enum lathe_status ask(struct app *app, const char *agent, const json_t *body, char id[64],
                             struct lathe_error *err)
{
    struct json_fields f;
    struct taken taken = {.agent = agent, .ports = NULL};
    const json_t *ports = NULL;
    int64_t baud = 115200;
    json_fields_begin(&f, body, err);
    json_get_array(&f, "ports", JSON_OPTIONAL, 0, PORTS_MOST, &ports);
    json_get_int(&f, "baud", JSON_OPTIONAL, 1200, 12000000, &baud);
    enum lathe_status st = json_fields_end(&f);
    if (!st) st = check_ports(ports, err);
    if (!st) st = check_online(app, agent, err);
    if (st) return st;
    taken.ports = json_array();
    st = list_taken(app, &taken, err);
    if (!st) {
        store_new_id("s", id);
        lease_waiters_ask_scan(app->waiters, agent,
                               json_pack("{s:s,s:s,s:I,s:O*,s:O}", "kind", "scan", "id", id, "baud", (json_int_t)baud,
                                         "ports", ports, "registered", taken.ports));
    }
    json_decref(taken.ports);
    return st;
}

/* POST /v1/agents/{agent}/scan {"ports":[..],"baud":115200} -> 202 {"id","agent"} */
static enum http_outcome scan(struct http_request *request)
{
    struct lathe_error err = {0};
    char id[64];
    const char *agent = http_param(request, "agent");
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    if (!text_is_name(agent)) {
        http_reply_problem(request, 400, "agent", NULL, "the path does not name an agent");
        return HTTP_DONE;
    }
    if (ask(http_app(request), agent, body, id, &err)) return fail(request, &err);
    http_reply_json(request, 202, json_pack("{s:s,s:s}", "id", id, "agent", agent));
    return HTTP_DONE;
}

const struct http_route scan_routes[] = {
    {"POST", "/v1/agents/{agent}/scan", ROLES_PEOPLE, POOL_QUICK, BODY_BYTES, scan},
    {0},
};
