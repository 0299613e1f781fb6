/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Limits, and the costs of subnets. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "server/search/internal.h"

static const char *const cost_names[COST_OTHER_LATENCY] = {"latency_ms", "macs_m",  "params_m", "peak_activation_kb",
                                                           "weights_kb", "sram_kb", "flash_kb"};
static const double units[COST_OTHER_LATENCY] = {1, 1e6, 1e6, 1024, 1024, 1024, 1024};

const char *cost_name(enum cost cost)
{
    static const char *const others[PROBLEM_TABLES_MOST - 1] = {"latency_ms[1]", "latency_ms[2]", "latency_ms[3]",
                                                                "latency_ms[4]", "latency_ms[5]", "latency_ms[6]",
                                                                "latency_ms[7]"};
    return cost < COST_OTHER_LATENCY ? cost_names[cost] : others[cost - COST_OTHER_LATENCY];
}

enum cost cost_find(const char *name)
{
    for (int c = 0; c < COST_OTHER_LATENCY; c++)
        if (strcmp(cost_names[c], name) == 0) return (enum cost)c;
    return COSTS;
}

double problem_unit(enum cost cost)
{
    return cost < COST_OTHER_LATENCY ? units[cost] : 1;
}

static size_t offset_of(enum cost cost)
{
    static const size_t offsets[COST_OTHER_LATENCY] = {
        offsetof(struct limits, latency_ms), offsetof(struct limits, macs_m),
        offsetof(struct limits, params_m),   offsetof(struct limits, peak_activation_kb),
        offsetof(struct limits, weights_kb), offsetof(struct limits, sram_kb),
        offsetof(struct limits, flash_kb)};
    if (cost < COST_OTHER_LATENCY) return offsets[cost];
    return offsetof(struct limits, other_latency_ms) + (size_t)(cost - COST_OTHER_LATENCY) * sizeof(double);
}

double limits_get(const struct limits *limits, enum cost cost)
{
    double limit;
    memcpy(&limit, (const char *)limits + offset_of(cost), sizeof limit);
    return limit;
}

void limits_set(struct limits *limits, enum cost cost, double limit)
{
    memcpy((char *)limits + offset_of(cost), &limit, sizeof limit);
}

void limits_none(struct limits *limits)
{
    for (int c = 0; c < COSTS; c++) limits_set(limits, (enum cost)c, INFINITY);
}

const struct space *problem_space(const struct problem *p)
{
    return p->space;
}

const struct predictor *problem_predictor(const struct problem *p)
{
    return p->predictor;
}

int problem_values(const struct problem *p, int dim, const uint8_t **values)
{
    bool resolution = dim == space_resolution_dim(p->space);
    *values = resolution ? p->resolutions : p->values[dim];
    return resolution ? p->resolution_count : p->value_count[dim];
}

int problem_table_count(const struct problem *p)
{
    return p->table_count;
}

static bool has_resolution(const struct problem *p, const struct subnet *s)
{
    return p->row_of[s->at[space_resolution_dim(p->space)]] >= 0;
}

bool problem_allows(const struct problem *p, const struct subnet *s)
{
    for (int i = 0; i < p->fixed_count; i++) {
        int dim = p->fixed_dims[i];
        if (s->at[dim] != p->values[dim][0] && space_dim_active(p->space, s, dim)) return false;
    }
    return has_resolution(p, s);
}

double problem_slot_latency_ms(const struct problem *p, const struct subnet *s, int slot)
{
    if (!has_resolution(p, s)) return NAN;
    size_t cell = p->slots[slot].offset + (size_t)space_choice_of(&p->slots[slot].choices, s);
    return p->costs[COST_LATENCY][problem_base(p, s) + cell];
}

double problem_cost(const struct problem *p, enum cost cost, const struct subnet *s)
{
    if (!has_resolution(p, s)) return NAN;
    if (!p->costs[cost]) return 0;
    const double *cells = p->costs[cost] + problem_base(p, s);
    double sum = 0;
    for (int i = 0; i < p->slot_count; i++) {
        double value = cells[p->slots[i].offset + (size_t)space_choice_of(&p->slots[i].choices, s)];
        if (!cost_is_peak(cost)) sum += value;
        else if (value > sum) sum = value;
    }
    return sum / problem_unit(cost);
}

bool problem_cell_fits(const struct problem *p, const struct limits *limits, size_t base, size_t cell)
{
    for (int c = 0; c < COSTS; c++) {
        if (!cost_is_peak((enum cost)c)) continue;
        if (p->costs[c][base + cell] > limits_get(limits, (enum cost)c) * problem_unit((enum cost)c)) return false;
    }
    return true;
}

double problem_latency_ms(const struct problem *p, const struct subnet *s)
{
    return problem_cost(p, COST_LATENCY, s);
}

double problem_macs_m(const struct problem *p, const struct subnet *s)
{
    return problem_cost(p, COST_MACS, s);
}

double problem_params_m(const struct problem *p, const struct subnet *s)
{
    return problem_cost(p, COST_PARAMS, s);
}

bool problem_feasible(const struct problem *p, const struct limits *limits, const struct subnet *s)
{
    if (!problem_allows(p, s)) return false;
    for (int c = 0; c < COSTS; c++) {
        double limit = limits_get(limits, (enum cost)c);
        if (limit != INFINITY && !(problem_cost(p, (enum cost)c, s) <= limit)) return false;
    }
    return true;
}

void problem_random(const struct problem *p, struct rng *rng, struct subnet *out)
{
    memset(out, 0, sizeof *out);
    for (int d = 0; d < space_dim_count(p->space); d++) problem_random_value(p, rng, d, out);
}
