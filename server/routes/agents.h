/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What other routes need of agents. Threads: any. */
#ifndef LATHE_ROUTES_AGENTS_H
#define LATHE_ROUTES_AGENTS_H

#include "server/routes/app.h"

/** Whether the caller may act as an agent: an agent's token acts for the agent of its name, and for no other. False
 * when the 403 reply is set. */
bool may_act_as(struct http_request *, const char *agent);

/** An agent as the list of agents has it. @param[out] out new reference. @return LATHE_NOT_FOUND: it told nothing, no
 *  device names it, and it was not heard of. */
enum lathe_status agent_read(struct app *, const char *name, json_t **out, struct lathe_error *err);

/** Forget what an agent told, if it ever did. */
enum lathe_status agent_forget(struct app *, const char *agent, struct lathe_error *err);

#endif
