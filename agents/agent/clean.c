/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/clean.h"

#include <stdio.h>
#include <string.h>

#include "agents/agent/target.h"
#include "agents/transport/ssh.h"
#include "lut/base/json.h"

enum { TTL_MAX_S = 86400 };

bool clean_lease_is(const json_t *document)
{
    const char *kind = json_string_value(json_object_get(document, "kind"));
    return kind && strcmp(kind, "clean") == 0;
}

static enum lathe_status parse_device(const json_t *device, struct clean_lease *out, struct lathe_error *err)
{
    struct json_fields f;
    json_fields_begin(&f, device, err);
    json_get_name(&f, "name", JSON_REQUIRED, &out->device);
    json_get_object(&f, "transport", JSON_REQUIRED, &out->transport);
    enum lathe_status st = json_fields_end(&f);
    if (st) error_in_field(err, "device");
    return st;
}

enum lathe_status clean_lease_parse(const json_t *document, struct clean_lease *out, struct lathe_error *err)
{
    struct clean_lease lease = {0};
    struct json_fields f;
    const char *id = NULL;
    const char *job = NULL;
    const json_t *device = NULL;
    int64_t ttl_s = 0;
    json_fields_begin(&f, document, err);
    json_allow(&f, "kind");
    json_get_name(&f, "id", JSON_REQUIRED, &id);
    json_get_int(&f, "fence", JSON_REQUIRED, 1, INT64_MAX, &lease.fence);
    json_get_int(&f, "ttl_s", JSON_REQUIRED, 1, TTL_MAX_S, &ttl_s);
    json_get_name(&f, "job", JSON_REQUIRED, &job);
    json_get_object(&f, "device", JSON_REQUIRED, &device);
    enum lathe_status st = json_fields_end(&f);
    if (!st && strlen(id) >= sizeof lease.id) st = error_field(err, "id", "id is too long");
    if (!st) st = parse_device(device, &lease, err);
    if (st) return st;
    snprintf(lease.id, sizeof lease.id, "%s", id);
    lease.ttl_s = (int)ttl_s;
    *out = lease;
    return LATHE_OK;
}

enum lathe_status clean_device(const struct agent_config *config, const struct clean_lease *lease,
                               const atomic_int *stop, uint64_t *freed_kb, struct lathe_error *err)
{
    struct target target;
    enum lathe_status st = target_find(config, lease->device, lease->transport, "", &target, err);
    if (st) return st;
    target.options.stop = stop;
    *freed_kb = 0;
    return strcmp(target.transport->name, "ssh") == 0 ? ssh_clean(&target.options, freed_kb, err) : LATHE_OK;
}
