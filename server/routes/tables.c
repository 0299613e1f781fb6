/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Tables as wholes; their rows are in entries.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/routes/events.h"
#include "server/routes/tables.h"

json_t *table_json(const struct table_info *info)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:s, s:o, s:o}", "device", info->device, "config", info->config, "version",
                     (json_int_t)info->version, "entries", (json_int_t)info->entries, "origin", info->origin, "created",
                     time_json(info->created_ms), "updated", time_json(info->updated_ms));
}

struct table_id table_of(struct http_request *request)
{
    return (struct table_id){http_param(request, "device"), http_param(request, "config")};
}

bool version_param(struct http_request *request, uint32_t *version)
{
    int64_t number;
    if (!http_query_int(request, "version", 0, UINT32_MAX, 0, &number)) return false;
    *version = (uint32_t)number;
    return true;
}

bool table_unchanged(struct http_request *request)
{
    const struct app *app = http_app(request);
    struct table_id id = table_of(request);
    char name[EVENT_ID_BYTES];
    char tag[64];
    snprintf(name, sizeof name, "%s/%s", id.device, id.config);
    snprintf(tag, sizeof tag, "%s-%llu-%d", event_hub_boot(app->events),
             (unsigned long long)event_hub_revision(app->events, TOPIC_TABLE, name), http_chosen(request));
    return http_unchanged(request, tag);
}

struct page {
    const char *after;
    size_t limit;
    json_t *items;
    char next[132];
    bool more;
};

/* How far it can be trusted, and what measured subnets took over their predictions; null where nothing is known. */
static void put_notes(json_t *answer, const struct table_info *info)
{
    static const char *const notes[] = {"trust", "correction"};
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        json_t *note = json_object_get(info->notes, notes[i]);
        json_object_set_new(answer, notes[i], note ? json_incref(note) : json_null());
    }
}

/* What its times count: instructions are none, whatever their fields are called. */
static const char *clock_of(const json_t *fingerprint)
{
    const char *clock = json_string_value(json_object_get(fingerprint, "clock"));
    if (clock && strcmp(clock, "instructions") == 0) return "instructions";
    return clock && strcmp(clock, "cycles") == 0 ? "cycles" : "ns";
}

static json_t *with_fingerprint(const struct table_info *info)
{
    json_t *answer = table_json(info);
    json_object_set(answer, "fingerprint", info->fingerprint);
    json_object_set_new(answer, "clock", json_string(clock_of(info->fingerprint)));
    put_notes(answer, info);
    return answer;
}

/* In the order of table_list(): by device, then by config, which is not that of "device/config" as a text. */
static bool comes_after(const struct table_info *info, const char *cursor)
{
    size_t n = strcspn(cursor, "/");
    char device[65];
    snprintf(device, sizeof device, "%.*s", (int)(n < sizeof device ? n : sizeof device), cursor);
    int order = strcmp(info->device, device);
    return order > 0 || (order == 0 && cursor[n] == '/' && strcmp(info->config, cursor + n + 1) > 0);
}

static bool add_table(void *context, const struct table_info *info)
{
    struct page *p = context;
    if (p->after && !comes_after(info, p->after)) return true;
    if (json_array_size(p->items) == p->limit) {
        p->more = true;
        return false;
    }
    json_array_append_new(p->items, with_fingerprint(info));
    snprintf(p->next, sizeof p->next, "%s/%s", info->device, info->config);
    return true;
}

static enum http_outcome list_tables(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct page p = {0};
    struct kv_txn *txn;
    if (!page_params(request, &p.limit, &p.after)) return HTTP_DONE;
    enum lathe_status st = kv_read_begin(app->kv, &txn, &err);
    if (st) return fail(request, &err);
    p.items = json_array();
    st = table_list(txn, NULL, add_table, &p, &err);
    kv_read_end(txn);
    if (!st) {
        http_reply_json(request, 200, page_json(p.items, p.more ? p.next : ""));
        return HTTP_DONE;
    }
    json_decref(p.items);
    return fail(request, &err);
}

static json_t *versions_json(struct kv_txn *txn, struct table_id id)
{
    struct table_info last;
    json_t *versions = json_array();
    if (table_info(txn, id, 0, &last, NULL)) return versions;
    uint32_t newest = last.version;
    table_info_clear(&last);
    for (uint32_t v = newest; v >= 1; v--) {
        struct table_info info;
        if (table_info(txn, id, v, &info, NULL)) continue;
        json_array_append_new(versions, json_pack("{s:I, s:I, s:s, s:o, s:O, s:s}", "version", (json_int_t)v, "entries",
                                                  (json_int_t)info.entries, "origin", info.origin, "created",
                                                  time_json(info.created_ms), "fingerprint", info.fingerprint, "clock",
                                                  clock_of(info.fingerprint)));
        table_info_clear(&info);
    }
    return versions;
}

enum lathe_status table_read(struct kv *kv, struct table_id id, uint32_t version, json_t **out, struct lathe_error *err)
{
    struct table_info info;
    struct kv_txn *txn;
    enum lathe_status st = kv_read_begin(kv, &txn, err);
    if (st) return st;
    st = table_info(txn, id, version, &info, err);
    if (!st) {
        *out = with_fingerprint(&info);
        json_object_set_new(*out, "versions", versions_json(txn, id));
        table_info_clear(&info);
    }
    kv_read_end(txn);
    return st;
}

