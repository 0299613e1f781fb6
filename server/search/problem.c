/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Building of problems; cost.c reads them. */
#include "server/search/problem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/search/internal.h"
#include "server/spaces/layer_set.h"

enum { CELLS_MAX = 1 << 20, NOT_CONSIDERED = -2, LEFT_OUT = -1 };

struct builder {
    struct problem *problem;
    layer_latency_fn latency;
    void *latency_context;
    void (*missing)(void *, int resolution, const char *layer_text);
    void *missing_context;
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
    for (int c = 0; c < COSTS; c++) {
        p->costs[c] = calloc(p->cells * (size_t)resolutions, sizeof *p->costs[c]);
        if (!p->costs[c]) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    return LATHE_OK;
}

static enum lathe_status ask_latency(struct builder *b, const struct layer *layer, int resolution, double *out,
                                     struct lathe_error *err)
{
    char text[LAYER_TEXT_BYTES];
    layer_print(layer, text);
    enum lathe_status st = b->latency(b->latency_context, text, resolution, out, err);
    if (st == LATHE_NOT_FOUND) {
        *out = 0;
        b->missing_count++;
        if (!b->first_missing[0]) {
            memcpy(b->first_missing, text, sizeof text);
            b->first_missing_resolution = resolution;
        }
        if (b->missing) b->missing(b->missing_context, resolution, text);
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
        st = ask_latency(b, layer, resolution, &costs[COST_LATENCY], err);
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
        space_choose(choices, choice, s);
        if (!space_slot_layer(p->space, s, slot, &layer)) continue;
        enum lathe_status st = layer_costs(b, &layer, resolution, costs, err);
        if (st) return st;
        for (int c = 0; c < COSTS; c++) p->costs[c][base + p->slots[slot].offset + (size_t)choice] = costs[c];
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
    for (int c = 0; c < COSTS; c++) memset(p->costs[c] + base, 0, p->cells * sizeof(double));
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

/* Mark the resolutions to consider by LEFT_OUT, the others by NOT_CONSIDERED. @return how many are to be considered in
 * *considered. */
static enum lathe_status choose_resolutions(struct problem *p, const int *resolutions, size_t count, int *considered,
                                            struct lathe_error *err)
{
    int dim = space_resolution_dim(p->space);
    const struct space_dim *d = space_dim(p->space, dim);
    for (int i = 0; i < SPACE_MAX_VALUES; i++) p->row_of[i] = NOT_CONSIDERED;
    for (int i = 0; !resolutions && i < d->count; i++) {
        if (p->predictor && !predictor_has_resolution(p->predictor, d->values[i])) continue;
        p->row_of[i] = LEFT_OUT;
    }
    for (size_t i = 0; resolutions && i < count; i++) {
        char field[40];
        snprintf(field, sizeof field, "resolutions[%zu]", i);
        int index = space_find_value(p->space, dim, resolutions[i]);
        if (index < 0)
            return error_field(err, field, "space %s has no resolution %d", space_id(p->space), resolutions[i]);
        if (p->predictor && !predictor_has_resolution(p->predictor, resolutions[i]))
            return error_field(err, field, "the predictor can't take resolution %d", resolutions[i]);
        p->row_of[index] = LEFT_OUT;
    }
    *considered = 0;
    for (int i = 0; i < d->count; i++) *considered += p->row_of[i] == LEFT_OUT;
    if (!*considered) return error_field(err, "resolutions", "there is no resolution to search");
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

enum lathe_status problem_new(const struct space *space, const struct predictor *predictor, layer_latency_fn latency,
                              void *latency_context, const int *resolutions, size_t count,
                              void (*missing)(void *, int resolution, const char *layer_text), void *missing_context,
                              struct problem **out, struct lathe_error *err)
{
    int considered = 0;
    struct problem *p = calloc(1, sizeof *p);
    if (!p) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    struct builder b = {.problem = p,
                        .latency = latency,
                        .latency_context = latency_context,
                        .missing = missing,
                        .missing_context = missing_context};
    p->space = space;
    p->predictor = predictor;
    layer_set_init(&b.known);
    for (int i = 0; i < SPACE_MAX_VALUES; i++) p->all[i] = (uint8_t)i;
    enum lathe_status st = choose_resolutions(p, resolutions, count, &considered, err);
    if (!st) st = lay_out(p, considered, err);
    if (!st) st = fill(&b, resolutions != NULL, considered, err);
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
    free(p);
}
