/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Agents, and what each has in reach: agent/<name> {"sees":{"serial":[..],"ssh":[..]},"told"}. */
#include "server/routes/agents.h"

#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/json.h"
#include "lut/base/text.h"
#include "server/store/store.h"

enum { SEES_BYTES = 1024 * 1024, PORTS_MOST = 256, HOSTS_MOST = 1000, TEXT_MOST = 1024 };

bool may_act_as(struct http_request *request, const char *agent)
{
    const struct principal *who = http_principal(request);
    if (who->role == ROLE_ADMIN || (who->role == ROLE_AGENT && strcmp(who->name, agent) == 0)) return true;
    http_reply_problem(request, 403, NULL, NULL, "this token is for agent %s: it can't act as agent %s", who->name,
                       agent);
    return false;
}

/* ---- what an agent tells ---- */

static void check_length(struct json_fields *f, const char *name, const char *text)
{
    if (!f->status && text && strlen(text) > TEXT_MOST)
        f->status = error_field(f->err, name, "%s must have at most %d bytes", name, TEXT_MOST);
}

static void read_text(struct json_fields *f, const char *name, enum json_need need, json_t *out)
{
    const char *text = NULL;
    json_get_string(f, name, need, &text);
    check_length(f, name, text);
    if (!f->status) json_object_set_new(out, name, text ? json_string(text) : json_null());
}

/* USB's numbers, as lsusb writes them. */
static void read_usb_number(struct json_fields *f, const char *name, json_t *out)
{
    read_text(f, name, JSON_OPTIONAL, out);
    const char *text = json_string_value(json_object_get(out, name));
    if (!f->status && text && (strlen(text) != 4 || strspn(text, "0123456789abcdef") != 4))
        f->status = error_field(f->err, name, "%s must be four hexadecimal digits: 2341", name);
}

/* What came of asking at a port. */
static enum lathe_status read_answer(const json_t *answer, json_t *out, struct lathe_error *err)
{
    static const char *const protocols[] = {"lathe", "mlperf-tiny", NULL};
    struct json_fields f;
    int protocol = 0;
    json_t *kept = json_object();
    json_object_set_new(out, "answer", kept);
    json_fields_begin(&f, answer, err);
    if (json_is_string(json_object_get(answer, "protocol"))) {
        json_get_word(&f, "protocol", JSON_REQUIRED, protocols, &protocol);
        json_object_set_new(kept, "protocol", json_string(protocols[protocol]));
    } else {
        json_allow(&f, "protocol");
        json_object_set_new(kept, "protocol", json_null());
    }
    read_text(&f, "name", JSON_OPTIONAL, kept);
    read_text(&f, "detail", JSON_OPTIONAL, kept);
    read_text(&f, "device", JSON_OPTIONAL, kept);
    enum lathe_status st = json_fields_end(&f);
    if (st) error_in_field(err, "answer");
    return st;
}

static enum lathe_status read_port(const json_t *port, json_t *out, struct lathe_error *err)
{
    struct json_fields f;
    const json_t *answer = NULL;
    json_fields_begin(&f, port, err);
    read_text(&f, "port", JSON_REQUIRED, out);
    read_text(&f, "description", JSON_OPTIONAL, out);
    read_usb_number(&f, "vid", out);
    read_usb_number(&f, "pid", out);
    read_text(&f, "serial", JSON_OPTIONAL, out);
    json_get_object(&f, "answer", JSON_OPTIONAL, &answer);
    enum lathe_status st = json_fields_end(&f);
    return st || !answer ? st : read_answer(answer, out, err);
}

static enum lathe_status read_ports(const json_t *list, json_t *out, struct lathe_error *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        char field[40];
        json_t *port = json_object();
        json_array_append_new(out, port);
        enum lathe_status st = read_port(json_array_get(list, i), port, err);
        if (!st) continue;
        snprintf(field, sizeof field, "serial[%zu]", i);
        error_in_field(err, field);
        return st;
    }
    return LATHE_OK;
}

