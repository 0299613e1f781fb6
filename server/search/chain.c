/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How a space is a chain; chain_weights.c has what the limits make of it, chain_enumerate.c the search. */
#include <stdlib.h>
#include <string.h>

#include "server/search/chain_internal.h"

/* ---- structure ---- */

static int uses_of(const struct problem *p, int dim)
{
    int uses = 0;
    for (int s = 0; s < p->slot_count; s++)
        for (int i = 0; i < p->slots[s].choices.dim_count; i++) uses += p->slots[s].choices.dims[i] == dim;
    return uses;
}

/* The shared dimension of each slot; false when one has two. */
static bool find_hubs(struct chain *c, int hub_of_slot[SPACE_MAX_SLOTS])
{
    const struct problem *p = c->problem;
    for (int d = 0; d < SPACE_MAX_DIMS; d++) c->hub_of_dim[d] = c->slot_of_dim[d] = -1;
    for (int s = 0; s < p->slot_count; s++) {
        const struct space_choices *choices = &p->slots[s].choices;
        hub_of_slot[s] = -1;
        if (choices->count > CHAIN_OPTIONS_MOST) return false;
        for (int i = 0; i < choices->dim_count; i++) {
            if (uses_of(p, choices->dims[i]) == 1) {
                c->slot_of_dim[choices->dims[i]] = s;
            } else {
                if (hub_of_slot[s] >= 0) return false;
                hub_of_slot[s] = choices->dims[i];
            }
        }
        for (int i = 0; i < choices->dim_count; i++)
            if (choices->dims[i] != hub_of_slot[s]) c->hub_of_dim[choices->dims[i]] = hub_of_slot[s];
    }
    return true;
}

/* A dimension that only one slot uses may still be what that slot's being there hangs on, as in a stage of depth 1 or
 * 2: then it is the hub. */
static void promote_hubs(struct chain *c, int hub_of_slot[SPACE_MAX_SLOTS])
{
    const struct problem *p = c->problem;
    for (int s = 0; s < p->slot_count; s++) {
        const struct space_choices *choices = &p->slots[s].choices;
        for (int i = 0; hub_of_slot[s] < 0 && i < choices->dim_count; i++) {
            int dim = choices->dims[i];
            if (space_dim(p->space, dim)->kind != DIM_DEPTH) continue;
            hub_of_slot[s] = dim;
            c->slot_of_dim[dim] = -1;
            for (int k = 0; k < choices->dim_count; k++)
                c->hub_of_dim[choices->dims[k]] = choices->dims[k] == dim ? -1 : dim;
        }
    }
}

static void find_active(struct chain *c, const int hub_of_slot[SPACE_MAX_SLOTS])
{
    const struct problem *p = c->problem;
    struct subnet s = {0};
    struct layer layer;
    s.at[space_resolution_dim(p->space)] = p->resolutions[0];
    for (int slot = 0; slot < p->slot_count; slot++) {
        int values = hub_of_slot[slot] < 0 ? 1 : space_dim(p->space, hub_of_slot[slot])->count;
        for (int v = 0; v < values; v++) {
            if (hub_of_slot[slot] >= 0) s.at[hub_of_slot[slot]] = (uint8_t)v;
            c->active[slot][v] = space_slot_layer(p->space, &s, slot, &layer);
        }
    }
}

static void lay_options(struct chain_slot *slot, const struct space_choices *choices)
{
    struct subnet s = {{0}};
    for (int o = 0; o < slot->option_count; o++) {
        for (int i = 0; i < slot->dim_count; i++) {
            int radix = i + 1 < slot->dim_count ? slot->strides[i + 1] : slot->option_count;
            slot->values[o][i] = (uint8_t)(o % radix / slot->strides[i]);
        }
        chain_choose(slot, o, &s);
        slot->choices[o] = space_choice_of(choices, &s);
    }
}

static void lay_slots(struct chain *c, const int hub_of_slot[SPACE_MAX_SLOTS])
{
    const struct problem *p = c->problem;
    for (int s = 0; s < p->slot_count; s++) {
        const struct space_choices *choices = &p->slots[s].choices;
        struct chain_slot *slot = &c->slots[c->slot_count];
        *slot = (struct chain_slot){.slot = s, .hub = hub_of_slot[s], .option_count = 1};
        c->chain_slot_of[s] = -1;
        for (int i = 0; i < choices->dim_count; i++) {
            if (choices->dims[i] == slot->hub) continue;
            slot->strides[slot->dim_count] = slot->option_count;
            slot->dims[slot->dim_count++] = choices->dims[i];
            slot->option_count *= choices->counts[i];
        }
        lay_options(slot, choices);
        if (slot->hub >= 0 || slot->option_count > 1) c->chain_slot_of[s] = c->slot_count++;
    }
}

static void add_block(struct chain *c, struct variant *v, int slot)
{
    struct block *b = &c->blocks[c->block_count++];
    const struct space_choices *choices = &c->problem->slots[slot].choices;
    b->slot = c->chain_slot_of[slot];
    for (int i = 0; i < choices->dim_count; i++)
        if (choices->dims[i] == c->slots[b->slot].hub) b->first_choice = (size_t)v->value * (size_t)choices->strides[i];
    v->count++;
}

