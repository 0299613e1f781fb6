/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/store/tokens.h"
#include "lut/base/json.h"
#include "server/routes/agents.h"
#include "server/store/store.h"

enum { BODY_BYTES = 4096 };

static json_t *describe(struct app *app, const json_t *document)
{
    (void)app;
    return json_pack("{s:O, s:O, s:O}", "name", json_object_get(document, "name"), "role",
                     json_object_get(document, "role"), "created", json_object_get(document, "created"));
}

static enum http_outcome create_token(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct json_fields f;
    static const char *const roles[] = {"admin", "user", "agent", NULL};
    const char *name = NULL;
    char text[TOKEN_TEXT_BYTES];
    int role = 0;
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    json_fields_begin(&f, body, &err);
    json_get_word(&f, "role", JSON_REQUIRED, roles, &role);
    json_get_name(&f, "name", JSON_REQUIRED, &name);
    enum lathe_status st = json_fields_end(&f);
    if (!st) st = token_create(app->kv, roles[role], name, text, &err);
    if (st) return fail(request, &err);
    http_reply_json(request, 201, json_pack("{s:s, s:s, s:s}", "name", name, "role", roles[role], "token", text));
    return HTTP_DONE;
}

static enum http_outcome list_tokens(struct http_request *request)
{
    return reply_documents(request, "token-name", describe);
}

static enum http_outcome revoke_token(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    if (!refuse_query(request)) return HTTP_DONE;
    if (token_revoke(app->kv, http_param(request, "token"), &err)) return fail(request, &err);
    if (agent_forget(app, http_param(request, "token"), &err)) return fail(request, &err);
    http_reply_empty(request, 204);
    return HTTP_DONE;
}

const struct http_route token_routes[] = {
    {"GET", "/v1/tokens", ROLE_ADMIN, POOL_QUICK, 0, list_tokens},
    {"POST", "/v1/tokens", ROLE_ADMIN, POOL_QUICK, BODY_BYTES, create_token},
    {"DELETE", "/v1/tokens/{token}", ROLE_ADMIN, POOL_QUICK, 0, revoke_token},
    {0},
};
