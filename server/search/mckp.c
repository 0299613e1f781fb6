/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/search/mckp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    BINS = 2000,
    OPTIONS_MAX = 256,            /* of a slot */
    NODES_MAX = 300000,           /* of one call; a few suffice under one limit */
    NODES_OF_SEVERAL_MAX = 20000, /* the same where limits work against each other: their bounds are loose */
    NODES_BETWEEN_ASKS = 1 << 14,
    BISECTIONS = 24,
};
static const float NEVER = -1e30F;
static const double ROUNDING = 1e-9; /* of the budget: a subnet at the limit is not lost */

struct option {
    float gain;
    double weight; /* part of the budget */
    int choice;
};

/* A slot under a value of its group's hub. */
struct block {
    int slot;
    int count;
    struct option *options;
    float *bound;        /* [BINS + 1]: the best from here to the end, by bins left */
    double least[COSTS]; /* of each weighed cost from here to the end, as parts of its limit */
};

struct variant {
    uint8_t value; /* of the hub */
    int first, count;
    float gain;
};

struct group {
    int hub; /* -1: none */
    int first, count;
    float *bound;
    double least[COSTS];
};

struct mckp {
    const struct problem *problem;
    const struct limits *limits;
    int weighed[COSTS], weighed_count;
    bool allowed[SPACE_MAX_DIMS][SPACE_MAX_VALUES];
    struct group groups[SPACE_MAX_SLOTS + 1]; /* the last one is the end of the chain */
    struct variant *variants;
    struct block *blocks;
    struct option *options;
    float *bounds;
    int group_count, variant_count, block_count;
    /* Of the call under way. */
    const struct mckp_query *query;
    struct candidate *found;
    int found_count;
    struct subnet at;
    const double *cells[COSTS];
    double budget_of[COSTS]; /* cells to parts of the limit */
    long nodes;
    bool stopped;
};

/* ---- structure ---- */

/* The dimension that says whether the slot is there, as chain.c has it, or that it shares with others. */
static int hub_of_slot(const struct problem *p, const struct chain *chain, int slot)
{
    const struct space_choices *c = &p->slots[slot].choices;
    for (int i = 0; i < c->dim_count; i++)
        if (chain_hub(chain, c->dims[i]) >= 0) return chain_hub(chain, c->dims[i]);
    for (int i = 0; i < c->dim_count; i++)
        for (int s = 0; s < p->slot_count; s++)
            for (int k = 0; s != slot && k < p->slots[s].choices.dim_count; k++)
                if (p->slots[s].choices.dims[k] == c->dims[i]) return c->dims[i];
    return -1;
}

static bool is_there(const struct problem *p, const struct chain *chain, int slot, int hub, int value)
{
    const struct space_choices *c = &p->slots[slot].choices;
    for (int i = 0; i < c->dim_count; i++)
        if (c->dims[i] != hub && !chain_active(chain, c->dims[i], value)) return false;
    return true;
}

static void add_variant(struct mckp *m, const struct chain *chain, const int *hubs, int slot, int value)
{
    const struct problem *p = m->problem;
    struct variant *v = &m->variants[m->variant_count++];
    *v = (struct variant){.value = (uint8_t)value, .first = m->block_count};
    for (int s = slot; s < p->slot_count; s++) {
        if (hubs[slot] < 0 ? s != slot : hubs[s] != hubs[slot]) continue;
        if (!is_there(p, chain, s, hubs[s], value)) continue;
        m->blocks[m->block_count++].slot = s;
        v->count++;
    }
}

