/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* lathe-run as a program: requests that make no sense, and its command line. */
#include <stdlib.h>
#include <string.h>

#include "agents/transport/exchange.h"
#include "check_main.h"
#include "lut/base/json.h"
#include "test_transport_session.h"

static const struct patience patience = {.first_ms = 20000, .repeat_ms = 20000, .attempts = 2};

/* A conversation of single requests; keeps what the last answer said. */
struct talk {
    struct exchange x;
    struct lathe_error err;
    struct wire_cursor reply;
};

static void talk_open(struct talk *t)
{
    struct link *link = NULL;
    ck_assert_int_eq(local_link()->open(runner_argv, NULL, &link, &t->err), LATHE_OK);
    exchange_init(&t->x, local_link(), link);
}

static void talk_close(struct talk *t)
{
    local_link()->close(t->x.link);
}

/* Send a request with these bytes as payload. */
static enum lathe_status say(struct talk *t, uint8_t type, const char *payload, size_t n)
{
    struct wire_cursor c = exchange_begin(&t->x, (enum wire_type)type);
    for (size_t i = 0; i < n; i++) {
        uint8_t byte = (uint8_t)payload[i];
        wire_u8(&c, &byte);
    }
    t->err.message[0] = '\0';
    return exchange_finish(&t->x, &c, &patience, &t->reply, &t->err);
}

static void hello(struct talk *t)
{
    ck_assert_int_eq(say(t, WIRE_HELLO, "\1\0\1", 3), LATHE_OK);
}

/* OPEN reference f32, one thread, batch one, seed 0. */
static void open_reference(struct talk *t)
{
    static const char payload[] = "\11reference\0\1\1\0\0\0\0";
    ck_assert_int_eq(say(t, WIRE_OPEN, payload, sizeof payload - 1), LATHE_OK);
}

/* One layer, linear in=1x1x3 out=1x1x2, as NET_LAYERS from index 0. */
static const char linear_layers[] = "\0\0\1"
                                    "\3\0\0\0\0"
                                    "\1\0\1\0\3\0\1\0\1\0\2\0\0\0\0\0";

static void check_failure(struct talk *t, uint8_t type, const char *payload, size_t n, enum lathe_status want,
                          const char *words)
{
    enum lathe_status st = say(t, type, payload, n);
    ck_assert_msg(st == want && strstr(t->err.message, words), "type %d: %s: %s", type, status_text(st),
                  t->err.message);
}

START_TEST(requests_out_of_order_are_refused_and_change_nothing)
{
    struct talk t = {0};
    talk_open(&t);
    check_failure(&t, WIRE_OPEN, "", 0, LATHE_IO, "say HELLO first");
    hello(&t);
    check_failure(&t, WIRE_RUN, "\0\0\0\0\1\0\0", 7, LATHE_IO, "OPEN comes first");
    check_failure(&t, WIRE_NET_BEGIN, "\0\0\1\0", 4, LATHE_IO, "OPEN comes first");
    open_reference(&t);
    check_failure(&t, WIRE_NET_BUILD, "\0\0", 2, LATHE_IO, "not described");
    check_failure(&t, WIRE_FETCH, "\0\0\0\0", 4, LATHE_IO, "RUN comes first");
    check_failure(&t, WIRE_OUTPUT, "\0\0\0\0", 4, LATHE_IO, "RUN comes first");
    check_failure(&t, WIRE_INFO, "\377\0", 2, LATHE_NOT_FOUND, "no such line");
    check_failure(&t, WIRE_NET_LAYERS, linear_layers, sizeof linear_layers - 1, LATHE_IO, "as many as NET_BEGIN said");
    ck_assert_int_eq(say(&t, WIRE_NET_BEGIN, "\0\0\1\0", 4), LATHE_OK);
    check_failure(&t, WIRE_NET_BUILD, "\0\0", 2, LATHE_IO, "not described");
    ck_assert_int_eq(say(&t, WIRE_NET_LAYERS, linear_layers, sizeof linear_layers - 1), LATHE_OK);
    check_failure(&t, WIRE_NET_BUILD, "\1\0", 2, LATHE_IO, "not described"); /* another network's number */
    ck_assert_int_eq(say(&t, WIRE_NET_BUILD, "\0\0", 2), LATHE_OK);
    ck_assert_int_eq(say(&t, WIRE_RUN, "\0\0\0\0\1\0\1", 7), LATHE_OK);
    ck_assert_int_eq(say(&t, WIRE_FETCH, "\0\0\0\0", 4), LATHE_OK);
    talk_close(&t);
}
END_TEST

