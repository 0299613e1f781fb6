/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Strict reading of JSON objects with errors that name the field, on Jansson.
 *
 * Read every field that an object may have through a struct json_fields, then call json_fields_end(): a field that
 * nobody asked for is an error, so that a misspelt name never passes in silence. The first error wins; later reads do
 * nothing and leave their outputs as they are, so that a reader can be written without a test after each line.
 * Threads: one reader a thread. */
#ifndef LATHE_BASE_JSON_H
#define LATHE_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lut/base/error.h"

struct json_fields {
    const json_t *object;
    const char *seen[48]; /* names asked for, to find strangers */
    size_t seen_count;
    enum lathe_status status;
    struct lathe_error *err; /* borrowed; may be NULL */
};

/** Parse text; errors carry line and column. Duplicate keys, NaN and trailing text are errors; numbers keep "1" an
 *  integer. @param[out] out a new reference. */
enum lathe_status json_parse(const char *text, size_t size, json_t **out, struct lathe_error *err);

/** Start reading an object. What is no object sets an error at once. @param object borrowed until json_fields_end(). */
void json_fields_begin(struct json_fields *, const json_t *object, struct lathe_error *err);

enum json_need { JSON_OPTIONAL, JSON_REQUIRED };

/** Readers. An absent optional field leaves *out untouched. null counts as absent. Strings are borrowed from object. */
void json_get_string(struct json_fields *, const char *name, enum json_need, const char **out);
/** A string that text_is_name() accepts. */
void json_get_name(struct json_fields *, const char *name, enum json_need, const char **out);
void json_get_bool(struct json_fields *, const char *name, enum json_need, bool *out);
void json_get_int(struct json_fields *, const char *name, enum json_need, int64_t min, int64_t max, int64_t *out);
void json_get_number(struct json_fields *, const char *name, enum json_need, double min, double max, double *out);
/** One of the words; *out is its index. @param words ended by NULL. */
void json_get_word(struct json_fields *, const char *name, enum json_need, const char *const *words, int *out);
void json_get_object(struct json_fields *, const char *name, enum json_need, const json_t **out);
void json_get_array(struct json_fields *, const char *name, enum json_need, size_t min, size_t max, const json_t **out);
/** Whole numbers min..max. @param[out] out,count at most capacity numbers. */
void json_get_ints(struct json_fields *, const char *name, enum json_need, int64_t min, int64_t max, int *out,
                   size_t capacity, size_t *count);
/** Allow a field without reading it here. */
void json_allow(struct json_fields *, const char *name);

/** Report the first error, or the first field that nobody asked for. */
enum lathe_status json_fields_end(struct json_fields *);

#endif
