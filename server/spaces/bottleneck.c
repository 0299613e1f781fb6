/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The family of ResNet-D as once-for-all made it elastic
 * (ofa/imagenet_classification/elastic_nn/networks/ofa_resnets.py of github.com/mit-han-lab/once-for-all): a stem of
 * convolutions, one of which may be skipped, and a maximum pool; stages of bottlenecks whose depth and expand ratios
 * are chosen; pool and linear layer. The widths of the two parts of the stem and of each stage are chosen apart. Its
 * documents are described in README.md.
 *
 * The stem is stage 0 of the space, a stage without blocks: its depth says whether the middle convolution is there. */
#include <stdio.h>
#include <stdlib.h>

#include "server/spaces/internal.h"

enum {
    STEM_SLOTS = 4,
    HEAD_SLOTS = 2,
    STEM_STRIDE = 2,
    POOL_KERNEL = 3,
    POOL_STRIDE = 2,
    STAGES_MAX = SPACE_MAX_STAGES - 1
};

enum stem_slot { STEM_FIRST, STEM_MIDDLE, STEM_LAST, STEM_POOL };
enum head_slot { HEAD_POOL, HEAD_LINEAR };

/* Places among the dimensions of width. */
enum { WIDTH_INNER, WIDTH_STEM, WIDTH_STAGES };

struct stage_part {
    int channels, stride;
};

struct network {
    enum activation act;
    int stem_channels, stem_kernel;
    struct stage_part stages[SPACE_MAX_STAGES]; /* by number in the space: the first is 1 */
    int kernel, features;
    int head_slot; /* the first one of the head */
};

/* ---- reading ---- */

/* Base channels, which the greatest width must not take beyond what a layer may have. */
static int read_channels(struct json_fields *f, const struct space_dim *widths)
{
    int base = space_read_int(f, "channels", 1, SPACE_MAX_CHANNELS);
    if (f->status) return 0;
    int most = make_divisible(base * (widths->values[widths->count - 1] / 1000.0), 8);
    if (most > SPACE_MAX_CHANNELS)
        f->status = error_field(f->err, "channels", "channels times the greatest width is %d, more than %d", most,
                                SPACE_MAX_CHANNELS);
    return base;
}

static enum lathe_status read_stem(const json_t *object, const struct space_dim *widths, struct network *net,
                                   struct stage_choices *choices, struct lathe_error *err)
{
    struct json_fields f;
    json_fields_begin(&f, object, err);
    net->stem_channels = read_channels(&f, widths);
    net->stem_kernel = space_read_kernel(&f, 1);
    space_read_depths(&f, 0, &choices->depth);
    int deepest = f.status ? 0 : choices->depth.values[choices->depth.count - 1];
    if (deepest > 1) f.status = error_field(err, "depth", "depth of the stem must be of 0 and 1");
    choices->widths[WIDTH_INNER] = choices->widths[WIDTH_STEM] = *widths;
    choices->width_count = 2;
    enum lathe_status st = json_fields_end(&f);
    if (st) error_in_field(err, "stem");
    return st;
}

/* @param choices the space's expand ratios and widths, which the stage may replace and extend. */
static enum lathe_status read_stage(const json_t *object, struct stage_part *part, struct stage_choices *choices,
                                    struct lathe_error *err)
{
    struct json_fields f;
    json_fields_begin(&f, object, err);
    part->channels = read_channels(&f, &choices->widths[0]);
    part->stride = space_read_int(&f, "stride", 1, 4);
    space_read_depths(&f, 1, &choices->depth);
    space_read_expands(&f, &choices->expand);
    if (!f.status && !choices->expand.count)
        f.status = error_field(err, "expand", "expand is missing: give it here or for the whole space");
    return json_fields_end(&f);
}

static enum lathe_status read_stages(const json_t *stem, const json_t *stages, const struct stage_choices *common,
                                     struct space *space, struct lathe_error *err)
{
    struct network *net = space->family_data;
    struct stage_choices choices[SPACE_MAX_STAGES] = {0};
    int count = (int)json_array_size(stages);
    enum lathe_status st = read_stem(stem, &common->widths[0], net, &choices[0], err);
    for (int i = 1; !st && i <= count; i++) {
        size_t at = (size_t)i - 1;
        choices[i] = *common;
        st = read_stage(json_array_get(stages, at), &net->stages[i], &choices[i], err);
        if (st) return space_in_item(st, "stages", at, err);
    }
    return st ? st : space_add_stages(space, choices, count + 1, err);
}

