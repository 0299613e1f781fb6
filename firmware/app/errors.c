/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* lut/base/error.h without printf: what layer_validate() and wire_layer_to() say, %s and %d. */
#include "lut/base/error.h"

#include <stdarg.h>

#include "firmware/app/text.h"

static void add_formatted(struct text *t, const char *format, va_list args)
{
    for (; *format; format++) {
        if (format[0] != '%') {
            text_add_char(t, *format);
            continue;
        }
        format++;
        if (*format == 's') text_add(t, va_arg(args, const char *));
        if (*format != 'd') continue;
        int number = va_arg(args, int);
        if (number < 0) text_add_char(t, '-');
        text_number(t, number < 0 ? 0 - (unsigned)number : (unsigned)number);
    }
}

enum lathe_status error_field(struct lathe_error *err, const char *field, const char *format, ...)
{
    if (!err) return LATHE_INVALID;
    err->status = LATHE_INVALID;
    err->line = 0;
    struct text name = text_into(err->field, sizeof err->field);
    text_add(&name, field);
    struct text t = text_into(err->message, sizeof err->message);
    va_list args;
    va_start(args, format);
    add_formatted(&t, format, args);
    va_end(args);
    return LATHE_INVALID;
}
