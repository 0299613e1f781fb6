/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <dirent.h>

#include "agents/wire/responder.h"
#include "check_main.h"
#include "lut/base/rng.h"
#include "test_wire_cases.h"

START_TEST(crc_is_that_of_ieee)
{
    ck_assert_uint_eq(wire_crc32(0, "123456789", 9), 0xcbf43926u);
    ck_assert_uint_eq(wire_crc32(0, "", 0), 0);
    ck_assert_uint_eq(wire_crc32(wire_crc32(0, "12345", 5), "6789", 4), 0xcbf43926u);
}
END_TEST

/* Decode a stream into lines of hexadecimal. */
static void decode_lines(const struct wire_case *c, char *out, size_t capacity)
{
    struct wire_decoder d;
    size_t n = 0;
    wire_decoder_init(&d);
    out[0] = '\0';
    for (size_t i = 0; i < c->stream_bytes; i++) {
        size_t size = wire_decode(&d, c->stream[i]);
        for (size_t b = 0; b < size; b++) n += (size_t)snprintf(out + n, capacity - n, "%02x", d.buffer[b]);
        if (size) n += (size_t)snprintf(out + n, capacity - n, "\n");
    }
}

START_TEST(streams_decode_to_the_messages_that_they_hold)
{
    int count = 0;
    DIR *dir = opendir(TEST_CASES "/wire");
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct wire_case c;
        char lines[2 * WIRE_CASE_BYTES];
        if (entry->d_name[0] == '.') continue;
        wire_case_load(entry->d_name, &c);
        decode_lines(&c, lines, sizeof lines);
        ck_assert_msg(strcmp(lines, c.expected) == 0, "%s:\n%snot\n%s", entry->d_name, lines, c.expected);
        free(c.expected);
        count++;
    }
    closedir(dir);
    ck_assert_int_ge(count, 18);
}
END_TEST

START_TEST(messages_are_framed_byte_for_byte)
{
    static const char *const names[] = {"hello", "hello_reply", "open",    "net_layers", "run",
                                        "error", "fetch_reply", "longest", "all_zeros"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct wire_case c;
        uint8_t message[WIRE_CASE_BYTES];
        uint8_t frame[WIRE_FRAME_BYTES];
        wire_case_load(names[i], &c);
        size_t n = wire_case_hex(c.expected, message, sizeof message);
        ck_assert_uint_eq(wire_frame(message, n, frame), c.stream_bytes);
        ck_assert_mem_eq(frame, c.stream, c.stream_bytes);
        free(c.expected);
    }
}
END_TEST

START_TEST(every_length_survives_and_no_frame_is_too_long)
{
    struct rng rng;
    rng_seed(&rng, 5);
    for (size_t n = 1; n <= WIRE_MESSAGE_BYTES; n++) {
        for (uint32_t zeros = 1; zeros <= 4; zeros++) {
            uint8_t message[WIRE_MESSAGE_BYTES];
            uint8_t frame[WIRE_FRAME_BYTES];
            struct wire_decoder d;
            size_t size = 0;
            for (size_t i = 0; i < n; i++) message[i] = rng_below(&rng, zeros) ? (uint8_t)rng_next(&rng) : 0;
            size_t bytes = wire_frame(message, n, frame);
            ck_assert(bytes > n && bytes <= WIRE_FRAME_BYTES);
            wire_decoder_init(&d);
            for (size_t i = 0; i < bytes; i++) {
                ck_assert_uint_eq(size, 0);
                size = wire_decode(&d, frame[i]);
            }
            ck_assert_uint_eq(size, n);
            ck_assert_mem_eq(d.buffer, message, n);
        }
    }
    uint8_t nothing[WIRE_FRAME_BYTES] = {0};
    uint8_t frame[WIRE_FRAME_BYTES];
    ck_assert_uint_eq(wire_frame(nothing, 0, frame), 0);
    ck_assert_uint_eq(wire_frame(nothing, WIRE_MESSAGE_BYTES + 1, frame), 0);
}
END_TEST

/* A device that answers RUN requests by a function of their payload, behind a line that spoils bytes. */
struct rough_line {
    struct rng rng;
    struct wire_decoder to_device, to_host;
    struct wire_responder device;
    int handled;
};

static uint32_t answer_of(uint32_t value)
{
    return value * 2654435761u + 12345;
}

static void device_takes(struct rough_line *line, uint8_t byte, uint8_t *out, size_t *out_bytes)
{
    size_t n = wire_decode(&line->to_device, byte);
    if (!n) return;
    enum wire_action action = wire_receive(&line->device, line->to_device.buffer, n);
    if (action == WIRE_IGNORE) return;
    if (action == WIRE_HANDLE) {
        uint32_t value = 0;
        struct wire_cursor payload = wire_payload(&line->device);
        struct wire_cursor reply = wire_reply(&line->device);
        if (line->device.header.type == WIRE_RUN) {
            wire_u32(&payload, &value);
            value = answer_of(value);
            wire_u32(&reply, &value);
            line->handled++;
        }
        ck_assert(wire_reply_end(&line->device, &reply));
    }
    memcpy(out, line->device.frame, line->device.frame_bytes);
    *out_bytes = line->device.frame_bytes;
}

