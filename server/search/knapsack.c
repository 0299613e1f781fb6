/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Knapsacks of a linear model: fit one to the predictor from a few hundred random subnets near the limit, solve it
 * exactly within the limits, evaluate its optima, fit again with the most weight where they are, and so on; single
 * changes of the best subnet make the last, local models. It needs few evaluations, and so is the one for predictors
 * that are slow.
 *
 * Where the predictor itself is linear, the first answer is the optimum, and the search ends with it. Otherwise it ends
 * when the model leaves no room for anything better, given how far it has been off near the optima, or without gain for
 * some time. Work is counted in evaluations: same seed, same answer. A space that is no chain of stages is searched by
 * evolution instead. */
#include <math.h>
#include <stdlib.h>

#include "server/search/surrogate.h"

enum {
    BUDGET = 1500, /* evaluations; up to a local model's more */
    START = 250,   /* of these, at least, random subnets to begin with */
    ROUND = 30,    /* evaluated optima of a model */
    PATIENCE = 10, /* rounds without gain */
    HOPELESS = 3,  /* rounds after which a model leaves no room for gain */
    RESERVE = 400, /* evaluations for local models */
    STEPS = 300,   /* of a walk to the neighbourhood of the limit */
    BATCH = SPACE_MAX_DIMS * SPACE_MAX_VALUES / 4,
};
static const double NEAR_LEAST = 0.85; /* parts of the nearest limit */
static const double NEAR_MOST = 1.1;
static const double LAMBDA = 0.02;
static const double LAMBDA_LINEAR = 1e-7; /* for a fit that shows whether there is any error */
static const float LINEAR = 5e-6F;        /* more than rounding in the predictor and the sums */

struct knapsack {
    const struct problem *problem;
    const struct search_request *request;
    struct mckp *mckp;
    struct surrogate s;
    struct rng rng;
    struct candidate found[ROUND];
    struct subnet batch[BATCH];
    struct additive_model local;
    ptrdiff_t best; /* row of the best feasible one; -1: none yet */
    size_t judged;  /* rows */
    float miss;     /* the most that an optimum was better than its model said, beforehand */
    double told;    /* of the progress */
};

/* ---- random subnets near the limit ---- */

/* How near the nearest limit a subnet is; 1 at it, above when over it. */
static double fullness(const struct knapsack *k, const struct subnet *s)
{
    double most = 0;
    for (int c = 0; c < COSTS; c++) {
        double limit = limits_get(&k->request->limits, (enum cost)c);
        if (limit != INFINITY) most = fmax(most, problem_cost(k->problem, (enum cost)c, s) / limit);
    }
    return most;
}

/* How far out of the band of subnets that are near the limit. */
static double off_band(const struct knapsack *k, const struct subnet *s)
{
    double full = fullness(k, s);
    return full == 0 ? 0 : fmax(0, fmax(NEAR_LEAST - full, full - NEAR_MOST));
}

/* A random walk from a random subnet, never away from the limit. */
static void draw_near(struct knapsack *k, struct subnet *s)
{
    int dims = space_dim_count(k->problem->space);
    problem_random(k->problem, &k->rng, s);
    double off = off_band(k, s);
    for (int i = 0; i < STEPS && off > 0; i++) {
        struct subnet next = *s;
        problem_random_value(k->problem, &k->rng, (int)rng_below(&k->rng, (uint32_t)dims), &next);
        double now = off_band(k, &next);
        if (now > off) continue;
        *s = next;
        off = now;
    }
}

/* ---- evaluation ---- */

/* Choose the best among the new rows. @return whether it is another one. */
static bool judge(struct knapsack *k)
{
    bool better = false;
    for (; k->judged < k->s.count; k->judged++) {
        if (!problem_feasible(k->problem, &k->request->limits, &k->s.subnets[k->judged])) continue;
        if (k->best >= 0 && k->s.top1[k->judged] <= k->s.top1[k->best]) continue;
        k->best = (ptrdiff_t)k->judged;
        better = true;
    }
    return better;
}

static void tell(struct knapsack *k, double fraction)
{
    if (!k->request->progress || k->best < 0 || fraction <= k->told) return;
    k->told = fraction;
    k->request->progress(k->request->progress_context, fraction, (double)k->s.top1[k->best]);
}

static enum lathe_status evaluate(struct knapsack *k, size_t count, bool *better, struct lathe_error *err)
{
    enum lathe_status st = surrogate_evaluate(&k->s, k->request, k->batch, count, err);
    if (st) return st;
    *better = judge(k);
    tell(k, fmin(0.99, (double)k->s.count / BUDGET));
    return LATHE_OK;
}

