/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/port_scan.h"

#include <stdbool.h>
#include <string.h>

#include "agents/transport/mlperf_tiny.h"
#include "agents/transport/serial.h"
#include "agents/transport/session.h"

/* A board that was reset by opening its port needs a second or two, with a boot loader that waits first. */
enum { HELLO_MS = 4000, NAME_MS = 2000 };

static json_t *text(const char *from)
{
    json_t *value = from && from[0] ? json_string(from) : NULL;
    return value ? value : json_null();
}

static json_t *answer_new(const char *protocol, const char *name, json_t *take_detail, const char *device)
{
    return json_pack("{s:s?,s:o,s:o,s:s?}", "protocol", protocol, "name", text(name), "detail", take_detail, "device",
                     device);
}

static json_t *describe_board(const struct session *s)
{
    const struct session_board *b = session_board(s);
    if (!b) return answer_new("lathe", session_runner(s), text(session_runner(s)), NULL);
    return answer_new("lathe", b->board,
                      json_sprintf("%s, %s at %u MHz%s, %u KB SRAM, %u KB flash", session_runner(s), b->core,
                                   b->core_hz / 1000000, b->emulated ? " (emulated)" : "", b->sram_bytes / 1024,
                                   b->flash_bytes / 1024),
                      NULL);
}

static json_t *describe_model(const struct mlperf_tiny *t)
{
    const char *model = mlperf_tiny_model(t);
    return answer_new("mlperf-tiny", mlperf_tiny_name(t), model[0] ? json_sprintf("model %s", model) : json_null(),
                      NULL);
}

static json_t *ask_port(const struct transport_options *o)
{
    const struct transport *serial = transport_find("serial");
    const struct session_options options = {.hello_ms = HELLO_MS, .transport = o};
    struct lathe_error why = {0};
    struct session *s = NULL;
    struct mlperf_tiny *t = NULL;
    enum lathe_status st = session_greet(serial, NULL, &options, &s, &why);
    json_t *answer = NULL;
    if (!st) {
        answer = describe_board(s);
        session_close(s);
    } else if (st == LATHE_TIMEOUT && !mlperf_tiny_open(serial, o, NAME_MS, &t, NULL)) {
        answer = describe_model(t);
        mlperf_tiny_close(t);
    } else answer = answer_new(NULL, NULL, text(st == LATHE_TIMEOUT ? "nothing answers" : why.message), NULL);
    return answer;
}

/* The device that is registered at a port; NULL: none. */
static const char *device_at(const json_t *registered, const char *port)
{
    char here[PORT_PATH_BYTES];
    char there[PORT_PATH_BYTES];
    size_t i;
    const json_t *r;
    if (serial_find(port, here, NULL)) return NULL;
    json_array_foreach(registered, i, r)
    {
        const char *name = json_string_value(json_object_get(r, "port"));
        if (name && !serial_find(name, there, NULL) && strcmp(here, there) == 0)
            return json_string_value(json_object_get(r, "device"));
    }
    return NULL;
}

/* Ports that nobody lists, terminals of programs and of the network among them, are asked when they are named. */
static void add_named(json_t *ports, const json_t *asked)
{
    size_t i;
    const json_t *name;
    json_array_foreach(json_object_get(asked, "ports"), i, name)
    {
        bool listed = false;
        size_t k;
        const json_t *port;
        json_array_foreach(ports, k, port) listed = listed || json_equal(json_object_get(port, "port"), name);
        if (!listed)
            json_array_append_new(
                ports, json_pack("{s:O,s:n,s:n,s:n,s:n}", "port", name, "description", "vid", "pid", "serial"));
    }
}

json_t *port_scan(json_t *ports, const json_t *asked, const atomic_int *stop)
{
    size_t i;
    json_t *port;
    add_named(ports, asked);
    json_array_foreach(ports, i, port)
    {
        struct transport_options o = {.line = {.baud = (int)json_integer_value(json_object_get(asked, "baud"))},
                                      .stop = stop};
        o.line.port = json_string_value(json_object_get(port, "port"));
        if (stop && atomic_load(stop)) {
            json_decref(ports);
            return NULL;
        }
        if (!o.line.port) continue;
        const char *device = device_at(json_object_get(asked, "registered"), o.line.port);
        json_t *answer =
            device ? answer_new(NULL, NULL, text("not asked: a device is registered here"), device) : ask_port(&o);
        json_object_set_new(port, "answer", answer);
    }
    return ports;
}
