/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/nightly/decide/ranks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/nightly/decide/probability.h"

enum {
    EXACT_NUMBERS = 40, /* in one stratum: counts of subsets stay whole in a double */
    EXACT_GRID = 20000, /* values that the weighted sum can have */
};

static int compare(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;
    if (x->stratum != y->stratum) return x->stratum < y->stratum ? -1 : 1;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return x->now - y->now;
}

void ranked_sort(struct ranked *s, size_t n)
{
    qsort(s, n, sizeof *s, compare);
}

/* A stratum: s[from..to). */
struct stratum {
    size_t from, to;
    size_t before, now;
};

static bool next_stratum(const struct ranked *s, size_t n, struct stratum *out)
{
    struct stratum at = {.from = out->to, .to = out->to};
    while (at.to < n && s[at.to].stratum == s[at.from].stratum) {
        if (s[at.to].now) {
            at.now++;
        } else {
            at.before++;
        }
        at.to++;
    }
    *out = at;
    return at.to > at.from;
}

/* Like next_stratum(), without those that have one group only. */
static bool next_compared(const struct ranked *s, size_t n, struct stratum *out)
{
    while (next_stratum(s, n, out))
        if (out->before && out->now) return true;
    return false;
}

/* U of one stratum: pairs where "now" is greater, those that are equal by half. @param[out] ties sum of t^3 - t. */
static double u_of(const struct ranked *s, const struct stratum *at, double *ties)
{
    double u = 0;
    double before = 0; /* numbers of the other group below */
    *ties = 0;
    for (size_t i = at->from, end; i < at->to; i = end) {
        double old = 0;
        for (end = i; end < at->to && s[end].value == s[i].value; end++) old += !s[end].now;
        double equal = (double)(end - i);
        u += (equal - old) * (before + old / 2);
        before += old;
        *ties += equal * equal * equal - equal;
    }
    return u;
}

/* What the sum over all strata is made of. */
struct sum {
    double u; /* less its expectation, weighted */
    double variance;
    double step; /* the least by which it can change */
    bool ties;
    bool small;           /* no stratum is too large for its distribution to be counted */
    uint64_t common;      /* least common multiple of all numbers + 1, or 0 when it is too large */
    uint64_t grid, exact; /* greatest value, and the value, of the sum in units of 1 / common */
};

static uint64_t common_multiple(uint64_t a, uint64_t b)
{
    uint64_t x = a;
    uint64_t y = b;
    while (y) {
        uint64_t rest = x % y;
        x = y;
        y = rest;
    }
    uint64_t common = a / x * b;
    return common > EXACT_GRID ? 0 : common;
}

static void add_up(const struct ranked *s, size_t n, struct sum *out)
{
    struct sum sum = {.step = INFINITY, .small = true, .common = 1};
    for (struct stratum at = {0}; next_compared(s, n, &at);) {
        double all = (double)(at.to - at.from);
        double pairs = (double)at.before * (double)at.now;
        double ties;
        double u = u_of(s, &at, &ties);
        sum.u += (u - pairs / 2) / (all + 1);
        sum.variance += pairs / 12 * (all + 1 - ties / (all * (all - 1))) / ((all + 1) * (all + 1));
        sum.step = fmin(sum.step, 1 / (all + 1));
        sum.ties = sum.ties || ties > 0;
        sum.small = sum.small && at.to - at.from <= EXACT_NUMBERS;
        if (sum.common) sum.common = common_multiple(sum.common, at.to - at.from + 1);
    }
    *out = sum;
}

/* The sum on the grid of exact values. @return false when it is too fine to be counted. */
static bool to_grid(const struct ranked *s, size_t n, struct sum *sum)
{
    if (sum->ties || !sum->small || !sum->common) return false;
    for (struct stratum at = {0}; next_compared(s, n, &at);) {
        double ties;
        uint64_t weight = sum->common / (at.to - at.from + 1);
        sum->grid += weight * at.before * at.now;
        sum->exact += weight * (uint64_t)u_of(s, &at, &ties);
    }
    return sum->grid <= EXACT_GRID;
}

/* How many arrangements of m and n numbers have each U, 0 to m n: the coefficients of the Gaussian binomial, a product
 * of (1 - x^(n+i)) / (1 - x^i). */
