/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/search/chain.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 500, MAX_OPTIONS = 256, NODES_A_RESOLUTION = 8000, NEIGHBOURS = 1 };
static const float NEVER = -1e30f;

/* A slot that is there under some value of its group's hub, with its choices at the resolution under way. */
struct block {
    int slot;
    int option_count;
    int choices[MAX_OPTIONS]; /* numbers of combinations, as space_choose() takes them */
    float gains[MAX_OPTIONS];
    float weights[MAX_OPTIONS]; /* parts of the budget */
    float *bound;               /* [BINS + 1]: the best from this block to the end of the chain */
};

struct variant {
    uint8_t value;    /* of the hub */
    int first, count; /* its blocks */
    float gain;
};

struct group {
    int hub;          /* -1: none */
    int first, count; /* its variants */
    float *bound;     /* [BINS + 1]: the best from here to the end of the chain */
};

struct chain {
    const struct problem *problem;
    struct limits limits;
    int weighed[COSTS], weighed_count; /* additive costs that have a limit */
    int hub_of_dim[SPACE_MAX_DIMS];    /* -1: none */
    int slot_of_dim[SPACE_MAX_DIMS];   /* of a dimension that belongs to one slot; -1: shared, or of no slot */
    bool active[SPACE_MAX_SLOTS][SPACE_MAX_VALUES];
    struct group groups[SPACE_MAX_SLOTS + 1];
    struct variant *variants;
    struct block *blocks;
    float *bounds;
    int group_count, variant_count, block_count;
    /* Of the enumeration under way. */
    struct candidate *heap; /* the worst one first */
    int heap_count, heap_most;
    struct subnet at;
    const double *costs[COSTS]; /* cells of the resolution */
    long nodes;
};

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
        if (choices->count > MAX_OPTIONS) return false;
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

/* Slots with a hub make its group, in order of their first; the others are groups of their own. */
static void lay_groups(struct chain *c, const int hub_of_slot[SPACE_MAX_SLOTS])
{
    const struct problem *p = c->problem;
    bool placed[SPACE_MAX_SLOTS] = {false};
    for (int s = 0; s < p->slot_count; s++) {
        if (placed[s]) continue;
        int hub = hub_of_slot[s];
        int values = hub < 0 ? 1 : space_dim(p->space, hub)->count;
        struct group *g = &c->groups[c->group_count++];
        *g = (struct group){.hub = hub, .first = c->variant_count, .count = values};
        for (int v = 0; v < values; v++) {
            struct variant *variant = &c->variants[c->variant_count++];
            *variant = (struct variant){.value = (uint8_t)v, .first = c->block_count};
            for (int t = s; t < p->slot_count; t++) {
                bool ours = hub < 0 ? t == s : hub_of_slot[t] == hub;
                if (!ours) continue;
                placed[t] = true;
                if (!c->active[t][v]) continue;
                c->blocks[c->block_count++].slot = t;
                variant->count++;
            }
        }
    }
}

