/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Sessions with runners that die, hang, talk nonsense or speak another version, and over links that spoil bytes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/wire/responder.h"
#include "check_main.h"
#include "lut/base/clock.h"
#include "lut/base/file.h"
#include "lut/base/rng.h"
#include "test_transport_session.h"

static struct transport faulty; /* local with one function replaced; set up by each test */

static double seconds_since(uint64_t start_ns)
{
    return (double)(clock_now_ns() - start_ns) / 1e9;
}

/* A runner that writes down its process id before it starts, so that the test can send it signals. */
struct marked_runner {
    char pid_file[64];
    const char *argv[6];
};

static void mark_runner(struct marked_runner *m)
{
    snprintf(m->pid_file, sizeof m->pid_file, "/tmp/lathe-test-XXXXXX");
    int fd = mkstemp(m->pid_file);
    ck_assert_int_ge(fd, 0);
    close(fd);
    const char *const argv[6] = {"/bin/sh", "-c", "echo $$ >\"$0\"; exec \"$1\" serve", m->pid_file, LATHE_RUN, NULL};
    memcpy(m->argv, argv, sizeof argv);
}

static pid_t pid_of(const struct marked_runner *m)
{
    char *text = NULL;
    size_t size = 0;
    ck_assert_int_eq(file_read(m->pid_file, 64, &text, &size, NULL), LATHE_OK);
    long pid = strtol(text, NULL, 10);
    free(text);
    ck_assert_int_gt(pid, 1);
    return (pid_t)pid;
}

/* Sends the signal to the runner as soon as the next request is on its way. */
static pid_t strike_pid;
static int strike_signal;

static enum lathe_status write_and_strike(struct link *link, const void *bytes, size_t n, struct lathe_error *err)
{
    enum lathe_status st = local_link()->write(link, bytes, n, err);
    if (strike_signal) ck_assert_int_eq(kill(strike_pid, strike_signal), 0);
    strike_signal = 0;
    return st;
}

/* Start a visit that takes far longer than the test, and strike. */
static enum lathe_status strike_in_mid_run(int signal, const struct session_options *options, struct lathe_error *err)
{
    struct marked_runner runner;
    struct visit_samples v = {0};
    faulty = *local_link();
    faulty.write = write_and_strike;
    mark_runner(&runner);
    struct session *s = open_session(&faulty, runner.argv, options);
    prepare(s, 0, first_texts, FIRST);
    strike_pid = pid_of(&runner);
    strike_signal = signal;
    enum lathe_status st = session_run(s, 0, 10000, 10000, true, &v, err);
    ck_assert_int_eq(strike_signal, 0);
    ck_assert_ptr_null(v.total_ns);
    struct lathe_error later = {0};
    ck_assert_int_eq(session_run(s, 0, 0, 1, true, &v, &later), LATHE_IO);
    ck_assert_ptr_nonnull(strstr(later.message, "open a new one"));
    session_close(s);
    unlink(runner.pid_file);
    return st;
}

START_TEST(a_runner_killed_in_mid_run_is_a_clear_error_at_once)
{
    struct lathe_error err = {0};
    uint64_t start = clock_now_ns();
    ck_assert_int_eq(strike_in_mid_run(SIGKILL, NULL, &err), LATHE_IO);
    ck_assert_double_lt(seconds_since(start), 20);
    ck_assert_ptr_nonnull(strstr(err.message, "signal 9"));
}
END_TEST

START_TEST(a_runner_that_hangs_in_mid_run_is_a_timeout_and_is_killed)
{
    const struct session_options options = {.run_ms = 300, .reply_ms = 100};
    struct lathe_error err = {0};
    uint64_t start = clock_now_ns();
    ck_assert_int_eq(strike_in_mid_run(SIGSTOP, &options, &err), LATHE_TIMEOUT);
    ck_assert_double_lt(seconds_since(start), 30);
    ck_assert_ptr_nonnull(strstr(err.message, "network 0"));
}
END_TEST

/* @return how opening a session with such a program ends. */
static enum lathe_status open_fails(const char *const *argv, const struct session_options *options,
                                    struct lathe_error *err)
{
    struct session *s = NULL;
    enum lathe_status st = session_open_with(local_link(), argv, &plain, options, &s, err);
    ck_assert_ptr_null(s);
    return st;
}

