/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Bytes received and not read yet. One writer, the UART's interrupt, and one reader; a full ring drops what comes,
 * which the protocol's checks notice. */
#ifndef LATHE_FIRMWARE_RING_H
#define LATHE_FIRMWARE_RING_H

#include <stdint.h>

enum { RING_BYTES = 1024 }; /* a power of two; a host that repeats itself sends two frames of 256 */

struct ring {
    volatile uint32_t written, read; /* bytes ever */
    uint8_t bytes[RING_BYTES];
};

static inline void ring_put(struct ring *r, uint8_t byte)
{
    if (r->written - r->read == RING_BYTES) return;
    r->bytes[r->written % RING_BYTES] = byte;
    r->written++;
}

/** @return the next byte, or -1. */
static inline int ring_get(struct ring *r)
{
    if (r->read == r->written) return -1;
    uint8_t byte = r->bytes[r->read % RING_BYTES];
    r->read++;
    return byte;
}

#endif
