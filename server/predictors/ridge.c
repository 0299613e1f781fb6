/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/predictors/ridge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum lathe_status ridge_sums_init(struct ridge_sums *sums, int features, struct lathe_error *err)
{
    size_t n = (size_t)features;
    *sums = (struct ridge_sums){.features = features};
    sums->x = calloc(n, sizeof *sums->x);
    sums->xy = calloc(n, sizeof *sums->xy);
    sums->xx = calloc(n * n, sizeof *sums->xx);
    if (sums->x && sums->xy && sums->xx) return LATHE_OK;
    ridge_sums_clear(sums);
    return error_set(err, LATHE_NO_MEMORY, "out of memory");
}

void ridge_sums_clear(struct ridge_sums *sums)
{
    free(sums->x);
    free(sums->xy);
    free(sums->xx);
    *sums = (struct ridge_sums){0};
}

void ridge_sums_add_weighted(struct ridge_sums *sums, const struct ridge_row *row, double weight)
{
    sums->rows += weight;
    sums->target += weight * row->target;
    for (int i = 0; i < row->count; i++) {
        const struct feature *a = &row->features[i];
        double *products = sums->xx + (size_t)a->number * (size_t)sums->features;
        double value = weight * (double)a->value;
        sums->x[a->number] += value;
        sums->xy[a->number] += value * row->target;
        for (int j = 0; j < row->count; j++) {
            const struct feature *b = &row->features[j];
            if (b->number <= a->number) products[b->number] += value * (double)b->value;
        }
    }
}

void ridge_sums_add(struct ridge_sums *sums, const struct ridge_row *row)
{
    ridge_sums_add_weighted(sums, row, 1);
}

/* L of A = L L^T over the lower half of A, in place. @return false when A is not positive definite. */
static bool cholesky(double *a, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = j; i < n; i++) {
            double sum = a[i * n + j];
            for (size_t k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
            if (i > j) {
                a[i * n + j] = sum / a[j * n + j];
            } else {
                if (!(sum > 0)) return false;
                a[j * n + j] = sqrt(sum);
            }
        }
    }
    return true;
}

/* Solve L L^T x = b in place. */
static void substitute(const double *l, double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) b[i] -= l[i * n + k] * b[k];
        b[i] /= l[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++) b[i] -= l[k * n + i] * b[k];
        b[i] /= l[i * n + i];
    }
}

/* The normal equations of centred features and target: that takes the intercept out of the penalty. */
static void centre(const struct ridge_sums *sums, double lambda, double *a, double *w)
{
    size_t n = (size_t)sums->features;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) a[i * n + j] = sums->xx[i * n + j] - sums->x[i] * sums->x[j] / sums->rows;
        a[i * n + i] += lambda;
        w[i] = sums->xy[i] - sums->x[i] * sums->target / sums->rows;
    }
}

enum lathe_status ridge_solve(const struct ridge_sums *sums, double lambda, double *w, double *b,
                              struct lathe_error *err)
{
    size_t n = (size_t)sums->features;
    double *a = calloc(n * n, sizeof *a);
    if (!a) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    centre(sums, lambda, a, w);
    bool solved = cholesky(a, n);
    if (solved) substitute(a, w, n);
    free(a);
    if (!solved) return error_set(err, LATHE_INVALID, "the rows do not determine a fit");
    *b = sums->target / sums->rows;
    for (size_t i = 0; i < n; i++) *b -= w[i] * sums->x[i] / sums->rows;
    return LATHE_OK;
}

double ridge_predict(const double *w, double b, const struct ridge_row *row)
{
    double y = b;
    for (int i = 0; i < row->count; i++) y += w[row->features[i].number] * (double)row->features[i].value;
    return y;
}
