/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Greedy with local ascent, then two steps over the whole set.
 *
 * Each subnet starts from a random one that holds a row in need and is improved slot by slot: of all choices of a
 * slot's dimensions the one whose subnet holds the greatest sum of deficits is taken, until no slot gains. Choices that
 * gain nothing are free: they take the value used least so far, which balances depths and contexts. Then subnets that
 * others make needless are dropped, and each stage's choices are dealt anew among the subnets: greed puts all deep
 * stages into the first subnets, and a layer's context would always be the same kind of network. */
#include "server/jobs/cover.h"

#include <stdlib.h>
#include <string.h>

enum { ASCENT_PASSES = 8, RESTARTS = 24, DEAL_TRIES = 8, CONTEXT_TRIES = 64 };

struct work {
    struct grid *grid;
    int resolution;
    struct rng *rng;
    struct cover *cover;
    size_t first; /* of the cover's items at this resolution */
    int usage[SPACE_MAX_DIMS][SPACE_MAX_VALUES];
};

static long gain_of(const struct work *w, const struct subnet *s)
{
    int rows[SPACE_MAX_SLOTS];
    int n = grid_rows_of(w->grid, w->resolution, s, rows);
    long gain = 0;
    for (int i = 0; i < n; i++) {
        if (w->grid->rows[rows[i]].deficit > 0) gain += w->grid->rows[rows[i]].deficit;
    }
    return gain;
}

/* Improve one slot's dimensions. @return the gain afterwards. */
static long improve_slot(const struct work *w, int slot, long gain, struct subnet *s)
{
    const struct grid_slot *table = &w->grid->slots[w->resolution * w->grid->slot_count + slot];
    struct subnet best = *s;
    int equals = 1;
    for (int choice = 0; choice < table->choices.count; choice++) {
        struct subnet candidate = *s;
        grid_choose(w->grid, &(struct grid_place){.resolution = w->resolution, .slot = slot, .choice = choice},
                    &candidate);
        long g = gain_of(w, &candidate);
        if (g < gain || !grid_fits(w->grid, w->resolution, &candidate)) continue;
        equals = g > gain ? 1 : equals + 1;
        if (g > gain || rng_below(w->rng, (uint32_t)equals) == 0) best = candidate;
        gain = g;
    }
    *s = best;
    return gain;
}

static long ascend(const struct work *w, struct subnet *s)
{
    uint32_t order[SPACE_MAX_SLOTS];
    for (int i = 0; i < w->grid->slot_count; i++) order[i] = (uint32_t)i;
    long gain = gain_of(w, s);
    for (int pass = 0; pass < ASCENT_PASSES; pass++) {
        long before = gain;
        rng_shuffle(w->rng, order, (size_t)w->grid->slot_count);
        for (int i = 0; i < w->grid->slot_count; i++) gain = improve_slot(w, (int)order[i], gain, s);
        if (gain == before) break;
    }
    return gain;
}

/* Give one dimension its least used value among those that keep the gain. */
static void balance_dim(const struct work *w, int dim, long gain, struct subnet *s)
{
    const struct space *space = w->grid->space;
    if (dim == space_resolution_dim(space) || !space_dim_active(space, s, dim)) return;
    struct subnet candidate = *s;
    int best = s->at[dim];
    int equals = 1;
    for (int v = 0; v < space_dim(space, dim)->count; v++) {
        candidate.at[dim] = (uint8_t)v;
        int used = w->usage[dim][v] - w->usage[dim][best];
        if (v == best || used > 0 || gain_of(w, &candidate) < gain || !grid_fits(w->grid, w->resolution, &candidate))
            continue;
        equals = used < 0 ? 1 : equals + 1;
        if (rng_below(w->rng, (uint32_t)equals) == 0) best = v;
    }
    s->at[dim] = (uint8_t)best;
}

