/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/predictors/encoding.h"

#include <string.h>

static void number_kind(struct encoding *e, enum dim_kind kind)
{
    for (int d = 0; d < space_dim_count(e->space); d++) {
        const struct space_dim *dim = space_dim(e->space, d);
        if (dim->kind != kind) continue;
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
        if (dim->kind == DIM_DEPTH) depth_of_stage[dim->stage] = d;
        if (dim->kind != DIM_KERNEL && dim->kind != DIM_EXPAND) continue;
        e->depth[d] = depth_of_stage[dim->stage];
        e->position[d] = blocks[dim->stage][dim->kind == DIM_EXPAND]++;
    }
}

void encoding_init(struct encoding *e, const struct space *space)
{
    memset(e, 0, sizeof *e);
    e->space = space;
    for (int d = 0; d < SPACE_MAX_DIMS; d++) e->base[d] = -1;
    number_kind(e, DIM_KERNEL);
    number_kind(e, DIM_EXPAND);
    e->first_resolution = e->features;
    e->features += ENCODING_RESOLUTIONS;
    place_blocks(e);
}

bool encoding_has_resolution(int resolution)
{
    return resolution >= ENCODING_LEAST_RESOLUTION && resolution <= ENCODING_MOST_RESOLUTION;
}

int encoding_resolution_features(const struct encoding *e, int resolution, struct feature *out)
{
    if (!encoding_has_resolution(resolution)) return 0;
    int above = resolution - ENCODING_LEAST_RESOLUTION;
    int class = above / ENCODING_RESOLUTION_STEP;
    float part = (float)(above % ENCODING_RESOLUTION_STEP) / ENCODING_RESOLUTION_STEP;
    out[0] = (struct feature){e->first_resolution + class, 1 - part};
    if (part == 0) return 1;
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
