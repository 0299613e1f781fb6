/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How people name serial ports: by a path, "/dev/serial/by-id/usb-..-if00", or by what is plugged in,
 * "usb:VID:PID" or "usb:VID:PID:SERIAL" with USB's numbers as four hexadecimal digits, "usb:0483:374b:0669FF".
 * Threads: any. */
#ifndef LATHE_BASE_PORT_H
#define LATHE_BASE_PORT_H

#include <stdbool.h>

/** Whether a text names a port: of at most 255 bytes, without spaces and control characters. */
bool port_is_name(const char *text);
/** Take a "usb:" name apart. @param[out] serial points into name; "" when there is none: any.
 *  @return false: it is a path, or no name. */
bool port_usb(const char *name, int *vid, int *pid, const char **serial);

#endif