/* Slots with a hub make its group, in order of their first; the others are groups of their own. */
static void lay_groups(struct chain *c, const int hub_of_slot[SPACE_MAX_SLOTS])
{
    const struct problem *p = c->problem;
    bool placed[SPACE_MAX_SLOTS] = {false};
    for (int s = 0; s < p->slot_count; s++) {
        int hub = hub_of_slot[s];
        if (placed[s] || c->chain_slot_of[s] < 0) continue;
        struct group *g = &c->groups[c->group_count++];
        *g = (struct group){.hub = hub, .first = c->variant_count};
        const uint8_t *values = (const uint8_t[]){0};
        g->count = hub < 0 ? 1 : problem_values(p, hub, &values);
        for (int v = 0; v < g->count; v++) {
            struct variant *variant = &c->variants[c->variant_count++];
            *variant = (struct variant){.value = values[v], .first = c->block_count};
            for (int t = s; t < p->slot_count; t++) {
                if (hub < 0 ? t != s : hub_of_slot[t] != hub) continue;
                placed[t] = true;
                if (c->active[t][values[v]]) add_block(c, variant, t);
            }
        }
    }
}

static enum lathe_status allocate(struct chain *c, const int hub_of_slot[SPACE_MAX_SLOTS], struct lathe_error *err)
{
    const struct problem *p = c->problem;
    size_t variants = 0;
    size_t blocks = 0;
    for (int s = 0; s < p->slot_count; s++) {
        size_t options = (size_t)p->slots[s].choices.count;
        if (options > c->options_most) c->options_most = options;
        size_t values = hub_of_slot[s] < 0 ? 1 : (size_t)space_dim(p->space, hub_of_slot[s])->count;
        variants += values;
        blocks += values;
    }
    c->variants = calloc(variants + 1, sizeof *c->variants);
    c->blocks = calloc(blocks + 1, sizeof *c->blocks);
    size_t weights = (blocks + 1) * (size_t)p->resolution_count * c->options_most;
    c->set_size = (blocks + (size_t)p->slot_count + 1) * CHAIN_BOUNDS;
    c->sets[0] = calloc(CHAIN_SETS * c->set_size, sizeof *c->sets[0]);
    c->gains = calloc((size_t)p->slot_count * CHAIN_OPTIONS_MOST, sizeof *c->gains);
    c->weights = calloc(weights, sizeof *c->weights);
    c->parts = calloc(weights * COSTS, sizeof *c->parts);
    if (!c->variants || !c->blocks || !c->sets[0] || !c->gains || !c->weights || !c->parts)
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    return LATHE_OK;
}

static void hand_out(struct chain *c)
{
    size_t resolutions = (size_t)c->problem->resolution_count;
    for (int s = 0; s < c->slot_count; s++) c->slots[s].gains = c->gains + (size_t)s * CHAIN_OPTIONS_MOST;
    for (int b = 0; b < c->block_count; b++) {
        size_t first = (size_t)b * resolutions * c->options_most;
        c->blocks[b].bound = (size_t)b * CHAIN_BOUNDS;
        c->blocks[b].weights = c->weights + first;
        c->blocks[b].parts = c->parts + first * COSTS;
    }
    for (int g = 0; g <= c->group_count; g++) c->groups[g].bound = (size_t)(c->block_count + g) * CHAIN_BOUNDS;
    for (size_t i = 1; i < CHAIN_SETS; i++) c->sets[i] = c->sets[0] + i * c->set_size;
}

enum lathe_status chain_new(const struct problem *p, const struct limits *limits, struct chain **out,
                            struct lathe_error *err)
{
    int hub_of_slot[SPACE_MAX_SLOTS];
    struct chain *c = calloc(1, sizeof *c);
    if (!c) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    c->problem = p;
    if (!find_hubs(c, hub_of_slot)) {
        chain_free(c);
        return error_set(err, LATHE_UNSUPPORTED, "the space is no chain of stages");
    }
    promote_hubs(c, hub_of_slot);
    find_active(c, hub_of_slot);
    enum lathe_status st = allocate(c, hub_of_slot, err);
    if (st) {
        chain_free(c);
        return st;
    }
    lay_slots(c, hub_of_slot);
    lay_groups(c, hub_of_slot);
    hand_out(c);
    chain_set_limits(c, limits);
    *out = c;
    return LATHE_OK;
}

void chain_free(struct chain *c)
{
    if (!c) return;
    free(c->variants);
    free(c->blocks);
    free(c->sets[0]);
    free(c->gains);
    free(c->weights);
    free(c->parts);
    free(c);
}

int chain_hub(const struct chain *c, int dim)
{
    return c->hub_of_dim[dim];
}

bool chain_active(const struct chain *c, int dim, int hub_value)
{
    int slot = c->slot_of_dim[dim];
    return slot < 0 || c->active[slot][c->hub_of_dim[dim] < 0 ? 0 : hub_value];
}

struct chain_slot *chain_slots(struct chain *c, int *count)
{
    *count = c->slot_count;
    return c->slots;
}

void chain_choose(const struct chain_slot *slot, int option, struct subnet *s)
{
    for (int i = 0; i < slot->dim_count; i++) s->at[slot->dims[i]] = slot->values[option][i];
}

int chain_option_of(const struct chain_slot *slot, const struct subnet *s)
{
    int option = 0;
    for (int i = 0; i < slot->dim_count; i++) option += s->at[slot->dims[i]] * slot->strides[i];
    return option;
}

struct chain_work chain_work(const struct chain *c)
{
    return c->work;
}
