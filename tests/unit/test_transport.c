/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What all transports share, and sessions over it with the real lathe-run. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_main.h"
#include "conformance/int8_cases.h"
#include "lut/base/clock.h"
#include "test_terminal.h"
#include "test_transport_session.h"
#include "test_transport_ssh.h"

static uint64_t seconds_since(uint64_t start_ns)
{
    return (clock_now_ns() - start_ns) / 1000000000u;
}

/* Transports: what every one must do. */

static const char *const ways[] = {"local", "ssh", "serial"};
/* PROGRAMS: those whose other end is a program that they start. */
enum { WAYS = sizeof ways / sizeof ways[0], PROGRAMS = 2 };
static const struct transport *way;
static struct terminal terminal;
static const struct transport_options board = {.destination = "pi@board", .line = {.port = terminal.port}};

static void end_terminal(void)
{
    terminal_stop(&terminal);
}

static struct link *open_link(int i, const char *const *argv)
{
    struct link *link = NULL;
    struct lathe_error err = {0};
    way = transport_find(ways[i]);
    ck_assert_ptr_nonnull(way);
    if (i >= PROGRAMS) terminal_start(&terminal, argv);
    ck_assert_msg(way->open(argv, &board, &link, &err) == LATHE_OK, "%s", err.message);
    return link;
}

/* Read until n bytes are there, or until something else than LATHE_OK. */
static enum lathe_status read_all(struct link *link, char *out, size_t n, struct lathe_error *err)
{
    enum lathe_status st = LATHE_OK;
    for (size_t got = 0, part = 0; !st && got < n; got += part)
        st = way->read(link, out + got, n - got, 20000, &part, err);
    return st;
}

START_TEST(bytes_come_back_as_they_were_sent)
{
    const char *const argv[] = {"/bin/cat", NULL};
    struct link *link = open_link(_i, argv);
    struct lathe_error err = {0};
    char sent[3000];
    char got[3000];
    for (size_t i = 0; i < sizeof sent; i++) sent[i] = (char)(i * 7);
    ck_assert_int_eq(way->write(link, sent, sizeof sent, &err), LATHE_OK);
    ck_assert_int_eq(read_all(link, got, sizeof got, &err), LATHE_OK);
    ck_assert_mem_eq(got, sent, sizeof sent);
    way->close(link);
    way->close(NULL);
}
END_TEST

START_TEST(silence_ends_in_a_timeout_and_the_link_stays_usable)
{
    const char *const argv[] = {"/bin/cat", NULL};
    struct link *link = open_link(_i, argv);
    struct lathe_error err = {0};
    char byte;
    size_t got = 0;
    ck_assert_int_eq(way->read(link, &byte, 1, 20, &got, &err), LATHE_TIMEOUT);
    ck_assert_int_eq(way->write(link, "x", 1, &err), LATHE_OK);
    ck_assert_int_eq(read_all(link, &byte, 1, &err), LATHE_OK);
    ck_assert_int_eq(byte, 'x');
    way->close(link);
}
END_TEST

START_TEST(the_end_of_a_program_is_told_with_its_status_and_last_words)
{
    const char *const argv[] = {"/bin/sh", "-c", "echo first >&2; echo 'the board is on fire' >&2; exit 3", NULL};
    struct link *link = open_link(_i, argv);
    struct lathe_error err = {0};
    char byte;
    ck_assert_int_eq(read_all(link, &byte, 1, &err), LATHE_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "exit status 3"));
    ck_assert_ptr_nonnull(strstr(err.message, "the board is on fire"));
    ck_assert_int_eq(way->write(link, "x", 1, &err), LATHE_IO); /* and no SIGPIPE */
    ck_assert_ptr_nonnull(strstr(err.message, "exit status 3"));
    way->close(link);
}
END_TEST

START_TEST(a_signal_that_ended_a_program_is_named)
{
    const char *const argv[] = {"/bin/sh", "-c", "kill -SEGV $$", NULL};
    struct link *link = open_link(_i, argv);
    struct lathe_error err = {0};
    char byte;
    ck_assert_int_eq(read_all(link, &byte, 1, &err), LATHE_IO);
    ck_assert_ptr_nonnull(strstr(err.message, "signal 11"));
    way->close(link);
}
END_TEST

