/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/table/formats.h"

#include "lut/base/json.h"
#include "lut/table/rows.h"

static const size_t max_text_bytes = (size_t)64 << 20;

static enum lathe_status parse_json(const char *text, size_t size, struct rows *rows, struct lathe_error *err)
{
    json_t *root;
    enum lathe_status st = json_parse(text, size, &root, err);
    if (st) return st;
    if (!json_is_object(root))
        st = error_field(err, "", "the document must be a JSON object: {\"items\":[..]}, or OFA's {\"KEY\":{..}}");
    else if (json_object_get(root, "items")) st = own_json_parse(root, rows, err);
    else st = ofa_json_parse(root, rows, err);
    json_decref(root);
    return st;
}

static enum lathe_status parse(enum table_format format, const char *text, size_t size, struct rows *rows,
                               struct lathe_error *err)
{
    switch (format) {
    case FORMAT_JSON:
    case FORMAT_OFA_JSON:
        return parse_json(text, size, rows, err);
    case FORMAT_CSV:
        return csv_parse(text, size, rows, err);
    case FORMAT_OFA_YAML:
        return ofa_yaml_parse(text, size, rows, err);
    }
    return error_set(err, LATHE_INVALID, "unknown table format %d", (int)format);
}

enum lathe_status entries_parse(enum table_format format, const char *text, size_t size, struct entries *out,
                                struct lathe_error *err)
{
    if (size > max_text_bytes)
        return error_set(err, LATHE_INVALID, "the document is larger than %zu MiB: split it", max_text_bytes >> 20);
    struct rows rows = {0};
    enum lathe_status st = parse(format, text, size, &rows, err);
    if (!st && rows.entries.count == 0) st = error_set(err, LATHE_INVALID, "the document holds no rows");
    if (!st) {
        *out = rows.entries;
        rows.entries = (struct entries){0};
    }
    rows_clear(&rows);
    return st;
}

enum lathe_status entries_print(enum table_format format, const struct entries *entries, struct buf *out,
                                size_t *skipped, struct lathe_error *err)
{
    if (skipped) *skipped = 0;
    if (format == FORMAT_CSV) {
        csv_print(entries, out);
    } else if (format == FORMAT_JSON) {
        own_json_print(entries, out);
    } else {
        struct ofa_items items;
        enum lathe_status st = ofa_items_make(entries, &items, skipped, err);
        if (st) return st;
        if (format == FORMAT_OFA_YAML) ofa_yaml_print(&items, out);
        else ofa_json_print(&items, out);
        ofa_items_clear(&items);
    }
    return out->failed ? error_set(err, LATHE_NO_MEMORY, "no memory to write %zu rows", entries->count) : LATHE_OK;
}
