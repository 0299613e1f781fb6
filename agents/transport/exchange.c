/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/transport/exchange.h"

#include <inttypes.h>
#include <sys/random.h>
#include <unistd.h>

#include "lut/base/clock.h"

/* More than any boot banner, less than a second of a program that prints without end. */
enum { NOISE_BYTES_MAX = 256 * 1024 };

static uint32_t make_nonce(void)
{
    uint32_t nonce;
    if (getrandom(&nonce, sizeof nonce, 0) == (ssize_t)sizeof nonce) return nonce;
    return (uint32_t)clock_now_ns() ^ (uint32_t)getpid() << 16;
}

void exchange_init(struct exchange *x, const struct transport *transport, struct link *link)
{
    *x = (struct exchange){.transport = transport, .link = link, .nonce = make_nonce()};
    wire_decoder_init(&x->decoder);
}

struct wire_cursor exchange_begin(struct exchange *x, enum wire_type type)
{
    struct wire_cursor c = wire_writer(x->request, sizeof x->request);
    struct wire_header h = {.nonce = x->nonce, .seq = ++x->seq, .type = (uint8_t)type};
    wire_request_header(&c, &h);
    return c;
}

static enum lathe_status runner_error(struct exchange *x, struct wire_cursor *c, struct lathe_error *err)
{
    struct wire_error e = {0};
    wire_error(c, &e);
    if (c->failed) return error_set(err, LATHE_IO, "the runner sent a malformed error");
    switch (e.code) {
    case WIRE_E_VERSION:
        return error_set(err, LATHE_UNSUPPORTED,
                         "%s speaks version %" PRIu64
                         " of the wire protocol, this program version %d: install both from one release",
                         x->transport->peer, e.detail, WIRE_VERSION);
    case WIRE_E_UNSUPPORTED:
        return error_set(err, LATHE_UNSUPPORTED, "%s", e.text);
    case WIRE_E_NO_MEMORY:
        x->needed_bytes = e.detail;
        if (e.detail) return error_set(err, LATHE_NO_MEMORY, "%s (needed: %" PRIu64 " bytes)", e.text, e.detail);
        return error_set(err, LATHE_NO_MEMORY, "%s", e.text);
    case WIRE_E_INVALID:
        return error_set(err, LATHE_INVALID, "%s", e.text);
    case WIRE_E_NOT_FOUND:
        return error_set(err, LATHE_NOT_FOUND, "%s", e.text);
    case WIRE_E_SESSION:
        return error_set(err, LATHE_IO, "the runner has lost this session, as after a restart: %s", e.text);
    default:
        return error_set(err, LATHE_IO, "the runner failed: %s", e.text);
    }
}

/* Whether a message answers the request at hand. */
static bool is_answer(const struct exchange *x, const uint8_t *message, size_t n, uint32_t request_crc, uint8_t type,
                      struct wire_header *h, struct wire_cursor *c)
{
    *c = wire_reader(message, n);
    *h = (struct wire_header){0};
    wire_reply_header(c, h);
    return !c->failed && h->nonce == x->nonce && h->seq == x->seq && h->request_crc == request_crc &&
           (h->type == (type | WIRE_REPLY_BIT) || h->type == WIRE_ERROR);
}

/* The next intact message. @return LATHE_OK, LATHE_TIMEOUT, or LATHE_IO. */
static enum lathe_status next_message(struct exchange *x, uint64_t deadline_ns, size_t *size, struct lathe_error *err)
{
    for (;;) {
        while (x->received_used < x->received_size) {
            x->noise_bytes++;
            *size = wire_decode(&x->decoder, x->received[x->received_used++]);
            if (*size) {
                x->noise_bytes = 0;
                return LATHE_OK;
            }
        }
        if (x->noise_bytes > NOISE_BYTES_MAX)
            return error_set(err, LATHE_IO, "the runner does not speak the wire protocol: is it %s?",
                             x->transport->peer);
        uint64_t now = clock_now_ns();
        int timeout_ms = now >= deadline_ns ? 0 : (int)((deadline_ns - now + 999999) / 1000000);
        enum lathe_status st =
            x->transport->read(x->link, x->received, sizeof x->received, timeout_ms, &x->received_size, err);
        x->received_used = 0;
        if (st) {
            x->received_size = 0;
            return st;
        }
        /* What comes without end must not push the deadline back. */
        if (now >= deadline_ns) return error_set(err, LATHE_TIMEOUT, "no answer from the runner");
    }
}

static enum lathe_status await(struct exchange *x, uint32_t crc, uint8_t type, int timeout_ms,
                               struct wire_cursor *reply, struct lathe_error *err)
{
    uint64_t deadline = clock_now_ns() + (uint64_t)timeout_ms * 1000000u;
    struct wire_header h;
    size_t size = 0;
    enum lathe_status st;
    do st = next_message(x, deadline, &size, err);
    while (!st && !is_answer(x, x->decoder.buffer, size, crc, type, &h, reply));
    if (st) return st;
    return h.type == WIRE_ERROR ? runner_error(x, reply, err) : LATHE_OK;
}

enum lathe_status exchange_finish(struct exchange *x, const struct wire_cursor *request, const struct patience *p,
                                  struct wire_cursor *reply, struct lathe_error *err)
{
    uint8_t frame[WIRE_FRAME_BYTES];
    if (request->failed) return error_set(err, LATHE_INVALID, "a request is too large for a frame");
    size_t n = (size_t)(request->at - x->request);
    size_t frame_bytes = wire_frame(x->request, n, frame);
    uint32_t crc = wire_crc32(0, x->request, n);
    uint8_t type = x->request[WIRE_REQUEST_HEADER - 1];
    enum lathe_status st = LATHE_TIMEOUT;
    uint64_t end = clock_now_ns() + (uint64_t)p->total_ms * 1000000u;
    int repeat_ms = p->repeat_ms;
    for (int i = 0; st == LATHE_TIMEOUT && (!p->attempts || i < p->attempts); i++) {
        if (i && p->total_ms && clock_now_ns() >= end) break;
        x->resent = i > 0;
        st = x->transport->write(x->link, frame, frame_bytes, err);
        if (!st) st = await(x, crc, type, i ? repeat_ms : p->first_ms, reply, err);
        if (i && p->most_ms) repeat_ms = repeat_ms * 2 < p->most_ms ? repeat_ms * 2 : p->most_ms;
    }
    return st;
}
