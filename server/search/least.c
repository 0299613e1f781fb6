/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The least of each cost, exactly: dynamic programming along the slots.
 *
 * A dimension that only one slot looks at is minimised there. One that several slots share, as the blocks of a stage
 * share its depth, is open from the first of these slots to the last; a state of the programme is a choice of the open
 * ones, and keeps the best subnet so far that makes it. */
#include <stdlib.h>
#include <string.h>

#include "server/search/internal.h"

enum { STATES_MAX = 4096 };

struct state {
    double cost;
    struct subnet subnet;
};

struct programme {
    const struct problem *problem;
    enum cost cost;
    int first[SPACE_MAX_DIMS], last[SPACE_MAX_DIMS]; /* slots that look at a dimension; first is -1 when none does */
    int open[SPACE_MAX_DIMS];
    int open_count;
    struct state *states;
    size_t count;
};

static void find_spans(struct programme *g)
{
    for (int d = 0; d < SPACE_MAX_DIMS; d++) g->first[d] = -1;
    for (int slot = 0; slot < g->problem->slot_count; slot++) {
        const struct space_choices *c = &g->problem->slots[slot].choices;
        for (int i = 0; i < c->dim_count; i++) {
            if (g->first[c->dims[i]] < 0) g->first[c->dims[i]] = slot;
            g->last[c->dims[i]] = slot;
        }
    }
}

/* The most states at once, or 0 when they are more than STATES_MAX. */
static size_t most_states(const struct programme *g)
{
    size_t most = 1;
    for (int slot = 0; slot < g->problem->slot_count; slot++) {
        size_t states = 1;
        for (int d = 0; d < space_dim_count(g->problem->space); d++) {
            if (g->first[d] < 0 || g->first[d] == g->last[d] || slot < g->first[d] || slot > g->last[d]) continue;
            states *= (size_t)space_dim(g->problem->space, d)->count;
            if (states > STATES_MAX) return 0;
        }
        most = states > most ? states : most;
    }
    return most;
}

static void open_dims(struct programme *g, int slot)
{
    const struct space_choices *c = &g->problem->slots[slot].choices;
    for (int i = 0; i < c->dim_count; i++) {
        int dim = c->dims[i];
        if (g->first[dim] != slot || g->last[dim] == slot) continue;
        size_t before = g->count;
        const uint8_t *values;
        int count = problem_values(g->problem, dim, &values);
        for (size_t s = 0; s < before; s++) g->states[s].subnet.at[dim] = values[0];
        for (int v = 1; v < count; v++) {
            for (size_t s = 0; s < before; s++) {
                g->states[g->count] = g->states[s];
                g->states[g->count++].subnet.at[dim] = values[v];
            }
        }
        g->open[g->open_count++] = dim;
    }
}

static double combine(const struct programme *g, double sum, double cost)
{
    if (!cost_is_peak(g->cost)) return sum + cost;
    return cost > sum ? cost : sum;
}

/* Whether a choice of a slot is the state's in every dimension that other slots share. */
static bool agrees(const struct programme *g, const struct space_choices *c, int choice, const struct subnet *s)
{
    for (int i = 0; i < c->dim_count; i++) {
        int dim = c->dims[i];
        if (g->first[dim] == g->last[dim]) continue;
        if (choice / c->strides[i] % c->counts[i] != s->at[dim]) return false;
    }
    return true;
}

static void add_slot(const struct programme *g, int slot, size_t base, struct state *state)
{
    const struct slot_table *table = &g->problem->slots[slot];
    const double *cells = g->problem->costs[g->cost] + base + table->offset;
    const bool *allowed = g->problem->allowed_cells + table->offset;
    int best = -1;
    for (int choice = 0; choice < table->choices.count; choice++) {
        if (!allowed[choice]) continue;
        if (best >= 0 && cells[choice] >= cells[best]) continue;
        if (agrees(g, &table->choices, choice, &state->subnet)) best = choice;
    }
    state->cost = combine(g, state->cost, cells[best]);
    space_choose(&table->choices, best, &state->subnet);
}

static bool same_state(const struct programme *g, const struct state *a, const struct state *b)
{
    for (int i = 0; i < g->open_count; i++) {
        if (a->subnet.at[g->open[i]] != b->subnet.at[g->open[i]]) return false;
    }
    return true;
}

/* Close the dimensions that no later slot looks at, and keep the best of the states that this makes equal. */
static void close_dims(struct programme *g, int slot)
{
    int still = 0;
    for (int i = 0; i < g->open_count; i++) {
        if (g->last[g->open[i]] > slot) g->open[still++] = g->open[i];
    }
    if (still == g->open_count) return;
    g->open_count = still;
    size_t kept = 0;
    for (size_t s = 0; s < g->count; s++) {
        size_t twin = 0;
        while (twin < kept && !same_state(g, &g->states[twin], &g->states[s])) twin++;
        if (twin == kept) g->states[kept++] = g->states[s];
        else if (g->states[s].cost < g->states[twin].cost) g->states[twin] = g->states[s];
    }
    g->count = kept;
}

/* The least at one resolution: the only state left after the last slot. */
static const struct state *least_at(struct programme *g, uint8_t resolution)
{
    const struct problem *p = g->problem;
    g->count = 1;
    g->open_count = 0;
    memset(&g->states[0], 0, sizeof g->states[0]);
    g->states[0].subnet.at[space_resolution_dim(p->space)] = resolution;
    size_t base = problem_base(p, &g->states[0].subnet);
    for (int slot = 0; slot < p->slot_count; slot++) {
        open_dims(g, slot);
        for (size_t s = 0; s < g->count; s++) add_slot(g, slot, base, &g->states[s]);
        close_dims(g, slot);
    }
    return &g->states[0];
}

static void least_of_all(struct programme *g, struct subnet *out)
{
    const struct problem *p = g->problem;
    struct state best = {0};
    for (int r = 0; r < p->resolution_count; r++) {
        const struct state *found = least_at(g, p->resolutions[r]);
        if (r == 0 || found->cost < best.cost) best = *found;
    }
    space_canonicalise(p->space, &best.subnet);
    *out = best.subnet;
}

enum lathe_status problem_find_least(struct problem *p, struct lathe_error *err)
{
    struct programme g = {.problem = p};
    find_spans(&g);
    size_t states = most_states(&g);
    if (!states)
        return error_set(err, LATHE_UNSUPPORTED, "too many choices of space %s depend on each other",
                         space_id(p->space));
    g.states = malloc(states * sizeof *g.states);
    if (!g.states) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (int c = 0; c < COSTS; c++) {
        g.cost = (enum cost)c;
        if (problem_has_cost(p, g.cost)) least_of_all(&g, &p->least[c]);
        else p->least[c] = p->least[COST_LATENCY];
    }
    free(g.states);
    return LATHE_OK;
}

double problem_least(const struct problem *p, enum cost cost, struct subnet *out)
{
    if (out) *out = p->least[cost];
    return problem_cost(p, cost, &p->least[cost]);
}

double problem_least_latency_ms(const struct problem *p, struct subnet *out)
{
    return problem_least(p, COST_LATENCY, out);
}
