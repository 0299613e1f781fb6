/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/search/nsga2.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/search/explorer.h"
#include "server/search/genes.h"
#include "server/search/pareto.h"

enum {
    ARCHIVE = 600,    /* when it is full, the most crowded half goes */
    CHILD_DRAWS = 8,  /* for a child that is not in the population yet */
    SEED_LIMITS = 12, /* limits that first members are optima of */
    SEED_US = 4000,   /* of work for each */
    DRAWS_BETWEEN_ASKS = 64,
};

struct member {
    struct subnet subnet;
    double values[PARETO_OBJECTIVES_MOST]; /* to be minimised */
    double violation;
    int rank;
    double crowding;
};

struct nsga2 {
    const struct problem *problem;
    const struct search_request *request;
    const struct nsga2_options *options;
    int objectives[PARETO_OBJECTIVES_MOST], m; /* COSTS stands for top-1 */
    enum cost first_cost;
    struct genes genes;
    struct rng rng;
    struct estimator *estimator;
    int population;
    struct member *members; /* [2 * population]: parents, then children */
    double *values, *violation;
    int *rank;
    size_t *items;
    double *crowding;
    struct subnet *batch;
    float *batch_top1;
    struct member *archive; /* [ARCHIVE] feasible, none dominates another */
    size_t archive_count;
    uint64_t seed_evaluations;
};

void nsga2_defaults(struct nsga2_options *o)
{
    *o = (struct nsga2_options){.population = 100,
                                .generations = 200,
                                .mutation_probability = 0.1,
                                .crossover_probability = 0.9,
                                .seeded = true};
}

/* ---- members ---- */

/* How far over the limits, relative to each. */
static double violation_of(const struct nsga2 *n, const struct subnet *s)
{
    double sum = problem_allows(n->problem, s) ? 0 : 1;
    for (int c = 0; c < COSTS; c++) {
        double limit = limits_get(&n->request->limits, (enum cost)c);
        if (limit == INFINITY) continue;
        double over = problem_cost(n->problem, (enum cost)c, s) - limit;
        if (over > 0) sum += over / limit;
    }
    return sum;
}

static void set_values(const struct nsga2 *n, struct member *m, double top1)
{
    for (int k = 0; k < n->m; k++)
        m->values[k] =
            n->objectives[k] == COSTS ? -top1 : problem_cost(n->problem, (enum cost)n->objectives[k], &m->subnet);
    m->violation = violation_of(n, &m->subnet);
}

/* ---- the archive ---- */

static int by_crowding(const void *a, const void *b)
{
    const struct member *p = a;
    const struct member *q = b;
    if (p->crowding != q->crowding) return p->crowding > q->crowding ? -1 : 1;
    return memcmp(&p->subnet, &q->subnet, sizeof p->subnet);
}

/* Keep the least crowded members of a list in which none dominates another. @return how many are left. */
static size_t thin(struct nsga2 *n, struct member *list, size_t count, size_t most)
{
    while (count > most) {
        double *values = malloc(count * (size_t)n->m * sizeof *values);
        double *crowding = malloc(count * sizeof *crowding);
        size_t *items = malloc(count * sizeof *items);
        bool made = values && crowding && items;
        for (size_t i = 0; i < count && made; i++) {
            items[i] = i;
            memcpy(values + i * (size_t)n->m, list[i].values, (size_t)n->m * sizeof *values);
        }
        made = made && pareto_crowding(values, n->m, items, count, crowding);
        for (size_t i = 0; i < count && made; i++) list[i].crowding = crowding[i];
        qsort(list, count, sizeof *list, by_crowding);
        /* A few at a time: neighbours of what goes are less crowded than they were. */
        size_t gone = (count - most + 3) / 4;
        count -= made ? gone : count - most;
        free(values);
        free(crowding);
        free(items);
    }
    return count;
}

static void remember(struct nsga2 *n, const struct member *m)
{
    size_t kept = 0;
    if (m->violation > 0) return;
    for (size_t i = 0; i < n->archive_count; i++) {
        const double *values = n->archive[i].values;
        if (pareto_dominates(values, m->values, n->m) || memcmp(values, m->values, (size_t)n->m * sizeof *values) == 0)
            return;
    }
    for (size_t i = 0; i < n->archive_count; i++)
        if (!pareto_dominates(m->values, n->archive[i].values, n->m)) n->archive[kept++] = n->archive[i];
    n->archive_count = kept;
    if (n->archive_count == ARCHIVE) n->archive_count = thin(n, n->archive, ARCHIVE, ARCHIVE / 2);
    n->archive[n->archive_count++] = *m;
}