static float known_top1(const struct knapsack *k, const struct subnet *s, float otherwise)
{
    ptrdiff_t row = surrogate_find(&k->s, s);
    return row < 0 ? otherwise : k->s.top1[row];
}

/* Evaluate a model's optima that were not evaluated before. @param[out] exact whether they are its optima.
 * @param[out] count 0: there is no subnet left. */
static enum lathe_status evaluate_optima(struct knapsack *k, const struct additive_model *model, bool *exact,
                                         int *count, bool *better, struct lathe_error *err)
{
    *better = false;
    *count = surrogate_best(&k->s, model, k->mckp, k->request, k->found, ROUND, exact);
    for (int i = 0; i < *count; i++) k->batch[i] = k->found[i].subnet;
    if (search_cancelled(k->request)) return error_set(err, LATHE_CANCELLED, "the search was cancelled");
    enum lathe_status st = evaluate(k, (size_t)*count, better, err);
    for (int i = 0; !st && i < *count; i++)
        k->miss = fmaxf(k->miss, known_top1(k, &k->found[i].subnet, 0) - k->found[i].score);
    return st;
}

/* ---- single changes ---- */

/* The subnet to compare with when a dimension changes: the centre, the dimension's block woken up. */
static struct subnet reference_of(const struct knapsack *k, const struct subnet *centre, int dim)
{
    const struct space *space = k->problem->space;
    struct subnet s = *centre;
    for (int hub = 0; hub < space_dim_count(space) && !space_dim_active(space, &s, dim); hub++) {
        const uint8_t *values;
        int count = problem_values(k->problem, hub, &values);
        if (space_dim(space, hub)->kind != DIM_DEPTH) continue;
        for (int i = 0; i < count && !space_dim_active(space, &s, dim); i++) s.at[hub] = values[i];
        if (!space_dim_active(space, &s, dim)) s.at[hub] = centre->at[hub];
    }
    return s;
}

/* All of a centre's single changes, and what they are compared with, into k->batch. @return how many. */
static size_t list_changes(struct knapsack *k, const struct subnet *centre)
{
    size_t n = 0;
    for (int d = 0; d < space_dim_count(k->problem->space); d++) {
        const uint8_t *values;
        int count = problem_values(k->problem, d, &values);
        struct subnet reference = reference_of(k, centre, d);
        for (int i = 0; i < count && n < BATCH; i++) {
            k->batch[n] = reference;
            k->batch[n++].at[d] = values[i];
        }
    }
    return n;
}

/* An additive model that is exact for the single changes of the centre, which were evaluated. */
static void build_local_model(struct knapsack *k, const struct subnet *centre)
{
    k->local.centre_top1 = known_top1(k, centre, 0);
    for (int d = 0; d < space_dim_count(k->problem->space); d++) {
        const uint8_t *values;
        int count = problem_values(k->problem, d, &values);
        struct subnet changed = reference_of(k, centre, d);
        float base = known_top1(k, &changed, k->local.centre_top1);
        for (int i = 0; i < count; i++) {
            changed.at[d] = values[i];
            k->local.gain[d][values[i]] = known_top1(k, &changed, base) - base;
        }
    }
}

/* Go to the best of the local model's optima as long as that gains. */
static enum lathe_status climb(struct knapsack *k, bool *better, struct lathe_error *err)
{
    bool step = true;
    *better = false;
    while (step && k->s.count < BUDGET) {
        bool exact;
        bool by_change;
        int count;
        struct subnet centre = k->s.subnets[k->best];
        enum lathe_status st = evaluate(k, list_changes(k, &centre), &by_change, err);
        if (st) return st;
        build_local_model(k, &centre);
        st = evaluate_optima(k, &k->local, &exact, &count, &step, err);
        if (st) return st;
        step = step || by_change;
        *better = *better || step;
    }
    return LATHE_OK;
}

/* ---- the search ---- */

/* The independent figures that a linear model of the problem has. */
static size_t freedom(const struct knapsack *k)
{
    size_t sum = 1;
    for (int d = 0; d < space_dim_count(k->problem->space); d++) {
        const uint8_t *values;
        sum += (size_t)problem_values(k->problem, d, &values) - 1;
    }
    return sum;
}

