/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <string.h>

#include "lut/base/json.h"
#include "server/routes/app.h"
#include "server/routes/events.h"
#include "server/store/store.h"

enum { BODY_BYTES = 256 * 1024 };

static json_t *summary(const struct space *space)
{
    const struct space_dim *dim = space_dim(space, space_resolution_dim(space));
    json_t *resolutions = json_array();
    for (int i = 0; i < dim->count; i++) json_array_append_new(resolutions, json_integer(dim->values[i]));
    return json_pack("{s:s, s:s, s:s, s:o, s:f, s:i}", "id", space_id(space), "title", space_title(space), "family",
                     space_family_name(space), "resolutions", resolutions, "subnets", space_size(space),
                     "rows_per_resolution", space_rows_per_resolution(space));
}

static json_t *whole(const struct space *space)
{
    json_t *answer = summary(space);
    json_object_set(answer, "document", (json_t *)space_document(space));
    return answer;
}

enum lathe_status space_read(struct kv *kv, const char *id, json_t **out, struct lathe_error *err)
{
    json_t *document = NULL;
    struct space *space = NULL;
    enum lathe_status st = store_read(kv, "space", id, &document, err);
    if (st) return st;
    json_object_del(document, "schema");
    st = space_parse(document, &space, err);
    if (!st) *out = whole(space);
    space_free(space);
    json_decref(document);
    return st;
}

struct page {
    const char *after;
    size_t limit;
    json_t *items;
    char next[65];
    bool more;
};

static bool add_space(void *context, const struct space *space)
{
    struct page *p = context;
    if (p->after && strcmp(space_id(space), p->after) <= 0) return true;
    if (json_array_size(p->items) == p->limit) {
        p->more = true;
        return false;
    }
    json_array_append_new(p->items, summary(space));
    snprintf(p->next, sizeof p->next, "%s", space_id(space));
    return true;
}

static enum http_outcome list_spaces(struct http_request *request)
{
    struct app *app = http_app(request);
    struct page p = {0};
    if (!page_params(request, &p.limit, &p.after)) return HTTP_DONE;
    p.items = json_array();
    catalog_each(app->spaces, add_space, &p);
    http_reply_json(request, 200, page_json(p.items, p.more ? p.next : ""));
    return HTTP_DONE;
}

static enum http_outcome get_space(struct http_request *request)
{
    struct app *app = http_app(request);
    const char *id = http_param(request, "space");
    const struct space *space = catalog_find(app->spaces, id);
    if (!refuse_query(request)) return HTTP_DONE;
    if (space) http_reply_json(request, 200, whole(space));
    else http_reply_problem(request, 404, NULL, NULL, "no space %.64s", id);
    return HTTP_DONE;
}

static enum lathe_status put(struct app *app, const char *id, const json_t *document, json_t **answer,
                             struct lathe_error *err)
{
    struct space *space = NULL;
    enum lathe_status st = space_parse(document, &space, err);
    if (!st && strcmp(space_id(space), id) != 0)
        st = error_field(err, "id", "the document's id is %s, the path says %.64s", space_id(space), id);
    if (!st && catalog_is_shipped(app->spaces, id)) {
        error_field(err, "id", "space %s ships with Lathe: give yours another id", id);
        st = err->status = LATHE_CONFLICT;
    }
    if (!st) st = store_write(app->kv, "space", id, document, err);
    if (st) {
        space_free(space);
        return st;
    }
    *answer = whole(space);
    st = catalog_put(app->spaces, space, err);
    if (st) json_decref(*answer);
    return st;
}

static enum http_outcome put_space(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    const char *id = http_param(request, "space");
    json_t *answer;
    const json_t *body = http_json(request);
    if (!body || !refuse_query(request)) return HTTP_DONE;
    int status = catalog_find(app->spaces, id) ? 200 : 201;
    if (put(app, id, body, &answer, &err)) return fail(request, &err);
    http_reply_json(request, status, answer);
    return HTTP_DONE;
}

const struct http_route space_routes[] = {
    {"GET", "/v1/spaces", ROLES_ANY, POOL_QUICK, 0, list_spaces},
    {"GET", "/v1/spaces/{space}", ROLES_ANY, POOL_QUICK, 0, get_space},
    {"PUT", "/v1/spaces/{space}", ROLES_PEOPLE, POOL_QUICK, BODY_BYTES, put_space},
    {0},
};
