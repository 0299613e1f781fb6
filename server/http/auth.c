/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Who asks: a bearer token, or the cookie of a page that has signed in. A browser adds the cookie whoever makes it ask,
 * so a write by cookie must come from a page of this server. */
#include <string.h>

#include "server/http/internal.h"

/* The host and port of an origin, "https://lab:8420" -> "lab:8420"; its default port is left out, as browsers do. */
static bool same_authority(const char *a, size_t a_size, const char *b, size_t b_size)
{
    return a_size == b_size && strncasecmp(a, b, a_size) == 0;
}

bool origin_is_host(const char *origin, const char *host)
{
    static const struct {
        const char *scheme, *port;
    } schemes[] = {{"http://", ":80"}, {"https://", ":443"}};
    for (size_t i = 0; host && i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t n = strlen(schemes[i].scheme);
        size_t port = strlen(schemes[i].port);
        if (strncasecmp(origin, schemes[i].scheme, n) != 0) continue;
        const char *authority = origin + n;
        size_t size = strlen(authority);
        size_t host_size = strlen(host);
        if (host_size > port && strcmp(host + host_size - port, schemes[i].port) == 0) host_size -= port;
        if (size > port && strcmp(authority + size - port, schemes[i].port) == 0) size -= port;
        return size > 0 && same_authority(authority, size, host, host_size);
    }
    return false;
}

bool http_same_origin(struct http_request *r)
{
    const char *origin = http_header(r, "Origin");
    const char *site = http_header(r, "Sec-Fetch-Site");
    if (origin) return origin_is_host(origin, http_header(r, "Host"));
    return site && strcmp(site, "same-origin") == 0;
}

bool http_authenticate(struct http_request *r, const char *token, struct principal *out)
{
    const struct http_options *o = &r->server->options;
    return o->authenticate(o->app, token, out);
}

const char *http_token(struct http_request *r)
{
    return r->token;
}

bool http_is_tls(struct http_request *r)
{
    return r->server->cert != NULL;
}

static bool only_reads(const struct http_request *r)
{
    return strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
}

static bool refuse_unknown(struct http_request *r, const char *why)
{
    http_reply_header(r, "WWW-Authenticate", "Bearer");
    http_reply_problem(r, 401, NULL, NULL, "%s", why);
    return false;
}

static bool authorise_cookie(struct http_request *r, const char *token)
{
    if (!http_authenticate(r, token, &r->principal))
        return refuse_unknown(r, "the session is not known any more: sign in again");
    r->token = token;
    if (only_reads(r) || http_same_origin(r)) return true;
    http_reply_problem(r, 403, NULL, NULL,
                       "a write by cookie must come from a page of this server: send Authorization: Bearer TOKEN");
    return false;
}

static bool authorise_bearer(struct http_request *r, const char *header)
{
    static const char scheme[] = "Bearer ";
    r->token = header + sizeof scheme - 1;
    if (strncasecmp(header, scheme, sizeof scheme - 1) == 0 && http_authenticate(r, r->token, &r->principal))
        return true;
    return refuse_unknown(r, "the token is not known: make one with POST /v1/tokens");
}

bool authorise(struct http_request *r)
{
    const char *header = http_header(r, "Authorization");
    const char *cookie = MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, HTTP_SESSION_COOKIE);
    if (!r->route->roles) return true;
    if (header ? !authorise_bearer(r, header) : cookie && !authorise_cookie(r, cookie)) return false;
    if (!header && !cookie) return refuse_unknown(r, "a token is needed: send Authorization: Bearer TOKEN");
    if (r->principal.role & r->route->roles) return true;
    http_reply_problem(r, 403, NULL, NULL, "this token's role may not do that");
    return false;
}
