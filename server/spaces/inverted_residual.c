/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The family of MobileNet's descendants: a stem convolution, a first block, stages of inverted residual blocks whose
 * depth, kernel sizes and expand ratios are chosen, and a head. The width is one for all subnets, or chosen for each
 * subnet as a whole. Its documents are described in README.md. */
#include <stdio.h>
#include <stdlib.h>

#include "server/spaces/internal.h"

enum { HEAD_MAX = 8 };

/* Channels are those of the document, before the width. */
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
    bool scaled;           /* whether the width counts for conv.channels */
};

struct network {
    double width;            /* of all subnets, where it is not chosen */
    struct space_dim widths; /* to choose from; count 0: none */
    int width_dim;           /* -1: not chosen */
    struct conv_part stem, first;
    bool first_residual;
    struct stage_part stages[SPACE_MAX_STAGES];
    int stage_count;
    struct head_part head[HEAD_MAX];
    int head_count;
    int head_slot; /* the first one of the head */
};

/* ---- widths ---- */

/* Channels of a base number at the greatest width. */
static int most_channels(const struct network *net, int base)
{
    const struct space_dim *widths = &net->widths;
    return make_divisible(base * (widths->count ? widths->values[widths->count - 1] / 1000.0 : net->width), 8);
}

/* Channels of a base number in a subnet. */
static int scaled(const struct space *space, const struct subnet *s, int base)
{
    const struct network *net = space->family_data;
    double width = net->width_dim < 0 ? net->width : space_value(space, s, net->width_dim) / 1000.0;
    return make_divisible(base * width, 8);
}

/* ---- reading ---- */

/* "width": a number, or a list to choose from. */
static void read_width(struct json_fields *f, struct network *net)
{
    net->width = 1;
    net->width_dim = -1;
    if (!f->status && json_is_array(json_object_get(f->object, "width"))) space_read_widths(f, &net->widths);
    else json_get_number(f, "width", JSON_OPTIONAL, 0.05, 16, &net->width);
}

/* A base number of channels, which no width may take beyond what a layer can have. */
static int read_channels(struct json_fields *f, const struct network *net, bool scales)
{
    int base = space_read_int(f, "channels", 1, SPACE_MAX_CHANNELS);
    if (f->status) return 0;
    int channels = scales ? most_channels(net, base) : base;
    if (channels > SPACE_MAX_CHANNELS)
        f->status =
            error_field(f->err, "channels", "channels times width is %d, more than %d", channels, SPACE_MAX_CHANNELS);
    return base;
}

static enum lathe_status read_stem(const json_t *object, struct network *net, struct lathe_error *err)
{
    struct json_fields f;
    json_fields_begin(&f, object, err);
    net->stem.channels = read_channels(&f, net, true);
    net->stem.kernel = space_read_kernel(&f, 1);
    net->stem.stride = space_read_int(&f, "stride", 1, 4);
    net->stem.act = space_read_activation(&f);
    return json_fields_end(&f);
}

/* A residual in the first block needs the stem's channels at every width. */
static enum lathe_status check_first(const struct network *net, struct lathe_error *err)
{
    int count = net->widths.count ? net->widths.count : 1;
    for (int i = 0; net->first_residual && i < count; i++) {
        double width = net->widths.count ? net->widths.values[i] / 1000.0 : net->width;
        int stem = make_divisible(net->stem.channels * width, 8);
        int first = make_divisible(net->first.channels * width, 8);
        if (first != stem)
            return error_field(err, "residual", "a residual needs as many channels as the stem has, %d, not %d", stem,
                               first);
    }
    return LATHE_OK;
}

static enum lathe_status read_first(const json_t *object, struct network *net, struct lathe_error *err)
{
    struct json_fields f;
    json_fields_begin(&f, object, err);
    net->first.channels = read_channels(&f, net, true);
    net->first.kernel = space_read_kernel(&f, 1);
    net->first.stride = 1;
    net->first.act = space_read_activation(&f);
    json_get_bool(&f, "residual", JSON_REQUIRED, &net->first_residual);
    if (!f.status) f.status = check_first(net, err);
    return json_fields_end(&f);
}

static enum lathe_status read_stage(const json_t *object, const struct network *net, struct stage_part *part,
                                    struct stage_choices *choices, struct lathe_error *err)
{
    struct json_fields f;
    json_fields_begin(&f, object, err);
    part->channels = read_channels(&f, net, true);
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

static enum lathe_status read_head_part(const json_t *object, const struct network *net, struct head_part *part,
                                        struct lathe_error *err)
{
    static const char *const kinds[] = {"conv2d", "avgpool", "linear", NULL};
    static const enum layer_kind kind_of[] = {LAYER_CONV2D, LAYER_AVGPOOL, LAYER_LINEAR};
    struct json_fields f;
    int word = 0;
    json_fields_begin(&f, object, err);
    json_get_word(&f, "kind", JSON_REQUIRED, kinds, &word);
    part->kind = kind_of[word];
    if (part->kind == LAYER_CONV2D) {
        part->scaled = true;
        json_get_bool(&f, "scaled", JSON_OPTIONAL, &part->scaled);
        part->conv.channels = read_channels(&f, net, part->scaled);
        part->conv.kernel = space_read_kernel(&f, 1);
        part->conv.stride = 1;
        part->conv.act = space_read_activation(&f);
    } else if (part->kind == LAYER_LINEAR) {
        part->conv.channels = space_read_int(&f, "features", 1, 65535);
    }
    return json_fields_end(&f);
}

static enum lathe_status read_stages(const json_t *array, const struct stage_choices *common, struct space *space,
                                     struct lathe_error *err)
{
    struct network *net = space->family_data;
    struct stage_choices choices[SPACE_MAX_STAGES];
    net->stage_count = (int)json_array_size(array);
    for (int i = 0; i < net->stage_count; i++) {
        choices[i] = *common;
        const json_t *object = json_array_get(array, (size_t)i);
        enum lathe_status st = read_stage(object, net, &net->stages[i], &choices[i], err);
        if (st) return space_in_item(st, "stages", (size_t)i, err);
    }
    enum lathe_status st = space_add_stages(space, choices, net->stage_count, err);
    return st || !net->widths.count ? st : space_add_width(space, &net->widths, &net->width_dim, err);
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

static enum lathe_status read_head(const json_t *array, struct network *net, struct lathe_error *err)
{
    net->head_count = (int)json_array_size(array);
    for (size_t i = 0; i < json_array_size(array); i++) {
        enum lathe_status st = read_head_part(json_array_get(array, i), net, &net->head[i], err);
        if (st) return space_in_item(st, "head", i, err);
    }
    return check_head(net, err);
}

/* ---- slots ---- */

static void depend_on_width(const struct space *space, struct space_slot *slot)
{
    const struct network *net = space->family_data;
    if (net->width_dim >= 0) space_depend(slot, net->width_dim);
}

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
        depend_on_width(space, slot);
    }
}

