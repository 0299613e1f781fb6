/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A thin layer on libmicrohttpd: routes, requests, responses, problem+json, roles.
 *
 * How a request runs. libmicrohttpd's threads (epoll) only move bytes. When a request's body is complete its connection
 * is suspended and the request goes to one of two worker pools: POOL_QUICK for look-ups and writes, POOL_SEARCH for
 * what computes. The handler sets a reply and returns HTTP_DONE; or it keeps the request, returns HTTP_LATER, and any
 * thread calls http_finish() exactly once after setting the reply: so a long poll holds no thread.
 *
 * Who asks shows a bearer token, or the cookie HTTP_SESSION_COOKIE that holds one; a write by cookie must come from a
 * page of this server, or is answered 403.
 *
 * A path outside of /v1 that no route has is a file of the page: see static.c.
 *
 * Errors are RFC 9457 problems: {"type","title","status","detail"} plus "field" and "line" where they are known, plus
 * whatever members a handler adds.
 *
 * Threads: a request belongs to whoever handles it, one thread at a time; a server is shared. */
#ifndef LATHE_HTTP_HTTP_H
#define LATHE_HTTP_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lut/base/error.h"

enum role { ROLE_NONE = 0, ROLE_USER = 1, ROLE_AGENT = 2, ROLE_ADMIN = 4 };
enum { ROLES_ANY = ROLE_USER | ROLE_AGENT | ROLE_ADMIN, ROLES_PEOPLE = ROLE_USER | ROLE_ADMIN };

#define HTTP_SESSION_COOKIE "lathe_session"

/* Who asks. */
struct principal {
    enum role role;
    char name[65]; /* of the token; for an agent's token the only agent name it may act as */
};

/* Beside a route's roles: it creates something, and so heeds Idempotency-Key. */
enum { HTTP_CREATES = 8 };

enum http_outcome { HTTP_DONE, HTTP_LATER };
enum http_pool { POOL_QUICK, POOL_SEARCH };

struct http_request;
struct http_server;

struct http_route {
    const char *method, *pattern; /* "GET", "/v1/devices/{device}"; a segment in braces is a parameter */
    unsigned roles;               /* who may call, of enum role; 0: anybody, without a token; HTTP_CREATES */
    enum http_pool pool;
    size_t max_body_bytes; /* 0: none is read; larger ones are answered 413 */
    enum http_outcome (*handle)(struct http_request *);
};

/* Media types that a handler can answer with; one that is not told of answers with application/json. A client that
 * accepts none of them is answered 406. */
struct http_produces {
    enum http_outcome (*handle)(struct http_request *);
    const char *const *types; /* ended by NULL */
};

struct http_options {
    const char *listen;                          /* "127.0.0.1:8420", "[::1]:8420"; port 0 picks a free one */
    const char *tls_cert, *tls_key;              /* PEM files, both or neither */
    const struct http_route *const *routes;      /* arrays ended by a route without method; ended by NULL */
    const struct http_produces *const *produces; /* ended by NULL; NULL: all answer with JSON */
    const char *web;                             /* folder of the page's files; NULL: none */
    bool web_required;                           /* that is no folder is an error; else `/` says what is missing */
    void *app;                                   /* for http_app() */
    /* Find whom a bearer token stands for. @return false when unknown. Any thread. */
    bool (*authenticate)(void *app, const char *token, struct principal *out);
    const char *const
        *cors; /* origins whose pages may use the interface by token, "*": any; ended by NULL; NULL: none */
    /* Around the handler of a route that creates, when a request has an Idempotency-Key, on its thread. NULL: keys are
     * ignored. @return false: the reply is set, the handler isn't called, nor end_once(). @param[out] once its own. */
    bool (*begin_once)(struct http_request *, const char *key, void **once);
    /* The reply is set. On the thread that calls http_finish(). */
    void (*end_once)(struct http_request *, void *once);
    int quick_workers, search_workers; /* 0: 8 and the number of cores */
    unsigned idle_timeout_s;           /* connections on which nothing moves are closed; 0: 60 */
};

enum lathe_status http_start(const struct http_options *, struct http_server **out, struct lathe_error *err);
/** "http://127.0.0.1:43127"; borrowed. */
const char *http_address(const struct http_server *);
/** Stop taking requests, answer what is waiting with 503, let what is running finish, stop. Waits; NULL is allowed. */
void http_stop(struct http_server *);

