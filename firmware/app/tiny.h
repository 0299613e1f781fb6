/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The commands of MLPerf Tiny's harness, on the same UART: text ended by '%', answered by lines that end in m-ready.
 * They time whole inferences of the network that was built last over the wire, or of one that is built in.
 *
 * Frames begin and end with a zero byte, and hold bytes that are no text before they could hold a command; whatever is
 * no text is left alone. A timestamp's clock stands still while a layer's constants are made and its input is written,
 * which a deployed network has no need of. Under emulation an instruction is a nanosecond. Threads: main's. */
#ifndef LATHE_FIRMWARE_TINY_H
#define LATHE_FIRMWARE_TINY_H

#include <stdint.h>

/** A byte of the UART; answers when it completes a command. */
void tiny_receive(uint8_t byte);

#endif
