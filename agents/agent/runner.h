/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The runner that an agent keeps: one session, open from lease to lease as long as device and config stay the same, so
 * that weights stay packed. Threads: one owner. */
#ifndef LATHE_AGENT_RUNNER_H
#define LATHE_AGENT_RUNNER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "agents/agent/config.h"
#include "agents/agent/drift.h"
#include "agents/agent/lease.h"
#include "agents/transport/session.h"

struct runner;

/** @param agent borrowed. @param stop not 0: reaching a device is given up; borrowed, may be NULL. */
struct runner *runner_new(const struct agent_config *agent, const atomic_int *stop);
/** Whom to tell why a device can't be reached, while it is tried again: struct transport_options. */
void runner_tell_away(struct runner *, void (*away)(void *context, const char *why), void *context);
/** Close the session. NULL is allowed. */
void runner_free(struct runner *);
/** Close the session; the next lease opens a new one. */
void runner_close(struct runner *);

/** What is known of the speed of the device that the runner is open for; forgotten with the job. */
struct drift *runner_drift(struct runner *);

/** Make ready for a lease: open a session, or go on with the one that is open.
 *  @param[out] fingerprint new reference.
 *  @param[out] fatal on failure: trying again can't help (no such program, runtime or transport). */
enum lathe_status runner_ready(struct runner *, const struct lease *, json_t **fingerprint, bool *fatal,
                               struct lathe_error *err);
/** What the board is that the session is with, as board.h has it. @return new reference; NULL: it is none, or no
 * session is open. */
json_t *runner_board(const struct runner *);
/* What to do with a network, and what it cost. */
struct runner_visit {
    int network; /* of the lease */
    int warmup, runs;
    uint64_t busy_ns, build_ns; /* outcome: device time, and that part of it which went into building the network */
    bool no_room;               /* outcome: the network does not fit the device, even alone */
    uint64_t needs_bytes;       /* that it needs then; 0: unknown */
};
/** Wait with visits while the device is hotter, degrees Celsius; 0: don't. */
double runner_cool_below_c(const struct runner *);
/** How the device is now. @return false where its runner can't tell. */
bool runner_state(struct runner *, struct device_state *out);
/** Visit a network of the lease. On failure the session is closed when it is of no more use.
 *  @param[out] out visit_samples_clear() it. @param[out] fatal as above: the network can't be run. */
enum lathe_status runner_run(struct runner *, const struct lease *, struct runner_visit *, struct visit_samples *out,
                             bool *fatal, struct lathe_error *err);

#endif
