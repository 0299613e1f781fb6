/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/predictors/encoding.h"

#include <string.h>

/* ---- the encodings ---- */

/* A stretch of features: one-hot values of all dimensions of a kind, by index. */
struct part {
    enum dim_kind kind;
    bool stem_only; /* of stage 0 alone */
};

struct layout {
    const char *family;
    bool chooses_width; /* whether it is for spaces of the family with widths to choose from */
    int resolution_count, resolutions[ENCODING_RESOLUTIONS_MOST];
    bool takes_ofa_layout;
    int part_count;
    struct part parts[4]; /* in order of their features */
};

/* Every family has one, and another where widths are a choice that the family need not have. In once-for-all:
 * tutorial/accuracy_predictor.py; class ResNetArchEncoder of ofa/nas/accuracy_predictor/arch_encoder.py with the
 * resolutions of tutorial/ofa_resnet50_example.ipynb, which leave out 208. A ResNet's depths show in which blocks have
 * an expand ratio; only the stem's has features of its own. MCUNet published no predictor: its blocks are encoded as
 * ProxylessNAS's are, then widths, then its resolutions. */
static const struct layout layouts[] = {
    {
        .family = "inverted_residual",
        .resolution_count = 8,
        .resolutions = {112, 128, 144, 160, 176, 192, 208, 224},
        .part_count = 3,
        .parts = {{.kind = DIM_KERNEL}, {.kind = DIM_EXPAND}, {.kind = DIM_RESOLUTION}},
    },
    {
        .family = "inverted_residual",
        .chooses_width = true,
        .resolution_count = 12,
        .resolutions = {48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224},
        .part_count = 4,
        .parts = {{.kind = DIM_KERNEL}, {.kind = DIM_EXPAND}, {.kind = DIM_WIDTH}, {.kind = DIM_RESOLUTION}},
    },
    {
        .family = "bottleneck",
        .chooses_width = true,
        .resolution_count = 8,
        .resolutions = {128, 144, 160, 176, 192, 224, 240, 256},
        .takes_ofa_layout = true,
        .part_count = 4,
        .parts = {{.kind = DIM_RESOLUTION},
                  {.kind = DIM_DEPTH, .stem_only = true},
                  {.kind = DIM_WIDTH},
                  {.kind = DIM_EXPAND}},
    },
};

static bool chooses_width(const struct space *space)
{
    for (int d = 0; d < space_dim_count(space); d++)
        if (space_dim(space, d)->kind == DIM_WIDTH) return true;
    return false;
}

static const struct layout *layout_of(const struct space *space)
{
    bool width = chooses_width(space);
    size_t i = sizeof layouts / sizeof layouts[0];
    while (--i > 0 && (strcmp(layouts[i].family, space_family_name(space)) != 0 || layouts[i].chooses_width != width))
        continue;
    return &layouts[i];
}

static void number_part(struct encoding *e, const struct part *part)
{
    if (part->kind == DIM_RESOLUTION) {
        e->first_resolution = e->features;
        e->features += e->resolution_count;
        return;
    }
    for (int d = 0; d < space_dim_count(e->space); d++) {
        const struct space_dim *dim = space_dim(e->space, d);
        if (dim->kind != part->kind || (part->stem_only && dim->stage != 0)) continue;
        e->base[d] = e->features;
        e->features += dim->count;
    }
}

/* Where each block stands in its stage, and which dimension says how deep that is. */
static void place_blocks(struct encoding *e)
{
    int depth_of_stage[SPACE_MAX_STAGES] = {0};
    int blocks[SPACE_MAX_STAGES][2] = {{0}};
    for (int d = 0; d < space_dim_count(e->space); d++) {
        const struct space_dim *dim = space_dim(e->space, d);
        e->position[d] = -1;
        if (dim->kind == DIM_DEPTH) depth_of_stage[dim->stage] = d;
        if (dim->kind != DIM_KERNEL && dim->kind != DIM_EXPAND) continue;
        e->depth[d] = depth_of_stage[dim->stage];
        e->position[d] = blocks[dim->stage][dim->kind == DIM_EXPAND]++;
    }
}

void encoding_init(struct encoding *e, const struct space *space)
{
    const struct layout *layout = layout_of(space);
    memset(e, 0, sizeof *e);
    e->space = space;
    e->resolutions = layout->resolutions;
    e->resolution_count = layout->resolution_count;
    e->takes_ofa_layout = layout->takes_ofa_layout;
    for (int d = 0; d < SPACE_MAX_DIMS; d++) e->base[d] = -1;
    for (int i = 0; i < layout->part_count; i++) number_part(e, &layout->parts[i]);
    place_blocks(e);
}

/* ---- features ---- */

bool encoding_has_resolution(const struct encoding *e, int resolution)
{
    return resolution >= e->resolutions[0] && resolution <= e->resolutions[e->resolution_count - 1];
}

int encoding_resolution_features(const struct encoding *e, int resolution, struct feature *out)
{
    if (!encoding_has_resolution(e, resolution)) return 0;
    int class = e->resolution_count - 1;
    while (e->resolutions[class] > resolution) class --;
    int above = resolution - e->resolutions[class];
    out[0] = (struct feature){e->first_resolution + class, 1};
    if (above == 0) return 1;
    float part = (float)above / (float)(e->resolutions[class + 1] - e->resolutions[class]);
    out[0].value = 1 - part;
    out[1] = (struct feature){e->first_resolution + class + 1, part};
    return 2;
}

int encoding_features(const struct encoding *e, const struct subnet *s, struct feature *out)
{
    int n = 0;
    int dims = space_dim_count(e->space);
    for (int d = 0; d < dims; d++) {
        if (e->base[d] < 0) continue;
        int depth = space_dim(e->space, e->depth[d])->values[s->at[e->depth[d]]];
        if (e->position[d] >= depth) continue;
        out[n++] = (struct feature){e->base[d] + s->at[d], 1};
    }
    int resolution_dim = space_resolution_dim(e->space);
    int resolution = space_dim(e->space, resolution_dim)->values[s->at[resolution_dim]];
    int more = encoding_resolution_features(e, resolution, out + n);
    return more ? n + more : 0;
}
