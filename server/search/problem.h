/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A search problem: which subnets there are, what each costs, how good each is, and what is allowed.
 *
 * Latency is additive: every slot of the space adds the latency of the layer that stands in it, and that layer depends
 * on a few dimensions only. The problem keeps one small table a slot, so that a subnet's latency is some thirty
 * look-ups. MACs, parameters and weights are kept the same way; of peak activations the largest counts. Algorithms see
 * dimensions, costs, limits and an evaluator, and nothing of layers, tables or HTTP.
 *
 * Costs are read from any subnet, canonical or not: choices of skipped blocks do not matter.
 * Threads: a struct problem never changes after problem_new(); searches bring their own work space. */
#ifndef LATHE_SEARCH_PROBLEM_H
#define LATHE_SEARCH_PROBLEM_H

#include "server/predictors/predictor.h"
#include "server/spaces/space.h"

/* Upper limits; INFINITY where there is none. All hold exactly: a subnet at the limit is feasible. */
struct limits {
    double latency_ms;
    double macs_m, params_m;               /* millions */
    double peak_activation_kb, weights_kb; /* 1 kb = 1024 bytes, f32 */
};
void limits_none(struct limits *);

/* The same costs by number, in the order and the units of struct limits. */
enum cost { COST_LATENCY, COST_MACS, COST_PARAMS, COST_PEAK_ACTIVATION, COST_WEIGHTS, COSTS };
/** The field of struct limits, as in requests: "latency_ms", ... Static. */
const char *cost_name(enum cost);
double limits_get(const struct limits *, enum cost);
void limits_set(struct limits *, enum cost, double limit);

struct problem;

/** Latency of a layer in networks of an input resolution: the same layer may differ between resolutions in published
 *  tables. @return LATHE_OK, LATHE_NOT_FOUND (the row is missing), or an error that ends problem_new(). */
typedef enum lathe_status (*layer_latency_fn)(void *context, const char *layer_text, int resolution, double *latency_ms,
                                              struct lathe_error *err);

/** Build the tables. Resolutions of which a row is missing, or that the predictor can't take, are left out of the
 *  problem. Each layer is asked for once a resolution.
 *  @param space,predictor borrowed; must outlive the problem. predictor may be NULL: then top-1 is NAN.
 *  @param resolutions,count the only ones to consider; NULL: all of the space.
 *  @param missing called for every missing row of the resolutions considered; may be NULL.
 *  @return LATHE_OK; LATHE_CONFLICT when no resolution is complete, or when `resolutions` were given and one of them
 *          is not complete; LATHE_INVALID (field "resolutions[i]") for one that the space or the predictor lacks;
 *          LATHE_UNSUPPORTED for a space whose tables would be too large. */
enum lathe_status problem_new(const struct space *, const struct predictor *, layer_latency_fn, void *latency_context,
                              const int *resolutions, size_t count,
                              void (*missing)(void *, int resolution, const char *layer_text), void *missing_context,
                              struct problem **out, struct lathe_error *err);
void problem_free(struct problem *);

const struct space *problem_space(const struct problem *);
const struct predictor *problem_predictor(const struct problem *);
/** The values of a dimension that the problem allows, as value indices, ascending. */
int problem_values(const struct problem *, int dim, const uint8_t **values);
/** Whether the problem allows every choice of a subnet: its resolution may have been left out. The costs of others are
 *  NAN. */
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
