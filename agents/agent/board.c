/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/agent/board.h"

/* What is not UTF-8 is nothing to show. */
static json_t *text(const char *from)
{
    json_t *value = json_string(from);
    return value ? value : json_string("");
}

json_t *board_json(const struct session *session)
{
    static const char *const clocks[] = {"ns", "cycles", "instructions"};
    const struct session_board *b = session_board(session);
    if (!b) return NULL;
    return json_pack("{s:o,s:o,s:I,s:o,s:s,s:I,s:I,s:I,s:I,s:b,s:o,s:o,s:o}", "name", text(b->board), "core",
                     text(b->core), "clock_hz", (json_int_t)b->core_hz, "timer", text(b->timer), "clock",
                     clocks[session_clock(session)], "sram_bytes", (json_int_t)b->sram_bytes, "flash_bytes",
                     (json_int_t)b->flash_bytes, "arena_bytes", (json_int_t)b->arena_bytes, "code_bytes",
                     (json_int_t)b->code_bytes, "emulated", b->emulated, "fault",
                     b->fault[0] ? text(b->fault) : json_null(), "runner", text(session_runner(session)), "build",
                     text(session_build_id(session)));
}
