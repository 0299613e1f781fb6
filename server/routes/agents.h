/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What other routes need of agents. Threads: any. */
#ifndef LATHE_ROUTES_AGENTS_H
#define LATHE_ROUTES_AGENTS_H

#include "server/routes/app.h"

/** Whether the caller may act as an agent: an agent's token acts for the agent of its name, and for no other. False
 * when the 403 reply is set. */
bool may_act_as(struct http_request *, const char *agent);

/** Forget what an agent told, if it ever did. */
enum lathe_status agent_forget(struct app *, const char *agent, struct lathe_error *err);

#endif
