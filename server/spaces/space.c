/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/spaces/space.h"

#include <math.h>
#include <string.h>

#include "server/spaces/internal.h"
#include "server/spaces/layer_set.h"

const char *space_id(const struct space *space)
{
    return space->id;
}

const json_t *space_document(const struct space *space)
{
    return space->document;
}

const char *space_family_name(const struct space *space)
{
    return space->family->name;
}

const char *space_title(const struct space *space)
{
    return json_string_value(json_object_get(space->document, "title"));
}

int space_dim_count(const struct space *space)
{
    return space->dim_count;
}

const struct space_dim *space_dim(const struct space *space, int dim)
{
    return &space->dims[dim];
}

int space_slot_count(const struct space *space)
{
    return space->slot_count;
}

const struct space_slot *space_slot(const struct space *space, int slot)
{
    return &space->slots[slot];
}

int space_resolution_dim(const struct space *space)
{
    (void)space;
    return 0;
}

int space_find_value(const struct space *space, int dim, double value)
{
    const struct space_dim *d = &space->dims[dim];
    for (int i = 0; i < d->count; i++) {
        /* Ratios are kept in thousandths: what rounds to one of them names it. */
        if (fabs(value - space_shown_value(d, i)) < 0.0005) return i;
    }
    return -1;
}

void space_choices_init(const struct space *space, int slot, struct space_choices *out)
{
    const struct space_slot *of = &space->slots[slot];
    *out = (struct space_choices){.count = 1};
    for (int i = 0; i < of->dim_count; i++) {
        int dim = of->dims[i];
        if (dim == space_resolution_dim(space)) continue;
        out->dims[out->dim_count] = dim;
        out->counts[out->dim_count] = space->dims[dim].count;
        out->strides[out->dim_count++] = out->count;
        out->count *= space->dims[dim].count;
    }
}

void space_choose(const struct space_choices *c, int choice, struct subnet *s)
{
    for (int i = 0; i < c->dim_count; i++) s->at[c->dims[i]] = (uint8_t)(choice / c->strides[i] % c->counts[i]);
}

bool space_dim_active(const struct space *space, const struct subnet *s, int dim)
{
    const struct space_dim *d = &space->dims[dim];
    if (d->kind != DIM_KERNEL && d->kind != DIM_EXPAND) return true;
    return space_block_active(space, s, d->index);
}

void space_canonicalise(const struct space *space, struct subnet *s)
{
    for (int b = 0; b < space->block_count; b++) {
        if (space_block_active(space, s, b)) continue;
        if (space->blocks[b].kernel_dim >= 0) s->at[space->blocks[b].kernel_dim] = 0;
        s->at[space->blocks[b].expand_dim] = 0;
    }
    memset(s->at + space->dim_count, 0, sizeof s->at - (size_t)space->dim_count);
}

bool subnet_equal(const struct subnet *a, const struct subnet *b)
{
    return memcmp(a->at, b->at, sizeof a->at) == 0;
}

/* FNV-1a, 64 bits. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++) hash = (hash ^ p[i]) * 0x100000001b3u;
    return hash;
}

/* Over values, not indices, so that a space keeps its subnets' ids when a choice is added to it. */
uint64_t space_subnet_id(const struct space *space, const struct subnet *s)
{
    uint64_t hash = hash_bytes(0xcbf29ce484222325u, space->id, strlen(space->id) + 1);
    for (int d = 0; d < space->dim_count; d++) {
        uint32_t value = space_dim_active(space, s, d) ? (uint32_t)space_value(space, s, d) : 0;
        unsigned char bytes[4] = {(unsigned char)value, (unsigned char)(value >> 8), (unsigned char)(value >> 16),
                                  (unsigned char)(value >> 24)};
        hash = hash_bytes(hash, bytes, sizeof bytes);
    }
    return hash;
}

bool space_slot_layer(const struct space *space, const struct subnet *s, int slot, struct layer *out)
{
    return space->family->slot_layer(space, s, slot, out);
}

int space_lower(const struct space *space, const struct subnet *s, struct layer *layers)
{
    int n = 0;
    for (int slot = 0; slot < space->slot_count; slot++) n += space_slot_layer(space, s, slot, &layers[n]);
    return n;
}

void space_random(const struct space *space, struct rng *rng, struct subnet *out)
{
    memset(out, 0, sizeof *out);
    for (int d = 0; d < space->dim_count; d++) out->at[d] = (uint8_t)rng_below(rng, (uint32_t)space->dims[d].count);
    space_canonicalise(space, out);
}

void space_cost(const struct space *space, const struct subnet *s, enum dtype dtype, struct subnet_cost *out)
{
    struct layer layers[SPACE_MAX_SLOTS];
    int n = space_lower(space, s, layers);
    *out = (struct subnet_cost){0};
    for (int i = 0; i < n; i++) {
        uint64_t peak = layer_peak_activation_bytes(&layers[i], dtype);
        out->macs += layer_macs(&layers[i]);
        out->params += layer_params(&layers[i]);
        out->weight_bytes += layer_weight_bytes(&layers[i], dtype);
        if (peak > out->peak_activation_bytes) out->peak_activation_bytes = peak;
    }
}

static double choices_of_block(const struct space *space, const struct space_block *block)
{
    double kernels = block->kernel_dim < 0 ? 1 : space->dims[block->kernel_dim].count;
    return kernels * space->dims[block->expand_dim].count;
}

/* Ways to choose the blocks of one stage: for each depth, the product of its blocks' choices. */
static double stage_size(const struct space *space, const struct space_stage *stage)
{
    const struct space_dim *depth = &space->dims[stage->depth_dim];
    double size = 0;
    for (int i = 0; i < depth->count; i++) {
        double product = 1;
        for (int b = 0; b < stage->blocks && b < depth->values[i]; b++)
            product *= choices_of_block(space, &space->blocks[stage->first_block + b]);
        size += product;
    }
    return size;
}

double space_size(const struct space *space)
{
    double size = space->dims[space_resolution_dim(space)].count;
    const struct space_kind *widths = &space->kinds[DIM_WIDTH];
    for (int i = 0; i < widths->count; i++) size *= space->dims[widths->first + i].count;
    for (int i = 0; i < space->stage_count; i++) size *= stage_size(space, &space->stages[i]);
    return size;
}

int space_rows_per_resolution(const struct space *space)
{
    struct layer_set rows;
    struct subnet s = {{0}};
    bool failed = false;
    layer_set_init(&rows);
    s.at[space_resolution_dim(space)] = (uint8_t)(space->dims[space_resolution_dim(space)].count - 1);
    for (int slot = 0; slot < space->slot_count; slot++) {
        struct space_choices choices;
        space_choices_init(space, slot, &choices);
        for (int choice = 0; choice < choices.count; choice++) {
            struct layer layer;
            space_choose(&choices, choice, &s);
            if (space_slot_layer(space, &s, slot, &layer)) failed |= layer_set_add(&rows, &layer) < 0;
        }
    }
    int count = failed ? 0 : rows.count;
    layer_set_clear(&rows);
    return count;
}
