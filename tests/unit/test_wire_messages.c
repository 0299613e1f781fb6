/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/wire/layer.h"
#include "agents/wire/responder.h"
#include "check_main.h"
#include "test_wire_cases.h"

enum { NONCE = 0x11223344 };

/* A fixture's one message, split behind its header. */
struct golden {
    uint8_t message[WIRE_CASE_BYTES];
    size_t bytes;
    struct wire_header header;
    struct wire_cursor payload; /* for reading */
};

static void load(const char *name, bool reply, struct golden *g)
{
    struct wire_case c;
    wire_case_load(name, &c);
    g->bytes = wire_case_hex(c.expected, g->message, sizeof g->message);
    free(c.expected);
    g->payload = wire_reader(g->message, g->bytes);
    memset(&g->header, 0, sizeof g->header);
    if (reply) wire_reply_header(&g->payload, &g->header);
    else wire_request_header(&g->payload, &g->header);
    ck_assert(!g->payload.failed);
    ck_assert_uint_eq(g->header.nonce, NONCE);
}

/* Write the header and, by `put`, the payload again: the bytes are the fixture's. */
#define CHECK_WRITTEN(g, reply, put, value)                      \
    do {                                                         \
        uint8_t bytes[WIRE_MESSAGE_BYTES];                       \
        struct wire_cursor w = wire_writer(bytes, sizeof bytes); \
        if (reply) wire_reply_header(&w, &(g)->header);          \
        else wire_request_header(&w, &(g)->header);              \
        put(&w, value);                                          \
        ck_assert(!w.failed);                                    \
        ck_assert_uint_eq((size_t)(w.at - bytes), (g)->bytes);   \
        ck_assert_mem_eq(bytes, (g)->message, (g)->bytes);       \
    } while (0)

/* Every shorter payload is refused. */
#define CHECK_CUT(g, reply, get, type)                                           \
    do {                                                                         \
        size_t start = (reply) ? WIRE_REPLY_HEADER : WIRE_REQUEST_HEADER;        \
        for (size_t n = start; n < (g)->bytes; n++) {                            \
            type cut = {0};                                                      \
            struct wire_cursor c = wire_reader((g)->message + start, n - start); \
            get(&c, &cut);                                                       \
            ck_assert(!wire_read_all(&c));                                       \
        }                                                                        \
    } while (0)

START_TEST(hello_has_version_and_frame_size)
{
    struct golden g;
    struct wire_hello m = {0};
    load("hello", false, &g);
    ck_assert_uint_eq(g.header.type, WIRE_HELLO);
    ck_assert_uint_eq(g.header.seq, 1);
    wire_hello(&g.payload, &m);
    ck_assert(wire_read_all(&g.payload));
    ck_assert_uint_eq(m.version, 1);
    ck_assert_uint_eq(m.max_frame, 256);
    CHECK_WRITTEN(&g, false, wire_hello, &m);
    CHECK_CUT(&g, false, wire_hello, struct wire_hello);
}
END_TEST

START_TEST(the_answer_to_hello_tells_limits_clock_and_names)
{
    struct golden g;
    struct golden request;
    struct wire_hello_reply m = {0};
    load("hello_reply", true, &g);
    load("hello", false, &request);
    ck_assert_uint_eq(g.header.type, WIRE_HELLO | WIRE_REPLY_BIT);
    ck_assert_uint_eq(g.header.request_crc, wire_crc32(0, request.message, request.bytes));
    wire_hello_reply(&g.payload, &m);
    ck_assert(wire_read_all(&g.payload));
    ck_assert_uint_eq(m.clock, WIRE_CLOCK_WALL_NS);
    ck_assert_uint_eq(m.max_layers, 1024);
    ck_assert_uint_eq(m.max_networks, 4096);
    ck_assert_uint_eq(m.boot, 0xdeadbeef);
    ck_assert_uint_eq(m.activation_limit, 0);
    ck_assert_uint_eq(m.weight_limit, (uint64_t)1 << 33);
    ck_assert_str_eq(m.runner, "lathe-run 0.1.0");
    ck_assert_str_eq(m.build, "0123456789abcdef");
    CHECK_WRITTEN(&g, true, wire_hello_reply, &m);
    CHECK_CUT(&g, true, wire_hello_reply, struct wire_hello_reply);
}
END_TEST

