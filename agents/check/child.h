/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The program under check: started, written to and read from with bounds on every wait. Unlike a transport's link it
 * shows how a program ends, and can be left without input, as both are checked. Threads: one owner. */
#ifndef LATHE_CHECK_CHILD_H
#define LATHE_CHECK_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "lut/base/error.h"

struct child;

/** Start a program in a process group of its own. @param argv NULL-ended; borrowed during the call.
 *  @return LATHE_NOT_FOUND when there is no such program, LATHE_IO. */
enum lathe_status child_start(const char *const *argv, struct child **out, struct lathe_error *err);
/** End it, by SIGTERM and SIGKILL where it must be. NULL is allowed. */
void child_stop(struct child *);

/** @return LATHE_TIMEOUT when it does not read, LATHE_IO when it has ended or closed its input. */
enum lathe_status child_write(struct child *, const void *bytes, size_t n, struct lathe_error *err);
/** At least one byte, at most n. @return LATHE_TIMEOUT; LATHE_IO when it has ended: err says how, with the last line
 *  of its standard error. */
enum lathe_status child_read(struct child *, void *bytes, size_t n, int timeout_ms, size_t *got,
                             struct lathe_error *err);
/** Close its standard input. */
void child_end_input(struct child *);
/** Wait for its end. @return whether it has ended. */
bool child_wait(struct child *, int timeout_ms);

#endif
