/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the files of this folder share. Nothing outside it includes it. */
#ifndef LATHE_SEARCH_INTERNAL_H
#define LATHE_SEARCH_INTERNAL_H

#include "server/search/search.h"

/* One slot's part of the tables. */
struct slot_table {
    struct space_choices choices;
    size_t offset; /* of its cells within a resolution */
};

struct problem {
    const struct space *space;
    const struct predictor *predictor;
    int slot_count;
    size_t cells; /* of a resolution */
    struct slot_table slots[SPACE_MAX_SLOTS];
    int table_count;
    double *costs[COSTS];         /* [resolutions][cells]: ms, numbers or bytes; NULL where there is no such table */
    bool *allowed_cells;          /* [cells]: choices that no fixed value forbids */
    int row_of[SPACE_MAX_VALUES]; /* by value index of the resolution; below 0: left out */
    uint8_t resolutions[SPACE_MAX_VALUES];
    int resolution_count;
    uint8_t values[SPACE_MAX_DIMS][SPACE_MAX_VALUES]; /* that are allowed, of every dimension but the resolution */
    int value_count[SPACE_MAX_DIMS];
    int fixed_dims[SPACE_MAX_DIMS]; /* dimensions with one allowed value of several */
    int fixed_count;
    struct subnet least[COSTS]; /* the subnets of least cost, canonical */
};

/** The first cell of the subnet's resolution. Its resolution must be allowed. */
static inline size_t problem_base(const struct problem *p, const struct subnet *s)
{
    return (size_t)p->row_of[s->at[space_resolution_dim(p->space)]] * p->cells;
}

/** Whether a cell, counted from a resolution's first, is within the limits of which the largest layer counts: a choice
 *  that is not can be in no subnet. @param base the resolution's first cell. */
bool problem_cell_fits(const struct problem *, const struct limits *, size_t base, size_t cell);

/** Fill p->least from the tables. LATHE_UNSUPPORTED when too many dimensions are open at once; LATHE_NO_MEMORY. */
enum lathe_status problem_find_least(struct problem *, struct lathe_error *err);

/** Bytes, numbers or milliseconds in a unit of a cost's limit. */
double problem_unit(enum cost);

extern const struct search_algorithm evolution_algorithm, knapsack_algorithm, largest_algorithm, multistart_algorithm;

/** Minimise request->minimise under min_top1. Fills subnet, top1, evaluations and, where evolution did it, algorithm.
 */
enum lathe_status cheapest_run(const struct problem *, const struct search_request *, struct search_result *out,
                               struct lathe_error *err);

/** Refuse parameters out of range, and limits that can't be met. @param algorithm NULL: any. */
enum lathe_status search_check(const struct search_algorithm *algorithm, const struct problem *,
                               const struct search_request *, struct lathe_error *err);

/* How long something takes, by the clock and of this thread's CPU time. */
struct stopwatch {
    uint64_t start_ns;
    double cpu_start_ms;
};
struct stopwatch stopwatch_start(void);
void stopwatch_read(const struct stopwatch *, double *elapsed_ms, double *cpu_ms);

/** Find some subnet that meets the limits, when random ones do not. Bounded: LATHE_INFEASIBLE when it finds none. */
enum lathe_status repair_find(const struct problem *, const struct search_request *, struct rng *, struct subnet *out,
                              struct lathe_error *err);

/** Choose every dimension at random among what the problem allows. Not canonical. */
void problem_random(const struct problem *, struct rng *, struct subnet *out);
/** Choose one dimension so. */
static inline void problem_random_value(const struct problem *p, struct rng *rng, int dim, struct subnet *s)
{
    const uint8_t *values;
    int count = problem_values(p, dim, &values);
    s->at[dim] = values[rng_below(rng, (uint32_t)count)];
}

/** Whether the problem knows a cost: latencies by tables that it does not have are not known. */
static inline bool problem_has_cost(const struct problem *p, enum cost cost)
{
    return p->costs[cost] != NULL;
}

static inline bool search_cancelled(const struct search_request *r)
{
    return r->cancelled && r->cancelled(r->cancelled_context);
}

#endif
