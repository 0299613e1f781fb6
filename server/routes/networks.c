/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Published networks, and the layers of any network. */
#include "server/routes/networks.h"

#include <string.h>

enum { BODY_BYTES = 256 * 1024 };

_Static_assert((int)NETWORK_MAX_LAYERS >= (int)SPACE_MAX_SLOTS, "every subnet is a network");

/* ---- the network that a request is about ---- */

static const char *const asked_fields[] = {"subnet", "network", "resolution"};

void asked_network_allow(struct json_fields *f)
{
    for (size_t i = 0; i < sizeof asked_fields / sizeof asked_fields[0]; i++) json_allow(f, asked_fields[i]);
}

static enum lathe_status read_subnet(const struct app *app, const json_t *document, struct asked_network *out,
                                     struct lathe_error *err)
{
    struct subnet s;
    if (!json_is_object(document)) return error_field(err, "subnet", "subnet must be an object");
    const char *id = json_string_value(json_object_get(document, "space"));
    if (!id) return error_field(err, "subnet.space", "subnet.space must name the subnet's space");
    const struct space *space = catalog_find(app->spaces, id);
    if (!space) return error_field(err, "subnet.space", "there is no space %s", id);
    enum lathe_status st = subnet_from_json(space, document, &s, err);
    if (st) {
        error_in_field(err, "subnet");
        return st;
    }
    out->network.count = space_lower(space, &s, out->network.layers);
    out->what = json_pack("{s:o}", "subnet", subnet_to_json(space, &s));
    return LATHE_OK;
}

static enum lathe_status refuse_unknown(const char *name, struct lathe_error *err)
{
    error_field(err, "network", "there is no network %.64s: GET /v1/networks lists them", name);
    if (err) err->status = LATHE_NOT_FOUND;
    return LATHE_NOT_FOUND;
}

static enum lathe_status read_network(const struct app *app, const json_t *asked, int resolution,
                                      struct asked_network *out, struct lathe_error *err)
{
    const char *name = json_string_value(asked);
    const struct network_entry *entry = name ? networks_find(app->networks, name) : NULL;
    char id[NETWORK_ID_BYTES];
    if (!name && !json_is_object(asked))
        return error_field(err, "network", "network must be a name, or an object: a net.config, or {\"layers\":[..]}");
    if (name && !entry) return refuse_unknown(name, err);
    enum lathe_status st;
    if (entry && resolution) st = network_read_lines(entry->lines, resolution, &out->network, err);
    else if (entry) {
        out->network = entry->network;
        st = LATHE_OK;
    } else st = network_parse(asked, resolution, &out->network, err);
    if (st) {
        error_in_field(err, "network");
        return st;
    }
    network_id(&out->network, id);
    if (!name) name = json_string_value(json_object_get(asked, "name"));
    out->what =
        json_pack("{s:{s:s?,s:i,s:s}}", "network", "name", name, "resolution", out->network.layers[0].in.h, "id", id);
    return LATHE_OK;
}

/* A field that is absent or null is not there. */
static const json_t *given(const json_t *request, const char *name)
{
    const json_t *value = json_object_get(request, name);
    return json_is_null(value) ? NULL : value;
}

enum lathe_status asked_network_read(const struct app *app, const json_t *request, struct asked_network *out,
                                     struct lathe_error *err)
{
    struct json_fields f;
    int64_t resolution = 0;
    const json_t *subnet = given(request, "subnet");
    const json_t *network = given(request, "network");
    json_fields_begin(&f, request, err);
    json_get_int(&f, "resolution", JSON_OPTIONAL, 1, NETWORK_MAX_RESOLUTION, &resolution);
    if (f.status) return f.status;
    if (!subnet == !network)
        return error_field(err, json_object_get(request, "network") ? "network" : "subnet",
                           "give either a subnet or a network");
    if (network) return read_network(app, network, (int)resolution, out, err);
    if (resolution) return error_field(err, "resolution", "a subnet says its resolution itself");
    return read_subnet(app, subnet, out, err);
}

/* ---- answers ---- */

static json_t *published_figure(double value)
{
    return value > 0 ? json_real(value) : json_null();
}

