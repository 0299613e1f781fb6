/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/search/chain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/vector.h"

enum {
    BINS = 500,
    SLACK = 1, /* bins by which sums of rounded weights may be too large */
    BOUNDS = BINS + SLACK + 1,
    NODES_A_RESOLUTION = 2000,
    SETS = 3, /* as many resolutions as one enumeration mostly looks at */
};
static const float NEVER = -1e30f;
static const float SPREAD = 1.2f; /* how much further than the last time candidates are looked for */

/* A slot that is there under some value of its group's hub. Weights are parts of the budget. */
struct block {
    int slot;       /* index among the chain's slots */
    float *weights; /* [resolutions][options]; above 1 for what is not allowed */
    size_t bound; /* where in a set of bounds its own are, [BOUNDS]: the best from this block to the end of the chain */
    size_t
        first_choice; /* number of the combination that option 0 makes with the hub's value, as in the slot's table */
};

struct variant {
    uint8_t value;    /* of the hub */
    int first, count; /* its blocks */
    float gain;
};

struct group {
    int hub;          /* -1: none */
    int first, count; /* its variants */
    size_t bound;     /* [BOUNDS]: the best from here to the end of the chain */
};

struct kept {
    float score;
    int at;
};

struct chain {
    const struct problem *problem;
    struct limits limits;
    int weighed[COSTS], weighed_count; /* additive costs that have a limit */
    int hub_of_dim[SPACE_MAX_DIMS];    /* -1: none */
    int slot_of_dim[SPACE_MAX_DIMS];   /* of a dimension that belongs to one slot; -1: shared, or of no slot */
    bool active[SPACE_MAX_SLOTS][SPACE_MAX_VALUES];
    struct chain_slot slots[SPACE_MAX_SLOTS];
    int slot_count;
    int chain_slot_of[SPACE_MAX_SLOTS]; /* index of a slot of the space among them; -1: it has one option only */
    float base[SPACE_MAX_VALUES];       /* [resolutions] the weight of slots with one option and no hub */
    struct group groups[SPACE_MAX_SLOTS + 1];
    struct variant *variants;
    struct block *blocks;
    float *gains, *weights; /* where slots and blocks have theirs */
    float *sets[SETS];      /* of bounds, each for one resolution */
    float *bounds;          /* the set in use */
    size_t set_size;
    int group_count, variant_count, block_count;
    /* Of the enumeration under way. */
    struct kept heap[CHAIN_CANDIDATES_MOST];
    struct subnet subnets[CHAIN_CANDIDATES_MOST];
    int heap_count, most;
    float threshold; /* a bound above it can still lead to a candidate */
    float spread;    /* of the scores in the last enumeration: how far below the best the last one was */
    struct subnet at;
    int row; /* of the resolution */
    long nodes_left;
    struct chain_work work;
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
        if (choices->dims[i] == c->slots[b->slot].hub) b->first_choice = (size_t)(v->value * choices->strides[i]);
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
        size_t values = hub_of_slot[s] < 0 ? 1 : (size_t)space_dim(p->space, hub_of_slot[s])->count;
        variants += values;
        blocks += values;
    }
    c->variants = calloc(variants + 1, sizeof *c->variants);
    c->blocks = calloc(blocks + 1, sizeof *c->blocks);
    c->set_size = (blocks + (size_t)p->slot_count + 1) * BOUNDS;
    c->sets[0] = calloc(SETS * c->set_size, sizeof *c->sets[0]);
    c->gains = calloc((size_t)p->slot_count * CHAIN_OPTIONS_MOST, sizeof *c->gains);
    c->weights = calloc((blocks + 1) * (size_t)p->resolution_count * CHAIN_OPTIONS_MOST, sizeof *c->weights);
    if (!c->variants || !c->blocks || !c->sets[0] || !c->gains || !c->weights)
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    return LATHE_OK;
}