START_TEST(a_program_that_ignores_the_end_of_its_input_and_sigterm_is_killed)
{
    /* It says when its trap is set; until then SIGTERM would end it the easy way. */
    const char *const argv[] = {"/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 100; done", NULL};
    struct link *link = open_link(_i, argv);
    char text[6];
    uint64_t start = clock_now_ns();
    ck_assert_int_eq(read_all(link, text, sizeof text, NULL), LATHE_OK);
    way->close(link);
    ck_assert_uint_lt(seconds_since(start), 30);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}
END_TEST

START_TEST(a_program_that_is_not_there_is_not_found)
{
    const char *const absent[] = {"/nonexistent/lathe-run", "serve", NULL};
    const char *const folder[] = {"/", NULL};
    struct link *link = NULL;
    struct lathe_error err = {0};
    for (size_t i = 0; i < PROGRAMS; i++) {
        ck_assert_int_eq(transport_find(ways[i])->open(absent, &board, &link, &err), LATHE_NOT_FOUND);
        ck_assert_ptr_nonnull(strstr(err.message, "/nonexistent/lathe-run"));
    }
    ck_assert_int_eq(local_link()->open(folder, NULL, &link, &err), LATHE_IO);
    ck_assert_ptr_null(link);
    ck_assert_ptr_null(transport_find("pigeon"));
}
END_TEST

/* Sessions. */

START_TEST(configs_are_read_strictly)
{
    static const char *const malformed[] = {"",
                                            "xnnpack",
                                            "xnnpack-f32",
                                            "xnnpack-f32-t1",
                                            "xnnpack-f32-t1-b1-",
                                            "-f32-t1-b1",
                                            "xnnpack-f64-t1-b1",
                                            "xnnpack-f32-t0-b1",
                                            "xnnpack-f32-t1-b65",
                                            "xnnpack-f32-b1-t1",
                                            "xnnpack-f32-t01-b1",
                                            "xnnpack-f32-t1-b1x",
                                            "xnnpack--t1-b1",
                                            "a-name-of-a-runtime-f32-t1-b1",
                                            "xnn/pack-f32-t1-b1"};
    struct runtime_config c;
    struct lathe_error err = {0};
    ck_assert_int_eq(runtime_config_parse("xnnpack-int8-t4-b64", &c, &err), LATHE_OK);
    ck_assert_str_eq(c.runtime, "xnnpack");
    ck_assert_int_eq(c.dtype, DTYPE_INT8);
    ck_assert_int_eq(c.threads, 4);
    ck_assert_int_eq(c.batch, 64);
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        ck_assert_msg(runtime_config_parse(malformed[i], &c, &err) == LATHE_INVALID, "%s", malformed[i]);
        ck_assert_str_eq(err.field, "config");
    }
}
END_TEST

static void check_visit(struct session *s, int network, int layers)
{
    struct visit_samples v = {0};
    struct lathe_error err = {0};
    ck_assert_msg(session_run(s, network, 1, 4, true, &v, &err) == LATHE_OK, "%s", err.message);
    ck_assert_int_eq(v.layers, layers);
    ck_assert_int_eq(v.runs, 4);
    for (int run = 0; run < v.runs; run++) {
        uint64_t sum = 0;
        for (int i = 0; i < layers; i++) {
            ck_assert_uint_gt(v.wall_ns[run * layers + i], 0);
            sum += v.wall_ns[run * layers + i];
        }
        ck_assert_uint_ge(v.total_ns[run], sum);
        ck_assert_uint_lt(v.total_ns[run], 60000000000u);
    }
    visit_samples_clear(&v);
}

START_TEST(two_networks_share_packed_weights_and_are_timed)
{
    struct session *s = open_session(local_link(), runner_argv, NULL);
    prepare(s, 0, first_texts, FIRST);
    ck_assert_uint_eq(session_last_build(s).packed, FIRST);
    ck_assert_uint_gt(session_last_build(s).arena_bytes, 16 * 16 * 48 * 4);
    prepare(s, 4095, second_texts, SECOND);
    ck_assert_uint_eq(session_last_build(s).packed, 1);
    ck_assert_uint_eq(session_last_build(s).reused, SECOND - 1);
    check_visit(s, 0, FIRST);
    check_visit(s, 4095, SECOND);
    uint32_t crc = session_output_crc(s);
    check_visit(s, 0, FIRST);
    ck_assert_uint_ne(session_output_crc(s), crc);
    check_visit(s, 4095, SECOND);
    ck_assert_uint_eq(session_output_crc(s), crc);
    ck_assert_int_eq(session_reset(s, NULL), LATHE_OK);
    prepare(s, 0, second_texts, SECOND);
    ck_assert_uint_eq(session_last_build(s).packed, SECOND);
    session_close(s);
}
END_TEST

