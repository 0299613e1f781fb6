/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/search/explorer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CANDIDATES = 40,       /* of one enumeration */
    GRADIENT_PATIENCE = 1, /* expansions without gain that end the descent by gradients */
    START_DRAWS = 300,
    ELITES = 2048,
    QUERIES = 1024, /* subnets of one model */
    REMEMBER_MOST = 1 << 21,
};
static const double START_LEAST = 1.0; /* of the limit: descents from subnets that are too large lead further */
static const double START_MOST = 1.4;
/* Measured on one idle core of 3.7 GHz. */
static const double BOUND_US = 9;
static const double NODE_US = 0.03;
static const double EXPANSION_US = 40;
static const double CONFIRM_US = 10;

struct elite {
    uint64_t key;
    float top1;
    bool expanded;
    struct subnet subnet;
};

struct explorer {
    const struct problem *problem;
    const struct search_request *request;
    struct explorer_observer observer;
    struct limits limits;
    struct chain *chain;
    struct estimator *estimator;
    struct predictor_work *work;
    struct estimator_costs costs;
    double budget_us, used_us;
    uint64_t confirmed;
    struct rng rng;
    struct additive_model model;
    struct candidate found[CANDIDATES];
    /* The subnets that a model asks about, and what is answered. */
    struct subnet queries[QUERIES];
    float answers[QUERIES];
    uint64_t keys[QUERIES];
    int query_count;
    struct elite elites[ELITES]; /* of the descent under way */
    int elite_count;
};

/* ---- life ---- */

/* Whether an exact model's questions have room. */
static bool is_small_enough(const struct problem *p)
{
    int values = 1;
    for (int d = 0; d < space_dim_count(p->space); d++) values += space_dim(p->space, d)->count;
    return values <= QUERIES;
}