static void lay_groups(struct mckp *m, const struct chain *chain, const int *hubs)
{
    const struct problem *p = m->problem;
    bool placed[SPACE_MAX_DIMS] = {false};
    for (int s = 0; s < p->slot_count; s++) {
        const uint8_t *values = NULL;
        int hub = hubs[s];
        if (hub >= 0 && placed[hub]) continue;
        int count = hub < 0 ? 1 : problem_values(p, hub, &values);
        m->groups[m->group_count++] = (struct group){.hub = hub, .first = m->variant_count, .count = count};
        for (int v = 0; v < count; v++) add_variant(m, chain, hubs, s, hub < 0 ? 0 : values[v]);
        if (hub >= 0) placed[hub] = true;
    }
}

/* Every subnet looked at is made of allowed choices, those without effect too. */
static void find_allowed(struct mckp *m)
{
    for (int d = 0; d < space_dim_count(m->problem->space); d++) {
        const uint8_t *values;
        int count = problem_values(m->problem, d, &values);
        for (int i = 0; i < count; i++) m->allowed[d][values[i]] = true;
        m->at.at[d] = values[0];
    }
}

static enum lathe_status lay_out(struct mckp *m, const struct chain *chain, struct lathe_error *err)
{
    const struct problem *p = m->problem;
    int hubs[SPACE_MAX_SLOTS];
    size_t blocks = 0;
    size_t options = 0;
    for (int s = 0; s < p->slot_count; s++) {
        if (p->slots[s].choices.count > OPTIONS_MAX)
            return error_set(err, LATHE_UNSUPPORTED, "a slot of the space has too many choices");
        hubs[s] = hub_of_slot(p, chain, s);
        size_t values = hubs[s] < 0 ? 1 : (size_t)space_dim(p->space, hubs[s])->count;
        blocks += values;
        options += values * (size_t)p->slots[s].choices.count;
    }
    m->variants = calloc(blocks + 1, sizeof *m->variants);
    m->blocks = calloc(blocks + 1, sizeof *m->blocks);
    m->options = calloc(options + 1, sizeof *m->options);
    m->bounds = calloc((blocks + (size_t)p->slot_count + 1) * (BINS + 1), sizeof *m->bounds);
    if (!m->variants || !m->blocks || !m->options || !m->bounds)
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    lay_groups(m, chain, hubs);
    struct option *next = m->options;
    for (int b = 0; b < m->block_count; b++) {
        m->blocks[b].options = next;
        m->blocks[b].bound = m->bounds + (size_t)b * (BINS + 1);
        next += p->slots[m->blocks[b].slot].choices.count;
    }
    for (int g = 0; g <= m->group_count; g++) m->groups[g].bound = m->bounds + (blocks + (size_t)g) * (BINS + 1);
    return LATHE_OK;
}

