/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A search problem: which subnets there are, what each costs, how good each is, and what is allowed.
 *
 * Latency is additive: every slot of the space adds the latency of the layer that stands in it, and that layer depends
 * on a few dimensions only. The problem keeps one small table a slot, so that a subnet's latency is some thirty
 * look-ups. MACs, parameters and weights are kept the same way; of what layers need one after the other (peak
 * activations, a board's SRAM) the largest counts. Algorithms see
 * dimensions, costs, limits and an evaluator, and nothing of layers, tables or HTTP.
 *
 * Costs are read from any subnet, canonical or not: choices of skipped blocks do not matter.
 * Threads: a struct problem never changes after problem_new(); searches bring their own work space. */
#ifndef LATHE_SEARCH_PROBLEM_H
#define LATHE_SEARCH_PROBLEM_H

#include "server/predictors/predictor.h"
#include "server/spaces/space.h"

enum { PROBLEM_TABLES_MOST = 8 };

/* Upper limits; INFINITY where there is none. All hold exactly: a subnet at the limit is feasible. */
struct limits {
    double latency_ms;                                /* by the first table */
    double macs_m, params_m;                          /* millions */
    double peak_activation_kb, weights_kb;            /* 1 kb = 1024 bytes, f32 */
    double sram_kb, flash_kb;                         /* on a microcontroller, int8: lut/layer/board_memory.h */
    double other_latency_ms[PROBLEM_TABLES_MOST - 1]; /* by the second table, the third, ... */
};
void limits_none(struct limits *);

/* The same costs by number, in the order and the units of struct limits. COST_OTHER_LATENCY + i is the latency by table
 * i + 1; where the problem has no such table it is 0. */
enum cost {
    COST_LATENCY,
    COST_MACS,
    COST_PARAMS,
    COST_PEAK_ACTIVATION,
    COST_WEIGHTS,
    COST_SRAM,
    COST_FLASH,
    COST_OTHER_LATENCY,
    COSTS = COST_OTHER_LATENCY + PROBLEM_TABLES_MOST - 1
};
/** The field of struct limits, as in requests: "latency_ms", ..., "latency_ms[1]" for the second table's. Static. */
const char *cost_name(enum cost);
/** The cost of that name; COSTS: there is none. */
enum cost cost_find(const char *name);
/** The latency by a table, numbered from 0. */
static inline enum cost cost_of_table(int table)
{
    return table ? (enum cost)(COST_OTHER_LATENCY + table - 1) : COST_LATENCY;
}
/** Whether the largest of a subnet's layers counts, not their sum. */
static inline bool cost_is_peak(enum cost cost)
{
    return cost == COST_PEAK_ACTIVATION || cost == COST_SRAM;
}
double limits_get(const struct limits *, enum cost);
void limits_set(struct limits *, enum cost, double limit);

struct problem;

/** Latency of a layer in networks of an input resolution: the same layer may differ between resolutions in published
 *  tables. @return LATHE_OK, LATHE_NOT_FOUND (the row is missing), or an error that ends problem_new(). */
typedef enum lathe_status (*layer_latency_fn)(void *context, const char *layer_text, int resolution, double *latency_ms,
                                              struct lathe_error *err);

struct problem_request {
    const struct space *space;         /* borrowed; must outlive the problem */
    const struct predictor *predictor; /* the same; NULL: top-1 is NAN */
    layer_latency_fn latency;
    void *tables[PROBLEM_TABLES_MOST]; /* contexts of latency(), one a table */
    int table_count;                   /* 0 means 1 */
    const int *resolutions;            /* the only ones to consider; NULL: all of the space */
    size_t resolution_count;
    const int8_t *fixed; /* [dimensions] the value index that a dimension must have; -1: free. NULL: all are free */
    /* What will be searched within; NULL: everything. A choice whose layer alone needs more than that is in no answer,
     * and may lack its row. */
    const struct limits *limits;
    /* Called for every missing row of the resolutions considered; may be NULL. */
    void (*missing)(void *context, int table, int resolution, const char *layer_text);
    void *missing_context;
};

/** Build the tables. Resolutions of which a row is missing, or that the predictor can't take, are left out of the
 *  problem; rows that no allowed choice needs are not asked for. Each layer is asked for once a resolution and table.
 *  @return LATHE_OK; LATHE_CONFLICT when no resolution is complete, or when `resolutions` were given and one of them
 *          is not complete; LATHE_INVALID (field "resolutions[i]") for one that the space or the predictor lacks, or
 *          (field "fix") when the fixed values leave no resolution; LATHE_UNSUPPORTED for a space whose tables would be
 *          too large. */
enum lathe_status problem_new(const struct problem_request *, struct problem **out, struct lathe_error *err);
void problem_free(struct problem *);

const struct space *problem_space(const struct problem *);
const struct predictor *problem_predictor(const struct problem *);
/** The values of a dimension that the problem allows, as value indices, ascending. */
int problem_values(const struct problem *, int dim, const uint8_t **values);
int problem_table_count(const struct problem *);
/** Whether the problem allows every choice of a subnet: its resolution may have been left out, or another value have
 *  been fixed. The costs of a subnet whose resolution was left out are NAN. */
bool problem_allows(const struct problem *, const struct subnet *);

double problem_latency_ms(const struct problem *, const struct subnet *);
double problem_macs_m(const struct problem *, const struct subnet *);
double problem_params_m(const struct problem *, const struct subnet *);
/** Any of the costs, in the unit of its limit. */
double problem_cost(const struct problem *, enum cost, const struct subnet *);
/** The latency that a slot adds; 0 for a slot that the subnet skips. Their sum, in order, is problem_latency_ms(). */
double problem_slot_latency_ms(const struct problem *, const struct subnet *, int slot);

bool problem_feasible(const struct problem *, const struct limits *, const struct subnet *);
/** The least latency that any allowed subnet has, and that subnet (exact: minimised slot by slot). @param out
 * canonical; may be NULL. */
double problem_least_latency_ms(const struct problem *, struct subnet *out);
/** The same for any cost. Each least alone: no subnet need have two of them. */
double problem_least(const struct problem *, enum cost, struct subnet *out);

#endif
