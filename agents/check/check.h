/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* `lathe-agent check-runner`: whether a program is a runner as agents/wire/PROTOCOL.md describes one. checks.h has the
 * suite. Threads: one. */
#ifndef LATHE_CHECK_CHECK_H
#define LATHE_CHECK_CHECK_H

/** @param argv from "check-runner" on. @return the exit status: 0 all checks passed, 1 some failed, 2 wrong usage, or
 *  the runner can't be started. */
int check_runner_command(int argc, char **argv);

#endif
