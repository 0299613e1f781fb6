/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which networks a night measures, and how often.
 *
 * They are the planner's covering subnets of the space, of a seed that never changes: each night measures a row in the
 * same contexts, so that one night's visits can be held against another's. A row is compared where it has NIGHT_VISITS
 * visits or more.
 *
 *   time enough  all covering subnets, in as many rounds as the budget holds: three at least, four where there is none,
 *                so many at most that a row gets 24 visits.
 *   less         of the covering subnets the few that hold every row once, NIGHT_VISITS visits each, as many as the
 *                budget holds: those first that bring most in their time. What a row counts is what it matters (it is
 *                on a front, or in a shipped subnet), how wide its interval was when it was measured last, and how many
 *                nights ago that was, the latest hundred being looked at, so that every row has its night.
 *
 * Shipped subnets come first, and take half of the budget at most. Rows that only stand alone (microcontrollers) are
 * networks of one layer. The same input gives the same plan.
 * Threads: as the kv_txn given. */
#ifndef LATHE_JOBS_NIGHT_PLAN_H
#define LATHE_JOBS_NIGHT_PLAN_H

#include <jansson.h>

#include "lut/table/table.h"
#include "server/jobs/room.h"
#include "server/spaces/space.h"

/* NIGHT_VISITS: of a row, so that it can be compared. NIGHT_RUNS: timed ones a visit. */
enum { NIGHT_VISITS = 9, NIGHT_ROUNDS = 4, NIGHT_ROUNDS_MAX = 8, NIGHT_RUNS = 3, NIGHT_SHIPPED_VISITS = 12 };

/* All borrowed. */
struct night_choice {
    const struct space *space;
    const int *resolutions; /* NULL: all of the space */
    size_t resolution_count;
    struct table_id table; /* whose newest version tells times; its device's document tells what room a board has */
    uint32_t version;      /* of the night: it does not count among those before. 0: none yet */
    const json_t *fronts;  /* object, layer text -> anything: rows on fronts. NULL: none */
    const json_t *shipped; /* array of {"shipped": id, "context": hex, "layers": [texts]}. NULL: none */
    double budget_s;       /* of device time; 0: none */
};

struct night_plan {
    json_t *networks; /* for struct night_request; owned */
    int rounds;
    size_t rows_total;    /* of the space at these resolutions that fit the device */
    size_t rows_measured; /* of those: that get NIGHT_VISITS or more */
    size_t shipped_left_out;
    double estimate_s; /* device time */
};
void night_plan_clear(struct night_plan *);

/** @param[out] out night_plan_clear() it. At least one network, however small the budget.
 *  @return LATHE_INVALID (field "resolutions"), LATHE_NOT_FOUND: the device has no such table; or as plan_make(). */
enum lathe_status night_plan_make(struct kv_txn *, const struct night_choice *, struct night_plan *out,
                                  struct lathe_error *err);
/** The same to measure some rows and shipped subnets of a night again: each row in the contexts in which the night has
 *  it, 12 visits in all at least; what else stands in these networks is measured with them. The budget is not looked
 *  at. @param rows array of layer texts; those that the night does not have are skipped.
 *  @param shipped array of ids; those that choice->shipped does not have are skipped. NULL: none.
 *  @return LATHE_NOT_FOUND also when nothing is left to measure. */
enum lathe_status night_plan_confirm(struct kv_txn *, const struct night_choice *, const json_t *rows,
                                     const json_t *shipped, struct night_plan *out, struct lathe_error *err);

#endif