START_TEST(values_out_of_range_are_refused)
{
    static const char other_name[] = "\5other\0\1\1\0\0\0\0";
    static const char no_threads[] = "\11reference\0\0\1\0\0\0\0";
    static const char big_batch[] = "\11reference\0\1\101\0\0\0\0";
    static const char no_dtype[] = "\11reference\7\1\1\0\0\0\0";
    struct talk t = {0};
    talk_open(&t);
    hello(&t);
    check_failure(&t, WIRE_OPEN, other_name, sizeof other_name - 1, LATHE_UNSUPPORTED, "no runtime other");
    check_failure(&t, WIRE_OPEN, no_threads, sizeof no_threads - 1, LATHE_INVALID, "from 1 to 64");
    check_failure(&t, WIRE_OPEN, big_batch, sizeof big_batch - 1, LATHE_INVALID, "from 1 to 64");
    check_failure(&t, WIRE_OPEN, no_dtype, sizeof no_dtype - 1, LATHE_UNSUPPORTED, "dtype 7");
    open_reference(&t);
    check_failure(&t, WIRE_NET_BEGIN, "\0\20\1\0", 4, LATHE_INVALID, "0 to 4095");
    check_failure(&t, WIRE_NET_BEGIN, "\0\0\0\0", 4, LATHE_INVALID, "1 to 1024");
    check_failure(&t, WIRE_RUN, "\0\0\0\0\1\0\2", 7, LATHE_UNSUPPORTED, "flag");
    check_failure(&t, WIRE_RUN, "\5\0\0\0\1\0\1", 7, LATHE_NOT_FOUND, "network 5");
    check_failure(&t, 77, "", 0, LATHE_UNSUPPORTED, "type of request");
    char layers[sizeof linear_layers];
    memcpy(layers, linear_layers, sizeof layers);
    layers[3] = 9; /* kind */
    ck_assert_int_eq(say(&t, WIRE_NET_BEGIN, "\0\0\1\0", 4), LATHE_OK);
    check_failure(&t, WIRE_NET_LAYERS, layers, sizeof layers - 1, LATHE_INVALID, "unknown layer kind 9");
    talk_close(&t);
}
END_TEST

START_TEST(payloads_cut_short_or_too_long_are_malformed)
{
    struct talk t = {0};
    talk_open(&t);
    hello(&t);
    open_reference(&t);
    for (int type = WIRE_OPEN; type < WIRE_RESET; type++) {
        static const char none[1] = "";
        char junk[100];
        memset(junk, 1, sizeof junk);
        check_failure(&t, (uint8_t)type, none, 1, LATHE_IO, "does not fit the request's type");
        check_failure(&t, (uint8_t)type, junk, sizeof junk, LATHE_IO, "does not fit the request's type");
    }
    check_failure(&t, WIRE_BYE, "x", 1, LATHE_IO, "does not fit the request's type");
    talk_close(&t);
}
END_TEST

START_TEST(hello_starts_afresh)
{
    struct talk t = {0};
    talk_open(&t);
    hello(&t);
    open_reference(&t);
    t.x.nonce++;
    hello(&t);
    check_failure(&t, WIRE_RESET, "", 0, LATHE_IO, "OPEN comes first");
    talk_close(&t);
}
END_TEST

/* Run a program to its end. @return its exit status; out has the start of what it printed. */
static int run_program(const char *const *argv, char *out, size_t capacity, struct lathe_error *err)
{
    struct link *link = NULL;
    size_t n = 0;
    size_t part = 0;
    ck_assert_int_eq(local_link()->open(argv, NULL, &link, err), LATHE_OK);
    while (local_link()->read(link, out + n, capacity - 1 - n, 60000, &part, err) == LATHE_OK) n += part;
    out[n] = '\0';
    local_link()->close(link);
    const char *status = strstr(err->message, "exit status ");
    ck_assert_msg(status != NULL, "%s", err->message);
    return (int)strtol(status + strlen("exit status "), NULL, 10);
}

START_TEST(list_names_all_runtimes_and_what_they_do_as_json_too)
{
    const char *const argv[] = {LATHE_RUN, "list", "--json", NULL};
    char out[4096];
    json_t *document = NULL;
    struct lathe_error err = {0};
    ck_assert_int_eq(run_program(argv, out, sizeof out, &err), 0);
    ck_assert_msg(json_parse(out, strlen(out), &document, &err) == LATHE_OK, "%s in %s", err.message, out);
    const json_t *first = json_array_get(json_object_get(document, "runtimes"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "name")), "reference");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(first, "dtypes"), 0)), "f32");
    ck_assert_str_eq(json_string_value(json_array_get(json_object_get(first, "dtypes"), 1)), "int8");
    ck_assert_int_eq(json_integer_value(json_object_get(first, "max_threads")), 1);
    const json_t *refused = json_array_get(json_object_get(first, "refuses"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(refused, "what")), "t2");
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(refused, "why")), "one thread"));
    ck_assert(json_is_array(json_object_get(document, "absent")));
    json_decref(document);
}
END_TEST