static void add_head_slots(struct space *space)
{
    struct network *net = space->family_data;
    bool pooled = false;
    bool scaled_in = true;
    net->head_slot = space->slot_count;
    for (int i = 0; i < net->head_count; i++) {
        struct space_slot *slot = space_add_slot(space, -1, -1);
        snprintf(slot->label, sizeof slot->label, "head%d.%s", i + 1, layer_kind_name(net->head[i].kind));
        if (!pooled) space_depend(slot, space_resolution_dim(space));
        if (scaled_in || net->head[i].scaled) depend_on_width(space, slot);
        pooled |= net->head[i].kind == LAYER_AVGPOOL;
        if (net->head[i].kind != LAYER_AVGPOOL) scaled_in = net->head[i].scaled;
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
        depend_on_width(space, slot);
    }
    add_block_slots(space);
    add_head_slots(space);
}

static enum lathe_status parse(struct json_fields *f, struct space *space, struct lathe_error *err)
{
    struct network *net = calloc(1, sizeof *net);
    if (!net) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    space->family_data = net;
    const json_t *stem = NULL;
    const json_t *first = NULL;
    const json_t *stages = NULL;
    const json_t *head = NULL;
    struct stage_choices common = {0};
    read_width(f, net);
    space_read_resolutions(f, space, err);
    json_get_object(f, "stem", JSON_REQUIRED, &stem);
    json_get_object(f, "first", JSON_REQUIRED, &first);
    json_get_array(f, "stages", JSON_REQUIRED, 1, SPACE_MAX_STAGES, &stages);
    space_read_kernels(f, &common.kernel);
    space_read_expands(f, &common.expand);
    json_get_array(f, "head", JSON_REQUIRED, 1, HEAD_MAX, &head);
    if (f->status) return f->status;
    enum lathe_status st = read_stem(stem, net, err);
    if (st) error_in_field(err, "stem");
    if (!st) {
        st = read_first(first, net, err);
        if (st) error_in_field(err, "first");
    }
    if (!st) st = read_stages(stages, &common, space, err);
    if (!st) st = read_head(head, net, err);
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
        .out = space_square(size_after_stem(space, s), scaled(space, s, net->stem.channels)),
        .kernel = net->stem.kernel,
        .stride = net->stem.stride,
        .act = net->stem.act,
    };
}

static struct layer first_layer(const struct space *space, const struct subnet *s)
{
    const struct network *net = space->family_data;
    int n = size_after_stem(space, s);
    int in = scaled(space, s, net->stem.channels);
    return (struct layer){
        .kind = LAYER_MBCONV,
        .in = space_square(n, in),
        .out = space_square(n, scaled(space, s, net->first.channels)),
        .mid = in,
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
    int out = scaled(space, s, part->channels);
    int in = opens ? scaled(space, s, before) : out;
    int stride = opens ? part->stride : 1;
    int n = size_after(space, s, opens ? at->stage : at->stage + 1);
    int mid = (in * space_value(space, s, at->expand_dim) + 500) / 1000;
    if (mid < 1) mid = 1;
    int quarter = mid / 4;
    return (struct layer){
        .kind = LAYER_MBCONV,
        .in = space_square(n, in),
        .out = space_square(conv_out_size(n, stride), out),
        .mid = mid,
        .kernel = space_value(space, s, at->kernel_dim),
        .stride = stride,
        .act = part->act,
        .se = part->squeeze_excite ? make_divisible(quarter, 8) : 0,
        .residual = stride == 1 && in == out,
    };
}

static int head_channels(const struct space *space, const struct subnet *s, const struct head_part *part)
{
    return part->scaled ? scaled(space, s, part->conv.channels) : part->conv.channels;
}

static struct layer head_layer(const struct space *space, const struct subnet *s, int at)
{
    const struct network *net = space->family_data;
    const struct head_part *part = &net->head[at];
    int channels = scaled(space, s, net->stages[net->stage_count - 1].channels);
    bool pooled = false;
    for (int i = 0; i < at; i++) {
        if (net->head[i].kind == LAYER_AVGPOOL) pooled = true;
        else channels = head_channels(space, s, &net->head[i]);
    }
    int n = pooled ? 1 : size_after(space, s, net->stage_count);
    struct layer layer = {
        .kind = part->kind, .in = space_square(n, channels), .out = space_square(1, part->conv.channels)};
    if (part->kind == LAYER_AVGPOOL) layer.out = space_square(1, channels);
    if (part->kind != LAYER_CONV2D) return layer;
    layer.out = space_square(n, head_channels(space, s, part));
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
