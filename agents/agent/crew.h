/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Asks the server for work and hands it to a worker for each device, until it is told to stop. A worker whose device
 * has had nothing to do for a while ends, so that its runner gives its memory back.
 *
 * Threads: crew_run() blocks one; each worker has its own. */
#ifndef LATHE_AGENT_CREW_H
#define LATHE_AGENT_CREW_H

#include <stdbool.h>

#include "agents/agent/worker.h"

struct crew_options {
    struct worker_options worker;
    bool once; /* end when there is no work */
};

/** @return LATHE_OK when told to stop, or when there is no work and `once` is set; LATHE_DENIED when the server does
 *  not accept the token or the name; LATHE_CONFLICT when another agent has the name here; others when it can't start.
 */
enum lathe_status crew_run(const struct crew_options *, struct lathe_error *err);

#endif
