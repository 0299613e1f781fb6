/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The one log sink of a program. Libraries return errors and print nothing; programs log one line an event.
 * Threads: any; a line is written whole. */
#ifndef LATHE_BASE_LOG_H
#define LATHE_BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/** Lines go to stderr as "<UTC time> <level> <message>". Levels above max are dropped; the default is LOG_INFO. */
void log_set_level(enum log_level max);

/** Write one line. Ids are given as fields at the end: log_event(LOG_WARN, "failed to renew lease: %s lease=%s", ...).
 *  Control characters in the message are replaced by '?', so that input can't forge a line. */
void log_event(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** "error", "warn", "info" or "debug" to a level. @return 0, or -1 when it is none of these. */
int log_level_parse(const char *text, enum log_level *out);

#endif
