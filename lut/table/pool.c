/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Statistics of samples whose context and visit are known, and which samples count. */
#include <math.h>
#include <stdlib.h>

#include "lut/table/table.h"

/* Two-sided 95% quantile of Student's t: the table up to 30 degrees of freedom, Cornish and Fisher's expansion around
 * the normal quantile (good to 0.001 there) beyond. */
double student_t95(size_t degrees)
{
    static const double table[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
                                   2.2010,  2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
                                   2.0796,  2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423};
    if (degrees <= sizeof table / sizeof table[0]) return table[degrees - 1];
    const double z = 1.959964;
    double n = (double)degrees;
    return z + (z * z * z + z) / (4 * n) + (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * n * n);
}

static int by_context(const void *a, const void *b)
{
    const struct pooled_sample *x = a;
    const struct pooled_sample *y = b;
    if (x->subnet != y->subnet) return x->subnet < y->subnet ? -1 : 1;
    if (x->visit != y->visit) return x->visit < y->visit ? -1 : 1;
    return (x->ns > y->ns) - (x->ns < y->ns);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The end of the stretch of samples that are of the first one's context, and visit where that matters. */
static size_t stretch(const struct pooled_sample *s, size_t from, size_t n, bool of_visit)
{
    size_t to = from + 1;
    while (to < n && s[to].subnet == s[from].subnet && (!of_visit || s[to].visit == s[from].visit)) to++;
    return to;
}

static double mean_of(const struct pooled_sample *s, size_t from, size_t to)
{
    double sum = 0;
    for (size_t i = from; i < to; i++) sum += s[i].ns;
    return sum / (double)(to - from);
}

/* Turn sorted samples into what is left of them without their context's median, the extremes pulled in: a tenth at each
 * end becomes as large as the next one. @param room n numbers. @return how many were pulled in at each end. */
static size_t winsorize(struct pooled_sample *s, size_t n, double *room)
{
    for (size_t from = 0, to; from < n; from = to) {
        to = stretch(s, from, n, false);
        for (size_t i = from; i < to; i++) room[i - from] = s[i].ns;
        qsort(room, to - from, sizeof *room, compare_doubles);
        double median = room[(to - from) / 2];
        for (size_t i = from; i < to; i++) s[i].ns -= median;
    }
    for (size_t i = 0; i < n; i++) room[i] = s[i].ns;
    qsort(room, n, sizeof *room, compare_doubles);
    size_t pulled = n / 10;
    for (size_t i = 0; i < n; i++) s[i].ns = fmin(fmax(s[i].ns, room[pulled]), room[n - 1 - pulled]);
    return pulled;
}

/* Half the interval of the trimmed mean of sorted samples; NAN where no context was visited twice. */
static double half_interval(struct pooled_sample *s, size_t n, double *room)
{
    size_t pulled = winsorize(s, n, room);
    size_t visits = 0;
    size_t contexts = 0;
    double squares = 0;
    for (size_t from = 0, to; from < n; from = to, contexts++) {
        to = stretch(s, from, n, false);
        double mean = 0;
        size_t own = 0;
        for (size_t at = from, next; at < to; at = next, own++) {
            next = stretch(s, at, to, true);
            room[own] = mean_of(s, at, next);
            mean += room[own];
        }
        mean /= (double)own;
        for (size_t i = 0; i < own; i++) squares += (room[i] - mean) * (room[i] - mean);
        visits += own;
    }
    if (visits == contexts) return NAN;
    double kept = 1 - 2 * (double)pulled / (double)n;
    size_t degrees = visits - contexts;
    return student_t95(degrees) * sqrt(squares / (double)degrees / (double)visits) / kept;
}

enum lathe_status latency_from_pool(struct pooled_sample *s, size_t n, struct latency *out, struct lathe_error *err)
{
    double *room = malloc(n * sizeof *room);
    if (!room) return error_set(err, LATHE_NO_MEMORY, "no memory for the samples of a row");
    qsort(s, n, sizeof *s, by_context);
    for (size_t i = 0; i < n; i++) room[i] = s[i].ns;
    latency_from_samples(room, n, out);
    for (size_t from = 0; from < n; from = stretch(s, from, n, false)) out->contexts++;
    out->alone = out->contexts == 1 && s[0].subnet == 0;
    out->ci_ms = half_interval(s, n, room) / 1e6;
    free(room);
    return LATHE_OK;
}

void sample_pool_init(struct sample_pool *pool, const struct table_scaling *scaling)
{
    *pool = (struct sample_pool){.scaling = *scaling};
}

void sample_pool_clear(struct sample_pool *pool)
{
    for (int i = 0; i < SAMPLE_BASES; i++) free(pool->samples[i]);
    *pool = (struct sample_pool){0};
}

static enum lathe_status append(struct sample_pool *pool, enum sample_basis basis, const struct pooled_sample *sample,
                                struct lathe_error *err)
{
    if (pool->count[basis] == pool->capacity[basis]) {
        size_t capacity = pool->capacity[basis] ? 2 * pool->capacity[basis] : 64;
        void *grown = realloc(pool->samples[basis], capacity * sizeof *sample);
        if (!grown) return error_set(err, LATHE_NO_MEMORY, "no memory for %zu samples", capacity);
        pool->samples[basis] = grown;
        pool->capacity[basis] = capacity;
    }
    pool->samples[basis][pool->count[basis]++] = *sample;
    return LATHE_OK;
}

static double scaled(const struct sample_pool *pool, uint64_t ns, uint64_t sentinel_ns)
{
    double reference = pool->scaling.reference_ns;
    return reference > 0 && sentinel_ns ? (double)ns * reference / (double)sentinel_ns : (double)ns;
}

enum sample_basis sample_basis_of(const struct sample_context *c, const struct sample *s)
{
    if (s->preempted) return s->cpu_ns && s->cpu_ns <= s->wall_ns ? SAMPLE_CPU_TIME : SAMPLE_DISTURBED;
    /* Where the sentinel was never undisturbed there is nothing to hold wall times against; its CPU time there is. */
    return !c->sentinel_ns && c->sentinel_cpu_ns && s->cpu_ns ? SAMPLE_CPU_TIME : SAMPLE_PURE;
}

double sample_pool_ns(const struct sample_pool *pool, const struct sample_context *c, const struct sample *s)
{
    bool cpu = sample_basis_of(c, s) == SAMPLE_CPU_TIME;
    return cpu ? scaled(pool, s->cpu_ns, c->sentinel_cpu_ns) : scaled(pool, s->wall_ns, c->sentinel_ns);
}

enum lathe_status sample_pool_add(struct sample_pool *pool, uint32_t visit, const struct sample_context *c,
                                  const struct sample *samples, size_t n, struct lathe_error *err)
{
    for (size_t i = 0; i < n; i++) {
        struct pooled_sample pooled = {.ns = sample_pool_ns(pool, c, &samples[i]), .subnet = c->subnet, .visit = visit};
        enum lathe_status st = append(pool, sample_basis_of(c, &samples[i]), &pooled, err);
        if (st) return st;
    }
    return LATHE_OK;
}

/* Different contexts among the samples of the bases up to this one, counted up to three. */
static uint32_t contexts_of(const struct sample_pool *pool, enum sample_basis most)
{
    uint64_t seen[3];
    uint32_t n = 0;
    for (int basis = SAMPLE_PURE; basis <= (int)most; basis++)
        for (size_t i = 0; i < pool->count[basis] && n < 3; i++) {
            uint32_t k = 0;
            while (k < n && seen[k] != pool->samples[basis][i].subnet) k++;
            if (k == n) seen[n++] = pool->samples[basis][i].subnet;
        }
    return n;
}

enum sample_basis sample_pool_most(const struct sample_pool *pool)
{
    uint32_t contexts = contexts_of(pool, SAMPLE_DISTURBED);
    size_t n = 0;
    for (int basis = SAMPLE_PURE; basis < SAMPLE_DISTURBED; basis++) {
        n += pool->count[basis];
        if (n >= PURE_SAMPLES_MIN && contexts_of(pool, (enum sample_basis)basis) == contexts)
            return (enum sample_basis)basis;
    }
    return SAMPLE_DISTURBED;
}

enum lathe_status sample_pool_latency(struct sample_pool *pool, struct latency *out, struct lathe_error *err)
{
    enum sample_basis most = sample_pool_most(pool);
    size_t taken = pool->count[SAMPLE_PURE] + pool->count[SAMPLE_CPU_TIME] + pool->count[SAMPLE_DISTURBED];
    size_t cpu_times = most >= SAMPLE_CPU_TIME ? pool->count[SAMPLE_CPU_TIME] : 0;
    for (int basis = SAMPLE_CPU_TIME; basis <= (int)most; basis++) {
        for (size_t i = 0; i < pool->count[basis]; i++) {
            enum lathe_status st = append(pool, SAMPLE_PURE, &pool->samples[basis][i], err);
            if (st) return st;
        }
        pool->count[basis] = 0;
    }
    size_t n = pool->count[SAMPLE_PURE];
    if (!n) return LATHE_NOT_FOUND;
    enum lathe_status st = latency_from_pool(pool->samples[SAMPLE_PURE], n, out, err);
    if (st) return st;
    out->cpu_share = (double)cpu_times / (double)n;
    out->samples = taken;
    return LATHE_OK;
}
