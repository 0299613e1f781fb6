/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Limits, and the costs of subnets. */
#include <math.h>
#include <string.h>

#include "server/search/internal.h"

static const char *const cost_names[COSTS] = {"latency_ms", "macs_m", "params_m", "peak_activation_kb", "weights_kb"};
static const double units[COSTS] = {1, 1e6, 1e6, 1024, 1024};

const char *cost_name(enum cost cost)
{
    return cost_names[cost];
}

double problem_unit(enum cost cost)
{
    return units[cost];
}

static double *limit_of(struct limits *limits, enum cost cost)
{
    double *const fields[COSTS] = {&limits->latency_ms, &limits->macs_m, &limits->params_m, &limits->peak_activation_kb,
                                   &limits->weights_kb};
    return fields[cost];
}

double limits_get(const struct limits *limits, enum cost cost)
{
    struct limits copy = *limits;
    return *limit_of(&copy, cost);
}

void limits_set(struct limits *limits, enum cost cost, double limit)
{
    *limit_of(limits, cost) = limit;
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
    *values = resolution ? p->resolutions : p->all;
    return resolution ? p->resolution_count : space_dim(p->space, dim)->count;
}

bool problem_allows(const struct problem *p, const struct subnet *s)
{
    return p->row_of[s->at[space_resolution_dim(p->space)]] >= 0;
}

double problem_slot_latency_ms(const struct problem *p, const struct subnet *s, int slot)
{
    if (!problem_allows(p, s)) return NAN;
    size_t cell = p->slots[slot].offset + (size_t)space_choice_of(&p->slots[slot].choices, s);
    return p->costs[COST_LATENCY][problem_base(p, s) + cell];
}

double problem_cost(const struct problem *p, enum cost cost, const struct subnet *s)
{
    if (!problem_allows(p, s)) return NAN;
    const double *cells = p->costs[cost] + problem_base(p, s);
    double sum = 0;
    for (int i = 0; i < p->slot_count; i++) {
        double value = cells[p->slots[i].offset + (size_t)space_choice_of(&p->slots[i].choices, s)];
        if (cost != COST_PEAK_ACTIVATION) sum += value;
        else if (value > sum) sum = value;
    }
    return sum / units[cost];
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
