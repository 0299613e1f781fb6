/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/trust.h"

#include <math.h>
#include <stdlib.h>

#include "lut/base/rank.h"

/* Below this a subnet is judged by a factor that it had a part in: two others say too little. */
enum { LEAVE_OUT_FROM = 3 };

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double ratio_of(const struct trust_pair *pair)
{
    return pair->measured_ms / pair->predicted_ms;
}

/* The median ratio of all pairs but one. @param without n: of all. @param room n numbers. */
static double factor_of(const struct trust_pair *pairs, size_t n, size_t without, double *room)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (i != without) room[count++] = ratio_of(&pairs[i]);
    qsort(room, count, sizeof *room, compare);
    return count % 2 ? room[count / 2] : (room[count / 2 - 1] + room[count / 2]) / 2;
}

enum lathe_status trust_of(const struct trust_pair *pairs, size_t n, struct trust *out, struct lathe_error *err)
{
    double *room = malloc(2 * (n + 1) * sizeof *room);
    if (!room || n < 1) {
        free(room);
        return error_set(err, LATHE_NO_MEMORY, "out of memory for %zu held-out subnets", n);
    }
    struct trust t = {.subnets = n, .factor = factor_of(pairs, n, n, room), .tau = NAN};
    for (size_t i = 0; i < n; i++) {
        double factor = n >= LEAVE_OUT_FROM ? factor_of(pairs, n, i, room) : t.factor;
        double error = fabs(factor * pairs[i].predicted_ms / pairs[i].measured_ms - 1);
        t.mape += error / (double)n;
        t.raw_mape += fabs(pairs[i].predicted_ms / pairs[i].measured_ms - 1) / (double)n;
        if (error > t.worst) t.worst = error;
    }
    double *measured = room + n;
    for (size_t i = 0; i < n; i++) {
        room[i] = pairs[i].predicted_ms;
        measured[i] = pairs[i].measured_ms;
    }
    int failed = kendall_tau(room, measured, n, &t.tau);
    free(room);
    if (failed) return error_set(err, LATHE_NO_MEMORY, "out of memory for %zu held-out subnets", n);
    *out = t;
    return LATHE_OK;
}