/* Pass a byte on: mostly as it is, at times dropped, flipped, or with another before it. @return bytes. */
static size_t spoil(struct rng *rng, uint8_t byte, uint8_t out[2])
{
    uint32_t luck = rng_below(rng, 300);
    if (luck == 0) return 0;
    out[0] = luck == 1 ? (uint8_t)(byte ^ 1u << rng_below(rng, 8)) : byte;
    if (luck != 2) return 1;
    out[0] = (uint8_t)rng_next(rng);
    out[1] = byte;
    return 2;
}

/* Send a request once. @return whether an answer to it came; *value is then what it says. */
static bool exchange_once(struct rough_line *line, const uint8_t *request, size_t n, uint32_t *value)
{
    uint8_t frame[WIRE_FRAME_BYTES];
    uint8_t reply[WIRE_FRAME_BYTES];
    uint8_t passed[2];
    size_t reply_bytes = 0;
    bool found = false;
    size_t bytes = wire_frame(request, n, frame);
    for (size_t i = 0; i < bytes; i++) {
        size_t count = spoil(&line->rng, frame[i], passed);
        for (size_t k = 0; k < count; k++) device_takes(line, passed[k], reply, &reply_bytes);
    }
    struct wire_cursor sent = wire_reader(request, n);
    struct wire_header wanted = {0};
    wire_request_header(&sent, &wanted);
    for (size_t i = 0; i < reply_bytes; i++) {
        size_t count = spoil(&line->rng, reply[i], passed);
        for (size_t k = 0; k < count; k++) {
            size_t size = wire_decode(&line->to_host, passed[k]);
            if (!size) continue;
            struct wire_cursor c = wire_reader(line->to_host.buffer, size);
            struct wire_header h = {0};
            wire_reply_header(&c, &h);
            if (h.nonce != wanted.nonce || h.seq != wanted.seq || h.request_crc != wire_crc32(0, request, n)) continue;
            ck_assert_uint_eq(h.type, wanted.type | WIRE_REPLY_BIT);
            wire_u32(&c, value);
            found = true;
        }
    }
    return found;
}

static size_t make_request(uint8_t *out, uint32_t nonce, uint16_t seq, uint8_t type, uint32_t value)
{
    struct wire_cursor c = wire_writer(out, WIRE_MESSAGE_BYTES);
    struct wire_header h = {.nonce = nonce, .seq = seq, .type = type};
    wire_request_header(&c, &h);
    if (type == WIRE_RUN) {
        wire_u32(&c, &value);
    } else {
        struct wire_hello hello = {WIRE_VERSION, WIRE_FRAME_BYTES};
        wire_hello(&c, &hello);
    }
    return (size_t)(c.at - out);
}

START_TEST(a_line_that_spoils_bytes_gives_no_wrong_answer_and_runs_nothing_twice)
{
    static struct rough_line line;
    uint8_t request[WIRE_MESSAGE_BYTES];
    uint32_t ignored;
    int sends = 0;
    int exchanges = 3000;
    rng_seed(&line.rng, 20261124);
    wire_decoder_init(&line.to_device);
    wire_decoder_init(&line.to_host);
    wire_responder_init(&line.device);
    size_t n = make_request(request, 99, 0, WIRE_HELLO, 0);
    while (!exchange_once(&line, request, n, &ignored)) sends++;
    for (int i = 1; i <= exchanges; i++) {
        uint32_t value = (uint32_t)rng_next(&line.rng);
        uint32_t got = 0;
        n = make_request(request, 99, (uint16_t)i, WIRE_RUN, value);
        do ck_assert_int_lt(sends++, 100 * exchanges);
        while (!exchange_once(&line, request, n, &got));
        ck_assert_uint_eq(got, answer_of(value));
    }
    ck_assert_int_eq(line.handled, exchanges);
    ck_assert_int_gt(sends, exchanges + exchanges / 10); /* the line was rough */
}
END_TEST

static TCase *frame_cases(void)
{
    TCase *t = tcase_create("frames");
    tcase_add_test(t, crc_is_that_of_ieee);
    tcase_add_test(t, streams_decode_to_the_messages_that_they_hold);
    tcase_add_test(t, messages_are_framed_byte_for_byte);
    tcase_add_test(t, every_length_survives_and_no_frame_is_too_long);
    tcase_add_test(t, a_line_that_spoils_bytes_gives_no_wrong_answer_and_runs_nothing_twice);
    return t;
}

TEST_MAIN("wire", frame_cases())
