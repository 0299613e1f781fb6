/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/target.h"

#include <string.h>

#include "agents/transport/ssh.h"
#include "lut/base/cpus.h"
#include "lut/base/json.h"

/* How long a device may be away before its lease is given back as failed. */
enum { PATIENCE_S = 60 };

static enum lathe_status read_options(const json_t *transport, bool ssh, struct transport_options *o,
                                      struct lathe_error *err)
{
    struct json_fields f;
    int64_t port = 0;
    cpu_set_t set;
    json_fields_begin(&f, transport, err);
    json_allow(&f, "type");
    json_get_string(&f, "cpus", JSON_OPTIONAL, &o->cpus);
    if (ssh) {
        json_get_string(&f, "destination", JSON_REQUIRED, &o->destination);
        json_get_int(&f, "port", JSON_OPTIONAL, 1, 65535, &port);
    }
    o->port = (int)port;
    enum lathe_status st = json_fields_end(&f);
    if (!st && o->cpus) st = cpus_parse(o->cpus, &set, err);
    if (!st && ssh && !ssh_is_destination(o->destination))
        st = error_field(err, "destination", "destination must be [USER@]HOST of letters, digits and . _ : -");
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
    bool ssh = strcmp(type, "ssh") == 0;
    enum lathe_status st = read_options(transport, ssh, &t.options, err);
    if (st) return st;
    const char *cpus = agent_config_cpus(config, device);
    if (cpus) t.options.cpus = cpus;
    t.options.ssh_config = config->ssh_config;
    t.options.bundles = config->bundles;
    t.options.patience_s = PATIENCE_S;
    t.argv = agent_config_program(config, device, runtime);
    *out = t;
    if (t.argv || ssh) return LATHE_OK;
    out->own[0] = config->runner;
    out->own[1] = "serve";
    out->argv = out->own;
    return LATHE_OK;
}
