/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/regress.h"

#include <math.h>
#include <stdlib.h>

/* The ridge pulls a row by this much of what a network that held it alone would: it decides between rows that always
 * stand together and hardly anything else. */
static const double ridge = 1e-4;
static const double converged = 1e-10;
enum { SWEEPS_MAX = 20000 };

/* Scale the prior so that its sums fit the latencies in the middle. */
static double scale_prior(const uint8_t *counts, const double *y, const double *prior, size_t networks, size_t rows)
{
    double product = 0;
    double square = 0;
    for (size_t i = 0; i < networks; i++) {
        double sum = 0;
        for (size_t k = 0; k < rows; k++) sum += counts[i * rows + k] * prior[k];
        product += sum / y[i];
        square += sum / y[i] * (sum / y[i]);
    }
    return square > 0 ? product / square : 1;
}

/* Unknowns are factors on the scaled prior, so that the ridge pulls all of them alike, towards 1. */
static void normal_equations(const uint8_t *counts, const double *y, const double *prior, size_t networks, size_t rows,
                             double *gram, double *right)
{
    for (size_t i = 0; i < networks; i++) {
        for (size_t a = 0; a < rows; a++) {
            double left = counts[i * rows + a] * prior[a] / y[i];
            if (left == 0) continue;
            right[a] += left;
            for (size_t b = 0; b < rows; b++) gram[a * rows + b] += left * counts[i * rows + b] * prior[b] / y[i];
        }
    }
    for (size_t a = 0; a < rows; a++) {
        gram[a * rows + a] += ridge;
        right[a] += ridge;
    }
}

static double sweep(const double *gram, const double *right, size_t rows, double *factors)
{
    double most = 0;
    for (size_t a = 0; a < rows; a++) {
        double rest = right[a];
        for (size_t b = 0; b < rows; b++)
            if (b != a) rest -= gram[a * rows + b] * factors[b];
        double next = fmax(rest / gram[a * rows + a], 0);
        most = fmax(most, fabs(next - factors[a]));
        factors[a] = next;
    }
    return most;
}

enum lathe_status regress(const uint8_t *counts, const double *y, const double *prior, size_t networks, size_t rows,
                          double *x, struct lathe_error *err)
{
    double *gram = calloc(rows * rows + 1, sizeof *gram);
    double *right = calloc(rows + 1, sizeof *right);
    double *scaled = calloc(rows + 1, sizeof *scaled);
    enum lathe_status st = LATHE_OK;
    if (!gram || !right || !scaled) {
        st = error_set(err, LATHE_NO_MEMORY, "out of memory for a regression on %zu rows", rows);
        goto out;
    }
    double scale = scale_prior(counts, y, prior, networks, rows);
    for (size_t k = 0; k < rows; k++) {
        scaled[k] = scale * prior[k];
        x[k] = 1;
    }
    normal_equations(counts, y, scaled, networks, rows, gram, right);
    for (int i = 0; i < SWEEPS_MAX && sweep(gram, right, rows, x) > converged; i++) continue;
    for (size_t k = 0; k < rows; k++) x[k] *= scaled[k];
out:
    free(gram);
    free(right);
    free(scaled);
    return st;
}
