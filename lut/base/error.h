/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Statuses and error messages that every module shares.
 *
 * A function that can fail returns an enum lathe_status and takes an optional struct lathe_error *err as its last
 * parameter. On failure it fills err with a message that says what to do; callers pass NULL when the status is enough.
 * Threads: plain values, nothing shared. */
#ifndef LATHE_BASE_ERROR_H
#define LATHE_BASE_ERROR_H

enum lathe_status {
    LATHE_OK = 0,
    LATHE_NOT_FOUND,   /* what was asked for is not there; a normal answer */
    LATHE_INVALID,     /* input is malformed or out of range */
    LATHE_CONFLICT,    /* the state of things forbids it: exists already, is in use, rows are missing */
    LATHE_INFEASIBLE,  /* well formed, but nothing meets the constraints */
    LATHE_DENIED,      /* the caller may not do that */
    LATHE_IO,          /* the operating system or a device said no */
    LATHE_NO_MEMORY,   /* an allocation failed, or something does not fit a device */
    LATHE_NEWER,       /* data of a newer version than this program reads */
    LATHE_UNSUPPORTED, /* known, but not by this runtime, transport or build */
    LATHE_TIMEOUT,     /* no answer within the time allowed */
    LATHE_CANCELLED,   /* the caller asked to stop */
    LATHE_FULL,        /* no room to keep it: the disk is full, or a limit is reached */
};

struct lathe_error {
    enum lathe_status status;
    int line;          /* of the input, from 1; 0 when that has no meaning */
    char field[96];    /* dotted path of the field at fault, e.g. "constraints.latency_ms"; "" when none */
    char message[512]; /* one sentence or two, ends without a newline */
};

/** Set err (when not NULL) to a message without field and line. Long messages are cut.
 *  @return status, so that callers can write `return error_set(err, LATHE_IO, ...)`. */
enum lathe_status error_set(struct lathe_error *err, enum lathe_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** The same for an error in a named field: LATHE_INVALID. @param field copied; may be "". */
enum lathe_status error_field(struct lathe_error *err, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** The same for an error in a line of a text: LATHE_INVALID. @param line from 1. */
enum lathe_status error_line(struct lathe_error *err, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Put "prefix" before the field of an error that came from a nested object: "latency_ms" -> "constraints.latency_ms".
 */
void error_in_field(struct lathe_error *err, const char *prefix);

/** A short lower-case word for a status: "not found". Never NULL, static. */
const char *status_text(enum lathe_status status);

#endif
