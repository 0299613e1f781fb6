/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How fast problems are built, predictors evaluated and searches run, on the published Note10 tables. Prints figures;
 * nothing here is a pass or a fail but the figures' being there. */
#include <math.h>

#include "lut/base/clock.h"
#include "server/search/search.h"
#include "unit/test_search_note10.h"

enum { SKIPPED = 77, SUBNETS = 20000, SEEDS = 10 };

static double ms_since(uint64_t start)
{
    return (double)(clock_now_ns() - start) / 1e6;
}

static struct problem *bench_problem(const struct space *space, const struct predictor *predictor,
                                     struct note10 *note10)
{
    struct problem *problem = NULL;
    struct lathe_error err = {0};
    uint64_t start = clock_now_ns();
    if (problem_of_table(space, predictor, note10_latency, note10, &problem, &err))
        printf("problem_new: %s\n", err.message);
    printf("problem_new, 5 of 17 resolutions in the table: %.2f ms\n", ms_since(start));
    return problem;
}

static void bench_predictor(const struct space *space, const struct predictor *predictor, const char *name,
                            size_t batch)
{
    struct subnet *subnets = malloc(SUBNETS * sizeof *subnets);
    float *top1 = malloc(SUBNETS * sizeof *top1);
    struct predictor_work *work = predictor_work_new(predictor);
    struct rng rng;
    rng_seed(&rng, 1);
    for (int i = 0; i < SUBNETS; i++) space_random(space, &rng, &subnets[i]);
    predictor_evaluate(predictor, work, subnets, SUBNETS, top1);
    uint64_t start = clock_now_ns();
    for (size_t at = 0; at + batch <= SUBNETS; at += batch)
        predictor_evaluate(predictor, work, subnets + at, batch, top1 + at);
    double ms = ms_since(start);
    size_t done = SUBNETS / batch * batch;
    printf("%s in batches of %zu: %.0f evaluations/s\n", name, batch, (double)done / ms * 1000);
    predictor_work_free(work);
    free(top1);
    free(subnets);
}

static void bench_costs(const struct space *space, const struct problem *problem)
{
    struct subnet s;
    struct rng rng;
    double sum = 0;
    rng_seed(&rng, 1);
    space_random(space, &rng, &s);
    s.at[space_resolution_dim(space)] = 0;
    uint64_t start = clock_now_ns();
    for (int i = 0; i < 1000000; i++) {
        s.at[1] = (uint8_t)(i % 3);
        sum += problem_latency_ms(problem, &s);
    }
    double ms = ms_since(start);
    printf("problem_latency_ms: %.0f ns each (mean %.2f ms)\n", ms, sum / 1e6);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One line: mean and worst top-1 against the best known, median time. */
static void bench_search(const struct problem *problem, const char *algorithm, double limit, double best_known)
{
    double ms[SEEDS];
    double sum = 0;
    double worst = 100;
    double evaluations = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct search_request request;
        struct search_result result = {0};
        struct lathe_error err = {0};
        search_defaults(&request);
        request.seed = seed;
        request.limits.latency_ms = limit;
        if (search_run(algorithm, problem, &request, &result, &err)) {
            printf("search at %g ms: %s\n", limit, err.message);
            return;
        }
        ms[seed] = result.elapsed_ms;
        sum += result.top1 * 100;
        if (result.top1 * 100 < worst) worst = result.top1 * 100;
        evaluations += (double)result.evaluations / SEEDS;
    }
    qsort(ms, SEEDS, sizeof *ms, by_value);
    printf("%-10s at %g ms, %d seeds: top-1 mean %.2f%% (%+.2f against the best known), worst %.2f%% (%+.2f), %.0f "
           "evaluations, median %.1f ms\n",
           algorithm, limit, (int)SEEDS, sum / SEEDS, sum / SEEDS - best_known, worst, worst - best_known, evaluations,
           ms[SEEDS / 2]);
}

int main(void)
{
    if (!have_test_data()) {
        printf("skipped: no published figures in %s\n", TEST_DATA);
        return SKIPPED;
    }
    struct note10 note10 = {0};
    struct space *space = shipped_space("ofa-mbv3-w1.2");
    struct predictor *published = published_predictor(space);
    struct predictor *ridge =
        predictor_from_file(SOURCE_DIR "/server/predictors/shipped/ofa-mbv3-w1.2-ridge.safetensors", space);
    note10_load(&note10);
    struct problem *problem = bench_problem(space, published, &note10);
    if (problem) {
        bench_predictor(space, published, "128-400-400-400-1", 100);
        bench_predictor(space, published, "128-400-400-400-1", PREDICTOR_BATCH);
        bench_predictor(space, ridge, "ridge", PREDICTOR_BATCH);
        bench_costs(space, problem);
        const double limits[][2] = {{15, 78.80}, {20, 80.78}, {25, 82.18}, {30, 83.05}, {35, 83.68}, {40, 84.23}};
        for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
            bench_search(problem, "multistart", limits[i][0], limits[i][1]);
            bench_search(problem, "evolution", limits[i][0], limits[i][1]);
        }
    }
    int failed = problem == NULL;
    problem_free(problem);
    note10_clear(&note10);
    predictor_free(ridge);
    predictor_free(published);
    space_free(space);
    return failed;
}
