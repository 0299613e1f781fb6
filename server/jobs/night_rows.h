/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The rows of a night's plan: what each takes, and what it counts. Threads: as the kv_txn given. */
#ifndef LATHE_JOBS_NIGHT_ROWS_H
#define LATHE_JOBS_NIGHT_ROWS_H

#include "server/jobs/night_plan.h"
#include "server/jobs/planner.h"

struct night_row {
    const char *text; /* borrowed from night_rows.index */
    size_t contexts;  /* networks of the plan that hold it */
    double score;     /* of night_rows_score() */
    bool taken;       /* for the planner's use, as the next */
    int visits;
};

struct night_rows {
    struct night_row *items; /* in the order of the covering plan */
    size_t count;
    json_t *index; /* object, text -> number */
    struct table_id table;
    double ns_per_mac;
};

/** All rows of a plan that found nothing there. @param[out] out night_rows_clear() it, on failure too. */
enum lathe_status night_rows_init(struct night_rows *out, struct kv_txn *, struct table_id, const struct plan *,
                                  struct lathe_error *err);
void night_rows_clear(struct night_rows *);
bool night_rows_find(const struct night_rows *, const char *text, size_t *row);
/** The different rows of a network. @param[out] rows malloc'd numbers. */
enum lathe_status night_rows_of(const struct night_rows *, const json_t *layers, size_t **rows, size_t *count,
                                struct lathe_error *err);
/** What a layer takes by its table, or by its multiply-accumulates where the table does not have it. */
enum lathe_status night_row_ns(struct kv_txn *, const struct night_rows *, const char *text, double *ns,
                               struct lathe_error *err);
/** Score all rows: 1 for itself, 4 more where it matters, half its interval in hundredths of it (3 at most; 1 where
 *  unknown), and 1 for each night since it was measured last, the latest 100 being looked at. */
enum lathe_status night_rows_score(struct night_rows *, struct kv_txn *, const struct night_choice *,
                                   struct lathe_error *err);

#endif
