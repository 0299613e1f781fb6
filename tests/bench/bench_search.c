/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How fast problems are built, predictors evaluated and searches run, and how good what they find is, on once-for-all's
 * published predictor and Note10 table. Prints figures, side by side from one run; nothing here is a pass or a fail but
 * the figures' being there. bench_search [SEEDS]: 10 unless told. */
#include <math.h>

#include "lut/base/clock.h"
#include "server/predictors/estimator.h"
#include "server/search/front.h"
#include "server/search/nsga2.h"
#include "unit/test_search_note10.h"

enum { SKIPPED = 77, SUBNETS = 20000, SEEDS_MOST = 1000, LIMITS = 6, POINTS = 50 };

/* Limits in ms, and the best known top-1 within them, in %. */
static const double limits_ms[LIMITS] = {15, 20, 25, 30, 35, 40};
static const double best_known[LIMITS] = {78.80, 80.78, 82.18, 83.05, 83.68, 84.23};
/* Where hypervolumes are measured from: a fraction, and ms. */
static const double WORST_TOP1 = 0.70;
static const double WORST_MS = 75;

struct bench {
    struct space *space;
    struct predictor *predictor;
    struct note10 note10;
    struct problem *problem;
    int seeds;
};

static double ms_since(uint64_t start)
{
    return (double)(clock_now_ns() - start) / 1e6;
}

/* ---- parts ---- */

static struct subnet *random_subnets(const struct space *space)
{
    struct subnet *subnets = malloc(SUBNETS * sizeof *subnets);
    struct rng rng;
    must(subnets != NULL, "out of memory");
    rng_seed(&rng, 1);
    for (int i = 0; i < SUBNETS; i++) space_random(space, &rng, &subnets[i]);
    return subnets;
}

static void bench_predictor(const struct predictor *predictor, const struct subnet *subnets, const char *name)
{
    float *top1 = malloc(SUBNETS * sizeof *top1);
    struct predictor_work *work = predictor_work_new(predictor);
    must(top1 && work, "out of memory");
    predictor_evaluate(predictor, work, subnets, SUBNETS, top1);
    uint64_t start = clock_now_ns();
    predictor_evaluate(predictor, work, subnets, SUBNETS, top1);
    printf("%-20s f32, batches of %d: %.0f predictions/s\n", name, PREDICTOR_BATCH, SUBNETS / ms_since(start) * 1e3);
    predictor_work_free(work);
    free(top1);
}

/* Estimates of random subnets, how far they are off, and the gains of a gradient's model. */
static void bench_estimator(const struct predictor *predictor, const struct subnet *subnets, const char *name)
{
    enum { GAINS = 240, ROUNDS = 50 };
    float *exact = malloc(SUBNETS * sizeof *exact);
    float *top1 = malloc(SUBNETS * sizeof *top1);
    struct predictor_work *work = predictor_work_new(predictor);
    struct estimator *e = NULL;
    double squares = 0;
    must(exact && top1 && work && !estimator_new(predictor, SUBNETS, &e, NULL), "out of memory");
    predictor_evaluate(predictor, work, subnets, SUBNETS, exact);
    uint64_t start = clock_now_ns();
    for (int at = 0; at < SUBNETS; at += 100) estimator_run(e, subnets + at, 100, top1 + at, NULL);
    double ms = ms_since(start);
    for (int i = 0; i < SUBNETS; i++) squares += (double)((top1[i] - exact[i]) * (top1[i] - exact[i]));
    printf("%-20s estimates, batches of 100: %.0f/s, %.4f points off (root mean square)\n", name, SUBNETS / ms * 1e3,
           100 * sqrt(squares / SUBNETS));
    start = clock_now_ns();
    for (int i = 0; i < ROUNDS; i++) {
        estimator_set_centre(e, &subnets[i]);
        estimator_gains(e, subnets, GAINS, top1);
    }
    printf("%-20s gradient and %d gains: %.0f us\n", name, (int)GAINS, ms_since(start) * 1e3 / ROUNDS);
    estimator_free(e);
    predictor_work_free(work);
    free(top1);
    free(exact);
}

static void bench_costs(const struct bench *b)
{
    struct subnet s;
    struct rng rng;
    double sum = 0;
    rng_seed(&rng, 1);
    space_random(b->space, &rng, &s);
    s.at[space_resolution_dim(b->space)] = 0;
    uint64_t start = clock_now_ns();
    for (int i = 0; i < 1000000; i++) {
        s.at[1] = (uint8_t)(i % 3);
        sum += problem_latency_ms(b->problem, &s);
    }
    printf("problem_latency_ms: %.0f ns each (mean %.2f ms)\n", ms_since(start), sum / 1e6);
}

