/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/target.h"

#include <string.h>

#include "agents/transport/ssh.h"
#include "lut/base/cpus.h"
#include "lut/base/json.h"
#include "lut/base/port.h"

/* How long a device may be away before its lease is given back as failed. */
enum { PATIENCE_S = 60, VISIT_MOST_S = 3600 };

static void read_ssh(struct json_fields *f, struct target *t)
{
    int64_t port = 0;
    json_get_string(f, "destination", JSON_REQUIRED, &t->options.destination);
    json_get_int(f, "port", JSON_OPTIONAL, 1, 65535, &port);
    t->options.port = (int)port;
    if (!f->status && !ssh_is_destination(t->options.destination))
        f->status =
            error_field(f->err, "destination", "destination must be [USER@]HOST of letters, digits and . _ : -");
}

static void read_serial(struct json_fields *f, struct target *t)
{
    static const char *const flows[] = {"none", "rtscts", "xonxoff", NULL};
    static const char *const resets[] = {"none", "dtr", "rts", NULL};
    static const char *const protocols[] = {"lathe", "mlperf-tiny", NULL};
    struct serial_line *line = &t->options.line;
    int64_t baud = SERIAL_BAUD_DEFAULT;
    int64_t visit_s = 0;
    int flow = 0;
    int reset = 0;
    int protocol = 0;
    json_get_string(f, "port", JSON_REQUIRED, &line->port);
    json_get_int(f, "baud", JSON_OPTIONAL, SERIAL_BAUD_LEAST, SERIAL_BAUD_MOST, &baud);
    json_get_word(f, "flow", JSON_OPTIONAL, flows, &flow);
    json_get_word(f, "reset", JSON_OPTIONAL, resets, &reset);
    json_get_word(f, "protocol", JSON_OPTIONAL, protocols, &protocol);
    json_get_int(f, "visit_s", JSON_OPTIONAL, 1, VISIT_MOST_S, &visit_s);
    line->baud = (int)baud;
    line->flow = (enum serial_flow)flow;
    line->reset = (enum serial_reset)reset;
    t->protocol = (enum target_protocol)protocol;
    t->visit_s = (int)visit_s;
    if (!f->status && !port_is_name(line->port))
        f->status = error_field(f->err, "port", "port must be a path or usb:VID:PID[:SERIAL]");
}

/* What devices have whose processors run a program. */
static void read_conditions(struct json_fields *f, struct target *t)
{
    cpu_set_t set;
    int64_t khz = 0;
    json_get_string(f, "cpus", JSON_OPTIONAL, &t->options.cpus);
    json_get_string(f, "governor", JSON_OPTIONAL, &t->governor);
    json_get_int(f, "khz", JSON_OPTIONAL, 1, UINT32_MAX, &khz);
    json_get_number(f, "cool_below_c", JSON_OPTIONAL, 0, 150, &t->cool_below_c);
    t->khz = (uint32_t)khz;
    if (!f->status && t->options.cpus) f->status = cpus_parse(t->options.cpus, &set, f->err);
}

static enum lathe_status read_options(const json_t *transport, const char *type, struct target *t,
                                      struct lathe_error *err)
{
    struct json_fields f;
    json_fields_begin(&f, transport, err);
    json_allow(&f, "type");
    if (strcmp(type, "serial") == 0) read_serial(&f, t);
    else read_conditions(&f, t);
    if (strcmp(type, "ssh") == 0) read_ssh(&f, t);
    enum lathe_status st = json_fields_end(&f);
    if (st) error_in_field(err, "device.transport");
    return st;
}

enum lathe_status target_find(const struct agent_config *config, const char *device, const json_t *transport,
                              const char *runtime, struct target *out, struct lathe_error *err)
{
    const char *type = json_string_value(json_object_get(transport, "type"));
    struct target t = {.transport = type ? transport_find(type) : NULL};
    if (!t.transport)
        return error_set(err, LATHE_UNSUPPORTED, "this agent can't reach devices by %.40s", type ? type : "nothing");
    bool own = strcmp(type, "local") == 0; /* others bring the runner, or are one */
    enum lathe_status st = read_options(transport, type, &t, err);
    if (st) return st;
    const char *cpus = agent_config_cpus(config, device);
    if (cpus) t.options.cpus = cpus;
    t.options.ssh_config = config->ssh_config;
    t.options.bundles = config->bundles;
    t.options.patience_s = PATIENCE_S;
    t.argv = agent_config_program(config, device, runtime);
    *out = t;
    if (t.argv || !own) return LATHE_OK;
    out->own[0] = config->runner;
    out->own[1] = "serve";
    out->argv = out->own;
    return LATHE_OK;
}
