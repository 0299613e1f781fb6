/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/predictors/safetensors.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/buf.h"
#include "lut/base/json.h"

enum { LENGTH_BYTES = 8, HEADER_MAX_BYTES = 4 << 20, TENSORS_MAX = 1024 };

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {
    {"F32", 4}, {"F64", 8}, {"F16", 2}, {"BF16", 2}, {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"I64", 8},  {"I32", 4},
    {"I16", 2}, {"I8", 1},  {"U64", 8}, {"U32", 4},  {"U16", 2},     {"U8", 1},      {"BOOL", 1},
};

static size_t dtype_size(const char *name)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
        if (strcmp(dtypes[i].name, name) == 0) return dtypes[i].bytes;
    }
    return 0;
}

static uint64_t read_u64(const unsigned char *p)
{
    uint64_t value = 0;
    for (int i = LENGTH_BYTES - 1; i >= 0; i--) value = value << 8 | p[i];
    return value;
}

static enum lathe_status read_shape(const json_t *shape, struct tensor *t, struct lathe_error *err)
{
    if (json_array_size(shape) > TENSOR_MAX_RANK)
        return error_field(err, "shape", "shape has more than %d dimensions", TENSOR_MAX_RANK);
    t->rank = (int)json_array_size(shape);
    t->elements = 1;
    for (int i = 0; i < t->rank; i++) {
        const json_t *item = json_array_get(shape, (size_t)i);
        json_int_t n = json_integer_value(item);
        if (!json_is_integer(item) || n < 1) return error_field(err, "shape", "shape must hold whole numbers from 1");
        t->shape[i] = (size_t)n;
        if (__builtin_mul_overflow(t->elements, t->shape[i], &t->elements))
            return error_field(err, "shape", "shape has more elements than a file can hold");
    }
    return LATHE_OK;
}

static enum lathe_status read_offsets(const json_t *offsets, size_t data_size, struct tensor *t,
                                      struct lathe_error *err)
{
    const json_t *begin = json_array_get(offsets, 0);
    const json_t *end = json_array_get(offsets, 1);
    if (!json_is_integer(begin) || !json_is_integer(end) || json_integer_value(begin) < 0 ||
        json_integer_value(end) < json_integer_value(begin))
        return error_field(err, "data_offsets", "data_offsets must be two whole numbers, begin and end");
    if ((uint64_t)json_integer_value(end) > data_size)
        return error_field(err, "data_offsets", "data_offsets end at %lld, but the file holds %zu bytes of data",
                           (long long)json_integer_value(end), data_size);
    t->begin = (size_t)json_integer_value(begin);
    t->end = (size_t)json_integer_value(end);
    return LATHE_OK;
}

static enum lathe_status check_size(const struct tensor *t, struct lathe_error *err)
{
    size_t bytes = 0;
    size_t each = dtype_size(t->dtype);
    if (!each) return error_field(err, "dtype", "unknown dtype %s", t->dtype);
    if (__builtin_mul_overflow(t->elements, each, &bytes) || bytes != t->end - t->begin)
        return error_field(err, "data_offsets", "data_offsets hold %zu bytes, but shape and dtype need %zu of %zu",
                           t->end - t->begin, t->elements, each);
    return LATHE_OK;
}

static enum lathe_status read_tensor(const json_t *entry, size_t data_size, struct tensor *t, struct lathe_error *err)
{
    struct json_fields f;
    const char *dtype = "";
    const json_t *shape = NULL;
    const json_t *offsets = NULL;
    json_fields_begin(&f, entry, err);
    json_get_string(&f, "dtype", JSON_REQUIRED, &dtype);
    json_get_array(&f, "shape", JSON_REQUIRED, 0, TENSOR_MAX_RANK, &shape);
    json_get_array(&f, "data_offsets", JSON_REQUIRED, 2, 2, &offsets);
    enum lathe_status st = json_fields_end(&f);
    if (st) return st;
    snprintf(t->dtype, sizeof t->dtype, "%s", dtype);
    st = read_shape(shape, t, err);
    if (!st) st = read_offsets(offsets, data_size, t, err);
    return st ? st : check_size(t, err);
}

static enum lathe_status read_metadata(const json_t *object, struct safetensors *out, struct lathe_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object)) return error_field(err, "__metadata__", "__metadata__ must be an object");
    json_object_foreach((json_t *)object, key, value)
    {
        if (!json_is_string(value)) return error_field(err, "__metadata__", "%.60s must be a string", key);
    }
    out->metadata = json_deep_copy(object);
    return out->metadata ? LATHE_OK : error_set(err, LATHE_NO_MEMORY, "out of memory");
}

