/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The device's side of the wire, byte by byte, by libFuzzer: whatever comes in, frames are found within their bounds, a
 * message that was read to its end is written again as it was, and answers fit a frame. The input is what a UART gives;
 * since no fuzzer guesses a CRC, it is also taken as one message. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agents/wire/responder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds) __builtin_trap();
}

/* Read a payload as one of the messages, write it, and compare. */
#define ROUND_TRIP(name, type)                                                                     \
    static void again_##name(const uint8_t *payload, size_t n)                                     \
    {                                                                                              \
        uint8_t written[WIRE_MESSAGE_BYTES];                                                       \
        struct type m;                                                                             \
        memset(&m, 0, sizeof m);                                                                   \
        struct wire_cursor in = wire_reader(payload, n);                                           \
        name(&in, &m);                                                                             \
        if (!wire_read_all(&in)) return;                                                           \
        struct wire_cursor out = wire_writer(written, sizeof written);                             \
        name(&out, &m);                                                                            \
        check(!out.failed && (size_t)(out.at - written) == n && memcmp(written, payload, n) == 0); \
    }

ROUND_TRIP(wire_hello, wire_hello)
ROUND_TRIP(wire_net_begin, wire_net_begin)
ROUND_TRIP(wire_net_layers, wire_net_layers)
ROUND_TRIP(wire_net_build, wire_net_build)
ROUND_TRIP(wire_net_build_reply, wire_net_build_reply)
ROUND_TRIP(wire_run, wire_run)
ROUND_TRIP(wire_run_reply, wire_run_reply)
ROUND_TRIP(wire_fetch, wire_fetch)
ROUND_TRIP(wire_output, wire_output)
ROUND_TRIP(wire_state_reply, wire_state_reply)

/* These have texts, of which what follows a NUL is not kept: read without a look at what comes out. */
static void read_texts(const uint8_t *payload, size_t n)
{
    struct wire_hello_reply hello;
    struct wire_open open;
    struct wire_info_reply info;
    struct wire_fetch_reply fetch;
    struct wire_output_reply output;
    struct wire_clock_setting clock;
    struct wire_board_reply board;
    struct wire_error error;
    struct wire_cursor c = wire_reader(payload, n);
    wire_hello_reply(&c, &hello);
    c = wire_reader(payload, n);
    wire_open(&c, &open);
    c = wire_reader(payload, n);
    wire_info_reply(&c, &info);
    c = wire_reader(payload, n);
    wire_fetch_reply(&c, &fetch);
    c = wire_reader(payload, n);
    wire_output_reply(&c, &output);
    c = wire_reader(payload, n);
    wire_clock_setting(&c, &clock);
    c = wire_reader(payload, n);
    wire_board_reply(&c, &board);
    if (!c.failed) check(memchr(board.fault, 0, sizeof board.fault) != NULL);
    c = wire_reader(payload, n);
    wire_error(&c, &error);
    if (!c.failed) check(memchr(error.text, 0, sizeof error.text) != NULL);
}

static void read_payload(const uint8_t *payload, size_t n)
{
    again_wire_hello(payload, n);
    again_wire_net_begin(payload, n);
    again_wire_net_layers(payload, n);
    again_wire_net_build(payload, n);
    again_wire_net_build_reply(payload, n);
    again_wire_run(payload, n);
    again_wire_run_reply(payload, n);
    again_wire_fetch(payload, n);
    again_wire_output(payload, n);
    again_wire_state_reply(payload, n);
    read_texts(payload, n);
}

static void take(struct wire_responder *r, const uint8_t *message, size_t n)
{
    check(n <= WIRE_MESSAGE_BYTES);
    enum wire_action action = wire_receive(r, message, n);
    if (action == WIRE_IGNORE) return;
    if (action == WIRE_HANDLE) {
        read_payload(r->payload, r->payload_bytes);
        wire_fail(r, WIRE_E_UNSUPPORTED, r->payload_bytes, "no");
    }
    check(r->frame_bytes > 2 && r->frame_bytes <= WIRE_FRAME_BYTES && r->frame[0] == 0);
    check(memchr(r->frame + 1, 0, r->frame_bytes - 1) == r->frame + r->frame_bytes - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_decoder decoder;
    struct wire_responder responder;
    uint8_t frame[WIRE_FRAME_BYTES];
    wire_decoder_init(&decoder);
    wire_responder_init(&responder);
    for (size_t i = 0; i < size; i++) {
        size_t n = wire_decode(&decoder, data[i]);
        if (n) take(&responder, decoder.buffer, n);
    }
    const size_t bytes = wire_frame(data, size, frame);
    check((bytes > 0) == (size > 0 && size <= WIRE_MESSAGE_BYTES));
    wire_decode(&decoder, 0);
    for (size_t i = 0; i < bytes; i++) {
        size_t n = wire_decode(&decoder, frame[i]);
        if (!n) continue;
        check(n == size && memcmp(decoder.buffer, data, n) == 0);
        take(&responder, decoder.buffer, n);
    }
    return 0;
}