enum lathe_status mckp_new(const struct problem *p, const struct limits *limits, struct mckp **out,
                           struct lathe_error *err)
{
    struct chain *chain = NULL;
    enum lathe_status st = chain_new(p, limits, &chain, err);
    if (st) return st;
    struct mckp *m = calloc(1, sizeof *m);
    if (!m) {
        chain_free(chain);
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    m->problem = p;
    m->limits = limits;
    for (int c = 0; c < COSTS; c++) {
        double limit = limits_get(limits, (enum cost)c);
        if (cost_is_peak((enum cost)c) || limit == INFINITY) continue;
        m->weighed[m->weighed_count++] = c;
        m->budget_of[c] = 1 / (problem_unit((enum cost)c) * limit);
    }
    find_allowed(m);
    st = lay_out(m, chain, err);
    chain_free(chain);
    if (st) mckp_free(m);
    else *out = m;
    return st;
}

void mckp_free(struct mckp *m)
{
    if (!m) return;
    free(m->variants);
    free(m->blocks);
    free(m->options);
    free(m->bounds);
    free(m);
}

/* ---- options at a resolution ---- */

static bool choosable(const struct mckp *m, const struct space_choices *c, const struct subnet *s)
{
    for (int i = 0; i < c->dim_count; i++)
        if (!m->allowed[c->dims[i]][s->at[c->dims[i]]]) return false;
    return true;
}

/* All combinations of a slot's own dimensions that do not need too much memory alone. */
static void list_options(struct mckp *m, struct block *b, int hub, int value)
{
    const struct slot_table *table = &m->problem->slots[b->slot];
    const struct space_choices *c = &table->choices;
    size_t base = problem_base(m->problem, &m->at);
    struct subnet s;
    b->count = 0;
    for (int choice = 0; choice < c->count; choice++) {
        size_t cell = table->offset + (size_t)choice;
        space_choose(c, choice, &s);
        if ((hub >= 0 && s.at[hub] != value) || !choosable(m, c, &s)) continue;
        if (!problem_cell_fits(m->problem, m->limits, base, cell)) continue;
        struct option *o = &b->options[b->count++];
        *o = (struct option){.choice = choice};
        for (int i = 0; i < c->dim_count; i++)
            if (c->dims[i] != hub) o->gain += m->query->model->gain[c->dims[i]][s.at[c->dims[i]]];
        for (int i = 0; i < m->weighed_count; i++)
            o->weight += m->cells[m->weighed[i]][cell] * m->budget_of[m->weighed[i]] / m->weighed_count;
    }
}

static void enter_resolution(struct mckp *m, uint8_t value)
{
    const struct problem *p = m->problem;
    m->at.at[space_resolution_dim(p->space)] = value;
    for (int c = 0; c < COSTS; c++)
        m->cells[c] = problem_has_cost(p, (enum cost)c) ? p->costs[c] + problem_base(p, &m->at) : NULL;
    for (int g = 0; g < m->group_count; g++) {
        const struct group *group = &m->groups[g];
        for (int v = group->first; v < group->first + group->count; v++) {
            struct variant *variant = &m->variants[v];
            variant->gain = group->hub < 0 ? 0 : m->query->model->gain[group->hub][variant->value];
            for (int b = variant->first; b < variant->first + variant->count; b++)
                list_options(m, &m->blocks[b], group->hub, variant->value);
        }
    }
}

/* ---- the Lagrangian bound of a resolution ---- */

/* The best when the budget has a price instead of a limit. @param[out] weight what that takes of the budget. */
static double priced_best(const struct mckp *m, double price, double *weight)
{
    double sum = 0;
    *weight = 0;
    for (int g = 0; g < m->group_count; g++) {
        double best = (double)NEVER;
        double best_weight = 0;
        for (int v = m->groups[g].first; v < m->groups[g].first + m->groups[g].count; v++) {
            const struct variant *variant = &m->variants[v];
            double here = (double)variant->gain;
            double here_weight = 0;
            for (int b = variant->first; b < variant->first + variant->count; b++) {
                const struct block *block = &m->blocks[b];
                double most = (double)NEVER;
                double most_weight = 0;
                for (int o = 0; o < block->count; o++) {
                    double worth = (double)block->options[o].gain - price * block->options[o].weight;
                    if (worth <= most) continue;
                    most = worth;
                    most_weight = block->options[o].weight;
                }
                here += most;
                here_weight += most_weight;
            }
            if (here <= best) continue;
            best = here;
            best_weight = here_weight;
        }
        sum += best;
        *weight += best_weight;
    }
    return sum + price;
}

/* Any price gives an upper bound; the lowest is where the best just fits. */
static double lagrangian_bound(const struct mckp *m)
{
    double weight = 0;
    double low = 0;
    double high = 1;
    double bound = priced_best(m, 0, &weight);
    if (weight <= 1 || m->weighed_count == 0) return bound;
    for (int i = 0; i < BISECTIONS; i++) {
        double price = (low + high) / 2;
        bound = fmin(bound, priced_best(m, price, &weight));
        if (weight > 1) low = price;
        else high = price;
    }
    return bound;
}

/* ---- bounds by dynamic programming ---- */

/* Weights are rounded down: the bound is never too low. */
static void bound_block(struct block *b, const float *rest)
{
    for (int t = 0; t <= BINS; t++) b->bound[t] = NEVER;
    for (int o = 0; o < b->count; o++) {
        double share = b->options[o].weight - ROUNDING;
        if (share > 1) continue;
        int bins = share > 0 ? (int)(share * BINS) : 0;
        float gain = b->options[o].gain;
        for (int t = bins; t <= BINS; t++) {
            float sum = rest[t - bins] + gain;
            b->bound[t] = b->bound[t] > sum ? b->bound[t] : sum;
        }
    }
}

static void least_of_block(const struct mckp *m, struct block *b, const double rest[COSTS])
{
    size_t offset = m->problem->slots[b->slot].offset;
    for (int i = 0; i < m->weighed_count; i++) {
        int c = m->weighed[i];
        double least = INFINITY;
        for (int o = 0; o < b->count; o++)
            least = fmin(least, m->cells[c][offset + (size_t)b->options[o].choice] * m->budget_of[c]);
        b->least[c] = rest[c] + least;
    }
}

static void bound_group(struct mckp *m, int g)
{
    struct group *group = &m->groups[g];
    for (int t = 0; t <= BINS; t++) group->bound[t] = NEVER;
    for (int c = 0; c < COSTS; c++) group->least[c] = INFINITY;
    for (int v = group->first; v < group->first + group->count; v++) {
        const struct variant *variant = &m->variants[v];
        const float *rest = m->groups[g + 1].bound;
        const double *least = m->groups[g + 1].least;
        for (int b = variant->first + variant->count - 1; b >= variant->first; b--) {
            bound_block(&m->blocks[b], rest);
            least_of_block(m, &m->blocks[b], least);
            rest = m->blocks[b].bound;
            least = m->blocks[b].least;
        }
        for (int t = 0; t <= BINS; t++) {
            float sum = rest[t] + variant->gain;
            group->bound[t] = group->bound[t] > sum ? group->bound[t] : sum;
        }
        for (int c = 0; c < COSTS; c++) group->least[c] = fmin(group->least[c], least[c]);
    }
}

/* ---- depth-first search ---- */

struct path {
    float score;
    double left;        /* of the budget */
    double used[COSTS]; /* parts of each limit */
};

static bool promising(const struct mckp *m, float bound)
{
    if (m->stopped || bound <= NEVER / 2) return false;
    return m->found_count < m->query->most || bound > m->found[m->found_count - 1].score;
}

static bool fits(const struct mckp *m, const struct path *path, const double least[COSTS])
{
    for (int i = 0; i < m->weighed_count; i++)
        if (path->used[m->weighed[i]] + least[m->weighed[i]] > 1 + ROUNDING) return false;
    return true;
}

static float bound_at(const struct path *path, const float *rest)
{
    return path->left < 0 ? NEVER : path->score + rest[(int)(path->left * BINS)];
}

static void keep(struct mckp *m, float score)
{
    int most = m->query->most;
    if (!problem_feasible(m->problem, m->limits, &m->at)) return;
    if (m->query->skip && m->query->skip(m->query->skip_context, &m->at)) return;
    int i = m->found_count < most ? m->found_count++ : most - 1;
    for (; i > 0 && m->found[i - 1].score < score; i--) m->found[i] = m->found[i - 1];
    m->found[i] = (struct candidate){score, m->at};
}

static void count_node(struct mckp *m)
{
    m->nodes++;
    if (m->nodes >= (m->weighed_count > 1 ? NODES_OF_SEVERAL_MAX : NODES_MAX)) m->stopped = true;
    if (m->nodes % NODES_BETWEEN_ASKS == 0 && search_cancelled(m->query->request)) m->stopped = true;
}

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

static struct path take(const struct mckp *m, const struct block *b, const struct option *o, const struct path *path)
{
    struct path next = *path;
    size_t cell = m->problem->slots[b->slot].offset + (size_t)o->choice;
    next.score += o->gain;
    next.left -= o->weight;
    for (int i = 0; i < m->weighed_count; i++)
        next.used[m->weighed[i]] += m->cells[m->weighed[i]][cell] * m->budget_of[m->weighed[i]];
    return next;
}

static void visit_group(struct mckp *m, int g, const struct path *path);

static void visit_block(struct mckp *m, int g, const struct variant *v, int position, const struct path *path)
{
    if (position == v->count) {
        visit_group(m, g + 1, path);
        return;
    }
    const struct block *b = &m->blocks[v->first + position];
    bool last = position + 1 == v->count;
    const float *rest = last ? m->groups[g + 1].bound : b[1].bound;
    const double *least = last ? m->groups[g + 1].least : b[1].least;
    float bounds[OPTIONS_MAX];
    int order[OPTIONS_MAX];
    int count = 0;
    count_node(m);
    for (int o = 0; o < b->count; o++) {
        struct path next = take(m, b, &b->options[o], path);
        float bound = bound_at(&next, rest);
        if (promising(m, bound) && fits(m, &next, least)) count = insert(bounds, order, count, bound, o);
    }
    for (int i = 0; i < count && promising(m, bounds[i]); i++) {
        const struct option *o = &b->options[order[i]];
        struct path next = take(m, b, o, path);
        space_choose(&m->problem->slots[b->slot].choices, o->choice, &m->at);
        visit_block(m, g, v, position + 1, &next);
    }
}

static void visit_group(struct mckp *m, int g, const struct path *path)
{
    const struct group *group = &m->groups[g];
    float bounds[SPACE_MAX_VALUES];
    int order[SPACE_MAX_VALUES];
    int count = 0;
    if (g == m->group_count) {
        if (promising(m, path->score)) keep(m, path->score);
        return;
    }
    for (int i = 0; i < group->count; i++) {
        const struct variant *v = &m->variants[group->first + i];
        float bound = bound_at(path, v->count ? m->blocks[v->first].bound : m->groups[g + 1].bound) + v->gain;
        if (promising(m, bound)) count = insert(bounds, order, count, bound, i);
    }
    for (int i = 0; i < count && promising(m, bounds[i]); i++) {
        const struct variant *v = &m->variants[group->first + order[i]];
        struct path next = *path;
        next.score += v->gain;
        if (group->hub >= 0) m->at.at[group->hub] = v->value;
        visit_block(m, g, v, 0, &next);
    }
}

static void search_resolution(struct mckp *m, uint8_t value, float score)
{
    struct path path = {.score = score, .left = 1 + ROUNDING};
    enter_resolution(m, value);
    memset(m->groups[m->group_count].bound, 0, (BINS + 1) * sizeof(float));
    for (int g = m->group_count - 1; g >= 0; g--) bound_group(m, g);
    if (promising(m, bound_at(&path, m->groups[0].bound))) visit_group(m, 0, &path);
}

int mckp_best(struct mckp *m, const struct mckp_query *query, struct candidate *found, bool *exact)
{
    const struct problem *p = m->problem;
    const float *gains = query->model->gain[space_resolution_dim(p->space)];
    float bounds[SPACE_MAX_VALUES];
    int order[SPACE_MAX_VALUES];
    int count = 0;
    m->query = query;
    m->found = found;
    m->found_count = 0;
    m->nodes = 0;
    m->stopped = false;
    for (int i = 0; i < p->resolution_count; i++) {
        enter_resolution(m, p->resolutions[i]);
        float score = query->model->centre_top1 + gains[p->resolutions[i]];
        count = insert(bounds, order, count, score + (float)lagrangian_bound(m), p->resolutions[i]);
    }
    for (int i = 0; i < count && promising(m, bounds[i]); i++)
        search_resolution(m, (uint8_t)order[i], query->model->centre_top1 + gains[order[i]]);
    *exact = !m->stopped;
    return m->found_count;
}