/* ---- slots ---- */

static int width_dim(const struct space *space, int at)
{
    return space->kinds[DIM_WIDTH].first + at;
}

/* Of a stage by its number in the space; of the stem's output for 0. */
static int stage_width_dim(const struct space *space, int stage)
{
    return width_dim(space, WIDTH_STAGES + stage - 1);
}

static void add_stem_slots(struct space *space)
{
    static const char *const labels[STEM_SLOTS] = {"stem1.conv2d", "stem2.conv2d", "stem3.conv2d", "stem4.maxpool"};
    for (int i = 0; i < STEM_SLOTS; i++) {
        struct space_slot *slot = space_add_slot(space, 0, -1);
        snprintf(slot->label, sizeof slot->label, "%s", labels[i]);
        space_depend(slot, space_resolution_dim(space));
        if (i == STEM_MIDDLE) space_depend(slot, space->stages[0].depth_dim);
        if (i != STEM_POOL) space_depend(slot, width_dim(space, WIDTH_INNER));
        if (i == STEM_LAST || i == STEM_POOL) space_depend(slot, width_dim(space, WIDTH_STEM));
    }
}

static void add_block_slots(struct space *space)
{
    for (int b = 0; b < space->block_count; b++) {
        const struct space_block *block = &space->blocks[b];
        const struct space_stage *stage = &space->stages[block->stage];
        struct space_slot *slot = space_add_slot(space, block->stage, b);
        snprintf(slot->label, sizeof slot->label, "stage%d.block%d", block->stage, b - stage->first_block + 1);
        space_depend(slot, space_resolution_dim(space));
        if (b - stage->first_block >= space->dims[stage->depth_dim].values[0]) space_depend(slot, stage->depth_dim);
        space_depend(slot, block->expand_dim);
        if (b == stage->first_block) space_depend(slot, stage_width_dim(space, block->stage - 1));
        space_depend(slot, stage_width_dim(space, block->stage));
    }
}

static void add_head_slots(struct space *space)
{
    static const char *const labels[HEAD_SLOTS] = {"head1.avgpool", "head2.linear"};
    struct network *net = space->family_data;
    net->head_slot = space->slot_count;
    for (int i = 0; i < HEAD_SLOTS; i++) {
        struct space_slot *slot = space_add_slot(space, -1, -1);
        snprintf(slot->label, sizeof slot->label, "%s", labels[i]);
        if (i == HEAD_POOL) space_depend(slot, space_resolution_dim(space));
        space_depend(slot, stage_width_dim(space, space->stage_count - 1));
    }
}

_Static_assert(STEM_SLOTS + SPACE_MAX_BLOCKS + HEAD_SLOTS <= SPACE_MAX_SLOTS, "every network's slots fit");

static enum lathe_status parse(struct json_fields *f, struct space *space, struct lathe_error *err)
{
    struct network *net = calloc(1, sizeof *net);
    if (!net) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    space->family_data = net;
    const json_t *stem = NULL;
    const json_t *stages = NULL;
    struct stage_choices common = {.width_count = 1};
    space_read_resolutions(f, space, err);
    net->act = space_read_activation(f);
    json_get_object(f, "stem", JSON_REQUIRED, &stem);
    json_get_array(f, "stages", JSON_REQUIRED, 1, STAGES_MAX, &stages);
    net->kernel = space_read_kernel(f, 1);
    space_read_expands(f, &common.expand);
    space_read_widths(f, &common.widths[0]);
    net->features = space_read_int(f, "features", 1, 65535);
    if (f->status) return f->status;
    enum lathe_status st = read_stages(stem, stages, &common, space, err);
    if (st) return st;
    add_stem_slots(space);
    add_block_slots(space);
    add_head_slots(space);
    return LATHE_OK;
}

/* ---- lowering ---- */

static int scaled(const struct space *space, const struct subnet *s, int base, int dim)
{
    return make_divisible(base * (space_value(space, s, dim) / 1000.0), 8);
}

/* Channels inside the stem: half of what its width would make at the end. */
static int inner_channels(const struct space *space, const struct subnet *s)
{
    const struct network *net = space->family_data;
    int whole = scaled(space, s, net->stem_channels, width_dim(space, WIDTH_INNER));
    int half = whole / 2;
    return make_divisible(half, 8);
}

