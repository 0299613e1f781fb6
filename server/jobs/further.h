/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Visits beyond a profile's first rounds, for rows and held-out subnets whose intervals are still wider than asked.
 *
 * A row's interval shrinks with the root of its visits, so what it takes now tells how many more it needs. Visits are
 * chosen greedily: each time the covering subnet that most rows in need stand in. A held-out subnet is a row of its own
 * here. A few rows are always wider than the
 * others, and few subnets hold many of them.
 *
 * Where a profile has promised more device time than its rows need (progress.c), it is spent on the widest ones.
 *
 * The forecast does the same with what rows are likely to need: how much a row's visits differ is known from few of
 * them, so the logarithm of each is drawn towards the others', by how much of its spread is chance (an empirical Bayes
 * estimate, in the manner of Smyth 2004, "Linear models and empirical Bayes methods for assessing differential
 * expression", section 6).
 *
 * Threads: inside a write. */
#ifndef LATHE_JOBS_FURTHER_H
#define LATHE_JOBS_FURTHER_H

#include <jansson.h>
#include <stddef.h>

#include "lut/kv/kv.h"

struct further {
    json_t *visits; /* numbers of networks, in the order in which to visit them; owned */
    size_t wide;    /* rows of the covering subnets whose interval is wider than asked, or unknown */
};

/** What to visit next. No visits: all rows are as precise as asked, or have had as many visits as one may. */
enum lathe_status further_visits(struct kv_txn *, const json_t *job, struct further *out, struct lathe_error *err);
/** What to visit where all rows are as precise as asked: the widest ones. @param most visits; fewer come where rows
 * have had as many as one may. */
enum lathe_status further_filling(struct kv_txn *, const json_t *job, size_t most, struct further *out,
                                  struct lathe_error *err);
/** Visits that are likely to come beyond those of the plan. @param[out] visits 0 where no interval is asked for; what
 *  usually comes as long as rows were hardly visited twice. The job keeps it: it is made anew when the plan has
 *  changed, or a thirty-second of its visits has been done since. */
enum lathe_status further_forecast(struct kv_txn *, json_t *job, double *visits, struct lathe_error *err);

#endif