static void hand_out(struct chain *c)
{
    size_t resolutions = (size_t)c->problem->resolution_count;
    for (int s = 0; s < c->slot_count; s++) c->slots[s].gains = c->gains + (size_t)s * CHAIN_OPTIONS_MOST;
    for (int b = 0; b < c->block_count; b++) {
        c->blocks[b].bound = (size_t)b * BOUNDS;
        c->blocks[b].weights = c->weights + (size_t)b * resolutions * CHAIN_OPTIONS_MOST;
    }
    for (int g = 0; g <= c->group_count; g++) c->groups[g].bound = (size_t)(c->block_count + g) * BOUNDS;
    for (size_t i = 1; i < SETS; i++) c->sets[i] = c->sets[0] + i * c->set_size;
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

/* ---- weights ---- */

/* The part of the budget that a cell takes: the mean of its parts of all limits. */
static float weight_of(const struct chain *c, size_t cell)
{
    double sum = 0;
    for (int i = 0; i < c->weighed_count; i++) {
        enum cost cost = (enum cost)c->weighed[i];
        sum += c->problem->costs[cost][cell] / problem_unit(cost) / limits_get(&c->limits, cost);
    }
    return c->weighed_count ? (float)(sum / c->weighed_count) : 0;
}

/* Options that are not allowed, or need too much memory alone, get a weight that nothing can pay. */
static void weigh_block(struct chain *c, struct block *b)
{
    const struct problem *p = c->problem;
    const struct chain_slot *slot = &c->slots[b->slot];
    double most_bytes = c->limits.peak_activation_kb * problem_unit(COST_PEAK_ACTIVATION);
    for (int o = 0; o < slot->option_count; o++) {
        size_t choice = p->slots[slot->slot].offset + b->first_choice + (size_t)slot->choices[o];
        for (int r = 0; r < p->resolution_count; r++) {
            size_t cell = (size_t)r * p->cells + choice;
            bool allowed = p->allowed_cells[choice] && p->costs[COST_PEAK_ACTIVATION][cell] <= most_bytes;
            b->weights[r * CHAIN_OPTIONS_MOST + o] = allowed ? weight_of(c, cell) : 2;
        }
    }
}

void chain_set_limits(struct chain *c, const struct limits *limits)
{
    const struct problem *p = c->problem;
    c->limits = *limits;
    c->weighed_count = 0;
    for (int cost = 0; cost < COSTS; cost++)
        if (cost != COST_PEAK_ACTIVATION && problem_has_cost(p, (enum cost)cost) &&
            limits_get(limits, (enum cost)cost) != INFINITY)
            c->weighed[c->weighed_count++] = cost;
    for (int r = 0; r < p->resolution_count; r++) {
        c->base[r] = 0;
        for (int s = 0; s < p->slot_count; s++)
            if (c->chain_slot_of[s] < 0) c->base[r] += weight_of(c, (size_t)r * p->cells + p->slots[s].offset);
    }
    for (int b = 0; b < c->block_count; b++) weigh_block(c, &c->blocks[b]);
}

/* ---- bounds ---- */

static const float *weights_at(const struct chain *c, const struct block *b)
{
    return b->weights + (size_t)c->row * CHAIN_OPTIONS_MOST;
}

VECTOR_CLONES static void fill(float *values, float value, int count)
{
    for (int i = 0; i < count; i++) values[i] = value;
}

VECTOR_CLONES static void raise_bound(float *restrict bound, const float *restrict rest, float gain, int count)
{
    for (int t = 0; t < count; t++) {
        float sum = rest[t] + gain;
        bound[t] = bound[t] > sum ? bound[t] : sum;
    }
}

/* The best from a block on, by what is left of the budget. */
static void bound_block(const struct chain *c, const struct block *b, const float *rest)
{
    const struct chain_slot *slot = &c->slots[b->slot];
    const float *weights = weights_at(c, b);
    float *bound = c->bounds + b->bound;
    fill(bound, NEVER, BOUNDS);
    for (int o = 0; o < slot->option_count; o++) {
        if (weights[o] > 1) continue;
        int bins = (int)(weights[o] * BINS + 0.5f);
        raise_bound(bound + bins, rest, slot->gains[o], BOUNDS - bins);
    }
}

static void bound_chain(struct chain *c, const struct additive_model *model)
{
    float *end = c->bounds + c->groups[c->group_count].bound;
    fill(end, 0, BOUNDS);
    for (int g = c->group_count - 1; g >= 0; g--) {
        struct group *group = &c->groups[g];
        fill(c->bounds + group->bound, NEVER, BOUNDS);
        for (int v = group->first; v < group->first + group->count; v++) {
            struct variant *variant = &c->variants[v];
            const float *rest = c->bounds + c->groups[g + 1].bound;
            variant->gain = group->hub < 0 ? 0 : model->gain[group->hub][variant->value];
            for (int b = variant->first + variant->count - 1; b >= variant->first; b--) {
                bound_block(c, &c->blocks[b], rest);
                rest = c->bounds + c->blocks[b].bound;
            }
            raise_bound(c->bounds + group->bound, rest, variant->gain, BOUNDS);
        }
    }
}

/* ---- enumeration ---- */

/* The worst kept candidate is heap[0]; heap[i].at is the number of its subnet among those kept. */
static void sink(struct chain *c, int i, struct kept item)
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
    if (score <= c->threshold) return;
    if (c->heap_count == c->most) {
        int at = c->heap[0].at;
        c->subnets[at] = c->at;
        sink(c, 0, (struct kept){score, at});
    } else {
        int at = c->heap_count;
        int i = c->heap_count++;
        for (; i > 0 && c->heap[(i - 1) / 2].score > score; i = (i - 1) / 2) c->heap[i] = c->heap[(i - 1) / 2];
        c->heap[i] = (struct kept){score, at};
        c->subnets[at] = c->at;
    }
    if (c->heap_count == c->most) c->threshold = c->heap[0].score;
}

