/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Rows of tables: browse, export, import. */
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/text.h"
#include "server/routes/devices.h"
#include "server/routes/tables.h"
#include "server/store/store.h"

enum { BODY_BYTES = 64 * 1024 * 1024, PAGE_DEFAULT = 100, PAGE_MOST = 10000, CURSOR_BYTES = ROW_TEXT_BYTES + 32 };

/* ---- reading a version's rows ---- */

struct row {
    union {
        size_t at;        /* in the texts, while they grow */
        const char *text; /* once all are there */
    };
    struct latency latency;
};

struct rows {
    struct row *items;
    size_t count, capacity;
    struct buf texts;
    const char *kind, *q; /* filters; NULL: none */
    bool failed;
};

static bool add_row(void *context, const char *text, const struct latency *latency)
{
    struct rows *r = context;
    size_t n = r->kind ? strlen(r->kind) : 0;
    if (r->kind && (strncmp(text, r->kind, n) != 0 || text[n] != ' ')) return true;
    if (r->q && !strstr(text, r->q)) return true;
    if (r->count == r->capacity) {
        size_t capacity = r->capacity ? r->capacity * 2 : 512;
        struct row *items = realloc(r->items, capacity * sizeof *items);
        if (!items) {
            r->failed = true;
            return false;
        }
        r->items = items;
        r->capacity = capacity;
    }
    r->items[r->count++] = (struct row){.at = r->texts.size, .latency = *latency};
    buf_put(&r->texts, text, strlen(text) + 1);
    r->failed = r->texts.failed;
    return !r->failed;
}

static void rows_clear(struct rows *r)
{
    free(r->items);
    buf_clear(&r->texts);
}

/* The snapshot ends here, before anything is sorted or printed. */
static enum lathe_status read_rows(struct app *app, struct table_id id, uint32_t version, struct table_info *info,
                                   struct rows *rows, struct lathe_error *err)
{
    struct kv_txn *txn;
    enum lathe_status st = kv_read_begin(app->kv, &txn, err);
    if (st) return st;
    st = table_info(txn, id, version, info, err);
    if (!st) {
        st = table_scan(txn, id, info->version, NULL, add_row, rows, err);
        if (!st && rows->failed) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
        if (st) table_info_clear(info);
    }
    kv_read_end(txn);
    for (size_t i = 0; !st && i < rows->count; i++) rows->items[i].text = rows->texts.data + rows->items[i].at;
    return st;
}

/* ---- JSON, page by page ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->text, ((const struct row *)b)->text);
}

static int by_latency(const void *a, const void *b)
{
    double x = latency_best_ms(&((const struct row *)a)->latency);
    double y = latency_best_ms(&((const struct row *)b)->latency);
    return x < y ? -1 : x > y ? 1 : by_text(a, b);
}

/* They come in the order of their texts. */
static bool sort_rows(struct rows *rows, const char *sort)
{
    bool down = sort && sort[0] == '-';
    const char *by = sort ? sort + down : "layer";
    if (strcmp(by, "latency_ms") == 0) qsort(rows->items, rows->count, sizeof *rows->items, by_latency);
    else if (strcmp(by, "layer") != 0) return false;
    for (size_t i = 0, j = rows->count; down && i + 1 < j; i++) {
        struct row swap = rows->items[i];
        rows->items[i] = rows->items[--j];
        rows->items[j] = swap;
    }
    return true;
}

static bool is_kind(const char *text)
{
    for (int i = 0; i < LAYER_KINDS; i++)
        if (strcmp(text, layer_kind_name((enum layer_kind)i)) == 0) return true;
    return false;
}

/* Where a page ended: its last row, as it stood in the order. The row itself may be gone since, or have other figures.
 */
struct place {
    bool by_latency, down;
    double ms;
    const char *text;
};

static void print_cursor(const struct row *last, const char *sort, char out[CURSOR_BYTES])
{
    char ms[32] = "";
    bool by_latency = sort && strstr(sort, "latency_ms");
    if (by_latency) text_from_double(latency_best_ms(&last->latency), ms);
    snprintf(out, CURSOR_BYTES, "%s%s%s", ms, by_latency ? " " : "", last->text);
}

static bool read_cursor(const char *cursor, const char *sort, struct place *out)
{
    struct entry row;
    size_t number = strcspn(cursor, " ");
    *out = (struct place){.down = sort && sort[0] == '-', .text = cursor};
    out->by_latency = sort && strstr(sort, "latency_ms");
    if (out->by_latency && (!text_to_double(cursor, number, &out->ms) || !cursor[number])) return false;
    if (out->by_latency) out->text = cursor + number + 1;
    return row_parse(out->text, &row.layer, &row.resolution, NULL) == LATHE_OK;
}