enum lathe_status chain_new(const struct problem *p, const struct limits *limits, struct chain **out,
                            struct lathe_error *err)
{
    int hub_of_slot[SPACE_MAX_SLOTS];
    struct chain *c = calloc(1, sizeof *c);
    if (!c) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    c->problem = p;
    c->limits = *limits;
    for (int cost = 0; cost < COSTS; cost++)
        if (cost != COST_PEAK_ACTIVATION && limits_get(limits, (enum cost)cost) != INFINITY)
            c->weighed[c->weighed_count++] = cost;
    if (!find_hubs(c, hub_of_slot)) {
        chain_free(c);
        return error_set(err, LATHE_UNSUPPORTED, "the space is no chain of stages");
    }
    promote_hubs(c, hub_of_slot);
    find_active(c, hub_of_slot);
    size_t variants = (size_t)p->slot_count * SPACE_MAX_VALUES;
    size_t blocks = 0;
    for (int s = 0; s < p->slot_count; s++)
        blocks += hub_of_slot[s] < 0 ? 1 : (size_t)space_dim(p->space, hub_of_slot[s])->count;
    c->variants = calloc(variants, sizeof *c->variants);
    c->blocks = calloc(blocks, sizeof *c->blocks);
    c->bounds = calloc((blocks + (size_t)p->slot_count + 1) * (BINS + 1), sizeof *c->bounds);
    if (!c->variants || !c->blocks || !c->bounds) {
        chain_free(c);
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    lay_groups(c, hub_of_slot);
    for (int b = 0; b < c->block_count; b++) c->blocks[b].bound = c->bounds + (size_t)b * (BINS + 1);
    for (int g = 0; g <= c->group_count; g++) c->groups[g].bound = c->bounds + (blocks + (size_t)g) * (BINS + 1);
    *out = c;
    return LATHE_OK;
}

void chain_free(struct chain *c)
{
    if (!c) return;
    free(c->variants);
    free(c->blocks);
    free(c->bounds);
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

/* ---- bounds ---- */

/* The part of the budget that a cell takes: the mean of its parts of all limits. */
static float weight_of(const struct chain *c, size_t cell)
{
    double sum = 0;
    for (int i = 0; i < c->weighed_count; i++) {
        enum cost cost = (enum cost)c->weighed[i];
        sum += c->costs[cost][cell] / problem_unit(cost) / limits_get(&c->limits, cost);
    }
    return c->weighed_count ? (float)(sum / c->weighed_count) : 0;
}

/* The options of a block: every combination of its own dimensions, less those that need too much memory alone. */
static void list_options(struct chain *c, struct block *b, int hub, const struct additive_model *model)
{
    const struct slot_table *table = &c->problem->slots[b->slot];
    double most_bytes = c->limits.peak_activation_kb * problem_unit(COST_PEAK_ACTIVATION);
    struct subnet s = c->at;
    int at_hub = hub < 0 ? 0 : c->at.at[hub];
    b->option_count = 0;
    for (int choice = 0; choice < table->choices.count; choice++) {
        space_choose(&table->choices, choice, &s);
        if (hub >= 0 && s.at[hub] != at_hub) continue;
        size_t cell = table->offset + (size_t)choice;
        if (c->costs[COST_PEAK_ACTIVATION][cell] > most_bytes) continue;
        float gain = 0;
        for (int i = 0; i < table->choices.dim_count; i++)
            if (table->choices.dims[i] != hub)
                gain += model->gain[table->choices.dims[i]][s.at[table->choices.dims[i]]];
        b->choices[b->option_count] = choice;
        b->gains[b->option_count] = gain;
        b->weights[b->option_count++] = weight_of(c, cell);
    }
}

/* The best from a block on, by what is left of the budget. Weights are rounded down: the bound is never too low. */
static void bound_block(struct block *b, const float *rest)
{
    for (int t = 0; t <= BINS; t++) b->bound[t] = NEVER;
    for (int o = 0; o < b->option_count; o++) {
        int bins = b->weights[o] < 1 ? (int)(b->weights[o] * BINS) : BINS + (b->weights[o] > 1);
        float gain = b->gains[o];
        for (int t = bins; t <= BINS; t++) {
            float sum = rest[t - bins] + gain;
            b->bound[t] = b->bound[t] > sum ? b->bound[t] : sum;
        }
    }
}

static void bound_chain(struct chain *c, const struct additive_model *model)
{
    float *end = c->groups[c->group_count].bound;
    for (int t = 0; t <= BINS; t++) end[t] = 0;
    for (int g = c->group_count - 1; g >= 0; g--) {
        struct group *group = &c->groups[g];
        for (int t = 0; t <= BINS; t++) group->bound[t] = NEVER;
        uint8_t kept = group->hub < 0 ? 0 : c->at.at[group->hub];
        for (int v = group->first; v < group->first + group->count; v++) {
            struct variant *variant = &c->variants[v];
            const float *rest = c->groups[g + 1].bound;
            if (group->hub >= 0) c->at.at[group->hub] = variant->value;
            variant->gain = group->hub < 0 ? 0 : model->gain[group->hub][variant->value];
            for (int b = variant->first + variant->count - 1; b >= variant->first; b--) {
                list_options(c, &c->blocks[b], group->hub, model);
                bound_block(&c->blocks[b], rest);
                rest = c->blocks[b].bound;
            }
            for (int t = 0; t <= BINS; t++)
                if (rest[t] + variant->gain > group->bound[t]) group->bound[t] = rest[t] + variant->gain;
        }
        if (group->hub >= 0) c->at.at[group->hub] = kept;
    }
}

/* ---- enumeration ---- */

static void sink(struct chain *c, int i, struct candidate item)
{
    for (;;) {
        int child = 2 * i + 1;
        if (child >= c->heap_count) break;
        if (child + 1 < c->heap_count && c->heap[child + 1].score < c->heap[child].score) child++;
        if (c->heap[child].score >= item.score) break;
        c->heap[i] = c->heap[child];
        i = child;
    }
    c->heap[i] = item;
}

static void keep(struct chain *c, float score)
{
    struct candidate item = {score, c->at};
    if (c->heap_count == c->heap_most) {
        if (score > c->heap[0].score) sink(c, 0, item);
        return;
    }
    int i = c->heap_count++;
    for (; i > 0 && c->heap[(i - 1) / 2].score > score; i = (i - 1) / 2) c->heap[i] = c->heap[(i - 1) / 2];
    c->heap[i] = item;
}

/* Whether a bound can still lead to a candidate. */
static bool promising(const struct chain *c, float bound)
{
    return bound > NEVER / 2 && (c->heap_count < c->heap_most || bound > c->heap[0].score);
}

static void visit_group(struct chain *c, int g, float score, float left);

/* Insert into a short list, best first. */
static int insert(float *bounds, int *items, int count, float bound, int item)
{
    int i = count;
    for (; i > 0 && bounds[i - 1] < bound; i--) {
        bounds[i] = bounds[i - 1];
        items[i] = items[i - 1];
    }
    bounds[i] = bound;
    items[i] = item;
    return count + 1;
}

static void visit_block(struct chain *c, int g, const struct variant *v, int position, float score, float left)
{
    float bounds[MAX_OPTIONS];
    int order[MAX_OPTIONS];
    int count = 0;
    if (c->nodes-- <= 0) return;
    if (position == v->count) {
        visit_group(c, g + 1, score, left);
        return;
    }
    const struct block *b = &c->blocks[v->first + position];
    const float *rest = position + 1 < v->count ? c->blocks[v->first + position + 1].bound : c->groups[g + 1].bound;
    for (int o = 0; o < b->option_count; o++) {
        float after = left - b->weights[o];
        if (after < 0) continue;
        float bound = score + b->gains[o] + rest[(int)(after * BINS)];
        if (promising(c, bound)) count = insert(bounds, order, count, bound, o);
    }
    for (int i = 0; i < count && promising(c, bounds[i]); i++) {
        struct subnet before = c->at;
        int o = order[i];
        space_choose(&c->problem->slots[b->slot].choices, b->choices[o], &c->at);
        visit_block(c, g, v, position + 1, score + b->gains[o], left - b->weights[o]);
        c->at = before;
    }
}

static void visit_group(struct chain *c, int g, float score, float left)
{
    float bounds[SPACE_MAX_VALUES];
    int order[SPACE_MAX_VALUES];
    int count = 0;
    if (g == c->group_count) {
        if (problem_feasible(c->problem, &c->limits, &c->at)) keep(c, score);
        return;
    }
    const struct group *group = &c->groups[g];
    for (int i = 0; i < group->count; i++) {
        const struct variant *v = &c->variants[group->first + i];
        const float *rest = v->count ? c->blocks[v->first].bound : c->groups[g + 1].bound;
        float bound = score + v->gain + rest[(int)(left * BINS)];
        if (promising(c, bound)) count = insert(bounds, order, count, bound, i);
    }
    for (int i = 0; i < count && promising(c, bounds[i]); i++) {
        const struct variant *v = &c->variants[group->first + order[i]];
        uint8_t before = group->hub < 0 ? 0 : c->at.at[group->hub];
        if (group->hub >= 0) c->at.at[group->hub] = v->value;
        visit_block(c, g, v, 0, score + v->gain, left);
        if (group->hub >= 0) c->at.at[group->hub] = before;
    }
}

static void enumerate(struct chain *c, const struct additive_model *model, const struct subnet *centre, int index)
{
    const struct problem *p = c->problem;
    int dim = space_resolution_dim(p->space);
    c->at = *centre;
    c->at.at[dim] = p->resolutions[index];
    for (int cost = 0; cost < COSTS; cost++) c->costs[cost] = p->costs[cost] + problem_base(p, &c->at);
    bound_chain(c, model);
    c->nodes = NODES_A_RESOLUTION;
    float score = model->centre_top1 + model->gain[dim][p->resolutions[index]];
    if (promising(c, score + c->groups[0].bound[BINS])) visit_group(c, 0, score, 1);
}

static int best_first(const void *a, const void *b)
{
    float x = ((const struct candidate *)a)->score;
    float y = ((const struct candidate *)b)->score;
    return x > y ? -1 : x < y;
}

int chain_best(struct chain *c, const struct additive_model *model, const struct subnet *centre,
               struct candidate *found, int most)
{
    const struct problem *p = c->problem;
    int dim = space_resolution_dim(p->space);
    int here = 0;
    float gains[2 * NEIGHBOURS + 1];
    int order[2 * NEIGHBOURS + 1];
    int count = 0;
    c->heap = found;
    c->heap_count = 0;
    c->heap_most = most;
    while (p->resolutions[here] != centre->at[dim]) here++;
    for (int i = here - NEIGHBOURS; i <= here + NEIGHBOURS; i++)
        if (i >= 0 && i < p->resolution_count)
            count = insert(gains, order, count, model->gain[dim][p->resolutions[i]], i);
    for (int i = 0; i < count; i++) enumerate(c, model, centre, order[i]);
    qsort(found, (size_t)c->heap_count, sizeof *found, best_first);
    return c->heap_count;
}
