/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Small random search problems whose every subnet can be tried. */
#ifndef LATHE_TESTS_TEST_SEARCH_RANDOM_H
#define LATHE_TESTS_TEST_SEARCH_RANDOM_H

#include <math.h>

#include "lut/base/buf.h"
#include "server/predictors/encoding.h"
#include "server/predictors/safetensors.h"
#include "server/search/search.h"
#include "test_search_fixture.h"
#include "test_search_table.h"

/* The costs of these problems: they have two tables. */
enum { RANDOM_COSTS = COST_OTHER_LATENCY + 1 };

struct random_problem {
    struct space *space;
    struct predictor *predictor;
    struct problem *problem;
    uint64_t tables[2]; /* what random_latency() makes them from */
    struct subnet *all; /* every different subnet, canonical */
    size_t count;
};

static inline struct space *random_space(struct rng *rng)
{
    struct buf text;
    int stages = 1 + (int)rng_below(rng, 2);
    buf_init(&text);
    buf_printf(&text,
               "{\"id\":\"random\",\"title\":\"t\",\"family\":\"inverted_residual\",\"resolutions\":%s,"
               "\"stem\":{\"channels\":8,\"kernel\":3,\"stride\":2,\"activation\":\"relu\"},"
               "\"first\":{\"channels\":8,\"kernel\":3,\"activation\":\"relu\",\"residual\":true},\"stages\":[",
               rng_below(rng, 2) ? "[128,136]" : "[120,160,224]");
    for (int i = 0; i < stages; i++)
        buf_printf(&text,
                   "%s{\"channels\":%u,\"stride\":%u,\"activation\":\"relu\",\"squeeze_excite\":%s,\"depth\":%s}",
                   i ? "," : "", 8 + 8 * rng_below(rng, 4), 1 + rng_below(rng, 2), rng_below(rng, 2) ? "true" : "false",
                   rng_below(rng, 2) ? "[1,2]" : "[2]");
    buf_printf(&text, "],\"kernel\":%s,\"expand\":%s,", rng_below(rng, 2) ? "[3,5]" : "[3]",
               rng_below(rng, 2) ? "[3,6]" : "[2,3,4]");
    buf_puts(&text, "\"head\":[{\"kind\":\"avgpool\"},{\"kind\":\"linear\",\"features\":10}]}");
    struct space *space = space_from_text(text.data);
    buf_clear(&text);
    return space;
}

/* A network of two layers with random weights: nothing that a sum of choices could mimic. */
static inline struct predictor *random_predictor(struct rng *rng, const struct space *space)
{
    enum { HIDDEN = 6 };
    struct encoding encoding;
    encoding_init(&encoding, space);
    size_t inputs = (size_t)encoding.features;
    float *w0 = malloc(inputs * HIDDEN * sizeof *w0);
    float rest[3 * HIDDEN + 1];
    for (size_t i = 0; i < inputs * HIDDEN; i++) w0[i] = (float)rng_unit(rng) - 0.5f;
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) rest[i] = (float)rng_unit(rng) - 0.5f;
    const struct tensor_source tensors[] = {
        {.name = "0.weight", .rank = 2, .shape = {HIDDEN, inputs}, .values = w0},
        {.name = "0.bias", .rank = 1, .shape = {HIDDEN}, .values = rest},
        {.name = "2.weight", .rank = 2, .shape = {1, HIDDEN}, .values = rest + HIDDEN},
        {.name = "2.bias", .rank = 1, .shape = {1}, .values = rest + 2 * (size_t)HIDDEN},
    };
    char *bytes = NULL;
    size_t size = 0;
    struct predictor *predictor = NULL;
    json_t *metadata = json_object();
    must(safetensors_write(metadata, tensors, 4, &bytes, &size, NULL) == LATHE_OK, "can't write a predictor");
    must(predictor_load(bytes, size, space, &predictor, NULL) == LATHE_OK, "can't read a predictor");
    json_decref(metadata);
    free(bytes);
    free(w0);
    return predictor;
}