/* ---- generations ---- */

static void evaluate(struct nsga2 *n, int from, int count)
{
    for (int i = 0; i < count; i++) n->batch[i] = n->members[from + i].subnet;
    estimator_run(n->estimator, n->batch, (size_t)count, n->batch_top1, NULL);
    for (int i = 0; i < count; i++) {
        set_values(n, &n->members[from + i], (double)n->batch_top1[i]);
        remember(n, &n->members[from + i]);
    }
}

/* Rank and crowding of the first `count` members. */
static bool rank_members(struct nsga2 *n, int count)
{
    int fronts = 0;
    for (int i = 0; i < count; i++) {
        memcpy(n->values + (size_t)i * (size_t)n->m, n->members[i].values, (size_t)n->m * sizeof *n->values);
        n->violation[i] = n->members[i].violation;
    }
    if (!pareto_sort(n->values, n->violation, (size_t)count, n->m, n->rank)) return false;
    for (int i = 0; i < count; i++) {
        n->members[i].rank = n->rank[i];
        if (n->rank[i] >= fronts) fronts = n->rank[i] + 1;
    }
    for (int front = 0; front < fronts; front++) {
        size_t size = 0;
        for (int i = 0; i < count; i++)
            if (n->rank[i] == front) n->items[size++] = (size_t)i;
        if (!pareto_crowding(n->values, n->m, n->items, size, n->crowding)) return false;
        for (size_t i = 0; i < size; i++) n->members[n->items[i]].crowding = n->crowding[i];
    }
    return true;
}

static bool better(const struct member *a, const struct member *b)
{
    return a->rank < b->rank || (a->rank == b->rank && a->crowding > b->crowding);
}

static int best_first(const void *a, const void *b)
{
    if (better(a, b)) return -1;
    if (better(b, a)) return 1;
    return memcmp(&((const struct member *)a)->subnet, &((const struct member *)b)->subnet, sizeof(struct subnet));
}

static const struct member *tournament(struct nsga2 *n)
{
    const struct member *a = &n->members[rng_below(&n->rng, (uint32_t)n->population)];
    const struct member *b = &n->members[rng_below(&n->rng, (uint32_t)n->population)];
    return better(b, a) ? b : a;
}

static bool is_member(const struct nsga2 *n, const struct subnet *s, int count)
{
    for (int i = 0; i < count; i++)
        if (subnet_equal(&n->members[i].subnet, s)) return true;
    return false;
}

static void breed(struct nsga2 *n)
{
    for (int i = 0; i < n->population; i++) {
        struct subnet *child = &n->members[n->population + i].subnet;
        for (int draws = 0; draws < CHILD_DRAWS; draws++) {
            const struct member *a = tournament(n);
            struct subnet crossed = a->subnet;
            if (rng_unit(&n->rng) < n->options->crossover_probability)
                genes_cross(n->problem->space, &n->rng, &a->subnet, &tournament(n)->subnet, &crossed);
            genes_mutate(&n->genes, n->problem, &n->rng, n->options->mutation_probability, &crossed, child);
            space_canonicalise(n->problem->space, child);
            if (!is_member(n, child, n->population + i)) break;
        }
    }
}

/* ---- the first generation ---- */

static void found(void *context, const struct subnet *subnets, const float *top1, int count)
{
    struct nsga2 *n = context;
    for (int i = 0; i < count; i++) {
        struct member m = {.subnet = subnets[i]};
        space_canonicalise(n->problem->space, &m.subnet);
        set_values(n, &m, (double)top1[i]);
        remember(n, &m);
    }
}

static double most_cost(struct nsga2 *n)
{
    enum { DRAWS = 200 };
    double most = 0;
    for (int i = 0; i < DRAWS; i++) {
        struct subnet s;
        problem_random(n->problem, &n->rng, &s);
        most = fmax(most, problem_cost(n->problem, n->first_cost, &s));
    }
    return fmin(most, limits_get(&n->request->limits, n->first_cost));
}

/* Optima of additive models under spread limits; all of what is found on the way may enter the archive.
 * @return how many members there are now. */
