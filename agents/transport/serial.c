/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A board on a serial port, on libserialport. The port is found anew at each opening, since a board that was unplugged
 * may come back under another name; it is locked, so that no other program's bytes get in between; and what came before
 * is thrown away. Reading waits by poll(), which tells at once that a port has gone. */
#include <errno.h>
#include <libserialport.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agents/transport/serial.h"
#include "lut/base/clock.h"
#include "lut/base/port.h"

/* PULSE_MS: what a reset line needs to be seen. A byte takes ten bits; WRITE_SLACK_MS is for what a host keeps back. */
enum { PULSE_MS = 100, WRITE_SLACK_MS = 2000, BITS_A_BYTE = 10 };

struct link {
    struct sp_port *port;
    int fd, baud;
    char name[PORT_PATH_BYTES];
    bool gone; /* unplugged */
};

int serial_bytes_ms(int bytes, int baud)
{
    if (baud <= 0) baud = SERIAL_BAUD_DEFAULT;
    return (int)((int64_t)bytes * BITS_A_BYTE * 1000 / baud) + 1;
}

static const char *sp_words(void)
{
    return errno ? strerror(errno) : "libserialport failed";
}

static enum lathe_status refuse(const char *name, enum sp_return code, struct lathe_error *err)
{
    if (code == SP_ERR_ARG) return error_set(err, LATHE_INVALID, "%s is no serial port", name);
    if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
        return error_set(err, LATHE_IO, "no board is plugged in at %s", name);
    if (errno == EACCES || errno == EPERM)
        return error_set(err, LATHE_DENIED,
                         "the agent may not open %s: add its user to the group that owns the port, as in "
                         "adduser USER dialout, and start it anew",
                         name);
    return error_set(err, LATHE_IO, "failed to open %s: %s", name, sp_words());
}

static enum lathe_status busy(const char *name, struct lathe_error *err)
{
    char holder[128];
    serial_holder(name, holder, sizeof holder);
    return error_set(err, LATHE_CONFLICT, "%s is busy: %s has it open", name,
                     holder[0] ? holder : "another device of this agent, or another user's program,");
}

/* The lock is advisory, but flock() is what other programs of this kind look at; TIOCEXCL keeps out those that look at
 * nothing, unless they run as root. */
static enum lathe_status lock(struct link *l, struct lathe_error *err)
{
    if (flock(l->fd, LOCK_EX | LOCK_NB) == 0) {
        ioctl(l->fd, TIOCEXCL);
        return LATHE_OK;
    }
    if (errno == EWOULDBLOCK) return busy(l->name, err);
    return error_set(err, LATHE_IO, "failed to lock %s: %s", l->name, strerror(errno));
}

static enum lathe_status configure(struct link *l, const struct serial_line *line, struct lathe_error *err)
{
    static const enum sp_flowcontrol flows[] = {SP_FLOWCONTROL_NONE, SP_FLOWCONTROL_RTSCTS, SP_FLOWCONTROL_XONXOFF};
    l->baud = line->baud > 0 ? line->baud : SERIAL_BAUD_DEFAULT;
    errno = 0;
    if (sp_set_baudrate(l->port, l->baud))
        return error_set(err, LATHE_UNSUPPORTED, "%s can't be set to %d baud: %s", l->name, l->baud, sp_words());
    if (sp_set_bits(l->port, 8) || sp_set_parity(l->port, SP_PARITY_NONE) || sp_set_stopbits(l->port, 1))
        return error_set(err, LATHE_IO, "failed to set %s to 8 bits without parity: %s", l->name, sp_words());
    if (sp_set_flowcontrol(l->port, flows[line->flow]))
        return error_set(err, LATHE_UNSUPPORTED, "%s can't be set to this flow control: %s", l->name, sp_words());
    return LATHE_OK;
}

static enum lathe_status pulse(struct link *l, const struct serial_line *line, struct lathe_error *err)
{
    bool failed = false;
    errno = 0;
    if (line->reset == SERIAL_RESET_NONE) return LATHE_OK;
    if (line->reset == SERIAL_RESET_DTR) {
        /* Through a capacitor: the edge resets. */
        failed = sp_set_dtr(l->port, SP_DTR_OFF) != SP_OK;
        poll(NULL, 0, PULSE_MS);
        failed = failed || sp_set_dtr(l->port, SP_DTR_ON) != SP_OK;
    } else {
        /* Through a transistor: the level holds it in reset, unless DTR is set as well. */
        failed = sp_set_dtr(l->port, SP_DTR_OFF) != SP_OK || sp_set_rts(l->port, SP_RTS_ON) != SP_OK;
        poll(NULL, 0, PULSE_MS);
        failed = failed || sp_set_rts(l->port, SP_RTS_OFF) != SP_OK;
    }
    if (failed) return error_set(err, LATHE_UNSUPPORTED, "%s has no line to reset by: %s", l->name, sp_words());
    return LATHE_OK;
}

