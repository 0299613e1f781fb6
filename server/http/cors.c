/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Pages of other origins that may use the interface, with a token: never with the cookie (the Fetch standard, 3.2). */
#include <string.h>

#include "server/http/internal.h"

static bool is_origin(const char *text)
{
    const char *authority = strstr(text, "://");
    if (strcmp(text, "*") == 0) return true;
    if (!authority || (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)) return false;
    authority += 3;
    return *authority && !authority[strcspn(authority, "/?#@*, ")];
}

enum lathe_status cors_check(const struct http_options *o, struct lathe_error *err)
{
    for (const char *const *origin = o->cors; origin && *origin; origin++)
        if (!is_origin(*origin))
            return error_field(err, "cors",
                               "--cors must be an origin such as https://lab.example:8443, without a path, or *, "
                               "not %.100s",
                               *origin);
    return LATHE_OK;
}

/* @return the Origin header if it is one that may, else NULL. */
static const char *allowed_origin(struct http_request *r)
{
    const char *asking = http_header(r, "Origin");
    for (const char *const *origin = r->server->options.cors; asking && origin && *origin; origin++)
        if (strcmp(*origin, "*") == 0 || strcasecmp(*origin, asking) == 0) return asking;
    return NULL;
}

bool cors_preflight(struct http_request *r)
{
    if (strcmp(r->method, "OPTIONS") != 0 || !http_header(r, "Access-Control-Request-Method")) return false;
    if (!allowed_origin(r)) return false;
    http_reply_header(r, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
    http_reply_header(r, "Access-Control-Allow-Headers",
                      "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer");
    http_reply_header(r, "Access-Control-Max-Age", "600");
    http_reply_empty(r, 204);
    return true;
}

void cors_headers(struct http_request *r, struct MHD_Response *response)
{
    if (!r->server->options.cors) return;
    MHD_add_response_header(response, "Vary", "Origin");
    const char *origin = allowed_origin(r);
    if (!origin) return;
    MHD_add_response_header(response, "Access-Control-Allow-Origin", origin);
    MHD_add_response_header(
        response, "Access-Control-Expose-Headers",
        "ETag, Idempotency-Replayed, Lathe-Skipped-Rows, Location, Preference-Applied, Retry-After");
}
