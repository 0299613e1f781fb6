/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Multistart of local models: from a random subnet near the limit, evaluate every single change of it. Those
 * differences make an additive model that is exact around it; the model's best subnets within the limits are enumerated
 * exactly (chain.c) and evaluated; the best one that was not a centre yet is the next centre. Several expansions
 * without gain end a start. Work is counted in evaluations, not in time: same seed, same answer on any machine, and a
 * larger budget goes on where a smaller one ends, so that it is never worse.
 *
 * A space that is no chain of stages is searched by evolution instead. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/search/chain.h"

enum {
    BUDGET = 4500,   /* evaluations */
    CANDIDATES = 40, /* of one enumeration */
    PATIENCE = 4,    /* expansions without gain that end a start */
    IDLE_STARTS = 8, /* starts that evaluate nothing new end the search: a small space is exhausted */
    START_DRAWS = 300,
    ELITES = 4096,
    CACHE_SLOTS = 1 << 15, /* well above what a budget fills */
    QUERIES = SPACE_MAX_DIMS * SPACE_MAX_VALUES / 4,
};
static const double START_LEAST = 0.75;
static const double START_MOST = 1.15;
static const float NOISE = 0.003F; /* of a resolution's best, so that starts are shared out: 0.3 points */

struct elite {
    uint64_t id;
    float top1;
    bool expanded;
    struct subnet subnet;
};

struct multistart {
    const struct problem *problem;
    const struct search_request *request;
    struct chain *chain;
    struct predictor_work *work;
    struct rng rng;
    struct additive_model model;
    struct candidate found[CANDIDATES];
    struct subnet queries[QUERIES], batch[QUERIES];
    float answers[QUERIES], batch_top1[QUERIES];
    size_t places[QUERIES], batch_places[QUERIES]; /* in the cache */
    struct {
        uint64_t id;
        float top1;
    } cache[CACHE_SLOTS];
    struct elite elites[ELITES]; /* of the start under way */
    int elite_count;
    float resolution_best[SPACE_MAX_VALUES]; /* by index among the problem's resolutions */
    int resolution_starts[SPACE_MAX_VALUES];
    struct subnet best;
    float best_top1;
    uint64_t evaluations;
};

/* ---- evaluation ---- */

/* The cache's place of an id: its own, or a free one. */
static size_t place_of(const struct multistart *m, uint64_t id)
{
    size_t i = id % CACHE_SLOTS;
    while (m->cache[i].id && m->cache[i].id != id) i = (i + 1) % CACHE_SLOTS;
    return i;
}

static uint64_t id_of(const struct multistart *m, const struct subnet *s)
{
    return space_subnet_id(m->problem->space, s) | 1; /* 0 marks a free place */
}

/* Predict m->queries[0..count) into m->answers. Each network is evaluated once in a search. */
static void evaluate(struct multistart *m, int count)
{
    int fresh = 0;
    for (int i = 0; i < count; i++) {
        uint64_t id = id_of(m, &m->queries[i]);
        m->places[i] = place_of(m, id);
        if (m->cache[m->places[i]].id) continue;
        m->cache[m->places[i]].id = id;
        m->batch[fresh] = m->queries[i];
        m->batch_places[fresh++] = m->places[i];
    }
    predictor_evaluate(m->problem->predictor, m->work, m->batch, (size_t)fresh, m->batch_top1);
    for (int k = 0; k < fresh; k++) m->cache[m->batch_places[k]].top1 = m->batch_top1[k];
    for (int i = 0; i < count; i++) m->answers[i] = m->cache[m->places[i]].top1;
    m->evaluations += (uint64_t)fresh;
}

/* ---- the model around a centre ---- */

