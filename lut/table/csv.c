/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* CSV as RFC 4180 has it: a header line, quotes around what holds commas, quotes or line ends, quotes doubled inside.
 * Lines may end in LF alone, blank lines are passed over, and a byte order mark is allowed. */
#include <math.h>
#include <string.h>

#include "lut/base/text.h"
#include "lut/table/rows.h"

enum { COLUMNS = 13 };
static const char *const column_names[COLUMNS] = {"layer",      "kind",   "count",  "latency_ms", "mean_ms",
                                                  "trimmed_ms", "std_ms", "min_ms", "p50_ms",     "p90_ms",
                                                  "contexts",   "ci_ms",  "alone"};
static const char header[] =
    "layer,kind,count,latency_ms,mean_ms,trimmed_ms,std_ms,min_ms,p50_ms,p90_ms,contexts,ci_ms,alone";

struct csv {
    const char *at, *end;
    int line; /* of what is read next */
    /* The record read last: its cells, one after the other, each ended by NUL. */
    struct buf text;
    size_t cells[COLUMNS + 1];
    int count;
    int record_line;
};

static bool at_line_end(const struct csv *c)
{
    return c->at == c->end || *c->at == '\n' || (*c->at == '\r' && c->at + 1 < c->end && c->at[1] == '\n');
}

static void skip_line_end(struct csv *c)
{
    if (c->at < c->end && *c->at == '\r') c->at++;
    if (c->at < c->end) c->at++;
    c->line++;
}

/* The rest of a quoted cell, after its first quote. */
static enum lathe_status read_quoted(struct csv *c, struct lathe_error *err)
{
    int first = c->line;
    for (; c->at < c->end; c->at++) {
        if (*c->at == '"' && (c->at + 1 == c->end || c->at[1] != '"')) {
            c->at++;
            return LATHE_OK;
        }
        if (*c->at == '"') c->at++;
        if (*c->at == '\n') c->line++;
        buf_put(&c->text, c->at, 1);
    }
    return error_line(err, first, "a quoted cell has no end");
}

static enum lathe_status read_cell(struct csv *c, struct lathe_error *err)
{
    size_t start = c->text.size;
    if (c->count > COLUMNS) return error_line(err, c->line, "there are more than %d cells", COLUMNS);
    c->cells[c->count++] = start;
    if (c->at < c->end && *c->at == '"') {
        c->at++;
        enum lathe_status st = read_quoted(c, err);
        if (st) return st;
        if (!at_line_end(c) && *c->at != ',')
            return error_line(err, c->line, "a comma or the end of the line must follow a closing quote");
    } else {
        const char *from = c->at;
        while (!at_line_end(c) && *c->at != ',' && *c->at != '"') c->at++;
        if (c->at < c->end && *c->at == '"')
            return error_line(err, c->line, "a cell with a quote in it must stand in quotes");
        buf_put(&c->text, from, (size_t)(c->at - from));
    }
    if (c->text.size > start && memchr(c->text.data + start, '\0', c->text.size - start))
        return error_line(err, c->line, "a cell holds a NUL character");
    buf_put(&c->text, "", 1);
    return c->text.failed ? error_set(err, LATHE_NO_MEMORY, "no memory to read CSV") : LATHE_OK;
}

/* Read the next record that is not blank. @return LATHE_NOT_FOUND at the end of the text. */
static enum lathe_status read_record(struct csv *c, struct lathe_error *err)
{
    while (c->at < c->end && at_line_end(c)) skip_line_end(c);
    if (c->at == c->end) return LATHE_NOT_FOUND;
    c->text.size = 0;
    c->count = 0;
    c->record_line = c->line;
    for (;;) {
        enum lathe_status st = read_cell(c, err);
        if (st) return st;
        if (at_line_end(c)) break;
        c->at++; /* the comma */
    }
    skip_line_end(c);
    return LATHE_OK;
}

static const char *cell(const struct csv *c, int i)
{
    return c->text.data + c->cells[i];
}

