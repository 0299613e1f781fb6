/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The family of MobileNet's descendants: a stem convolution, a first block, stages of inverted residual blocks whose
 * depth, kernel sizes and expand ratios are chosen, and a head. Its documents are described in README.md. */
#include <stdio.h>
#include <stdlib.h>

#include "server/spaces/internal.h"

enum { HEAD_MAX = 8 };

struct conv_part {
    int channels, kernel, stride;
    enum activation act;
};

struct stage_part {
    int channels, stride;
    enum activation act;
    bool squeeze_excite;
};

struct head_part {
    enum layer_kind kind;
    struct conv_part conv; /* channels of linear too */
};

struct network {
    struct conv_part stem, first;
    bool first_residual;
    struct stage_part stages[SPACE_MAX_STAGES];
    int stage_count;
    struct head_part head[HEAD_MAX];
    int head_count;
    int head_slot; /* the first one of the head */
};

/* ---- reading ---- */

/* A number of channels: the base of the document times the width multiplier, made divisible by 8. */
static int read_channels(struct json_fields *f, double width)
{
    int base = space_read_int(f, "channels", 1, SPACE_MAX_CHANNELS);
    if (f->status) return 0;
    int channels = make_divisible(base * width, 8);
    if (channels > SPACE_MAX_CHANNELS)
        f->status =
            error_field(f->err, "channels", "channels times width is %d, more than %d", channels, SPACE_MAX_CHANNELS);
    return channels;
}

static enum lathe_status read_stem(const json_t *object, double width, struct network *net, struct lathe_error *err)
{
    struct json_fields f;
    json_fields_begin(&f, object, err);
    net->stem.channels = read_channels(&f, width);
    net->stem.kernel = space_read_kernel(&f, 1);
    net->stem.stride = space_read_int(&f, "stride", 1, 4);
    net->stem.act = space_read_activation(&f);
    return json_fields_end(&f);
}

static enum lathe_status read_first(const json_t *object, double width, struct network *net, struct lathe_error *err)
{
    struct json_fields f;
    json_fields_begin(&f, object, err);
    net->first.channels = read_channels(&f, width);
    net->first.kernel = space_read_kernel(&f, 1);
    net->first.stride = 1;
    net->first.act = space_read_activation(&f);
    json_get_bool(&f, "residual", JSON_REQUIRED, &net->first_residual);
    if (!f.status && net->first_residual && net->first.channels != net->stem.channels)
        f.status = error_field(err, "residual", "a residual needs as many channels as the stem has, %d, not %d",
                               net->stem.channels, net->first.channels);
    return json_fields_end(&f);
}

static enum lathe_status read_stage(const json_t *object, double width, struct stage_part *part,
                                    struct stage_choices *choices, struct lathe_error *err)
{
    struct json_fields f;
    json_fields_begin(&f, object, err);
    part->channels = read_channels(&f, width);
    part->stride = space_read_int(&f, "stride", 1, 4);
    part->act = space_read_activation(&f);
    json_get_bool(&f, "squeeze_excite", JSON_REQUIRED, &part->squeeze_excite);
    space_read_depths(&f, 1, &choices->depth);
    space_read_kernels(&f, &choices->kernel);
    space_read_expands(&f, &choices->expand);
    const char *missing = !choices->kernel.count ? "kernel" : !choices->expand.count ? "expand" : NULL;
    if (!f.status && missing)
        f.status = error_field(err, missing, "%s is missing: give it here or for the whole space", missing);
    return json_fields_end(&f);
}

static enum lathe_status read_head_part(const json_t *object, double width, struct head_part *part,
                                        struct lathe_error *err)
{
    static const char *const kinds[] = {"conv2d", "avgpool", "linear", NULL};
    static const enum layer_kind kind_of[] = {LAYER_CONV2D, LAYER_AVGPOOL, LAYER_LINEAR};
    struct json_fields f;
    int word = 0;
    bool scaled = true;
    json_fields_begin(&f, object, err);
    json_get_word(&f, "kind", JSON_REQUIRED, kinds, &word);
    part->kind = kind_of[word];
    if (part->kind == LAYER_CONV2D) {
        json_get_bool(&f, "scaled", JSON_OPTIONAL, &scaled);
        part->conv.channels = read_channels(&f, scaled ? width : 1);
        part->conv.kernel = space_read_kernel(&f, 1);
        part->conv.stride = 1;
        part->conv.act = space_read_activation(&f);
    } else if (part->kind == LAYER_LINEAR) {
        part->conv.channels = space_read_int(&f, "features", 1, 65535);
    }
    return json_fields_end(&f);
}