static enum http_outcome get_table(struct http_request *request)
{
    static const char *const known[] = {"version", NULL};
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    json_t *answer = NULL;
    uint32_t version;
    if (!http_query_known(request, known) || !version_param(request, &version) || table_unchanged(request))
        return HTTP_DONE;
    if (table_read(app->kv, table_of(request), version, &answer, &err)) return fail(request, &err);
    http_reply_json(request, 200, answer);
    return HTTP_DONE;
}

/* What its notes hold of subnets that were held out of it. */
static enum http_outcome get_trust(struct http_request *request)
{
    static const char *const known[] = {"version", NULL};
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct table_info info;
    struct kv_txn *txn;
    uint32_t version;
    if (!http_query_known(request, known) || !version_param(request, &version)) return HTTP_DONE;
    enum lathe_status st = kv_read_begin(app->kv, &txn, &err);
    if (st) return fail(request, &err);
    st = table_info(txn, table_of(request), version, &info, &err);
    kv_read_end(txn);
    if (st) return fail(request, &err);
    json_t *answer = json_copy(json_object_get(info.notes, "trust"));
    if (answer) {
        json_t *correction = json_object_get(info.notes, "correction");
        json_object_set_new(answer, "version", json_integer(info.version));
        json_object_set_new(answer, "correction", correction ? json_incref(correction) : json_null());
        http_reply_json(request, 200, answer);
    } else {
        http_reply_problem(request, 404, NULL, NULL,
                           "no subnet was held out of table %s/%s, so nothing is known of how far it can be trusted: "
                           "lathe profile %s --config %s --space SPACE --calibrate measures some",
                           info.device, info.config, info.device, info.config);
    }
    table_info_clear(&info);
    return HTTP_DONE;
}

static enum lathe_status delete_in(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    return table_delete(txn, *(const struct table_id *)context, err);
}

static enum http_outcome remove_table(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct table_id id = table_of(request);
    if (!refuse_query(request)) return HTTP_DONE;
    if (kv_write(app->kv, delete_in, &id, &err)) return fail(request, &err);
    http_reply_empty(request, 204);
    return HTTP_DONE;
}

/* A row over the versions, newest first. */
struct row_history {
    const char *layer;
    size_t limit;
    uint32_t from; /* the newest version that is asked for; 0: all */
    json_t *items;
    char next[16];
};

static enum lathe_status read_history(struct kv_txn *txn, struct table_id id, struct row_history *h,
                                      struct lathe_error *err)
{
    struct table_info info;
    struct latency latency;
    enum lathe_status st = table_info(txn, id, 0, &info, err);
    if (st) return st;
    uint32_t newest = info.version;
    table_info_clear(&info);
    for (uint32_t v = h->from && h->from < newest ? h->from : newest; v >= 1; v--) {
        if (table_get(txn, id, v, h->layer, &latency, NULL) || table_info(txn, id, v, &info, NULL)) continue;
        if (json_array_size(h->items) == h->limit) {
            snprintf(h->next, sizeof h->next, "%u", v);
            table_info_clear(&info);
            return LATHE_OK;
        }
        json_t *item = entry_to_json(h->layer, &latency);
        json_object_set_new(item, "version", json_integer(v));
        json_object_set_new(item, "origin", json_string(info.origin));
        json_object_set_new(item, "created", time_json(info.created_ms));
        json_array_append_new(h->items, item);
        table_info_clear(&info);
    }
    if (json_array_size(h->items) || h->from) return LATHE_OK;
    return error_set(err, LATHE_NOT_FOUND, "the table has no row \"%.200s\"", h->layer);
}

/* A cursor is the version that the next page begins with. */
static bool read_history_query(struct http_request *request, struct row_history *h)
{
    static const char *const known[] = {"layer", "limit", "cursor", NULL};
    const char *cursor;
    char *end;
    if (!http_query_known(request, known) || !page_of(request, &h->limit, &cursor)) return false;
    h->layer = http_query(request, "layer");
    if (!h->layer) {
        http_reply_problem(request, 400, "layer", NULL, "layer is missing: give the row's text, as entries show it");
        return false;
    }
    if (!cursor) return true;
    unsigned long from = strtoul(cursor, &end, 10);
    h->from = (uint32_t)from;
    if (cursor[0] >= '1' && cursor[0] <= '9' && !*end && from <= UINT32_MAX) return true;
    http_reply_problem(request, 400, "cursor", NULL, "cursor must be one that a page of this history gave");
    return false;
}

static enum http_outcome get_history(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct kv_txn *txn;
    struct row_history h = {0};
    if (!read_history_query(request, &h)) return HTTP_DONE;
    enum lathe_status st = kv_read_begin(app->kv, &txn, &err);
    if (st) return fail(request, &err);
    h.items = json_array();
    st = read_history(txn, table_of(request), &h, &err);
    kv_read_end(txn);
    if (st) {
        json_decref(h.items);
        return fail(request, &err);
    }
    http_reply_json(request, 200, page_json(h.items, h.next));
    return HTTP_DONE;
}

const struct http_route table_routes[] = {
    {"GET", "/v1/tables", ROLES_ANY, POOL_QUICK, 0, list_tables},
    {"GET", "/v1/tables/{device}/{config}", ROLES_ANY, POOL_QUICK, 0, get_table},
    {"GET", "/v1/tables/{device}/{config}/trust", ROLES_ANY, POOL_QUICK, 0, get_trust},
    {"DELETE", "/v1/tables/{device}/{config}", ROLES_PEOPLE, POOL_QUICK, 0, remove_table},
    {"GET", "/v1/tables/{device}/{config}/history", ROLES_ANY, POOL_QUICK, 0, get_history},
    {0},
};