static enum lathe_status start(struct knapsack *k, struct lathe_error *err)
{
    bool better;
    size_t wanted = 2 * freedom(k) > START ? 2 * freedom(k) : START;
    for (size_t done = 0; done < wanted;) {
        size_t n = 0;
        while (n < ROUND && done++ < wanted) draw_near(k, &k->batch[n++]);
        enum lathe_status st = evaluate(k, n, &better, err);
        if (st) return st;
    }
    return LATHE_OK;
}

static float worst_error(const struct knapsack *k)
{
    float worst = 0;
    for (size_t i = 0; i < k->s.count; i++)
        worst = fmaxf(worst, fabsf(k->s.top1[i] - surrogate_predict(&k->s, &k->s.subnets[i])));
    return worst;
}

/* Whether the predictor is linear, and the model now exact. Random subnets may lack a choice: all single changes of one
 * decide. */
static enum lathe_status check_linear(struct knapsack *k, bool *linear, struct lathe_error *err)
{
    bool better;
    *linear = false;
    for (int i = 0; i < 2; i++) {
        enum lathe_status st = surrogate_fit(&k->s, -1, LAMBDA_LINEAR, err);
        if (st) return st;
        if (k->s.count < 2 * freedom(k) || worst_error(k) > LINEAR) return LATHE_OK;
        if (i == 1) break;
        struct subnet centre = k->s.subnets[0];
        st = evaluate(k, list_changes(k, &centre), &better, err);
        if (st) return st;
    }
    *linear = true;
    return LATHE_OK;
}

/* Fit and solve until the models leave no room for gain, as far as they have been off, or gain nothing for some time.
 */
static enum lathe_status go_rounds(struct knapsack *k, struct lathe_error *err)
{
    int idle = 0;
    int hopeless = 0;
    while (idle < PATIENCE && hopeless < HOPELESS && k->s.count < BUDGET - RESERVE) {
        bool exact;
        bool better;
        int count;
        enum lathe_status st = surrogate_fit(&k->s, k->best, LAMBDA, err);
        if (!st) st = evaluate_optima(k, &k->s.model, &exact, &count, &better, err);
        if (st || !count) return st;
        idle = better ? 0 : idle + 1;
        hopeless = exact && k->best >= 0 && k->found[0].score + k->miss < k->s.top1[k->best] ? hopeless + 1 : 0;
    }
    return LATHE_OK;
}

/* @return whether no subnet is left that is better than the best, by proof. */
static enum lathe_status solve_linear(struct knapsack *k, bool *proved, struct lathe_error *err)
{
    bool linear;
    bool exact;
    bool better;
    int count;
    *proved = false;
    enum lathe_status st = check_linear(k, &linear, err);
    if (st || !linear) return st;
    st = evaluate_optima(k, &k->s.model, &exact, &count, &better, err);
    *proved = exact && k->best >= 0;
    return st;
}

static enum lathe_status search(struct knapsack *k, struct lathe_error *err)
{
    bool proved;
    bool better = true;
    enum lathe_status st = start(k, err);
    if (!st) st = solve_linear(k, &proved, err);
    if (st || proved) return st;
    while (better && k->s.count < BUDGET) {
        st = go_rounds(k, err);
        if (!st && k->best < 0) {
            st = repair_find(k->problem, k->request, &k->rng, &k->batch[0], err);
            if (!st) st = evaluate(k, 1, &better, err);
        }
        if (!st) st = climb(k, &better, err);
        if (st) return st;
    }
    return LATHE_OK;
}

static enum lathe_status run(const struct problem *p, const struct search_request *r, struct search_result *out,
                             struct lathe_error *err)
{
    struct knapsack *k = calloc(1, sizeof *k);
    if (!k) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    k->problem = p;
    k->request = r;
    k->best = -1;
    rng_seed(&k->rng, r->seed);
    enum lathe_status st = mckp_new(p, &r->limits, &k->mckp, err);
    if (st == LATHE_UNSUPPORTED) {
        free(k);
        out->algorithm = evolution_algorithm.name;
        return evolution_algorithm.run(p, r, out, err);
    }
    if (!st) st = surrogate_init(&k->s, p, err);
    if (!st) st = search(k, err);
    if (!st) {
        tell(k, 1);
        out->subnet = k->s.subnets[k->best];
        out->top1 = (double)k->s.top1[k->best];
        out->evaluations = k->s.count;
    }
    surrogate_clear(&k->s);
    mckp_free(k->mckp);
    free(k);
    return st;
}

const struct search_algorithm knapsack_algorithm = {.name = "knapsack", .run = run};