static int bin_of(float left)
{
    return (int)(left * BINS) + SLACK;
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
    float bounds[CHAIN_OPTIONS_MOST];
    int order[CHAIN_OPTIONS_MOST];
    int count = 0;
    if (c->nodes_left-- <= 0) return;
    if (position == v->count) {
        visit_group(c, g + 1, score, left);
        return;
    }
    const struct block *b = &c->blocks[v->first + position];
    const struct chain_slot *slot = &c->slots[b->slot];
    const float *weights = weights_at(c, b);
    const float *rest =
        c->bounds + (position + 1 < v->count ? c->blocks[v->first + position + 1].bound : c->groups[g + 1].bound);
    for (int o = 0; o < slot->option_count; o++) {
        float after = left - weights[o];
        if (after < 0) continue;
        float bound = score + slot->gains[o] + rest[bin_of(after)];
        if (bound > c->threshold) count = insert(bounds, order, count, bound, o);
    }
    int before = chain_option_of(slot, &c->at);
    for (int i = 0; i < count && bounds[i] > c->threshold; i++) {
        int o = order[i];
        chain_choose(slot, o, &c->at);
        visit_block(c, g, v, position + 1, score + slot->gains[o], left - weights[o]);
    }
    chain_choose(slot, before, &c->at);
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
        const float *rest = c->bounds + (v->count ? c->blocks[v->first].bound : c->groups[g + 1].bound);
        float bound = score + v->gain + rest[bin_of(left)];
        if (bound > c->threshold) count = insert(bounds, order, count, bound, i);
    }
    for (int i = 0; i < count && bounds[i] > c->threshold; i++) {
        const struct variant *v = &c->variants[group->first + order[i]];
        uint8_t before = group->hub < 0 ? 0 : c->at.at[group->hub];
        if (group->hub >= 0) c->at.at[group->hub] = v->value;
        visit_block(c, g, v, 0, score + v->gain, left);
        if (group->hub >= 0) c->at.at[group->hub] = before;
    }
}

/* Resolutions to look at, and what each can lead to, best first. */
struct reach {
    int count;
    int order[SPACE_MAX_VALUES]; /* of the items of rows and sets */
    float bounds[SPACE_MAX_VALUES];
    int rows[SPACE_MAX_VALUES];
};

static void start_at(struct chain *c, const struct subnet *centre, int row)
{
    const struct problem *p = c->problem;
    c->row = row;
    c->at = *centre;
    c->at.at[space_resolution_dim(p->space)] = p->resolutions[row];
}