/* Which column each cell is. @param[out] columns by position in the line. */
static enum lathe_status read_header(struct csv *c, int *columns, int *count, struct lathe_error *err)
{
    bool seen[COLUMNS] = {false};
    enum lathe_status st = read_record(c, err);
    if (st == LATHE_NOT_FOUND) return error_line(err, 1, "the header line is missing: %s", header);
    if (st) return st;
    for (int i = 0; i < c->count; i++) {
        int known = 0;
        while (known < COLUMNS && strcmp(cell(c, i), column_names[known]) != 0) known++;
        if (known == COLUMNS)
            return error_line(err, c->record_line, "\"%.60s\" is not a known column; known are %s", cell(c, i), header);
        if (seen[known]) return error_line(err, c->record_line, "column %s appears twice", column_names[known]);
        seen[known] = true;
        columns[i] = known;
    }
    if (!seen[0]) return error_line(err, c->record_line, "the column layer is missing");
    if (!seen[3] && !seen[4]) return error_line(err, c->record_line, "a column mean_ms or latency_ms is missing");
    *count = c->count;
    return LATHE_OK;
}

/* "1" or "0". */
static bool read_flag(const char *text, bool *out)
{
    *out = text[0] == '1';
    return (text[0] == '0' || text[0] == '1') && !text[1];
}

/* @return whether the text is a value for the column. */
static bool set_figure(struct figures *f, int column, const char *text)
{
    double *const numbers[COLUMNS] = {[3] = &f->latency_ms, &f->mean_ms, &f->trimmed_ms, &f->std_ms,
                                      &f->min_ms,           &f->p50_ms,  &f->p90_ms,     [11] = &f->ci_ms};
    size_t length = strlen(text);
    if (length == 0) return column != 0;
    if (numbers[column]) return text_to_double(text, length, numbers[column]);
    if (column == 0) f->row_text = text;
    else if (column == 1) f->kind = text;
    else if (column == 2) return text_to_u64(text, length, &f->count) && f->count > 0;
    else if (column == 12) return read_flag(text, &f->alone);
    else return text_to_u64(text, length, &f->contexts) && f->contexts <= INT32_MAX;
    return true;
}

static enum lathe_status read_row(const struct csv *c, const int *columns, struct rows *rows, struct lathe_error *err)
{
    struct figures figures;
    struct entry entry;
    struct lathe_error why;
    figures_init(&figures);
    for (int i = 0; i < c->count; i++)
        if (!set_figure(&figures, columns[i], cell(c, i)))
            return error_line(err, c->record_line, "%s can't be \"%.60s\"", column_names[columns[i]], cell(c, i));
    if (figures_to_entry(&figures, &entry, &why)) return error_line(err, c->record_line, "%s", why.message);
    return rows_add(rows, &entry, c->record_line, err);
}

enum lathe_status csv_parse(const char *text, size_t size, struct rows *rows, struct lathe_error *err)
{
    struct csv c = {.at = text, .end = text + size, .line = 1};
    int columns[COLUMNS + 1];
    int count = 0;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) c.at += 3;
    buf_init(&c.text);
    enum lathe_status st = read_header(&c, columns, &count, err);
    while (!st) {
        st = read_record(&c, err);
        if (st) break;
        if (c.count != count)
            st = error_line(err, c.record_line, "there are %d cells, the header has %d", c.count, count);
        else st = read_row(&c, columns, rows, err);
    }
    buf_clear(&c.text);
    return st == LATHE_NOT_FOUND ? LATHE_OK : st;
}

static void print_number(double value, struct buf *out)
{
    char number[32] = "";
    if (!isnan(value)) text_from_double(value, number);
    buf_put(out, ",", 1);
    buf_puts(out, number);
}

static void print_count(uint64_t value, struct buf *out)
{
    char number[21];
    text_from_u64(value, number);
    buf_put(out, ",", 1);
    buf_puts(out, number);
}

void csv_print_header(struct buf *out)
{
    buf_puts(out, header);
    buf_puts(out, "\r\n");
}

void csv_print_row(const char *row_text, const struct latency *l, struct buf *out)
{
    const double numbers[] = {latency_best_ms(l), l->mean_ms, l->trimmed_ms, l->std_ms,
                              l->min_ms,          l->p50_ms,  l->p90_ms};
    buf_puts(out, row_text);
    buf_put(out, ",", 1);
    buf_put(out, row_text, strcspn(row_text, " "));
    print_count(l->count, out);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) print_number(numbers[i], out);
    print_count(l->contexts, out);
    print_number(l->ci_ms, out);
    buf_puts(out, l->alone ? ",1\r\n" : ",0\r\n");
}

void csv_print(const struct entries *entries, struct buf *out)
{
    csv_print_header(out);
    for (size_t i = 0; i < entries->count; i++) {
        char text[ROW_TEXT_BYTES];
        row_print(&entries->items[i].layer, entries->items[i].resolution, text);
        csv_print_row(text, &entries->items[i].latency, out);
    }
}