/* The value of a hub nearest to the centre's under which a dimension has an effect. */
static int waking_value(const struct multistart *m, const struct subnet *centre, int dim, int hub)
{
    int here = centre->at[hub];
    int count = space_dim(m->problem->space, hub)->count;
    for (int step = 0; step < count; step++) {
        if (here + step < count && chain_active(m->chain, dim, here + step)) return here + step;
        if (here - step >= 0 && chain_active(m->chain, dim, here - step)) return here - step;
    }
    return here;
}

/* The subnet to compare with when a dimension changes: the centre, its block woken up. */
static struct subnet reference_of(const struct multistart *m, const struct subnet *centre, int dim)
{
    struct subnet s = *centre;
    int hub = chain_hub(m->chain, dim);
    if (hub >= 0) s.at[hub] = (uint8_t)waking_value(m, centre, dim, hub);
    return s;
}

static void build_model(struct multistart *m, const struct subnet *centre)
{
    const struct space *space = m->problem->space;
    int first[SPACE_MAX_DIMS] = {0};
    int n = 0;
    m->queries[n++] = *centre;
    for (int d = 0; d < space_dim_count(space); d++) {
        const uint8_t *values;
        int count = problem_values(m->problem, d, &values);
        struct subnet reference = reference_of(m, centre, d);
        first[d] = n;
        for (int i = 0; i < count && n < QUERIES; i++) {
            m->queries[n] = reference;
            m->queries[n++].at[d] = values[i];
        }
    }
    evaluate(m, n);
    m->model.centre_top1 = m->answers[0];
    for (int d = 0; d < space_dim_count(space); d++) {
        const uint8_t *values;
        int count = problem_values(m->problem, d, &values);
        float base = 0;
        for (int i = 0; i < count; i++)
            if (values[i] == centre->at[d]) base = m->answers[first[d] + i];
        for (int i = 0; i < count; i++) m->model.gain[d][values[i]] = m->answers[first[d] + i] - base;
    }
}

/* ---- one start ---- */

static int resolution_index(const struct multistart *m, const struct subnet *s)
{
    int i = 0;
    while (m->problem->resolutions[i] != s->at[space_resolution_dim(m->problem->space)]) i++;
    return i;
}

/* @return whether it is the best of the start so far. */
static bool take(struct multistart *m, const struct subnet *s, float top1, float *best_of_start)
{
    uint64_t id = id_of(m, s);
    int r = resolution_index(m, s);
    for (int i = 0; i < m->elite_count; i++)
        if (m->elites[i].id == id) return false;
    if (m->elite_count < ELITES) m->elites[m->elite_count++] = (struct elite){.id = id, .top1 = top1, .subnet = *s};
    if (top1 > m->resolution_best[r]) m->resolution_best[r] = top1;
    if (top1 > m->best_top1) {
        m->best_top1 = top1;
        m->best = *s;
    }
    if (top1 <= *best_of_start) return false;
    *best_of_start = top1;
    return true;
}

/* Expand a centre. @return whether the start got better. */
static bool expand(struct multistart *m, const struct subnet *centre, float *best_of_start)
{
    bool better = false;
    build_model(m, centre);
    int count = chain_best(m->chain, &m->model, centre, m->found, CANDIDATES);
    for (int i = 0; i < count; i++) m->queries[i] = m->found[i].subnet;
    evaluate(m, count);
    for (int i = 0; i < count; i++)
        if (take(m, &m->queries[i], m->answers[i], best_of_start)) better = true;
    return better;
}

static struct elite *next_centre(struct multistart *m)
{
    struct elite *best = NULL;
    for (int i = 0; i < m->elite_count; i++)
        if (!m->elites[i].expanded && (!best || m->elites[i].top1 > best->top1)) best = &m->elites[i];
    return best;
}

/* How near the nearest limit a subnet is; 1 at it, above when over it. */
static double fullness(const struct multistart *m, const struct subnet *s)
{
    double most = 0;
    for (int c = 0; c < COSTS; c++) {
        double limit = limits_get(&m->request->limits, (enum cost)c);
        if (limit == INFINITY) continue;
        double part = problem_cost(m->problem, (enum cost)c, s) / limit;
        if (part > most) most = part;
    }
    return most;
}

