/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <string.h>
#include <strings.h>

#include "lut/base/clock.h"
#include "server/routes/app.h"
#include "server/store/store.h"

enum { PAGE_DEFAULT = 100, PAGE_MOST = 1000 };

json_t *page_json(json_t *take_items, const char *next)
{
    return json_pack("{s:o, s:o}", "items", take_items, "next", next[0] ? json_string(next) : json_null());
}

bool page_params(struct http_request *request, size_t *limit, const char **cursor)
{
    static const char *const known[] = {"limit", "cursor", NULL};
    return http_query_known(request, known) && page_of(request, limit, cursor);
}

bool page_of(struct http_request *request, size_t *limit, const char **cursor)
{
    int64_t n;
    if (!http_query_int(request, "limit", 1, PAGE_MOST, PAGE_DEFAULT, &n)) return false;
    *limit = (size_t)n;
    *cursor = http_query(request, "cursor");
    return true;
}

enum http_outcome reply_documents(struct http_request *request, const char *kind,
                                  json_t *(*describe)(struct app *, const json_t *))
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct kv_txn *txn;
    json_t *list;
    const char *cursor;
    size_t limit;
    char next[65];
    if (!page_params(request, &limit, &cursor)) return HTTP_DONE;
    enum lathe_status st = kv_read_begin(app->kv, &txn, &err);
    if (st) return fail(request, &err);
    st = store_list(txn, kind, cursor, limit, &list, next, &err);
    kv_read_end(txn);
    if (st) return fail(request, &err);
    json_t *items = json_array();
    for (size_t i = 0; i < json_array_size(list); i++)
        json_array_append_new(items, describe(app, json_array_get(list, i)));
    json_decref(list);
    http_reply_json(request, 200, page_json(items, next));
    return HTTP_DONE;
}

enum http_outcome fail(struct http_request *request, const struct lathe_error *err)
{
    http_reply_error(request, err, NULL);
    return HTTP_DONE;
}

bool refuse_query(struct http_request *request)
{
    static const char *const none[] = {NULL};
    return http_query_known(request, none);
}

json_t *time_json(int64_t wall_ms)
{
    char text[25];
    if (!wall_ms) return json_null();
    clock_format(wall_ms, text);
    return json_string(text);
}

bool has_type(struct http_request *request, const char *media_type)
{
    const char *header = http_header(request, "Content-Type");
    size_t n = strlen(media_type);
    return header && strncasecmp(header, media_type, n) == 0 &&
           (header[n] == '\0' || header[n] == ';' || header[n] == ' ');
}
