/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Events of what the store does not hold of devices: that one went online, offline or busy, and when it was last heard
 * of. A new time alone is told every few seconds at most. So are agents that went online or offline.
 *
 * Threads: the hub's, but for new and free. */
#ifndef LATHE_ROUTES_DEVICE_STATES_H
#define LATHE_ROUTES_DEVICE_STATES_H

#include "server/events/hub.h"
#include "server/jobs/jobs.h"

struct device_states;

/** Look after devices by the hub's ticks, and when leases change. Both are borrowed. */
enum lathe_status device_states_new(struct event_hub *, struct jobs *, struct device_states **out,
                                    struct lathe_error *err);
/** After event_hub_stop(). NULL is allowed. */
void device_states_free(struct device_states *);

#endif
