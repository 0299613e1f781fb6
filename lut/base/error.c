/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fill(struct lathe_error *err, enum lathe_status status, const char *field, int line, const char *format,
                 va_list args)
{
    if (!err) return;
    /* Through a copy: an argument may point into err itself. */
    char message[sizeof err->message];
    char name[sizeof err->field];
    vsnprintf(message, sizeof message, format, args);
    snprintf(name, sizeof name, "%s", field);
    err->status = status;
    err->line = line;
    memcpy(err->message, message, sizeof message);
    memcpy(err->field, name, sizeof name);
}

enum lathe_status error_set(struct lathe_error *err, enum lathe_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, status, "", 0, format, args);
    va_end(args);
    return status;
}

enum lathe_status error_field(struct lathe_error *err, const char *field, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, LATHE_INVALID, field, 0, format, args);
    va_end(args);
    return LATHE_INVALID;
}

enum lathe_status error_line(struct lathe_error *err, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fill(err, LATHE_INVALID, "", line, format, args);
    va_end(args);
    return LATHE_INVALID;
}

void error_in_field(struct lathe_error *err, const char *prefix)
{
    if (!err) return;
    char name[sizeof err->field];
    memcpy(name, err->field, sizeof name);
    const char *dot = name[0] == '\0' || name[0] == '[' ? "" : ".";
    /* A path too long for the field is cut: the message still says what is wrong. */
    int n = snprintf(err->field, sizeof err->field, "%s%s", prefix, dot);
    if (n > 0 && (size_t)n < sizeof err->field) strncat(err->field, name, sizeof err->field - (size_t)n - 1);
}

const char *status_text(enum lathe_status status)
{
    switch (status) {
    case LATHE_OK:
        return "ok";
    case LATHE_NOT_FOUND:
        return "not found";
    case LATHE_INVALID:
        return "invalid";
    case LATHE_CONFLICT:
        return "conflict";
    case LATHE_INFEASIBLE:
        return "can't be met";
    case LATHE_DENIED:
        return "denied";
    case LATHE_IO:
        return "input/output error";
    case LATHE_NO_MEMORY:
        return "out of memory";
    case LATHE_NEWER:
        return "made by a newer version";
    case LATHE_UNSUPPORTED:
        return "unsupported";
    case LATHE_TIMEOUT:
        return "timed out";
    case LATHE_CANCELLED:
        return "cancelled";
    case LATHE_FULL:
        return "full";
    }
    return "unknown";
}
