/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The serial ports of this machine. Threads: any. */
#ifndef LATHE_AGENT_SERIAL_PORTS_H
#define LATHE_AGENT_SERIAL_PORTS_H

#include <jansson.h>

/** [{"port","description","vid","pid","serial"}], by port: its path, one of /dev/serial/by-id where it has one, since
 *  that stays when boards are plugged in another order; vid and pid as four hexadecimal digits. What is unknown is
 * null. Ports of the 8250 kind are opened for it, so list anew only when serial_ports_key() has changed.
 *  @return new array; NULL: no memory. */
json_t *serial_ports_list(void);

/** A text that is another one when ports were plugged in or out; it costs next to nothing. @return malloc'd; NULL: no
 *  memory. */
char *serial_ports_key(void);

#endif