/* The request. Strings are borrowed and live until it is finished. */
void *http_app(struct http_request *);
const struct principal *http_principal(struct http_request *);
/** Find whom a token stands for, as for a request that shows it. */
bool http_authenticate(struct http_request *, const char *token, struct principal *out);
/** Whether a browser says that a page of this server made the request. */
bool http_same_origin(struct http_request *);
bool http_is_tls(struct http_request *);
/** The token that the request showed, in a header or a cookie; NULL where none is needed. */
const char *http_token(struct http_request *);
const char *http_method(struct http_request *);
const char *http_path(struct http_request *);
/** A path parameter, percent-decoded. Never NULL for a name in the route's pattern. */
const char *http_param(struct http_request *, const char *name);
/** A query parameter, percent-decoded, or NULL. */
const char *http_query(struct http_request *, const char *name);
/** All of the query as it came, without the question mark; "" when there is none. */
const char *http_query_text(struct http_request *);
const char *http_header(struct http_request *, const char *name);
const void *http_body(struct http_request *, size_t *size);
/** The body as a JSON object. On failure the 400 reply is set already: return HTTP_DONE. @return borrowed, or NULL. */
const json_t *http_json(struct http_request *);
/** A whole-number query parameter; absent: fallback. On failure the 400 reply is set and false returned. */
bool http_query_int(struct http_request *, const char *name, int64_t min, int64_t max, int64_t fallback, int64_t *out);
/** Refuse query parameters that are not named (NULL-ended): sets the 400 reply and returns false. */
bool http_query_known(struct http_request *, const char *const *names);
/** Which of its handler's media types the client likes best: an index into them. */
int http_chosen(struct http_request *);
/** Seconds that the client prefers to wait for an end of what it asks about, 0 to 60; the reply will say that this is
 *  heeded. */
int http_wait(struct http_request *);
/** Whether the client has gone; looks at the socket. For what waits. */
bool http_abandoned(struct http_request *);
/** Whether work should end: the client has gone, or the server is stopping and waits for what runs. Asked every few
 *  milliseconds. What is then answered with LATHE_CANCELLED reaches a client that is still there as a 503. */
bool http_unwanted(struct http_request *);

/* The reply: one of these, once. */
/** @param data malloc'd; the request takes it. */
void http_reply(struct http_request *, int status, const char *content_type, char *take_data, size_t size);
void http_reply_text(struct http_request *, int status, const char *content_type, const char *text);
void http_reply_json(struct http_request *, int status, json_t *take);
void http_reply_empty(struct http_request *, int status);
/** A problem whose status follows from err: INVALID 400, DENIED 403, NOT_FOUND 404, CONFLICT 409, INFEASIBLE 422,
 *  UNSUPPORTED 422, NO_MEMORY, IO and NEWER 500, TIMEOUT 504, CANCELLED 499, FULL 507. @param extra members to add,
 *  taken; NULL. */
void http_reply_error(struct http_request *, const struct lathe_error *err, json_t *take_extra);
void http_reply_problem(struct http_request *, int status, const char *field, json_t *take_extra, const char *format,
                        ...) __attribute__((format(printf, 5, 6)));
/* The reply that was set; borrowed. */
struct http_replied {
    int status;
    const char *content_type; /* NULL: none */
    const char *data;
    size_t size;
};
struct http_replied http_replied(struct http_request *);
/** Its headers by number from 0 on. @return false: it has no more. */
bool http_replied_header(struct http_request *, size_t number, const char **name, const char **value);
/** Give the reply to come an entity tag, so that a client may keep it if it asks each time whether it has changed.
 *  @param tag letters, digits, '-' and '.', at most 95: another one whenever the answer could differ, in its format,
 * too.
 *  @return true: the client has that answer already. The 304 reply is set. */
bool http_unchanged(struct http_request *, const char *tag);
/** Add a header to the reply to come, e.g. "Location". Replies are Cache-Control: no-store unless they say otherwise.
 */
void http_reply_header(struct http_request *, const char *name, const char *value);

/* A reply that goes on, such as server-sent events. */
struct http_stream;
struct http_source {
    /* Asked on a thread of the server's own, one at a time, whenever the client can take more. Puts at most size bytes.
     * @return how many; 0: none now, asked again after http_stream_wake(); below 0: the stream ends. */
    ssize_t (*pull)(void *context, char *out, size_t size);
    /* The stream is over, whoever ended it, and must not be used from now on. Called once. */
    void (*closed)(void *context);
    void *context;
};
/** Reply with a stream. @return NULL when memory ran out: the reply is a 500, and nothing will be called. Sources are
 *  to end their streams before http_stop(). */
struct http_stream *http_reply_stream(struct http_request *, const char *content_type, const struct http_source *);
/** There is more, or it is to end. Any thread that keeps `closed` from returning meanwhile. */
void http_stream_wake(struct http_stream *);
/** Break the connection of a client that does not read. As http_stream_wake(). */
void http_stream_cut(struct http_stream *);

struct http_stats {
    uint64_t answers[6]; /* sent since the start, by class of status: [2] is 2xx */
    size_t running;      /* requests under way */
};
void http_get_stats(struct http_request *, struct http_stats *out);
/** Answers of every route, by class of status. */
void http_each_route(struct http_request *, void (*visit)(void *, const struct http_route *, const uint64_t answers[6]),
                     void *context);

/* Long polls. */
/** After HTTP_LATER, from any thread, once: send the reply that was set. The request is gone afterwards. */
void http_finish(struct http_request *);

#endif
