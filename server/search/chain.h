/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The best subnets of an additive model within limits, by exact enumeration.
 *
 * At one resolution a space of inverted residual blocks is a chain of groups (stages). A group has a hub, the dimension
 * that says which of its slots are there (the depth); every other dimension belongs to one slot. So the best that a
 * rest of the chain can still gain with a rest of the budget is found by dynamic programming over the budget in bins,
 * and the best subnets follow by depth-first search under that bound. Several limits are weighed into one budget, a
 * relaxation, and checked exactly at the leaves.
 * Threads: a chain belongs to one search. */
#ifndef LATHE_SEARCH_CHAIN_H
#define LATHE_SEARCH_CHAIN_H

#include "server/search/internal.h"

struct chain;

/* What choosing a value instead of the centre's is worth, by dimension and value index. */
struct additive_model {
    float centre_top1;
    float gain[SPACE_MAX_DIMS][SPACE_MAX_VALUES];
};

struct candidate {
    float score; /* by the model */
    struct subnet subnet;
};

/** @return LATHE_UNSUPPORTED when the space is no such chain (a slot hangs on two dimensions that others share, too).
 */
enum lathe_status chain_new(const struct problem *, const struct limits *, struct chain **out, struct lathe_error *err);
void chain_free(struct chain *);

/** The hub of a dimension: the one that says whether it has an effect; -1: none. */
int chain_hub(const struct chain *, int dim);
/** Whether a dimension has an effect when its hub has this value. */
bool chain_active(const struct chain *, int dim, int hub_value);

/** Enumerate around a centre: all subnets of its resolution and of those next to it, which differ from it as they like.
 *  @param found space for `most`. @return how many, best first. */
int chain_best(struct chain *, const struct additive_model *, const struct subnet *centre, struct candidate *found,
               int most);

#endif