static enum lathe_status read_stages(const json_t *array, double width, const struct stage_choices *common,
                                     struct space *space, struct lathe_error *err)
{
    struct network *net = space->family_data;
    struct stage_choices choices[SPACE_MAX_STAGES];
    net->stage_count = (int)json_array_size(array);
    for (int i = 0; i < net->stage_count; i++) {
        choices[i] = *common;
        const json_t *object = json_array_get(array, (size_t)i);
        enum lathe_status st = read_stage(object, width, &net->stages[i], &choices[i], err);
        if (st) return space_in_item(st, "stages", (size_t)i, err);
    }
    return space_add_stages(space, choices, net->stage_count, err);
}

/* Pools once, and what needs a single pixel comes after it. */
static enum lathe_status check_head(const struct network *net, struct lathe_error *err)
{
    bool pooled = false;
    for (int i = 0; i < net->head_count; i++) {
        if (net->head[i].kind == LAYER_AVGPOOL && pooled)
            return space_in_item(error_field(err, "kind", "the head pools already"), "head", (size_t)i, err);
        if (net->head[i].kind == LAYER_LINEAR && !pooled)
            return space_in_item(error_field(err, "kind", "linear needs an avgpool before it"), "head", (size_t)i, err);
        pooled |= net->head[i].kind == LAYER_AVGPOOL;
    }
    return LATHE_OK;
}

static enum lathe_status read_head(const json_t *array, double width, struct network *net, struct lathe_error *err)
{
    net->head_count = (int)json_array_size(array);
    for (size_t i = 0; i < json_array_size(array); i++) {
        enum lathe_status st = read_head_part(json_array_get(array, i), width, &net->head[i], err);
        if (st) return space_in_item(st, "head", i, err);
    }
    return check_head(net, err);
}

/* ---- slots ---- */

static void add_block_slots(struct space *space)
{
    for (int b = 0; b < space->block_count; b++) {
        const struct space_block *block = &space->blocks[b];
        const struct space_stage *stage = &space->stages[block->stage];
        struct space_slot *slot = space_add_slot(space, block->stage, b);
        snprintf(slot->label, sizeof slot->label, "stage%d.block%d", block->stage + 1, b - stage->first_block + 1);
        space_depend(slot, space_resolution_dim(space));
        if (b - stage->first_block >= space->dims[stage->depth_dim].values[0]) space_depend(slot, stage->depth_dim);
        space_depend(slot, block->kernel_dim);
        space_depend(slot, block->expand_dim);
    }
}

static void add_head_slots(struct space *space)
{
    struct network *net = space->family_data;
    bool pooled = false;
    net->head_slot = space->slot_count;
    for (int i = 0; i < net->head_count; i++) {
        struct space_slot *slot = space_add_slot(space, -1, -1);
        snprintf(slot->label, sizeof slot->label, "head%d.%s", i + 1, layer_kind_name(net->head[i].kind));
        if (!pooled) space_depend(slot, space_resolution_dim(space));
        pooled |= net->head[i].kind == LAYER_AVGPOOL;
    }
}

_Static_assert(2 + SPACE_MAX_BLOCKS + HEAD_MAX <= SPACE_MAX_SLOTS, "every network's slots fit");

static void add_slots(struct space *space)
{
    static const char *const labels[] = {"stem", "first"};
    for (int i = 0; i < 2; i++) {
        struct space_slot *slot = space_add_slot(space, -1, -1);
        snprintf(slot->label, sizeof slot->label, "%s", labels[i]);
        space_depend(slot, space_resolution_dim(space));
    }
    add_block_slots(space);
    add_head_slots(space);
}

static enum lathe_status parse(struct json_fields *f, struct space *space, struct lathe_error *err)
{
    struct network *net = calloc(1, sizeof *net);
    if (!net) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    space->family_data = net;
    double width = 1;
    const json_t *stem = NULL;
    const json_t *first = NULL;
    const json_t *stages = NULL;
    const json_t *head = NULL;
    struct stage_choices common = {0};
    json_get_number(f, "width", JSON_OPTIONAL, 0.05, 16, &width);
    space_read_resolutions(f, space, err);
    json_get_object(f, "stem", JSON_REQUIRED, &stem);
    json_get_object(f, "first", JSON_REQUIRED, &first);
    json_get_array(f, "stages", JSON_REQUIRED, 1, SPACE_MAX_STAGES, &stages);
    space_read_kernels(f, &common.kernel);
    space_read_expands(f, &common.expand);
    json_get_array(f, "head", JSON_REQUIRED, 1, HEAD_MAX, &head);
    if (f->status) return f->status;
    enum lathe_status st = read_stem(stem, width, net, err);
    if (st) error_in_field(err, "stem");
    if (!st) {
        st = read_first(first, width, net, err);
        if (st) error_in_field(err, "first");
    }
    if (!st) st = read_stages(stages, width, &common, space, err);
    if (!st) st = read_head(head, width, net, err);
    if (!st) add_slots(space);
    return st;
}