static float score_at(const struct chain *c, const struct additive_model *model, int row)
{
    return model->centre_top1 + model->gain[space_resolution_dim(c->problem->space)][c->problem->resolutions[row]];
}

/* Bound the i-th resolution within reach, in its set. */
static float bound_at(struct chain *c, const struct additive_model *model, const struct subnet *centre, int row, int i)
{
    c->bounds = c->sets[i % SETS];
    if (c->base[row] > 1) return NEVER;
    start_at(c, centre, row);
    bound_chain(c, model);
    c->work.bounds++;
    return score_at(c, model, row) + c->bounds[c->groups[0].bound + (size_t)bin_of(1 - c->base[row])];
}

static void enumerate(struct chain *c, const struct additive_model *model, const struct subnet *centre,
                      const struct reach *reach, int i)
{
    int row = reach->rows[i];
    if (reach->count > SETS) bound_at(c, model, centre, row, i);
    c->bounds = c->sets[i % SETS];
    start_at(c, centre, row);
    c->nodes_left = NODES_A_RESOLUTION;
    visit_group(c, 0, score_at(c, model, row), 1 - c->base[row]);
    c->work.nodes += (uint64_t)(NODES_A_RESOLUTION - (c->nodes_left > 0 ? c->nodes_left : 0));
}

static int best_first(const void *a, const void *b)
{
    const struct kept *p = a;
    const struct kept *q = b;
    if (p->score != q->score) return p->score > q->score ? -1 : 1;
    return p->at - q->at;
}

static int hand_over(struct chain *c, struct candidate *found)
{
    qsort(c->heap, (size_t)c->heap_count, sizeof *c->heap, best_first);
    for (int i = 0; i < c->heap_count; i++) found[i] = (struct candidate){c->heap[i].score, c->subnets[c->heap[i].at]};
    if (c->heap_count > 1) c->spread = c->heap[0].score - c->heap[c->heap_count - 1].score;
    return c->heap_count;
}

/* Look where the candidates should be, by how far they were spread the last time; when that has too few, further. */
static void search_rows(struct chain *c, const struct additive_model *model, const struct subnet *centre,
                        const struct reach *reach)
{
    float far = c->spread * SPREAD;
    for (int tries = 1, again = 1; again; tries++) {
        c->heap_count = 0;
        c->threshold = far > 0 ? fmaxf(reach->bounds[0] - far, NEVER / 2) : NEVER / 2;
        for (int i = 0; i < reach->count; i++)
            if (reach->bounds[i] > c->threshold) enumerate(c, model, centre, reach, reach->order[i]);
        again = c->heap_count < c->most && far > 0;
        far = tries == 1 && c->heap_count * 4 > c->most ? far * 3 : 0;
    }
}

int chain_enumerate(struct chain *c, const struct additive_model *model, const struct subnet *centre, int reach,
                    struct candidate *found, int most)
{
    const struct problem *p = c->problem;
    int here = 0;
    int count = 0;
    struct reach within = {0};
    c->most = most < CHAIN_CANDIDATES_MOST ? most : CHAIN_CANDIDATES_MOST;
    while (p->resolutions[here] != centre->at[space_resolution_dim(p->space)]) here++;
    for (int row = 0; row < p->resolution_count; row++) {
        if (abs(row - here) > reach) continue;
        int i = within.count;
        within.rows[i] = row;
        within.count++;
        count = insert(within.bounds, within.order, count, bound_at(c, model, centre, row, i), i);
    }
    search_rows(c, model, centre, &within);
    return hand_over(c, found);
}

int chain_best(struct chain *c, const struct additive_model *model, const struct subnet *centre,
               struct candidate *found, int most)
{
    for (int i = 0; i < c->slot_count; i++) {
        struct chain_slot *slot = &c->slots[i];
        struct subnet s = *centre;
        for (int o = 0; o < slot->option_count; o++) {
            chain_choose(slot, o, &s);
            slot->gains[o] = 0;
            for (int d = 0; d < slot->dim_count; d++) slot->gains[o] += model->gain[slot->dims[d]][s.at[slot->dims[d]]];
        }
    }
    return chain_enumerate(c, model, centre, 1, found, most);
}
