/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/search/pareto.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool pareto_dominates(const double *a, const double *b, int m)
{
    bool better = false;
    for (int i = 0; i < m; i++) {
        if (a[i] > b[i]) return false;
        better = better || a[i] < b[i];
    }
    return better;
}

static bool constraint_dominates(const double *values, const double *violation, int m, size_t a, size_t b)
{
    double of_a = violation ? violation[a] : 0;
    double of_b = violation ? violation[b] : 0;
    if (of_a > 0 || of_b > 0) return of_a < of_b;
    return pareto_dominates(values + a * (size_t)m, values + b * (size_t)m, m);
}

/* How many dominate each, and whom each dominates; then front by front. */
static void sort_fronts(const double *values, const double *violation, size_t n, int m, size_t *dominated_by,
                        bool *dominates, int *rank)
{
    size_t left = n;
    for (size_t a = 0; a < n; a++) {
        dominated_by[a] = 0;
        rank[a] = -1;
    }
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++) {
            bool does = a != b && constraint_dominates(values, violation, m, a, b);
            dominates[a * n + b] = does;
            dominated_by[b] += does;
        }
    for (int front = 0; left > 0; front++) {
        for (size_t a = 0; a < n; a++)
            if (rank[a] < 0 && dominated_by[a] == 0) rank[a] = front;
        for (size_t a = 0; a < n; a++) {
            if (rank[a] != front) continue;
            left--;
            for (size_t b = 0; b < n; b++) dominated_by[b] -= dominates[a * n + b];
        }
    }
}

bool pareto_sort(const double *values, const double *violation, size_t n, int m, int *rank)
{
    size_t *dominated_by = malloc((n + 1) * sizeof *dominated_by);
    bool *dominates = malloc(n * n + 1);
    bool made = dominated_by && dominates;
    if (made) sort_fronts(values, violation, n, m, dominated_by, dominates, rank);
    free(dominated_by);
    free(dominates);
    return made;
}

/* ---- crowding ---- */

struct place {
    double value;
    size_t at; /* in items */
};

static int by_value(const void *a, const void *b)
{
    const struct place *p = a;
    const struct place *q = b;
    if (p->value != q->value) return p->value < q->value ? -1 : 1;
    return p->at < q->at ? -1 : p->at > q->at;
}

bool pareto_crowding(const double *values, int m, const size_t *items, size_t count, double *distance)
{
    struct place *order = malloc((count + 1) * sizeof *order);
    if (!order) return false;
    for (size_t i = 0; i < count; i++) distance[i] = 0;
    for (int k = 0; k < m && count; k++) {
        for (size_t i = 0; i < count; i++) order[i] = (struct place){values[items[i] * (size_t)m + (size_t)k], i};
        qsort(order, count, sizeof *order, by_value);
        double span = order[count - 1].value - order[0].value;
        distance[order[0].at] = distance[order[count - 1].at] = INFINITY;
        for (size_t i = 1; i + 1 < count && span > 0; i++)
            distance[order[i].at] += (order[i + 1].value - order[i - 1].value) / span;
    }
    free(order);
    return true;
}

/* ---- filtering ---- */

size_t pareto_filter(const double *values, size_t n, int m, size_t *kept)
{
    size_t count = 0;
    for (size_t a = 0; a < n; a++) {
        bool beaten = false;
        for (size_t b = 0; b < n && !beaten; b++) {
            const double *x = values + a * (size_t)m;
            const double *y = values + b * (size_t)m;
            beaten = pareto_dominates(y, x, m) || (b < a && memcmp(x, y, (size_t)m * sizeof *x) == 0);
        }
        if (!beaten) kept[count++] = a;
    }
    return count;
}

/* ---- hypervolume ---- */

struct slice {
    const double *row;
    int last; /* the objective to sort by */
};

static int by_last(const void *a, const void *b)
{
    const struct slice *p = a;
    const struct slice *q = b;
    double x = p->row[p->last];
    double y = q->row[q->last];
    return (x > y) - (x < y);
}

/* Between two values of the last objective the volume is that of all rows below, in one objective less. */
static double volume_of(const struct slice *rows, size_t n, int m, const double *reference)
{
    double volume = 0;
    if (n == 0) return 0;
    if (m == 1) {
        double least = reference[0];
        for (size_t i = 0; i < n; i++) least = fmin(least, rows[i].row[0]);
        return reference[0] - least;
    }
    struct slice *sorted = malloc(n * sizeof *sorted);
    if (!sorted) return NAN;
    for (size_t i = 0; i < n; i++) sorted[i] = (struct slice){rows[i].row, m - 1};
    qsort(sorted, n, sizeof *sorted, by_last);
    for (size_t i = 0; i < n; i++) {
        double from = sorted[i].row[m - 1];
        double to = i + 1 < n ? sorted[i + 1].row[m - 1] : reference[m - 1];
        if (to > from) volume += (to - from) * volume_of(sorted, i + 1, m - 1, reference);
    }
    free(sorted);
    return volume;
}

double pareto_hypervolume(const double *values, size_t n, int m, const double *reference)
{
    struct slice *rows = malloc((n + 1) * sizeof *rows);
    size_t count = 0;
    if (!rows) return NAN;
    for (size_t i = 0; i < n; i++) {
        const double *row = values + i * (size_t)m;
        bool counts = true;
        for (int k = 0; k < m; k++) counts = counts && row[k] < reference[k];
        if (counts) rows[count++] = (struct slice){row, 0};
    }
    double volume = volume_of(rows, count, m, reference);
    free(rows);
    return volume;
}
