/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/nightly/decide/fdr.h"

#include <math.h>
#include <stdlib.h>

struct chance {
    double p;
    size_t at;
};

static int compare(const void *a, const void *b)
{
    const struct chance *x = a;
    const struct chance *y = b;
    if (x->p != y->p) return x->p < y->p ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

int fdr_adjust(const double *p, size_t n, double *q)
{
    if (n == 0) return 0;
    struct chance *sorted = malloc(n * sizeof *sorted);
    if (!sorted) return -1;
    for (size_t i = 0; i < n; i++) sorted[i] = (struct chance){p[i], i};
    qsort(sorted, n, sizeof *sorted, compare);
    double least = 1;
    for (size_t i = n; i-- > 0;) {
        least = fmin(least, sorted[i].p * (double)n / (double)(i + 1));
        q[sorted[i].at] = least;
    }
    free(sorted);
    return 0;
}
