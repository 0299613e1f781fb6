/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Two groups of numbers compared by ranks, within strata: a row's latency depends on the network that it stands in, so
 * only visits of the same network are compared with each other. Threads: any. */
#ifndef LATHE_NIGHTLY_RANKS_H
#define LATHE_NIGHTLY_RANKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lut/base/error.h"

struct ranked {
    double value;
    uint32_t stratum;
    bool now; /* which of the two groups */
};

/** Sort by stratum, then value. */
void ranked_sort(struct ranked *, size_t n);

/** The chance of ranks as uneven as these, if both groups are alike: Mann and Whitney's U (1947) of each stratum,
 * summed with van Elteren's (1960) weights 1 / (numbers + 1), two-sided. Exact where no numbers are equal and the
 * groups are small; else by the normal approximation with corrections for ties and continuity. Strata with one group
 * only don't count.
 *  @param s n of them; sorted by stratum and value afterwards. @param[out] p 1 when nothing can be compared.
 *  @return LATHE_NO_MEMORY. */
enum lathe_status rank_test(struct ranked *s, size_t n, double *p, struct lathe_error *err);

struct rank_shift {
    double shift; /* of the group "now" against the other: median of all differences within strata; NAN: no pairs */
    double lower, upper; /* its 95% interval */
    size_t before, now;  /* numbers that were compared */
    size_t strata;
};

/** Hodges and Lehmann's (1963) shift with the interval that the normal approximation of the (unweighted) sum of U
 * gives.
 *  @param s sorted afterwards, as by rank_test(). @return LATHE_NO_MEMORY. */
enum lathe_status rank_shift(struct ranked *s, size_t n, struct rank_shift *out, struct lathe_error *err);

#endif
