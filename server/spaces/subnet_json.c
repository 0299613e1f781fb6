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

/* The lists of a subnet document, in order. What depends on depths comes after them. */
static const struct list {
    enum dim_kind kind;
    const char *name, *of; /* the field; what has an entry */
} lists[] = {
    {DIM_DEPTH, "depth", "stage"},
    {DIM_KERNEL, "kernel", "block"},
    {DIM_EXPAND, "expand", "block"},
    {DIM_WIDTH, "width", "part of the stem and stage"},
};
enum { LISTS = sizeof lists / sizeof lists[0] };

static enum lathe_status read_choices(const struct space *space, const struct list *list, const json_t *array,
                                      struct subnet *out, struct lathe_error *err)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        char field[32];
        snprintf(field, sizeof field, "%s[%zu]", list->name, i);
        const json_t *number = json_array_get(array, i);
        if (!json_is_number(number)) return error_field(err, field, "%s must be a number", field);
        int dim = space->kinds[list->kind].first + (int)i;
        if (!space_dim_active(space, out, dim)) continue;
        enum lathe_status st = choose(space, dim, number, field, out, err);
        if (st) return st;
    }
    return LATHE_OK;
}

/* An array of as many entries as the space has dimensions of the kind; no field where it has none. */
static void get_list(struct json_fields *f, const struct space *space, const struct list *list, const json_t **out)
{
    int count = space->kinds[list->kind].count;
    if (!count) return;
    json_get_array(f, list->name, JSON_REQUIRED, 0, SIZE_MAX, out);
    if (f->status || json_array_size(*out) == (size_t)count) return;
    if (list->kind == DIM_WIDTH && space->dims[space->kinds[DIM_WIDTH].first].stage < 0) {
        f->status = error_field(f->err, list->name, "%s must have 1 number, for the whole network, not %zu", list->name,
                                json_array_size(*out));
        return;
    }
    f->status = error_field(f->err, list->name, "%s must have %d numbers, one for each %s, not %zu", list->name, count,
                            list->of, json_array_size(*out));
}

enum lathe_status subnet_from_json(const struct space *space, const json_t *document, struct subnet *out,
                                   struct lathe_error *err)
{
    struct json_fields f;
    struct subnet s = {{0}};
    const char *id = NULL;
    int64_t resolution = 0;
    const json_t *arrays[LISTS] = {NULL};
    json_fields_begin(&f, document, err);
    json_get_string(&f, "space", JSON_OPTIONAL, &id);
    if (!f.status && id && strcmp(id, space->id) != 0)
        f.status = error_field(err, "space", "this subnet is one of space %.64s, not of %s", id, space->id);
    json_get_int(&f, "resolution", JSON_REQUIRED, 1, SPACE_MAX_RESOLUTION, &resolution);
    for (int i = 0; i < LISTS; i++) get_list(&f, space, &lists[i], &arrays[i]);
    enum lathe_status st = json_fields_end(&f);
    if (st) return st;
    st = choose(space, space_resolution_dim(space), json_object_get(document, "resolution"), "resolution", &s, err);
    for (int i = 0; !st && i < LISTS; i++)
        if (arrays[i]) st = read_choices(space, &lists[i], arrays[i], &s, err);
    if (!st) *out = s;
    return st;
}

static json_t *number(double value)
{
    return value == floor(value) ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *write_choices(const struct space *space, const struct subnet *s, const struct space_kind *kind)
{
    json_t *array = json_array();
    for (int dim = kind->first; dim < kind->first + kind->count; dim++) {
        double value = space_dim_active(space, s, dim) ? space_shown_value(&space->dims[dim], s->at[dim]) : 0;
        if (json_array_append_new(array, number(value))) break;
    }
    return array;
}

json_t *subnet_to_json(const struct space *space, const struct subnet *s)
{
    json_t *document =
        json_pack("{s:s, s:i}", "space", space->id, "resolution", space_value(space, s, space_resolution_dim(space)));
    for (int i = 0; i < LISTS; i++) {
        const struct space_kind *kind = &space->kinds[lists[i].kind];
        if (kind->count) json_object_set_new(document, lists[i].name, write_choices(space, s, kind));
    }
    return document;
}