static enum lathe_status read_hosts(const json_t *list, json_t *out, struct lathe_error *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        char field[40];
        const char *host = json_string_value(json_array_get(list, i));
        snprintf(field, sizeof field, "ssh[%zu]", i);
        if (!host || strlen(host) > TEXT_MOST)
            return error_field(err, field, "%s must be a host's name of at most %d bytes", field, TEXT_MOST);
        json_array_append_new(out, json_string(host));
    }
    return LATHE_OK;
}

/* @param[out] sees new reference. */
static enum lathe_status read_sees(const json_t *body, json_t **sees, struct lathe_error *err)
{
    struct json_fields f;
    const json_t *serial = NULL;
    const json_t *ssh = NULL;
    const char *scan = NULL;
    json_fields_begin(&f, body, err);
    json_get_array(&f, "serial", JSON_OPTIONAL, 0, PORTS_MOST, &serial);
    json_get_array(&f, "ssh", JSON_OPTIONAL, 0, HOSTS_MOST, &ssh);
    json_get_name(&f, "scan", JSON_OPTIONAL, &scan);
    enum lathe_status st = json_fields_end(&f);
    if (st) return st;
    json_t *ports = json_array();
    json_t *hosts = json_array();
    st = read_ports(serial, ports, err);
    if (!st) st = read_hosts(ssh, hosts, err);
    json_t *read = json_pack("{s:o,s:o,s:s*}", "serial", ports, "ssh", hosts, "scan", scan);
    if (st) json_decref(read);
    else if (!read) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    else *sees = read;
    return st;
}

struct telling {
    const char *agent;
    json_t *sees;
};

static enum lathe_status keep_sees(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const struct telling *t = context;
    char now[25];
    clock_format(clock_wall_ms(), now);
    json_t *document = json_pack("{s:O,s:s}", "sees", t->sees, "told", now);
    if (!document) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = store_put(txn, "agent", t->agent, document, err);
    json_decref(document);
    return st;
}

/* An agent that starts tells what it told before, mostly: that is no write to the disk. */
static enum lathe_status tell(struct app *app, const struct telling *t, struct lathe_error *err)
{
    json_t *known = NULL;
    enum lathe_status st = store_read(app->kv, "agent", t->agent, &known, err);
    bool same = !st && json_equal(json_object_get(known, "sees"), t->sees);
    json_decref(known);
    if (st && st != LATHE_NOT_FOUND) return st;
    return same ? LATHE_OK : kv_write(app->kv, keep_sees, (void *)t, err);
}

/* PUT /v1/agents/{agent}/sees {"serial":[{"port","description","vid","pid","serial","answer"}],"ssh":[hosts],"scan"}:
 * answer is there where somebody asked, scan the id under which that was. */
static enum http_outcome put_sees(struct http_request *request)
{
    struct lathe_error err = {0};
    struct telling t = {.agent = http_param(request, "agent")};
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    if (!text_is_name(t.agent)) {
        http_reply_problem(request, 400, "agent", NULL, "the path does not name an agent");
        return HTTP_DONE;
    }
    if (!may_act_as(request, t.agent)) return HTTP_DONE;
    enum lathe_status st = read_sees(body, &t.sees, &err);
    if (!st) st = tell(http_app(request), &t, &err);
    json_decref(t.sees);
    if (st) return fail(request, &err);
    http_reply_empty(request, 204);
    return HTTP_DONE;
}

static enum lathe_status delete_agent(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    enum lathe_status st = store_delete(txn, "agent", context, err);
    return st == LATHE_NOT_FOUND ? LATHE_OK : st;
}

enum lathe_status agent_forget(struct app *app, const char *agent, struct lathe_error *err)
{
    return kv_write(app->kv, delete_agent, (void *)agent, err);
}

/* ---- the list ---- */

/* The agent of a name among those found so far; made when it is new. */
static json_t *agent_named(json_t *agents, const char *name)
{
    json_t *agent = json_object_get(agents, name);
    if (agent) return agent;
    agent = json_pack("{s:s,s:b,s:n,s:[],s:n,s:n}", "name", name, "online", 0, "last_seen", "devices", "sees", "told");
    json_object_set_new(agents, name, agent);
    return agent;
}

struct key_names {
    json_t *agents;
    size_t head;
};

