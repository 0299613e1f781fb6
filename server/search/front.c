/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/search/front.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "server/search/explorer.h"
#include "server/search/nsga2.h"

enum {
    KNOTS_MOST = 256,
    ELITES = 6,         /* kept at a knot */
    EXPANDED_MOST = 3,  /* ranks of a knot's elites that are worth an expansion */
    START_PATIENCE = 4, /* expansions without gain that end a descent from a random subnet */
    ROUND_LEVEL = 1,    /* the roundest knots: up to this level */
    PASSIVE = 4,
    PARTS_MOST = 3, /* of the way between two knots that are no passive ones */
    CONFIRMED = 3,  /* elites of a knot that are predicted again in f32 */
};
const double FRONT_BUDGET_MS = 260;
static const double ROUND_PART = 0.85; /* of the budget, for full descents under the roundest limits */

struct front_elite {
    uint64_t key;
    float top1;
    bool expanded;
    struct subnet subnet;
};

/* A limit, and the best subnets found under it, best first. */
struct knot {
    double limit;
    int level; /* of roundness: 0 is the roundest; PASSIVE ones only collect what is found for the others */
    struct front_elite elites[ELITES];
    int count;
    struct front_point point; /* the best in f32 */
    bool has_point, chosen;
};

struct sweep {
    const struct problem *problem;
    const struct search_request *request;
    enum cost cost;
    struct explorer *explorer;
    struct knot knots[KNOTS_MOST];
    int knot_count;
    struct subnet accurate; /* the most accurate one found before there are knots */
    float accurate_top1;
};

void front_clear(struct front *f)
{
    free(f->points);
    *f = (struct front){0};
}

/* ---- what is found ---- */

/* @return whether it is among the best under the limit. */
static bool insert(struct knot *k, const struct front_elite *e)
{
    int at = k->count;
    for (int i = 0; i < k->count; i++)
        if (k->elites[i].key == e->key) return true;
    if (k->count == ELITES && e->top1 <= k->elites[ELITES - 1].top1) return false;
    if (k->count < ELITES) k->count++;
    else at = ELITES - 1;
    for (; at > 0 && k->elites[at - 1].top1 < e->top1; at--) k->elites[at] = k->elites[at - 1];
    k->elites[at] = *e;
    return true;
}

static int first_knot(const struct sweep *w, double cost)
{
    int low = 0;
    int high = w->knot_count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (w->knots[middle].limit >= cost) high = middle;
        else low = middle + 1;
    }
    return low;
}

static void found(void *context, const struct subnet *subnets, const float *top1, int count)
{
    struct sweep *w = context;
    for (int i = 0; i < count; i++) {
        struct front_elite e = {explorer_key(w->explorer, &subnets[i]), top1[i], false, subnets[i]};
        if (top1[i] > w->accurate_top1) {
            w->accurate_top1 = top1[i];
            w->accurate = subnets[i];
        }
        for (int k = first_knot(w, problem_cost(w->problem, w->cost, &subnets[i])); k < w->knot_count; k++)
            if (!insert(&w->knots[k], &e)) break;
    }
}

/* ---- searching ---- */

static void limit(struct sweep *w, double most)
{
    struct limits limits = w->request->limits;
    limits_set(&limits, w->cost, fmin(limits_get(&limits, w->cost), most));
    explorer_set_limits(w->explorer, &limits);
}

static enum lathe_status descend(struct sweep *w, const struct subnet *start, struct descent how)
{
    struct subnet best;
    float top1;
    double part = explorer_work_us(w->explorer) / 1e3 / w->request->budget_ms;
    if (w->request->progress)
        w->request->progress(w->request->progress_context, fmin(1, part), (double)w->accurate_top1);
    return explorer_descend(w->explorer, start, how, &best, &top1);
}

/* A resolution for a random subnet: any, or one next to what is best under a limit already. */
static uint8_t draw_resolution(struct sweep *w, const struct knot *k)
{
    const uint8_t *values;
    int dim = space_resolution_dim(w->problem->space);
    int count = problem_values(w->problem, dim, &values);
    struct rng *rng = explorer_rng(w->explorer);
    if (!k || !k->count) return values[rng_below(rng, (uint32_t)count)];
    int at = 0;
    while (values[at] != k->elites[0].subnet.at[dim]) at++;
    at += (int)rng_below(rng, 3) - 1;
    return values[at < 0 ? 0 : at < count ? at : count - 1];
}