/* Depths first: they decide which of the others have any effect. */
static void balance(const struct work *w, long gain, struct subnet *s)
{
    const struct space *space = w->grid->space;
    for (int depths = 1; depths >= 0; depths--) {
        for (int dim = 0; dim < space_dim_count(space); dim++) {
            if ((space_dim(space, dim)->kind == DIM_DEPTH) == depths) balance_dim(w, dim, gain, s);
        }
    }
}

static bool holds(const struct subnet *items, size_t count, const struct subnet *s)
{
    for (size_t i = 0; i < count; i++) {
        if (subnet_equal(&items[i], s)) return true;
    }
    return false;
}

static bool is_new(const struct work *w, const struct subnet *s)
{
    return !holds(w->cover->items + w->first, w->cover->count - w->first, s);
}

/* A random place of a row in need at this resolution. @return false when no row is. */
static bool pick_place(const struct work *w, struct grid_place *out)
{
    uint32_t seen = 0;
    for (int slot = 0; slot < w->grid->slot_count; slot++) {
        const struct grid_slot *table = &w->grid->slots[w->resolution * w->grid->slot_count + slot];
        for (int choice = 0; choice < table->choices.count; choice++) {
            int row = table->rows[choice];
            if (row < 0 || w->grid->rows[row].deficit <= 0) continue;
            if (rng_below(w->rng, ++seen) == 0)
                *out = (struct grid_place){.resolution = w->resolution, .slot = slot, .choice = choice};
        }
    }
    return seen > 0;
}

/* The next subnet. @return false when none was found that is new and holds a row in need. */
static bool build(const struct work *w, struct subnet *out)
{
    const struct space *space = w->grid->space;
    struct grid_place place;
    for (int i = 0; i < RESTARTS && pick_place(w, &place); i++) {
        struct subnet s;
        space_random(space, w->rng, &s);
        grid_choose(w->grid, &place, &s);
        if (!grid_shrink(w->grid, w->resolution, &place, w->rng, &s)) continue;
        /* Later tries keep their random rest: where few subnets are left, ascent would lead to those in use. */
        if (i < RESTARTS / 2) {
            long gain = ascend(w, &s);
            balance(w, gain, &s);
        }
        space_canonicalise(space, &s);
        if (!is_new(w, &s) || gain_of(w, &s) == 0) continue;
        *out = s;
        return true;
    }
    return false;
}

/* Count a subnet's rows (by = 1), or take it back (by = -1). */
static void account(struct work *w, const struct subnet *s, int by)
{
    int rows[SPACE_MAX_SLOTS];
    int n = grid_rows_of(w->grid, w->resolution, s, rows);
    for (int i = 0; i < n; i++) w->grid->rows[rows[i]].deficit -= by;
    for (int dim = 0; dim < space_dim_count(w->grid->space); dim++) {
        if (space_dim_active(w->grid->space, s, dim)) w->usage[dim][s->at[dim]] += by;
    }
}

static enum lathe_status append(struct cover *c, const struct subnet *s, struct lathe_error *err)
{
    if (c->count == c->capacity) {
        size_t capacity = c->capacity ? c->capacity * 2 : 32;
        struct subnet *grown = realloc(c->items, sizeof *grown * capacity);
        if (!grown) return error_set(err, LATHE_NO_MEMORY, "out of memory");
        c->items = grown;
        c->capacity = capacity;
    }
    c->items[c->count++] = *s;
    return LATHE_OK;
}

static bool is_needless(const struct work *w, const struct subnet *s)
{
    int rows[SPACE_MAX_SLOTS];
    int n = grid_rows_of(w->grid, w->resolution, s, rows);
    for (int i = 0; i < n; i++) {
        const struct grid_row *row = &w->grid->rows[rows[i]];
        if (row->contexts && row->deficit >= 0) return false;
    }
    return true;
}

static void drop_needless(struct work *w)
{
    struct cover *c = w->cover;
    for (size_t i = c->count; i-- > w->first;) {
        if (!is_needless(w, &c->items[i])) continue;
        account(w, &c->items[i], -1);
        memmove(&c->items[i], &c->items[i + 1], sizeof *c->items * (c->count - i - 1));
        c->count--;
    }
}

