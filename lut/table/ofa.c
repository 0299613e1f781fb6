/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What OFA's YAML and JSON tables have in common: from entries by key to rows, and back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lut/table/rows.h"

void ofa_document_clear(struct ofa_document *d)
{
    free(d->items);
    *d = (struct ofa_document){0};
}

static enum lathe_status append(struct ofa_document *d, const struct ofa_row *row, struct lathe_error *err)
{
    if (d->count == MAX_ROWS)
        return error_line(err, row->line, "there are more than %d rows: split the document", MAX_ROWS);
    if (d->count == d->capacity) {
        size_t capacity = d->capacity ? 2 * d->capacity : 128;
        struct ofa_row *items = realloc(d->items, capacity * sizeof *items);
        if (!items) return error_set(err, LATHE_NO_MEMORY, "no memory for %zu rows", capacity);
        d->items = items;
        d->capacity = capacity;
    }
    d->items[d->count++] = *row;
    return LATHE_OK;
}

/* An error in an entry: on its line in YAML, in the field of its key in JSON. */
static enum lathe_status in_entry(struct lathe_error *err, int line, const char *key)
{
    if (!err) return LATHE_INVALID;
    err->line = line;
    if (!line) error_in_field(err, key);
    return LATHE_INVALID;
}

enum lathe_status ofa_document_add(struct ofa_document *d, const char *key, const struct ofa_figures *f, int line,
                                   struct lathe_error *err)
{
    struct ofa_row row = {.line = line};
    bool old;
    if (ofa_key_read(key, &row.entry.layer, &old, err)) return in_entry(err, line, key);
    if (isnan(f->mean)) error_field(err, "mean", "mean of \"%.150s\" is missing", key);
    else if (!isfinite(f->mean) || f->mean <= 0)
        error_field(err, "mean", "mean of \"%.150s\" must be a number of milliseconds above 0", key);
    else if (!isnan(f->std) && !isnan(f->var)) error_field(err, "var", "\"%.150s\" has both std and var", key);
    else if (f->std < 0 || f->var < 0) error_field(err, "std", "std or var of \"%.150s\" is below 0", key);
    else {
        row.entry.latency = (struct latency){.count = f->count,
                                             .mean_ms = f->mean,
                                             .trimmed_ms = NAN,
                                             .std_ms = isnan(f->var) ? f->std : sqrt(f->var),
                                             .min_ms = NAN,
                                             .p50_ms = NAN,
                                             .p90_ms = NAN,
                                             .ci_ms = NAN,
                                             .cpu_share = NAN};
        d->old_keys |= old;
        return append(d, &row, err);
    }
    return in_entry(err, line, key);
}

static bool is_stem(const struct layer *l)
{
    return l->kind == LAYER_CONV2D && l->kernel == 3 && l->stride == 2 && l->in.c == 3 && l->in.h == l->in.w;
}

/* The input size of the one network that the document is about; 0 when it has no stem, or several. */
static int stem_resolution(const struct ofa_document *d)
{
    int resolution = 0;
    for (size_t i = 0; i < d->count; i++) {
        const struct layer *l = &d->items[i].entry.layer;
        if (!is_stem(l)) continue;
        if (resolution && resolution != l->in.h) return 0;
        resolution = l->in.h;
    }
    return resolution;
}

enum lathe_status ofa_document_end(struct ofa_document *d, int resolution, struct rows *rows, struct lathe_error *err)
{
    if (!resolution) resolution = stem_resolution(d);
    enum lathe_status st = LATHE_OK;
    for (size_t i = 0; i < d->count && !st; i++) {
        struct entry *entry = &d->items[i].entry;
        entry->resolution = resolution;
        if (d->old_keys && entry->layer.kind == LAYER_CONV2D) entry->layer.act = ACT_RELU6;
        st = rows_add(rows, entry, d->items[i].line, err);
    }
    return st;
}

static int compare_items(const void *a, const void *b)
{
    const struct ofa_item *x = a;
    const struct ofa_item *y = b;
    if (x->entry->resolution != y->entry->resolution) return x->entry->resolution < y->entry->resolution ? -1 : 1;
    return strcmp(x->key, y->key);
}

enum lathe_status ofa_items_make(const struct entries *entries, struct ofa_items *out, size_t *skipped,
                                 struct lathe_error *err)
{
    struct ofa_items made = {calloc(entries->count + 1, sizeof *made.items), 0};
    bool failed = !made.items;
    size_t left_out = 0;
    for (size_t i = 0; i < entries->count && !failed; i++) {
        char key[256];
        if (!ofa_key_print(&entries->items[i].layer, key)) {
            left_out++;
            continue;
        }
        made.items[made.count] = (struct ofa_item){strdup(key), &entries->items[i]};
        failed = !made.items[made.count++].key;
    }
    if (failed) {
        ofa_items_clear(&made);
        return error_set(err, LATHE_NO_MEMORY, "no memory to write %zu rows", entries->count);
    }
    qsort(made.items, made.count, sizeof *made.items, compare_items);
    if (skipped) *skipped = left_out;
    *out = made;
    return LATHE_OK;
}

void ofa_items_clear(struct ofa_items *items)
{
    for (size_t i = 0; i < items->count; i++) free(items->items[i].key);
    free(items->items);
    *items = (struct ofa_items){0};
}