/* @param k NULL: within the request's own limits. */
static enum lathe_status descend_from_random(struct sweep *w, const struct knot *k)
{
    const struct descent how = {.gradient = true, .exact = true, .patience = START_PATIENCE};
    if (k) limit(w, k->limit);
    struct subnet start = explorer_draw(w->explorer, draw_resolution(w, k));
    return descend(w, &start, how);
}

/* The subnet that is as accurate as can be, within the request's own limits: where the front ends. */
static enum lathe_status find_end(struct sweep *w)
{
    enum lathe_status st = LATHE_OK;
    double most_us = w->request->budget_ms * 1e3 / 8; /* one start more ends there at the latest */
    do st = descend_from_random(w, NULL);
    while (!st && (w->accurate_top1 == -INFINITY || explorer_work_us(w->explorer) < most_us) &&
           !explorer_done(w->explorer) && !explorer_is_linear(w->explorer));
    return st;
}

static enum lathe_status visit(struct sweep *w, struct knot *k, int *expansions)
{
    const struct descent how = {.exact = true, .patience = 1, .most_expansions = 1};
    const struct descent linear = {.gradient = true, .most_expansions = 1};
    for (int i = 0; i < k->count && i < EXPANDED_MOST && k->level < PASSIVE; i++) {
        if (k->elites[i].expanded) continue;
        k->elites[i].expanded = true;
        struct subnet centre = k->elites[i].subnet;
        ++*expansions;
        limit(w, k->limit);
        return descend(w, &centre, explorer_is_linear(w->explorer) ? linear : how);
    }
    return LATHE_OK;
}

/* All knots, down and up. */
static enum lathe_status sweep(struct sweep *w, int *expansions)
{
    enum lathe_status st = LATHE_OK;
    for (int i = w->knot_count - 1; i >= 0 && !st && !explorer_done(w->explorer); i--)
        st = visit(w, &w->knots[i], expansions);
    for (int i = 0; i < w->knot_count && !st && !explorer_done(w->explorer); i++)
        st = visit(w, &w->knots[i], expansions);
    return st;
}

/* The next of the roundest knots above one; NULL: there is none. */
static const struct knot *round_knot_above(const struct sweep *w, int at)
{
    for (int i = at + 1; i < w->knot_count; i++)
        if (w->knots[i].level <= ROUND_LEVEL && w->knots[i].count) return &w->knots[i];
    return NULL;
}

/* Down the roundest limits: from a random subnet, or from the best under the limit above. */
static enum lathe_status visit_round_knots(struct sweep *w, bool random, double most_us)
{
    enum lathe_status st = LATHE_OK;
    for (int i = w->knot_count - 1; i >= 0 && !st && explorer_work_us(w->explorer) < most_us; i--) {
        const struct descent how = {.gradient = true, .exact = true, .patience = START_PATIENCE};
        const struct knot *above = random ? NULL : round_knot_above(w, i);
        if (w->knots[i].level > ROUND_LEVEL) continue;
        if (above) {
            struct subnet start = above->elites[0].subnet;
            limit(w, w->knots[i].limit);
            st = descend(w, &start, how);
        } else {
            st = descend_from_random(w, &w->knots[i]);
        }
    }
    return st;
}

static enum lathe_status search(struct sweep *w)
{
    enum lathe_status st = LATHE_OK;
    double most_us = w->request->budget_ms * 1e3 * ROUND_PART;
    bool linear = explorer_is_linear(w->explorer);
    for (int round = 0; !st && !linear && explorer_work_us(w->explorer) < most_us; round++) {
        double before_us = explorer_work_us(w->explorer);
        st = visit_round_knots(w, round % 2 == 0, most_us);
        if (explorer_work_us(w->explorer) == before_us) break;
    }
    for (int idle = 0; !st && !explorer_done(w->explorer) && idle < w->knot_count;) {
        int expansions = 0;
        st = sweep(w, &expansions);
        idle = expansions ? 0 : idle + 1;
        if (st || expansions || linear) continue;
        st = descend_from_random(w, &w->knots[rng_below(explorer_rng(w->explorer), (uint32_t)w->knot_count)]);
    }
    return st;
}

/* ---- knots ---- */

