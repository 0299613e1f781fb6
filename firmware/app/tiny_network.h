/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What MLPerf Tiny's commands run, and the input that they load. Threads: main's. */
#ifndef LATHE_FIRMWARE_TINY_NETWORK_H
#define LATHE_FIRMWARE_TINY_NETWORK_H

#include "firmware/app/networks.h"

struct network tiny_network(void);
/** "lathe-48" for the one that is built in, "net-" and eight digits for another. @param out 16 bytes. */
void tiny_network_name(const struct network *, char *out);

/** Room for an input, at the arena's end, where no layer of the network reaches. @return what is wrong with the size,
 * for a person; NULL when nothing is. */
const char *tiny_input_begin(const struct network *, uint32_t bytes);
/** Forget the input: another network comes, or runs over it. */
void tiny_input_forget(void);
/** @return whether it was the last one. More are dropped. */
bool tiny_input_add(int8_t value);
/** The input as far as it was loaded. */
const int8_t *tiny_input(uint32_t *bytes);
/** NULL unless all of it was loaded, for this network, and is still there. */
const int8_t *tiny_input_whole(const struct network *);

#endif
