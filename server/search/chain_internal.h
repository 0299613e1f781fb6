/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the files of the knapsack share. */
#ifndef LATHE_SEARCH_CHAIN_INTERNAL_H
#define LATHE_SEARCH_CHAIN_INTERNAL_H

#include "server/search/chain.h"

enum {
    CHAIN_BINS = 500,
    CHAIN_SLACK = 1, /* bins by which sums of rounded weights may be too large */
    CHAIN_BOUNDS = CHAIN_BINS + CHAIN_SLACK + 1,
    CHAIN_SETS = 3, /* as many resolutions as one enumeration mostly looks at */
};
static const float CHAIN_NEVER = -1e30f;

/* A slot that is there under some value of its group's hub. Weights are parts of the budget; parts are those of one
 * limit each. */
struct block {
    int slot; /* index among the chain's slots */
    size_t
        first_choice;   /* number of the combination that option 0 makes with the hub's value, as in the slot's table */
    float *weights;     /* [resolutions][options]; above 1 for what is not allowed */
    float *parts;       /* [resolutions][options][limits] */
    float least[COSTS]; /* [limits] of the options at the resolution under way */
    size_t bound;       /* where in a set of bounds its own are, [CHAIN_BOUNDS]: the best from it to the end */
};

struct variant {
    uint8_t value;    /* of the hub */
    int first, count; /* its blocks */
    float gain;
};

struct group {
    int hub;            /* -1: none */
    int first, count;   /* its variants */
    size_t bound;       /* [CHAIN_BOUNDS]: the best from here to the end of the chain */
    float least[COSTS]; /* [limits] from here to the end, at the resolution under way */
};

struct kept {
    float score;
    int at;
};

struct chain {
    const struct problem *problem;
    struct limits limits;
    int weighed[COSTS], weighed_count; /* additive costs that have a limit */
    float mix[COSTS];                  /* [limits] how much each counts in the budget; sums to 1 */
    int hub_of_dim[SPACE_MAX_DIMS];    /* -1: none */
    int slot_of_dim[SPACE_MAX_DIMS];   /* of a dimension that belongs to one slot; -1: shared, or of no slot */
    bool active[SPACE_MAX_SLOTS][SPACE_MAX_VALUES];
    struct chain_slot slots[SPACE_MAX_SLOTS];
    int slot_count;
    int chain_slot_of[SPACE_MAX_SLOTS];        /* index of a slot of the space among them; -1: it has one option only */
    float base_parts[SPACE_MAX_VALUES][COSTS]; /* [resolutions][limits] of slots with one option and no hub */
    float base[SPACE_MAX_VALUES];              /* [resolutions] the same in the budget */
    struct group groups[SPACE_MAX_SLOTS + 1];
    struct variant *variants;
    struct block *blocks;
    int group_count, variant_count, block_count;
    float *gains, *weights, *parts; /* where slots and blocks have theirs */
    size_t options_most;            /* of a slot: the stride of weights */
    float *sets[CHAIN_SETS];        /* of bounds, each for one resolution */
    float *bounds;                  /* the set in use */
    size_t set_size;
    /* Of the enumeration under way. */
    struct kept heap[CHAIN_CANDIDATES_MOST];
    struct subnet subnets[CHAIN_CANDIDATES_MOST];
    int heap_count, most;
    float threshold; /* a bound above it can still lead to a candidate */
    float spread;    /* of the scores in the last enumeration: how far below the best the last one was */
    struct subnet at;
    float left[COSTS]; /* [limits] */
    int row;           /* of the resolution */
    long nodes_left;
    struct chain_work work;
};

static inline const float *chain_weights(const struct chain *c, const struct block *b)
{
    return b->weights + (size_t)c->row * c->options_most;
}

static inline const float *chain_parts(const struct chain *c, const struct block *b, int option)
{
    return b->parts + ((size_t)c->row * c->options_most + (size_t)option) * COSTS;
}

/** Mix the limits' parts into the weights of a resolution, by its row. */
void chain_weigh(struct chain *, int row);
/** The least that blocks and groups need of each limit, at c->row. */
void chain_find_least(struct chain *);

#endif
