/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The planner's view of a space: which row stands in which slot for which choice, as small tables of row numbers.
 * Threads: one owner. */
#ifndef LATHE_JOBS_GRID_H
#define LATHE_JOBS_GRID_H

#include "lut/base/rng.h"
#include "server/jobs/room.h"
#include "server/spaces/space.h"

enum { GRID_OCCURRENCES = 8 };

/* A place where a row stands. */
struct grid_place {
    int resolution, slot, choice; /* resolution: index among the grid's */
};

struct grid_row {
    char text[LAYER_TEXT_BYTES];
    uint64_t arena_bytes, flash_bytes;          /* that its layer needs on a board */
    const char *refusal;                        /* why no board's firmware runs it; NULL: it does. Static */
    struct grid_place places[GRID_OCCURRENCES]; /* the first few */
    int place_count;
    int contexts; /* wanted in the end */
    int deficit;  /* subnets still to come that hold the row; below 0 when more than wanted do */
    unsigned stamp;
};

/* A slot at one resolution: a row number for each combination of its other dimensions; -1: skipped. */
struct grid_slot {
    struct space_choices choices;
    int *rows;
};

struct grid {
    const struct space *space;
    bool on_board; /* subnets must fit in `room` */
    struct board_room room;
    int resolution_count, slot_count;
    uint8_t resolutions[SPACE_MAX_VALUES]; /* value indices, ascending */
    struct grid_slot *slots;               /* [resolution_count][slot_count] */
    struct grid_row *rows;
    size_t row_count;
    unsigned stamp; /* of the last walk over a subnet's rows */
};

/** grid_clear() it, also on failure. @param room of the device; NULL: whatever the space has fits. */
enum lathe_status grid_init(struct grid *, const struct space *, const int *resolutions, size_t count,
                            const struct board_room *room, struct lathe_error *err);
void grid_clear(struct grid *);

/** The row in a slot, or -1. @param resolution index among the grid's; the subnet's own is not looked at. */
int grid_row_at(const struct grid *, int resolution, int slot, const struct subnet *);
/** The different rows of a subnet. @param rows SPACE_MAX_SLOTS. @return how many. */
int grid_rows_of(struct grid *, int resolution, const struct subnet *, int *rows);
/** Whether a row's layer fits by itself. */
bool grid_row_fits(const struct grid *, const struct grid_row *);
/** Whether a subnet fits as a whole. @param resolution as for grid_row_at(). */
bool grid_fits(const struct grid *, int resolution, const struct subnet *);
/** Lower dimensions of a subnet, chosen at random, until it fits. Sizes rise with every dimension, so that a subnet
 * that holds what stands at a place is found if there is one. @param place that it goes on choosing; NULL: none.
 *  @return false: nothing fits. */
bool grid_shrink(const struct grid *, int resolution, const struct grid_place *place, struct rng *, struct subnet *);
/** Make a subnet choose what stands at a place. */
void grid_choose(const struct grid *, const struct grid_place *, struct subnet *);

#endif