static void count_arrangements(double *c, size_t m, size_t n)
{
    size_t degree = m * n;
    memset(c, 0, (degree + 1) * sizeof *c);
    c[0] = 1;
    for (size_t i = 1; i <= m; i++) {
        for (size_t k = degree + 1; k-- > n + i;) c[k] -= c[k - n - i];
        for (size_t k = i; k <= degree; k++) c[k] += c[k - i];
    }
}

static double arrangements(size_t m, size_t n)
{
    double count = 1;
    for (size_t i = 1; i <= m; i++) count = count * (double)(n + i) / (double)i;
    return count;
}

static double tail(const double *c, const struct sum *sum)
{
    double below = 0;
    double above = 0;
    for (uint64_t k = 0; k <= sum->exact; k++) below += c[k];
    for (uint64_t k = sum->exact; k <= sum->grid; k++) above += c[k];
    return fmin(1, 2 * fmin(below, above));
}

/* The distribution of a sum, all[0..degree], after one more stratum has joined it. */
static void convolve(double *all, size_t degree, const double *counts, size_t own, size_t weight, double count)
{
    for (size_t k = degree + 1; k-- > 0;) {
        double chance = all[k] / count;
        all[k] = 0;
        for (size_t u = 0; chance > 0 && u <= own; u++) all[k + u * weight] += chance * counts[u];
    }
}

static enum lathe_status exact_p(const struct ranked *s, size_t n, const struct sum *sum, double *p,
                                 struct lathe_error *err)
{
    double *all = calloc(2 * (sum->grid + 1), sizeof *all);
    if (!all) return error_set(err, LATHE_NO_MEMORY, "no memory to compare %zu numbers", n);
    double *one = all + sum->grid + 1;
    size_t degree = 0;
    all[0] = 1;
    for (struct stratum at = {0}; next_compared(s, n, &at);) {
        size_t weight = sum->common / (at.to - at.from + 1);
        size_t own = at.before * at.now;
        count_arrangements(one, at.before, at.now);
        convolve(all, degree, one, own, weight, arrangements(at.before, at.now));
        degree += own * weight;
    }
    *p = tail(all, sum);
    free(all);
    return LATHE_OK;
}

enum lathe_status rank_test(struct ranked *s, size_t n, double *p, struct lathe_error *err)
{
    struct sum sum;
    ranked_sort(s, n);
    add_up(s, n, &sum);
    if (isfinite(sum.step) && to_grid(s, n, &sum)) return exact_p(s, n, &sum, p, err);
    double z = fmax(0, fabs(sum.u) - sum.step / 2) / sqrt(sum.variance);
    *p = sum.variance > 0 ? normal_p(z) : 1;
    return LATHE_OK;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How many pairs there are, and the variance of the sum of U over all strata when both groups are alike. */
static size_t count_pairs(const struct ranked *s, size_t n, struct rank_shift *shift, double *variance)
{
    size_t pairs = 0;
    *variance = 0;
    for (struct stratum at = {0}; next_compared(s, n, &at);) {
        pairs += at.before * at.now;
        shift->before += at.before;
        shift->now += at.now;
        shift->strata++;
        *variance += (double)(at.before * at.now) * (double)(at.to - at.from + 1) / 12;
    }
    return pairs;
}

static void take_differences(const struct ranked *s, size_t n, double *out)
{
    for (struct stratum at = {0}; next_compared(s, n, &at);)
        for (size_t i = at.from; i < at.to; i++)
            for (size_t k = at.from; s[i].now && k < at.to; k++)
                if (!s[k].now) *out++ = s[i].value - s[k].value;
}

enum lathe_status rank_shift(struct ranked *s, size_t n, struct rank_shift *out, struct lathe_error *err)
{
    struct rank_shift shift = {.shift = NAN, .lower = -INFINITY, .upper = INFINITY};
    double variance;
    ranked_sort(s, n);
    size_t pairs = count_pairs(s, n, &shift, &variance);
    if (pairs) {
        double *d = malloc(pairs * sizeof *d);
        if (!d) return error_set(err, LATHE_NO_MEMORY, "no memory for %zu differences", pairs);
        take_differences(s, n, d);
        qsort(d, pairs, sizeof *d, compare_doubles);
        shift.shift = (d[(pairs - 1) / 2] + d[pairs / 2]) / 2;
        double below = floor((double)pairs / 2 - 1.959964 * sqrt(variance));
        if (below >= 1) {
            shift.lower = d[(size_t)below - 1];
            shift.upper = d[pairs - (size_t)below];
        }
        free(d);
    }
    *out = shift;
    return LATHE_OK;
}
