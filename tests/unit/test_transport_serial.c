/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Sessions over a serial port: with the real lathe-run behind it, with a board that counts cycles or instructions, and
 * with boards that are pulled out, busy, or not there. What all transports share is in test_transport.c. */
#include <poll.h>
#include <pthread.h>
#include <sys/file.h>

#include "agents/transport/serial.h"
#include "agents/wire/responder.h"
#include "check_main.h"
#include "lut/base/clock.h"
#include "lut/base/port.h"
#include "lut/base/rng.h"
#include "test_terminal.h"
#include "test_transport_session.h"

static struct terminal terminal;
static struct transport_options board = {.line = {.port = terminal.port}};
static const struct session_options options = {.transport = &board};

static void tear_down(void)
{
    terminal_stop(&terminal);
    board = (struct transport_options){.line = {.port = terminal.port}};
}

static const struct transport *serial_link(void)
{
    const struct transport *t = transport_find("serial");
    ck_assert_ptr_nonnull(t);
    return t;
}

static enum lathe_status open_fails(struct lathe_error *err)
{
    struct link *link = NULL;
    enum lathe_status st = serial_link()->open(NULL, &board, &link, err);
    ck_assert_ptr_null(link);
    return st;
}

START_TEST(a_runner_behind_a_port_is_one_like_any_other)
{
    struct visit_samples v = {0};
    struct lathe_error err = {0};
    terminal_start(&terminal, runner_argv);
    struct session *local = open_session(local_link(), runner_argv, NULL);
    struct session *s = open_session(serial_link(), NULL, &options);
    prepare(local, 0, first_texts, FIRST);
    prepare(s, 0, first_texts, FIRST);
    ck_assert_int_eq(session_run(local, 0, 0, 1, true, &v, &err), LATHE_OK);
    visit_samples_clear(&v);
    ck_assert_msg(session_run(s, 0, 1, 20, true, &v, &err) == LATHE_OK, "%s", err.message);
    ck_assert_int_eq(v.layers, FIRST);
    for (int i = 0; i < 20 * FIRST; i++) ck_assert_uint_gt(v.wall_ns[i], 0);
    ck_assert_uint_eq(session_output_crc(s), session_output_crc(local));
    ck_assert_ptr_null(session_board(s));
    visit_samples_clear(&v);
    session_close(s);
    session_close(local);
}
END_TEST

