/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Frames of the wire protocol: a message and its CRC-32, COBS-encoded, between zero bytes. PROTOCOL.md has the bytes.
 *
 * Freestanding C11: no heap, no libc, no floating point, so that firmware compiles it as it is.
 * Threads: plain values; one decoder a stream. */
#ifndef LATHE_WIRE_FRAME_H
#define LATHE_WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum {
    WIRE_FRAME_BYTES = 256,                       /* most bytes of a frame on the wire, delimiters included */
    WIRE_MESSAGE_BYTES = WIRE_FRAME_BYTES - 3 - 4 /* most bytes of a message: without delimiters, COBS code and CRC */
};

/** CRC-32 of IEEE 802.3 (reflected, 0xEDB88320), as zlib's crc32(). Chains: start with 0, pass the last result on. */
uint32_t wire_crc32(uint32_t crc, const void *bytes, size_t n);

/** Make a frame. @param n 1..WIRE_MESSAGE_BYTES. @param frame WIRE_FRAME_BYTES bytes; must not overlap message.
 *  @return bytes of the frame, 0 when n is out of range. */
size_t wire_frame(const uint8_t *message, size_t n, uint8_t *frame);

/* Finds frames in a stream of bytes. What is no intact frame is dropped without a word: after garbage it is in step
 * again at the next zero byte. */
struct wire_decoder {
    uint8_t buffer[WIRE_FRAME_BYTES];
    uint16_t size;
    uint8_t too_long; /* dropping until the next zero byte */
};

void wire_decoder_init(struct wire_decoder *);
/** Take one byte. @return the size of the message that it completed, which is in decoder->buffer until the next call;
 *  0 when it completed none. */
size_t wire_decode(struct wire_decoder *, uint8_t byte);

#endif
