/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What choices take of the limits.
 *
 * Of several limits one budget is made: any mix of them, with weights that sum to 1, is a relaxation. Which mix bounds
 * best depends on what is to be gained; chain_enumerate.c looks for it. */
#include <math.h>

#include "server/search/chain_internal.h"

static float part_of(const struct chain *c, int limit, size_t cell)
{
    enum cost cost = (enum cost)c->weighed[limit];
    return (float)(c->problem->costs[cost][cell] / problem_unit(cost) / limits_get(&c->limits, cost));
}

/* Options that are not allowed, or need too much memory alone, get parts that nothing can pay. */
static void find_parts(struct chain *c, struct block *b)
{
    const struct problem *p = c->problem;
    const struct chain_slot *slot = &c->slots[b->slot];
    for (int r = 0; r < p->resolution_count; r++) {
        for (int o = 0; o < slot->option_count; o++) {
            size_t choice = p->slots[slot->slot].offset + b->first_choice + (size_t)slot->choices[o];
            size_t base = (size_t)r * p->cells;
            float *parts = b->parts + ((size_t)r * c->options_most + (size_t)o) * COSTS;
            bool allowed = p->allowed_cells[choice] && problem_cell_fits(p, &c->limits, base, choice);
            /* Without a limit there still is a weight, that of what is not allowed. */
            parts[0] = allowed ? 0 : 2;
            for (int i = 0; i < c->weighed_count; i++) parts[i] = allowed ? part_of(c, i, base + choice) : 2;
        }
    }
}

static float mixed(const struct chain *c, const float *parts)
{
    float sum = c->mix[0] * parts[0];
    for (int i = 1; i < c->weighed_count; i++) sum += c->mix[i] * parts[i];
    return sum;
}

void chain_weigh(struct chain *c, int row)
{
    c->base[row] = mixed(c, c->base_parts[row]);
    for (int b = 0; b < c->block_count; b++) {
        struct block *block = &c->blocks[b];
        size_t first = (size_t)row * c->options_most;
        for (int o = 0; o < c->slots[block->slot].option_count; o++)
            block->weights[first + (size_t)o] = mixed(c, block->parts + (first + (size_t)o) * COSTS);
    }
}

void chain_set_limits(struct chain *c, const struct limits *limits)
{
    const struct problem *p = c->problem;
    int before = c->weighed_count;
    c->limits = *limits;
    c->weighed_count = 0;
    for (int cost = 0; cost < COSTS; cost++)
        if (!cost_is_peak((enum cost)cost) && problem_has_cost(p, (enum cost)cost) &&
            limits_get(limits, (enum cost)cost) != INFINITY)
            c->weighed[c->weighed_count++] = cost;
    for (int i = 0; i < COSTS && before != c->weighed_count; i++)
        c->mix[i] = c->weighed_count ? 1.0f / (float)c->weighed_count : 1;
    for (int b = 0; b < c->block_count; b++) find_parts(c, &c->blocks[b]);
    for (int r = 0; r < p->resolution_count; r++) {
        for (int i = 0; i < c->weighed_count; i++) {
            c->base_parts[r][i] = 0;
            for (int s = 0; s < p->slot_count; s++)
                if (c->chain_slot_of[s] < 0)
                    c->base_parts[r][i] += part_of(c, i, (size_t)r * p->cells + p->slots[s].offset);
        }
        chain_weigh(c, r);
    }
}

void chain_find_least(struct chain *c)
{
    float *end = c->groups[c->group_count].least;
    for (int i = 0; i < c->weighed_count; i++) end[i] = 0;
    for (int g = c->group_count - 1; g >= 0; g--) {
        struct group *group = &c->groups[g];
        for (int i = 0; i < c->weighed_count; i++) {
            group->least[i] = INFINITY;
            for (int v = group->first; v < group->first + group->count; v++) {
                float sum = c->groups[g + 1].least[i];
                for (int b = c->variants[v].first + c->variants[v].count - 1; b >= c->variants[v].first; b--) {
                    float least = INFINITY;
                    for (int o = 0; o < c->slots[c->blocks[b].slot].option_count; o++)
                        least = fminf(least, chain_parts(c, &c->blocks[b], o)[i]);
                    sum += least;
                    c->blocks[b].least[i] = sum;
                }
                group->least[i] = fminf(group->least[i], sum);
            }
        }
    }
}