START_TEST(a_program_that_says_nothing_is_a_timeout)
{
    const char *const argv[] = {"/bin/sleep", "100", NULL};
    const struct session_options options = {.hello_ms = 500};
    struct lathe_error err = {0};
    uint64_t start = clock_now_ns();
    ck_assert_int_eq(open_fails(argv, &options, &err), LATHE_TIMEOUT);
    ck_assert_double_lt(seconds_since(start), 20);
    ck_assert_ptr_nonnull(strstr(err.message, "did not say hello"));
}
END_TEST

START_TEST(a_program_that_talks_nonsense_without_end_is_told_from_a_runner)
{
    const char *const argv[] = {"/usr/bin/yes", NULL};
    struct lathe_error err = {0};
    uint64_t start = clock_now_ns();
    ck_assert_int_eq(open_fails(argv, NULL, &err), LATHE_IO);
    ck_assert_double_lt(seconds_since(start), 8); /* sooner than hello would time out */
    ck_assert_ptr_nonnull(strstr(err.message, "does not speak the wire protocol"));
}
END_TEST

START_TEST(an_echo_is_no_runner)
{
    const char *const argv[] = {"/bin/cat", NULL};
    const struct session_options options = {.hello_ms = 500};
    struct lathe_error err = {0};
    ck_assert_int_eq(open_fails(argv, &options, &err), LATHE_TIMEOUT);
}
END_TEST

START_TEST(a_runner_that_ends_at_once_says_why)
{
    const char *const argv[] = {LATHE_RUN, "no-such-command", NULL};
    struct lathe_error err = {0};
    ck_assert_int_eq(open_fails(argv, NULL, &err), LATHE_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "exit status 2"));
    ck_assert_ptr_nonnull(strstr(err.message, "unknown command"));
}
END_TEST

START_TEST(a_missing_runner_is_not_found)
{
    const char *const argv[] = {"/nonexistent/lathe-run", "serve", NULL};
    struct lathe_error err = {0};
    ck_assert_int_eq(open_fails(argv, NULL, &err), LATHE_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.message, "point to it with --runner"));
}
END_TEST

/* A device of another version: answers any request as PROTOCOL.md says every version does. */
struct link {
    struct wire_decoder decoder;
    uint8_t frame[WIRE_FRAME_BYTES];
    size_t frame_bytes;
};
static struct link newer_device;

static enum lathe_status newer_open(const char *const *argv, const struct transport_options *options, struct link **out,
                                    struct lathe_error *err)
{
    (void)argv;
    (void)options;
    (void)err;
    wire_decoder_init(&newer_device.decoder);
    *out = &newer_device;
    return LATHE_OK;
}

static enum lathe_status newer_write(struct link *link, const void *bytes, size_t n, struct lathe_error *err)
{
    (void)err;
    for (size_t i = 0; i < n; i++) {
        size_t size = wire_decode(&link->decoder, ((const uint8_t *)bytes)[i]);
        if (!size) continue;
        uint8_t message[WIRE_MESSAGE_BYTES];
        struct wire_header h = {0};
        struct wire_error e = {.code = WIRE_E_VERSION, .detail = 9, .text = "no"};
        struct wire_cursor request = wire_reader(link->decoder.buffer, size);
        wire_request_header(&request, &h);
        h.request_crc = wire_crc32(0, link->decoder.buffer, size);
        h.type = WIRE_ERROR;
        struct wire_cursor reply = wire_writer(message, sizeof message);
        wire_reply_header(&reply, &h);
        wire_error(&reply, &e);
        link->frame_bytes = wire_frame(message, (size_t)(reply.at - message), link->frame);
    }
    return LATHE_OK;
}

static enum lathe_status newer_read(struct link *link, void *bytes, size_t n, int timeout_ms, size_t *got,
                                    struct lathe_error *err)
{
    (void)timeout_ms;
    (void)err;
    ck_assert_uint_ge(n, link->frame_bytes);
    memcpy(bytes, link->frame, link->frame_bytes);
    *got = link->frame_bytes;
    return LATHE_OK;
}

static void newer_close(struct link *link)
{
    (void)link;
}

START_TEST(a_runner_of_another_version_is_unsupported_and_both_versions_are_named)
{
    const struct transport newer = {
        .name = "newer",
        .peer = "a newer runner",
        .open = newer_open,
        .write = newer_write,
        .read = newer_read,
        .close = newer_close,
    };
    struct session *s = NULL;
    struct lathe_error err = {0};
    ck_assert_int_eq(session_open(&newer, runner_argv, &plain, &s, &err), LATHE_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "version 9"));
    ck_assert_ptr_nonnull(strstr(err.message, "version 1"));
}
END_TEST

