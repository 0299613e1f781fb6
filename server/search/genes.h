/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Variation as once-for-all's evolution_finder.py has it: a block's kernel size and expand ratio mutate together.
 * Threads: one owner. */
#ifndef LATHE_SEARCH_GENES_H
#define LATHE_SEARCH_GENES_H

#include "server/search/internal.h"

/* Dimensions that mutate together: a block's kernel and expand ratio, or one alone. */
struct gene {
    int dims[2];
    int count;
};

struct genes {
    struct gene items[SPACE_MAX_DIMS];
    int count;
};

void genes_find(struct genes *, const struct space *);
/** Draw every gene anew with this probability. */
void genes_mutate(const struct genes *, const struct problem *, struct rng *, double probability,
                  const struct subnet *parent, struct subnet *child);
/** Every dimension from one of two parents. */
void genes_cross(const struct space *, struct rng *, const struct subnet *a, const struct subnet *b,
                 struct subnet *child);

#endif
