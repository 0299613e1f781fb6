/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Search algorithms behind one interface. Adding one: a file with a const struct search_algorithm, listed in search.c.
 * search_run() has refused by then what can't be met, and completes the result afterwards.
 * Threads: search_run() may run on any number of threads on one problem. */
#ifndef LATHE_SEARCH_SEARCH_H
#define LATHE_SEARCH_SEARCH_H

#include "server/search/problem.h"

/* Evolutionary search's parameters; the defaults are those of once-for-all's evolution_finder.py. */
struct evolution_options {
    int population, generations; /* 100, 500 */
    double parent_ratio;         /* 0.25 */
    double mutation_probability; /* 0.1, for each dimension */
    double mutation_ratio;       /* 0.5 of the children by mutation, the others by crossover */
};

enum { SEARCH_BUDGET_MOST_MS = 60000 };
extern const double SEARCH_BUDGET_MS; /* what a request without a budget gets: 38 */

struct search_request {
    struct limits limits;
    uint64_t seed;
    /* Work of "auto" and "multistart", as the time that it takes on one idle core of a current server; counted, not
     * timed. Others have parameters of their own. search_defaults(): SEARCH_BUDGET_MS. */
    double budget_ms;
    /* What is sought: the most accurate subnet (COSTS), or the one of least cost with at least min_top1 (a fraction).
     * A cost that is minimised may have a limit, too. */
    enum cost minimise;
    double min_top1;
    /* Seek the subnet with most MACs within the limits instead; no predictor is asked, and the result's top1 is NAN. */
    bool most_macs;
    struct evolution_options evolution;
    bool (*cancelled)(void *); /* asked every millisecond or two; NULL: never */
    void *cancelled_context;
    void (*progress)(void *, double fraction, double best_top1); /* NULL: none */
    void *progress_context;
};

/** No limits, seed 0, the default budget and once-for-all's parameters of evolution; no callbacks. */
void search_defaults(struct search_request *);

struct search_result {
    struct subnet subnet;
    double top1, latency_ms;
    uint64_t evaluations; /* of the predictor */
    double elapsed_ms, cpu_ms;
    const char *algorithm; /* static */
    /* A more accurate subnet that costs little more than the limits allow, where the algorithm looked for one: what the
     * next step on the front would gain. */
    bool has_next;
    struct subnet next;
    double next_top1;
};

struct search_algorithm {
    const char *name;
    bool minimises; /* whether it can minimise a cost */
    /* Fills subnet, top1 and evaluations of the result; algorithm only where another one did the work. */
    enum lathe_status (*run)(const struct problem *, const struct search_request *, struct search_result *,
                             struct lathe_error *err);
};

/** "auto" is the best that there is: multistart. @return NULL when there is no such algorithm. */
const struct search_algorithm *search_find(const char *name);
/** Names for messages: "auto, multistart, ...". Static. */
const char *search_names(void);

/** What a request may minimise, as in requests: "latency", "macs", "params", "peak_activation", "weights", "sram",
 *  "flash"; "top1" for
 *  COSTS. Static. */
const char *objective_name(enum cost);
bool objective_find(const char *name, enum cost *out);
/** Names for messages. Static. */
const char *objective_names(void);

/** Run. Same problem, request and seed give the same answer.
 *  @param[out] out written on LATHE_OK only; its subnet is canonical.
 *  @return LATHE_OK; LATHE_INFEASIBLE: err->field is the limit that can't be met ("latency_ms", ...) and the message
 *          has the least that can, or the field is "" when limits can be met one by one but no subnet was found that
 *          meets them together; LATHE_INVALID: a parameter out of range (field "evolution.population", ..., or the
 *          limit's name for one that is no number above 0), no such algorithm (field "algorithm"), or a problem without
 *          predictor (field "predictor"), but for most_macs; LATHE_CANCELLED; LATHE_NO_MEMORY. */
enum lathe_status search_run(const char *algorithm, const struct problem *, const struct search_request *,
                             struct search_result *out, struct lathe_error *err);

#endif