static enum lathe_status seed(struct nsga2 *n, int *count, struct lathe_error *err)
{
    const struct descent how = {.gradient = true, .most_expansions = 4};
    struct explorer *x = NULL;
    double low = problem_least(n->problem, n->first_cost, NULL);
    double high = most_cost(n);
    const uint8_t *resolutions;
    int resolution_count = problem_values(n->problem, space_resolution_dim(n->problem->space), &resolutions);
    enum lathe_status st =
        explorer_new(n->problem, n->request, SEED_US * SEED_LIMITS, (struct explorer_observer){found, n}, &x, err);
    if (st == LATHE_UNSUPPORTED) return LATHE_OK;
    for (int i = 1; i <= SEED_LIMITS && !st && *count < n->population / 2; i++) {
        struct limits limits = n->request->limits;
        struct subnet best;
        float top1;
        limits_set(&limits, n->first_cost, low + (high - low) * i / SEED_LIMITS);
        explorer_set_limits(x, &limits);
        struct subnet start = explorer_draw(x, resolutions[rng_below(&n->rng, (uint32_t)resolution_count)]);
        st = explorer_descend(x, &start, how, &best, &top1);
        if (st || top1 == -INFINITY) continue;
        space_canonicalise(n->problem->space, &best);
        if (!is_member(n, &best, *count)) n->members[(*count)++].subnet = best;
    }
    if (x) n->seed_evaluations = explorer_evaluations(x);
    explorer_free(x);
    return st == LATHE_CANCELLED ? error_set(err, st, "the search was cancelled") : st;
}

static enum lathe_status first_generation(struct nsga2 *n, struct lathe_error *err)
{
    int count = 0;
    problem_least(n->problem, n->first_cost, &n->members[count++].subnet);
    if (n->options->seeded) {
        enum lathe_status st = seed(n, &count, err);
        if (st) return st;
    }
    while (count < n->population) {
        problem_random(n->problem, &n->rng, &n->members[count].subnet);
        space_canonicalise(n->problem->space, &n->members[count++].subnet);
    }
    evaluate(n, 0, n->population);
    return rank_members(n, n->population) ? LATHE_OK : error_set(err, LATHE_NO_MEMORY, "out of memory");
}

static enum lathe_status evolve(struct nsga2 *n, struct lathe_error *err)
{
    const struct search_request *r = n->request;
    enum lathe_status st = first_generation(n, err);
    for (int g = 0; g < n->options->generations && !st; g++) {
        if (search_cancelled(r)) return error_set(err, LATHE_CANCELLED, "the search was cancelled");
        breed(n);
        evaluate(n, n->population, n->population);
        if (!rank_members(n, 2 * n->population)) return error_set(err, LATHE_NO_MEMORY, "out of memory");
        qsort(n->members, 2 * (size_t)n->population, sizeof *n->members, best_first);
        if (r->progress) r->progress(r->progress_context, (g + 1.0) / n->options->generations, NAN);
    }
    return st;
}

/* ---- the answer ---- */

/* Predict the archive in f32; what that makes dominated goes. */
static enum lathe_status confirm(struct nsga2 *n, struct lathe_error *err)
{
    struct predictor_work *work = predictor_work_new(n->problem->predictor);
    double *values = malloc((n->archive_count + 1) * (size_t)n->m * sizeof *values);
    size_t *kept = malloc((n->archive_count + 1) * sizeof *kept);
    bool made = work && values && kept;
    for (size_t i = 0; i < n->archive_count && made; i++) {
        float top1 = 0;
        predictor_evaluate(n->problem->predictor, work, &n->archive[i].subnet, 1, &top1);
        set_values(n, &n->archive[i], (double)top1);
        n->archive[i].crowding = (double)top1;
        memcpy(values + i * (size_t)n->m, n->archive[i].values, (size_t)n->m * sizeof *values);
    }
    if (made) {
        size_t count = pareto_filter(values, n->archive_count, n->m, kept);
        for (size_t i = 0; i < count; i++) n->archive[i] = n->archive[kept[i]];
        n->archive_count = count;
    }
    predictor_work_free(work);
    free(values);
    free(kept);
    return made ? LATHE_OK : error_set(err, LATHE_NO_MEMORY, "out of memory");
}

struct cost_order {
    double cost;
    size_t at;
};

static int cheapest_first(const void *a, const void *b)
{
    const struct cost_order *p = a;
    const struct cost_order *q = b;
    if (p->cost != q->cost) return p->cost < q->cost ? -1 : 1;
    return p->at < q->at ? -1 : p->at > q->at;
}

