/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Multistart of descents by local models (explorer.h): from random subnets near the limit, of all resolutions in turn
 * and then of those that led far. Every subnet that may be the best is predicted again in f32; the best of those is
 * the answer, so that a larger budget's is never worse than a smaller one's.
 *
 * A space that is no chain of stages is searched by evolution instead. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/search/explorer.h"

enum {
    PATIENCE = 4,    /* expansions without gain that end a start */
    IDLE_STARTS = 8, /* starts that predict nothing new end the search: a small space is exhausted */
    PENDING = 128,
};
static const float NOISE = 0.003F;    /* of a resolution's best, so that starts are shared out: 0.3 points */
static const double NEXT_STEP = 1.05; /* of the limits: how far the next step on the front is looked for */
static const double NEXT_US = 3000;
static const float MARGIN = 0.0002F; /* by which an estimate may be too low: 0.02 points */

struct multistart {
    const struct problem *problem;
    const struct search_request *request;
    struct explorer *explorer;
    double budget_us;
    float resolution_best[SPACE_MAX_VALUES]; /* by index among the problem's resolutions */
    int resolution_starts[SPACE_MAX_VALUES];
    float best_estimate;
    struct subnet pending[PENDING]; /* whose estimates were near the best one */
    uint64_t pending_keys[PENDING];
    int pending_count;
    bool stepping; /* on to the next step on the front: what is found is not for the answer */
    struct subnet next;
    double next_rate; /* its gain over the best, by relative extra cost */
    struct subnet best;
    float best_top1; /* in f32; -INFINITY: none was found */
};

/* ---- what is found ---- */

static int resolution_index(const struct multistart *m, const struct subnet *s)
{
    int i = 0;
    while (m->problem->resolutions[i] != s->at[space_resolution_dim(m->problem->space)]) i++;
    return i;
}

/* Predict in f32 what the start found promising. */
static void confirm(struct multistart *m)
{
    float top1[PENDING];
    if (!m->pending_count) return;
    explorer_confirm(m->explorer, m->pending, m->pending_count, top1);
    for (int i = 0; i < m->pending_count; i++) {
        if (top1[i] <= m->best_top1) continue;
        m->best_top1 = top1[i];
        m->best = m->pending[i];
    }
    m->pending_count = 0;
}

static bool is_pending(const struct multistart *m, uint64_t key)
{
    for (int i = 0; i < m->pending_count; i++)
        if (m->pending_keys[i] == key) return true;
    return false;
}

/* How much a subnet costs over another, relative to it: the most of all costs that have a limit. */
static double extra_cost(const struct multistart *m, const struct subnet *s, const struct subnet *than)
{
    double most = 0;
    for (int c = 0; c < COSTS; c++) {
        if (limits_get(&m->request->limits, (enum cost)c) == INFINITY) continue;
        double part = problem_cost(m->problem, (enum cost)c, s) / problem_cost(m->problem, (enum cost)c, than);
        most = fmax(most, part - 1);
    }
    return most;
}

static void note_next(struct multistart *m, const struct subnet *s, float top1)
{
    double gain = (double)(top1 - m->best_top1 - MARGIN);
    double rate = gain / fmax(extra_cost(m, s, &m->best), 1e-3);
    if (gain <= 0 || rate <= m->next_rate) return;
    m->next = *s;
    m->next_rate = rate;
}

static void found(void *context, const struct subnet *subnets, const float *top1, int count)
{
    struct multistart *m = context;
    for (int i = 0; i < count && m->stepping; i++) note_next(m, &subnets[i], top1[i]);
    if (m->stepping) return;
    for (int i = 0; i < count; i++) {
        float *best = &m->resolution_best[resolution_index(m, &subnets[i])];
        if (top1[i] > *best) *best = top1[i];
        if (top1[i] > m->best_estimate) m->best_estimate = top1[i];
    }
    for (int i = 0; i < count; i++) {
        uint64_t key = explorer_key(m->explorer, &subnets[i]);
        if (top1[i] < m->best_estimate - MARGIN || is_pending(m, key)) continue;
        if (m->pending_count == PENDING) confirm(m);
        m->pending_keys[m->pending_count] = key;
        m->pending[m->pending_count++] = subnets[i];
    }
}

/* ---- starts ---- */