/* Resolutions without a start first, then by their best, with noise. */
static int choose_resolution(struct multistart *m)
{
    int chosen = 0;
    float best = -INFINITY;
    for (int i = 0; i < m->problem->resolution_count; i++) {
        float noise = (float)rng_unit(&m->rng);
        float score = m->resolution_starts[i] ? m->resolution_best[i] + NOISE * noise : 1000 + noise;
        if (score <= best) continue;
        best = score;
        chosen = i;
    }
    m->resolution_starts[chosen]++;
    return chosen;
}

static struct subnet draw_start(struct multistart *m)
{
    struct subnet s;
    int resolution = choose_resolution(m);
    for (int draws = 0; draws < START_DRAWS; draws++) {
        problem_random(m->problem, &m->rng, &s);
        s.at[space_resolution_dim(m->problem->space)] = m->problem->resolutions[resolution];
        double full = fullness(m, &s);
        if (full >= START_LEAST && full <= START_MOST) break;
    }
    return s;
}

/* @return LATHE_CANCELLED or LATHE_OK. */
static enum lathe_status run_start(struct multistart *m)
{
    struct subnet centre = draw_start(m);
    float best_of_start = -INFINITY;
    int without_gain = 0;
    m->elite_count = 0;
    while (without_gain < PATIENCE && m->evaluations < BUDGET) {
        if (search_cancelled(m->request)) return LATHE_CANCELLED;
        without_gain = expand(m, &centre, &best_of_start) ? 0 : without_gain + 1;
        if (m->request->progress)
            m->request->progress(m->request->progress_context, fmin(1, (double)m->evaluations / BUDGET), m->best_top1);
        struct elite *next = next_centre(m);
        if (!next) break;
        next->expanded = true;
        centre = next->subnet;
    }
    return LATHE_OK;
}

static enum lathe_status search(struct multistart *m, struct lathe_error *err)
{
    int idle = 0;
    m->best_top1 = -INFINITY;
    for (int i = 0; i < SPACE_MAX_VALUES; i++) m->resolution_best[i] = -INFINITY;
    while (m->evaluations < BUDGET && idle < IDLE_STARTS) {
        uint64_t before = m->evaluations;
        if (run_start(m)) return error_set(err, LATHE_CANCELLED, "the search was cancelled");
        idle = m->evaluations == before ? idle + 1 : 0;
    }
    if (m->best_top1 > -INFINITY) return LATHE_OK;
    /* No start led to a subnet that meets all limits together: look for one, and go on from it. */
    enum lathe_status st = repair_find(m->problem, m->request, &m->rng, &m->queries[0], err);
    if (st) return st;
    evaluate(m, 1);
    m->best = m->queries[0];
    m->best_top1 = m->answers[0];
    return LATHE_OK;
}

static enum lathe_status run(const struct problem *p, const struct search_request *r, struct search_result *out,
                             struct lathe_error *err)
{
    struct multistart *m = calloc(1, sizeof *m);
    if (!m) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    m->problem = p;
    m->request = r;
    rng_seed(&m->rng, r->seed);
    enum lathe_status st = chain_new(p, &r->limits, &m->chain, err);
    if (st == LATHE_UNSUPPORTED) {
        free(m);
        out->algorithm = evolution_algorithm.name;
        return evolution_algorithm.run(p, r, out, err);
    }
    m->work = predictor_work_new(p->predictor);
    if (!st && !m->work) st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st) st = search(m, err);
    if (!st) {
        out->subnet = m->best;
        out->top1 = (double)m->best_top1;
        out->evaluations = m->evaluations;
    }
    predictor_work_free(m->work);
    chain_free(m->chain);
    free(m);
    return st;
}

const struct search_algorithm multistart_algorithm = {.name = "multistart", .run = run};