/* Channels after a stage; after the stem for 0. */
static int stage_channels(const struct space *space, const struct subnet *s, int stage)
{
    const struct network *net = space->family_data;
    int base = stage ? net->stages[stage].channels : net->stem_channels;
    return scaled(space, s, base, stage_width_dim(space, stage));
}

/* Height and width inside the stem. */
static int stem_size(const struct space *space, const struct subnet *s)
{
    return conv_out_size(space_value(space, s, space_resolution_dim(space)), STEM_STRIDE);
}

/* Height and width after a stage; after the stem for 0. */
static int size_after(const struct space *space, const struct subnet *s, int stage)
{
    const struct network *net = space->family_data;
    int n = conv_out_size(stem_size(space, s), POOL_STRIDE);
    for (int i = 1; i <= stage; i++) n = conv_out_size(n, net->stages[i].stride);
    return n;
}

static struct layer stem_pool(const struct space *space, const struct subnet *s)
{
    int channels = stage_channels(space, s, 0);
    return (struct layer){
        .kind = LAYER_MAXPOOL,
        .in = space_square(stem_size(space, s), channels),
        .out = space_square(size_after(space, s, 0), channels),
        .kernel = POOL_KERNEL,
        .stride = POOL_STRIDE,
    };
}

static struct layer stem_conv(const struct space *space, const struct subnet *s, enum stem_slot at)
{
    const struct network *net = space->family_data;
    struct shape inner = space_square(stem_size(space, s), inner_channels(space, s));
    struct layer layer = {.kind = LAYER_CONV2D,
                          .in = inner,
                          .out = inner,
                          .kernel = net->stem_kernel,
                          .stride = 1,
                          .act = net->act,
                          .residual = at == STEM_MIDDLE};
    if (at == STEM_LAST) layer.out.c = stage_channels(space, s, 0);
    if (at != STEM_FIRST) return layer;
    layer.in = space_square(space_value(space, s, space_resolution_dim(space)), 3);
    layer.stride = STEM_STRIDE;
    return layer;
}

static struct layer block_layer(const struct space *space, const struct subnet *s, int block)
{
    const struct network *net = space->family_data;
    const struct space_block *at = &space->blocks[block];
    bool opens = block == space->stages[at->stage].first_block;
    int out = stage_channels(space, s, at->stage);
    int stage_in = opens ? at->stage - 1 : at->stage;
    int n = size_after(space, s, stage_in);
    int stride = opens ? net->stages[at->stage].stride : 1;
    int mid = (out * space_value(space, s, at->expand_dim) + 500) / 1000;
    return (struct layer){
        .kind = LAYER_BOTTLENECK,
        .in = space_square(n, opens ? stage_channels(space, s, stage_in) : out),
        .out = space_square(conv_out_size(n, stride), out),
        .mid = make_divisible(mid < 1 ? 1 : mid, 8),
        .kernel = net->kernel,
        .stride = stride,
        .act = net->act,
        .residual = !opens, /* the first block of a stage has a convolution in its shortcut whatever the widths are */
    };
}

static struct layer head_layer(const struct space *space, const struct subnet *s, enum head_slot at)
{
    const struct network *net = space->family_data;
    int stage = space->stage_count - 1;
    int channels = stage_channels(space, s, stage);
    if (at == HEAD_LINEAR)
        return (struct layer){
            .kind = LAYER_LINEAR, .in = space_square(1, channels), .out = space_square(1, net->features)};
    return (struct layer){.kind = LAYER_AVGPOOL,
                          .in = space_square(size_after(space, s, stage), channels),
                          .out = space_square(1, channels)};
}

static bool slot_layer(const struct space *space, const struct subnet *s, int slot, struct layer *out)
{
    const struct network *net = space->family_data;
    int block = space->slots[slot].block;
    if (block >= 0 && !space_block_active(space, s, block)) return false;
    if (slot == STEM_MIDDLE && !space_value(space, s, space->stages[0].depth_dim)) return false;
    if (block >= 0) *out = block_layer(space, s, block);
    else if (slot < STEM_POOL) *out = stem_conv(space, s, (enum stem_slot)slot);
    else if (slot == STEM_POOL) *out = stem_pool(space, s);
    else *out = head_layer(space, s, (enum head_slot)(slot - net->head_slot));
    return true;
}

const struct space_family bottleneck_family = {
    .name = "bottleneck",
    .parse = parse,
    .slot_layer = slot_layer,
    .free_data = free,
};
