/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Subnets as JSON documents. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lut/base/buf.h"
#include "server/spaces/internal.h"

static enum lathe_status not_a_choice(const struct space_dim *dim, const char *field, double got,
                                      struct lathe_error *err)
{
    struct buf known;
    buf_init(&known);
    for (int i = 0; i < dim->count; i++) buf_printf(&known, "%s%g", i ? ", " : "", space_shown_value(dim, i));
    error_field(err, field, "%s must be one of %s, not %g", field, known.data ? known.data : "", got);
    buf_clear(&known);
    return LATHE_INVALID;
}

static enum lathe_status choose(const struct space *space, int dim, const json_t *number, const char *field,
                                struct subnet *out, struct lathe_error *err)
{
    const struct space_dim *d = &space->dims[dim];
    if (!json_is_number(number)) return error_field(err, field, "%s must be a number", field);
    int index = space_find_value(space, dim, json_number_value(number));
    if (index < 0) return not_a_choice(d, field, json_number_value(number), err);
    out->at[dim] = (uint8_t)index;
    return LATHE_OK;
}

/* The dimension of a kind for stage or block number `at`; -1 when the block is skipped. */
static int dim_of(const struct space *space, const struct subnet *s, enum dim_kind kind, int at)
{
    if (kind == DIM_DEPTH) return space->stages[at].depth_dim;
    if (!space_block_active(space, s, at)) return -1;
    return kind == DIM_KERNEL ? space->blocks[at].kernel_dim : space->blocks[at].expand_dim;
}

static enum lathe_status read_choices(const struct space *space, enum dim_kind kind, const char *name,
                                      const json_t *array, struct subnet *out, struct lathe_error *err)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        char field[32];
        snprintf(field, sizeof field, "%s[%zu]", name, i);
        const json_t *number = json_array_get(array, i);
        if (!json_is_number(number)) return error_field(err, field, "%s must be a number", field);
        int dim = dim_of(space, out, kind, (int)i);
        if (dim < 0) continue;
        enum lathe_status st = choose(space, dim, number, field, out, err);
        if (st) return st;
    }
    return LATHE_OK;
}

static void get_array_of(struct json_fields *f, const char *name, int count, const char *of, const json_t **out)
{
    json_get_array(f, name, JSON_REQUIRED, 0, SIZE_MAX, out);
    if (f->status || json_array_size(*out) == (size_t)count) return;
    f->status = error_field(f->err, name, "%s must have %d numbers, one for each %s, not %zu", name, count, of,
                            json_array_size(*out));
}

enum lathe_status subnet_from_json(const struct space *space, const json_t *document, struct subnet *out,
                                   struct lathe_error *err)
{
    struct json_fields f;
    struct subnet s = {{0}};
    const char *id = NULL;
    int64_t resolution = 0;
    const json_t *depth = NULL;
    const json_t *kernel = NULL;
    const json_t *expand = NULL;
    json_fields_begin(&f, document, err);
    json_get_string(&f, "space", JSON_OPTIONAL, &id);
    if (!f.status && id && strcmp(id, space->id) != 0)
        f.status = error_field(err, "space", "this subnet is one of space %.64s, not of %s", id, space->id);
    json_get_int(&f, "resolution", JSON_REQUIRED, 1, SPACE_MAX_RESOLUTION, &resolution);
    get_array_of(&f, "depth", space->stage_count, "stage", &depth);
    get_array_of(&f, "kernel", space->block_count, "block", &kernel);
    get_array_of(&f, "expand", space->block_count, "block", &expand);
    enum lathe_status st = json_fields_end(&f);
    if (st) return st;
    st = choose(space, space_resolution_dim(space), json_object_get(document, "resolution"), "resolution", &s, err);
    if (!st) st = read_choices(space, DIM_DEPTH, "depth", depth, &s, err);
    if (!st) st = read_choices(space, DIM_KERNEL, "kernel", kernel, &s, err);
    if (!st) st = read_choices(space, DIM_EXPAND, "expand", expand, &s, err);
    if (!st) *out = s;
    return st;
}

static json_t *number(double value)
{
    return value == floor(value) ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *write_choices(const struct space *space, const struct subnet *s, enum dim_kind kind, int count)
{
    json_t *array = json_array();
    for (int i = 0; i < count; i++) {
        int dim = dim_of(space, s, kind, i);
        double value = dim < 0 ? 0 : space_shown_value(&space->dims[dim], s->at[dim]);
        if (json_array_append_new(array, number(value))) break;
    }
    return array;
}

json_t *subnet_to_json(const struct space *space, const struct subnet *s)
{
    return json_pack("{s:s, s:i, s:o, s:o, s:o}", "space", space->id, "resolution",
                     space_value(space, s, space_resolution_dim(space)), "depth",
                     write_choices(space, s, DIM_DEPTH, space->stage_count), "kernel",
                     write_choices(space, s, DIM_KERNEL, space->block_count), "expand",
                     write_choices(space, s, DIM_EXPAND, space->block_count));
}