static enum lathe_status answer(struct nsga2 *n, int points, struct front *out, struct lathe_error *err)
{
    enum lathe_status st = confirm(n, err);
    if (st) return st;
    if (!n->archive_count)
        return error_set(err, LATHE_INFEASIBLE,
                         "each limit can be met, but no subnet was found that meets all of them together: loosen one");
    n->archive_count = thin(n, n->archive, n->archive_count, (size_t)points);
    struct cost_order order[ARCHIVE];
    out->points = malloc(n->archive_count * sizeof *out->points);
    struct predictor_work *work = predictor_work_new(n->problem->predictor);
    if (!out->points || !work) {
        predictor_work_free(work);
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < n->archive_count; i++)
        order[i] = (struct cost_order){problem_cost(n->problem, n->first_cost, &n->archive[i].subnet), i};
    qsort(order, n->archive_count, sizeof *order, cheapest_first);
    for (size_t i = 0; i < n->archive_count; i++) {
        struct front_point *p = &out->points[out->count++];
        float top1 = 0;
        p->subnet = n->archive[order[i].at].subnet;
        predictor_evaluate(n->problem->predictor, work, &p->subnet, 1, &top1);
        p->top1 = (double)top1;
        for (int c = 0; c < COSTS; c++) p->cost[c] = problem_cost(n->problem, (enum cost)c, &p->subnet);
    }
    predictor_work_free(work);
    out->evaluations = estimator_count(n->estimator) + n->seed_evaluations;
    out->algorithm = "nsga2";
    return LATHE_OK;
}

/* ---- running ---- */

static enum lathe_status check(const struct nsga2_options *o, unsigned objectives, int points, struct lathe_error *err)
{
    int count = __builtin_popcount(objectives);
    if (count < 2 || count > PARETO_OBJECTIVES_MOST || !(objectives & (NSGA2_TOP1 - 1)))
        return error_field(err, "objectives", "objectives must be 2 to %d, one of them a cost", PARETO_OBJECTIVES_MOST);
    if (points < 2 || points > FRONT_POINTS_MOST)
        return error_field(err, "points", "points must be from 2 to %d", FRONT_POINTS_MOST);
    if (o->population < 4 || o->population > 2000)
        return error_field(err, "nsga2.population", "nsga2.population must be from 4 to 2000");
    if (o->generations < 1 || o->generations > 100000)
        return error_field(err, "nsga2.generations", "nsga2.generations must be from 1 to 100000");
    return LATHE_OK;
}

static enum lathe_status init(struct nsga2 *n, unsigned objectives, struct lathe_error *err)
{
    size_t all = 2 * (size_t)n->population;
    n->first_cost = COSTS;
    for (int c = 0; c <= COSTS; c++) {
        if (!(objectives & 1u << c)) continue;
        if (n->first_cost == COSTS && c < COSTS) n->first_cost = (enum cost)c;
        n->objectives[n->m++] = c;
    }
    genes_find(&n->genes, n->problem->space);
    rng_seed(&n->rng, n->request->seed);
    n->members = calloc(all, sizeof *n->members);
    n->values = calloc(all * (size_t)n->m, sizeof *n->values);
    n->violation = calloc(all, sizeof *n->violation);
    n->rank = calloc(all, sizeof *n->rank);
    n->items = calloc(all, sizeof *n->items);
    n->crowding = calloc(all, sizeof *n->crowding);
    n->batch = calloc(all, sizeof *n->batch);
    n->batch_top1 = calloc(all, sizeof *n->batch_top1);
    n->archive = calloc(ARCHIVE, sizeof *n->archive);
    if (!n->members || !n->values || !n->violation || !n->rank || !n->items || !n->crowding || !n->batch ||
        !n->batch_top1 || !n->archive)
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    double remember_most = fmin((double)n->population * n->options->generations, 1e6);
    return estimator_new(n->problem->predictor, (size_t)remember_most, &n->estimator, err);
}

static void clear(struct nsga2 *n)
{
    free(n->members);
    free(n->values);
    free(n->violation);
    free(n->rank);
    free(n->items);
    free(n->crowding);
    free(n->batch);
    free(n->batch_top1);
    free(n->archive);
    estimator_free(n->estimator);
}

enum lathe_status nsga2_run(const struct problem *p, const struct search_request *r, const struct nsga2_options *o,
                            unsigned objectives, int points, struct front *out, struct lathe_error *err)
{
    struct stopwatch watch = stopwatch_start();
    struct nsga2 n = {.problem = p, .request = r, .options = o, .population = o->population};
    struct front result = {0};
    enum lathe_status st = check(o, objectives, points, err);
    if (!st) st = search_check(NULL, p, r, err);
    if (st) return st;
    st = init(&n, objectives, err);
    if (!st) st = evolve(&n, err);
    if (!st) st = answer(&n, points, &result, err);
    clear(&n);
    if (st) {
        front_clear(&result);
        return st;
    }
    stopwatch_read(&watch, &result.elapsed_ms, &result.cpu_ms);
    *out = result;
    return LATHE_OK;
}
