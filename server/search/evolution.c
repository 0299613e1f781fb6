/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Once-for-all's evolutionary search (Cai et al., ICLR 2020; evolution_finder.py), as the paper has it: the best of a
 * generation are parents; half of the next one are mutants of a parent, half are crossed from two; what breaks a limit
 * is drawn again. Two things are added: draws are bounded, so that tight limits can't hold a search up, and the start
 * then comes from the neighbourhood of a subnet that is known to meet the limits.
 *
 * Genes of skipped blocks live on unseen, as in the original: subnets here are not canonical. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/search/genes.h"

enum {
    START_DRAWS = 100, /* random draws for each member of the first generation, on average */
    CHILD_DRAWS = 100, /* draws for one child; then it is its parent */
    DRAWS_BETWEEN_ASKS = 2048,
};

struct member {
    struct subnet subnet;
    float top1;
    int age; /* order of birth: older ones win ties, so that sorting has one outcome */
};

struct evolution {
    const struct problem *problem;
    const struct search_request *request;
    const struct evolution_options *options;
    struct predictor_work *work;
    struct rng rng;
    struct genes genes;
    int parents, population; /* members[0..parents) have bred members[parents..parents + population) */
    struct member *members;
    struct subnet *batch;
    float *batch_top1;
    struct member best;
    uint64_t evaluations;
    int born, draws;
    bool cancelled;
};

/* Count a draw and ask now and then whether to stop. */
static bool feasible(struct evolution *e, const struct subnet *s)
{
    if (++e->draws % DRAWS_BETWEEN_ASKS == 0 && search_cancelled(e->request)) e->cancelled = true;
    return problem_feasible(e->problem, &e->request->limits, s);
}

static struct member *bear(struct evolution *e, int at)
{
    e->members[at].age = e->born++;
    return &e->members[at];
}

/* ---- the first generation ---- */

static void mutate_feasibly(struct evolution *e, const struct subnet *parent, struct subnet *child)
{
    for (int i = 0; i < CHILD_DRAWS && !e->cancelled; i++) {
        genes_mutate(&e->genes, e->problem, &e->rng, e->options->mutation_probability, parent, child);
        if (feasible(e, child)) return;
    }
    *child = *parent;
}

static enum lathe_status first_generation(struct evolution *e, struct lathe_error *err)
{
    int found = 0;
    for (int draws = 0; found < e->population && draws < START_DRAWS * e->population && !e->cancelled; draws++) {
        struct subnet s;
        problem_random(e->problem, &e->rng, &s);
        if (feasible(e, &s)) bear(e, found++)->subnet = s;
    }
    if (!found && !e->cancelled) {
        enum lathe_status st = repair_find(e->problem, e->request, &e->rng, &e->members[0].subnet, err);
        if (st) return st;
        bear(e, found++);
    }
    while (found < e->population && !e->cancelled) {
        const struct subnet *near = &e->members[rng_below(&e->rng, (uint32_t)found)].subnet;
        mutate_feasibly(e, near, &bear(e, found)->subnet);
        found++;
    }
    return LATHE_OK;
}

/* ---- the others ---- */

static const struct subnet *pick_parent(struct evolution *e)
{
    return &e->members[rng_below(&e->rng, (uint32_t)e->parents)].subnet;
}

static void cross_feasibly(struct evolution *e, struct subnet *child)
{
    const struct subnet *a = NULL;
    for (int i = 0; i < CHILD_DRAWS && !e->cancelled; i++) {
        a = pick_parent(e);
        genes_cross(e->problem->space, &e->rng, a, pick_parent(e), child);
        if (feasible(e, child)) return;
    }
    if (a) *child = *a;
}

static void breed(struct evolution *e)
{
    int mutants = (int)lround(e->options->mutation_ratio * e->population);
    for (int i = 0; i < e->population && !e->cancelled; i++) {
        struct subnet *child = &bear(e, e->parents + i)->subnet;
        if (i < mutants) mutate_feasibly(e, pick_parent(e), child);
        else cross_feasibly(e, child);
    }
}

