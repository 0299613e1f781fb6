/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Recorded traces of a core that others use, too (tests/cases/traces): sentinel, rejection of preempted samples and
 * CPU times in their place give what the same layers take on a quiet core. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/agent/drift.h"
#include "check_main.h"
#include "lut/table/table.h"

enum { VISITS = 60, RUNS = 3, LAYERS = 3 };

struct trace {
    struct drift drift;
    uint64_t at_ns[VISITS];
    struct sample samples[VISITS][LAYERS][RUNS];
};

/* "s,1,2,3": the numbers behind the letter. */
static void read_numbers(const char *line, uint64_t *out, int count)
{
    const char *at = line + 1;
    for (int i = 0; i < count; i++) {
        char *end = NULL;
        ck_assert_msg(*at == ',', "%s", line);
        out[i] = strtoull(at + 1, &end, 10);
        ck_assert_msg(end != at + 1, "%s", line);
        at = end;
    }
    ck_assert_msg(*at == '\n', "%s", line);
}

static void read_sentinel(struct trace *t, FILE *f, const char *first)
{
    struct drift_run runs[RUNS] = {{0}};
    char line[128];
    snprintf(line, sizeof line, "%s", first);
    for (int run = 0; run < RUNS; run++) {
        uint64_t n[4]; /* at_us, wall_ns, cpu_ns, preempted */
        if (run) ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
        read_numbers(line, n, 4);
        runs[run] = (struct drift_run){.at_ns = n[0] * 1000, .ns = n[3] ? 0 : n[1], .cpu_ns = n[2]};
    }
    drift_add(&t->drift, runs, RUNS);
}

static void read_run(struct trace *t, const char *line, int counts[VISITS][LAYERS])
{
    uint64_t n[6]; /* at_us, visit, layer, wall_ns, cpu_ns, preempted */
    read_numbers(line, n, 6);
    uint64_t visit = n[1];
    uint64_t layer = n[2] / 2;
    ck_assert(visit < VISITS && layer < LAYERS && counts[visit][layer] < RUNS);
    t->at_ns[visit] = n[0] * 1000;
    t->samples[visit][layer][counts[visit][layer]++] = (struct sample){n[3], n[4], (uint8_t)n[5]};
}

static struct trace *read_trace(const char *name)
{
    char path[256];
    char line[128];
    int counts[VISITS][LAYERS] = {{0}};
    struct trace *t = calloc(1, sizeof *t);
    snprintf(path, sizeof path, "%s/tests/cases/traces/%s.csv", SOURCE_DIR, name);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f && t, "can't read %s", path);
    while (fgets(line, sizeof line, f)) {
        if (line[0] == 's') read_sentinel(t, f, line);
        else read_run(t, line, counts);
    }
    fclose(f);
    for (int i = 0; i < VISITS; i++)
        for (int k = 0; k < LAYERS; k++) ck_assert_int_eq(counts[i][k], RUNS);
    return t;
}

static double plain_mean_ms(const struct trace *t, int layer)
{
    double sum = 0;
    for (int i = 0; i < VISITS; i++)
        for (int run = 0; run < RUNS; run++) sum += (double)t->samples[i][layer][run].wall_ns;
    return sum / (VISITS * RUNS) / 1e6;
}

static struct latency pooled(const struct trace *t, int layer, double reference_ns)
{
    struct sample_pool pool;
    struct latency out = {0};
    struct lathe_error err = {0};
    sample_pool_init(&pool, &(struct table_scaling){.reference_ns = reference_ns, .factor = 1});
    for (uint32_t i = 0; i < VISITS; i++) {
        struct sample_context around = {.subnet = 1};
        drift_at(&t->drift, t->at_ns[i], &around.sentinel_ns, &around.sentinel_cpu_ns);
        ck_assert_int_eq(sample_pool_add(&pool, i + 1, &around, t->samples[i][layer], RUNS, &err), LATHE_OK);
    }
    ck_assert_int_eq(sample_pool_latency(&pool, &out, &err), LATHE_OK);
    sample_pool_clear(&pool);
    return out;
}

static double median_sentinel_ns(const struct trace *t)
{
    uint64_t ns = 0;
    uint64_t cpu_ns = 0;
    drift_at(&t->drift, t->at_ns[VISITS / 2], &ns, &cpu_ns);
    return (double)ns;
}

static const struct {
    const char *name;
    double plain_misses; /* what the plain mean of the worst of its layers is off by, at least */
} disturbed[] = {{"nice", 0.01}, {"equal", 0.5}, {"half", 2}};

START_TEST(a_shared_core_gives_what_a_quiet_one_does)
{
    struct trace *quiet = read_trace("quiet");
    struct trace *busy = read_trace(disturbed[_i].name);
    double reference = median_sentinel_ns(quiet);
    double plain_worst = 0;
    ck_assert_double_gt(reference, 0);
    for (int layer = 0; layer < LAYERS; layer++) {
        struct latency truth = pooled(quiet, layer, reference);
        struct latency seen = pooled(busy, layer, reference);
        double plain = fabs(plain_mean_ms(busy, layer) / latency_best_ms(&truth) - 1);
        ck_assert_msg(fabs(latency_best_ms(&seen) / latency_best_ms(&truth) - 1) < 0.03,
                      "layer %d: %.4f ms, quiet %.4f", layer, latency_best_ms(&seen), latency_best_ms(&truth));
        if (plain > plain_worst) plain_worst = plain;
    }
    ck_assert_double_gt(plain_worst, disturbed[_i].plain_misses);
    free(quiet);
    free(busy);
}
END_TEST

START_TEST(preempted_samples_are_left_out_and_counted)
{
    struct trace *busy = read_trace("half");
    size_t preempted = 0;
    for (int i = 0; i < VISITS; i++)
        for (int run = 0; run < RUNS; run++) preempted += busy->samples[i][2][run].preempted > 0;
    struct latency seen = pooled(busy, 2, median_sentinel_ns(busy));
    ck_assert_uint_gt(preempted, 20);
    ck_assert_uint_eq(seen.samples, VISITS * RUNS);
    ck_assert_uint_eq(seen.count, VISITS * RUNS - preempted);
    free(busy);
}
END_TEST

static TCase *traces_case(void)
{
    TCase *c = tcase_create("traces");
    tcase_add_loop_test(c, a_shared_core_gives_what_a_quiet_one_does, 0, sizeof disturbed / sizeof disturbed[0]);
    tcase_add_test(c, preempted_samples_are_left_out_and_counted);
    return c;
}

TEST_MAIN("traces", traces_case())