START_TEST(visits_without_layer_times_give_totals_alone)
{
    struct session *s = open_session(local_link(), runner_argv, NULL);
    struct visit_samples v = {0};
    prepare(s, 3, second_texts, SECOND);
    ck_assert_int_eq(session_run(s, 3, 0, 60, false, &v, NULL), LATHE_OK);
    ck_assert_int_eq(v.layers, 0);
    ck_assert_int_eq(v.runs, 60); /* more than one frame holds */
    for (int run = 0; run < v.runs; run++) ck_assert_uint_gt(v.total_ns[run], 0);
    visit_samples_clear(&v);
    session_close(s);
}
END_TEST

START_TEST(outputs_can_be_read_back)
{
    struct session *s = open_session(local_link(), runner_argv, NULL);
    struct visit_samples v = {0};
    void *bytes = NULL;
    size_t n = 0;
    prepare(s, 0, first_texts, FIRST);
    ck_assert_int_eq(session_run(s, 0, 0, 1, true, &v, NULL), LATHE_OK);
    ck_assert_int_eq(session_output(s, &bytes, &n, NULL), LATHE_OK); /* in two chunks, against its CRC */
    ck_assert_uint_eq(n, 100 * sizeof(float));
    visit_samples_clear(&v);
    free(bytes);
    session_close(s);
}
END_TEST

static void check_int8_case(const struct int8_case *c)
{
    const struct runtime_config config = {"reference", DTYPE_INT8, 1, c->batch};
    const struct session_options options = {.seed = c->seed};
    struct session *s = NULL;
    struct visit_samples v = {0};
    struct lathe_error err = {0};
    enum lathe_status st = session_open_with(local_link(), runner_argv, &config, &options, &s, &err);
    if (!st) st = session_prepare(s, 0, c->layers, c->count, &err);
    if (!st) st = session_run(s, 0, 0, 1, true, &v, &err);
    ck_assert_msg(!st, "%s: %s", c->name, err.message);
    ck_assert_msg(session_output_crc(s) == c->output_crc, "%s: %08x, not %08x", c->name, session_output_crc(s),
                  c->output_crc);
    visit_samples_clear(&v);
    session_close(s);
}

START_TEST(int8_networks_give_the_outputs_that_the_protocol_defines)
{
    each_int8_case(check_int8_case);
}
END_TEST

START_TEST(fingerprints_have_the_runner_and_its_runtime)
{
    struct session *s = open_session(local_link(), runner_argv, NULL);
    const char *const *lines = session_fingerprint(s);
    int found = 0;
    for (; *lines; lines++)
        found += strncmp(*lines, "runner=lathe-run ", 17) == 0 || strncmp(*lines, "runtime=reference ", 18) == 0 ||
                 strcmp(*lines, "threads=1") == 0 || strcmp(*lines, "dtype=f32") == 0;
    ck_assert_int_eq(found, 4);
    session_close(s);
}
END_TEST

START_TEST(a_runner_tells_how_its_machine_is)
{
    struct device_state now = {0};
    struct session *s = open_session(local_link(), runner_argv, NULL);
    ck_assert_int_eq(session_state(s, &now, NULL), LATHE_OK);
    ck_assert_double_lt(now.others_share, 0); /* there was no look before */
    ck_assert_uint_gt(now.available_kib, 1024);
    ck_assert_int_eq(session_state(s, &now, NULL), LATHE_OK);
    ck_assert_double_le(now.others_share, 1);
    session_close(s);
}
END_TEST

/* Whatever this machine allows, a governor that no machine has is refused, and the session never opens. */
START_TEST(a_governor_that_is_not_there_is_refused)
{
    const struct session_options options = {.governor = "no_such_governor"};
    const struct runtime_config config = {"reference", DTYPE_F32, 1, 1};
    struct lathe_error err = {0};
    struct session *s = NULL;
    enum lathe_status st = session_open_with(transport_find("local"), runner_argv, &config, &options, &s, &err);
    ck_assert(st == LATHE_INVALID || st == LATHE_UNSUPPORTED);
    ck_assert_str_ne(err.message, "");
}
END_TEST

