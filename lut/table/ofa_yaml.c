/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "lut/base/text.h"
#include "lut/table/rows.h"

/* The event under hand. Every function that needs the next one calls advance(), which drops the one before. */
struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    const char *text;
    size_t size;
};

static void drop_event(struct reader *r)
{
    if (r->has_event) yaml_event_delete(&r->event);
    r->has_event = false;
}

static int line_of(const struct reader *r)
{
    return (int)r->event.start_mark.line + 1;
}

/* Errors of the encoding come with an offset instead of a line. */
static int line_at(const struct reader *r, size_t offset)
{
    int line = 1;
    for (size_t i = 0; i < offset && i < r->size; i++) line += r->text[i] == '\n';
    return line;
}

static enum lathe_status advance(struct reader *r, struct lathe_error *err)
{
    drop_event(r);
    if (!yaml_parser_parse(&r->parser, &r->event)) {
        if (r->parser.error == YAML_MEMORY_ERROR) return error_set(err, LATHE_NO_MEMORY, "no memory to read YAML");
        int line = r->parser.error == YAML_READER_ERROR ? line_at(r, r->parser.problem_offset)
                                                        : (int)r->parser.problem_mark.line + 1;
        return error_line(err, line, "not valid YAML: %s", r->parser.problem ? r->parser.problem : "");
    }
    r->has_event = true;
    return LATHE_OK;
}

static enum lathe_status want(struct reader *r, yaml_event_type_t type, const char *what, struct lathe_error *err)
{
    enum lathe_status st = advance(r, err);
    if (!st && r->event.type != type) st = error_line(err, line_of(r), "%s is expected here", what);
    return st;
}

/* A copy of the scalar under hand. */
static enum lathe_status copy_scalar(const struct reader *r, char **out, struct lathe_error *err)
{
    const char *text = (const char *)r->event.data.scalar.value;
    if (strlen(text) != r->event.data.scalar.length) return error_line(err, line_of(r), "a text holds a NUL character");
    *out = strdup(text);
    return *out ? LATHE_OK : error_set(err, LATHE_NO_MEMORY, "no memory to read YAML");
}

static bool scalar_is_number(const struct reader *r, double *out)
{
    const char *text = (const char *)r->event.data.scalar.value;
    return r->event.type == YAML_SCALAR_EVENT && r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           text_to_double(text, r->event.data.scalar.length, out);
}

/* The value of one field of an entry. */
static enum lathe_status read_value(struct reader *r, const char *key, const char *field, struct ofa_figures *f,
                                    struct lathe_error *err)
{
    int line = line_of(r);
    double *const places[] = {&f->mean, &f->std, &f->var};
    const char *const names[] = {"mean", "std", "var"};
    enum lathe_status st = advance(r, err);
    if (st) return st;
    if (strcmp(field, "count") == 0) {
        const char *text = (const char *)r->event.data.scalar.value;
        if (f->count) return error_line(err, line, "count of \"%.150s\" appears twice", key);
        if (r->event.type == YAML_SCALAR_EVENT && text_to_u64(text, r->event.data.scalar.length, &f->count) &&
            f->count >= 1)
            return LATHE_OK;
        return error_line(err, line, "count of \"%.150s\" must be a whole number of at least 1", key);
    }
    for (int i = 0; i < 3; i++) {
        if (strcmp(field, names[i]) != 0) continue;
        if (!isnan(*places[i])) return error_line(err, line, "%s of \"%.150s\" appears twice", field, key);
        if (scalar_is_number(r, places[i])) return LATHE_OK;
        return error_line(err, line, "%s of \"%.150s\" must be a number", field, key);
    }
    return error_line(err, line, "\"%.60s\" is not a known field of an entry; known are count, mean, std, var", field);
}

