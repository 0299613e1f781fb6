/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/grid.h"

#include <stdlib.h>

#include "lut/layer/board_memory.h"
#include "server/spaces/layer_set.h"

enum { SLOT_CHOICES_MAX = 4096 };

static enum lathe_status choose_resolutions(struct grid *g, const int *resolutions, size_t count,
                                            struct lathe_error *err)
{
    const struct space_dim *dim = space_dim(g->space, space_resolution_dim(g->space));
    bool wanted[SPACE_MAX_VALUES] = {false};
    for (int i = 0; i < dim->count; i++) wanted[i] = !resolutions;
    for (size_t i = 0; resolutions && i < count; i++) {
        int at = 0;
        while (at < dim->count && dim->values[at] != resolutions[i]) at++;
        if (at == dim->count)
            return error_field(err, "resolutions", "space %s has no resolution %d", space_id(g->space), resolutions[i]);
        wanted[at] = true;
    }
    for (int i = 0; i < dim->count; i++) {
        if (wanted[i]) g->resolutions[g->resolution_count++] = (uint8_t)i;
    }
    if (!g->resolution_count) return error_field(err, "resolutions", "name at least one resolution");
    return LATHE_OK;
}

void grid_choose(const struct grid *g, const struct grid_place *place, struct subnet *s)
{
    s->at[space_resolution_dim(g->space)] = g->resolutions[place->resolution];
    space_choose(&g->slots[place->resolution * g->slot_count + place->slot].choices, place->choice, s);
}

static enum lathe_status fill_slot(struct grid *g, struct layer_set *layers, int resolution, int slot,
                                   struct lathe_error *err)
{
    struct grid_slot *table = &g->slots[resolution * g->slot_count + slot];
    space_choices_init(g->space, slot, &table->choices);
    if (table->choices.count > SLOT_CHOICES_MAX)
        return error_set(err, LATHE_UNSUPPORTED, "%s of space %s has more than %d choices: too many to measure",
                         space_slot(g->space, slot)->label, space_id(g->space), SLOT_CHOICES_MAX);
    table->rows = malloc(sizeof *table->rows * (size_t)table->choices.count);
    if (!table->rows) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (int choice = 0; choice < table->choices.count; choice++) {
        struct subnet s = {{0}};
        struct layer layer;
        grid_choose(g, &(struct grid_place){.resolution = resolution, .slot = slot, .choice = choice}, &s);
        table->rows[choice] = -1;
        if (!space_slot_layer(g->space, &s, slot, &layer)) continue;
        table->rows[choice] = layer_set_add(layers, &layer);
        if (table->rows[choice] < 0) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    return LATHE_OK;
}

static void note_places(struct grid *g, int resolution, int slot)
{
    const struct grid_slot *table = &g->slots[resolution * g->slot_count + slot];
    for (int choice = 0; choice < table->choices.count; choice++) {
        if (table->rows[choice] < 0) continue;
        struct grid_row *row = &g->rows[table->rows[choice]];
        if (row->place_count == GRID_OCCURRENCES) continue;
        row->places[row->place_count++] = (struct grid_place){.resolution = resolution, .slot = slot, .choice = choice};
    }
}

static enum lathe_status make_rows(struct grid *g, const struct layer_set *layers, struct lathe_error *err)
{
    g->row_count = (size_t)layers->count;
    g->rows = calloc(g->row_count + 1, sizeof *g->rows);
    if (!g->rows) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < g->row_count; i++) {
        const struct layer *layer = &layers->layers[i];
        struct grid_row *row = &g->rows[i];
        layer_print(layer, row->text);
        row->refusal = board_layer_refusal(layer);
        row->arena_bytes = board_layer_arena_bytes(layer);
        row->flash_bytes = board_layer_flash_bytes(layer);
    }
    for (int r = 0; r < g->resolution_count; r++) {
        for (int slot = 0; slot < g->slot_count; slot++) note_places(g, r, slot);
    }
    return LATHE_OK;
}

enum lathe_status grid_init(struct grid *g, const struct space *space, const int *resolutions, size_t count,
                            const struct board_room *room, struct lathe_error *err)
{
    struct layer_set layers;
    *g = (struct grid){.space = space, .slot_count = space_slot_count(space), .on_board = room != NULL};
    if (room) g->room = *room;
    enum lathe_status st = choose_resolutions(g, resolutions, count, err);
    if (st) return st;
    g->slots = calloc((size_t)g->resolution_count * (size_t)g->slot_count + 1, sizeof *g->slots);
    if (!g->slots) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    layer_set_init(&layers);
    for (int r = 0; r < g->resolution_count; r++) {
        for (int slot = 0; !st && slot < g->slot_count; slot++) st = fill_slot(g, &layers, r, slot, err);
    }
    if (!st) st = make_rows(g, &layers, err);
    layer_set_clear(&layers);
    return st;
}

void grid_clear(struct grid *g)
{
    for (int i = 0; g->slots && i < g->resolution_count * g->slot_count; i++) free(g->slots[i].rows);
    free(g->slots);
    free(g->rows);
    *g = (struct grid){0};
}

int grid_row_at(const struct grid *g, int resolution, int slot, const struct subnet *s)
{
    const struct grid_slot *table = &g->slots[resolution * g->slot_count + slot];
    return table->rows[space_choice_of(&table->choices, s)];
}

int grid_rows_of(struct grid *g, int resolution, const struct subnet *s, int *rows)
{
    int n = 0;
    g->stamp++;
    for (int slot = 0; slot < g->slot_count; slot++) {
        int row = grid_row_at(g, resolution, slot, s);
        if (row < 0 || g->rows[row].stamp == g->stamp) continue;
        g->rows[row].stamp = g->stamp;
        rows[n++] = row;
    }
    return n;
}

bool grid_row_fits(const struct grid *g, const struct grid_row *row)
{
    if (!g->on_board) return true;
    return !row->refusal && row->arena_bytes <= g->room.arena_bytes && row->flash_bytes <= g->room.flash_bytes;
}

bool grid_fits(const struct grid *g, int resolution, const struct subnet *s)
{
    uint64_t flash = 0;
    for (int slot = 0; g->on_board && slot < g->slot_count; slot++) {
        int row = grid_row_at(g, resolution, slot, s);
        if (row < 0) continue;
        if (!grid_row_fits(g, &g->rows[row])) return false;
        flash += g->rows[row].flash_bytes;
    }
    return !g->on_board || flash <= g->room.flash_bytes;
}

/* Dimensions that may be lowered. @return how many. */
static int lowerable(const struct grid *g, const struct grid_place *place, const struct subnet *s, int *dims)
{
    int n = 0;
    for (int d = 0; d < space_dim_count(g->space); d++) {
        bool kept = d == space_resolution_dim(g->space) || !s->at[d];
        if (place) {
            const struct space_choices *c = &g->slots[place->resolution * g->slot_count + place->slot].choices;
            for (int i = 0; i < c->dim_count; i++) kept = kept || c->dims[i] == d;
        }
        if (!kept) dims[n++] = d;
    }
    return n;
}

bool grid_shrink(const struct grid *g, int resolution, const struct grid_place *place, struct rng *rng,
                 struct subnet *s)
{
    int dims[SPACE_MAX_DIMS];
    while (!grid_fits(g, resolution, s)) {
        int n = lowerable(g, place, s, dims);
        if (!n) return false;
        s->at[dims[rng_below(rng, (uint32_t)n)]]--;
    }
    return true;
}