/* The smallest of 1, 2, 5, 10, 20, ... of which few enough lie in a span. */
static double step_of(double span, int most)
{
    double step = pow(10, floor(log10(span / most)));
    const double factors[] = {1, 2, 5, 10};
    for (int i = 0; i < 4; i++)
        if (span / (step * factors[i]) <= most) return step * factors[i];
    return step * 10;
}

static int level_of(double limit, double step)
{
    double decade = pow(10, floor(log10(step) + 1e-9));
    const double units[] = {10, 5, 1};
    for (int i = 0; i < 3; i++) {
        double n = limit / (units[i] * decade);
        if (fabs(n - round(n)) < 1e-6) return i;
    }
    return 3;
}

/* Add a knot, and before it passive ones that cut the way from the last one into `parts`. */
static void add_knot(struct sweep *w, double at, int level, int parts)
{
    double last = w->knot_count ? w->knots[w->knot_count - 1].limit : at;
    for (int i = 1; i < parts && w->knot_count; i++)
        w->knots[w->knot_count++] = (struct knot){.limit = last + (at - last) * i / parts, .level = PASSIVE};
    w->knots[w->knot_count++] = (struct knot){.limit = at, .level = level};
}

/* The least cost, round limits, and the cost of the most accurate subnet. */
static void lay_knots(struct sweep *w, double low, double high, int points)
{
    int most = points + points / 3 < KNOTS_MOST - 3 ? points + points / 3 : KNOTS_MOST - 3;
    double step = high > low ? step_of(high - low, most) : 1;
    int parts = KNOTS_MOST / (int)((high - low) / step + 3);
    if (parts > PARTS_MOST) parts = PARTS_MOST;
    add_knot(w, low, 0, 1);
    double first = floor(low / step) + 1;
    for (int i = 0; (first + i) * step < high; i++)
        add_knot(w, (first + i) * step, level_of((first + i) * step, step), parts);
    if (high > low) add_knot(w, high, 0, parts);
}

/* ---- the answer ---- */

static void fill_point(struct sweep *w, struct knot *k, const struct subnet *s, double top1)
{
    if (k->has_point && top1 <= k->point.top1) return;
    k->has_point = true;
    k->point.subnet = *s;
    k->point.top1 = top1;
    for (int c = 0; c < COSTS; c++) k->point.cost[c] = problem_cost(w->problem, (enum cost)c, s);
    space_canonicalise(w->problem->space, &k->point.subnet);
}

/* Predict the best of every knot in f32. What is best at one counts for those above, too. */
static void confirm(struct sweep *w)
{
    for (int i = 0; i < w->knot_count; i++) {
        struct knot *k = &w->knots[i];
        struct subnet best[CONFIRMED];
        float top1[CONFIRMED];
        int n = k->count < CONFIRMED ? k->count : CONFIRMED;
        for (int e = 0; e < n; e++) best[e] = k->elites[e].subnet;
        if (n) explorer_confirm(w->explorer, best, n, top1);
        for (int e = 0; e < n; e++) fill_point(w, k, &best[e], (double)top1[e]);
        if (i > 0 && w->knots[i - 1].has_point)
            fill_point(w, k, &w->knots[i - 1].point.subnet, w->knots[i - 1].point.top1);
    }
}

/* What a knot adds to the area under those that are chosen. */
static double gain_of(const struct sweep *w, int at)
{
    int below = at - 1;
    int above = at + 1;
    while (below >= 0 && !w->knots[below].chosen) below--;
    while (above < w->knot_count && !w->knots[above].chosen) above++;
    if (below < 0 || above >= w->knot_count) return 0;
    return (w->knots[at].point.top1 - w->knots[below].point.top1) *
           (w->knots[above].point.cost[w->cost] - w->knots[at].point.cost[w->cost]);
}

static bool can_choose(const struct knot *k, int level)
{
    return k->has_point && !k->chosen && k->level <= level;
}

/* Choose as many knots of a level as are left to choose; where not all fit, those that add most. */
static int choose_level(struct sweep *w, int level, int left)
{
    int all = 0;
    for (int i = 0; i < w->knot_count; i++) all += can_choose(&w->knots[i], level);
    if (all <= left) {
        for (int i = 0; i < w->knot_count; i++)
            if (can_choose(&w->knots[i], level)) w->knots[i].chosen = true;
        return left - all;
    }
    for (; left > 0; left--) {
        int best = -1;
        for (int i = 0; i < w->knot_count; i++)
            if (can_choose(&w->knots[i], level) && (best < 0 || gain_of(w, i) > gain_of(w, best))) best = i;
        w->knots[best].chosen = true;
    }
    return 0;
}

