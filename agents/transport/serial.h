/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Serial ports: finding them, and who has them open. Threads: any. */
#ifndef LATHE_TRANSPORT_SERIAL_H
#define LATHE_TRANSPORT_SERIAL_H

#include "agents/transport/transport.h"

enum { PORT_PATH_BYTES = 4096 };

/** The port that a name means now. @param name as lut/base/port.h has them. @param[out] path PORT_PATH_BYTES.
 *  @return LATHE_IO when nothing of that name is plugged in; LATHE_INVALID when a "usb:" name fits several. */
enum lathe_status serial_find(const char *name, char *path, struct lathe_error *err);
/** Which program has a port open, as far as /proc tells this user: "lathe-agent (process 4711)". @param[out] out ""
 *  when none is found. This process does not count. */
void serial_holder(const char *path, char *out, size_t out_bytes);
/** How long so many bytes take on a line, in milliseconds, rounded up. @param baud 0: the default. */
int serial_bytes_ms(int bytes, int baud);

#endif
