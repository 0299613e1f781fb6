/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Published networks as a device runs them: the last measurement of each. */
#include <string.h>

#include "server/routes/networks.h"
#include "server/routes/tables.h"
#include "server/store/store.h"

/* The network that a measurement timed, by its layers; a subnet may be a published network, too. */
static bool measured_id(const struct app *app, const json_t *job, char id[NETWORK_ID_BYTES])
{
    const char *known = json_string_value(json_object_get(json_object_get(job, "network"), "id"));
    struct asked_network asked;
    json_t *subnet = json_object_get(job, "subnet");
    if (known) {
        snprintf(id, NETWORK_ID_BYTES, "%s", known);
        return true;
    }
    json_t *request = subnet ? json_pack("{s:O}", "subnet", subnet) : NULL;
    bool read = request && asked_network_read(app, request, &asked, NULL) == LATHE_OK;
    json_decref(request);
    if (!read) return false; /* its space is another one now */
    network_id(&asked.network, id);
    json_decref(asked.what);
    return true;
}

/* Keep a measurement under its network's id in place of an older one. */
static void note(const struct app *app, json_t *latest, json_t *job)
{
    char id[NETWORK_ID_BYTES];
    if (!json_is_number(json_object_get(job, "latency_ms")) || !measured_id(app, job, id)) return;
    const char *updated = json_string_value(json_object_get(job, "updated"));
    const char *before = json_string_value(json_object_get(json_object_get(latest, id), "updated"));
    if (!before || strcmp(updated, before) >= 0) json_object_set(latest, id, job);
}

/* The last measurements on a device with a config, by network's id. @param[out] latest new reference. */
static enum lathe_status find_latest(const struct app *app, const struct job_filter *filter, json_t **latest,
                                     struct lathe_error *err)
{
    enum { AT_ONCE = 200 };
    char next[65] = "";
    json_t *found = json_object();
    do {
        char after[65];
        json_t *list = NULL;
        size_t i;
        json_t *job;
        memcpy(after, next, sizeof after);
        enum lathe_status st =
            jobs_list(app->jobs, "measurement", filter, after[0] ? after : NULL, AT_ONCE, &list, next, err);
        if (st) {
            json_decref(found);
            return st;
        }
        json_array_foreach(list, i, job)
        {
            note(app, found, job);
        }
        json_decref(list);
    } while (next[0]);
    *latest = found;
    return LATHE_OK;
}

static json_t *item_json(const struct network_entry *e, json_t *job)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:f, s:f, s:f, s:O, s:O, s:O, s:O}", "network", e->name, "title", e->title,
                     "family", e->family, "resolution", e->resolution, "top1", e->top1, "macs_m",
                     (double)network_macs(&e->network) / 1e6, "params_m", (double)network_params(&e->network) / 1e6,
                     "latency_ms", json_object_get(job, "latency_ms"), "latency_ms_range",
                     json_object_get(job, "latency_ms_range"), "measured", json_object_get(job, "updated"),
                     "measurement", json_object_get(job, "id"));
}

static void reply_measured(struct http_request *request, const struct networks *networks, const json_t *latest,
                           const char *after, size_t limit)
{
    const char *next = "";
    json_t *items = json_array();
    for (size_t i = 0; i < networks_count(networks); i++) {
        const struct network_entry *entry = networks_at(networks, i);
        json_t *job = json_object_get(latest, entry->id);
        if (!job || (after && strcmp(entry->name, after) <= 0)) continue;
        if (json_array_size(items) == limit) {
            next = json_string_value(json_object_get(json_array_get(items, limit - 1), "network"));
            break;
        }
        json_array_append_new(items, item_json(entry, job));
    }
    http_reply_json(request, 200, page_json(items, next));
}

/* Networks are measured without a table, so the device is what must be there. */
static enum http_outcome list_measured(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    const struct job_filter filter = {http_param(request, "device"), http_param(request, "config"), NULL};
    json_t *device = NULL;
    json_t *latest = NULL;
    const char *after;
    size_t limit;
    if (!page_params(request, &limit, &after)) return HTTP_DONE;
    enum lathe_status st = store_read(app->kv, "device", filter.device, &device, &err);
    json_decref(device);
    if (!st) st = find_latest(app, &filter, &latest, &err);
    if (st) return fail(request, &err);
    reply_measured(request, app->networks, latest, after, limit);
    json_decref(latest);
    return HTTP_DONE;
}

const struct http_route table_network_routes[] = {
    {"GET", "/v1/tables/{device}/{config}/networks", ROLES_ANY, POOL_SEARCH, 0, list_measured},
    {0},
};