static bool add_teller(void *context, struct kv_slice key, struct kv_slice value)
{
    const struct key_names *k = context;
    char name[65];
    json_t *document = json_loadb(value.data, value.size, 0, NULL);
    snprintf(name, sizeof name, "%.*s", (int)(key.size - k->head), (const char *)key.data + k->head);
    json_t *agent = agent_named(k->agents, name);
    json_object_set(agent, "sees", json_object_get(document, "sees"));
    json_object_set(agent, "told", json_object_get(document, "told"));
    json_decref(document);
    return true;
}

static bool add_device(void *context, struct kv_slice key, struct kv_slice value)
{
    const struct key_names *k = context;
    (void)key;
    json_t *document = json_loadb(value.data, value.size, 0, NULL);
    const char *agent = json_string_value(json_object_get(document, "agent"));
    if (agent)
        json_array_append(json_object_get(agent_named(k->agents, agent), "devices"), json_object_get(document, "name"));
    json_decref(document);
    return true;
}

static enum lathe_status find_stored(struct app *app, json_t *agents, struct lathe_error *err)
{
    struct kv_txn *txn;
    struct key_names k = {.agents = agents, .head = strlen("agent/")};
    enum lathe_status st = kv_read_begin(app->kv, &txn, err);
    if (st) return st;
    st = kv_scan(txn, "agent/", NULL, add_teller, &k, err);
    if (!st) st = kv_scan(txn, "device/", NULL, add_device, &k, err);
    kv_read_end(txn);
    return st;
}

static void add_seen(struct app *app, json_t *agents)
{
    json_t *seen = jobs_agents(app->jobs);
    const char *name;
    json_t *at;
    json_object_foreach(seen, name, at)
    {
        json_t *agent = agent_named(agents, name);
        json_object_set(agent, "online", json_object_get(at, "online"));
        json_object_set_new(agent, "last_seen", time_json(json_integer_value(json_object_get(at, "last_seen_ms"))));
    }
    json_decref(seen);
}

enum lathe_status agent_read(struct app *app, const char *name, json_t **out, struct lathe_error *err)
{
    json_t *agents = json_object();
    enum lathe_status st = find_stored(app, agents, err);
    if (!st) add_seen(app, agents);
    json_t *agent = json_object_get(agents, name);
    if (!st && !agent) st = error_set(err, LATHE_NOT_FOUND, "no agent %s", name);
    if (!st) *out = json_incref(agent);
    json_decref(agents);
    return st;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void reply_agents(struct http_request *request, json_t *agents, const char *after, size_t limit)
{
    size_t n = 0;
    const char *next = "";
    const char *name;
    json_t *agent;
    json_t *items = json_array();
    const char **names = malloc((json_object_size(agents) + 1) * sizeof *names);
    if (!names) {
        json_decref(items);
        http_reply_problem(request, 500, NULL, NULL, "out of memory");
        return;
    }
    json_object_foreach(agents, name, agent)
    {
        names[n++] = name;
    }
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        if (after && strcmp(names[i], after) <= 0) continue;
        if (json_array_size(items) == limit) {
            next = names[i - 1];
            break;
        }
        json_array_append(items, json_object_get(agents, names[i]));
    }
    http_reply_json(request, 200, page_json(items, next));
    free(names);
}

/* Those that told something, that devices name, or that were heard of. */
static enum http_outcome list_agents(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    const char *after;
    size_t limit;
    if (!page_params(request, &limit, &after)) return HTTP_DONE;
    json_t *agents = json_object();
    enum lathe_status st = find_stored(app, agents, &err);
    if (st) fail(request, &err);
    else {
        add_seen(app, agents);
        reply_agents(request, agents, after, limit);
    }
    json_decref(agents);
    return HTTP_DONE;
}

const struct http_route agent_routes[] = {
    {"GET", "/v1/agents", ROLES_PEOPLE, POOL_QUICK, 0, list_agents},
    {"PUT", "/v1/agents/{agent}/sees", ROLE_AGENT | ROLE_ADMIN, POOL_QUICK, SEES_BYTES, put_sees},
    {0},
};
