/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What is decided before a request's body is read. */
#include <stdio.h>
#include <string.h>

#include "lut/base/text.h"
#include "server/http/internal.h"

bool body_announced_over(struct http_request *r, uint64_t most)
{
    const char *length = http_header(r, "Content-Length");
    uint64_t bytes;
    return length && text_to_u64(length, strlen(length), &bytes) && bytes > most;
}

void reply_too_large(struct http_request *r)
{
    http_reply_problem(r, 413, NULL, NULL, "the body is larger than %zu bytes", r->route->max_body_bytes);
}

static const char *const *produces(const struct http_request *r)
{
    static const char *const json[] = {"application/json", NULL};
    for (const struct http_produces *const *p = r->server->options.produces; p && *p; p++)
        if ((*p)->handle == r->route->handle) return (*p)->types;
    return json;
}

/* What monitors ask is answered whatever they accept; and what is deleted leaves nothing to accept. */
static bool produces_what_is_accepted(struct http_request *r)
{
    r->chosen = accept_choose(http_header(r, "Accept"), produces(r));
    if (!r->route->roles || strcmp(r->method, "DELETE") == 0) return true;
    return r->chosen >= 0;
}

static void reply_not_acceptable(struct http_request *r)
{
    struct buf types;
    buf_init(&types);
    for (const char *const *type = produces(r); *type; type++)
        buf_printf(&types, "%s%s", types.size ? ", " : "", *type);
    http_reply_problem(r, 406, NULL, NULL, "Accept must allow one of: %s", types.data ? types.data : "");
    buf_clear(&types);
}

void arrive(struct http_request *r)
{
    char allow[HTTP_ALLOW_BYTES];
    const char *question = strchr(r->path, '?');
    bool readable = !question || query_parse(question + 1, r->query, &r->query_count);
    if (question) {
        r->path[question - r->path] = '\0';
        r->query_text = question + 1;
    }
    r->route = router_find(r->server->options.routes, r->method, r->path, r->params, &r->param_count, allow);
    if (!r->route && !allow[0] && static_serves(r)) r->route = &static_route;
    if (r->route) r->route_number = router_number(r->server->options.routes, r->route);
    if (cors_preflight(r)) return;
    if (!readable) {
        http_reply_problem(r, 400, NULL, NULL,
                           "the query can't be read: it has a broken escape or too many parameters");
    } else if (!r->route && allow[0]) {
        http_reply_header(r, "Allow", allow);
        http_reply_problem(r, 405, NULL, NULL, "%s has no %s; it has %s", r->path, r->method, allow);
    } else if (!r->route) {
        http_reply_problem(r, 404, NULL, NULL, "there is nothing at %.200s", r->path);
    } else if (authorise(r)) {
        if (!produces_what_is_accepted(r)) reply_not_acceptable(r);
        else if (body_announced_over(r, r->route->max_body_bytes)) reply_too_large(r);
    }
}
