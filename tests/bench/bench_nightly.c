/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How often a night's decision rings falsely, and what it finds: the code that the server decides by, confirmations
 * included, on simulated nights of 480 rows. Beside it stands a plain z-score on the mean.
 *
 *   bench_nightly                                   100 quiet nights, 10 trials of each change
 *   bench_nightly --nights 1000 --trials 100        the figures of server/nightly/decide/README.md (--seed 21)
 *   bench_nightly --recorded FILE                   noise as tests/bench/record_nights wrote it
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/text.h"
#include "tests/nights/nights.h"

enum {
    NIGHTS_OF_A_BASELINE = 50,
    STEP_NIGHTS = 5,
    DRIFT_NIGHTS = 20,
};

struct bench {
    struct nightly_settings settings;
    struct sim_noise noise;
    uint64_t seed;
    size_t nights, trials, before; /* before: quiet nights that come before a change */
};

/* What one night said, by Lathe and by the z-score: alarms, and whether the stage was named. */
struct said {
    bool alarm, stage;
    bool z_alarm, z_stage;
};

struct moments {
    double mean, variance, count;
};

static struct moments moments_of(const struct nightly_side *side)
{
    struct moments m = {.count = (double)side->count};
    for (size_t i = 0; i < side->count; i++) m.mean += side->visits[i].ms / m.count;
    for (size_t i = 0; i < side->count; i++) m.variance += pow(side->visits[i].ms - m.mean, 2) / (m.count - 1);
    return m;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Means of both nights, the device's level taken off by the median ratio; told is what is three standard errors and the
 * least effect away. */
static void z_scores(const struct nightly_input *in, double min_effect, int stage, struct said *out)
{
    static double sorted[SIM_ROWS];
    for (size_t i = 0; i < in->row_count; i++)
        sorted[i] = moments_of(&in->rows[i].now).mean / moments_of(&in->rows[i].before).mean;
    qsort(sorted, in->row_count, sizeof *sorted, compare);
    double level = sorted[in->row_count / 2];
    for (size_t i = 0; i < in->row_count; i++) {
        struct moments now = moments_of(&in->rows[i].now);
        struct moments before = moments_of(&in->rows[i].before);
        double off = now.mean / level - before.mean;
        double error = sqrt(now.variance / now.count / (level * level) + before.variance / before.count);
        if (fabs(off) < 3 * error || fabs(off) < min_effect * before.mean) continue;
        out->z_alarm = true;
        if (in->rows[i].stage == stage && off > 0) out->z_stage = true;
    }
}

static void fail(const struct lathe_error *err)
{
    (void)fprintf(stderr, "bench_nightly: %s\n", err->message);
    exit(1);
}

static struct said run_night(const struct bench *b, struct sim *sim, const struct sim_change *change, int stage,
                             bool quiet)
{
    static const char *const scopes[] = {"device", "kind", "stage", "row"};
    struct lathe_error err = {0};
    struct nightly_decision d;
    struct said said = {0};
    if (sim_night(sim, change, &b->settings, &d, &err)) fail(&err);
    for (size_t i = 0; i < d.count; i++) {
        const struct nightly_finding *f = &d.findings[i];
        if (f->verdict != NIGHTLY_HOLDS) continue;
        said.alarm = true;
        said.stage = said.stage || (f->scope == NIGHTLY_STAGE && f->group == stage && f->ratio > 1);
        if (quiet)
            printf("  night %zu rings: %s %d %+.2f%%, p %.1g, q %.1g\n", sim_nights(sim) - 1, scopes[f->scope],
                   f->group, (f->ratio - 1) * 100, f->p, f->q);
    }
    z_scores(sim_input(sim), b->settings.min_effect, stage, &said);
    nightly_decision_clear(&d);
    return said;
}

static struct sim *new_sim(const struct bench *b, uint64_t seed)
{
    struct sim *sim = sim_new(b->seed * 1000003 + seed, &b->noise);
    if (!sim) fail(&(struct lathe_error){.message = "no memory"});
    sim_begin(sim);
    return sim;
}

static void quiet_nights(const struct bench *b)
{
    struct sim_change none = {0};
    size_t rings = 0;
    size_t z_rings = 0;
    struct sim *sim = NULL;
    for (size_t n = 0; n < b->nights; n++) {
        if (n % NIGHTS_OF_A_BASELINE == 0) {
            sim_free(sim);
            sim = new_sim(b, n);
        }
        struct said said = run_night(b, sim, &none, -1, true);
        rings += said.alarm;
        z_rings += said.z_alarm;
    }
    sim_free(sim);
    printf("quiet nights that ring, of %zu: %zu (z-score %zu); asked: 1 in 100 at most\n", b->nights, rings, z_rings);
}

/* Trials of a change of one stage. @param step logarithm; each night's where it drifts. */
static void trials_of(const struct bench *b, int stage, double step, bool drift, size_t limit, size_t found[2])
{
    found[0] = found[1] = 0;
    for (size_t t = 0; t < b->trials; t++) {
        struct sim_change change = {0};
        struct sim *sim = new_sim(b, 1000000 * (size_t)(stage + 1) + 1000 * (size_t)lrint(step * 1e4) + t);
        for (size_t n = 0; n < b->before; n++) sim_pass(sim, &change);
        struct said any = {0};
        for (size_t n = 1; n <= limit && !(any.stage && any.z_stage); n++) {
            change.stage[stage] = drift ? step * (double)n : step;
            struct said said = run_night(b, sim, &change, stage, false);
            any.stage = any.stage || said.stage;
            any.z_stage = any.z_stage || said.z_stage;
        }
        found[0] += any.stage;
        found[1] += any.z_stage;
        sim_free(sim);
    }
}

static void change_of_stages(const struct bench *b, const char *what, double step, bool drift, size_t limit, int asked)
{
    size_t worst = SIZE_MAX;
    printf("%s, of %zu, stages 1 to %d:", what, b->trials, SIM_STAGES);
    for (int stage = 0; stage < SIM_STAGES; stage++) {
        size_t found[2];
        trials_of(b, stage, step, drift, limit, found);
        printf(" %zu (z %zu)", found[0], found[1]);
        (void)fflush(stdout);
        if (found[0] < worst) worst = found[0];
    }
    printf("; worst %.0f%%, asked: %d%%\n", 100.0 * (double)worst / (double)b->trials, asked);
}

static size_t number(const char *text)
{
    uint64_t value;
    if (text_to_u64(text, strlen(text), &value) && value < 1000000) return (size_t)value;
    (void)fprintf(stderr, "bench_nightly: %s is no number\n", text);
    exit(2);
}

static struct bench read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"nights", required_argument, NULL, 'n'},   {"trials", required_argument, NULL, 't'},
        {"before", required_argument, NULL, 'b'},   {"seed", required_argument, NULL, 's'},
        {"recorded", required_argument, NULL, 'r'}, {0}};
    struct bench b = {nightly_settings_default(), sim_noise_default(), 1, 100, 10, 20};
    struct lathe_error err = {0};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        struct recording *recording;
        switch (c) {
        case 'n':
            b.nights = number(optarg);
            break;
        case 't':
            b.trials = number(optarg);
            break;
        case 'b':
            b.before = number(optarg);
            break;
        case 's':
            b.seed = number(optarg);
            break;
        case 'r':
            if (recording_read(optarg, &recording, &err)) fail(&err);
            b.noise.recorded = recording;
            break;
        default:
            exit(2);
        }
    }
    if (b.before > SIM_NIGHTS - DRIFT_NIGHTS - 1) fail(&(struct lathe_error){.message = "--before is too large"});
    return b;
}

int main(int argc, char **argv)
{
    struct bench b = read_options(argc, argv);
    uint64_t start = clock_now_ns();
    printf("%s noise, seed %llu, %zu nights before a change\n", b.noise.recorded ? "recorded" : "synthetic",
           (unsigned long long)b.seed, b.before);
    quiet_nights(&b);
    if (b.trials) {
        change_of_stages(&b, "5% found the same night", log(1.05), false, 1, 95);
        change_of_stages(&b, "2% found within 5 nights", log(1.02), false, STEP_NIGHTS, 80);
        change_of_stages(&b, "0.3% a night found within 20", log(1.003), true, DRIFT_NIGHTS, 100);
    }
    printf("%.0f s\n", (double)(clock_now_ns() - start) / 1e9);
    recording_free((struct recording *)b.noise.recorded);
    return 0;
}
