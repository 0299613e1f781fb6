/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/search/search.h"

#include <string.h>
#include <time.h>

#include "lut/base/clock.h"
#include "server/search/internal.h"

/* The first one is what "auto" means. */
static const struct search_algorithm *const algorithms[] = {&multistart_algorithm, &knapsack_algorithm,
                                                            &evolution_algorithm};

const struct search_algorithm *search_find(const char *name)
{
    if (strcmp(name, "auto") == 0) return algorithms[0];
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        if (strcmp(algorithms[i]->name, name) == 0) return algorithms[i];
    }
    return NULL;
}

const char *search_names(void)
{
    return "auto, multistart, knapsack, evolution";
}

const double SEARCH_BUDGET_MS = 38;

void search_defaults(struct search_request *r)
{
    *r = (struct search_request){.budget_ms = SEARCH_BUDGET_MS,
                                 .minimise = COSTS,
                                 .evolution = {.population = 100,
                                               .generations = 500,
                                               .parent_ratio = 0.25,
                                               .mutation_probability = 0.1,
                                               .mutation_ratio = 0.5}};
    limits_none(&r->limits);
}

static const char *const objectives[COST_OTHER_LATENCY] = {"latency", "macs", "params", "peak_activation",
                                                           "weights", "sram", "flash"};

const char *objective_name(enum cost cost)
{
    return cost < COST_OTHER_LATENCY ? objectives[cost] : "top1";
}

bool objective_find(const char *name, enum cost *out)
{
    *out = COSTS;
    if (strcmp(name, "top1") == 0) return true;
    for (int c = 0; c < COST_OTHER_LATENCY && *out == COSTS; c++)
        if (strcmp(name, objectives[c]) == 0) *out = (enum cost)c;
    return *out != COSTS;
}

const char *objective_names(void)
{
    return "top1, latency, macs, params, peak_activation, weights, sram, flash";
}

static enum lathe_status check_ratio(const char *field, double value, struct lathe_error *err)
{
    if (value >= 0 && value <= 1) return LATHE_OK;
    return error_field(err, field, "%s must be from 0 to 1", field);
}

static enum lathe_status check_evolution(const struct evolution_options *o, struct lathe_error *err)
{
    if (o->population < 2 || o->population > 10000)
        return error_field(err, "evolution.population", "evolution.population must be from 2 to 10000");
    if (o->generations < 1 || o->generations > 100000)
        return error_field(err, "evolution.generations", "evolution.generations must be from 1 to 100000");
    enum lathe_status st = check_ratio("evolution.parent_ratio", o->parent_ratio, err);
    if (!st) st = check_ratio("evolution.mutation_probability", o->mutation_probability, err);
    return st ? st : check_ratio("evolution.mutation_ratio", o->mutation_ratio, err);
}

static enum lathe_status check_budget(double budget_ms, struct lathe_error *err)
{
    if (budget_ms >= 1 && budget_ms <= SEARCH_BUDGET_MOST_MS) return LATHE_OK;
    return error_field(err, "budget_ms", "budget_ms must be from 1 to %d", SEARCH_BUDGET_MOST_MS);
}

static enum lathe_status check_objective(const struct search_algorithm *algorithm, const struct search_request *r,
                                         struct lathe_error *err)
{
    if (r->minimise == COSTS) return LATHE_OK;
    if (!algorithm->minimises)
        return error_field(err, "objective", "%s finds the most accurate subnet only: for objective %s use auto",
                           algorithm->name, objective_name(r->minimise));
    if (r->min_top1 > 0 && r->min_top1 <= 1) return LATHE_OK;
    return error_field(err, "min_top1", "min_top1 must be a fraction above 0 and up to 1, for example 0.8");
}

static enum lathe_status check_limits(const struct limits *limits, struct lathe_error *err)
{
    for (int c = 0; c < COSTS; c++) {
        if (!(limits_get(limits, (enum cost)c) > 0))
            return error_field(err, cost_name((enum cost)c), "%s must be above 0", cost_name((enum cost)c));
    }
    return LATHE_OK;
}

/* Refuse a limit below the least that any subnet has, before any search. */
static enum lathe_status check_least(const struct problem *p, const struct limits *limits, struct lathe_error *err)
{
    for (int c = 0; c < COSTS; c++) {
        const char *name = cost_name((enum cost)c);
        double least = problem_least(p, (enum cost)c, NULL);
        if (limits_get(limits, (enum cost)c) >= least) continue;
        error_field(err, name, "no subnet of %s has %s of %g or less: the least is %.3f", space_id(p->space), name,
                    limits_get(limits, (enum cost)c), least);
        if (err) err->status = LATHE_INFEASIBLE;
        return LATHE_INFEASIBLE;
    }
    return LATHE_OK;
}

enum lathe_status search_check(const struct search_algorithm *algorithm, const struct problem *p,
                               const struct search_request *r, struct lathe_error *err)
{
    if (!p->predictor && !r->most_macs) return error_field(err, "predictor", "a search needs a predictor");
    enum lathe_status st = check_evolution(&r->evolution, err);
    if (!st) st = check_budget(r->budget_ms, err);
    if (!st && algorithm) st = check_objective(algorithm, r, err);
    if (!st) st = check_limits(&r->limits, err);
    return st ? st : check_least(p, &r->limits, err);
}

static double thread_cpu_ms(void)
{
    struct timespec t;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t)) return 0;
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

struct stopwatch stopwatch_start(void)
{
    return (struct stopwatch){clock_now_ns(), thread_cpu_ms()};
}

void stopwatch_read(const struct stopwatch *w, double *elapsed_ms, double *cpu_ms)
{
    *elapsed_ms = (double)(clock_now_ns() - w->start_ns) / 1e6;
    *cpu_ms = thread_cpu_ms() - w->cpu_start_ms;
}

/* What seeks most MACs. */
static const struct search_algorithm *find_largest(const char *algorithm, struct lathe_error *err)
{
    if (strcmp(algorithm, "auto") == 0 || strcmp(algorithm, evolution_algorithm.name) == 0) return &largest_algorithm;
    (void)error_field(err, "algorithm", "%.40s needs a predictor: most MACs are sought by auto", algorithm);
    return NULL;
}

enum lathe_status search_run(const char *algorithm, const struct problem *p, const struct search_request *r,
                             struct search_result *out, struct lathe_error *err)
{
    struct stopwatch watch = stopwatch_start();
    const struct search_algorithm *found = r->most_macs ? find_largest(algorithm, err) : search_find(algorithm);
    struct search_result result = {0};
    if (!found && r->most_macs) return LATHE_INVALID;
    if (!found)
        return error_field(err, "algorithm", "unknown algorithm %.40s; known are: %s", algorithm, search_names());
    enum lathe_status st = search_check(found, p, r, err);
    if (!st) st = found->run(p, r, &result, err);
    if (st) return st;
    space_canonicalise(p->space, &result.subnet);
    if (result.has_next) space_canonicalise(p->space, &result.next);
    if (!result.algorithm) result.algorithm = found->name;
    result.latency_ms = problem_latency_ms(p, &result.subnet);
    stopwatch_read(&watch, &result.elapsed_ms, &result.cpu_ms);
    *out = result;
    return LATHE_OK;
}
