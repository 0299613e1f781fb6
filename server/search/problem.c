/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Building of problems; cost.c reads them. */
#include "server/search/problem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/layer/board_memory.h"
#include "server/search/internal.h"
#include "server/spaces/layer_set.h"

enum { CELLS_MAX = 1 << 20, NOT_CONSIDERED = -2, LEFT_OUT = -1 };
static const double UNMEASURED_MS = 1e9; /* of a row that no answer has */
static const double NEVER_FITS = 1e15;   /* bytes: a layer that the firmware can't run on any board */

struct builder {
    struct problem *problem;
    const struct problem_request *request;
    size_t missing_count;                 /* at the resolution being filled */
    char first_missing[LAYER_TEXT_BYTES]; /* of all resolutions; "" while none is missing */
    int first_missing_resolution;
    struct layer_set known; /* layers of the resolution being filled, and what each costs */
    double (*known_costs)[COSTS];
    size_t known_capacity;
};

static enum lathe_status lay_out(struct problem *p, int resolutions, struct lathe_error *err)
{
    p->slot_count = space_slot_count(p->space);
    for (int i = 0; i < p->slot_count; i++) {
        space_choices_init(p->space, i, &p->slots[i].choices);
        p->slots[i].offset = p->cells;
        p->cells += (size_t)p->slots[i].choices.count;
    }
    if (p->cells * (size_t)resolutions > CELLS_MAX)
        return error_set(err, LATHE_UNSUPPORTED, "space %s has too many layers to search: %zu at %d resolutions",
                         space_id(p->space), p->cells, resolutions);
    p->allowed_cells = calloc(p->cells, sizeof *p->allowed_cells);
    if (!p->allowed_cells) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (int c = 0; c < COST_OTHER_LATENCY + p->table_count - 1; c++) {
        p->costs[c] = calloc(p->cells * (size_t)resolutions, sizeof *p->costs[c]);
        if (!p->costs[c]) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    return LATHE_OK;
}

/* The values that each dimension may have, and with them the choices of each slot. */
static void fix(struct problem *p, const int8_t *fixed)
{
    for (int d = 0; d < space_dim_count(p->space); d++) {
        int count = space_dim(p->space, d)->count;
        if (fixed && fixed[d] >= 0) {
            p->value_count[d] = 1;
            p->values[d][0] = (uint8_t)fixed[d];
            if (count > 1 && d != space_resolution_dim(p->space)) p->fixed_dims[p->fixed_count++] = d;
            continue;
        }
        p->value_count[d] = count;
        for (int i = 0; i < count; i++) p->values[d][i] = (uint8_t)i;
    }
}

static bool has_value(const struct problem *p, int dim, int value)
{
    for (int i = 0; i < p->value_count[dim]; i++)
        if (p->values[dim][i] == value) return true;
    return false;
}

static void allow_cells(struct problem *p)
{
    for (int slot = 0; slot < p->slot_count; slot++) {
        const struct space_choices *c = &p->slots[slot].choices;
        for (int choice = 0; choice < c->count; choice++) {
            bool allowed = true;
            for (int i = 0; i < c->dim_count; i++)
                allowed = allowed && has_value(p, c->dims[i], choice / c->strides[i] % c->counts[i]);
            p->allowed_cells[p->slots[slot].offset + (size_t)choice] = allowed;
        }
    }
}

/* Whether a layer alone is beyond a limit of what networks need of memory. */
static bool too_large(const struct limits *limits, const double costs[COSTS])
{
    static const enum cost of_memory[] = {COST_PEAK_ACTIVATION, COST_WEIGHTS, COST_SRAM, COST_FLASH};
    for (size_t i = 0; limits && i < sizeof of_memory / sizeof of_memory[0]; i++)
        if (costs[of_memory[i]] > limits_get(limits, of_memory[i]) * problem_unit(of_memory[i])) return true;
    return false;
}

/* @param costs those of the layer that are no latencies */
static enum lathe_status ask_latency(struct builder *b, int table, const struct layer *layer, int resolution,
                                     const double costs[COSTS], double *out, struct lathe_error *err)
{
    const struct problem_request *r = b->request;
    char text[LAYER_TEXT_BYTES];
    layer_print(layer, text);
    enum lathe_status st = r->latency(r->tables[table], text, resolution, out, err);
    if (st == LATHE_NOT_FOUND && too_large(r->limits, costs)) {
        *out = UNMEASURED_MS;
        return LATHE_OK;
    }
    if (st == LATHE_NOT_FOUND) {
        *out = 0;
        b->missing_count++;
        if (!b->first_missing[0]) {
            memcpy(b->first_missing, text, sizeof text);
            b->first_missing_resolution = resolution;
        }
        if (r->missing) r->missing(r->missing_context, table, resolution, text);
        return LATHE_OK;
    }
    if (!st && !(isfinite(*out) && *out >= 0))
        return error_set(err, LATHE_INVALID, "the table's latency of %s is %g", text, *out);
    return st;
}

static bool make_room(struct builder *b)
{
    if ((size_t)b->known.count <= b->known_capacity) return true;
    size_t capacity = b->known_capacity ? b->known_capacity * 2 : 128;
    void *grown = realloc(b->known_costs, capacity * sizeof *b->known_costs);
    if (!grown) return false;
    b->known_costs = grown;
    b->known_capacity = capacity;
    return true;
}

/* The costs of a layer, computed when it is met for the first time at this resolution. */
static enum lathe_status layer_costs(struct builder *b, const struct layer *layer, int resolution, double out[COSTS],
                                     struct lathe_error *err)
{
    int before = b->known.count;
    int number = layer_set_add(&b->known, layer);
    if (number < 0 || !make_room(b)) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = LATHE_OK;
    double *costs = b->known_costs[number];
    if (number == before) {
        costs[COST_MACS] = (double)layer_macs(layer);
        costs[COST_PARAMS] = (double)layer_params(layer);
        costs[COST_PEAK_ACTIVATION] = (double)layer_peak_activation_bytes(layer, DTYPE_F32);
        costs[COST_WEIGHTS] = (double)layer_weight_bytes(layer, DTYPE_F32);
        costs[COST_SRAM] = board_layer_refusal(layer) ? NEVER_FITS : (double)board_layer_arena_bytes(layer);
        costs[COST_FLASH] = (double)board_layer_flash_bytes(layer);
        for (int c = COST_OTHER_LATENCY; c < COSTS; c++) costs[c] = 0;
        for (int t = 0; t < b->problem->table_count && !st; t++)
            st = ask_latency(b, t, layer, resolution, costs, &costs[cost_of_table(t)], err);
    }
    memcpy(out, costs, COSTS * sizeof *out);
    return st;
}

static enum lathe_status fill_slot(struct builder *b, int slot, int resolution, struct subnet *s, size_t base,
                                   struct lathe_error *err)
{
    struct problem *p = b->problem;
    const struct space_choices *choices = &p->slots[slot].choices;
    for (int choice = 0; choice < choices->count; choice++) {
        struct layer layer;
        double costs[COSTS] = {0};
        if (!p->allowed_cells[p->slots[slot].offset + (size_t)choice]) continue;
        space_choose(choices, choice, s);
        if (!space_slot_layer(p->space, s, slot, &layer)) continue;
        enum lathe_status st = layer_costs(b, &layer, resolution, costs, err);
        if (st) return st;
        for (int c = 0; c < COSTS && p->costs[c]; c++)
            p->costs[c][base + p->slots[slot].offset + (size_t)choice] = costs[c];
    }
    return LATHE_OK;
}

/* Fill the next row of the tables with a resolution, and keep it when no row was missing. */
static enum lathe_status fill_resolution(struct builder *b, int index, struct lathe_error *err)
{
    struct problem *p = b->problem;
    struct subnet s = {{0}};
    int dim = space_resolution_dim(p->space);
    int resolution = space_dim(p->space, dim)->values[index];
    size_t base = (size_t)p->resolution_count * p->cells;
    b->missing_count = 0;
    s.at[dim] = (uint8_t)index;
    for (int c = 0; c < COSTS && p->costs[c]; c++) memset(p->costs[c] + base, 0, p->cells * sizeof(double));
    layer_set_clear(&b->known);
    for (int slot = 0; slot < p->slot_count; slot++) {
        enum lathe_status st = fill_slot(b, slot, resolution, &s, base, err);
        if (st) return st;
    }
    if (b->missing_count) return LATHE_OK;
    p->row_of[index] = p->resolution_count;
    p->resolutions[p->resolution_count++] = (uint8_t)index;
    return LATHE_OK;
}

/* Mark the resolutions that were asked for by LEFT_OUT. */
static enum lathe_status choose_named(struct problem *p, const struct problem_request *r, struct lathe_error *err)
{
    int dim = space_resolution_dim(p->space);
    for (size_t i = 0; i < r->resolution_count; i++) {
        char field[40];
        snprintf(field, sizeof field, "resolutions[%zu]", i);
        int index = space_find_value(p->space, dim, r->resolutions[i]);
        if (index < 0)
            return error_field(err, field, "space %s has no resolution %d", space_id(p->space), r->resolutions[i]);
        if (p->predictor && !predictor_has_resolution(p->predictor, r->resolutions[i]))
            return error_field(err, field, "the predictor can't take resolution %d", r->resolutions[i]);
        p->row_of[index] = LEFT_OUT;
    }
    return LATHE_OK;
}

/* Mark the resolutions to consider by LEFT_OUT, the others by NOT_CONSIDERED. @return how many are to be considered in
 * *considered. */
static enum lathe_status choose_resolutions(struct problem *p, const struct problem_request *r, int *considered,
                                            struct lathe_error *err)
{
    int dim = space_resolution_dim(p->space);
    const struct space_dim *d = space_dim(p->space, dim);
    bool left = false;
    for (int i = 0; i < SPACE_MAX_VALUES; i++) p->row_of[i] = NOT_CONSIDERED;
    if (r->resolutions) {
        enum lathe_status st = choose_named(p, r, err);
        if (st) return st;
    }
    for (int i = 0; !r->resolutions && i < d->count; i++)
        if (!p->predictor || predictor_has_resolution(p->predictor, d->values[i])) p->row_of[i] = LEFT_OUT;
    *considered = 0;
    for (int i = 0; i < d->count; i++) {
        left = left || p->row_of[i] == LEFT_OUT;
        if (!has_value(p, dim, i)) p->row_of[i] = NOT_CONSIDERED;
        *considered += p->row_of[i] == LEFT_OUT;
    }
    if (!left) return error_field(err, "resolutions", "there is no resolution to search");
    if (!*considered) return error_field(err, "fix", "the fixed resolution is none of those to search");
    return LATHE_OK;
}

static enum lathe_status fill(struct builder *b, bool all_needed, int considered, struct lathe_error *err)
{
    struct problem *p = b->problem;
    int incomplete = 0;
    int resolutions = space_dim(p->space, space_resolution_dim(p->space))->count;
    for (int i = 0; i < resolutions; i++) {
        if (p->row_of[i] != LEFT_OUT) continue;
        enum lathe_status st = fill_resolution(b, i, err);
        if (st) return st;
        incomplete += p->row_of[i] == LEFT_OUT;
    }
    if (incomplete == considered || (all_needed && incomplete))
        return error_set(err, LATHE_CONFLICT, "the table lacks rows of space %s at %d of %d resolutions; at %d: %s",
                         space_id(p->space), incomplete, considered, b->first_missing_resolution, b->first_missing);
    return LATHE_OK;
}

enum lathe_status problem_new(const struct problem_request *request, struct problem **out, struct lathe_error *err)
{
    int considered = 0;
    struct problem *p = calloc(1, sizeof *p);
    if (!p) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    struct builder b = {.problem = p, .request = request};
    p->space = request->space;
    p->predictor = request->predictor;
    p->table_count = request->table_count ? request->table_count : 1;
    layer_set_init(&b.known);
    fix(p, request->fixed);
    enum lathe_status st = choose_resolutions(p, request, &considered, err);
    if (!st) st = lay_out(p, considered, err);
    if (!st) {
        allow_cells(p);
        st = fill(&b, request->resolutions != NULL, considered, err);
    }
    layer_set_clear(&b.known);
    free(b.known_costs);
    if (!st) st = problem_find_least(p, err);
    if (st) {
        problem_free(p);
        return st;
    }
    *out = p;
    return LATHE_OK;
}

void problem_free(struct problem *p)
{
    if (!p) return;
    for (int c = 0; c < COSTS; c++) free(p->costs[c]);
    free(p->allowed_cells);
    free(p);
}