START_TEST(what_the_runner_refuses_is_told_and_the_session_goes_on)
{
    struct session *s = open_session(local_link(), runner_argv, NULL);
    struct visit_samples v = {0};
    struct lathe_error err = {0};
    struct layer layers[2];
    parse_network(second_texts, layers, 2);
    layers[1].in.h = layers[1].out.h = 20;
    ck_assert_int_eq(session_prepare(s, 0, layers, 2, &err), LATHE_INVALID);
    ck_assert_ptr_nonnull(strstr(err.message, "layer 1 takes 20x16x16"));
    ck_assert_int_eq(session_run(s, 0, 0, 1, true, &v, &err), LATHE_NOT_FOUND);
    ck_assert_int_eq(session_prepare(s, 4096, layers, 1, &err), LATHE_INVALID);
    /* Weights of more bytes than the machine has. */
    struct layer huge = {.kind = LAYER_LINEAR, .in = {1, 1, 65535}, .out = {1, 1, 65535}};
    struct layer chain[FIRST * 40];
    for (size_t i = 0; i < sizeof chain / sizeof chain[0]; i++) chain[i] = huge;
    ck_assert_int_eq(session_prepare(s, 0, chain, (int)(sizeof chain / sizeof chain[0]), &err), LATHE_NO_MEMORY);
    ck_assert_ptr_nonnull(strstr(err.message, "does not fit"));
    prepare(s, 0, second_texts, SECOND);
    check_visit(s, 0, SECOND);
    session_close(s);
}
END_TEST

START_TEST(runtimes_and_threads_that_are_not_there_are_unsupported)
{
    static const struct runtime_config unknown = {"abacus", DTYPE_F32, 1, 1};
    static const struct runtime_config threads = {"reference", DTYPE_F32, 2, 1};
    struct session *s = NULL;
    struct lathe_error err = {0};
    ck_assert_int_eq(session_open(local_link(), runner_argv, &unknown, &s, &err), LATHE_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.message, "abacus"));
    ck_assert_int_eq(session_open(local_link(), runner_argv, &threads, &s, &err), LATHE_UNSUPPORTED);
    ck_assert_ptr_null(s);
}
END_TEST

static TCase *link_cases(void)
{
    TCase *t = tcase_create("link");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, fake_ssh_set_up, fake_ssh_tear_down);
    tcase_add_checked_fixture(t, NULL, end_terminal);
    tcase_add_loop_test(t, bytes_come_back_as_they_were_sent, 0, WAYS);
    tcase_add_loop_test(t, silence_ends_in_a_timeout_and_the_link_stays_usable, 0, WAYS);
    tcase_add_loop_test(t, the_end_of_a_program_is_told_with_its_status_and_last_words, 0, PROGRAMS);
    tcase_add_loop_test(t, a_signal_that_ended_a_program_is_named, 0, PROGRAMS);
    tcase_add_loop_test(t, a_program_that_ignores_the_end_of_its_input_and_sigterm_is_killed, 0, PROGRAMS);
    tcase_add_test(t, a_program_that_is_not_there_is_not_found);
    return t;
}

static TCase *session_cases(void)
{
    TCase *t = tcase_create("session");
    tcase_set_timeout(t, 240);
    tcase_add_test(t, configs_are_read_strictly);
    tcase_add_test(t, two_networks_share_packed_weights_and_are_timed);
    tcase_add_test(t, visits_without_layer_times_give_totals_alone);
    tcase_add_test(t, outputs_can_be_read_back);
    tcase_add_test(t, int8_networks_give_the_outputs_that_the_protocol_defines);
    tcase_add_test(t, fingerprints_have_the_runner_and_its_runtime);
    tcase_add_test(t, a_runner_tells_how_its_machine_is);
    tcase_add_test(t, a_governor_that_is_not_there_is_refused);
    tcase_add_test(t, what_the_runner_refuses_is_told_and_the_session_goes_on);
    tcase_add_test(t, runtimes_and_threads_that_are_not_there_are_unsupported);
    return t;
}

TEST_MAIN("transport", link_cases(), session_cases())