START_TEST(open_names_the_runtime)
{
    struct golden g;
    struct wire_open m = {0};
    load("open", false, &g);
    wire_open(&g.payload, &m);
    ck_assert(wire_read_all(&g.payload));
    ck_assert_str_eq(m.runtime, "xnnpack");
    ck_assert_uint_eq(m.dtype, WIRE_F32);
    ck_assert_uint_eq(m.threads, 1);
    ck_assert_uint_eq(m.batch, 1);
    ck_assert_uint_eq(m.seed, 42);
    CHECK_WRITTEN(&g, false, wire_open, &m);
    CHECK_CUT(&g, false, wire_open, struct wire_open);
}
END_TEST

START_TEST(a_layer_on_the_wire_is_the_layer_of_its_text)
{
    struct golden g;
    struct wire_net_layers m = {0};
    struct layer layer;
    char text[LAYER_TEXT_BYTES];
    load("net_layers", false, &g);
    wire_net_layers(&g.payload, &m);
    ck_assert(wire_read_all(&g.payload));
    ck_assert_uint_eq(m.count, 1);
    ck_assert_int_eq(wire_layer_to(&m.layers[0], &layer, NULL), LATHE_OK);
    layer_print(&layer, text);
    ck_assert_str_eq(text, "mbconv in=20x20x48 out=20x20x48 mid=144 k=5 s=1 act=hswish se=40 res=1");
    struct wire_net_layers again = {.count = 1};
    wire_layer_from(&layer, &again.layers[0]);
    CHECK_WRITTEN(&g, false, wire_net_layers, &again);
    CHECK_CUT(&g, false, wire_net_layers, struct wire_net_layers);
}
END_TEST

