/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Bounds by dynamic programming, and the depth-first search under them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/vector.h"
#include "server/search/chain_internal.h"

enum { NODES_A_RESOLUTION = 2000 };
static const float SPREAD = 1.2f; /* how much further than the last time candidates are looked for */

/* ---- bounds ---- */

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
    const float *weights = chain_weights(c, b);
    float *bound = c->bounds + b->bound;
    fill(bound, CHAIN_NEVER, CHAIN_BOUNDS);
    for (int o = 0; o < slot->option_count; o++) {
        if (weights[o] > 1) continue;
        int bins = (int)(weights[o] * CHAIN_BINS + 0.5f);
        raise_bound(bound + bins, rest, slot->gains[o], CHAIN_BOUNDS - bins);
    }
}

static void bound_chain(struct chain *c, const struct additive_model *model)
{
    float *end = c->bounds + c->groups[c->group_count].bound;
    fill(end, 0, CHAIN_BOUNDS);
    for (int g = c->group_count - 1; g >= 0; g--) {
        struct group *group = &c->groups[g];
        fill(c->bounds + group->bound, CHAIN_NEVER, CHAIN_BOUNDS);
        for (int v = group->first; v < group->first + group->count; v++) {
            struct variant *variant = &c->variants[v];
            const float *rest = c->bounds + c->groups[g + 1].bound;
            variant->gain = group->hub < 0 ? 0 : model->gain[group->hub][variant->value];
            for (int b = variant->first + variant->count - 1; b >= variant->first; b--) {
                bound_block(c, &c->blocks[b], rest);
                rest = c->bounds + c->blocks[b].bound;
            }
            raise_bound(c->bounds + group->bound, rest, variant->gain, CHAIN_BOUNDS);
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
    return (int)(left * CHAIN_BINS) + CHAIN_SLACK;
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

/* Sums of floats: what is a hair over a limit goes on to the leaf, so that what is exactly at it is found. */
static const float HAIR = 1e-5F;

/* Whether every limit is left enough for what must still come. */
static bool fits(const struct chain *c, const float *parts, const float *least_rest)
{
    for (int i = 0; i < c->weighed_count; i++)
        if (c->left[i] - parts[i] < least_rest[i] - HAIR) return false;
    return true;
}

static void take_from(struct chain *c, const float *parts, float left[COSTS])
{
    for (int i = 0; i < c->weighed_count; i++) {
        left[i] = c->left[i];
        c->left[i] -= parts[i];
    }
}

static void give_back(struct chain *c, const float left[COSTS])
{
    for (int i = 0; i < c->weighed_count; i++) c->left[i] = left[i];
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
    const float *weights = chain_weights(c, b);
    bool last = position + 1 == v->count;
    const float *rest = c->bounds + (last ? c->groups[g + 1].bound : b[1].bound);
    const float *least_rest = last ? c->groups[g + 1].least : b[1].least;
    bool several = c->weighed_count > 1;
    for (int o = 0; o < slot->option_count; o++) {
        float after = left - weights[o];
        if (after < -HAIR || (several && !fits(c, chain_parts(c, b, o), least_rest))) continue;
        float bound = score + slot->gains[o] + rest[bin_of(after)];
        if (bound > c->threshold) count = insert(bounds, order, count, bound, o);
    }
    int before = chain_option_of(slot, &c->at);
    for (int i = 0; i < count && bounds[i] > c->threshold; i++) {
        int o = order[i];
        float kept[COSTS] = {0};
        chain_choose(slot, o, &c->at);
        if (several) take_from(c, chain_parts(c, b, o), kept);
        visit_block(c, g, v, position + 1, score + slot->gains[o], left - weights[o]);
        if (several) give_back(c, kept);
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
    c->bounds = c->sets[i % CHAIN_SETS];
    if (c->base[row] > 1) return CHAIN_NEVER;
    start_at(c, centre, row);
    bound_chain(c, model);
    c->work.bounds++;
    return score_at(c, model, row) + c->bounds[c->groups[0].bound + (size_t)bin_of(1 - c->base[row])];
}

static void enumerate(struct chain *c, const struct additive_model *model, const struct subnet *centre,
                      const struct reach *reach, int i)
{
    int row = reach->rows[i];
    if (reach->count > CHAIN_SETS) bound_at(c, model, centre, row, i);
    c->bounds = c->sets[i % CHAIN_SETS];
    start_at(c, centre, row);
    if (c->weighed_count > 1) {
        chain_find_least(c);
        for (int k = 0; k < c->weighed_count; k++) c->left[k] = 1 - c->base_parts[row][k];
    }
    c->nodes_left = NODES_A_RESOLUTION;
    visit_group(c, 0, score_at(c, model, row), 1 - c->base[row]);
    c->work.nodes += (uint64_t)(NODES_A_RESOLUTION - (c->nodes_left > 0 ? c->nodes_left : 0));
}

/* Of the present mix of limits and some around it, take the one that bounds the centre's resolution best. */
static void tune_mix(struct chain *c, const struct additive_model *model, const struct subnet *centre, int row)
{
    float start[COSTS];
    float best_mix[COSTS];
    memcpy(start, c->mix, sizeof start);
    memcpy(best_mix, c->mix, sizeof best_mix);
    float best = bound_at(c, model, centre, row, 0);
    for (int i = 0; i < 2 * c->weighed_count; i++) {
        float part = i < c->weighed_count ? 0.5f : 1;
        for (int k = 0; k < c->weighed_count; k++)
            c->mix[k] = (1 - part) * start[k] + (k == i % c->weighed_count ? part : 0);
        chain_weigh(c, row);
        float bound = bound_at(c, model, centre, row, 0);
        if (bound >= best) continue;
        best = bound;
        memcpy(best_mix, c->mix, sizeof best_mix);
    }
    memcpy(c->mix, best_mix, sizeof best_mix);
    for (int r = 0; r < c->problem->resolution_count; r++) chain_weigh(c, r);
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
        c->threshold = far > 0 ? fmaxf(reach->bounds[0] - far, CHAIN_NEVER / 2) : CHAIN_NEVER / 2;
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
    if (c->weighed_count > 1) tune_mix(c, model, centre, here);
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
