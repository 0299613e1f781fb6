/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/table/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void entries_clear(struct entries *e)
{
    free(e->items);
    *e = (struct entries){0};
}

enum lathe_status entries_add(struct entries *e, const struct entry *entry, struct lathe_error *err)
{
    if (e->count == e->capacity) {
        size_t capacity = e->capacity ? 2 * e->capacity : 128;
        struct entry *items = realloc(e->items, capacity * sizeof *items);
        if (!items) return error_set(err, LATHE_NO_MEMORY, "no memory for %zu rows", capacity);
        e->items = items;
        e->capacity = capacity;
    }
    e->items[e->count++] = *entry;
    return LATHE_OK;
}

void rows_clear(struct rows *rows)
{
    entries_clear(&rows->entries);
    free(rows->lines);
    free(rows->slots);
    *rows = (struct rows){0};
}

/* FNV-1a. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

/* The slot of an entry, taken or free. */
static uint32_t *find_slot(struct rows *rows, const struct entry *entry)
{
    char text[ROW_TEXT_BYTES];
    row_print(&entry->layer, entry->resolution, text);
    size_t at = (size_t)hash_text(text) & (rows->slot_count - 1);
    for (;; at = (at + 1) & (rows->slot_count - 1)) {
        if (!rows->slots[at]) return &rows->slots[at];
        const struct entry *other = &rows->entries.items[rows->slots[at] - 1];
        if (other->resolution == entry->resolution && layer_equal(&other->layer, &entry->layer))
            return &rows->slots[at];
    }
}

/* Room for one more, at most half of the slots taken. */
static bool make_room(struct rows *rows)
{
    size_t count = rows->entries.count;
    if (count == rows->line_capacity) {
        size_t capacity = count ? 2 * count : 128;
        int *lines = realloc(rows->lines, capacity * sizeof *lines);
        if (!lines) return false;
        rows->lines = lines;
        rows->line_capacity = capacity;
    }
    if (2 * (count + 1) <= rows->slot_count) return true;
    size_t slot_count = rows->slot_count ? 2 * rows->slot_count : 256;
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    if (!slots) return false;
    free(rows->slots);
    rows->slots = slots;
    rows->slot_count = slot_count;
    for (size_t i = 0; i < count; i++) *find_slot(rows, &rows->entries.items[i]) = (uint32_t)i + 1;
    return true;
}

/* Put an error on its line, keeping its field. */
static enum lathe_status on_line(struct lathe_error *err, int line)
{
    if (err) err->line = line;
    return LATHE_INVALID;
}

static enum lathe_status check_latency(const struct latency *l, struct lathe_error *err)
{
    const struct {
        const char *name;
        double value;
    } positive[] = {{"mean", l->mean_ms},
                    {"trimmed_ms", l->trimmed_ms},
                    {"min_ms", l->min_ms},
                    {"p50_ms", l->p50_ms},
                    {"p90_ms", l->p90_ms}};
    if (isnan(l->mean_ms)) return error_field(err, "mean", "the mean latency is missing");
    for (size_t i = 0; i < sizeof positive / sizeof positive[0]; i++)
        if (!isnan(positive[i].value) && (!isfinite(positive[i].value) || positive[i].value <= 0))
            return error_field(err, positive[i].name, "%s must be a number of milliseconds above 0", positive[i].name);
    if (!isnan(l->std_ms) && (!isfinite(l->std_ms) || l->std_ms < 0))
        return error_field(err, "std", "the standard deviation must be a number that is not below 0");
    if (!isnan(l->ci_ms) && (!isfinite(l->ci_ms) || l->ci_ms < 0))
        return error_field(err, "ci_ms", "ci_ms must be a number of milliseconds that is not below 0");
    if (l->count < 1 || l->count > INT64_MAX) return error_field(err, "count", "count must be at least 1");
    return LATHE_OK;
}

enum lathe_status rows_add(struct rows *rows, const struct entry *entry, int line, struct lathe_error *err)
{
    char text[ROW_TEXT_BYTES];
    if (check_latency(&entry->latency, err)) return on_line(err, line);
    if (rows->entries.count == MAX_ROWS)
        return error_line(err, line, "there are more than %d rows: split the document", MAX_ROWS);
    if (!make_room(rows)) return error_set(err, LATHE_NO_MEMORY, "no memory for %zu rows", rows->entries.count);
    uint32_t *slot = find_slot(rows, entry);
    if (*slot) {
        int first = rows->lines[*slot - 1];
        row_print(&entry->layer, entry->resolution, text);
        if (first) error_field(err, "layer", "row \"%s\" appears twice, first on line %d", text, first);
        else error_field(err, "layer", "row \"%s\" appears twice", text);
        return on_line(err, line);
    }
    enum lathe_status st = entries_add(&rows->entries, entry, err);
    if (st) return st;
    *slot = (uint32_t)rows->entries.count;
    rows->lines[rows->entries.count - 1] = line;
    return LATHE_OK;
}

void figures_init(struct figures *f)
{
    *f = (struct figures){.latency_ms = NAN,
                          .mean_ms = NAN,
                          .trimmed_ms = NAN,
                          .std_ms = NAN,
                          .min_ms = NAN,
                          .p50_ms = NAN,
                          .p90_ms = NAN,
                          .ci_ms = NAN,
                          .count = 1};
}

enum lathe_status figures_to_entry(const struct figures *f, struct entry *out, struct lathe_error *err)
{
    struct entry e = {0};
    enum lathe_status st = row_parse(f->row_text, &e.layer, &e.resolution, err);
    if (st) return st;
    const char *kind = layer_kind_name(e.layer.kind);
    if (f->kind && strcmp(f->kind, kind) != 0)
        return error_field(err, "kind", "kind is \"%.40s\", but the layer is of kind %s", f->kind, kind);
    if (isnan(f->mean_ms) && isnan(f->latency_ms))
        return error_field(err, "mean_ms", "mean_ms or latency_ms is missing");
    e.latency = (struct latency){.count = f->count,
                                 .mean_ms = isnan(f->mean_ms) ? f->latency_ms : f->mean_ms,
                                 .trimmed_ms = f->trimmed_ms,
                                 .std_ms = f->std_ms,
                                 .min_ms = f->min_ms,
                                 .p50_ms = f->p50_ms,
                                 .p90_ms = f->p90_ms,
                                 .ci_ms = f->ci_ms,
                                 .cpu_share = NAN,
                                 .contexts = (uint32_t)f->contexts,
                                 .alone = f->alone,
                                 .updated_ms = f->updated_ms};
    if (isnan(f->trimmed_ms) && !isnan(f->latency_ms) && f->latency_ms != e.latency.mean_ms)
        e.latency.trimmed_ms = f->latency_ms;
    if (!isnan(f->latency_ms) && f->latency_ms != latency_best_ms(&e.latency))
        return error_field(err, "latency_ms", "latency_ms and trimmed_ms differ: they are one figure, so give one");
    *out = e;
    return LATHE_OK;
}