/* A link that spoils one byte in 3,000. */
static struct rng noise;
static int spoiled;

static size_t spoil(uint8_t byte, uint8_t out[2])
{
    uint32_t luck = rng_below(&noise, 9000);
    spoiled += luck < 3;
    if (luck == 0) return 0;
    out[0] = luck == 1 ? (uint8_t)(byte ^ 1u << rng_below(&noise, 8)) : byte;
    if (luck != 2) return 1;
    out[0] = (uint8_t)rng_next(&noise);
    out[1] = byte;
    return 2;
}

static size_t spoil_all(const uint8_t *bytes, size_t n, uint8_t *out)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++) size += spoil(bytes[i], out + size);
    return size;
}

static enum lathe_status rough_write(struct link *link, const void *bytes, size_t n, struct lathe_error *err)
{
    uint8_t passed[2 * WIRE_FRAME_BYTES];
    ck_assert_uint_le(n, WIRE_FRAME_BYTES);
    return local_link()->write(link, passed, spoil_all(bytes, n, passed), err);
}

static enum lathe_status rough_read(struct link *link, void *bytes, size_t n, int timeout_ms, size_t *got,
                                    struct lathe_error *err)
{
    uint8_t received[512];
    uint8_t passed[2 * sizeof received];
    size_t most = n / 2 < sizeof received ? n / 2 : sizeof received;
    enum lathe_status st = local_link()->read(link, received, most, timeout_ms, got, err);
    if (st) return st;
    *got = spoil_all(received, *got, passed);
    memcpy(bytes, passed, *got);
    return LATHE_OK;
}

static uint32_t visit_many(struct session *s)
{
    prepare(s, 0, first_texts, FIRST);
    prepare(s, 1, second_texts, SECOND);
    for (int i = 0; i < 4; i++) {
        struct visit_samples v = {0};
        struct lathe_error err = {0};
        ck_assert_msg(session_run(s, i % 2, 0, 50, true, &v, &err) == LATHE_OK, "%s", err.message);
        for (int run = 0; run < v.runs; run++) {
            uint64_t sum = 0;
            for (int l = 0; l < v.layers; l++) sum += v.wall_ns[run * v.layers + l];
            ck_assert_uint_gt(sum, 0);
            ck_assert_uint_ge(v.total_ns[run], sum);
        }
        visit_samples_clear(&v);
    }
    /* Packed once, though requests were sent again and again. */
    ck_assert_uint_eq(session_last_build(s).packed, 1);
    return session_output_crc(s);
}

START_TEST(a_link_that_spoils_bytes_slows_a_session_and_changes_no_answer)
{
    const struct session_options patient = {.hello_ms = 5000, .reply_ms = 300, .run_ms = 4000};
    struct session *s = open_session(local_link(), runner_argv, NULL);
    uint32_t want = visit_many(s);
    session_close(s);
    faulty = *local_link();
    faulty.write = rough_write;
    faulty.read = rough_read;
    rng_seed(&noise, 3);
    s = open_session(&faulty, runner_argv, &patient);
    ck_assert_uint_eq(visit_many(s), want);
    session_close(s);
    ck_assert_int_gt(spoiled, 0);
}
END_TEST

static TCase *fault_cases(void)
{
    TCase *t = tcase_create("faults");
    tcase_set_timeout(t, 240);
    tcase_add_test(t, a_runner_killed_in_mid_run_is_a_clear_error_at_once);
    tcase_add_test(t, a_runner_that_hangs_in_mid_run_is_a_timeout_and_is_killed);
    tcase_add_test(t, a_program_that_says_nothing_is_a_timeout);
    tcase_add_test(t, a_program_that_talks_nonsense_without_end_is_told_from_a_runner);
    tcase_add_test(t, an_echo_is_no_runner);
    tcase_add_test(t, a_runner_that_ends_at_once_says_why);
    tcase_add_test(t, a_missing_runner_is_not_found);
    tcase_add_test(t, a_runner_of_another_version_is_unsupported_and_both_versions_are_named);
    tcase_add_test(t, a_link_that_spoils_bytes_slows_a_session_and_changes_no_answer);
    return t;
}

TEST_MAIN("transport faults", fault_cases())
