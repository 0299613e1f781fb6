/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Networks as once-for-all writes them. */
#include "server/routes/networks.h"

#include <stdlib.h>

enum { BODY_BYTES = 256 * 1024 };

static const char net_config_type[] = "application/vnd.ofa.net-config+json";
const char *const network_media[] = {"application/json", net_config_type, NULL};
/* Of a route that has nothing else to give: both are the same document. */
static const char *const own_media[] = {net_config_type, "application/json", NULL};

enum http_outcome reply_net_config(struct http_request *request, const struct layer *layers, int count,
                                   const char *media_type)
{
    struct lathe_error err = {0};
    json_t *document = NULL;
    if (net_config_write(layers, count, &document, &err)) return fail(request, &err);
    /* Once-for-all keeps it elsewhere and passes over it here; Lathe reads it back. */
    json_object_set_new(document, "resolution", json_integer(layers[0].in.h));
    char *text = json_dumps(document, JSON_INDENT(2));
    json_decref(document);
    if (text) http_reply_text(request, 200, media_type, text);
    else http_reply_problem(request, 500, NULL, NULL, "out of memory");
    free(text);
    return HTTP_DONE;
}

static enum http_outcome make_net_config(struct http_request *request)
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
    json_decref(asked.what);
    return reply_net_config(request, asked.network.layers, asked.network.count, own_media[http_chosen(request)]);
}

const struct http_produces net_config_produces = {make_net_config, own_media};

const struct http_route net_config_routes[] = {
    {"POST", "/v1/net-configs", ROLES_PEOPLE, POOL_QUICK, BODY_BYTES, make_net_config},
    {0},
};
