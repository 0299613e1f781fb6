/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Reading of space documents: what all families have in common. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/spaces/internal.h"

/* A subnet with more multiply-accumulates than this is no network, and sums of them stay exact as doubles. */
static const double most_macs = 1e15;

static enum lathe_status require_ascending(const struct space_dim *dim, const char *name, struct lathe_error *err)
{
    if (!dim->count) return error_field(err, name, "%s must not be empty", name);
    for (int i = 1; i < dim->count; i++) {
        if (dim->values[i] > dim->values[i - 1]) continue;
        char field[96];
        snprintf(field, sizeof field, "%s[%d]", name, i);
        return error_field(err, field, "%s must be above the one before it: list %s in ascending order", field, name);
    }
    return LATHE_OK;
}

static void read_list(struct json_fields *f, const char *name, enum json_need need, int min, int max, size_t most,
                      struct space_dim *out)
{
    size_t count = 0;
    struct space_dim dim = {0};
    if (f->status) return;
    json_get_ints(f, name, need, min, max, dim.values, most, &count);
    if (f->status || json_is_null(json_object_get(f->object, name)) || !json_object_get(f->object, name)) return;
    dim.count = (int)count;
    f->status = require_ascending(&dim, name, f->err);
    if (!f->status) *out = dim;
}

static enum lathe_status read_range(const json_t *object, struct space_dim *out, struct lathe_error *err)
{
    struct json_fields f;
    int64_t min = 0;
    int64_t max = 0;
    int64_t step = 0;
    json_fields_begin(&f, object, err);
    json_get_int(&f, "min", JSON_REQUIRED, 1, SPACE_MAX_RESOLUTION, &min);
    json_get_int(&f, "max", JSON_REQUIRED, 1, SPACE_MAX_RESOLUTION, &max);
    json_get_int(&f, "step", JSON_REQUIRED, 1, SPACE_MAX_RESOLUTION, &step);
    enum lathe_status st = json_fields_end(&f);
    if (st) return st;
    if (max < min || (max - min) % step)
        return error_field(err, "max", "max must be min plus a multiple of step, and not below min");
    if ((max - min) / step >= SPACE_MAX_VALUES)
        return error_field(err, "step", "at most %d resolutions: use a larger step", SPACE_MAX_VALUES);
    for (int64_t r = min; r <= max; r += step) out->values[out->count++] = (int)r;
    return LATHE_OK;
}

enum lathe_status space_read_resolutions(struct json_fields *f, struct space *space, struct lathe_error *err)
{
    struct space_dim dim = {0};
    if (!f->status && json_is_object(json_object_get(f->object, "resolutions"))) {
        json_allow(f, "resolutions");
        f->status = read_range(json_object_get(f->object, "resolutions"), &dim, err);
        if (f->status) error_in_field(err, "resolutions");
    } else {
        read_list(f, "resolutions", JSON_REQUIRED, 1, SPACE_MAX_RESOLUTION, SPACE_MAX_VALUES, &dim);
    }
    if (f->status) return f->status;
    dim.kind = DIM_RESOLUTION;
    dim.stage = -1;
    space->dims[space->dim_count++] = dim;
    return LATHE_OK;
}

void space_read_depths(struct json_fields *f, int least, struct space_dim *out)
{
    read_list(f, "depth", JSON_REQUIRED, least, SPACE_MAX_BLOCKS, SPACE_MAX_STAGE_DEPTHS, out);
}

void space_read_kernels(struct json_fields *f, struct space_dim *out)
{
    read_list(f, "kernel", JSON_OPTIONAL, 1, 15, 8, out);
    for (int i = 0; !f->status && i < out->count; i++) {
        if (out->values[i] % 2) continue;
        char field[96];
        snprintf(field, sizeof field, "kernel[%d]", i);
        f->status = error_field(f->err, field, "%s must be odd", field);
    }
}

