/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Tells the server which devices could be reached from here: serial ports, and hosts that ssh knows by name. It looks
 * every few seconds and tells when it starts and when something has changed. It opens ports only when it is asked to
 * scan. A server that has no use for it is left in peace. Threads: it has one of its own. */
#ifndef LATHE_AGENT_SCOUT_H
#define LATHE_AGENT_SCOUT_H

#include "agents/agent/api.h"
#include "agents/agent/config.h"

struct scout;

/** @param config borrowed until scout_stop(). */
enum lathe_status scout_start(const struct api_options *, const struct agent_config *config, struct scout **out,
                              struct lathe_error *err);
/** Look at what answers at the ports, as the server asks, and tell it; on the scout's thread. @param document borrowed:
 *  {"kind":"scan","id","baud","ports":[beside those that are listed],"registered":[{"device","port"}: to be left
 * alone]}.
 */
void scout_scan(struct scout *, const json_t *document);
/** Wait for the call under way, which options.aborted cuts short, and end. NULL is allowed. */
void scout_stop(struct scout *);

#endif