static void serial_close(struct link *l)
{
    if (!l) return;
    if (l->fd >= 0) {
        ioctl(l->fd, TIOCNXCL);
        sp_close(l->port);
    }
    sp_free_port(l->port);
    free(l);
}

static enum lathe_status open_port(struct link *l, const struct serial_line *line, struct lathe_error *err)
{
    enum lathe_status st = serial_find(line->port, l->name, err);
    if (st) return st;
    errno = 0;
    enum sp_return code = sp_get_port_by_name(l->name, &l->port);
    if (!code) code = sp_open(l->port, SP_MODE_READ_WRITE);
    if (code && errno == EBUSY) return busy(l->name, err);
    if (code) return refuse(l->name, code, err);
    if (sp_get_port_handle(l->port, &l->fd)) {
        l->fd = -1;
        return error_set(err, LATHE_IO, "failed to open %s: it has no handle", l->name);
    }
    st = lock(l, err);
    if (!st) st = configure(l, line, err);
    if (!st) st = pulse(l, line, err);
    if (!st && sp_flush(l->port, SP_BUF_BOTH)) st = error_set(err, LATHE_IO, "failed to empty %s", l->name);
    return st;
}

static enum lathe_status open_once(const struct serial_line *line, struct link **out, struct lathe_error *err)
{
    struct link *l = calloc(1, sizeof *l);
    if (!l) return error_set(err, LATHE_NO_MEMORY, "out of memory for a link");
    l->fd = -1;
    enum lathe_status st = open_port(l, line, err);
    if (st) serial_close(l);
    else *out = l;
    return st;
}

static enum lathe_status serial_open(const char *const *argv, const struct transport_options *o, struct link **out,
                                     struct lathe_error *err)
{
    (void)argv;
    if (!o || !o->line.port || !port_is_name(o->line.port))
        return error_field(err, "device.transport.port",
                           "the device's port is neither a path nor usb:VID:PID[:SERIAL]");
    struct retry retry;
    enum lathe_status st;
    retry_begin(&retry, o);
    do st = open_once(&o->line, out, err);
    while (retry_wait(&retry, st, err));
    return st;
}

static enum lathe_status gone(struct link *l, struct lathe_error *err)
{
    l->gone = true;
    return error_set(err, LATHE_IO, "%s has gone: the board was unplugged, or its port was reset", l->name);
}

/* Wait until the port can be read from or written to. */
static enum lathe_status wait_for(struct link *l, short events, uint64_t deadline_ns, struct lathe_error *err)
{
    struct pollfd p = {.fd = l->fd, .events = events};
    if (l->gone) return gone(l, err);
    for (;;) {
        uint64_t now = clock_now_ns();
        int ms = now >= deadline_ns ? 0 : (int)((deadline_ns - now + 999999) / 1000000);
        int n = poll(&p, 1, ms);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return error_set(err, LATHE_IO, "failed to wait for %s: %s", l->name, strerror(errno));
        if (p.revents & events) return LATHE_OK;
        if (n > 0) return gone(l, err);
        return error_set(err, LATHE_TIMEOUT, "nothing came from %s", l->name);
    }
}

static uint64_t deadline_after(int ms)
{
    return clock_now_ns() + (uint64_t)(ms > 0 ? ms : 0) * 1000000u;
}

static enum lathe_status serial_write(struct link *l, const void *bytes, size_t n, struct lathe_error *err)
{
    const char *at = bytes;
    uint64_t deadline = deadline_after(serial_bytes_ms((int)n, l->baud) + WRITE_SLACK_MS);
    while (n) {
        enum lathe_status st = wait_for(l, POLLOUT, deadline, err);
        if (st == LATHE_TIMEOUT)
            return error_set(err, LATHE_IO, "%s does not take bytes: is its flow control as the board's?", l->name);
        if (st) return st;
        enum sp_return sent = sp_nonblocking_write(l->port, at, n);
        if (sent < 0) return gone(l, err);
        at += sent;
        n -= (size_t)sent;
    }
    return LATHE_OK;
}

static enum lathe_status serial_read(struct link *l, void *bytes, size_t n, int timeout_ms, size_t *got,
                                     struct lathe_error *err)
{
    enum lathe_status st = wait_for(l, POLLIN, deadline_after(timeout_ms), err);
    if (st) return st;
    enum sp_return have = sp_nonblocking_read(l->port, bytes, n);
    /* Ready to be read, and nothing there: the end of what has been unplugged. */
    if (have <= 0) return gone(l, err);
    *got = (size_t)have;
    return LATHE_OK;
}

const struct transport serial_transport = {
    .name = "serial",
    .peer = "Lathe's firmware",
    .lossy = true,
    .open = serial_open,
    .write = serial_write,
    .read = serial_read,
    .close = serial_close,
};
