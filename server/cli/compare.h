/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the files of `lathe compare` share: compare.c measures and makes the report, compare_print.c shows it. */
#ifndef LATHE_CLI_COMPARE_H
#define LATHE_CLI_COMPARE_H

#include "server/cli/cli.h"

/** Print a report as tables: for a terminal, or as Markdown. @param report document of `lathe compare --json`. */
void compare_print(const json_t *report, bool markdown);

/** The report's plot as SVG. @return malloc'd text, or NULL after saying why. */
char *compare_plot(const json_t *report);

#endif
