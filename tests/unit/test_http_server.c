/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The server in this process, spoken to over sockets: replies, who may call, bodies. */
#include "test_http_fixture.h"

/* ---- replies ---- */

START_TEST(a_reply_has_its_status_headers_and_body)
{
    char text[1024];
    answer_to("/hello", "hello", text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 200 "));
    ck_assert_ptr_nonnull(strstr(text, "X-Extra: yes\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "Content-Type: text/plain\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "Content-Length: 5\r\n"));
}
END_TEST

START_TEST(requests_follow_each_other_on_one_connection)
{
    char text[1024];
    int fd = open_connection();
    for (int i = 0; i < 3; i++) {
        get(fd, "/hello");
        ck_assert(read_until(fd, "\r\n\r\nhello", text, sizeof text));
    }
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    ck_assert(read_until(fd, "\r\n\r\nabc", text, sizeof text));
    close(fd);
}
END_TEST

START_TEST(a_handler_that_sets_no_reply_is_a_500)
{
    char text[1024];
    answer_to("/forget", "}", text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 500 "));
}
END_TEST

static const struct {
    int status, http;
} statuses[] = {
    {LATHE_NOT_FOUND, 404},   {LATHE_INVALID, 400}, {LATHE_CONFLICT, 409},  {LATHE_INFEASIBLE, 422},
    {LATHE_DENIED, 403},      {LATHE_IO, 500},      {LATHE_NO_MEMORY, 500}, {LATHE_NEWER, 500},
    {LATHE_UNSUPPORTED, 422}, {LATHE_TIMEOUT, 504},
};

START_TEST(an_error_becomes_a_problem_with_field_line_and_extra_members)
{
    char path[32];
    char text[1024];
    json_error_t where;
    snprintf(path, sizeof path, "/fail?status=%d", statuses[_i].status);
    answer_to(path, "}", text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "Content-Type: application/problem+json\r\n"));
    json_t *problem = json_loads(strstr(text, "\r\n\r\n"), 0, &where);
    ck_assert_int_eq(json_integer_value(json_object_get(problem, "status")), statuses[_i].http);
    ck_assert_str_eq(json_string_value(json_object_get(problem, "field")), "some.field");
    ck_assert_str_eq(json_string_value(json_object_get(problem, "detail")), "a reason of ? bytes");
    ck_assert_int_eq(json_integer_value(json_object_get(problem, "line")), 7);
    ck_assert_int_eq(json_integer_value(json_object_get(problem, "extra")), 1);
    json_decref(problem);
}
END_TEST

static const struct {
    const char *headers;
    int status;
} callers[] = {
    {"", 401},
    {"Authorization: Bearer nobody\r\n", 401},
    {"Authorization: Bearer \r\n", 401},
    {"Authorization: Basic boss\r\n", 401},
    {"Authorization: boss\r\n", 401},
    {"Authorization: Bearer worker\r\n", 403},
    {"Authorization: Bearer boss\r\n", 200},
    {"Authorization: bearer boss\r\n", 200},
    {"Authorization: Bearer boss\r\nAccept: text/html\r\n", 406},
    {"Authorization: Bearer boss\r\nAccept: text/html, */*;q=0.1\r\n", 200},
};

START_TEST(only_who_may_call_is_let_in)
{
    char request[256];
    char status[32];
    char text[1024];
    int fd = open_connection();
    snprintf(request, sizeof request, "GET /admin HTTP/1.1\r\nHost: x\r\n%s\r\n", callers[_i].headers);
    send_text(fd, request);
    ck_assert(read_until(fd, "\r\n\r\n", text, sizeof text));
    snprintf(status, sizeof status, "HTTP/1.1 %d ", callers[_i].status);
    ck_assert_msg(strncmp(text, status, strlen(status)) == 0, "%s: %s", callers[_i].headers, text);
    ck_assert((strstr(text, "WWW-Authenticate: Bearer\r\n") != NULL) == (callers[_i].status == 401));
    close(fd);
}
END_TEST

START_TEST(a_handler_learns_what_the_client_likes_best)
{
    char text[1024];
    int fd = open_connection();
    send_text(fd,
              "GET /chosen HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer boss\r\nAccept: text/csv, */*;q=0.5\r\n\r\n");
    ck_assert(read_until(fd, "\r\n\r\ncsv", text, sizeof text));
    send_text(fd, "GET /chosen HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer boss\r\n\r\n");
    ck_assert(read_until(fd, "\r\n\r\njson", text, sizeof text));
    close(fd);
}
END_TEST

/* ---- bodies ---- */

/* Send a body in chunks until the server cuts the connection. @return bytes that it let through, at most `most`. */
static size_t send_chunks(int fd, size_t most)
{
    enum { CHUNK = 65536 };
    static char chunk[CHUNK + 16];
    size_t sent = 0;
    int n = snprintf(chunk, sizeof chunk, "%x\r\n", CHUNK);
    memset(chunk + n, ' ', CHUNK);
    memcpy(chunk + n + CHUNK, "\r\n", 2);
    while (sent < most && send(fd, chunk, (size_t)n + CHUNK + 2, MSG_NOSIGNAL) > 0) sent += CHUNK;
    return sent;
}

START_TEST(a_body_of_the_greatest_length_is_taken_and_one_more_is_413)
{
    char request[BODY_MOST + 256];
    char text[2048];
    for (int more = 0; more < 2; more++) {
        int fd = open_connection();
        int n = snprintf(request, sizeof request, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
                         BODY_MOST + more);
        memset(request + n, 'x', BODY_MOST + 1);
        request[n + BODY_MOST + more] = '\0';
        send_text(fd, request);
        ck_assert(read_until(fd, more ? "}" : "xxx", text, sizeof text));
        ck_assert_ptr_nonnull(strstr(text, more ? "HTTP/1.1 413 " : "HTTP/1.1 200 "));
        close(fd);
    }
}
END_TEST

START_TEST(a_body_in_chunks_has_the_same_limit)
{
    char request[BODY_MOST + 256];
    char text[2048];
    for (int more = 0; more < 2; more++) {
        int fd = open_connection();
        int n = snprintf(request, sizeof request,
                         "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n",
                         (unsigned)(BODY_MOST + more));
        memset(request + n, 'x', BODY_MOST + 1);
        snprintf(request + n + BODY_MOST + more, sizeof request - (size_t)(n + BODY_MOST + more), "\r\n0\r\n\r\n");
        send_text(fd, request);
        ck_assert(read_until(fd, more ? "}" : "xxx", text, sizeof text));
        ck_assert_ptr_nonnull(strstr(text, more ? "HTTP/1.1 413 " : "HTTP/1.1 200 "));
        close(fd);
    }
}
END_TEST

START_TEST(a_body_without_end_is_cut_off)
{
    enum { FAR_TOO_MUCH = 256 << 20 };
    static const char *const heads[] = {
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET /admin HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        int fd = open_connection();
        send_text(fd, heads[i]);
        ck_assert_uint_lt(send_chunks(fd, FAR_TOO_MUCH), FAR_TOO_MUCH);
        close(fd);
    }
}
END_TEST

START_TEST(a_long_body_that_is_refused_is_answered_without_being_read)
{
    char text[1024];
    int fd = open_connection();
    send_text(fd, "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n");
    ck_assert(read_until(fd, "}", text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 404 "));
    close(fd);
}
END_TEST

static _Atomic uint64_t now_ns;

static uint64_t moved_clock(void)
{
    return now_ns;
}

START_TEST(a_body_that_drips_is_cut_off)
{
    char text[1024];
    now_ns = 1000000000;
    clock_replace(moved_clock, NULL);
    int fd = open_connection();
    /* 100 Continue says that the head has been read. */
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 900\r\n\r\n");
    ck_assert(read_until(fd, "100 Continue", text, sizeof text));
    now_ns += 3600 * UINT64_C(1000000000);
    send_text(fd, "a");
    ck_assert(!read_until(fd, "HTTP/1.1 200", text, sizeof text));
    close(fd);
}
END_TEST

START_TEST(half_a_request_is_not_waited_for_without_end)
{
    char text[1024];
    static const char *const halves[] = {"GET /hel", "GET /hello HTTP/1.1\r\nHos",
                                         "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"};
    http_stop(server);
    start(1);
    for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
        int fd = open_connection();
        send_text(fd, halves[i]);
        ck_assert(!read_until(fd, "HTTP/1.1 200", text, sizeof text));
        close(fd);
    }
}
END_TEST

static TCase *replies(void)
{
    TCase *c = tcase_create("replies");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, a_reply_has_its_status_headers_and_body);
    tcase_add_test(c, requests_follow_each_other_on_one_connection);
    tcase_add_test(c, a_handler_that_sets_no_reply_is_a_500);
    tcase_add_loop_test(c, an_error_becomes_a_problem_with_field_line_and_extra_members, 0,
                        sizeof statuses / sizeof statuses[0]);
    tcase_add_loop_test(c, only_who_may_call_is_let_in, 0, sizeof callers / sizeof callers[0]);
    tcase_add_test(c, a_handler_learns_what_the_client_likes_best);
    return c;
}

static TCase *bodies(void)
{
    TCase *c = tcase_create("bodies");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, a_body_of_the_greatest_length_is_taken_and_one_more_is_413);
    tcase_add_test(c, a_body_in_chunks_has_the_same_limit);
    tcase_add_test(c, a_body_without_end_is_cut_off);
    tcase_add_test(c, a_long_body_that_is_refused_is_answered_without_being_read);
    tcase_add_test(c, a_body_that_drips_is_cut_off);
    tcase_add_test(c, half_a_request_is_not_waited_for_without_end);
    return c;
}

TEST_MAIN("http_server", replies(), bodies())
