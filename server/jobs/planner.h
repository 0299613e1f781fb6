/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What to measure so that a table can speak for a space: few whole subnets that hold every missing row.
 *
 * A row is one layer's text. Each missing row gets into at least PLAN_CONTEXTS different subnets, its contexts, since a
 * layer's latency depends on what ran before it; rows that fewer subnets of the space hold get all of those. The set is
 * a Latin one: within a stage every choice is taken equally often, and stages are combined at random.
 * For OFA's MobileNetV3 that makes 27 subnets a resolution: nine choices for a stage's first block, in three contexts.
 *
 * Beside them stand held-out subnets, drawn at random, whose whole latency says how far the table can be trusted, and a
 * sentinel, one subnet of middling choices that is run again and again: what it takes says how fast the device is then.
 *
 * On a microcontroller all of these are drawn from the subnets that fit. Rows that none of them holds, but that fit by
 * themselves, are to be timed alone; those that do not are left out, and told.
 *
 * Threads: plain values, no shared state. The same request gives the same plan. */
#ifndef LATHE_JOBS_PLANNER_H
#define LATHE_JOBS_PLANNER_H

#include "server/jobs/grid.h"

enum {
    PLAN_CONTEXTS = 3,
    PLAN_MAX_ROUNDS = 1000,
    PLAN_MAX_RUNS = 1000,
    PLAN_MAX_HELD_OUT = 100,
    PLAN_MAX_RANDOM = 2000
};

/* What a table has of a row already; zeros when it has none. */
struct plan_have {
    uint64_t samples;
    uint32_t contexts;
    bool precise; /* no more samples are wanted, however few there are */
};

struct plan_request {
    const struct space *space;
    const int *resolutions; /* pixels; each a value of the space; NULL: all of them */
    size_t resolution_count;
    int rounds, runs; /* visits to each network, timed runs a visit; at least 1 */
    int held_out;     /* subnets beside those that cover rows, over all resolutions; 0..PLAN_MAX_HELD_OUT */
    bool only_held_out;
    int random; /* subnets drawn beside those that cover rows, over all resolutions, counted among them */
    uint64_t seed;
    const struct board_room *room; /* of a microcontroller; NULL: the device is none */
    enum lathe_status (*have)(void *context, const char *layer_text, struct plan_have *out, struct lathe_error *err);
    void *context;
};

struct plan_row {
    char text[LAYER_TEXT_BYTES];
    int contexts; /* that it must have in the end */
    bool alone;   /* no subnet that fits holds it */
};

/* A row that the device has no room for. */
struct plan_left_out {
    char text[LAYER_TEXT_BYTES];
    uint64_t arena_bytes, flash_bytes; /* that it needs */
    const char *refusal;               /* why no board runs it; NULL: it needs more than there is. Static */
};

struct plan {
    struct subnet *networks; /* grouped by resolution, ascending; those that cover come first in each */
    bool *held_out;          /* of each network */
    size_t network_count;
    struct subnet sentinel;
    bool has_sentinel; /* false: no subnet fits */
    uint32_t *visits;  /* indices of networks, in the order in which to visit them */
    size_t visit_count;
    struct plan_row *rows;         /* the missing ones */
    size_t row_count, alone_count; /* of which so many are alone */
    struct plan_left_out *left_out;
    size_t left_out_count;
    size_t rows_total; /* rows of the space at these resolutions, missing or not, without those left out */
};

/** @param[out] out plan_clear() it. A plan without networks: nothing is missing. Fewer held-out subnets than asked are
 *  in it where the space hardly has other ones than those that cover.
 *  @return LATHE_INVALID (field "resolutions" or "rounds"), LATHE_UNSUPPORTED (slots with too many layers),
 *          LATHE_NO_MEMORY, or what have() returned. */
enum lathe_status plan_make(const struct plan_request *, struct plan *out, struct lathe_error *err);
void plan_clear(struct plan *);

#endif
