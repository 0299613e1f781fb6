/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What answers at serial ports. Threads: any. */
#ifndef LATHE_AGENT_PORT_SCAN_H
#define LATHE_AGENT_PORT_SCAN_H

#include <jansson.h>
#include <stdatomic.h>

/** Ask at each port in turn, first Lathe's HELLO, then MLPerf Tiny's name; some seconds for one that is silent. Ports
 * of registered devices are left alone, since opening a port may reset a board.
 *  @param take_ports as serial_ports_list() has them. @param asked see scout_scan().
 *  @param stop not 0: give up; NULL: never.
 *  @return the ports, each with an "answer": {"protocol": "lathe", "mlperf-tiny" or null,"name","detail","device"};
 * NULL when given up. */
json_t *port_scan(json_t *take_ports, const json_t *asked, const atomic_int *stop);

#endif