/* Put a set in the place of the present one unless a row or a subnet gets lost by it. @param before rows' deficits. */
static bool replace_all(struct work *w, const struct subnet *items, size_t n, const int *before)
{
    struct subnet *now = w->cover->items + w->first;
    for (size_t i = 0; i < n; i++) {
        if (holds(items, i, &items[i]) || !grid_fits(w->grid, w->resolution, &items[i])) return false;
    }
    for (size_t i = 0; i < n; i++) account(w, &now[i], -1);
    for (size_t i = 0; i < n; i++) account(w, &items[i], 1);
    bool good = true;
    for (size_t r = 0; good && r < w->grid->row_count; r++) {
        int deficit = w->grid->rows[r].deficit;
        good = deficit <= 0 || deficit <= before[r];
    }
    if (good) {
        memcpy(now, items, sizeof *items * n);
        return true;
    }
    for (size_t i = 0; i < n; i++) account(w, &items[i], -1);
    for (size_t i = 0; i < n; i++) account(w, &now[i], 1);
    return false;
}

/* Deal one stage's choices anew. */
static bool deal_stage(struct work *w, int stage, struct subnet *items, uint32_t *order, const int *before)
{
    const struct space *space = w->grid->space;
    size_t n = w->cover->count - w->first;
    const struct subnet *now = w->cover->items + w->first;
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    rng_shuffle(w->rng, order, n);
    for (size_t i = 0; i < n; i++) {
        items[i] = now[i];
        for (int dim = 0; dim < space_dim_count(space); dim++) {
            if (space_dim(space, dim)->stage == stage) items[i].at[dim] = now[order[i]].at[dim];
        }
        space_canonicalise(space, &items[i]);
    }
    return replace_all(w, items, n, before);
}

static enum lathe_status deal(struct work *w, struct lathe_error *err)
{
    size_t n = w->cover->count - w->first;
    if (n < 2) return LATHE_OK;
    struct subnet *items = malloc(sizeof *items * n);
    uint32_t *order = malloc(sizeof *order * n);
    int *before = calloc(w->grid->row_count, sizeof *before);
    bool room = items && order && before;
    for (size_t r = 0; room && r < w->grid->row_count; r++) before[r] = w->grid->rows[r].deficit;
    for (int stage = 0; room && stage < SPACE_MAX_STAGES; stage++) {
        for (int i = 0; i < DEAL_TRIES && !deal_stage(w, stage, items, order, before); i++) continue;
    }
    free(items);
    free(order);
    free(before);
    return room ? LATHE_OK : error_set(err, LATHE_NO_MEMORY, "out of memory");
}

enum lathe_status cover_resolution(struct grid *g, int resolution, struct rng *rng, struct cover *c,
                                   struct lathe_error *err)
{
    struct work *w = calloc(1, sizeof *w);
    if (!w) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    *w = (struct work){.grid = g, .resolution = resolution, .rng = rng, .cover = c, .first = c->count};
    struct subnet s;
    enum lathe_status st = LATHE_OK;
    while (!st && build(w, &s)) {
        st = append(c, &s, err);
        if (!st) account(w, &s, 1);
    }
    if (!st) drop_needless(w);
    if (!st) st = deal(w, err);
    free(w);
    return st;
}

int cover_contexts(const struct grid *g, const struct grid_row *row, int most, struct rng *rng)
{
    struct subnet found[GRID_OCCURRENCES];
    int n = 0;
    if (most > GRID_OCCURRENCES) most = GRID_OCCURRENCES;
    for (int place = 0; place < row->place_count; place++) {
        for (int i = 0; i < CONTEXT_TRIES && n < most; i++) {
            struct subnet s;
            space_random(g->space, rng, &s);
            grid_choose(g, &row->places[place], &s);
            if (!grid_shrink(g, row->places[place].resolution, &row->places[place], rng, &s)) break;
            space_canonicalise(g->space, &s);
            if (!holds(found, (size_t)n, &s)) found[n++] = s;
        }
    }
    return n;
}
