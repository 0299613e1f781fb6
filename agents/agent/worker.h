/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Takes leases and works them off, one at a time, until it is told to stop. Threads: one; the outbox has its own. */
#ifndef LATHE_AGENT_WORKER_H
#define LATHE_AGENT_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "lut/base/error.h"

struct worker_options {
    const char *server, *token, *ca_file; /* see struct api_options */
    const char *name;                     /* of the agent */
    const char *runner;                   /* path of lathe-run */
    bool once;                            /* end when there is no work */
    const atomic_int *stop;               /* not 0: finish the visit under way, report, end */
};

/** @return LATHE_OK when told to stop, or when there is no work and `once` is set; LATHE_DENIED when the server does
 *  not accept the token or the name; other errors when it can't start. */
enum lathe_status worker_run(const struct worker_options *, struct lathe_error *err);

#endif
