/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/check/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool fail(struct verdict *v, const char *paragraph, const char *expected, const char *format, va_list args)
{
    if (v->result == VERDICT_FAILED) return false;
    v->result = VERDICT_FAILED;
    if (paragraph) v->paragraph = paragraph;
    snprintf(v->expected, sizeof v->expected, "%s", expected);
    vsnprintf(v->got, sizeof v->got, format, args);
    return false;
}

bool verdict_fail(struct verdict *v, const char *expected, const char *got_format, ...)
{
    va_list args;
    va_start(args, got_format);
    fail(v, NULL, expected, got_format, args);
    va_end(args);
    return false;
}

bool verdict_fail_by(struct verdict *v, const char *paragraph, const char *expected, const char *got_format, ...)
{
    va_list args;
    va_start(args, got_format);
    fail(v, paragraph, expected, got_format, args);
    va_end(args);
    return false;
}

static void add_note(struct verdict *v, const char *format, va_list args)
{
    size_t n = strlen(v->note);
    if (n && n + 3 < sizeof v->note) n += (size_t)snprintf(v->note + n, sizeof v->note - n, "; ");
    vsnprintf(v->note + n, sizeof v->note - n, format, args);
}

void verdict_note(struct verdict *v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_note(v, format, args);
    va_end(args);
}

bool verdict_skip(struct verdict *v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (v->result == VERDICT_OK) v->result = VERDICT_SKIPPED;
    add_note(v, format, args);
    va_end(args);
    return false;
}