enum lathe_status explorer_new(const struct problem *p, const struct search_request *r, double budget_us,
                               struct explorer_observer observer, struct explorer **out, struct lathe_error *err)
{
    if (!is_small_enough(p))
        return error_set(err, LATHE_UNSUPPORTED, "the space has too many choices for local models");
    struct explorer *x = calloc(1, sizeof *x);
    if (!x) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    x->problem = p;
    x->request = r;
    x->observer = observer;
    x->limits = r->limits;
    x->budget_us = budget_us;
    rng_seed(&x->rng, r->seed);
    enum lathe_status st = chain_new(p, &r->limits, &x->chain, err);
    double remember = fmin(budget_us, REMEMBER_MOST);
    if (!st) st = estimator_new(p->predictor, (size_t)remember / 3, &x->estimator, err);
    if (!st) {
        x->costs = estimator_costs(x->estimator);
        x->work = predictor_work_new(p->predictor);
        if (!x->work) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    if (st) {
        explorer_free(x);
        return st;
    }
    *out = x;
    return LATHE_OK;
}

void explorer_free(struct explorer *x)
{
    if (!x) return;
    predictor_work_free(x->work);
    estimator_free(x->estimator);
    chain_free(x->chain);
    free(x);
}

void explorer_set_limits(struct explorer *x, const struct limits *limits)
{
    x->limits = *limits;
    chain_set_limits(x->chain, limits);
}

const struct limits *explorer_limits(const struct explorer *x)
{
    return &x->limits;
}

struct rng *explorer_rng(struct explorer *x)
{
    return &x->rng;
}

bool explorer_is_linear(const struct explorer *x)
{
    return estimator_is_linear(x->estimator);
}

uint64_t explorer_key(const struct explorer *x, const struct subnet *s)
{
    return estimator_key(x->estimator, s);
}

double explorer_work_us(const struct explorer *x)
{
    return x->used_us;
}

bool explorer_done(const struct explorer *x)
{
    return x->used_us >= x->budget_us;
}

void explorer_extend(struct explorer *x, double more_us)
{
    x->budget_us = fmax(x->budget_us, x->used_us) + more_us;
}

uint64_t explorer_evaluations(const struct explorer *x)
{
    return estimator_count(x->estimator) + x->confirmed;
}

/* ---- predictions ---- */

static void estimate(struct explorer *x, const struct subnet *subnets, int n, float *top1, uint64_t *keys)
{
    uint64_t before = estimator_count(x->estimator);
    estimator_run(x->estimator, subnets, (size_t)n, top1, keys);
    x->used_us += (double)(estimator_count(x->estimator) - before) * x->costs.estimate;
}

void explorer_estimate(struct explorer *x, const struct subnet *subnets, int n, float *top1)
{
    estimate(x, subnets, n, top1, NULL);
}

void explorer_confirm(struct explorer *x, const struct subnet *subnets, int n, float *top1)
{
    predictor_evaluate(x->problem->predictor, x->work, subnets, (size_t)n, top1);
    x->confirmed += (uint64_t)n;
    x->used_us += CONFIRM_US * (n + 2);
}

/* ---- models ---- */

/* The value of a hub nearest to the centre's under which a dimension has an effect. */
static int waking_value(const struct explorer *x, const struct subnet *centre, int dim, int hub)
{
    int here = centre->at[hub];
    int count = space_dim(x->problem->space, hub)->count;
    for (int step = 0; step < count; step++) {
        if (here + step < count && chain_active(x->chain, dim, here + step)) return here + step;
        if (here - step >= 0 && chain_active(x->chain, dim, here - step)) return here - step;
    }
    return here;
}

/* The subnet to compare with when a dimension changes: the centre, its block woken up. */
static struct subnet reference_of(const struct explorer *x, const struct subnet *centre, int dim)
{
    struct subnet s = *centre;
    int hub = chain_hub(x->chain, dim);
    if (hub >= 0) s.at[hub] = (uint8_t)waking_value(x, centre, dim, hub);
    return s;
}

static void ask(struct explorer *x, const struct subnet *s)
{
    if (x->query_count < QUERIES) x->queries[x->query_count++] = *s;
}

/* Ask about the values that a dimension may have, in a subnet. */
static void ask_values(struct explorer *x, const struct subnet *s, int dim)
{
    const uint8_t *values;
    int count = problem_values(x->problem, dim, &values);
    struct subnet changed = *s;
    for (int i = 0; i < count; i++) {
        changed.at[dim] = values[i];
        ask(x, &changed);
    }
}

/* The answers to ask_values(), as gains over `base`. @param at number of the first. @return of the one behind. */
static int read_values(struct explorer *x, int dim, int at, float base)
{
    const uint8_t *values;
    int count = problem_values(x->problem, dim, &values);
    for (int i = 0; i < count; i++) x->model.gain[dim][values[i]] = x->answers[at + i] - base;
    return at + count;
}

/* Whether a dimension is a hub or the resolution: those have gains of their own. */
static bool is_shared(const struct explorer *x, int dim)
{
    if (dim == space_resolution_dim(x->problem->space)) return true;
    int count;
    const struct chain_slot *slots = chain_slots(x->chain, &count);
    for (int i = 0; i < count; i++)
        if (slots[i].hub == dim) return true;
    return false;
}

static void ask_shared(struct explorer *x, const struct subnet *centre)
{
    for (int d = 0; d < space_dim_count(x->problem->space); d++)
        if (is_shared(x, d)) ask_values(x, centre, d);
}

static int read_shared(struct explorer *x, float base)
{
    int at = 0;
    for (int d = 0; d < space_dim_count(x->problem->space); d++)
        if (is_shared(x, d)) at = read_values(x, d, at, base);
    return at;
}

/* Every option of every slot, by the gradient. */
static void gradient_model(struct explorer *x, const struct subnet *centre)
{
    int count;
    struct chain_slot *slots = chain_slots(x->chain, &count);
    x->model.centre_top1 = estimator_set_centre(x->estimator, centre);
    x->query_count = 0;
    ask_shared(x, centre);
    estimator_gains(x->estimator, x->queries, (size_t)x->query_count, x->answers);
    read_shared(x, 0);
    int asked = x->query_count;
    for (int i = 0; i < count; i++) {
        struct chain_slot *slot = &slots[i];
        struct subnet s = slot->dim_count ? reference_of(x, centre, slot->dims[0]) : *centre;
        int here = chain_option_of(slot, &s);
        x->query_count = 0;
        for (int o = 0; o < slot->option_count; o++) {
            chain_choose(slot, o, &s);
            ask(x, &s);
        }
        estimator_gains(x->estimator, x->queries, (size_t)x->query_count, slot->gains);
        float base = slot->gains[here];
        for (int o = 0; o < slot->option_count; o++) slot->gains[o] -= base;
        asked += x->query_count;
    }
    x->used_us += x->costs.centre + asked * x->costs.gain;
}

/* Every single change, predicted; an option of several dimensions counts with the sum of its changes. */
static void exact_model(struct explorer *x, const struct subnet *centre)
{
    int count;
    struct chain_slot *slots = chain_slots(x->chain, &count);
    x->query_count = 0;
    ask_shared(x, centre);
    for (int i = 0; i < count; i++)
        for (int d = 0; d < slots[i].dim_count; d++) {
            struct subnet reference = reference_of(x, centre, slots[i].dims[d]);
            ask_values(x, &reference, slots[i].dims[d]);
        }
    ask(x, centre);
    estimate(x, x->queries, x->query_count, x->answers, NULL);
    x->model.centre_top1 = x->answers[x->query_count - 1];
    int at = read_shared(x, x->model.centre_top1);
    for (int i = 0; i < count; i++) {
        struct chain_slot *slot = &slots[i];
        for (int d = 0; d < slot->dim_count; d++) {
            at = read_values(x, slot->dims[d], at, 0);
            float base = x->model.gain[slot->dims[d]][centre->at[slot->dims[d]]];
            for (int v = 0; v < SPACE_MAX_VALUES; v++) x->model.gain[slot->dims[d]][v] -= base;
        }
        struct subnet s = *centre;
        for (int o = 0; o < slot->option_count; o++) {
            chain_choose(slot, o, &s);
            slot->gains[o] = 0;
            for (int d = 0; d < slot->dim_count; d++)
                slot->gains[o] += x->model.gain[slot->dims[d]][s.at[slot->dims[d]]];
        }
    }
}

/* ---- descents ---- */

/* @return whether it is the best of the descent so far. */
static bool take(struct explorer *x, int i, struct subnet *best, float *best_top1)
{
    for (int k = 0; k < x->elite_count; k++)
        if (x->elites[k].key == x->keys[i]) return false;
    if (x->elite_count < ELITES)
        x->elites[x->elite_count++] = (struct elite){.key = x->keys[i], .top1 = x->answers[i], .subnet = x->queries[i]};
    if (x->answers[i] <= *best_top1) return false;
    *best_top1 = x->answers[i];
    *best = x->queries[i];
    return true;
}

/* @return whether the descent got better. */
static bool expand(struct explorer *x, const struct subnet *centre, bool exact, struct subnet *best, float *best_top1)
{
    bool better = false;
    struct chain_work before = chain_work(x->chain);
    int reach = explorer_is_linear(x) ? SPACE_MAX_VALUES : 1;
    if (exact) exact_model(x, centre);
    else gradient_model(x, centre);
    int count = chain_enumerate(x->chain, &x->model, centre, reach, x->found, CANDIDATES);
    for (int i = 0; i < count; i++) x->queries[i] = x->found[i].subnet;
    estimate(x, x->queries, count, x->answers, x->keys);
    struct chain_work after = chain_work(x->chain);
    x->used_us += EXPANSION_US + (double)(after.bounds - before.bounds) * BOUND_US +
                  (double)(after.nodes - before.nodes) * NODE_US;
    for (int i = 0; i < count; i++)
        if (take(x, i, best, best_top1)) better = true;
    if (count) x->observer.found(x->observer.context, x->queries, x->answers, count);
    return better;
}

static struct elite *next_centre(struct explorer *x)
{
    struct elite *best = NULL;
    for (int i = 0; i < x->elite_count; i++)
        if (!x->elites[i].expanded && (!best || x->elites[i].top1 > best->top1)) best = &x->elites[i];
    return best;
}

/* Go by models of one kind from a centre. */
static enum lathe_status go(struct explorer *x, struct subnet centre, bool exact, int patience, int *expansions_left,
                            struct subnet *best, float *best_top1)
{
    int without_gain = 0;
    while (without_gain < patience && !explorer_done(x) && *expansions_left > 0) {
        if (search_cancelled(x->request)) return LATHE_CANCELLED;
        without_gain = expand(x, &centre, exact, best, best_top1) ? 0 : without_gain + 1;
        --*expansions_left;
        struct elite *next = next_centre(x);
        if (!next) break;
        centre = next->subnet;
        /* The last one that is not to be expanded any more stays for the next kind. */
        if (without_gain < patience) next->expanded = true;
    }
    return LATHE_OK;
}

enum lathe_status explorer_descend(struct explorer *x, const struct subnet *start, struct descent how,
                                   struct subnet *best, float *best_top1)
{
    struct subnet centre = *start;
    int left = how.most_expansions ? how.most_expansions : ELITES;
    enum lathe_status st = LATHE_OK;
    x->elite_count = 0;
    *best_top1 = -INFINITY;
    if (how.gradient) st = go(x, centre, false, GRADIENT_PATIENCE, &left, best, best_top1);
    if (st || !how.exact || explorer_is_linear(x)) return st;
    for (int i = 0; i < x->elite_count; i++) x->elites[i].expanded = false;
    struct elite *first = next_centre(x);
    if (first) {
        first->expanded = true;
        centre = first->subnet;
    }
    return go(x, centre, true, how.patience, &left, best, best_top1);
}

/* ---- starts ---- */

/* How near the nearest limit a subnet is; 1 at it, above when over it. */
static double fullness(const struct explorer *x, const struct subnet *s)
{
    double most = 0;
    for (int c = 0; c < COSTS; c++) {
        double limit = limits_get(&x->limits, (enum cost)c);
        if (limit == INFINITY) continue;
        double part = problem_cost(x->problem, (enum cost)c, s) / limit;
        if (part > most) most = part;
    }
    return most;
}

struct subnet explorer_draw(struct explorer *x, uint8_t resolution)
{
    struct subnet s;
    for (int draws = 0; draws < START_DRAWS; draws++) {
        problem_random(x->problem, &x->rng, &s);
        s.at[space_resolution_dim(x->problem->space)] = resolution;
        double full = fullness(x, &s);
        if (full >= START_LEAST && full <= START_MOST) break;
    }
    return s;
}
