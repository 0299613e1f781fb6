/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What an agent finds out about a microcontroller's memory. All runs inside a write. Threads: plain values. */
#ifndef LATHE_JOBS_BOARD_NEWS_H
#define LATHE_JOBS_BOARD_NEWS_H

#include <jansson.h>

#include "lut/kv/kv.h"

struct board_refusal;
struct jobs;

/** The agent has opened a session for a lease and tells what board is there: kept with the device. A profile whose plan
 *  is for another room, or for none, is planned anew. @param lease its document.
 *  @param[out] planned_anew the lease has ended. */
enum lathe_status board_told(struct jobs *, struct kv_txn *, const json_t *lease, const json_t *board,
                             bool *planned_anew, struct lathe_error *err);

/** A network of a job does not fit. A profile is planned anew from smaller ones, and goes on; rows that are as large
 *  are left out. A measurement fails, unless it is its sentinel: it goes on without one.
 *  @return LATHE_INVALID (field "no_room"): the job has no such network. */
enum lathe_status board_refused(struct jobs *, struct kv_txn *, json_t *job, const struct board_refusal *,
                                struct lathe_error *err);

#endif
