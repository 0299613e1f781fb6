/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A microcontroller as the server is told of it. Threads: any. */
#ifndef LATHE_AGENT_BOARD_H
#define LATHE_AGENT_BOARD_H

#include <jansson.h>

#include "agents/transport/session.h"

/** {"name","core","clock_hz","timer","clock": "ns", "cycles" or "instructions","sram_bytes","flash_bytes",
 *  "arena_bytes","code_bytes","emulated","fault": text or null,"runner","build"}.
 *  @return new reference; NULL: the runner is no board. */
json_t *board_json(const struct session *);

#endif
