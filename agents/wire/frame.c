/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/wire/frame.h"

uint32_t wire_crc32(uint32_t crc, const void *bytes, size_t n)
{
    /* By half bytes: a table of 64 bytes suits a microcontroller's flash and cache. */
    static const uint32_t table[16] = {
        0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u, 0x4db26158u, 0x5005713cu,
        0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu, 0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu,
    };
    const uint8_t *at = bytes;
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= at[i];
        crc = (crc >> 4) ^ table[crc & 15];
        crc = (crc >> 4) ^ table[crc & 15];
    }
    return ~crc;
}

/* Consistent overhead byte stuffing: each run of up to 254 bytes without a zero is led by its length plus one. */
struct cobs_writer {
    uint8_t *code, *at;
};

static void cobs_put(struct cobs_writer *w, uint8_t byte)
{
    if (byte != 0) {
        *w->at++ = byte;
        (*w->code)++;
        return;
    }
    w->code = w->at++;
    *w->code = 1;
}

size_t wire_frame(const uint8_t *message, size_t n, uint8_t *frame)
{
    if (n == 0 || n > WIRE_MESSAGE_BYTES) return 0;
    uint32_t crc = wire_crc32(0, message, n);
    frame[0] = 0;
    struct cobs_writer w = {frame + 1, frame + 2};
    *w.code = 1;
    /* Message and CRC together are at most 253 bytes, so no code byte ever reaches 255 with more to follow. */
    for (size_t i = 0; i < n; i++) cobs_put(&w, message[i]);
    for (int i = 0; i < 4; i++) cobs_put(&w, (uint8_t)(crc >> (8 * i)));
    *w.at++ = 0;
    return (size_t)(w.at - frame);
}

/* Undo COBS in place. @return bytes, or 0 when a code points past the end. */
static size_t cobs_undo(uint8_t *bytes, size_t n)
{
    size_t in = 0;
    size_t out = 0;
    while (in < n) {
        uint8_t code = bytes[in++];
        if ((size_t)code - 1 > n - in) return 0;
        for (uint8_t i = 1; i < code; i++) bytes[out++] = bytes[in++];
        if (code < 255 && in < n) bytes[out++] = 0;
    }
    return out;
}

/* @return bytes of the message in a completed stretch, or 0 when it is no intact frame. */
static size_t check_frame(uint8_t *bytes, size_t n)
{
    size_t size = cobs_undo(bytes, n);
    if (size < 5) return 0;
    size -= 4;
    uint32_t crc = (uint32_t)bytes[size] | (uint32_t)bytes[size + 1] << 8 | (uint32_t)bytes[size + 2] << 16 |
                   (uint32_t)bytes[size + 3] << 24;
    return wire_crc32(0, bytes, size) == crc ? size : 0;
}

void wire_decoder_init(struct wire_decoder *d)
{
    d->size = 0;
    d->too_long = 0;
}

size_t wire_decode(struct wire_decoder *d, uint8_t byte)
{
    if (byte != 0) {
        if (d->size == WIRE_FRAME_BYTES - 2) d->too_long = 1;
        if (!d->too_long) d->buffer[d->size++] = byte;
        return 0;
    }
    size_t n = d->too_long ? 0 : d->size;
    wire_decoder_init(d);
    return n ? check_frame(d->buffer, n) : 0;
}
