/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A thread that sweeps (sweep.h) at the start, once an hour (more often where samples are kept for less), and as soon
 * as the store is filling up. Threads: any; keeper_tick() by one. */
#ifndef LATHE_KEEP_KEEPER_H
#define LATHE_KEEP_KEEPER_H

#include "server/keep/sweep.h"

struct keeper;

/** @param keep_ms see struct sweep_request. */
enum lathe_status keeper_new(struct kv *, int64_t keep_ms, struct keeper **out, struct lathe_error *err);
/** Call it every second or so. */
void keeper_tick(struct keeper *);
/** A sweep under way ends first, soon. NULL is allowed. */
void keeper_free(struct keeper *);

struct keeper_status {
    int64_t keep_ms; /* 0: for ever */
    bool early;      /* the last sweep found the store filling up */
    uint64_t sweeps; /* that have ended since the start */
};
void keeper_get_status(struct keeper *, struct keeper_status *out);

#endif