START_TEST(layers_that_make_no_sense_are_refused)
{
    struct wire_layer good = {WIRE_MBCONV, WIRE_ACT_RELU, 5, 1, 1, 20, 20, 48, 20, 20, 48, 144, 40};
    struct layer layer;
    struct lathe_error err = {0};
    ck_assert_int_eq(wire_layer_to(&good, &layer, NULL), LATHE_OK);
    struct wire_layer bad = good;
    bad.kind = WIRE_KINDS;
    ck_assert_int_eq(wire_layer_to(&bad, &layer, &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "kind");
    bad = good;
    bad.act = 200;
    ck_assert_int_eq(wire_layer_to(&bad, &layer, NULL), LATHE_INVALID);
    bad = good;
    bad.residual = 2;
    ck_assert_int_eq(wire_layer_to(&bad, &layer, NULL), LATHE_INVALID);
    bad = good;
    bad.out_h = 19;
    ck_assert_int_eq(wire_layer_to(&bad, &layer, NULL), LATHE_INVALID);
}
END_TEST

START_TEST(run_and_its_samples_keep_their_figures)
{
    struct golden g;
    struct wire_run run = {0};
    struct wire_fetch_reply m = {0};
    load("run", false, &g);
    wire_run(&g.payload, &run);
    ck_assert(wire_read_all(&g.payload));
    ck_assert_uint_eq(run.network, 17);
    ck_assert_uint_eq(run.warmup, 2);
    ck_assert_uint_eq(run.runs, 3);
    ck_assert_uint_eq(run.flags, WIRE_RUN_PER_LAYER);
    CHECK_WRITTEN(&g, false, wire_run, &run);
    load("fetch_reply", true, &g);
    wire_fetch_reply(&g.payload, &m);
    ck_assert(wire_read_all(&g.payload));
    ck_assert_uint_eq(m.count, 4);
    ck_assert_uint_eq(m.records[0].wall, 100000);
    ck_assert_uint_eq(m.records[0].cpu, 99000);
    ck_assert_uint_eq(m.records[1].wall, 123456789012);
    ck_assert_uint_eq(m.records[2].preempted, 1);
    ck_assert_uint_eq(m.records[3].wall, 101500);
    CHECK_WRITTEN(&g, true, wire_fetch_reply, &m);
    CHECK_CUT(&g, true, wire_fetch_reply, struct wire_fetch_reply);
}
END_TEST

START_TEST(errors_carry_code_detail_and_text)
{
    struct golden g;
    struct wire_error m = {0};
    load("error", true, &g);
    ck_assert_uint_eq(g.header.type, WIRE_ERROR);
    wire_error(&g.payload, &m);
    ck_assert(wire_read_all(&g.payload));
    ck_assert_uint_eq(m.code, WIRE_E_NO_MEMORY);
    ck_assert_uint_eq(m.detail, 123456789);
    ck_assert_str_eq(m.text, "does not fit");
    CHECK_WRITTEN(&g, true, wire_error, &m);
    CHECK_CUT(&g, true, wire_error, struct wire_error);
}
END_TEST

START_TEST(the_fullest_messages_fit_a_frame)
{
    uint8_t bytes[WIRE_MESSAGE_BYTES];
    struct wire_header h = {0};
    struct wire_net_layers layers = {.count = WIRE_LAYERS_PER_FRAME};
    struct wire_fetch_reply samples = {.count = WIRE_RECORDS_PER_FRAME, .layers = 30};
    struct wire_output_reply output = {.size = WIRE_CHUNK_BYTES};
    struct wire_info_reply info = {0};
    struct wire_error error = {0};
    memset(info.line, 'x', sizeof info.line - 1);
    memset(error.text, 'x', sizeof error.text - 1);
    struct wire_cursor c = wire_writer(bytes, sizeof bytes);
    wire_request_header(&c, &h);
    wire_net_layers(&c, &layers);
    ck_assert(!c.failed);
#define CHECK_FITS(put, value)                \
    do {                                      \
        c = wire_writer(bytes, sizeof bytes); \
        wire_reply_header(&c, &h);            \
        put(&c, value);                       \
        ck_assert(!c.failed);                 \
    } while (0)
    CHECK_FITS(wire_fetch_reply, &samples);
    CHECK_FITS(wire_output_reply, &output);
    CHECK_FITS(wire_info_reply, &info);
    CHECK_FITS(wire_error, &error);
}
END_TEST

/* Give a message to a responder; new requests are answered by their own payload. */
static enum wire_action give(struct wire_responder *r, const uint8_t *message, size_t n)
{
    enum wire_action action = wire_receive(r, message, n);
    if (action != WIRE_HANDLE) return action;
    struct wire_cursor reply = wire_reply(r);
    for (size_t i = 0; i < r->payload_bytes; i++) {
        uint8_t byte = r->payload[i];
        wire_u8(&reply, &byte);
    }
    ck_assert(wire_reply_end(r, &reply));
    return action;
}

static size_t request(uint8_t *out, uint32_t nonce, uint16_t seq, uint8_t type, const char *payload, size_t n)
{
    struct wire_cursor c = wire_writer(out, WIRE_MESSAGE_BYTES);
    struct wire_header h = {.nonce = nonce, .seq = seq, .type = type};
    wire_request_header(&c, &h);
    memcpy(c.at, payload, n);
    return WIRE_REQUEST_HEADER + n;
}

/* The code of an error in a frame; 0: it is no error. */
static uint8_t error_code(const struct wire_responder *r, uint64_t *detail)
{
    struct wire_decoder d;
    struct wire_header h = {0};
    struct wire_error e = {0};
    size_t n = 0;
    wire_decoder_init(&d);
    for (size_t i = 0; i < r->frame_bytes; i++) n = wire_decode(&d, r->frame[i]);
    ck_assert_uint_gt(n, 0);
    struct wire_cursor c = wire_reader(d.buffer, n);
    wire_reply_header(&c, &h);
    if (h.type != WIRE_ERROR) return 0;
    wire_error(&c, &e);
    ck_assert(wire_read_all(&c));
    if (detail) *detail = e.detail;
    return e.code;
}

START_TEST(a_repeated_request_gets_the_same_reply_and_is_not_handled_again)
{
    struct wire_responder r;
    uint8_t m[WIRE_MESSAGE_BYTES];
    uint8_t first[WIRE_FRAME_BYTES];
    wire_responder_init(&r);
    size_t n = request(m, 1, 1, WIRE_HELLO, "\1\0\1", 3);
    ck_assert_int_eq(give(&r, m, n), WIRE_HANDLE);
    ck_assert_int_eq(give(&r, m, n), WIRE_SEND);
    n = request(m, 1, 2, WIRE_RUN, "abc", 3);
    ck_assert_int_eq(give(&r, m, n), WIRE_HANDLE);
    size_t bytes = r.frame_bytes;
    memcpy(first, r.frame, bytes);
    ck_assert_int_eq(give(&r, m, n), WIRE_SEND);
    ck_assert_uint_eq(r.frame_bytes, bytes);
    ck_assert_mem_eq(r.frame, first, bytes);
}
END_TEST

START_TEST(a_kept_reply_is_never_served_to_another_request)
{
    struct wire_responder r;
    uint8_t m[WIRE_MESSAGE_BYTES];
    uint8_t other[WIRE_MESSAGE_BYTES];
    wire_responder_init(&r);
    give(&r, m, request(m, 1, 1, WIRE_HELLO, "\1\0\1", 3));
    size_t n = request(m, 1, 2, WIRE_RUN, "abc", 3);
    ck_assert_int_eq(give(&r, m, n), WIRE_HANDLE);
    /* Another host with the same number, then the same host with a number used twice, then an old number. */
    ck_assert_int_eq(give(&r, other, request(other, 7, 2, WIRE_RUN, "abc", 3)), WIRE_SEND);
    ck_assert_uint_eq(error_code(&r, NULL), WIRE_E_SESSION);
    ck_assert_int_eq(give(&r, other, request(other, 1, 2, WIRE_RUN, "xyz", 3)), WIRE_SEND);
    ck_assert_uint_eq(error_code(&r, NULL), WIRE_E_SESSION);
    ck_assert_int_eq(give(&r, other, request(other, 1, 1, WIRE_RUN, "abc", 3)), WIRE_SEND);
    ck_assert_uint_eq(error_code(&r, NULL), WIRE_E_SESSION);
    /* The rightful one still gets its reply. */
    ck_assert_int_eq(give(&r, m, n), WIRE_SEND);
    ck_assert_uint_eq(error_code(&r, NULL), 0);
}
END_TEST

START_TEST(sequence_numbers_wrap_around)
{
    struct wire_responder r;
    uint8_t m[WIRE_MESSAGE_BYTES];
    wire_responder_init(&r);
    give(&r, m, request(m, 1, 65534, WIRE_HELLO, "\1\0\1", 3));
    ck_assert_int_eq(give(&r, m, request(m, 1, 65535, WIRE_RUN, "a", 1)), WIRE_HANDLE);
    ck_assert_int_eq(give(&r, m, request(m, 1, 0, WIRE_RUN, "b", 1)), WIRE_HANDLE);
    ck_assert_int_eq(give(&r, m, request(m, 1, 1, WIRE_RUN, "c", 1)), WIRE_HANDLE);
}
END_TEST

START_TEST(another_version_is_refused_by_name_and_disturbs_no_session)
{
    struct wire_responder r;
    uint8_t m[WIRE_MESSAGE_BYTES];
    uint64_t detail = 0;
    wire_responder_init(&r);
    give(&r, m, request(m, 1, 1, WIRE_HELLO, "\1\0\1", 3));
    ck_assert_int_eq(give(&r, m, request(m, 2, 1, WIRE_HELLO, "\2\0\1more", 7)), WIRE_SEND);
    ck_assert_uint_eq(error_code(&r, &detail), WIRE_E_VERSION);
    ck_assert_uint_eq(detail, WIRE_VERSION);
    ck_assert_int_eq(give(&r, m, request(m, 1, 2, WIRE_RUN, "a", 1)), WIRE_HANDLE);
}
END_TEST

START_TEST(nothing_but_hello_is_taken_before_hello)
{
    struct wire_responder r;
    uint8_t m[WIRE_MESSAGE_BYTES];
    wire_responder_init(&r);
    ck_assert_int_eq(give(&r, m, request(m, 0, 1, WIRE_RUN, "a", 1)), WIRE_SEND);
    ck_assert_uint_eq(error_code(&r, NULL), WIRE_E_SESSION);
    ck_assert_int_eq(give(&r, m, 6), WIRE_IGNORE);
    ck_assert_int_eq(give(&r, m, request(m, 0, 1, WIRE_RUN | WIRE_REPLY_BIT, "a", 1)), WIRE_IGNORE);
}
END_TEST

START_TEST(the_state_of_a_device_has_heat_clocks_memory_and_load)
{
    struct golden g;
    struct wire_state_reply m = {0};
    load("state_reply", true, &g);
    ck_assert_uint_eq(g.header.type, WIRE_STATE | WIRE_REPLY_BIT);
    wire_state_reply(&g.payload, &m);
    ck_assert(wire_read_all(&g.payload));
    ck_assert_uint_eq(m.temperature_dk, 3231);
    ck_assert_uint_eq(m.khz, 1800000);
    ck_assert_uint_eq(m.busy_khz, 1750000);
    ck_assert_uint_eq(m.max_khz, 2400000);
    ck_assert_uint_eq(m.available_kib, 123456);
    ck_assert_uint_eq(m.others_permille, 250);
    ck_assert_uint_eq(m.throttles, 3);
    CHECK_WRITTEN(&g, true, wire_state_reply, &m);
    CHECK_CUT(&g, true, wire_state_reply, struct wire_state_reply);
}
END_TEST

START_TEST(a_clock_is_set_by_governor_and_frequency)
{
    struct golden g;
    struct wire_clock_setting m = {0};
    load("clock", false, &g);
    ck_assert_uint_eq(g.header.type, WIRE_CLOCK);
    wire_clock_setting(&g.payload, &m);
    ck_assert(wire_read_all(&g.payload));
    ck_assert_str_eq(m.governor, "performance");
    ck_assert_uint_eq(m.khz, 1800000);
    CHECK_WRITTEN(&g, false, wire_clock_setting, &m);
    CHECK_CUT(&g, false, wire_clock_setting, struct wire_clock_setting);
}
END_TEST

START_TEST(a_board_tells_its_chip_its_clocks_its_memory_and_its_last_fault)
{
    struct golden g;
    struct wire_board_reply m = {0};
    load("board_reply", true, &g);
    ck_assert_uint_eq(g.header.type, WIRE_BOARD | WIRE_REPLY_BIT);
    wire_board_reply(&g.payload, &m);
    ck_assert(wire_read_all(&g.payload));
    ck_assert_str_eq(m.board, "netduinoplus2");
    ck_assert_str_eq(m.core, "Cortex-M4F");
    ck_assert_str_eq(m.timer, "TIM2");
    ck_assert_uint_eq(m.core_hz, 168000000);
    ck_assert_uint_eq(m.timer_hz, 84000000);
    ck_assert_uint_eq(m.sram_bytes, 131072);
    ck_assert_uint_eq(m.flash_bytes, 1048576);
    ck_assert_uint_eq(m.arena_bytes, 114688);
    ck_assert_uint_eq(m.code_bytes, 98304);
    ck_assert_uint_eq(m.flags, WIRE_BOARD_EMULATED);
    ck_assert_str_eq(m.fault, "watchdog");
    CHECK_WRITTEN(&g, true, wire_board_reply, &m);
    CHECK_CUT(&g, true, wire_board_reply, struct wire_board_reply);
}
END_TEST

static TCase *message_cases(void)
{
    TCase *t = tcase_create("messages");
    tcase_add_test(t, hello_has_version_and_frame_size);
    tcase_add_test(t, the_answer_to_hello_tells_limits_clock_and_names);
    tcase_add_test(t, open_names_the_runtime);
    tcase_add_test(t, a_layer_on_the_wire_is_the_layer_of_its_text);
    tcase_add_test(t, layers_that_make_no_sense_are_refused);
    tcase_add_test(t, run_and_its_samples_keep_their_figures);
    tcase_add_test(t, errors_carry_code_detail_and_text);
    tcase_add_test(t, the_fullest_messages_fit_a_frame);
    return t;
}

static TCase *responder_cases(void)
{
    TCase *t = tcase_create("responder");
    tcase_add_test(t, a_repeated_request_gets_the_same_reply_and_is_not_handled_again);
    tcase_add_test(t, a_kept_reply_is_never_served_to_another_request);
    tcase_add_test(t, sequence_numbers_wrap_around);
    tcase_add_test(t, another_version_is_refused_by_name_and_disturbs_no_session);
    tcase_add_test(t, nothing_but_hello_is_taken_before_hello);
    tcase_add_test(t, the_state_of_a_device_has_heat_clocks_memory_and_load);
    tcase_add_test(t, a_clock_is_set_by_governor_and_frequency);
    tcase_add_test(t, a_board_tells_its_chip_its_clocks_its_memory_and_its_last_fault);
    return t;
}

TEST_MAIN("wire messages", message_cases(), responder_cases())
