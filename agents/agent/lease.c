/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/json.h"
#include "lut/base/text.h"

/* Bounds of what a server may ask for. */
enum {
    NETWORKS_MAX = 4096,
    VISITS_MAX = 100000,
    LAYERS_MAX = 256,
    WARM_MS_MAX = 10000,
    REPEATS_MAX = 1000,
    TTL_MAX_S = 86400,
    EVERY_MAX_MS = 3600000
};

static enum lathe_status parse_layer(const json_t *text, size_t at, struct layer *out, struct lathe_error *err)
{
    char field[32];
    snprintf(field, sizeof field, "layers[%zu]", at);
    if (!json_is_string(text)) return error_field(err, field, "%s must be a string", field);
    enum lathe_status st = layer_parse(json_string_value(text), out, err);
    if (st) error_in_field(err, field);
    return st;
}

/* Boards with a model of their own are told no layers. */
static bool has_model(const struct lease *lease)
{
    const char *protocol = json_string_value(json_object_get(lease->transport_options, "protocol"));
    return protocol && strcmp(protocol, "mlperf-tiny") == 0;
}

static enum lathe_status parse_network(const json_t *document, const struct lease *lease, struct lease_network *out,
                                       struct lathe_error *err)
{
    struct json_fields f;
    int64_t number = 0;
    const json_t *layers = NULL;
    json_fields_begin(&f, document, err);
    json_get_int(&f, "network", JSON_REQUIRED, 0, INT32_MAX, &number);
    json_get_array(&f, "layers", JSON_REQUIRED, has_model(lease) ? 0 : 1, LAYERS_MAX, &layers);
    enum lathe_status st = json_fields_end(&f);
    if (st) return st;
    size_t n = json_array_size(layers);
    out->network = (int)number;
    out->layers = calloc(n + 1, sizeof *out->layers);
    if (!out->layers) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (size_t i = 0; !st && i < n; i++) st = parse_layer(json_array_get(layers, i), i, &out->layers[i], err);
    out->layer_count = (int)n;
    return st;
}

static enum lathe_status parse_visit(const json_t *document, const struct lease *lease, struct lease_visit *out,
                                     struct lathe_error *err)
{
    struct json_fields f;
    int64_t visit = 0;
    int64_t network = 0;
    json_fields_begin(&f, document, err);
    json_get_int(&f, "visit", JSON_REQUIRED, 0, INT32_MAX, &visit);
    json_get_int(&f, "network", JSON_REQUIRED, 0, INT32_MAX, &network);
    enum lathe_status st = json_fields_end(&f);
    if (st) return st;
    *out = (struct lease_visit){.visit = (int)visit, .network = (int)network};
    if (!lease_network(lease, out->network))
        return error_field(err, "network", "the lease does not describe network %d", out->network);
    return LATHE_OK;
}

const struct lease_network *lease_network(const struct lease *lease, int network)
{
    for (int i = 0; i < lease->network_count; i++) {
        if (lease->networks[i].network == network) return &lease->networks[i];
    }
    return NULL;
}

static enum lathe_status in_item(enum lathe_status st, const char *list, size_t i, struct lathe_error *err)
{
    char prefix[32];
    snprintf(prefix, sizeof prefix, "%s[%zu]", list, i);
    if (st) error_in_field(err, prefix);
    return st;
}

static enum lathe_status parse_lists(const json_t *networks, const json_t *visits, struct lease *out,
                                     struct lathe_error *err)
{
    size_t n = json_array_size(networks);
    size_t m = json_array_size(visits);
    enum lathe_status st = LATHE_OK;
    out->networks = calloc(n, sizeof *out->networks);
    out->visits = calloc(m, sizeof *out->visits);
    if (!out->networks || !out->visits) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    out->network_count = (int)n;
    for (size_t i = 0; !st && i < n; i++)
        st = in_item(parse_network(json_array_get(networks, i), out, &out->networks[i], err), "networks", i, err);
    out->visit_count = (int)m;
    for (size_t i = 0; !st && i < m; i++)
        st = in_item(parse_visit(json_array_get(visits, i), out, &out->visits[i], err), "visits", i, err);
    return st;
}

static enum lathe_status parse_device(const json_t *document, struct lease *out, struct lathe_error *err)
{
    struct json_fields f;
    const char *name = NULL;
    const json_t *transport = NULL;
    json_fields_begin(&f, document, err);
    json_get_name(&f, "name", JSON_REQUIRED, &name);
    json_get_object(&f, "transport", JSON_REQUIRED, &transport);
    enum lathe_status st = json_fields_end(&f);
    const char *type = json_string_value(json_object_get(transport, "type"));
    if (!st && (!type || strlen(type) >= sizeof out->transport))
        st = error_field(err, "transport.type", "transport.type must name a transport");
    if (st) {
        error_in_field(err, "device");
        return st;
    }
    snprintf(out->device, sizeof out->device, "%s", name);
    snprintf(out->transport, sizeof out->transport, "%s", type);
    out->transport_options = json_deep_copy(transport);
    return LATHE_OK;
}

