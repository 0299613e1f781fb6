/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Byte streams to where a runner is. One const struct transport a way (local, ssh, serial), listed in transport.c.
 *
 * To add one: a file with its struct, listed in transport.c; it passes tests/unit/test_transport.c's shared suite.
 * Threads: a link belongs to one thread at a time. */
#ifndef LATHE_TRANSPORT_TRANSPORT_H
#define LATHE_TRANSPORT_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lut/base/error.h"

struct link; /* an open connection to a runner */

struct transport {
    const char *name; /* "local" */
    /* Start or reach the runner. @param argv for local: program and arguments, NULL-ended; borrowed. */
    enum lathe_status (*open)(const char *const *argv, struct link **out, struct lathe_error *err);
    enum lathe_status (*write)(struct link *, const void *bytes, size_t n, struct lathe_error *err);
    /* Read at least one byte, at most n. LATHE_TIMEOUT after timeout_ms; LATHE_IO when the other side has ended: err
     * says how (exit status, signal, and the last line it wrote to its standard error). */
    enum lathe_status (*read)(struct link *, void *bytes, size_t n, int timeout_ms, size_t *got,
                              struct lathe_error *err);
    /* End it: a local process gets SIGTERM, after two seconds SIGKILL, and is waited for. NULL is allowed. */
    void (*close)(struct link *);
};

const struct transport *transport_find(const char *name);

#endif
