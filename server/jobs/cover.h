/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A small set of subnets that meets the deficits of a grid's rows. Threads: one owner of everything. */
#ifndef LATHE_JOBS_COVER_H
#define LATHE_JOBS_COVER_H

#include "lut/base/rng.h"
#include "server/jobs/grid.h"

struct cover {
    struct subnet *items; /* canonical, all different */
    size_t count, capacity;
};

/** Add subnets of one resolution until no row there has a deficit that any further subnet of the space could lessen.
 *  Deficits are lowered by what the subnets hold.
 *  @param resolution index among the grid's. */
enum lathe_status cover_resolution(struct grid *, int resolution, struct rng *, struct cover *,
                                   struct lathe_error *err);

/** How many different subnets that fit hold a row, counted up to `most`. */
int cover_contexts(const struct grid *, const struct grid_row *, int most, struct rng *);

#endif
