/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Frames, whole and broken. What must be dropped in silence is followed by a good request: its answer must be the first
 * thing that comes, so that nothing has to be waited for. */
#include <string.h>

#include "agents/check/checks.h"

static const char frames[] = "Frames";

/* A request that any session answers, by ERROR state: RESET before OPEN. */
static bool ask_plain(struct probe *p, struct verdict *v)
{
    struct wire_cursor c = probe_begin(p, WIRE_RESET);
    return probe_want_error(p, v, &c, 1u << WIRE_E_STATE, "RESET before OPEN");
}

static bool check_bytes(struct probe *p, struct verdict *v)
{
    uint8_t frame[WIRE_FRAME_BYTES];
    if (!probe_hello(p, v)) return false;
    struct wire_cursor c = probe_begin(p, WIRE_RESET);
    probe_end(p, &c);
    size_t n = wire_frame(p->request, p->request_bytes, frame);
    for (size_t i = 0; i < n; i++)
        if (!probe_send_bytes(p, v, &frame[i], 1)) return false;
    return probe_is_error(p, v, probe_receive(p, v), 1u << WIRE_E_STATE, "RESET before OPEN, sent byte by byte");
}

static bool check_delimiters(struct probe *p, struct verdict *v)
{
    static const uint8_t zeros[5] = {0};
    uint8_t frame[WIRE_FRAME_BYTES];
    if (!probe_hello(p, v) || !probe_send_bytes(p, v, zeros, sizeof zeros) || !ask_plain(p, v)) return false;
    struct wire_cursor c = probe_begin(p, WIRE_RESET);
    probe_end(p, &c);
    size_t n = wire_frame(p->request, p->request_bytes, frame);
    if (!probe_send_bytes(p, v, frame + 1, n - 1)) return false; /* the zero before it ended the last frame */
    return probe_is_error(p, v, probe_receive(p, v), 1u << WIRE_E_STATE, "RESET before OPEN, after a shared zero");
}

static bool check_garbage(struct probe *p, struct verdict *v)
{
    static const char banner[] = "\r\nU-Boot 2026.01\r\nlogin: ";
    uint8_t noise[1000];
    if (!probe_hello(p, v) || !probe_send_bytes(p, v, banner, sizeof banner - 1) || !ask_plain(p, v)) return false;
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)(1 + i * 7 % 255); /* a thousand bytes, no zero */
    if (!probe_send_bytes(p, v, noise, sizeof noise) || !ask_plain(p, v)) return false;
    static const uint8_t past_end[] = {0, 0xf0, 1, 2, 3, 0}; /* a COBS code that points past the end */
    return probe_send_bytes(p, v, past_end, sizeof past_end) && ask_plain(p, v);
}

static bool check_crc(struct probe *p, struct verdict *v)
{
    uint8_t frame[WIRE_FRAME_BYTES];
    if (!probe_hello(p, v)) return false;
    struct wire_cursor c = probe_begin(p, WIRE_RESET);
    probe_end(p, &c);
    size_t n = wire_frame(p->request, p->request_bytes, frame);
    frame[n - 2] ^= 0x40; /* of the CRC; it was no zero and becomes none */
    if (frame[n - 2] == 0) frame[n - 2] = 0x41;
    return probe_send_bytes(p, v, frame, n) && ask_plain(p, v);
}

static bool check_no_requests(struct probe *p, struct verdict *v)
{
    if (!probe_hello(p, v)) return false;
    struct wire_cursor c = probe_begin(p, 0x87); /* as RUN's reply */
    probe_end(p, &c);
    if (!probe_send(p, v)) return false;
    memcpy(p->request, "short!", 6);
    p->request_bytes = 6;
    return probe_send(p, v) && ask_plain(p, v);
}

static bool check_longest(struct probe *p, struct verdict *v)
{
    if (!probe_hello(p, v)) return false;
    struct wire_cursor c = probe_begin(p, 0x70);
    size_t payload = (size_t)p->hello.max_frame - 7 - WIRE_REQUEST_HEADER;
    for (size_t i = 0; i < payload; i++) {
        uint8_t byte = (uint8_t)(i % 3);
        wire_u8(&c, &byte);
    }
    return probe_want_error(p, v, &c, 1u << WIRE_E_UNSUPPORTED,
                            "a request of an unknown type, as long as max frame allows");
}

const struct check frame_checks[] = {
    {"frame-bytes", "a frame may come byte by byte", frames, check_bytes, NULL},
    {"frame-delimiters", "empty stretches mean nothing, one zero may end a frame and begin the next", frames,
     check_delimiters, NULL},
    {"frame-garbage", "garbage between frames is dropped, and the next frame is understood", frames, check_garbage,
     NULL},
    {"frame-crc", "a frame with a wrong CRC is dropped in silence", frames, check_crc, NULL},
    {"frame-no-request", "types above 0x7F and messages under 7 bytes are dropped in silence", "Requests and replies",
     check_no_requests, NULL},
    {"frame-longest", "a frame of the size that HELLO tells is taken", "1 HELLO", check_longest, NULL},
    {0},
};
