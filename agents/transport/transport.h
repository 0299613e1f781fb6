/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Byte streams to where a runner is. One const struct transport a way (local, ssh, serial), listed in transport.c.
 *
 * To add one: a file with its struct, listed in transport.c; it passes tests/unit/test_transport.c's shared suite.
 * Threads: a link belongs to one thread at a time. */
#ifndef LATHE_TRANSPORT_TRANSPORT_H
#define LATHE_TRANSPORT_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lut/base/error.h"

struct link; /* an open connection to a runner */

enum serial_flow { SERIAL_FLOW_NONE, SERIAL_FLOW_RTSCTS, SERIAL_FLOW_XONXOFF };
enum serial_reset { SERIAL_RESET_NONE, SERIAL_RESET_DTR, SERIAL_RESET_RTS };
enum { SERIAL_BAUD_DEFAULT = 115200, SERIAL_BAUD_LEAST = 1200, SERIAL_BAUD_MOST = 12000000 };

/* A serial line; eight bits, no parity, one stop bit. */
struct serial_line {
    const char *port; /* a path, links followed at each opening, or "usb:VID:PID[:SERIAL]"; see lut/base/port.h */
    int baud;         /* 0: SERIAL_BAUD_DEFAULT */
    enum serial_flow flow;
    enum serial_reset reset; /* the line that resets the board, pulsed at each opening */
};

/* Where the runner is and what it may use. What a transport has no use for it ignores. */
struct transport_options {
    const char *cpus;        /* the only processors to run on, "0-3,6"; NULL: any */
    const char *destination; /* ssh: [user@]host */
    int port;                /* ssh; 0: what ssh's configuration says */
    const char *ssh_config;  /* ssh: a file in place of ssh's own configuration; NULL: that */
    const char *bundles;     /* ssh: folder with runners to copy to devices, one folder an architecture */
    struct serial_line line; /* serial */
    int patience_s;          /* ssh, serial: how long to try again to reach the device; 0: one try */
    const atomic_int *stop;  /* not 0: give up opening with LATHE_CANCELLED; NULL: never */
    /* Told why the device can't be reached, each time before it is tried again; NULL: nobody wants to know. */
    void (*away)(void *context, const char *why);
    void *away_context;
};

struct transport {
    const char *name; /* "local" */
    const char *peer; /* what is at the other end, for errors: "lathe-run" */
    bool lossy;       /* bytes may be lost, changed or added on the way: ask in short frames, and often */
    /* Start or reach the runner. @param argv program and arguments, NULL-ended; borrowed. For ssh they are of the
     * device; NULL: copy Lathe's own runner there. serial has no use for them. @param options NULL: none.
     * @return LATHE_NOT_FOUND, LATHE_UNSUPPORTED, LATHE_INVALID, LATHE_DENIED: trying again can't help. */
    enum lathe_status (*open)(const char *const *argv, const struct transport_options *options, struct link **out,
                              struct lathe_error *err);
    enum lathe_status (*write)(struct link *, const void *bytes, size_t n, struct lathe_error *err);
    /* Read at least one byte, at most n. LATHE_TIMEOUT after timeout_ms; LATHE_IO when the other side has ended: err
     * says how (exit status, signal, and the last line it wrote to its standard error). */
    enum lathe_status (*read)(struct link *, void *bytes, size_t n, int timeout_ms, size_t *got,
                              struct lathe_error *err);
    /* End it: a local process gets SIGTERM, after two seconds SIGKILL, and is waited for. NULL is allowed. */
    void (*close)(struct link *);
};

const struct transport *transport_find(const char *name);

/* Reaching a device that is away again and again, with pauses that grow. For transports. */
struct retry {
    const struct transport_options *options;
    uint64_t until_ns, pause_ms;
};
void retry_begin(struct retry *, const struct transport_options *);
/** After a try that ended with st: tell options.away why, and pause. @return false when there is to be no other try:
 *  it went well, trying again can't help, patience is over, or options.stop is set. */
bool retry_wait(struct retry *, enum lathe_status st, const struct lathe_error *err);

#endif
