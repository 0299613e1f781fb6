/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/predictors/samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/text.h"
#include "server/predictors/encoding.h"

enum { COLUMNS_MAX = SPACE_MAX_DIMS + 1, ROWS_MAX = 1000000 };

struct slice {
    const char *text;
    size_t length;
};

struct reader {
    const struct space *space;
    struct encoding encoding;
    const char *at, *end;
    int line; /* number of the line read last */
    int columns;
    int column_of[SPACE_MAX_DIMS]; /* by dimension */
    int accuracy_column;
    struct slice fields[COLUMNS_MAX];
};

/* Names of dimensions in the header: k3, e3, d1, w2, r. */
static void name_column(const struct space_dim *dim, char out[16])
{
    static const char letters[] = {[DIM_DEPTH] = 'd', [DIM_KERNEL] = 'k', [DIM_EXPAND] = 'e', [DIM_WIDTH] = 'w'};
    if (dim->kind == DIM_RESOLUTION) snprintf(out, 16, "r");
    else snprintf(out, 16, "%c%d", letters[dim->kind], dim->index);
}

/* The next line without its end, cut at commas. @return the number of fields; COLUMNS_MAX + 1: too many. */
static int next_line(struct reader *r)
{
    const char *stop = memchr(r->at, '\n', (size_t)(r->end - r->at));
    const char *next = stop ? stop + 1 : r->end;
    if (!stop) stop = r->end;
    if (stop > r->at && stop[-1] == '\r') stop--;
    int n = 0;
    const char *from = r->at;
    r->line++;
    r->at = next;
    for (const char *p = from;; p++) {
        if (p < stop && *p != ',') continue;
        if (n == COLUMNS_MAX) return n + 1;
        r->fields[n++] = (struct slice){from, (size_t)(p - from)};
        if (p == stop) return n;
        from = p + 1;
    }
}

static bool slice_is(const struct slice *s, const char *text)
{
    return s->text && s->length == strlen(text) && memcmp(s->text, text, s->length) == 0;
}

/* The place of the column named `name`; -1: refused. Takes it out, so that what is left over was not asked for. */
static int take_column(struct reader *r, const char *name, struct lathe_error *err)
{
    int found = -1;
    for (int i = 0; i < r->columns; i++) {
        if (!slice_is(&r->fields[i], name)) continue;
        if (found >= 0) {
            error_line(err, 1, "column %s is there twice", name);
            return -1;
        }
        found = i;
    }
    if (found < 0) error_line(err, 1, "column %s is missing", name);
    else r->fields[found] = (struct slice){0};
    return found;
}

static enum lathe_status read_header(struct reader *r, struct lathe_error *err)
{
    r->columns = next_line(r);
    if (r->columns > COLUMNS_MAX) return error_line(err, 1, "too many columns");
    for (int d = 0; d < space_dim_count(r->space); d++) {
        char name[16];
        name_column(space_dim(r->space, d), name);
        r->column_of[d] = take_column(r, name, err);
        if (r->column_of[d] < 0) return LATHE_INVALID;
    }
    r->accuracy_column = take_column(r, "accuracy", err);
    if (r->accuracy_column < 0) return LATHE_INVALID;
    for (int i = 0; i < r->columns; i++) {
        const struct slice *s = &r->fields[i];
        if (s->text) return error_line(err, 1, "unknown column %.*s", s->length > 40 ? 40 : (int)s->length, s->text);
    }
    return LATHE_OK;
}

static enum lathe_status read_dim(const struct reader *r, int d, struct subnet *s, struct lathe_error *err)
{
    const struct slice *field = &r->fields[r->column_of[d]];
    double value = 0;
    int shown = field->length > 40 ? 40 : (int)field->length;
    char name[16];
    name_column(space_dim(r->space, d), name);
    if (!text_to_double(field->text, field->length, &value))
        return error_line(err, r->line, "%s must be a number, not \"%.*s\"", name, shown, field->text);
    int index = space_find_value(r->space, d, value);
    if (index < 0)
        return error_line(err, r->line, "space %s has no %s of %.*s", space_id(r->space), name, shown, field->text);
    if (d == space_resolution_dim(r->space) && !encoding_has_resolution(&r->encoding, (int)value))
        return error_line(err, r->line, "r must be from %d to %d", r->encoding.resolutions[0],
                          r->encoding.resolutions[r->encoding.resolution_count - 1]);
    s->at[d] = (uint8_t)index;
    return LATHE_OK;
}

static enum lathe_status read_sample(const struct reader *r, struct sample *out, struct lathe_error *err)
{
    struct sample sample = {0};
    /* Depths come before what depends on them. */
    for (int d = 0; d < space_dim_count(r->space); d++) {
        if (!space_dim_active(r->space, &sample.subnet, d)) continue;
        enum lathe_status st = read_dim(r, d, &sample.subnet, err);
        if (st) return st;
    }
    const struct slice *field = &r->fields[r->accuracy_column];
    if (!text_to_double(field->text, field->length, &sample.top1) || sample.top1 < 0 || sample.top1 > 1)
        return error_line(err, r->line, "accuracy must be a fraction from 0 to 1, such as 0.78");
    *out = sample;
    return LATHE_OK;
}

static bool grow(struct samples *samples, size_t *capacity)
{
    size_t wanted = *capacity ? *capacity * 2 : 1024;
    struct sample *grown = realloc(samples->items, wanted * sizeof *grown);
    if (!grown) return false;
    samples->items = grown;
    *capacity = wanted;
    return true;
}

static enum lathe_status read_rows(struct reader *r, struct samples *out, struct lathe_error *err)
{
    size_t capacity = 0;
    while (r->at < r->end) {
        int fields = next_line(r);
        if (fields != r->columns)
            return error_line(err, r->line, "must have %d fields as the header, not %s%d", r->columns,
                              fields > COLUMNS_MAX ? "more than " : "", fields > COLUMNS_MAX ? COLUMNS_MAX : fields);
        if (out->count == ROWS_MAX) return error_line(err, r->line, "more than %d rows", ROWS_MAX);
        if (out->count == capacity && !grow(out, &capacity)) return error_set(err, LATHE_NO_MEMORY, "out of memory");
        enum lathe_status st = read_sample(r, &out->items[out->count], err);
        if (st) return st;
        out->count++;
    }
    return LATHE_OK;
}

enum lathe_status samples_parse(const struct space *space, const char *csv, size_t size, struct samples *out,
                                struct lathe_error *err)
{
    struct samples samples = {0};
    struct reader *r = calloc(1, sizeof *r);
    if (!r) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    r->space = space;
    encoding_init(&r->encoding, space);
    r->at = csv;
    r->end = csv + size;
    enum lathe_status st = read_header(r, err);
    if (!st) st = read_rows(r, &samples, err);
    if (st) samples_clear(&samples);
    else *out = samples;
    free(r);
    return st;
}

void samples_clear(struct samples *samples)
{
    free(samples->items);
    *samples = (struct samples){0};
}
