/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The subnet of least cost that is accurate enough.
 *
 * The search for accuracy under a limit, with a limit that moves: first the limit is halved between the least cost
 * there is and the cheapest subnet found, then it stands just below that and descents go on from random subnets until
 * the budget ends. Whatever is found on the way counts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/search/explorer.h"

enum { QUICK_STARTS = 2, HALVINGS = 6, PENDING = 64, RUNS = 12, IDLE_STARTS = 8 };
static const float MARGIN = 0.0002F; /* by which an estimate may be too low */

/* For a first idea; around the best; from elsewhere. */
static const struct descent quick = {.gradient = true};
static const struct descent near = {.exact = true, .patience = 2};
static const struct descent far = {.gradient = true, .exact = true, .patience = 3};

struct cheapest {
    const struct problem *problem;
    const struct search_request *request;
    struct explorer *explorer;
    struct limits limits;
    struct subnet best;
    double best_cost; /* INFINITY: none was found */
    double best_top1;
    struct subnet accurate; /* the most accurate one, whatever it costs */
    double accurate_top1;
};

static double cost_of(const struct cheapest *c, const struct subnet *s)
{
    return problem_cost(c->problem, c->request->minimise, s);
}

static void take(struct cheapest *c, const struct subnet *s, double top1)
{
    double cost = cost_of(c, s);
    if (top1 > c->accurate_top1) {
        c->accurate_top1 = top1;
        c->accurate = *s;
    }
    if (top1 < c->request->min_top1 || cost > c->best_cost || (cost == c->best_cost && top1 <= c->best_top1)) return;
    c->best = *s;
    c->best_cost = cost;
    c->best_top1 = top1;
}

static void found(void *context, const struct subnet *subnets, const float *top1, int count)
{
    struct cheapest *c = context;
    struct subnet pending[PENDING];
    float confirmed[PENDING];
    int n = 0;
    for (int i = 0; i < count && n < PENDING; i++) {
        double estimate = (double)(top1[i] + MARGIN);
        bool enough = estimate >= c->request->min_top1 && cost_of(c, &subnets[i]) <= c->best_cost;
        if (enough || (c->best_cost == INFINITY && estimate > c->accurate_top1)) pending[n++] = subnets[i];
    }
    if (!n) return;
    explorer_confirm(c->explorer, pending, n, confirmed);
    for (int i = 0; i < n; i++) take(c, &pending[i], (double)confirmed[i]);
}

static void limit(struct cheapest *c, double most)
{
    struct limits limits = c->request->limits;
    double given = limits_get(&limits, c->request->minimise);
    limits_set(&limits, c->request->minimise, fmin(given, most));
    explorer_set_limits(c->explorer, &limits);
}

static enum lathe_status descend(struct cheapest *c, const struct subnet *start, struct descent how)
{
    struct subnet end;
    float top1;
    const struct search_request *r = c->request;
    if (r->progress)
        r->progress(r->progress_context, fmin(1, explorer_work_us(c->explorer) / 1e3 / r->budget_ms), c->best_top1);
    return explorer_descend(c->explorer, start, how, &end, &top1);
}

static struct subnet draw(struct cheapest *c)
{
    const uint8_t *values;
    int count = problem_values(c->problem, space_resolution_dim(c->problem->space), &values);
    return explorer_draw(c->explorer, values[rng_below(explorer_rng(c->explorer), (uint32_t)count)]);
}

/* Some subnet that is accurate enough, under the request's own limits: quickly, and then in earnest. */
static enum lathe_status find_any(struct cheapest *c)
{
    enum lathe_status st = LATHE_OK;
    for (int starts = 0, idle = 0; !st && c->best_cost == INFINITY && idle < IDLE_STARTS; starts++) {
        uint64_t before = explorer_evaluations(c->explorer);
        if (explorer_done(c->explorer)) break;
        struct subnet start = draw(c);
        st = descend(c, &start, starts < QUICK_STARTS ? quick : far);
        idle = explorer_evaluations(c->explorer) == before ? idle + 1 : 0;
    }
    return st;
}

