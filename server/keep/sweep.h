/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which raw samples go, and their going.
 *
 * Samples are thinned by age, row by row (lut/table/thin.h): once the newest of a row is older than keep_ms. Nights
 * that were accepted keep theirs, since later nights are set against them. When more than 80% of the store's limit is
 * in use, the age from which samples go is halved until less than 75% is, or it has come to a day: so the oldest go
 * first, and what is being measured stays.
 *
 * Rows go by the handful, each handful in a write transaction of its own that looks again at what it is about to do. So
 * nobody waits for long, and a server that dies meanwhile has lost nothing.
 *
 * Key: keeper/state   {"thinned_ms","thinned_samples"}
 *
 * Threads: any, one sweep at a time. */
#ifndef LATHE_KEEP_SWEEP_H
#define LATHE_KEEP_SWEEP_H

#include <stdatomic.h>

#include "lut/kv/kv.h"

struct sweep_request {
    int64_t keep_ms;         /* 0: for ever, but for a store that fills up */
    int64_t now_ms;          /* wall clock */
    const atomic_bool *stop; /* true: end soon, what is left is for the next sweep; NULL: never */
};
struct sweep_report {
    size_t rows, samples; /* that were thinned */
    bool early;           /* the store is filling up: samples younger than keep_ms were to go */
    bool short_of_room;   /* and still is above 75% */
    int64_t kept_ms;      /* age from which samples went; 0: none went by age */
};
enum lathe_status sweep_samples(struct kv *, const struct sweep_request *, struct sweep_report *out,
                                struct lathe_error *err);

/* What all sweeps came to. */
struct sweep_totals {
    int64_t thinned_ms; /* wall clock: when samples went last; 0: never */
    uint64_t samples;
};
enum lathe_status sweep_totals(struct kv *, struct sweep_totals *out, struct lathe_error *err);

#endif
