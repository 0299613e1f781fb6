/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Search algorithms behind one interface. Adding one: a file with a const struct search_algorithm, listed in search.c.
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
void evolution_defaults(struct evolution_options *);

struct search_request {
    struct limits limits;
    uint64_t seed;
    struct evolution_options evolution;
    bool (*cancelled)(void *); /* asked now and then; NULL: never */
    void *cancelled_context;
    void (*progress)(void *, double fraction, double best_top1); /* NULL: none */
    void *progress_context;
};

struct search_result {
    struct subnet subnet;
    double top1, latency_ms;
    uint64_t evaluations; /* of the predictor */
    double elapsed_ms;
    const char *algorithm; /* static */
};

struct search_algorithm {
    const char *name;
    enum lathe_status (*run)(const struct problem *, const struct search_request *, struct search_result *,
                             struct lathe_error *err);
};

/** "auto" is the best that there is. @return NULL when there is no such algorithm. */
const struct search_algorithm *search_find(const char *name);
/** Names for messages: "auto, evolution". Static. */
const char *search_names(void);

/** Run. Same problem, request and seed give the same answer.
 *  @return LATHE_OK; LATHE_INFEASIBLE (err says the least latency, when that is what can't be met); LATHE_CANCELLED. */
enum lathe_status search_run(const char *algorithm, const struct problem *, const struct search_request *,
                             struct search_result *, struct lathe_error *err);

#endif