/* ---- lowering ---- */

static int size_after_stem(const struct space *space, const struct subnet *s)
{
    const struct network *net = space->family_data;
    return conv_out_size(space_value(space, s, space_resolution_dim(space)), net->stem.stride);
}

/* Height and width after the first `stages` stages. */
static int size_after(const struct space *space, const struct subnet *s, int stages)
{
    const struct network *net = space->family_data;
    int n = size_after_stem(space, s);
    for (int i = 0; i < stages; i++) n = conv_out_size(n, net->stages[i].stride);
    return n;
}

static struct layer stem_layer(const struct space *space, const struct subnet *s)
{
    const struct network *net = space->family_data;
    return (struct layer){
        .kind = LAYER_CONV2D,
        .in = space_square(space_value(space, s, space_resolution_dim(space)), 3),
        .out = space_square(size_after_stem(space, s), net->stem.channels),
        .kernel = net->stem.kernel,
        .stride = net->stem.stride,
        .act = net->stem.act,
    };
}

static struct layer first_layer(const struct space *space, const struct subnet *s)
{
    const struct network *net = space->family_data;
    int n = size_after_stem(space, s);
    return (struct layer){
        .kind = LAYER_MBCONV,
        .in = space_square(n, net->stem.channels),
        .out = space_square(n, net->first.channels),
        .mid = net->stem.channels,
        .kernel = net->first.kernel,
        .stride = net->first.stride,
        .act = net->first.act,
        .residual = net->first_residual,
    };
}

static struct layer block_layer(const struct space *space, const struct subnet *s, int block)
{
    const struct network *net = space->family_data;
    const struct space_block *at = &space->blocks[block];
    const struct stage_part *part = &net->stages[at->stage];
    bool opens = block == space->stages[at->stage].first_block;
    int before = at->stage ? net->stages[at->stage - 1].channels : net->first.channels;
    int in = opens ? before : part->channels;
    int stride = opens ? part->stride : 1;
    int n = size_after(space, s, opens ? at->stage : at->stage + 1);
    int mid = (in * space_value(space, s, at->expand_dim) + 500) / 1000;
    if (mid < 1) mid = 1;
    int quarter = mid / 4;
    return (struct layer){
        .kind = LAYER_MBCONV,
        .in = space_square(n, in),
        .out = space_square(conv_out_size(n, stride), part->channels),
        .mid = mid,
        .kernel = space_value(space, s, at->kernel_dim),
        .stride = stride,
        .act = part->act,
        .se = part->squeeze_excite ? make_divisible(quarter, 8) : 0,
        .residual = stride == 1 && in == part->channels,
    };
}

static struct layer head_layer(const struct space *space, const struct subnet *s, int at)
{
    const struct network *net = space->family_data;
    const struct head_part *part = &net->head[at];
    int channels = net->stages[net->stage_count - 1].channels;
    bool pooled = false;
    for (int i = 0; i < at; i++) {
        if (net->head[i].kind == LAYER_AVGPOOL) pooled = true;
        else channels = net->head[i].conv.channels;
    }
    int n = pooled ? 1 : size_after(space, s, net->stage_count);
    struct layer layer = {
        .kind = part->kind, .in = space_square(n, channels), .out = space_square(1, part->conv.channels)};
    if (part->kind == LAYER_AVGPOOL) layer.out = space_square(1, channels);
    if (part->kind != LAYER_CONV2D) return layer;
    layer.out = space_square(n, part->conv.channels);
    layer.kernel = part->conv.kernel;
    layer.stride = part->conv.stride;
    layer.act = part->conv.act;
    return layer;
}

static bool slot_layer(const struct space *space, const struct subnet *s, int slot, struct layer *out)
{
    const struct network *net = space->family_data;
    int block = space->slots[slot].block;
    if (block >= 0 && !space_block_active(space, s, block)) return false;
    if (block >= 0) *out = block_layer(space, s, block);
    else if (slot == 0) *out = stem_layer(space, s);
    else if (slot == 1) *out = first_layer(space, s);
    else *out = head_layer(space, s, slot - net->head_slot);
    return true;
}

const struct space_family inverted_residual_family = {
    .name = "inverted_residual",
    .parse = parse,
    .slot_layer = slot_layer,
    .free_data = free,
};