/* Fields up to the end of an entry's mapping. */
static enum lathe_status read_fields(struct reader *r, const char *key, struct ofa_figures *f, struct lathe_error *err)
{
    for (;;) {
        enum lathe_status st = advance(r, err);
        if (st || r->event.type == YAML_MAPPING_END_EVENT) return st;
        if (r->event.type != YAML_SCALAR_EVENT)
            return error_line(err, line_of(r), "the name of a field of \"%.150s\" is expected here", key);
        char *field = NULL;
        st = copy_scalar(r, &field, err);
        if (st || !field) return st;
        st = read_value(r, key, field, f, err);
        free(field);
        if (st) return st;
    }
}

/* One "KEY: {count, mean, std}"; its key is the event under hand. */
static enum lathe_status read_entry(struct reader *r, struct ofa_document *document, struct lathe_error *err)
{
    struct ofa_figures f = {0, NAN, NAN, NAN};
    int line = line_of(r);
    char *key = NULL;
    enum lathe_status st = copy_scalar(r, &key, err);
    if (st) return st;
    st = want(r, YAML_MAPPING_START_EVENT, "a mapping with count, mean and std", err);
    if (!st) st = read_fields(r, key, &f, err);
    if (!f.count) f.count = 1;
    if (!st) st = ofa_document_add(document, key, &f, line, err);
    free(key);
    return st;
}

static enum lathe_status read_document(struct reader *r, struct rows *rows, struct lathe_error *err)
{
    struct ofa_document document = {0};
    enum lathe_status st = want(r, YAML_MAPPING_START_EVENT, "a mapping from OFA's keys to entries", err);
    while (!st) {
        st = advance(r, err);
        if (st || r->event.type == YAML_MAPPING_END_EVENT) break;
        if (r->event.type == YAML_SCALAR_EVENT) st = read_entry(r, &document, err);
        else st = error_line(err, line_of(r), "one of OFA's keys is expected here");
    }
    if (!st) st = want(r, YAML_DOCUMENT_END_EVENT, "the end of the document", err);
    if (!st) st = ofa_document_end(&document, 0, rows, err);
    ofa_document_clear(&document);
    return st;
}

enum lathe_status ofa_yaml_parse(const char *text, size_t size, struct rows *rows, struct lathe_error *err)
{
    struct reader r = {.text = text, .size = size};
    if (!yaml_parser_initialize(&r.parser)) return error_set(err, LATHE_NO_MEMORY, "no memory to read YAML");
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
    enum lathe_status st = want(&r, YAML_STREAM_START_EVENT, "YAML", err);
    while (!st) {
        st = advance(&r, err);
        if (st || r.event.type == YAML_STREAM_END_EVENT) break;
        st = read_document(&r, rows, err);
    }
    drop_event(&r);
    yaml_parser_delete(&r.parser);
    return st;
}

/* YAML 1.1 takes "1e-05" for a string: the mantissa of a number with an exponent needs a point. */
static void print_number(const char *name, double value, struct buf *out)
{
    char text[32];
    text_from_double(value, text);
    const char *exponent = strchr(text, 'e');
    bool pointless = exponent && !memchr(text, '.', (size_t)(exponent - text));
    int mantissa = exponent ? (int)(exponent - text) : (int)strlen(text);
    buf_printf(out, "  %s: %.*s%s%s\n", name, mantissa, text, pointless ? ".0" : "", text + mantissa);
}

void ofa_yaml_print(const struct ofa_items *items, struct buf *out)
{
    if (items->count == 0) buf_puts(out, "{}\n");
    for (size_t i = 0; i < items->count; i++) {
        const struct entry *entry = items->items[i].entry;
        if (i > 0 && entry->resolution != items->items[i - 1].entry->resolution) buf_puts(out, "---\n");
        buf_printf(out, "%s:\n  count: %llu\n", items->items[i].key, (unsigned long long)entry->latency.count);
        print_number("mean", entry->latency.mean_ms, out);
        if (!isnan(entry->latency.std_ms)) print_number("std", entry->latency.std_ms, out);
    }
}