/* Ratios, kept in thousandths. */
static void read_ratios(struct json_fields *f, const char *name, enum json_need need, double least,
                        struct space_dim *out)
{
    const json_t *array = NULL;
    struct space_dim dim = {0};
    json_get_array(f, name, need, 1, 16, &array);
    if (f->status || !array) return;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        double ratio = json_number_value(item);
        /* Written so that NaN, which no comparison holds for, is refused too. */
        if (!json_is_number(item) || !(ratio >= least && ratio <= SPACE_MAX_EXPAND / 1000.0)) {
            char field[96];
            snprintf(field, sizeof field, "%s[%zu]", name, i);
            f->status =
                error_field(f->err, field, "%s must be a number from %g to %d", field, least, SPACE_MAX_EXPAND / 1000);
            return;
        }
        dim.values[dim.count++] = (int)(ratio * 1000 + 0.5);
    }
    f->status = require_ascending(&dim, name, f->err);
    if (!f->status) *out = dim;
}

void space_read_expands(struct json_fields *f, struct space_dim *out)
{
    read_ratios(f, "expand", JSON_OPTIONAL, 0.1, out);
}

void space_read_widths(struct json_fields *f, struct space_dim *out)
{
    read_ratios(f, "width", JSON_REQUIRED, 0.05, out);
}

int space_read_int(struct json_fields *f, const char *name, int min, int max)
{
    int64_t value = 0;
    json_get_int(f, name, JSON_REQUIRED, min, max, &value);
    return (int)value;
}

enum activation space_read_activation(struct json_fields *f)
{
    static const char *const words[] = {"none", "relu", "relu6", "hswish", "swish", NULL};
    int word = 0;
    json_get_word(f, "activation", JSON_REQUIRED, words, &word);
    return (enum activation)word;
}

int space_read_kernel(struct json_fields *f, int least)
{
    int kernel = space_read_int(f, "kernel", least, 15);
    if (!f->status && kernel % 2 == 0) f->status = error_field(f->err, "kernel", "kernel must be odd");
    return kernel;
}

enum lathe_status space_in_item(enum lathe_status st, const char *list, size_t at, struct lathe_error *err)
{
    char field[40];
    snprintf(field, sizeof field, "%s[%zu]", list, at);
    if (st) error_in_field(err, field);
    return st;
}

/* Append a dimension; those of one kind are appended one after another. */
static void add_dim(struct space *space, enum dim_kind kind, int stage, const struct space_dim *choices)
{
    struct space_kind *of = &space->kinds[kind];
    if (!of->count) of->first = space->dim_count;
    struct space_dim *dim = &space->dims[space->dim_count++];
    *dim = *choices;
    dim->kind = kind;
    dim->index = of->count++;
    dim->stage = stage;
}

static enum lathe_status number_blocks(struct space *space, const struct stage_choices *stages, int count,
                                       struct lathe_error *err)
{
    for (int s = 0; s < count; s++) {
        const struct space_dim *depth = &stages[s].depth;
        struct space_stage *stage = &space->stages[s];
        stage->first_block = space->block_count;
        stage->blocks = stages[s].expand.count ? depth->values[depth->count - 1] : 0;
        if (space->block_count + stage->blocks > SPACE_MAX_BLOCKS)
            return error_field(err, "stages", "at most %d blocks in all stages at their deepest", SPACE_MAX_BLOCKS);
        for (int b = 0; b < stage->blocks; b++) space->blocks[space->block_count++].stage = s;
        if (stages[s].kernel.count * stages[s].expand.count > SPACE_MAX_BLOCK_CHOICES) {
            char field[96];
            snprintf(field, sizeof field, "stages[%d]", s);
            return error_field(err, field, "at most %d combinations of kernel and expand for a block",
                               SPACE_MAX_BLOCK_CHOICES);
        }
    }
    space->stage_count = count;
    return LATHE_OK;
}

/* How many dimensions the stages make. */
static int count_dims(const struct space *space, const struct stage_choices *stages)
{
    int n = 0;
    for (int s = 0; s < space->stage_count; s++)
        n += 1 + stages[s].width_count + space->stages[s].blocks * (stages[s].kernel.count ? 2 : 1);
    return n;
}

static void add_block_dims(struct space *space, const struct stage_choices *stages)
{
    for (int b = 0; b < space->block_count; b++) {
        struct space_block *block = &space->blocks[b];
        const struct space_dim *kernels = &stages[block->stage].kernel;
        block->kernel_dim = kernels->count ? space->dim_count : -1;
        if (kernels->count) add_dim(space, DIM_KERNEL, block->stage, kernels);
    }
    for (int b = 0; b < space->block_count; b++) {
        space->blocks[b].expand_dim = space->dim_count;
        add_dim(space, DIM_EXPAND, space->blocks[b].stage, &stages[space->blocks[b].stage].expand);
    }
}

