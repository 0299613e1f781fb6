/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Signing in from a browser: the token goes into a cookie that scripts can't read and other sites can't send. */
#include <stdio.h>
#include <string.h>

#include "lut/base/json.h"
#include "server/routes/app.h"
#include "server/store/tokens.h"

enum { BODY_BYTES = 4096, COOKIE_DAYS = 30, DAY_S = 86400 };

static json_t *principal_json(const struct principal *who)
{
    const char *role = who->role == ROLE_ADMIN ? "admin" : who->role == ROLE_AGENT ? "agent" : "user";
    return json_pack("{s:s, s:s}", "name", who->name, "role", role);
}

/* @param token of characters that a cookie may hold; NULL: forget it. */
static void set_cookie(struct http_request *request, const char *token)
{
    char cookie[TOKEN_TEXT_BYTES + 128];
    snprintf(cookie, sizeof cookie, HTTP_SESSION_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s",
             token ? token : "", token ? COOKIE_DAYS * DAY_S : 0, http_is_tls(request) ? "; Secure" : "");
    http_reply_header(request, "Set-Cookie", cookie);
}

/* What a browser sends must come from a page of this server. */
static bool is_from_elsewhere(struct http_request *request)
{
    bool by_browser = http_header(request, "Origin") || http_header(request, "Sec-Fetch-Site");
    if (!by_browser || http_same_origin(request)) return false;
    http_reply_problem(request, 403, NULL, NULL, "sessions are for the pages of this server");
    return true;
}

/* POST /v1/session {"token"} */
static enum http_outcome sign_in(struct http_request *request)
{
    struct lathe_error err = {0};
    struct json_fields f;
    struct principal who;
    const char *token = NULL;
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request) || is_from_elsewhere(request)) return HTTP_DONE;
    json_fields_begin(&f, body, &err);
    json_get_string(&f, "token", JSON_REQUIRED, &token);
    if (json_fields_end(&f)) return fail(request, &err);
    if (!http_authenticate(request, token, &who)) {
        http_reply_header(request, "WWW-Authenticate", "Bearer");
        http_reply_problem(request, 401, "token", NULL, "the token is not known: it may have been revoked or mistyped");
        return HTTP_DONE;
    }
    set_cookie(request, token);
    http_reply_json(request, 200, principal_json(&who));
    return HTTP_DONE;
}

static enum http_outcome get_session(struct http_request *request)
{
    if (refuse_query(request)) http_reply_json(request, 200, principal_json(http_principal(request)));
    return HTTP_DONE;
}

/* Also of who is not known any more: the cookie is to go whatever it holds. */
static enum http_outcome sign_out(struct http_request *request)
{
    if (!refuse_query(request) || is_from_elsewhere(request)) return HTTP_DONE;
    set_cookie(request, NULL);
    http_reply_empty(request, 204);
    return HTTP_DONE;
}

const struct http_route session_routes[] = {
    {"POST", "/v1/session", 0, POOL_QUICK, BODY_BYTES, sign_in},
    {"GET", "/v1/session", ROLES_ANY, POOL_QUICK, 0, get_session},
    {"DELETE", "/v1/session", 0, POOL_QUICK, 0, sign_out},
    {0},
};
