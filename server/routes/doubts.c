/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Implausible rows of a table. */
#include "lut/table/doubts.h"

#include <stdlib.h>
#include <string.h>

#include "server/routes/tables.h"

struct gathering {
    struct entries rows;
    enum lathe_status status;
    struct lathe_error *err;
};

static bool gather(void *context, const char *text, const struct latency *latency)
{
    struct gathering *g = context;
    struct entry entry = {.latency = *latency};
    g->status = row_parse(text, &entry.layer, &entry.resolution, g->err);
    if (!g->status) g->status = entries_add(&g->rows, &entry, g->err);
    return !g->status;
}

static enum lathe_status read_table(struct app *app, struct table_id id, uint32_t version, struct table_info *info,
                                    struct entries *rows, struct lathe_error *err)
{
    struct kv_txn *txn;
    struct gathering g = {.err = err};
    enum lathe_status st = kv_read_begin(app->kv, &txn, err);
    if (st) return st;
    st = table_info(txn, id, version, info, err);
    if (!st) {
        st = table_scan(txn, id, info->version, NULL, gather, &g, err);
        if (!st) st = g.status;
        if (st) table_info_clear(info);
    }
    kv_read_end(txn);
    if (st) entries_clear(&g.rows);
    else *rows = g.rows;
    return st;
}

static json_t *doubt_json(const struct doubt *d, const struct entries *rows)
{
    char layer[ROW_TEXT_BYTES];
    char other[ROW_TEXT_BYTES];
    char detail[DOUBT_DETAIL_BYTES];
    row_print(&rows->items[d->row].layer, rows->items[d->row].resolution, layer);
    row_print(&rows->items[d->other].layer, rows->items[d->other].resolution, other);
    doubt_describe(d, rows, detail);
    return json_pack("{s:s, s:s, s:s, s:o}", "layer", layer, "doubt", doubt_kind_name(d->kind), "detail", detail,
                     "other", d->kind == DOUBT_ORDER ? json_string(other) : json_null());
}

/* "<row>#<doubt>": a place in the order of rows that is there also when the row is not doubted any more. */
enum { CURSOR_BYTES = ROW_TEXT_BYTES + 16 };

static void print_cursor(const struct doubt *d, const struct entries *rows, char out[CURSOR_BYTES])
{
    row_print(&rows->items[d->row].layer, rows->items[d->row].resolution, out);
    size_t n = strlen(out);
    snprintf(out + n, CURSOR_BYTES - n, "#%s", doubt_kind_name(d->kind));
}

static bool comes_after(const struct doubt *d, const struct entries *rows, const char *cursor)
{
    char text[ROW_TEXT_BYTES];
    row_print(&rows->items[d->row].layer, rows->items[d->row].resolution, text);
    size_t n = strcspn(cursor, "#");
    int order = strncmp(text, cursor, n);
    if (order == 0) order = text[n] != '\0';
    return order > 0 || (order == 0 && cursor[n] && strcmp(doubt_kind_name(d->kind), cursor + n + 1) > 0);
}

static void reply_page(struct http_request *request, const struct table_info *info, const struct entries *rows,
                       const struct doubts *doubts, const char *after, size_t limit)
{
    json_t *items = json_array();
    char next[CURSOR_BYTES] = "";
    size_t i = 0;
    while (after && i < doubts->count && !comes_after(&doubts->items[i], rows, after)) i++;
    for (; i < doubts->count && json_array_size(items) < limit; i++)
        json_array_append_new(items, doubt_json(&doubts->items[i], rows));
    if (i < doubts->count) print_cursor(&doubts->items[i - 1], rows, next);
    json_t *answer = page_json(items, next);
    json_object_set_new(answer, "device", json_string(info->device));
    json_object_set_new(answer, "config", json_string(info->config));
    json_object_set_new(answer, "version", json_integer(info->version));
    json_object_set_new(answer, "count", json_integer((json_int_t)doubts->count));
    http_reply_json(request, 200, answer);
}

static enum http_outcome list_doubts(struct http_request *request)
{
    static const char *const known[] = {"version", "limit", "cursor", NULL};
    struct lathe_error err = {0};
    struct table_info info;
    struct entries rows = {0};
    struct doubts doubts = {0};
    uint32_t version;
    const char *after;
    size_t limit;
    if (!http_query_known(request, known) || !page_of(request, &limit, &after) || !version_param(request, &version))
        return HTTP_DONE;
    if (read_table(http_app(request), table_of(request), version, &info, &rows, &err)) return fail(request, &err);
    enum lathe_status st = doubts_find(&rows, &doubts, &err);
    if (st) fail(request, &err);
    else reply_page(request, &info, &rows, &doubts, after, limit);
    doubts_clear(&doubts);
    entries_clear(&rows);
    table_info_clear(&info);
    return HTTP_DONE;
}

const struct http_route doubt_routes[] = {
    {"GET", "/v1/tables/{device}/{config}/doubts", ROLES_ANY, POOL_SEARCH, 0, list_doubts},
    {0},
};
