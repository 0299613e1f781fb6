/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/wire/responder.h"

void wire_responder_init(struct wire_responder *r)
{
    __builtin_memset(r, 0, sizeof *r);
}

struct wire_cursor wire_payload(const struct wire_responder *r)
{
    return wire_reader(r->payload, r->payload_bytes);
}

/* Begin an answer of this type to the request at hand. */
static struct wire_cursor begin(const struct wire_responder *r, uint8_t type, uint8_t *message)
{
    struct wire_cursor c = wire_writer(message, WIRE_MESSAGE_BYTES);
    struct wire_header header = r->header;
    header.type = type;
    wire_reply_header(&c, &header);
    return c;
}

struct wire_cursor wire_reply(struct wire_responder *r)
{
    return begin(r, (uint8_t)(r->header.type | WIRE_REPLY_BIT), r->message);
}

bool wire_reply_end(struct wire_responder *r, const struct wire_cursor *c)
{
    if (c->failed) return false;
    r->message_bytes = (size_t)(c->at - r->message);
    r->frame_bytes = wire_frame(r->message, r->message_bytes, r->frame);
    r->have_last = true;
    r->last_seq = r->header.seq;
    r->last_crc = r->header.request_crc;
    return true;
}

static struct wire_cursor write_error(const struct wire_responder *r, uint8_t *message, enum wire_error_code code,
                                      uint64_t detail, const char *text)
{
    struct wire_error e = {.code = (uint8_t)code, .detail = detail};
    for (size_t i = 0; i + 1 < sizeof e.text && text[i]; i++) e.text[i] = text[i];
    struct wire_cursor c = begin(r, WIRE_ERROR, message);
    wire_error(&c, &e);
    return c;
}

void wire_fail(struct wire_responder *r, enum wire_error_code code, uint64_t detail, const char *text)
{
    struct wire_cursor c = write_error(r, r->message, code, detail, text);
    wire_reply_end(r, &c);
}

/* Answer what is no part of the session, and keep the session's last reply. */
static enum wire_action refuse(struct wire_responder *r, enum wire_error_code code, uint64_t detail, const char *text)
{
    uint8_t message[WIRE_MESSAGE_BYTES];
    struct wire_cursor c = write_error(r, message, code, detail, text);
    r->frame_bytes = wire_frame(message, (size_t)(c.at - message), r->frame);
    return WIRE_SEND;
}

static enum wire_action repeat(struct wire_responder *r)
{
    r->frame_bytes = wire_frame(r->message, r->message_bytes, r->frame);
    return WIRE_SEND;
}

static enum wire_action start_session(struct wire_responder *r)
{
    struct wire_cursor c = wire_payload(r);
    struct wire_hello hello = {0};
    wire_u8(&c, &hello.version); /* the rest may differ in other versions */
    if (c.failed) return refuse(r, WIRE_E_MALFORMED, 0, "HELLO has no version");
    if (hello.version != WIRE_VERSION)
        return refuse(r, WIRE_E_VERSION, WIRE_VERSION, "this device speaks another version of the wire protocol");
    r->in_session = true;
    r->have_last = false;
    r->nonce = r->header.nonce;
    return WIRE_HANDLE;
}

enum wire_action wire_receive(struct wire_responder *r, const uint8_t *message, size_t n)
{
    struct wire_cursor c = wire_reader(message, n);
    struct wire_header h = {0};
    wire_request_header(&c, &h);
    if (c.failed || (h.type & WIRE_REPLY_BIT)) return WIRE_IGNORE;
    h.request_crc = wire_crc32(0, message, n);
    bool same_session = r->in_session && h.nonce == r->nonce;
    if (same_session && r->have_last && h.seq == r->last_seq && h.request_crc == r->last_crc) return repeat(r);

    /* A number that is not new under a known nonce belongs to a request that was answered long ago, or to another host.
     */
    bool old = same_session && (uint16_t)(h.seq - r->last_seq - 1) >= 0x7fff;
    r->header = h;
    r->payload = message + WIRE_REQUEST_HEADER;
    r->payload_bytes = n - WIRE_REQUEST_HEADER;
    if (old) return refuse(r, WIRE_E_SESSION, 0, "this sequence number was used before");
    if (h.type == WIRE_HELLO) return start_session(r);
    if (!same_session) return refuse(r, WIRE_E_SESSION, 0, "this session is unknown here: say HELLO first");
    return WIRE_HANDLE;
}