static bool comes_after(const struct row *row, const struct place *place)
{
    double ms = latency_best_ms(&row->latency);
    int order = strcmp(row->text, place->text);
    if (place->by_latency && ms != place->ms) order = ms < place->ms ? -1 : 1;
    return place->down ? order < 0 : order > 0;
}

/* @param[out] from the first row behind the cursor. @return false when no list gives such a cursor. */
static bool find_cursor(const struct rows *rows, const char *cursor, const char *sort, size_t *from)
{
    struct place place;
    *from = 0;
    if (!cursor) return true;
    if (!read_cursor(cursor, sort, &place)) return false;
    while (*from < rows->count && !comes_after(&rows->items[*from], &place)) (*from)++;
    return true;
}

static void reply_page(struct http_request *request, const struct table_info *info, const struct rows *rows,
                       size_t from, size_t limit)
{
    char next[CURSOR_BYTES] = "";
    json_t *items = json_array();
    size_t i = from;
    for (; i < rows->count && i - from < limit; i++)
        json_array_append_new(items, entry_to_json(rows->items[i].text, &rows->items[i].latency));
    if (i < rows->count) print_cursor(&rows->items[i - 1], http_query(request, "sort"), next);
    json_t *answer = page_json(items, next);
    json_object_set_new(answer, "device", json_string(info->device));
    json_object_set_new(answer, "config", json_string(info->config));
    json_object_set_new(answer, "version", json_integer(info->version));
    http_reply_json(request, 200, answer);
}

/* ---- the other formats, whole ---- */

static const struct media {
    const char *type;
    enum table_format format;
} medias[] = {
    {"application/json", FORMAT_JSON},
    {"application/yaml", FORMAT_OFA_YAML},
    {"text/csv", FORMAT_CSV},
    {"application/vnd.ofa+json", FORMAT_OFA_JSON},
};
/* The same, in the same order. */
static const char *const media_types[] = {"application/json", "application/yaml", "text/csv",
                                          "application/vnd.ofa+json", NULL};

static enum lathe_status print_rows(const struct rows *rows, struct buf *out, struct lathe_error *err)
{
    csv_print_header(out);
    for (size_t i = 0; i < rows->count; i++) csv_print_row(rows->items[i].text, &rows->items[i].latency, out);
    return out->failed ? error_set(err, LATHE_NO_MEMORY, "no memory to write %zu rows", rows->count) : LATHE_OK;
}

/* In the formats that want layers, not texts. */
static enum lathe_status print_entries(enum table_format format, const struct rows *rows, struct buf *out,
                                       size_t *skipped, struct lathe_error *err)
{
    struct entries entries = {0};
    enum lathe_status st = LATHE_OK;
    for (size_t i = 0; !st && i < rows->count; i++) {
        struct entry entry = {.latency = rows->items[i].latency};
        st = row_parse(rows->items[i].text, &entry.layer, &entry.resolution, err);
        if (!st) st = entries_add(&entries, &entry, err);
    }
    if (!st) st = entries_print(format, &entries, out, skipped, err);
    entries_clear(&entries);
    return st;
}

static void reply_export(struct http_request *request, const struct media *media, const struct rows *rows)
{
    struct lathe_error err = {0};
    struct buf out;
    char text[24];
    size_t size;
    size_t skipped = 0;
    buf_init(&out);
    enum lathe_status st = media->format == FORMAT_CSV ? print_rows(rows, &out, &err)
                                                       : print_entries(media->format, rows, &out, &skipped, &err);
    if (st) {
        buf_clear(&out);
        http_reply_error(request, &err, NULL);
        return;
    }
    snprintf(text, sizeof text, "%zu", skipped);
    http_reply_header(request, "Lathe-Skipped-Rows", text);
    char *data = buf_take(&out, &size);
    http_reply(request, 200, media->type, data, size);
}

static bool list_params(struct http_request *request, struct rows *rows, int64_t *limit, int64_t *version)
{
    static const char *const known[] = {"kind", "q", "sort", "limit", "cursor", "version", NULL};
    if (!http_query_known(request, known)) return false;
    rows->kind = http_query(request, "kind");
    rows->q = http_query(request, "q");
    if (rows->kind && !is_kind(rows->kind)) {
        http_reply_problem(request, 400, "kind", NULL,
                           "kind must be one of: conv2d, mbconv, avgpool, linear, bottleneck, maxpool");
        return false;
    }
    return http_query_int(request, "limit", 1, PAGE_MOST, PAGE_DEFAULT, limit) &&
           http_query_int(request, "version", 0, UINT32_MAX, 0, version);
}