static enum lathe_status parse_sentinel(const json_t *document, struct lease *out, struct lathe_error *err)
{
    struct json_fields f;
    int64_t network = 0;
    int64_t warmup = 0;
    int64_t runs = 0;
    int64_t every_ms = 0;
    int64_t block_every_ms = 0;
    out->sentinel.network = -1;
    if (!document) return LATHE_OK;
    json_fields_begin(&f, document, err);
    json_get_int(&f, "network", JSON_REQUIRED, 0, INT32_MAX, &network);
    json_get_int(&f, "warmup", JSON_REQUIRED, 0, REPEATS_MAX, &warmup);
    json_get_int(&f, "runs", JSON_REQUIRED, 1, REPEATS_MAX, &runs);
    json_get_int(&f, "every_ms", JSON_REQUIRED, 1, EVERY_MAX_MS, &every_ms);
    json_get_int(&f, "block_every_ms", JSON_OPTIONAL, 1, EVERY_MAX_MS, &block_every_ms);
    enum lathe_status st = json_fields_end(&f);
    if (!st && !lease_network(out, (int)network))
        st = error_field(err, "network", "the lease does not describe network %d", (int)network);
    if (st) {
        error_in_field(err, "sentinel");
        return st;
    }
    out->sentinel = (struct lease_sentinel){(int)network, (int)warmup, (int)runs, (int)every_ms, (int)block_every_ms};
    if (!block_every_ms) out->sentinel.block_every_ms = (int)every_ms;
    return LATHE_OK;
}

/* Copy a name that fits. @param f its field is at fault otherwise. */
static void copy_name(struct json_fields *f, const char *field, const char *text, char *out, size_t out_bytes)
{
    if (f->status || !text) return;
    if (strlen(text) >= out_bytes) f->status = error_field(f->err, field, "%s is too long", field);
    else memcpy(out, text, strlen(text) + 1);
}

enum lathe_status lease_parse(const json_t *document, struct lease *out, struct lathe_error *err)
{
    static const char *const kinds[] = {"profile", "measurement", NULL};
    struct json_fields f;
    struct lease lease = {0};
    const char *id = NULL;
    const char *job = NULL;
    const char *config = NULL;
    const json_t *device = NULL;
    const json_t *networks = NULL;
    const json_t *visits = NULL;
    const json_t *sentinel = NULL;
    int64_t ttl_s = 0;
    int64_t warmup = 0;
    int64_t runs = 0;
    int64_t warm_ms = 0;
    int kind = 0;
    json_fields_begin(&f, document, err);
    json_get_name(&f, "id", JSON_REQUIRED, &id);
    json_get_int(&f, "fence", JSON_REQUIRED, 1, INT64_MAX, &lease.fence);
    json_get_int(&f, "ttl_s", JSON_REQUIRED, 1, TTL_MAX_S, &ttl_s);
    json_get_word(&f, "kind", JSON_REQUIRED, kinds, &kind);
    json_get_name(&f, "job", JSON_REQUIRED, &job);
    json_get_object(&f, "device", JSON_REQUIRED, &device);
    json_get_name(&f, "config", JSON_REQUIRED, &config);
    json_get_bool(&f, "per_layer", JSON_REQUIRED, &lease.per_layer);
    json_get_int(&f, "warmup", JSON_REQUIRED, 0, REPEATS_MAX, &warmup);
    json_get_int(&f, "runs", JSON_REQUIRED, 1, REPEATS_MAX, &runs);
    json_get_int(&f, "warm_ms", JSON_OPTIONAL, 0, WARM_MS_MAX, &warm_ms);
    json_get_array(&f, "networks", JSON_REQUIRED, 1, NETWORKS_MAX, &networks);
    json_get_array(&f, "visits", JSON_REQUIRED, 1, VISITS_MAX, &visits);
    json_get_object(&f, "sentinel", JSON_OPTIONAL, &sentinel);
    copy_name(&f, "id", id, lease.id, sizeof lease.id);
    copy_name(&f, "job", job, lease.job, sizeof lease.job);
    copy_name(&f, "config", config, lease.config, sizeof lease.config);
    enum lathe_status st = json_fields_end(&f);
    if (st) return st;
    lease.ttl_s = (int)ttl_s;
    lease.warmup = (int)warmup;
    lease.runs = (int)runs;
    lease.warm_ms = (int)warm_ms;
    st = parse_device(device, &lease, err);
    if (!st) st = parse_lists(networks, visits, &lease, err);
    if (!st) st = parse_sentinel(sentinel, &lease, err);
    if (st) lease_clear(&lease);
    else *out = lease;
    return st;
}

void lease_clear(struct lease *lease)
{
    for (int i = 0; i < lease->network_count; i++) free(lease->networks[i].layers);
    free(lease->networks);
    free(lease->visits);
    json_decref(lease->transport_options);
    *lease = (struct lease){0};
}
