/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How the program ends. */
#include <stdio.h>

#include "agents/check/checks.h"

static bool check_ends(struct probe *p, struct verdict *v, const char *after)
{
    char expected[96];
    bool ended = process_wait(p->runner, p->options.wait_ms);
    p->lost = true;
    if (ended) return true;
    snprintf(expected, sizeof expected, "the program to end within %d ms of %s", p->options.wait_ms, after);
    return verdict_fail(v, expected, "it still runs");
}

static bool check_bye(struct probe *p, struct verdict *v)
{
    if (!probe_open(p, v)) return false;
    struct wire_cursor c = probe_begin(p, WIRE_BYE);
    return probe_want_reply(p, v, &c) && probe_read_all(p, v) && check_ends(p, v, "BYE");
}

static bool check_eof(struct probe *p, struct verdict *v)
{
    if (!probe_open(p, v)) return false;
    process_end_input(p->runner);
    return check_ends(p, v, "the end of its input");
}

const struct check end_checks[] = {
    {"bye", "BYE is answered and ends the program", "11 BYE", check_bye, NULL},
    {"eof", "the end of its input ends the program", "A session", check_eof, NULL},
    {0},
};