START_TEST(list_says_what_a_runtime_cannot_do_and_why)
{
    const char *const argv[] = {LATHE_RUN, "list", NULL};
    char out[4096];
    struct lathe_error err = {0};
    ck_assert_int_eq(run_program(argv, out, sizeof out, &err), 0);
    ck_assert_ptr_nonnull(strstr(out, "reference    f32,int8   1 "));
    ck_assert_ptr_nonnull(strstr(out, "no reference-t2: reference runs on one thread only\n"));
}
END_TEST

START_TEST(bench_prints_a_line_for_each_layer)
{
    const char *const argv[] = {LATHE_RUN,
                                "bench",
                                "--json",
                                "--network",
                                "--runs",
                                "3",
                                "--runtime",
                                "reference",
                                "--dtype",
                                _i ? "int8" : "f32",
                                "avgpool in=5x5x32 out=1x1x32",
                                "linear in=1x1x32 out=1x1x10",
                                NULL};
    static const char *const layers[] = {"avgpool in=5x5x32 out=1x1x32", "linear in=1x1x32 out=1x1x10", "total"};
    char out[4096];
    struct lathe_error err = {0};
    ck_assert_int_eq(run_program(argv, out, sizeof out, &err), 0);
    char *rest = out;
    for (int i = 0; i < 3; i++) {
        const char *line = strsep(&rest, "\n");
        json_t *document = NULL;
        ck_assert_ptr_nonnull(line);
        ck_assert_msg(json_parse(line, strlen(line), &document, &err) == LATHE_OK, "%s in %s", err.message, line);
        ck_assert_str_eq(json_string_value(json_object_get(document, "layer")), layers[i]);
        double least = json_real_value(json_object_get(document, "min_ms"));
        double p90 = json_real_value(json_object_get(document, "p90_ms"));
        ck_assert(least > 0 && p90 >= least);
        json_decref(document);
    }
    ck_assert_ptr_nonnull(rest);
    ck_assert_str_eq(rest, "");
}
END_TEST

START_TEST(wrong_usage_is_2_and_failure_is_1)
{
    static const struct {
        const char *argv[9];
        int status;
        const char *words; /* in the last line of standard error */
    } cases[] = {
        {{LATHE_RUN, NULL}, 2, "serve, list or bench"},
        {{LATHE_RUN, "dance", NULL}, 2, "unknown command"},
        {{LATHE_RUN, "bench", NULL}, 2, "from 1 to 1024 layers"},
        {{LATHE_RUN, "bench", "linear in=1x1x1", NULL}, 2, "out is missing"},
        {{LATHE_RUN, "bench", "--threads", "65", "x", NULL}, 2, "--threads can't be \"65\""},
        {{LATHE_RUN, "bench", "--runtime", "abacus", "x", NULL}, 2, "no such runtime"},
        {{LATHE_RUN, "list", "--batch", "2", NULL}, 2, "list has no option --batch"},
        {{LATHE_RUN, "serve", "more", NULL}, 2, "serve takes no arguments"},
        {{LATHE_RUN, "bench", "--threads", "2", "--runtime", "reference", "linear in=1x1x1 out=1x1x1", NULL},
         1,
         "one thread only"},
        {{LATHE_RUN, "bench", "--memory-mb", "1", "linear in=1x1x1000 out=1x1x1000", NULL}, 1, "does not fit"},
        {{LATHE_RUN, "bench", "--network", "linear in=1x1x2 out=1x1x2", "linear in=1x1x1 out=1x1x1", NULL},
         1,
         "layer 1"},
        {{"/bin/sh", "-c", "exec \"$0\" serve </dev/null", LATHE_RUN, NULL}, 0, ""}, /* the end of input ends it */
        {{LATHE_RUN, "--help", NULL}, 0, ""},
        {{LATHE_RUN, "bench", "--help", NULL}, 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[8192];
        struct lathe_error err = {0};
        int status = run_program(cases[i].argv, out, sizeof out, &err);
        ck_assert_msg(status == cases[i].status && strstr(err.message, cases[i].words), "case %zu: %d: %s", i, status,
                      err.message);
    }
}
END_TEST

static TCase *serve_cases(void)
{
    TCase *t = tcase_create("serve");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, requests_out_of_order_are_refused_and_change_nothing);
    tcase_add_test(t, values_out_of_range_are_refused);
    tcase_add_test(t, payloads_cut_short_or_too_long_are_malformed);
    tcase_add_test(t, hello_starts_afresh);
    return t;
}

static TCase *command_cases(void)
{
    TCase *t = tcase_create("commands");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, list_names_all_runtimes_and_what_they_do_as_json_too);
    tcase_add_test(t, list_says_what_a_runtime_cannot_do_and_why);
    tcase_add_loop_test(t, bench_prints_a_line_for_each_layer, 0, 2);
    tcase_add_test(t, wrong_usage_is_2_and_failure_is_1);
    return t;
}

TEST_MAIN("runner program", serve_cases(), command_cases())
