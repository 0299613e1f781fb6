/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The server in this process: long polls, clients that go, full queues, starting and stopping. */
#include "test_http_fixture.h"

/* ---- long polls, queues, stopping ---- */

START_TEST(a_kept_request_holds_no_worker_and_is_answered_by_another_thread)
{
    char text[1024];
    int fd = open_connection();
    get(fd, "/keep");
    wait_for(&t.entered);
    for (int i = 0; i < 5; i++) answer_to("/hello", "hello", text, sizeof text);
    http_reply_text(t.kept, 200, "text/plain", "at last");
    http_finish(t.kept);
    ck_assert(read_until(fd, "at last", text, sizeof text));
    close(fd);
}
END_TEST

START_TEST(a_kept_request_outlives_the_idle_timeout)
{
    char text[1024];
    http_stop(server);
    start(1);
    int kept = open_connection();
    get(kept, "/keep");
    wait_for(&t.entered);
    int idle = open_connection(); /* when this one is closed, the time is up for both */
    ck_assert(!read_until(idle, "HTTP", text, sizeof text));
    close(idle);
    http_reply_text(t.kept, 200, "text/plain", "at last");
    http_finish(t.kept);
    ck_assert(read_until(kept, "at last", text, sizeof text));
    close(kept);
}
END_TEST

START_TEST(a_client_that_goes_is_noticed)
{
    int fd = open_connection();
    get(fd, "/watch");
    wait_for(&t.entered);
    /* Bytes that nobody reads must not hide that it went. */
    send_text(fd, "GET /hello HTTP/1.1\r\n");
    close(fd);
    wait_for(&t.entered);
    ck_assert(t.abandoned_seen);
}
END_TEST

START_TEST(a_full_queue_says_when_to_try_again)
{
    enum { QUEUE = 256 };
    char text[1024];
    int waiting[1 + QUEUE];
    waiting[0] = open_connection();
    get(waiting[0], "/block");
    wait_for(&t.entered); /* the only worker has it */
    for (int i = 1; i <= QUEUE; i++) {
        waiting[i] = open_connection();
        get(waiting[i], "/block");
    }
    /* libmicrohttpd's threads may take them in any order: of one more than fit, one is turned away at once. */
    int extra = open_connection();
    get(extra, "/block");
    struct pollfd polled[QUEUE + 1];
    for (int i = 0; i < QUEUE; i++) polled[i] = (struct pollfd){.fd = waiting[i + 1], .events = POLLIN};
    polled[QUEUE] = (struct pollfd){.fd = extra, .events = POLLIN};
    ck_assert_int_eq(poll(polled, QUEUE + 1, WAIT_MS), 1);
    int refused = 0;
    while (!polled[refused].revents) refused++;
    ck_assert(read_until(polled[refused].fd, "}", text, sizeof text));
    ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 503 "));
    ck_assert_ptr_nonnull(strstr(text, "Retry-After: 1\r\n"));
    for (int i = 0; i <= QUEUE; i++) sem_post(&t.go);
    for (int i = 0; i <= QUEUE; i++)
        if (i != refused) ck_assert(read_until(polled[i].fd, "released", text, sizeof text));
    for (int i = 0; i <= QUEUE; i++) close(waiting[i]);
    close(extra);
}
END_TEST

static void *stop_server(void *unused)
{
    (void)unused;
    http_stop(server);
    server = NULL;
    return NULL;
}

START_TEST(stopping_finishes_what_runs_and_turns_away_what_waits)
{
    char text[1024];
    pthread_t stopper;
    int running = open_connection();
    int queued = open_connection();
    int idle = open_connection();
    get(idle, "/hello");
    ck_assert(read_until(idle, "hello", text, sizeof text));
    get(running, "/block");
    wait_for(&t.entered);
    get(queued, "/block");
    pthread_create(&stopper, NULL, stop_server, NULL);
    /* A kept connection shows when the stop has begun: what it asks for is turned away from then on. */
    do {
        get(idle, "/hello");
        ck_assert(read_until(idle, "\r\n\r\n", text, sizeof text));
    } while (strstr(text, "HTTP/1.1 200 "));
    ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 503 "));
    sem_post(&t.go);
    ck_assert(read_until(running, "released", text, sizeof text));
    ck_assert(read_until(queued, "stopping", text, sizeof text));
    ck_assert_int_eq(pthread_join(stopper, NULL), 0);
    close(running);
    close(queued);
    close(idle);
}
END_TEST

/* Requests on one connection until the server closes it. */
static void *ask_until_closed(void *unused)
{
    char text[1024];
    int fd = open_connection();
    (void)unused;
    sem_post(&t.entered);
    for (bool open = true; open;) {
        static const char request[] = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
        open = send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0 && read_until(fd, "\r\n\r\n", text, sizeof text);
    }
    close(fd);
    return NULL;
}

/* A connection that is suspended when libmicrohttpd stops would never be answered, nor closed. */
START_TEST(stopping_among_requests_leaves_none_without_an_end)
{
    enum { CLIENTS = 8 };
    pthread_t clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) pthread_create(&clients[i], NULL, ask_until_closed, NULL);
    for (int i = 0; i < CLIENTS; i++) wait_for(&t.entered);
    http_stop(server);
    server = NULL;
    for (int i = 0; i < CLIENTS; i++) ck_assert_int_eq(pthread_join(clients[i], NULL), 0);
}
END_TEST

/* ---- starting ---- */

static enum lathe_status try_start(const char *listen, struct lathe_error *err)
{
    struct http_server *second = NULL;
    struct http_options options = {.listen = listen, .routes = all, .authenticate = authenticate};
    enum lathe_status st = http_start(&options, &second, err);
    if (st) ck_assert_ptr_null(second);
    http_stop(second);
    return st;
}

START_TEST(a_port_in_use_is_a_conflict)
{
    struct lathe_error err = {0};
    ck_assert_int_eq(try_start(http_address(server) + strlen("http://"), &err), LATHE_CONFLICT);
    ck_assert_ptr_nonnull(strstr(err.message, "in use"));
}
END_TEST

static const char *const no_addresses[] = {"",           "8420",        ":8420",           "127.0.0.1",
                                           "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "::1:80",
                                           "[::1]",      "127.0.0.1:-1"};

START_TEST(what_is_no_address_is_refused)
{
    struct lathe_error err = {0};
    ck_assert_int_eq(try_start(no_addresses[_i], &err), LATHE_INVALID);
    ck_assert_str_eq(err.field, "listen");
}
END_TEST

static TCase *running(void)
{
    TCase *c = tcase_create("running");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, a_kept_request_holds_no_worker_and_is_answered_by_another_thread);
    tcase_add_test(c, a_kept_request_outlives_the_idle_timeout);
    tcase_add_test(c, a_client_that_goes_is_noticed);
    tcase_add_test(c, a_full_queue_says_when_to_try_again);
    tcase_add_test(c, stopping_finishes_what_runs_and_turns_away_what_waits);
    tcase_add_loop_test(c, stopping_among_requests_leaves_none_without_an_end, 0, 20);
    tcase_add_test(c, a_port_in_use_is_a_conflict);
    tcase_add_loop_test(c, what_is_no_address_is_refused, 0, sizeof no_addresses / sizeof no_addresses[0]);
    return c;
}

TEST_MAIN("http_running", running())
