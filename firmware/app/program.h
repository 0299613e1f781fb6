/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What this program is, and what it says of itself and its board. Threads: main's. */
#ifndef LATHE_FIRMWARE_PROGRAM_H
#define LATHE_FIRMWARE_PROGRAM_H

#include "agents/wire/message.h"

#define PROGRAM_NAME "lathe-firmware " LATHE_VERSION

/** CRC-32 of the image in flash, eight digits: another program, another text. */
const char *program_build(void);
/** Another value after every start: from what a reset leaves in RAM, the chip, the time of the first request and the
 *  host's nonce. Stays as it is once asked for. @param nonce of the first HELLO. */
uint32_t program_boot(uint32_t nonce);
/** Bytes of flash that the image takes. */
uint32_t program_image_bytes(void);

/** Fingerprint line "key=value" of a session opened with these. @return false when there is no such line. */
bool program_line(unsigned index, const struct wire_open *, char line[WIRE_LINE_BYTES]);
unsigned program_lines(void);

void program_board(struct wire_board_reply *);

#endif
