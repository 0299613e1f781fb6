/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/base/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct pair {
    double x, y;
};

static int by_x_then_y(const void *a, const void *b)
{
    const struct pair *p = a;
    const struct pair *q = b;
    if (p->x != q->x) return p->x < q->x ? -1 : 1;
    return p->y < q->y ? -1 : p->y > q->y;
}

static double pairs_of(size_t n)
{
    return (double)n * ((double)n - 1) / 2;
}

/* Sort y and count the pairs that stood in the wrong order. */
static double sort_counting(double *y, double *scratch, size_t n)
{
    if (n < 2) return 0;
    size_t half = n / 2;
    double swaps = sort_counting(y, scratch, half) + sort_counting(y + half, scratch, n - half);
    size_t left = 0;
    size_t right = half;
    for (size_t i = 0; i < n; i++) {
        if (right == n || (left < half && y[left] <= y[right])) {
            scratch[i] = y[left++];
        } else {
            swaps += (double)(half - left);
            scratch[i] = y[right++];
        }
    }
    memcpy(y, scratch, n * sizeof *y);
    return swaps;
}

/* Pairs that tie in x (joint 0), or in x and y (joint 1), among pairs sorted by both. */
static double ties_in_x(const struct pair *p, size_t n, int joint)
{
    double ties = 0;
    for (size_t i = 0; i < n;) {
        size_t run = 1;
        while (i + run < n && p[i + run].x == p[i].x && (!joint || p[i + run].y == p[i].y)) run++;
        ties += pairs_of(run);
        i += run;
    }
    return ties;
}

static double ties_in_sorted(const double *y, size_t n)
{
    double ties = 0;
    for (size_t i = 0; i < n;) {
        size_t run = 1;
        while (i + run < n && y[i + run] == y[i]) run++;
        ties += pairs_of(run);
        i += run;
    }
    return ties;
}

int kendall_tau(const double *x, const double *y, size_t n, double *tau)
{
    struct pair *pairs = malloc((n + 1) * sizeof *pairs);
    double *sorted = malloc((2 * n + 1) * sizeof *sorted);
    int failed = !pairs || !sorted;
    if (!failed) {
        for (size_t i = 0; i < n; i++) pairs[i] = (struct pair){x[i], y[i]};
        qsort(pairs, n, sizeof *pairs, by_x_then_y);
        for (size_t i = 0; i < n; i++) sorted[i] = pairs[i].y;
        double in_x = ties_in_x(pairs, n, 0);
        double in_both = ties_in_x(pairs, n, 1);
        double discordant = sort_counting(sorted, sorted + n, n);
        double in_y = ties_in_sorted(sorted, n);
        double all = pairs_of(n);
        double scale = sqrt((all - in_x) * (all - in_y));
        *tau = n < 2 || scale == 0 ? NAN : (all - in_x - in_y + in_both - 2 * discordant) / scale;
    }
    free(pairs);
    free(sorted);
    return failed ? -1 : 0;
}
