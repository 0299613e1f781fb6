/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/json.h"
#include "lut/base/text.h"
#include "lut/table/rows.h"

static enum lathe_status read_item(const json_t *item, struct entry *out, struct lathe_error *err)
{
    struct figures figures;
    struct json_fields f;
    int64_t count = 1;
    int64_t contexts = 0;
    const char *updated = NULL;
    figures_init(&figures);
    json_fields_begin(&f, item, err);
    json_get_string(&f, "layer", JSON_REQUIRED, &figures.row_text);
    json_get_string(&f, "kind", JSON_OPTIONAL, &figures.kind);
    json_get_int(&f, "count", JSON_OPTIONAL, 1, INT64_MAX, &count);
    json_get_number(&f, "latency_ms", JSON_OPTIONAL, DBL_TRUE_MIN, DBL_MAX, &figures.latency_ms);
    json_get_number(&f, "mean_ms", JSON_OPTIONAL, DBL_TRUE_MIN, DBL_MAX, &figures.mean_ms);
    json_get_number(&f, "trimmed_ms", JSON_OPTIONAL, DBL_TRUE_MIN, DBL_MAX, &figures.trimmed_ms);
    json_get_number(&f, "std_ms", JSON_OPTIONAL, 0, DBL_MAX, &figures.std_ms);
    json_get_number(&f, "min_ms", JSON_OPTIONAL, DBL_TRUE_MIN, DBL_MAX, &figures.min_ms);
    json_get_number(&f, "p50_ms", JSON_OPTIONAL, DBL_TRUE_MIN, DBL_MAX, &figures.p50_ms);
    json_get_number(&f, "p90_ms", JSON_OPTIONAL, DBL_TRUE_MIN, DBL_MAX, &figures.p90_ms);
    json_get_number(&f, "ci_ms", JSON_OPTIONAL, 0, DBL_MAX, &figures.ci_ms);
    json_allow(&f, "cpu_share");
    json_allow(&f, "samples");
    json_get_int(&f, "contexts", JSON_OPTIONAL, 0, INT32_MAX, &contexts);
    json_get_bool(&f, "alone", JSON_OPTIONAL, &figures.alone);
    json_get_string(&f, "updated", JSON_OPTIONAL, &updated);
    enum lathe_status st = json_fields_end(&f);
    if (st) return st;
    figures.count = (uint64_t)count;
    figures.contexts = (uint64_t)contexts;
    if (updated && !clock_parse(updated, &figures.updated_ms))
        return error_field(err, "updated", "updated must be a time like 2026-01-31T12:00:00.000Z");
    return figures_to_entry(&figures, out, err);
}

static enum lathe_status in_item(struct lathe_error *err, size_t i, enum lathe_status st)
{
    char name[32];
    snprintf(name, sizeof name, "items[%zu]", i);
    if (st == LATHE_INVALID) error_in_field(err, name);
    return st;
}

enum lathe_status own_json_parse(const json_t *root, struct rows *rows, struct lathe_error *err)
{
    static const char *const around[] = {"device", "config", "version", "next"};
    const json_t *items = NULL;
    struct json_fields f;
    json_fields_begin(&f, root, err);
    json_get_array(&f, "items", JSON_REQUIRED, 0, MAX_ROWS, &items);
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) json_allow(&f, around[i]);
    enum lathe_status st = json_fields_end(&f);
    for (size_t i = 0; !st && i < json_array_size(items); i++) {
        struct entry entry;
        st = read_item(json_array_get(items, i), &entry, err);
        if (!st) st = rows_add(rows, &entry, 0, err);
        if (st) st = in_item(err, i, st);
    }
    return st;
}

static json_t *number_or_null(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

json_t *entry_to_json(const char *row_text, const struct latency *l)
{
    char updated[25];
    clock_format(l->updated_ms, updated);
    return json_pack("{s:s, s:s%, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:b, s:o}", "layer",
                     row_text, "kind", row_text, strcspn(row_text, " "), "count", (json_int_t)l->count, "samples",
                     (json_int_t)l->samples, "latency_ms", number_or_null(latency_best_ms(l)), "mean_ms",
                     number_or_null(l->mean_ms), "trimmed_ms", number_or_null(l->trimmed_ms), "std_ms",
                     number_or_null(l->std_ms), "min_ms", number_or_null(l->min_ms), "p50_ms",
                     number_or_null(l->p50_ms), "p90_ms", number_or_null(l->p90_ms), "ci_ms", number_or_null(l->ci_ms),
                     "cpu_share", number_or_null(l->cpu_share), "contexts", (json_int_t)l->contexts, "alone", l->alone,
                     "updated", l->updated_ms ? json_string(updated) : json_null());
}

/* By hand, and not by entry_to_json(): Jansson prints 0.1 with seventeen digits. */
static void print_item(const struct entry *entry, struct buf *out)
{
    const struct latency *l = &entry->latency;
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"latency_ms", latency_best_ms(l)},
                   {"mean_ms", l->mean_ms},
                   {"trimmed_ms", l->trimmed_ms},
                   {"std_ms", l->std_ms},
                   {"min_ms", l->min_ms},
                   {"p50_ms", l->p50_ms},
                   {"p90_ms", l->p90_ms},
                   {"ci_ms", l->ci_ms}};
    char text[ROW_TEXT_BYTES];
    row_print(&entry->layer, entry->resolution, text);
    buf_printf(out, "{\"layer\":\"%s\",\"kind\":\"%s\",\"count\":%llu", text, layer_kind_name(entry->layer.kind),
               (unsigned long long)l->count);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char number[32] = "null";
        if (!isnan(numbers[i].value)) text_from_double(numbers[i].value, number);
        buf_printf(out, ",\"%s\":%s", numbers[i].name, number);
    }
    char updated[25];
    clock_format(l->updated_ms, updated);
    buf_printf(out, ",\"contexts\":%u,\"alone\":%s,\"updated\":", l->contexts, l->alone ? "true" : "false");
    if (l->updated_ms) buf_printf(out, "\"%s\"}", updated);
    else buf_puts(out, "null}");
}

void own_json_print(const struct entries *entries, struct buf *out)
{
    buf_puts(out, "{\"items\":[");
    for (size_t i = 0; i < entries->count; i++) {
        buf_puts(out, i ? ",\n" : "\n");
        print_item(&entries->items[i], out);
    }
    buf_puts(out, "]}\n");
}
