/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The multiple-choice knapsack: the best subnets of an additive model within limits, by enumeration.
 *
 * At one resolution a space of inverted residual blocks is a chain of groups (stages). A group has a hub, the dimension
 * that says which of its slots are there (the depth); every other dimension belongs to one slot. So the best that a
 * rest of the chain can still gain with a rest of the budget is found by dynamic programming over the budget in bins,
 * and the best subnets follow by depth-first search under that bound. Several limits are mixed into one budget, a
 * relaxation, in the mix that bounds best; each is also kept by itself, and exactly at the leaves. Bins are rounded to
 * the nearest with a little slack: what is found always meets the limits, and is in nearly all cases the best there is.
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

enum { CHAIN_OPTIONS_MOST = 256, CHAIN_CANDIDATES_MOST = 256 };

/* A slot whose layer can be chosen: its own dimensions, the options that they make (numbered by mixed radix), and the
 * hub under which it is there. */
struct chain_slot {
    int slot;
    int hub; /* -1: none */
    int dim_count, dims[SPACE_SLOT_DIMS], strides[SPACE_SLOT_DIMS];
    int option_count;
    uint8_t values[CHAIN_OPTIONS_MOST][SPACE_SLOT_DIMS]; /* of the dimensions, by option */
    int choices[CHAIN_OPTIONS_MOST]; /* numbers of combinations in the slot's table, the hub's part left out */
    float *gains;                    /* [option_count] what an option is worth in place of the centre's */
};

/** @return LATHE_UNSUPPORTED when the space is no such chain (a slot hangs on two dimensions that others share, too).
 */
enum lathe_status chain_new(const struct problem *, const struct limits *, struct chain **out, struct lathe_error *err);
void chain_free(struct chain *);
/** Enumerate within other limits from now on. */
void chain_set_limits(struct chain *, const struct limits *);

/** The hub of a dimension: the one that says whether it has an effect; -1: none. */
int chain_hub(const struct chain *, int dim);
/** Whether a dimension has an effect when its hub has this value. */
bool chain_active(const struct chain *, int dim, int hub_value);
/** The slots with options. Only their gains may be changed. */
struct chain_slot *chain_slots(struct chain *, int *count);
/** Give a subnet an option of a slot; its other dimensions stay. */
void chain_choose(const struct chain_slot *, int option, struct subnet *);
/** The option that a subnet has. */
int chain_option_of(const struct chain_slot *, const struct subnet *);

/** Enumerate around a centre: the best of all subnets at resolutions up to `reach` steps from its own, which differ
 *  from it as they like. Hubs and resolutions count with the model's gains, options with those of chain_slots().
 *  @param found space for `most`, at most CHAIN_CANDIDATES_MOST. @return how many, best first. */
int chain_enumerate(struct chain *, const struct additive_model *, const struct subnet *centre, int reach,
                    struct candidate *found, int most);
/** The same with the model's gains for all dimensions, one step far. */
int chain_best(struct chain *, const struct additive_model *, const struct subnet *centre, struct candidate *found,
               int most);

/* Work that chain_enumerate() has done so far. */
struct chain_work {
    uint64_t bounds; /* resolutions whose bounds were computed */
    uint64_t nodes;  /* of the depth-first searches */
};
struct chain_work chain_work(const struct chain *);

#endif