/* What is counted on the layers. */
static void add_figures(json_t *answer, const struct network *net)
{
    json_object_set_new(answer, "macs_m", json_real((double)network_macs(net) / 1e6));
    json_object_set_new(answer, "params_m", json_real((double)network_params(net) / 1e6));
    json_object_set_new(answer, "sram_kb", json_real((double)network_board_sram_bytes(net) / 1024));
    json_object_set_new(answer, "flash_kb", json_real((double)network_board_flash_bytes(net) / 1024));
}

static json_t *summary(const struct network_entry *e)
{
    json_t *answer =
        json_pack("{s:s,s:s,s:s,s:i,s:s,s:f,s:{s:o,s:o,s:o,s:o},s:s,s:s?}", "name", e->name, "title", e->title,
                  "family", e->family, "resolution", e->resolution, "id", e->id, "top1", e->top1, "published", "macs_m",
                  published_figure(e->published_macs_m), "params_m", published_figure(e->published_params_m), "sram_kb",
                  published_figure(e->published_sram_kb), "flash_kb", published_figure(e->published_flash_kb), "source",
                  e->source, "notes", e->notes);
    add_figures(answer, &e->network);
    return answer;
}

/* Layers with their figures, and what once-for-all would write of the network; null where it can't. */
static void add_layers(json_t *answer, const struct network *net)
{
    json_t *layers = json_array();
    json_t *config = NULL;
    for (int i = 0; i < net->count; i++) {
        char text[LAYER_TEXT_BYTES];
        layer_print(&net->layers[i], text);
        json_array_append_new(layers, json_pack("{s:s,s:f,s:f}", "layer", text, "macs_m",
                                                (double)layer_macs(&net->layers[i]) / 1e6, "params_m",
                                                (double)layer_params(&net->layers[i]) / 1e6));
    }
    json_object_set_new(answer, "layers", layers);
    if (net_config_write(net->layers, net->count, &config, NULL)) config = json_null();
    json_object_set_new(answer, "net_config", config);
}

static enum http_outcome list_networks(struct http_request *request)
{
    const struct app *app = http_app(request);
    size_t limit = 0;
    const char *after = NULL;
    const char *next = "";
    if (!page_params(request, &limit, &after)) return HTTP_DONE;
    json_t *items = json_array();
    for (size_t i = 0; i < networks_count(app->networks); i++) {
        const struct network_entry *entry = networks_at(app->networks, i);
        if (after && strcmp(entry->name, after) <= 0) continue;
        if (json_array_size(items) == limit) {
            next = json_string_value(json_object_get(json_array_get(items, limit - 1), "name"));
            break;
        }
        json_array_append_new(items, summary(entry));
    }
    http_reply_json(request, 200, page_json(items, next));
    return HTTP_DONE;
}

static enum http_outcome get_network(struct http_request *request)
{
    const struct app *app = http_app(request);
    const char *name = http_param(request, "network");
    const struct network_entry *entry = networks_find(app->networks, name);
    if (!refuse_query(request)) return HTTP_DONE;
    if (!entry) {
        http_reply_problem(request, 404, NULL, NULL, "no network %.64s", name);
        return HTTP_DONE;
    }
    json_t *answer = summary(entry);
    add_layers(answer, &entry->network);
    http_reply_json(request, 200, answer);
    return HTTP_DONE;
}

static enum http_outcome describe_layers(struct http_request *request)
{
    struct lathe_error err = {0};
    struct json_fields f;
    struct asked_network asked = {.what = NULL};
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    json_fields_begin(&f, body, &err);
    asked_network_allow(&f);
    enum lathe_status st = json_fields_end(&f);
    if (!st) st = asked_network_read(http_app(request), body, &asked, &err);
    if (st) return fail(request, &err);
    add_figures(asked.what, &asked.network);
    add_layers(asked.what, &asked.network);
    http_reply_json(request, 200, asked.what);
    return HTTP_DONE;
}

const struct http_route network_routes[] = {
    {"GET", "/v1/networks", ROLES_ANY, POOL_QUICK, 0, list_networks},
    {"GET", "/v1/networks/{network}", ROLES_ANY, POOL_QUICK, 0, get_network},
    {"POST", "/v1/layers", ROLES_PEOPLE, POOL_QUICK, BODY_BYTES, describe_layers},
    {0},
};
