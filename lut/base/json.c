/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lut/base/buf.h"
#include "lut/base/text.h"

enum lathe_status json_parse(const char *text, size_t size, json_t **out, struct lathe_error *err)
{
    json_error_t where;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (!value)
        return error_line(err, where.line > 0 ? where.line : 1, "not valid JSON: %s (line %d, column %d)", where.text,
                          where.line, where.column);
    *out = value;
    return LATHE_OK;
}

void json_fields_begin(struct json_fields *f, const json_t *object, struct lathe_error *err)
{
    *f = (struct json_fields){.object = object, .err = err};
    if (!json_is_object(object)) f->status = error_field(err, "", "must be a JSON object");
}

/* The value of a field, or NULL when it is absent or an earlier field failed. */
static const json_t *look_up(struct json_fields *f, const char *name, enum json_need need)
{
    if (f->seen_count < sizeof f->seen / sizeof f->seen[0]) f->seen[f->seen_count++] = name;
    if (f->status) return NULL;
    const json_t *value = json_object_get(f->object, name);
    if (value && !json_is_null(value)) return value;
    if (need == JSON_REQUIRED) f->status = error_field(f->err, name, "%s is missing", name);
    return NULL;
}

void json_get_string(struct json_fields *f, const char *name, enum json_need need, const char **out)
{
    const json_t *value = look_up(f, name, need);
    if (!value) return;
    if (!json_is_string(value)) f->status = error_field(f->err, name, "%s must be a string", name);
    else if (strlen(json_string_value(value)) != json_string_length(value))
        f->status = error_field(f->err, name, "%s must not contain a NUL character", name);
    else *out = json_string_value(value);
}

void json_get_name(struct json_fields *f, const char *name, enum json_need need, const char **out)
{
    const char *text = NULL;
    json_get_string(f, name, need, &text);
    if (f->status || !text) return;
    if (!text_is_name(text))
        f->status = error_field(
            f->err, name, "%s must be 1 to 64 letters, digits, '.', '_' or '-', and start with a letter, digit or '_'",
            name);
    else *out = text;
}

void json_get_bool(struct json_fields *f, const char *name, enum json_need need, bool *out)
{
    const json_t *value = look_up(f, name, need);
    if (!value) return;
    if (!json_is_boolean(value)) f->status = error_field(f->err, name, "%s must be true or false", name);
    else *out = json_is_true(value);
}

void json_get_int(struct json_fields *f, const char *name, enum json_need need, int64_t min, int64_t max, int64_t *out)
{
    const json_t *value = look_up(f, name, need);
    if (!value) return;
    int64_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < min || number > max)
        f->status = error_field(f->err, name, "%s must be a whole number from %lld to %lld", name, (long long)min,
                                (long long)max);
    else *out = number;
}

void json_get_number(struct json_fields *f, const char *name, enum json_need need, double min, double max, double *out)
{
    const json_t *value = look_up(f, name, need);
    if (!value) return;
    double number = json_number_value(value);
    if (!json_is_number(value) || !isfinite(number) || number < min || number > max)
        f->status = error_field(f->err, name, "%s must be a number from %g to %g", name, min, max);
    else *out = number;
}

void json_get_word(struct json_fields *f, const char *name, enum json_need need, const char *const *words, int *out)
{
    const char *text = NULL;
    json_get_string(f, name, need, &text);
    if (f->status || !text) return;
    struct buf known;
    buf_init(&known);
    for (int i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            buf_clear(&known);
            return;
        }
        buf_printf(&known, "%s%s", i ? ", " : "", words[i]);
    }
    f->status = error_field(f->err, name, "%s must be one of: %s", name, known.data ? known.data : "");
    buf_clear(&known);
}

void json_get_object(struct json_fields *f, const char *name, enum json_need need, const json_t **out)
{
    const json_t *value = look_up(f, name, need);
    if (!value) return;
    if (!json_is_object(value)) f->status = error_field(f->err, name, "%s must be a JSON object", name);
    else *out = value;
}

void json_get_array(struct json_fields *f, const char *name, enum json_need need, size_t min, size_t max,
                    const json_t **out)
{
    const json_t *value = look_up(f, name, need);
    if (!value) return;
    if (!json_is_array(value) || json_array_size(value) < min || json_array_size(value) > max)
        f->status = error_field(f->err, name, "%s must be an array of %zu to %zu items", name, min, max);
    else *out = value;
}

void json_get_ints(struct json_fields *f, const char *name, enum json_need need, int64_t min, int64_t max, int *out,
                   size_t capacity, size_t *count)
{
    const json_t *array = NULL;
    json_get_array(f, name, need, 0, capacity, &array);
    if (f->status || !array) return;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        int64_t number = json_integer_value(item);
        if (!json_is_integer(item) || number < min || number > max) {
            char field[96];
            snprintf(field, sizeof field, "%s[%zu]", name, i);
            f->status = error_field(f->err, field, "%s must be a whole number from %lld to %lld", field, (long long)min,
                                    (long long)max);
            return;
        }
        out[i] = (int)number;
    }
    *count = json_array_size(array);
}

void json_allow(struct json_fields *f, const char *name)
{
    look_up(f, name, JSON_OPTIONAL);
}

enum lathe_status json_fields_end(struct json_fields *f)
{
    if (f->status) return f->status;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)f->object, name, value)
    {
        bool known = false;
        for (size_t i = 0; i < f->seen_count && !known; i++) known = strcmp(f->seen[i], name) == 0;
        if (known) continue;
        struct buf names;
        buf_init(&names);
        for (size_t i = 0; i < f->seen_count; i++) buf_printf(&names, "%s%s", i ? ", " : "", f->seen[i]);
        f->status = error_field(f->err, name, "%.60s is not a known field; known are: %s", name,
                                names.data ? names.data : "none");
        buf_clear(&names);
        return f->status;
    }
    return LATHE_OK;
}