/* Resolutions without a start first, then by their best, with noise. */
static int choose_resolution(struct multistart *m)
{
    int chosen = 0;
    float best = -INFINITY;
    for (int i = 0; i < m->problem->resolution_count; i++) {
        float noise = (float)rng_unit(explorer_rng(m->explorer));
        float score = m->resolution_starts[i] ? m->resolution_best[i] + NOISE * noise : 1000 + noise;
        if (score <= best) continue;
        best = score;
        chosen = i;
    }
    m->resolution_starts[chosen]++;
    return chosen;
}

static void report(const struct multistart *m)
{
    if (!m->request->progress) return;
    double part = fmin(1, explorer_work_us(m->explorer) / m->budget_us);
    m->request->progress(m->request->progress_context, part, (double)m->best_top1);
}

/* @param[out] fresh whether it predicted anything new. */
static enum lathe_status run_start(struct multistart *m, bool *fresh, struct lathe_error *err)
{
    uint64_t before = explorer_evaluations(m->explorer);
    const struct descent how = {.gradient = true, .exact = true, .patience = PATIENCE};
    struct subnet best;
    float best_top1;
    struct subnet start = explorer_draw(m->explorer, m->problem->resolutions[choose_resolution(m)]);
    if (explorer_descend(m->explorer, &start, how, &best, &best_top1))
        return error_set(err, LATHE_CANCELLED, "the search was cancelled");
    *fresh = explorer_evaluations(m->explorer) > before;
    confirm(m);
    report(m);
    return LATHE_OK;
}

/* No start led to a subnet that meets all limits together: look for one, and go on from it. */
static enum lathe_status rescue(struct multistart *m, struct lathe_error *err)
{
    struct subnet s;
    enum lathe_status st = repair_find(m->problem, m->request, explorer_rng(m->explorer), &s, err);
    if (st) return st;
    m->pending[m->pending_count++] = s;
    confirm(m);
    return LATHE_OK;
}

static enum lathe_status search(struct multistart *m, struct lathe_error *err)
{
    int idle = 0;
    m->best_top1 = -INFINITY;
    m->best_estimate = -INFINITY;
    for (int i = 0; i < SPACE_MAX_VALUES; i++) m->resolution_best[i] = -INFINITY;
    while (!explorer_done(m->explorer) && idle < IDLE_STARTS) {
        bool fresh = false;
        enum lathe_status st = run_start(m, &fresh, err);
        if (st) return st;
        idle = fresh ? 0 : idle + 1;
        /* The model of a linear predictor is the predictor: the first enumeration has the optimum. */
        if (explorer_is_linear(m->explorer) && m->best_top1 > -INFINITY) break;
    }
    return m->best_top1 > -INFINITY ? LATHE_OK : rescue(m, err);
}

/* What the next step on the front would be: an expansion or two around the answer, under limits a little wider. */
static void step_on(struct multistart *m, struct search_result *out)
{
    const struct descent how = {.exact = true, .patience = 1, .most_expansions = 2};
    struct limits wider = m->request->limits;
    struct subnet end;
    float top1;
    for (int c = 0; c < COSTS; c++) limits_set(&wider, (enum cost)c, limits_get(&wider, (enum cost)c) * NEXT_STEP);
    m->stepping = true;
    explorer_extend(m->explorer, NEXT_US);
    explorer_set_limits(m->explorer, &wider);
    if (explorer_descend(m->explorer, &m->best, how, &end, &top1) || m->next_rate <= 0) return;
    explorer_confirm(m->explorer, &m->next, 1, &top1);
    out->has_next = top1 > m->best_top1;
    out->next = m->next;
    out->next_top1 = (double)top1;
}

static enum lathe_status run(const struct problem *p, const struct search_request *r, struct search_result *out,
                             struct lathe_error *err)
{
    if (r->minimise != COSTS) return cheapest_run(p, r, out, err);
    struct multistart *m = calloc(1, sizeof *m);
    if (!m) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    m->problem = p;
    m->request = r;
    m->budget_us = r->budget_ms * 1e3;
    enum lathe_status st = explorer_new(p, r, m->budget_us, (struct explorer_observer){found, m}, &m->explorer, err);
    if (st == LATHE_UNSUPPORTED) {
        free(m);
        out->algorithm = evolution_algorithm.name;
        return evolution_algorithm.run(p, r, out, err);
    }
    if (!st) st = search(m, err);
    if (!st) {
        out->subnet = m->best;
        out->top1 = (double)m->best_top1;
        step_on(m, out);
        out->evaluations = explorer_evaluations(m->explorer);
    }
    explorer_free(m->explorer);
    free(m);
    return st;
}

const struct search_algorithm multistart_algorithm = {.name = "multistart", .minimises = true, .run = run};