/* A latency that is a fixed random number for each layer and resolution. @param context the seed */
static inline enum lathe_status random_latency(void *context, const char *text, int resolution, double *out,
                                               struct lathe_error *err)
{
    (void)err;
    struct rng rng;
    uint64_t hash = *(const uint64_t *)context + (uint64_t)resolution;
    for (const char *p = text; *p; p++) hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
    rng_seed(&rng, hash);
    *out = 0.05 + rng_unit(&rng);
    return LATHE_OK;
}

/* Count through all dimensions as an odometer. @return false after the last. */
static inline bool next_subnet(const struct space *space, struct subnet *s)
{
    for (int d = 0; d < space_dim_count(space); d++) {
        if (++s->at[d] < space_dim(space, d)->count) return true;
        s->at[d] = 0;
    }
    return false;
}

static inline void enumerate(struct random_problem *r)
{
    struct subnet s = {{0}};
    r->all = malloc((size_t)space_size(r->space) * sizeof *r->all);
    do {
        struct subnet canonical = s;
        space_canonicalise(r->space, &canonical);
        if (subnet_equal(&canonical, &s)) r->all[r->count++] = s;
    } while (next_subnet(r->space, &s));
    must((double)r->count == space_size(r->space), "a space has another size than it says");
}

/* @param space owned by the problem from now on */
static inline void random_problem_of(struct random_problem *r, struct space *space, struct rng *rng, uint64_t seed)
{
    struct lathe_error err = {0};
    *r = (struct random_problem){.space = space, .tables = {seed, seed + 1000}};
    r->predictor = random_predictor(rng, r->space);
    enumerate(r);
    const struct problem_request request = {.space = r->space,
                                            .predictor = r->predictor,
                                            .latency = random_latency,
                                            .tables = {&r->tables[0], &r->tables[1]},
                                            .table_count = 2};
    must(!problem_new(&request, &r->problem, &err), err.message);
}

static inline void random_problem_init(struct random_problem *r, uint64_t seed)
{
    struct rng rng;
    rng_seed(&rng, seed);
    struct space *space = random_space(&rng);
    random_problem_of(r, space, &rng, seed);
}

static inline void random_problem_clear(struct random_problem *r)
{
    free(r->all);
    problem_free(r->problem);
    predictor_free(r->predictor);
    space_free(r->space);
}

/* Top-1 of every subnet; the caller frees. */
static inline float *top1_of_all(const struct random_problem *r)
{
    float *all = malloc(r->count * sizeof *all);
    struct predictor_work *work = predictor_work_new(r->predictor);
    predictor_evaluate(r->predictor, work, r->all, r->count, all);
    predictor_work_free(work);
    return all;
}

/* A request without limits. */
static inline struct search_request request_of(uint64_t seed)
{
    struct search_request request;
    search_defaults(&request);
    request.seed = seed;
    return request;
}

/* A limit between the least and the most that a cost can be. */
static inline void limit_at_random(const struct random_problem *r, enum cost cost, struct rng *rng,
                                   struct limits *limits)
{
    double least = problem_least(r->problem, cost, NULL);
    double most = least;
    for (size_t i = 0; i < r->count; i++) most = fmax(most, problem_cost(r->problem, cost, &r->all[i]));
    limits_set(limits, cost, least + rng_unit(rng) * (most - least));
}

/* What an additive model says of a subnet; blocks that are skipped count nothing. @param gain by dimension and value */
static inline float score_of(const struct random_problem *r, float centre_top1,
                             float gain[SPACE_MAX_DIMS][SPACE_MAX_VALUES], const struct subnet *s)
{
    float score = centre_top1;
    for (int d = 0; d < space_dim_count(r->space); d++)
        if (space_dim_active(r->space, s, d)) score += gain[d][s->at[d]];
    return score;
}

/* The best accuracy within the limits by trying all. @return false when nothing is. */
static inline bool best_of_all(const struct random_problem *r, const struct limits *limits, double *top1)
{
    float *all = top1_of_all(r);
    bool found = false;
    for (size_t i = 0; i < r->count; i++) {
        if (!problem_feasible(r->problem, limits, &r->all[i])) continue;
        if (!found || (double)all[i] > *top1) *top1 = (double)all[i];
        found = true;
    }
    free(all);
    return found;
}

#endif