/* ---- searches ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

struct figures {
    double mean, worst; /* top-1, % */
    double evaluations, median_ms;
};

/* Search once for each seed. @return false after printing why not. */
static bool search_seeds(const struct bench *b, const char *algorithm, const struct search_request *r,
                         struct figures *out)
{
    double ms[SEEDS_MOST];
    *out = (struct figures){.worst = 100};
    for (int seed = 0; seed < b->seeds; seed++) {
        struct search_request request = *r;
        struct search_result result = {0};
        struct lathe_error err = {0};
        request.seed = (uint64_t)seed;
        if (search_run(algorithm, b->problem, &request, &result, &err)) {
            printf("%s: %s\n", algorithm, err.message);
            return false;
        }
        ms[seed] = result.elapsed_ms;
        out->mean += result.top1 * 100 / b->seeds;
        out->worst = fmin(out->worst, result.top1 * 100);
        out->evaluations += (double)result.evaluations / b->seeds;
    }
    qsort(ms, (size_t)b->seeds, sizeof *ms, by_value);
    out->median_ms = ms[b->seeds / 2];
    return true;
}

/* One line of every limit: mean and worst against the best known. */
static void bench_limits(const struct bench *b, const char *algorithm, double budget_ms, const char *name)
{
    double ms = 0;
    double evaluations = 0;
    printf("%-22s", name);
    for (int i = 0; i < LIMITS; i++) {
        struct search_request r;
        struct figures f;
        search_defaults(&r);
        r.limits.latency_ms = limits_ms[i];
        if (budget_ms > 0) r.budget_ms = budget_ms;
        if (!search_seeds(b, algorithm, &r, &f)) return;
        printf(" %+.2f/%+.2f", f.mean - best_known[i], f.worst - best_known[i]);
        ms += f.median_ms / LIMITS;
        evaluations += f.evaluations / LIMITS;
    }
    printf("  %7.0f predictions, %.1f ms\n", evaluations, ms);
}

static void bench_together(const struct bench *b, const char *algorithm)
{
    struct search_request r;
    struct figures f;
    search_defaults(&r);
    r.limits.latency_ms = 25;
    r.limits.macs_m = 260;
    r.limits.params_m = 6;
    r.limits.peak_activation_kb = 3000;
    if (search_seeds(b, algorithm, &r, &f))
        printf("25 ms, 260 M MACs, 6 M parameters, 3000 kB together, %-10s: mean %.2f%%, worst %.2f%%, %.1f ms\n",
               algorithm, f.mean, f.worst, f.median_ms);
}

/* The cheapest subnet with the top-1 that is the best known within each limit, less 0.1 points. */
static void bench_cheapest(const struct bench *b)
{
    printf("least latency with the best known top-1 less 0.1 points, mean ms:");
    double elapsed = 0;
    for (int i = 0; i < LIMITS; i++) {
        double sum = 0;
        for (int seed = 0; seed < b->seeds; seed++) {
            struct search_request r;
            struct search_result result = {0};
            search_defaults(&r);
            r.seed = (uint64_t)seed;
            r.minimise = COST_LATENCY;
            r.min_top1 = (best_known[i] - 0.1) / 100;
            must(!search_run("auto", b->problem, &r, &result, NULL), "the least latency was not found");
            sum += result.latency_ms / b->seeds;
            elapsed += result.elapsed_ms / b->seeds / LIMITS;
        }
        printf(" %.2f", sum);
    }
    printf(" (against 15 20 .. 40), %.1f ms\n", elapsed);
}

/* ---- fronts ---- */

static double hypervolume(const struct front *f)
{
    double sum = 0;
    for (size_t i = 0; i < f->count; i++) {
        double next = i + 1 < f->count ? f->points[i + 1].cost[COST_LATENCY] : WORST_MS;
        sum += fmax(0, f->points[i].top1 - WORST_TOP1) * (next - f->points[i].cost[COST_LATENCY]);
    }
    return sum;
}

static double best_within(const struct front *f, double limit_ms)
{
    double best = 0;
    for (size_t i = 0; i < f->count; i++)
        if (f->points[i].cost[COST_LATENCY] <= limit_ms) best = fmax(best, f->points[i].top1);
    return best;
}

