/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What only memory knows: deadlines of leases, and when agents were heard of. Neither is worth a write to disk each
 * time; after a restart deadlines begin anew and agents are heard of within seconds. Threads: any. */
#ifndef LATHE_JOBS_LIVENESS_H
#define LATHE_JOBS_LIVENESS_H

#include <stdbool.h>

#include "server/jobs/jobs.h"

void liveness_see_agent(struct jobs *, const char *agent);
/** A lease whose deadline has passed. @param[out] id 40 bytes. @return false when there is none. */
bool liveness_overdue_lease(struct jobs *, char *id);
void liveness_forget_lease(struct jobs *, const char *lease);

#endif
