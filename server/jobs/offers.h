/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which piece of work an agent may take now. Functions run inside a transaction. Threads: as the transaction. */
#ifndef LATHE_JOBS_OFFERS_H
#define LATHE_JOBS_OFFERS_H

#include "server/jobs/internal.h"

enum { PLACE_BYTES = 320 };

/* A piece of work that an agent may take. */
struct offer {
    json_t *job, *device;
    json_t *ended;              /* array of the agent's leases that end by taking this one: it does not know of them */
    char place[PLACE_BYTES];    /* the machine that it runs on */
    char cpus[CPUS_TEXT_BYTES]; /* processors of it; "": all */
};

/** The first job that the agent may work on: its device is the agent's or anyone's, has no lease, and shares no
 *  processor with a device that has one.
 *  @param[out] out offer_clear() it. @return LATHE_NOT_FOUND when there is none. */
enum lathe_status offer_find(struct kv_txn *, const struct lease_request *, struct offer *out, struct lathe_error *err);
void offer_clear(struct offer *);

#endif
