/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The device's side of an exchange: knows the session, repeats the last reply to a repeated request, and never serves
 * it to another one. A device loop is:
 *
 *     n = wire_decode(&decoder, byte);
 *     if (n && wire_receive(&responder, decoder.buffer, n) == WIRE_HANDLE) {
 *         read the payload by wire_payload(), write one by wire_reply() or wire_fail();
 *         wire_reply_end(&responder, ..);
 *     }
 *     send responder.frame, responder.frame_bytes unless wire_receive() said WIRE_IGNORE
 *
 * Freestanding C11, as frame.h. Threads: one responder a stream. */
#ifndef LATHE_WIRE_RESPONDER_H
#define LATHE_WIRE_RESPONDER_H

#include "agents/wire/message.h"

enum wire_action {
    WIRE_IGNORE, /* no request: send nothing */
    WIRE_SEND,   /* a repeated request, or one that is refused: responder.frame is the answer */
    WIRE_HANDLE, /* a new request: make an answer */
};

struct wire_responder {
    bool in_session, have_last;
    uint32_t nonce;    /* of the session */
    uint16_t last_seq; /* of the last request handled, and its CRC */
    uint32_t last_crc;
    struct wire_header header; /* of the request at hand */
    const uint8_t *payload;    /* borrowed from the caller of wire_receive() */
    size_t payload_bytes;
    uint8_t message[WIRE_MESSAGE_BYTES]; /* the last reply, for repeats */
    size_t message_bytes;
    uint8_t frame[WIRE_FRAME_BYTES]; /* what to send */
    size_t frame_bytes;
};

void wire_responder_init(struct wire_responder *);
/** Look at a message. A HELLO of a version that this code speaks starts a session: the caller drops what the last one
 *  had. @param message must stay as it is until the answer was made. */
enum wire_action wire_receive(struct wire_responder *, const uint8_t *message, size_t n);
/** The payload of the request at hand, for reading. */
struct wire_cursor wire_payload(const struct wire_responder *);
/** A cursor for the payload of the answer. */
struct wire_cursor wire_reply(struct wire_responder *);
/** Frame the answer and keep it for repeats. @return false when the payload did not fit. */
bool wire_reply_end(struct wire_responder *, const struct wire_cursor *);
/** Answer by an error instead. @param text cut to fit. */
void wire_fail(struct wire_responder *, enum wire_error_code, uint64_t detail, const char *text);

#endif