START_TEST(stale_bytes_of_a_previous_client_are_passed_over)
{
    /* Half a frame waits in the board's buffer, half a reply in the host's. */
    terminal_start(&terminal, NULL);
    int host = open(ptsname(terminal.board), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_eq(write(host, "\0\6\x44\x33", 4), 4);
    ck_assert_int_eq(write(terminal.board, "\0\6\x44\x33\x22", 5), 5);
    close(host);
    terminal.pid = fork();
    if (terminal.pid == 0) {
        dup2(terminal.board, STDIN_FILENO);
        dup2(terminal.board, STDOUT_FILENO);
        execl(LATHE_RUN, LATHE_RUN, "serve", (char *)NULL);
        _exit(127);
    }
    struct session *s = open_session(serial_link(), NULL, &options);
    prepare(s, 0, second_texts, SECOND);
    session_close(s);
}
END_TEST

START_TEST(a_port_that_another_program_has_is_busy_and_the_program_is_named)
{
    struct lathe_error err = {0};
    terminal_start(&terminal, NULL);
    pid_t holder = fork();
    ck_assert_int_ge(holder, 0);
    if (holder == 0) {
        int fd = open(ptsname(terminal.board), O_RDWR | O_NOCTTY);
        if (fd < 0 || flock(fd, LOCK_EX) || write(terminal.keep, "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    char byte;
    ck_assert_int_eq(read(terminal.board, &byte, 1), 1); /* it has the lock now */
    ck_assert_int_eq(open_fails(&err), LATHE_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.message, "is busy"));
    char words[64];
    snprintf(words, sizeof words, "(process %d)", (int)holder);
    ck_assert_msg(strstr(err.message, words), "%s", err.message);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    struct link *link = NULL;
    ck_assert_int_eq(serial_link()->open(NULL, &board, &link, &err), LATHE_OK);
    /* And while this one is open, it is busy for others. */
    ck_assert_int_eq(open_fails(&err), LATHE_CONFLICT);
    serial_link()->close(link);
}
END_TEST

START_TEST(ports_that_are_not_there_or_are_none_are_told_apart)
{
    struct lathe_error err = {0};
    board.line.port = "/dev/serial/by-id/usb-none";
    ck_assert_int_eq(open_fails(&err), LATHE_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "no board is plugged in"));
    board.line.port = "usb:ffff:fffe:none";
    ck_assert_int_eq(open_fails(&err), LATHE_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "usb:ffff:fffe:none"));
    board.line.port = "/dev/null";
    ck_assert_int_eq(open_fails(&err), LATHE_INVALID);
    ck_assert_ptr_nonnull(strstr(err.message, "no serial port"));
    board.line.port = "ttyACM0";
    ck_assert_int_eq(open_fails(&err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "device.transport.port");
}
END_TEST

START_TEST(ports_have_two_kinds_of_names)
{
    static const char *const bad[] = {"",
                                      "/",
                                      "ttyACM0",
                                      "usb:",
                                      "usb:2341",
                                      "usb:2341:43",
                                      "usb:2341:0043:",
                                      "usb:2341:0043x",
                                      "usb:23g1:0043",
                                      "/dev/tty ACM0",
                                      "usb:2341:0043:a b"};
    int vid = 0;
    int pid = 0;
    const char *serial = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) ck_assert_msg(!port_is_name(bad[i]), "%s", bad[i]);
    ck_assert(port_is_name("/dev/serial/by-id/usb-Arduino_Uno-if00"));
    ck_assert(port_usb("usb:2341:004A", &vid, &pid, &serial));
    ck_assert_int_eq(vid, 0x2341);
    ck_assert_int_eq(pid, 0x004a);
    ck_assert_str_eq(serial, "");
    ck_assert(port_usb("usb:2341:0043:7583:1", &vid, &pid, &serial));
    ck_assert_str_eq(serial, "7583:1");
}
END_TEST

/* Away, and back while opening goes on. */
static void plug_in_again(void *context, const char *why)
{
    (void)context;
    ck_assert_ptr_nonnull(strstr(why, "no board is plugged in"));
    if (!terminal.folder[0]) terminal_start(&terminal, runner_argv);
}

START_TEST(a_board_that_is_plugged_in_later_is_found)
{
    terminal_start(&terminal, runner_argv);
    terminal_stop(&terminal);
    snprintf(terminal.port, sizeof terminal.port, "/dev/serial/by-id/usb-none");
    board.patience_s = 60;
    board.away = plug_in_again;
    struct session *s = open_session(serial_link(), NULL, &options);
    session_close(s);
}
END_TEST

/* ---- a board of the test's own ---- */

static struct {
    pthread_t thread;
    struct wire_responder r;
    enum wire_clock clock;
    uint32_t timer_hz;
    int layers;
    int unplug_at;    /* requests until it is pulled out, in the middle of its reply; 0: never */
    struct rng noise; /* that spoils what goes either way */
    bool noisy;
    int spoiled;
    int runs_made;
} own;

static void on_request(void)
{
    struct wire_cursor c = wire_payload(&own.r);
    struct wire_cursor reply = wire_reply(&own.r);
    switch (own.r.header.type) {
    case WIRE_HELLO: {
        struct wire_hello_reply m = {WIRE_VERSION, (uint8_t)own.clock, 256, 32, 4, 7, 0, 0, "test-board 1", "b"};
        wire_hello_reply(&reply, &m);
        break;
    }
    case WIRE_BOARD: {
        struct wire_board_reply m = {.board = "bench",
                                     .core = "Cortex-M9",
                                     .timer = "TIM1",
                                     .core_hz = 84000000,
                                     .timer_hz = own.timer_hz,
                                     .sram_bytes = 131072,
                                     .flash_bytes = 1048576,
                                     .arena_bytes = 98304,
                                     .code_bytes = 131072,
                                     .fault = "watchdog"};
        wire_board_reply(&reply, &m);
        break;
    }
    case WIRE_OPEN: {
        struct wire_open_reply m = {1};
        wire_open_reply(&reply, &m);
        break;
    }
    case WIRE_INFO: {
        struct wire_info_reply m = {0, "runner=test-board 1"};
        wire_info_reply(&reply, &m);
        break;
    }
    case WIRE_NET_BEGIN: {
        struct wire_net_begin m;
        wire_net_begin(&c, &m);
        own.layers = m.layers;
        break;
    }
    case WIRE_NET_BUILD: {
        struct wire_net_build_reply m = {0};
        wire_net_build_reply(&reply, &m);
        break;
    }
    case WIRE_RUN: {
        struct wire_run m;
        wire_run(&c, &m);
        own.runs_made++;
        struct wire_run_reply a = {m.runs, (uint16_t)own.layers, (uint32_t)(m.runs * (own.layers + 1)), 0, 0, 0, 500};
        wire_run_reply(&reply, &a);
        break;
    }
    case WIRE_FETCH: {
        struct wire_fetch m;
        wire_fetch(&c, &m);
        struct wire_fetch_reply a = {.first = m.first, .layers = (uint16_t)own.layers, .count = 1};
        uint32_t k = m.first % (uint32_t)(own.layers + 1);
        a.records[0].wall = k < (uint32_t)own.layers ? 1000 + k : 100000;
        wire_fetch_reply(&reply, &a);
        break;
    }
    default:
        break;
    }
    ck_assert(wire_reply_end(&own.r, &reply));
}

static size_t spoil(uint8_t byte, uint8_t out[2])
{
    out[0] = out[1] = byte;
    if (!own.noisy || rng_below(&own.noise, 100)) return 1;
    own.spoiled++;
    switch (rng_below(&own.noise, 3)) {
    case 0:
        return 0;
    case 1:
        out[0] ^= (uint8_t)(1u << rng_below(&own.noise, 8));
        return 1;
    default:
        out[0] = (uint8_t)rng_next(&own.noise);
        return 2;
    }
}

/* @return false: it was pulled out. */
static bool answer(void)
{
    uint8_t out[2 * WIRE_FRAME_BYTES];
    size_t n = 0;
    for (size_t i = 0; i < own.r.frame_bytes; i++) n += spoil(own.r.frame[i], out + n);
    if (own.unplug_at && --own.unplug_at == 0) {
        ck_assert_int_eq(write(terminal.board, out, n / 2), (ssize_t)(n / 2));
        terminal_unplug(&terminal);
        return false;
    }
    ck_assert_int_eq(write(terminal.board, out, n), (ssize_t)n);
    return true;
}

static void *be_board(void *unused)
{
    struct wire_decoder decoder;
    uint8_t bytes[256];
    ssize_t n;
    wire_decoder_init(&decoder);
    while ((n = read(terminal.board, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < n; i++) {
            uint8_t heard[2];
            size_t count = spoil(bytes[i], heard);
            for (size_t k = 0; k < count; k++) {
                size_t size = wire_decode(&decoder, heard[k]);
                enum wire_action action = size ? wire_receive(&own.r, decoder.buffer, size) : WIRE_IGNORE;
                if (action == WIRE_HANDLE) on_request();
                if (action != WIRE_IGNORE && !answer()) return unused;
                if (size && own.r.header.type == WIRE_BYE) return unused;
            }
        }
    return unused;
}

static void start_board(enum wire_clock clock, uint32_t timer_hz)
{
    terminal_start(&terminal, NULL);
    wire_responder_init(&own.r);
    own.clock = clock;
    own.timer_hz = timer_hz;
    own.unplug_at = own.spoiled = own.runs_made = 0;
    own.noisy = false;
}

static void run_board(void)
{
    ck_assert_int_eq(pthread_create(&own.thread, NULL, be_board, NULL), 0);
}

START_TEST(cycles_become_nanoseconds_by_the_boards_own_rate)
{
    struct visit_samples v = {0};
    struct lathe_error err = {0};
    start_board(WIRE_CLOCK_CYCLES, 84000000);
    run_board();
    struct session *s = open_session(serial_link(), NULL, &options);
    ck_assert_int_eq(session_clock(s), SESSION_CYCLES);
    ck_assert_ptr_nonnull(session_board(s));
    ck_assert_str_eq(session_board(s)->board, "bench");
    ck_assert_str_eq(session_board(s)->fault, "watchdog");
    ck_assert_uint_eq(session_board(s)->arena_bytes, 98304);
    prepare(s, 0, second_texts, SECOND);
    ck_assert_msg(session_run(s, 0, 0, 2, true, &v, &err) == LATHE_OK, "%s", err.message);
    ck_assert_uint_eq(v.wall_ns[0], 11905); /* 1000 / 84 MHz = 11904.76 ns */
    ck_assert_uint_eq(v.wall_ns[SECOND + 4], 11952);
    ck_assert_uint_eq(v.total_ns[1], 1190476);
    ck_assert_uint_eq(v.elapsed_ns, 5952);
    visit_samples_clear(&v);
    session_close(s);
    pthread_join(own.thread, NULL);
}
END_TEST

START_TEST(instructions_stay_counts)
{
    struct visit_samples v = {0};
    start_board(WIRE_CLOCK_INSTRUCTIONS, 0);
    run_board();
    struct session *s = open_session(serial_link(), NULL, &options);
    ck_assert_int_eq(session_clock(s), SESSION_INSTRUCTIONS);
    prepare(s, 0, second_texts, SECOND);
    ck_assert_int_eq(session_run(s, 0, 0, 1, true, &v, NULL), LATHE_OK);
    ck_assert_uint_eq(v.wall_ns[1], 1001);
    ck_assert_uint_eq(v.total_ns[0], 100000);
    visit_samples_clear(&v);
    session_close(s);
    pthread_join(own.thread, NULL);
}
END_TEST

START_TEST(cycles_without_a_rate_are_refused)
{
    struct session *s = NULL;
    struct lathe_error err = {0};
    start_board(WIRE_CLOCK_CYCLES, 0);
    run_board();
    ck_assert_int_eq(session_open_with(serial_link(), NULL, &plain, &options, &s, &err), LATHE_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "bench"));
    pthread_join(own.thread, NULL);
}
END_TEST

/* One byte in a hundred each way. What comes through must be what was sent, and each visit made once. */
START_TEST(a_noisy_line_costs_time_and_nothing_else)
{
    struct lathe_error err = {0};
    start_board(WIRE_CLOCK_INSTRUCTIONS, 0);
    own.noisy = true;
    rng_seed(&own.noise, 2026);
    run_board();
    struct session *s = open_session(serial_link(), NULL, &options);
    prepare(s, 0, first_texts, FIRST);
    for (int visit = 0; visit < 5; visit++) {
        struct visit_samples v = {0};
        ck_assert_msg(session_run(s, 0, 0, 3, true, &v, &err) == LATHE_OK, "%s", err.message);
        for (int i = 0; i < 3 * FIRST; i++) ck_assert_uint_eq(v.wall_ns[i], 1000 + i % FIRST);
        for (int run = 0; run < 3; run++) ck_assert_uint_eq(v.total_ns[run], 100000);
        visit_samples_clear(&v);
    }
    ck_assert_int_gt(own.spoiled, 20);
    ck_assert_int_eq(own.runs_made, 5);
    own.noisy = false;
    session_close(s);
    pthread_join(own.thread, NULL);
}
END_TEST

START_TEST(a_board_pulled_out_in_mid_frame_is_told_at_once)
{
    struct visit_samples v = {0};
    struct lathe_error err = {0};
    start_board(WIRE_CLOCK_INSTRUCTIONS, 0);
    run_board();
    struct session *s = open_session(serial_link(), NULL, &options);
    prepare(s, 0, first_texts, FIRST);
    own.unplug_at = 3;
    uint64_t start = clock_now_ns();
    ck_assert_int_eq(session_run(s, 0, 0, 3, true, &v, &err), LATHE_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "unplugged"));
    ck_assert_uint_lt(clock_now_ns() - start, UINT64_C(10000000000));
    ck_assert_ptr_null(v.total_ns);
    session_close(s);
    pthread_join(own.thread, NULL);
}
END_TEST

static TCase *port_cases(void)
{
    TCase *t = tcase_create("ports");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, NULL, tear_down);
    tcase_add_test(t, ports_have_two_kinds_of_names);
    tcase_add_test(t, ports_that_are_not_there_or_are_none_are_told_apart);
    tcase_add_test(t, a_port_that_another_program_has_is_busy_and_the_program_is_named);
    return t;
}

static TCase *session_cases(void)
{
    TCase *t = tcase_create("sessions");
    tcase_set_timeout(t, 240);
    tcase_add_checked_fixture(t, NULL, tear_down);
    tcase_add_test(t, a_runner_behind_a_port_is_one_like_any_other);
    tcase_add_test(t, stale_bytes_of_a_previous_client_are_passed_over);
    tcase_add_test(t, a_board_that_is_plugged_in_later_is_found);
    tcase_add_test(t, cycles_become_nanoseconds_by_the_boards_own_rate);
    tcase_add_test(t, instructions_stay_counts);
    tcase_add_test(t, cycles_without_a_rate_are_refused);
    tcase_add_test(t, a_noisy_line_costs_time_and_nothing_else);
    tcase_add_test(t, a_board_pulled_out_in_mid_frame_is_told_at_once);
    return t;
}

TEST_MAIN("transport serial", port_cases(), session_cases())