/* A knot whose best is that of the one below is no point of its own. */
static void drop_repeated(struct sweep *w)
{
    double best = -INFINITY;
    for (int i = 0; i < w->knot_count; i++) {
        struct knot *k = &w->knots[i];
        k->has_point = k->has_point && k->point.top1 > best;
        if (k->has_point) best = k->point.top1;
    }
}

static enum lathe_status choose(struct sweep *w, int points, struct front *out, struct lathe_error *err)
{
    int left = points;
    int last = -1;
    drop_repeated(w);
    for (int i = 0; i < w->knot_count; i++)
        if (w->knots[i].has_point) last = i;
    for (int i = 0; i <= last && left == points; i++) {
        if (!w->knots[i].has_point) continue;
        w->knots[i].chosen = w->knots[last].chosen = true;
        left -= i == last ? 1 : 2;
    }
    for (int level = 0; level <= PASSIVE && left > 0; level++) left = choose_level(w, level, left);
    out->points = malloc((size_t)(points - left + 1) * sizeof *out->points);
    if (!out->points) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (int i = 0; i < w->knot_count; i++)
        if (w->knots[i].chosen) out->points[out->count++] = w->knots[i].point;
    return LATHE_OK;
}

/* ---- running ---- */

static enum lathe_status none_found(struct lathe_error *err)
{
    return error_set(err, LATHE_INFEASIBLE,
                     "each limit can be met, but no subnet was found that meets all of them together: loosen one");
}

static enum lathe_status run(struct sweep *w, int points, struct front *out, struct lathe_error *err)
{
    struct subnet least;
    float least_top1;
    double low = problem_least(w->problem, w->cost, &least);
    bool can_start = problem_feasible(w->problem, &w->request->limits, &least);
    enum lathe_status st = find_end(w);
    if (!st && w->accurate_top1 == -INFINITY && !can_start) return none_found(err);
    if (!st) {
        double high = w->accurate_top1 > -INFINITY ? problem_cost(w->problem, w->cost, &w->accurate) : low;
        struct subnet end = w->accurate;
        float end_top1 = w->accurate_top1;
        lay_knots(w, low, high, points);
        explorer_estimate(w->explorer, &least, 1, &least_top1);
        if (can_start) found(w, &least, &least_top1, 1);
        if (end_top1 > -INFINITY) found(w, &end, &end_top1, 1);
        st = search(w);
    }
    if (st) return error_set(err, LATHE_CANCELLED, "the search was cancelled");
    confirm(w);
    out->evaluations = explorer_evaluations(w->explorer);
    out->algorithm = "sweep";
    return choose(w, points, out, err);
}

enum lathe_status front_run(const struct problem *p, const struct search_request *r, enum cost cost, int points,
                            struct front *out, struct lathe_error *err)
{
    struct search_request request = *r;
    struct front result = {0};
    struct stopwatch watch = stopwatch_start();
    request.minimise = COSTS;
    if (points < 2 || points > FRONT_POINTS_MOST)
        return error_field(err, "points", "points must be from 2 to %d", FRONT_POINTS_MOST);
    enum lathe_status st = search_check(NULL, p, &request, err);
    if (st) return st;
    struct sweep *w = calloc(1, sizeof *w);
    if (!w) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    *w = (struct sweep){.problem = p, .request = &request, .cost = cost, .accurate_top1 = -INFINITY};
    st = explorer_new(p, &request, r->budget_ms * 1e3, (struct explorer_observer){found, w}, &w->explorer, err);
    if (st == LATHE_UNSUPPORTED) {
        struct nsga2_options options;
        free(w);
        nsga2_defaults(&options);
        return nsga2_run(p, &request, &options, NSGA2_TOP1 | nsga2_cost(cost), points, out, err);
    }
    if (!st) st = run(w, points, &result, err);
    explorer_free(w->explorer);
    free(w);
    if (st) {
        front_clear(&result);
        return st;
    }
    stopwatch_read(&watch, &result.elapsed_ms, &result.cpu_ms);
    *out = result;
    return LATHE_OK;
}
