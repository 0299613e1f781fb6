/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The visits of a lease, one after the other, with the sentinel in between. Visits wait for the sentinel that follows
 * them, since what they count depends on it; those between two sentinels of which one shows that the device was
 * throttled are thrown away and done again after a pause, a few times.
 * Threads: one owner. */
#ifndef LATHE_AGENT_VISITS_H
#define LATHE_AGENT_VISITS_H

#include <stdatomic.h>

#include "agents/agent/outbox.h"
#include "agents/agent/runner.h"

/* How it went wrong. */
struct visits_failure {
    bool failed, fatal;   /* fatal: trying again can't help */
    bool no_room;         /* for one network of the lease, which is fatal */
    int network;          /* that one */
    uint64_t needs_bytes; /* that it needs; 0: unknown */
    struct lathe_error err;
};

/** Run a lease's visits and put their results into the outbox, until all are done, `stop` is not 0 or the outbox is no
 *  longer open. Precondition: runner_ready() for this lease. */
void visits_run(struct runner *, const struct lease *, struct outbox *, const atomic_int *stop,
                struct visits_failure *out);

#endif
