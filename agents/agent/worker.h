/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Works off the leases of one device, one after another. Threads: one owner; the outbox has its own. */
#ifndef LATHE_AGENT_WORKER_H
#define LATHE_AGENT_WORKER_H

#include "agents/agent/api.h"
#include "agents/agent/config.h"

struct worker;

struct worker_options {
    struct api_options api;            /* `aborted` is not looked at */
    const struct agent_config *config; /* borrowed */
    const atomic_int *stop;            /* not 0: finish the visit under way, report, end */
};

enum lathe_status worker_new(const struct worker_options *, struct worker **out, struct lathe_error *err);
/** Close the runner. NULL is allowed. */
void worker_free(struct worker *);
/** Work off a lease and give it back. @param document of the lease, as the server sent it. */
void worker_take(struct worker *, const json_t *document);

#endif