/* Fronts against single searches of the same seed. */
static void bench_fronts(const struct bench *b)
{
    double ms[SEEDS_MOST];
    double volume = 0;
    double mean[LIMITS] = {0};
    double worst[LIMITS] = {0};
    for (int seed = 0; seed < b->seeds; seed++) {
        struct search_request r;
        struct front f;
        search_defaults(&r);
        r.seed = (uint64_t)seed;
        r.budget_ms = FRONT_BUDGET_MS;
        must(!front_run(b->problem, &r, COST_LATENCY, POINTS, &f, NULL), "no front was found");
        ms[seed] = f.elapsed_ms;
        volume += hypervolume(&f) / b->seeds;
        r.budget_ms = SEARCH_BUDGET_MS;
        for (int i = 0; i < LIMITS; i++) {
            struct search_result single = {0};
            r.limits.latency_ms = limits_ms[i];
            must(!search_run("auto", b->problem, &r, &single, NULL), "a search failed");
            double difference = 100 * (best_within(&f, limits_ms[i]) - single.top1);
            mean[i] += difference / b->seeds;
            worst[i] = fmin(worst[i], difference);
        }
        front_clear(&f);
    }
    qsort(ms, (size_t)b->seeds, sizeof *ms, by_value);
    printf("front of %d points: hypervolume %.3f, median %.1f ms; against single searches (mean/worst, points):",
           (int)POINTS, volume, ms[b->seeds / 2]);
    for (int i = 0; i < LIMITS; i++) printf(" %+.2f/%+.2f", mean[i], worst[i]);
    putchar('\n');
}

/* What 50,000 predictions of NSGA-II come to; a tenth of the seeds, as it takes long. */
static void bench_nsga2(const struct bench *b, bool seeded)
{
    double volume = 0;
    double elapsed = 0;
    int seeds = (b->seeds + 4) / 5;
    for (int seed = 0; seed < seeds; seed++) {
        struct search_request r;
        struct nsga2_options options;
        struct front f;
        search_defaults(&r);
        nsga2_defaults(&options);
        r.seed = (uint64_t)seed;
        options.generations = 500;
        options.seeded = seeded;
        must(!nsga2_run(b->problem, &r, &options, NSGA2_TOP1 | nsga2_cost(COST_LATENCY), FRONT_POINTS_MOST, &f, NULL),
             "no front was found");
        volume += hypervolume(&f) / seeds;
        elapsed += f.elapsed_ms / seeds;
        front_clear(&f);
    }
    printf("NSGA-II, population 100, 500 generations, %s: hypervolume %.3f, %.0f ms\n",
           seeded ? "knapsack optima in the first" : "random first one", volume, elapsed);
}

/* ---- all of it ---- */

static void bench_all(struct bench *b)
{
    struct subnet *subnets = random_subnets(b->space);
    struct predictor *shipped = shipped_predictor(b->space);
    uint64_t start = clock_now_ns();
    must(!problem_of_table(b->space, b->predictor, note10_latency, &b->note10, &b->problem, NULL), "no problem");
    printf("problem_new, 5 of 17 resolutions in the table: %.2f ms\n", ms_since(start));
    bench_costs(b);
    bench_predictor(b->predictor, subnets, "128-400-400-400-1");
    bench_estimator(b->predictor, subnets, "128-400-400-400-1");
    bench_predictor(shipped, subnets, "shipped");
    bench_estimator(shipped, subnets, "shipped");
    printf("top-1 against the best known at 15, 20, 25, 30, 35, 40 ms: mean/worst of %d seeds, points\n", b->seeds);
    bench_limits(b, "auto", 0, "auto");
    bench_limits(b, "auto", 100, "auto, 100 ms");
    bench_limits(b, "auto", 500, "auto, 500 ms");
    bench_limits(b, "knapsack", 0, "knapsack");
    bench_limits(b, "evolution", 0, "evolution");
    bench_together(b, "auto");
    bench_together(b, "knapsack");
    bench_together(b, "evolution");
    bench_cheapest(b);
    bench_fronts(b);
    bench_nsga2(b, true);
    bench_nsga2(b, false);
    predictor_free(shipped);
    free(subnets);
}

int main(int argc, char **argv)
{
    struct bench b = {.seeds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 10};
    if (!have_test_data()) {
        printf("skipped: no published figures in %s\n", TEST_DATA);
        return SKIPPED;
    }
    if (b.seeds < 1 || b.seeds > SEEDS_MOST) {
        fprintf(stderr, "usage: bench_search [SEEDS]; 1 to %d\n", (int)SEEDS_MOST);
        return 2;
    }
    b.space = shipped_space("ofa-mbv3-w1.2");
    b.predictor = published_predictor(b.space);
    note10_load(&b.note10);
    bench_all(&b);
    problem_free(b.problem);
    note10_clear(&b.note10);
    predictor_free(b.predictor);
    space_free(b.space);
    return 0;
}
