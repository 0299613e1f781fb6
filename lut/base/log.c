/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static _Atomic int max_level = LOG_INFO;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_set_level(enum log_level max)
{
    atomic_store(&max_level, (int)max);
}

int log_level_parse(const char *text, enum log_level *out)
{
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, level_names[i]) != 0) continue;
        *out = (enum log_level)i;
        return 0;
    }
    return -1;
}

void log_event(enum log_level level, const char *format, ...)
{
    if ((int)level > atomic_load(&max_level)) return;
    char line[1200];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t head = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &utc);
    head +=
        (size_t)snprintf(line + head, sizeof line - head, ".%03ldZ %-5s ", now.tv_nsec / 1000000, level_names[level]);

    va_list args;
    va_start(args, format);
    int wrote = vsnprintf(line + head, sizeof line - head - 1, format, args);
    va_end(args);
    size_t length = head + (wrote < 0 ? 0 : (size_t)wrote);
    if (length > sizeof line - 2) length = sizeof line - 2;
    for (size_t i = head; i < length; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) line[i] = '?';
    line[length++] = '\n';
    /* One write a line keeps lines of several threads and processes whole; there is nowhere to report its failure. */
    if (write(STDERR_FILENO, line, length) < 0) return;
}