static enum lathe_status halve(struct cheapest *c)
{
    enum lathe_status st = LATHE_OK;
    double low = problem_least(c->problem, c->request->minimise, NULL);
    for (int i = 0; !st && i < HALVINGS && !explorer_done(c->explorer); i++) {
        double before = c->best_cost;
        double middle = (low + c->best_cost) / 2;
        struct subnet start = c->best;
        limit(c, middle);
        st = descend(c, &start, quick);
        if (c->best_cost == before) low = middle;
    }
    return st;
}

/* Below the best, from the best and from elsewhere in turn. */
static enum lathe_status tighten(struct cheapest *c)
{
    enum lathe_status st = LATHE_OK;
    double tried = INFINITY;
    for (int idle = 0; !st && !explorer_done(c->explorer) && idle < IDLE_STARTS;) {
        uint64_t before = explorer_evaluations(c->explorer);
        bool again = c->best_cost < tried;
        tried = c->best_cost;
        limit(c, nextafter(c->best_cost, 0));
        struct subnet start = again ? c->best : draw(c);
        st = descend(c, &start, again ? near : far);
        idle = explorer_evaluations(c->explorer) == before ? idle + 1 : 0;
    }
    return st;
}

static enum lathe_status too_much(const struct cheapest *c, struct lathe_error *err)
{
    if (c->accurate_top1 == -INFINITY)
        return error_set(err, LATHE_INFEASIBLE,
                         "each limit can be met, but no subnet was found that meets all of them together: loosen one");
    error_field(err, "min_top1", "no subnet with a top-1 of %g was found within the limits: the best has %.4f",
                c->request->min_top1, c->accurate_top1);
    if (err) err->status = LATHE_INFEASIBLE;
    return LATHE_INFEASIBLE;
}

/* The cheapest subnet may be accurate enough already, and descents do not look at it. */
static void try_least(struct cheapest *c)
{
    struct subnet least;
    float top1;
    problem_least(c->problem, c->request->minimise, &least);
    if (!problem_feasible(c->problem, &c->request->limits, &least)) return;
    explorer_confirm(c->explorer, &least, 1, &top1);
    take(c, &least, (double)top1);
}

static enum lathe_status search(struct cheapest *c, struct lathe_error *err)
{
    try_least(c);
    enum lathe_status st = find_any(c);
    if (!st && c->best_cost == INFINITY) return too_much(c, err);
    if (!st) st = halve(c);
    if (!st) st = tighten(c);
    return st ? error_set(err, LATHE_CANCELLED, "the search was cancelled") : LATHE_OK;
}

/* A space that is no chain of stages: halve the limit over runs of evolution. */
static enum lathe_status by_evolution(struct cheapest *c, struct search_result *out, struct lathe_error *err)
{
    struct search_request r = *c->request;
    double low = problem_least(c->problem, r.minimise, NULL);
    double high = INFINITY;
    r.evolution.generations = r.evolution.generations > RUNS ? r.evolution.generations / RUNS : 1;
    for (int i = 0; i < RUNS; i++) {
        struct search_result found_here = {0};
        enum lathe_status st = evolution_algorithm.run(c->problem, &r, &found_here, err);
        if (st && (st != LATHE_INFEASIBLE || i == 0)) return st;
        out->evaluations += found_here.evaluations;
        double before = c->best_cost;
        if (!st) take(c, &found_here.subnet, found_here.top1);
        if (c->best_cost == INFINITY) return too_much(c, err);
        if (c->best_cost == before) low = high;
        high = (low + c->best_cost) / 2;
        limits_set(&r.limits, r.minimise, high);
    }
    return LATHE_OK;
}

enum lathe_status cheapest_run(const struct problem *p, const struct search_request *r, struct search_result *out,
                               struct lathe_error *err)
{
    struct cheapest c = {
        .problem = p, .request = r, .best_cost = INFINITY, .best_top1 = -INFINITY, .accurate_top1 = -INFINITY};
    enum lathe_status st =
        explorer_new(p, r, r->budget_ms * 1e3, (struct explorer_observer){found, &c}, &c.explorer, err);
    if (st == LATHE_UNSUPPORTED) {
        out->algorithm = evolution_algorithm.name;
        st = by_evolution(&c, out, err);
    } else if (!st) {
        st = search(&c, err);
        out->evaluations = explorer_evaluations(c.explorer);
    }
    explorer_free(c.explorer);
    if (st) return st;
    out->subnet = c.best;
    out->top1 = c.best_top1;
    return LATHE_OK;
}