enum lathe_status space_add_stages(struct space *space, const struct stage_choices *stages, int count,
                                   struct lathe_error *err)
{
    enum lathe_status st = number_blocks(space, stages, count, err);
    if (st) return st;
    if (space->dim_count + count_dims(space, stages) > SPACE_MAX_DIMS)
        return error_field(err, "stages", "too many choices: a space has at most %d dimensions", SPACE_MAX_DIMS);
    for (int s = 0; s < count; s++) {
        space->stages[s].depth_dim = space->dim_count;
        add_dim(space, DIM_DEPTH, s, &stages[s].depth);
    }
    add_block_dims(space, stages);
    for (int s = 0; s < count; s++)
        for (int w = 0; w < stages[s].width_count; w++) add_dim(space, DIM_WIDTH, s, &stages[s].widths[w]);
    return LATHE_OK;
}

enum lathe_status space_add_width(struct space *space, const struct space_dim *widths, int *dim,
                                  struct lathe_error *err)
{
    if (space->dim_count == SPACE_MAX_DIMS)
        return error_field(err, "width", "too many choices: a space has at most %d dimensions", SPACE_MAX_DIMS);
    *dim = space->dim_count;
    add_dim(space, DIM_WIDTH, -1, widths);
    return LATHE_OK;
}

struct space_slot *space_add_slot(struct space *space, int stage, int block)
{
    if (space->slot_count == SPACE_MAX_SLOTS) return NULL;
    struct space_slot *slot = &space->slots[space->slot_count++];
    *slot = (struct space_slot){.stage = stage, .block = block};
    return slot;
}

/* Every layer that the space can have at its largest resolution and deepest, slot by slot. Smaller resolutions and
 * depths have the same layers with smaller shapes, which are valid where these are. */
static enum lathe_status check_layers(const struct space *space, struct lathe_error *err)
{
    struct subnet s = {{0}};
    double macs = 0;
    for (int d = 0; d < space->dim_count; d++) s.at[d] = (uint8_t)(space->dims[d].count - 1);
    for (int slot = 0; slot < space->slot_count; slot++) {
        struct space_choices choices;
        double most = 0;
        space_choices_init(space, slot, &choices);
        for (int choice = 0; choice < choices.count; choice++) {
            struct layer layer;
            struct lathe_error why;
            space_choose(&choices, choice, &s);
            if (!space_slot_layer(space, &s, slot, &layer)) continue;
            if (layer_validate(&layer, &why))
                return error_field(err, "", "%s is not possible: %.300s", space->slots[slot].label, why.message);
            double n = (double)layer_macs(&layer);
            most = n > most ? n : most;
        }
        macs += most;
    }
    if (macs > most_macs) return error_field(err, "", "the largest subnet has %.2g MACs: more than any network", macs);
    return LATHE_OK;
}

static enum lathe_status read_document(struct space *space, const json_t *document, struct lathe_error *err)
{
    struct json_fields f;
    const char *id = NULL;
    const char *text = NULL;
    const char *family = NULL;
    json_fields_begin(&f, document, err);
    json_get_name(&f, "id", JSON_REQUIRED, &id);
    json_get_string(&f, "title", JSON_REQUIRED, &text);
    json_get_string(&f, "source", JSON_OPTIONAL, &text);
    json_get_string(&f, "family", JSON_REQUIRED, &family);
    if (f.status) return f.status;
    space->family = space_family_find(family);
    if (!space->family)
        return error_field(err, "family", "unknown family %.60s; known are: %s", family, space_family_names());
    snprintf(space->id, sizeof space->id, "%s", id);
    enum lathe_status st = space->family->parse(&f, space, err);
    if (!st) st = json_fields_end(&f);
    return st ? st : check_layers(space, err);
}

enum lathe_status space_parse(const json_t *document, struct space **out, struct lathe_error *err)
{
    struct space *space = calloc(1, sizeof *space);
    if (!space) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = read_document(space, document, err);
    if (!st) {
        space->document = json_deep_copy(document);
        if (!space->document) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    if (st) {
        space_free(space);
        return st;
    }
    *out = space;
    return LATHE_OK;
}

void space_free(struct space *space)
{
    if (!space) return;
    if (space->family && space->family->free_data) space->family->free_data(space->family_data);
    json_decref(space->document);
    free(space);
}
