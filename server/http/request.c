/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/json.h"
#include "server/http/internal.h"

void *http_app(struct http_request *r)
{
    return r->server->options.app;
}

const struct principal *http_principal(struct http_request *r)
{
    return &r->principal;
}

const char *http_method(struct http_request *r)
{
    return r->method;
}

const char *http_path(struct http_request *r)
{
    return r->path;
}

static const char *find(const struct http_pair *pairs, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].name, name) == 0) return pairs[i].value;
    return NULL;
}

const char *http_param(struct http_request *r, const char *name)
{
    return find(r->params, r->param_count, name);
}

const char *http_query(struct http_request *r, const char *name)
{
    return find(r->query, r->query_count, name);
}

const char *http_query_text(struct http_request *r)
{
    return r->query_text ? r->query_text : "";
}

const char *http_header(struct http_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

const void *http_body(struct http_request *r, size_t *size)
{
    *size = r->body.size;
    return r->body.data ? r->body.data : "";
}

/* "application/json", with or without parameters; "" when absent. */
static bool says_json(const char *type)
{
    static const char json[] = "application/json";
    size_t n = sizeof json - 1;
    return type && strncasecmp(type, json, n) == 0 && (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

const json_t *http_json(struct http_request *r)
{
    struct lathe_error err = {0};
    if (r->json) return r->json;
    if (!says_json(http_header(r, "Content-Type"))) {
        http_reply_problem(r, 415, NULL, NULL, "the body must be JSON: send Content-Type: application/json");
        return NULL;
    }
    if (json_parse(r->body.data ? r->body.data : "", r->body.size, &r->json, &err)) {
        http_reply_error(r, &err, NULL);
        return NULL;
    }
    if (json_is_object(r->json)) return r->json;
    http_reply_problem(r, 400, NULL, NULL, "the body must be a JSON object");
    return NULL;
}

bool http_query_int(struct http_request *r, const char *name, int64_t min, int64_t max, int64_t fallback, int64_t *out)
{
    const char *text = http_query(r, name);
    *out = fallback;
    if (!text) return true;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (!errno && end != text && !*end && text[0] != ' ' && text[0] != '+' && value >= min && value <= max) {
        *out = value;
        return true;
    }
    http_reply_problem(r, 400, name, NULL, "%s must be a whole number from %lld to %lld", name, (long long)min,
                       (long long)max);
    return false;
}

bool http_query_known(struct http_request *r, const char *const *names)
{
    for (size_t i = 0; i < r->query_count; i++) {
        size_t j = 0;
        while (names[j] && strcmp(names[j], r->query[i].name) != 0) j++;
        if (names[j]) continue;
        struct buf known;
        buf_init(&known);
        for (j = 0; names[j]; j++) buf_printf(&known, "%s%s", j ? ", " : "", names[j]);
        http_reply_problem(r, 400, r->query[i].name, NULL, "%.60s is not a known query parameter; known are: %s",
                           r->query[i].name, known.data ? known.data : "none");
        buf_clear(&known);
        return false;
    }
    return true;
}

int http_chosen(struct http_request *r)
{
    return r->chosen;
}

/* Peeking at the socket would not do: a client that sent more before it went (the end of TLS, a next request) has left
 * bytes to read. */
bool http_abandoned(struct http_request *r)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (!info) return true;
    struct pollfd peer = {.fd = info->connect_fd, .events = POLLRDHUP};
    return poll(&peer, 1, 0) > 0;
}

bool http_unwanted(struct http_request *r)
{
    return atomic_load(&r->server->stopping) || http_abandoned(r);
}

void http_get_stats(struct http_request *r, struct http_stats *out)
{
    for (int i = 0; i < 6; i++) out->answers[i] = atomic_load(&r->server->answers[i]);
    pthread_mutex_lock(&r->server->lock);
    out->running = r->server->running;
    pthread_mutex_unlock(&r->server->lock);
}

void http_each_route(struct http_request *r,
                     void (*visit)(void *, const struct http_route *, const uint64_t answers[6]), void *context)
{
    const struct http_server *server = r->server;
    size_t number = 0;
    for (const struct http_route *const *table = server->options.routes; *table; table++) {
        for (const struct http_route *route = *table; route->method; route++, number++) {
            uint64_t answers[6];
            for (int i = 0; i < 6; i++) answers[i] = atomic_load(&server->route_answers[number][i]);
            visit(context, route, answers);
        }
    }
    uint64_t answers[6];
    for (int i = 0; i < 6; i++) answers[i] = atomic_load(&server->route_answers[number][i]);
    visit(context, &static_route, answers);
}
