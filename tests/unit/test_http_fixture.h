/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A server in this process with handlers for tests, and a client of sockets. */
#ifndef LATHE_TESTS_HTTP_FIXTURE_H
#define LATHE_TESTS_HTTP_FIXTURE_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check_main.h"
#include "lut/base/clock.h"
#include "lut/base/log.h"
#include "server/http/http.h"

enum { WAIT_MS = 30000, BODY_MOST = 1000 };

/* ---- handlers ---- */

static struct {
    sem_t entered, go;           /* of blocking handlers */
    struct http_request *kept;   /* by keep() */
    _Atomic bool abandoned_seen; /* by watch() */
} t;

static inline enum http_outcome hello(struct http_request *r)
{
    http_reply_header(r, "X-Extra", "yes");
    http_reply_text(r, 200, "text/plain", "hello");
    return HTTP_DONE;
}

static inline enum http_outcome echo(struct http_request *r)
{
    size_t size;
    const char *body = http_body(r, &size);
    http_reply_text(r, 200, "text/plain", size ? body : "empty");
    return HTTP_DONE;
}

static inline enum http_outcome forget(struct http_request *r)
{
    (void)r;
    return HTTP_DONE;
}

static inline enum http_outcome fail_with(struct http_request *r)
{
    struct lathe_error err = {0};
    int64_t status;
    if (!http_query_int(r, "status", 1, 11, 1, &status)) return HTTP_DONE;
    error_set(&err, (enum lathe_status)status, "a reason of \xff bytes");
    snprintf(err.field, sizeof err.field, "some.field");
    err.line = 7;
    http_reply_error(r, &err, json_pack("{s:i, s:s}", "extra", 1, "status", "not to be replaced"));
    return HTTP_DONE;
}

static inline enum http_outcome block(struct http_request *r)
{
    sem_post(&t.entered);
    sem_wait(&t.go);
    http_reply_text(r, 200, "text/plain", "released");
    return HTTP_DONE;
}

static inline enum http_outcome keep(struct http_request *r)
{
    t.kept = r;
    sem_post(&t.entered);
    return HTTP_LATER;
}

/* Until the client goes. */
static inline enum http_outcome watch(struct http_request *r)
{
    sem_post(&t.entered);
    for (int i = 0; i < WAIT_MS && !http_abandoned(r); i++) poll(NULL, 0, 1);
    t.abandoned_seen = http_abandoned(r);
    sem_post(&t.entered);
    http_reply_empty(r, 204);
    return HTTP_DONE;
}

static inline enum http_outcome say_chosen(struct http_request *r)
{
    http_reply_text(r, 200, "text/plain", http_chosen(r) ? "csv" : "json");
    return HTTP_DONE;
}

static const char *const chosen_types[] = {"application/json", "text/csv", NULL};
static const struct http_produces chosen = {say_chosen, chosen_types};
static const struct http_produces *const produced[] = {&chosen, NULL};
static const struct http_route routes[] = {
    {"GET", "/hello", 0, POOL_QUICK, 0, hello},
    {"POST", "/echo", 0, POOL_QUICK, BODY_MOST, echo},
    {"GET", "/forget", 0, POOL_QUICK, 0, forget},
    {"GET", "/fail", 0, POOL_QUICK, 0, fail_with},
    {"GET", "/block", 0, POOL_SEARCH, 0, block},
    {"GET", "/keep", 0, POOL_QUICK, 0, keep},
    {"GET", "/watch", 0, POOL_QUICK, 0, watch},
    {"GET", "/admin", ROLE_ADMIN, POOL_QUICK, 0, hello},
    {"GET", "/chosen", ROLE_ADMIN, POOL_QUICK, 0, say_chosen},
    {0},
};
static const struct http_route *const all[] = {routes, NULL};

static inline bool authenticate(void *app, const char *token, struct principal *out)
{
    (void)app;
    out->role = strcmp(token, "boss") == 0 ? ROLE_ADMIN : strcmp(token, "worker") == 0 ? ROLE_AGENT : ROLE_NONE;
    return out->role != ROLE_NONE;
}

/* ---- server and client ---- */

static struct http_server *server;

static inline void start(unsigned idle_timeout_s)
{
    struct lathe_error err = {0};
    struct http_options options = {.listen = "127.0.0.1:0",
                                   .routes = all,
                                   .produces = produced,
                                   .authenticate = authenticate,
                                   .quick_workers = 2,
                                   .search_workers = 1,
                                   .idle_timeout_s = idle_timeout_s};
    log_set_level(LOG_ERROR);
    sem_init(&t.entered, 0, 0);
    sem_init(&t.go, 0, 0);
    t.kept = NULL;
    t.abandoned_seen = false;
    ck_assert_msg(http_start(&options, &server, &err) == LATHE_OK, "%s", err.message);
}

static inline void set_up(void)
{
    start(0);
}

static inline void tear_down(void)
{
    http_stop(server);
    server = NULL;
    clock_replace(NULL, NULL);
}

static inline int open_connection(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)strtoul(strrchr(http_address(server), ':') + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static inline void send_text(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static inline void get(int fd, const char *path)
{
    char request[256];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    send_text(fd, request);
}

/* Read until text holds `until`, or the server closes. @return whether it came. */
static inline bool read_until(int fd, const char *until, char *text, size_t size)
{
    size_t n = 0;
    text[0] = '\0';
    while (!strstr(text, until)) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        ck_assert_msg(poll(&ready, 1, WAIT_MS) == 1, "nothing comes after \"%s\"", text);
        ssize_t got = recv(fd, text + n, size - 1 - n, 0);
        if (got <= 0) return false;
        n += (size_t)got;
        text[n] = '\0';
    }
    return true;
}

/* One request on a connection of its own. @param last what the answer ends with. */
static inline void answer_to(const char *path, const char *last, char *text, size_t size)
{
    int fd = open_connection();
    get(fd, path);
    ck_assert_msg(read_until(fd, last, text, size), "%s: %s", path, text);
    close(fd);
}

static inline void wait_for(sem_t *event)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    ck_assert_int_eq(sem_timedwait(event, &until), 0);
}

#endif
