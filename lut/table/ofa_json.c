/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <float.h>
#include <math.h>
#include <string.h>

#include "lut/base/json.h"
#include "lut/base/text.h"
#include "lut/table/rows.h"

static enum lathe_status read_entry(struct ofa_document *document, const char *key, const json_t *value,
                                    struct lathe_error *err)
{
    struct ofa_figures figures = {1, NAN, NAN, NAN};
    struct json_fields f;
    int64_t count = 1;
    json_fields_begin(&f, value, err);
    json_get_int(&f, "count", JSON_OPTIONAL, 1, INT64_MAX, &count);
    json_get_number(&f, "mean", JSON_REQUIRED, -DBL_MAX, DBL_MAX, &figures.mean);
    json_get_number(&f, "std", JSON_OPTIONAL, 0, DBL_MAX, &figures.std);
    json_get_number(&f, "var", JSON_OPTIONAL, 0, DBL_MAX, &figures.var);
    enum lathe_status st = json_fields_end(&f);
    if (st) {
        error_in_field(err, key);
        return st;
    }
    figures.count = (uint64_t)count;
    return ofa_document_add(document, key, &figures, 0, err);
}

static enum lathe_status read_document(const json_t *object, int resolution, struct rows *rows, struct lathe_error *err)
{
    if (!json_is_object(object)) return error_field(err, "", "must be a JSON object of OFA's keys");
    struct ofa_document document = {0};
    enum lathe_status st = LATHE_OK;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        st = read_entry(&document, key, value, err);
        if (st) break;
    }
    if (!st) st = ofa_document_end(&document, resolution, rows, err);
    ofa_document_clear(&document);
    return st;
}

/* Whether the keys are resolutions: {"160":{..},"176":{..}}. */
static bool is_by_resolution(const json_t *root)
{
    const char *key = json_object_iter_key(json_object_iter((json_t *)root));
    return key && strspn(key, "0123456789") == strlen(key);
}

enum lathe_status ofa_json_parse(const json_t *root, struct rows *rows, struct lathe_error *err)
{
    if (!is_by_resolution(root)) return read_document(root, 0, rows, err);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)root, key, value)
    {
        uint64_t resolution;
        if (!text_to_u64(key, strlen(key), &resolution) || resolution > 65535)
            return error_field(err, key, "\"%.60s\" is no resolution from 1 to 65535, or 0 for any", key);
        enum lathe_status st = read_document(value, (int)resolution, rows, err);
        if (st) {
            error_in_field(err, key);
            return st;
        }
    }
    return LATHE_OK;
}

static void print_entry(const struct ofa_item *item, struct buf *out)
{
    const struct latency *l = &item->entry->latency;
    char number[32];
    text_from_double(l->mean_ms, number);
    buf_printf(out, "\"%s\":{\"count\":%llu,\"mean\":%s", item->key, (unsigned long long)l->count, number);
    if (!isnan(l->std_ms)) {
        text_from_double(l->std_ms, number);
        buf_printf(out, ",\"std\":%s", number);
    }
    buf_puts(out, "}");
}

void ofa_json_print(const struct ofa_items *items, struct buf *out)
{
    const struct ofa_item *all = items->items;
    bool several = items->count && all[0].entry->resolution != all[items->count - 1].entry->resolution;
    buf_puts(out, "{");
    for (size_t i = 0; i < items->count; i++) {
        bool first = i == 0 || all[i].entry->resolution != all[i - 1].entry->resolution;
        if (i > 0) buf_puts(out, several && first ? "},\n" : ",\n");
        if (several && first) buf_printf(out, "\"%d\":{\n", all[i].entry->resolution);
        print_entry(&all[i], out);
    }
    buf_puts(out, several ? "}}\n" : "}\n");
}