static int by_offset(const void *a, const void *b)
{
    const struct tensor *x = a;
    const struct tensor *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* The tensors must cover the data exactly, so that a file has no room for what nobody checks. */
static enum lathe_status check_cover(struct safetensors *s, struct lathe_error *err)
{
    size_t at = 0;
    if (s->count) qsort(s->tensors, s->count, sizeof *s->tensors, by_offset);
    for (size_t i = 0; i < s->count; i++) {
        const struct tensor *t = &s->tensors[i];
        if (t->begin != at)
            return error_field(err, t->name, "data of tensor %s begins at %zu, where %zu is expected: data %s", t->name,
                               t->begin, at, t->begin < at ? "overlap" : "have a gap");
        at = t->end;
    }
    if (at != s->data_size)
        return error_field(err, "", "tensors end at %zu, but the file holds %zu bytes of data", at, s->data_size);
    return LATHE_OK;
}

static enum lathe_status read_header(const json_t *header, struct safetensors *out, struct lathe_error *err)
{
    const char *key;
    json_t *value;
    enum lathe_status st = LATHE_OK;
    if (!json_is_object(header)) return error_field(err, "", "the header must be a JSON object");
    if (json_object_size(header) > TENSORS_MAX) return error_field(err, "", "more than %d tensors", TENSORS_MAX);
    out->tensors = calloc(json_object_size(header) + 1, sizeof *out->tensors);
    if (!out->tensors) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    json_object_foreach((json_t *)header, key, value)
    {
        if (strcmp(key, "__metadata__") == 0) {
            st = read_metadata(value, out, err);
            if (st) return st;
            continue;
        }
        struct tensor *t = &out->tensors[out->count++];
        if (!key[0] || strlen(key) >= sizeof t->name)
            return error_field(err, key, "a tensor's name must have 1 to %zu characters", sizeof t->name - 1);
        snprintf(t->name, sizeof t->name, "%s", key);
        st = read_tensor(value, out->data_size, t, err);
        if (st) {
            error_in_field(err, key);
            return st;
        }
    }
    return check_cover(out, err);
}

static enum lathe_status parse_into(const unsigned char *bytes, size_t size, struct safetensors *out,
                                    struct lathe_error *err)
{
    if (size < LENGTH_BYTES) return error_field(err, "", "not a safetensors file: only %zu bytes", size);
    uint64_t length = read_u64(bytes);
    if (length > HEADER_MAX_BYTES || length > size - LENGTH_BYTES)
        return error_field(err, "", "not a safetensors file, or cut off: a header of %llu bytes in a file of %zu",
                           (unsigned long long)length, size);
    json_t *header = NULL;
    struct lathe_error why = {0};
    enum lathe_status st = json_parse((const char *)bytes + LENGTH_BYTES, (size_t)length, &header, &why);
    if (st) return error_field(err, "", "the header is %.400s", why.message);
    out->data = bytes + LENGTH_BYTES + length;
    out->data_size = size - LENGTH_BYTES - (size_t)length;
    st = read_header(header, out, err);
    json_decref(header);
    return st;
}

enum lathe_status safetensors_parse(const void *bytes, size_t size, struct safetensors *out, struct lathe_error *err)
{
    struct safetensors s = {0};
    enum lathe_status st = parse_into(bytes, size, &s, err);
    if (st) safetensors_clear(&s);
    else *out = s;
    return st;
}

void safetensors_clear(struct safetensors *s)
{
    json_decref(s->metadata);
    free(s->tensors);
    *s = (struct safetensors){0};
}

const struct tensor *safetensors_find(const struct safetensors *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->tensors[i].name, name) == 0) return &s->tensors[i];
    }
    return NULL;
}

enum lathe_status safetensors_read_f32(const struct safetensors *s, const struct tensor *t, float *out,
                                       struct lathe_error *err)
{
    if (strcmp(t->dtype, "F32") != 0)
        return error_field(err, t->name, "tensor %s is %s: only F32 can be read", t->name, t->dtype);
    const unsigned char *p = s->data + t->begin;
    for (size_t i = 0; i < t->elements; i++, p += 4) {
        uint32_t bits = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        memcpy(&out[i], &bits, sizeof bits);
        if (!isfinite(out[i])) return error_field(err, t->name, "tensor %s has a NaN or an infinity", t->name);
    }
    return LATHE_OK;
}

static json_t *header_entry(const struct tensor_source *t, size_t begin, size_t *end)
{
    json_t *shape = json_array();
    size_t elements = 1;
    for (int i = 0; i < t->rank; i++) {
        elements *= t->shape[i];
        json_array_append_new(shape, json_integer((json_int_t)t->shape[i]));
    }
    *end = begin + elements * sizeof(float);
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets", (json_int_t)begin,
                     (json_int_t)*end);
}

static void put_floats(struct buf *buf, const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        unsigned char bytes[4] = {(unsigned char)bits, (unsigned char)(bits >> 8), (unsigned char)(bits >> 16),
                                  (unsigned char)(bits >> 24)};
        buf_put(buf, bytes, sizeof bytes);
    }
}

/* The header's text, filled up with spaces so that data begin at a multiple of eight. */
static char *header_text(const json_t *metadata, const struct tensor_source *tensors, size_t count, size_t *length)
{
    json_t *header = json_object();
    size_t at = 0;
    json_object_set(header, "__metadata__", (json_t *)metadata);
    for (size_t i = 0; i < count; i++) json_object_set_new(header, tensors[i].name, header_entry(&tensors[i], at, &at));
    char *text = json_dumps(header, JSON_COMPACT);
    bool whole = json_object_size(header) == count + 1;
    json_decref(header);
    if (!text || !whole) {
        free(text);
        return NULL;
    }
    *length = (strlen(text) + 7) / 8 * 8;
    return text;
}

enum lathe_status safetensors_write(const json_t *metadata, const struct tensor_source *tensors, size_t count,
                                    char **file, size_t *size, struct lathe_error *err)
{
    size_t length = 0;
    struct buf buf;
    buf_init(&buf);
    char *text = header_text(metadata, tensors, count, &length);
    if (!text) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    unsigned char prefix[LENGTH_BYTES];
    for (int i = 0; i < LENGTH_BYTES; i++) prefix[i] = (unsigned char)((uint64_t)length >> (8 * i));
    buf_put(&buf, prefix, sizeof prefix);
    buf_printf(&buf, "%-*s", (int)length, text);
    free(text);
    for (size_t i = 0; i < count; i++) {
        size_t elements = 1;
        for (int d = 0; d < tensors[i].rank; d++) elements *= tensors[i].shape[d];
        put_floats(&buf, tensors[i].values, elements);
    }
    char *bytes = buf_take(&buf, size);
    if (!bytes) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    *file = bytes;
    return LATHE_OK;
}