static enum http_outcome list_entries(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct table_info info;
    struct rows rows = {0};
    int64_t limit;
    int64_t version;
    size_t from;
    const struct media *media = &medias[http_chosen(request)];
    if (!list_params(request, &rows, &limit, &version) || table_unchanged(request)) return HTTP_DONE;
    if (read_rows(app, table_of(request), (uint32_t)version, &info, &rows, &err)) {
        rows_clear(&rows);
        return fail(request, &err);
    }
    if (!sort_rows(&rows, http_query(request, "sort")))
        http_reply_problem(request, 400, "sort", NULL, "sort must be one of: layer, -layer, latency_ms, -latency_ms");
    else if (media->format != FORMAT_JSON) reply_export(request, media, &rows);
    else if (!find_cursor(&rows, http_query(request, "cursor"), http_query(request, "sort"), &from))
        http_reply_problem(request, 400, "cursor", NULL, "the cursor is none that this list gave");
    else reply_page(request, &info, &rows, from, (size_t)limit);
    table_info_clear(&info);
    rows_clear(&rows);
    return HTTP_DONE;
}

/* ---- import ---- */

struct import {
    struct table_id id;
    const struct entries *entries;
    json_t *fingerprint;
    uint32_t version;
    size_t replaced;
};

static enum lathe_status import_in(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct import *im = context;
    json_t *device = NULL;
    json_t *nothing = json_null();
    int64_t now_ms = clock_wall_ms();
    enum lathe_status st = store_get(txn, "device", im->id.device, &device, err);
    json_decref(device);
    if (st == LATHE_NOT_FOUND) st = device_put_new(txn, im->id.device, nothing, NULL, NULL, err);
    if (!st) st = table_version_for(txn, im->id, im->fingerprint, "imported", now_ms, &im->version, err);
    im->replaced = 0;
    for (size_t i = 0; !st && i < im->entries->count; i++) {
        char text[ROW_TEXT_BYTES];
        struct latency old;
        row_print(&im->entries->items[i].layer, im->entries->items[i].resolution, text);
        enum lathe_status found = table_get(txn, im->id, im->version, text, &old, err);
        if (found == LATHE_OK) im->replaced++;
        else if (found != LATHE_NOT_FOUND) st = found;
    }
    return st ? st : table_put(txn, im->id, im->version, im->entries->items, im->entries->count, err);
}

static bool body_format(struct http_request *request, enum table_format *out)
{
    for (size_t i = 0; i < sizeof medias / sizeof medias[0]; i++) {
        if (!has_type(request, medias[i].type)) continue;
        *out = medias[i].format;
        return true;
    }
    http_reply_problem(
        request, 415, NULL, NULL,
        "Content-Type must be application/json, application/yaml (OFA's), text/csv or application/vnd.ofa+json");
    return false;
}

static bool names_are_good(struct http_request *request, struct table_id id)
{
    bool device = text_is_name(id.device);
    if (device && text_is_config(id.config)) return true;
    http_reply_problem(
        request, 400, device ? "config" : "device", NULL,
        "names of devices and configs are 1 to 64 letters, digits, '.', '_' or '-', not starting with '.' or '-'");
    return false;
}

static enum http_outcome import_entries(struct http_request *request)
{
    struct app *app = http_app(request);
    struct lathe_error err = {0};
    struct entries entries = {0};
    struct import im = {.id = table_of(request), .entries = &entries};
    enum table_format format;
    size_t size;
    if (!refuse_query(request) || !names_are_good(request, im.id) || !body_format(request, &format)) return HTTP_DONE;
    const char *text = http_body(request, &size);
    if (entries_parse(format, text, size, &entries, &err)) return fail(request, &err);
    im.fingerprint = json_pack("{s:s}", "source", "import");
    enum lathe_status st = kv_write(app->kv, import_in, &im, &err);
    json_decref(im.fingerprint);
    if (st) fail(request, &err);
    else
        http_reply_json(request, 200,
                        json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "device", im.id.device, "config", im.id.config,
                                  "version", (json_int_t)im.version, "rows", (json_int_t)entries.count, "added",
                                  (json_int_t)(entries.count - im.replaced), "replaced", (json_int_t)im.replaced));
    entries_clear(&entries);
    return HTTP_DONE;
}

const struct http_produces entry_produces = {list_entries, media_types};

const struct http_route entry_routes[] = {
    {"GET", "/v1/tables/{device}/{config}/entries", ROLES_ANY, POOL_QUICK, 0, list_entries},
    {"POST", "/v1/tables/{device}/{config}/entries", ROLES_PEOPLE | HTTP_CREATES, POOL_QUICK, BODY_BYTES,
     import_entries},
    {0},
};