/* What the subnets are judged by: predicted top-1, or MACs in millions. */
static void rate(const struct evolution *e, const struct subnet *subnets, size_t n, float *out)
{
    if (!e->request->most_macs) predictor_evaluate(e->problem->predictor, e->work, subnets, n, out);
    for (size_t i = 0; e->request->most_macs && i < n; i++) out[i] = (float)problem_macs_m(e->problem, &subnets[i]);
}

static void evaluate(struct evolution *e, int from, int count)
{
    for (int i = 0; i < count; i++) e->batch[i] = e->members[from + i].subnet;
    for (int i = 0; i < count && !e->cancelled; i += PREDICTOR_BATCH) {
        size_t n = count - i < PREDICTOR_BATCH ? (size_t)(count - i) : PREDICTOR_BATCH;
        rate(e, e->batch + i, n, e->batch_top1 + i);
        if (search_cancelled(e->request)) e->cancelled = true;
    }
    if (e->cancelled) return;
    for (int i = 0; i < count; i++) {
        struct member *m = &e->members[from + i];
        m->top1 = e->batch_top1[i];
        if (!e->evaluations++ || m->top1 > e->best.top1) e->best = *m;
    }
}

static int by_top1(const void *a, const void *b)
{
    const struct member *p = a;
    const struct member *q = b;
    if (p->top1 != q->top1) return p->top1 > q->top1 ? -1 : 1;
    return p->age < q->age ? -1 : p->age > q->age;
}

/* Sort the first `count` members and keep the best as parents. */
static void select_parents(struct evolution *e, int count)
{
    qsort(e->members, (size_t)count, sizeof *e->members, by_top1);
    e->parents = (int)lround(e->options->parent_ratio * e->population);
    if (e->parents < 1) e->parents = 1;
}

static enum lathe_status evolve(struct evolution *e, struct lathe_error *err)
{
    int generations = e->options->generations;
    enum lathe_status st = first_generation(e, err);
    if (st) return st;
    int members = e->population;
    if (!e->cancelled) evaluate(e, 0, members);
    for (int g = 0; g < generations && !e->cancelled; g++) {
        select_parents(e, members);
        breed(e);
        if (!e->cancelled) evaluate(e, e->parents, e->population);
        members = e->parents + e->population;
        if (!e->cancelled && e->request->progress)
            e->request->progress(e->request->progress_context, (g + 1.0) / generations, (double)e->best.top1);
    }
    return e->cancelled ? error_set(err, LATHE_CANCELLED, "the search was cancelled") : LATHE_OK;
}

static enum lathe_status run(const struct problem *p, const struct search_request *r, struct search_result *out,
                             struct lathe_error *err)
{
    struct evolution e = {.problem = p, .request = r, .options = &r->evolution, .population = r->evolution.population};
    size_t population = (size_t)e.population;
    enum lathe_status st = LATHE_OK;
    rng_seed(&e.rng, r->seed);
    genes_find(&e.genes, p->space);
    e.work = r->most_macs ? NULL : predictor_work_new(p->predictor);
    e.members = calloc(2 * population + 1, sizeof *e.members);
    e.batch = malloc(population * sizeof *e.batch);
    e.batch_top1 = malloc(population * sizeof *e.batch_top1);
    if ((!e.work && !r->most_macs) || !e.members || !e.batch || !e.batch_top1)
        st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st) st = evolve(&e, err);
    if (!st) {
        out->subnet = e.best.subnet;
        out->top1 = r->most_macs ? NAN : (double)e.best.top1;
        out->evaluations = e.evaluations;
    }
    predictor_work_free(e.work);
    free(e.members);
    free(e.batch);
    free(e.batch_top1);
    return st;
}

const struct search_algorithm evolution_algorithm = {.name = "evolution", .run = run};
