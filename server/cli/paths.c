/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdarg.h>
#include <string.h>

#include "server/cli/cli.h"

static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";

static bool too_long(void)
{
    fputs("lathe: a name or value is too long\n", stderr);
    return false;
}

/* Append text, percent-encoded. @return false when it does not fit. */
static bool append_encoded(char *path, size_t *length, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (*length + 4 > PATH_BYTES) return false;
        if (strchr(unreserved, *text)) {
            path[(*length)++] = *text;
        } else {
            path[(*length)++] = '%';
            path[(*length)++] = hex[c >> 4];
            path[(*length)++] = hex[c & 15];
        }
    }
    path[*length] = '\0';
    return true;
}

bool path_print(char out[PATH_BYTES], const char *format, ...)
{
    va_list args;
    size_t n = 0;
    bool fits = true;
    va_start(args, format);
    for (; fits && *format; format++) {
        if (format[0] == '%' && format[1] == 's') {
            fits = append_encoded(out, &n, va_arg(args, const char *));
            format++;
        } else if (n + 1 < PATH_BYTES) {
            out[n++] = *format;
        } else {
            fits = false;
        }
    }
    va_end(args);
    out[n] = '\0';
    return fits || too_long();
}

bool path_query(char path[PATH_BYTES], const char *name, const char *value)
{
    size_t n = strlen(path);
    if (!value) return true;
    if (n + strlen(name) + 3 > PATH_BYTES) return too_long();
    n += (size_t)snprintf(path + n, PATH_BYTES - n, "%c%s=", strchr(path, '?') ? '&' : '?', name);
    return append_encoded(path, &n, value) || too_long();
}
