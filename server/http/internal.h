/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the files of server/http share; not for other modules.
 *
 * server.c speaks to libmicrohttpd, listen.c opens its socket, arrive.c decides what can be decided before a body,
 * auth.c who asks, router.c matches paths, accept.c reads Accept headers, request.c is what handlers see, reply.c what
 * they answer, encode.c makes answers small, stream.c sends those that go on, static.c serves the page's files, pool.c
 * runs handlers. Threads: a request moves from a libmicrohttpd thread to one worker and back; its state says who has
 * it. */
#ifndef LATHE_HTTP_INTERNAL_H
#define LATHE_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "lut/base/buf.h"
#include "server/http/http.h"

enum { HTTP_MAX_PARAMS = 8, HTTP_MAX_QUERY = 32, HTTP_MAX_HEADERS = 16, HTTP_ALLOW_BYTES = 64, HTTP_TAG_BYTES = 96 };

struct http_pair {
    char *name, *value; /* owned; value percent-decoded */
};

enum http_state {
    REQUEST_RECEIVING, /* libmicrohttpd's thread reads the body */
    REQUEST_RUNNING,   /* suspended: a worker, or whoever keeps it after HTTP_LATER */
    REQUEST_REPLIED,   /* the reply is set: libmicrohttpd's thread sends it */
};

struct http_request {
    struct http_server *server;
    struct MHD_Connection *connection;
    const struct http_route *route; /* NULL: the reply was set on arrival */
    _Atomic int state;              /* enum http_state */
    char *path;                     /* decoded segments are in params; this is as it came, without the query */
    const char *method;             /* static or of the connection */
    size_t route_number;            /* among all routes, when there is a route */
    int chosen;                     /* of what the handler produces, by the Accept header */
    struct http_pair params[HTTP_MAX_PARAMS], query[HTTP_MAX_QUERY], headers[HTTP_MAX_HEADERS];
    size_t param_count, query_count, header_count;
    struct principal principal;
    struct buf body;
    uint64_t arrived_ns, received_bytes, discarded_bytes;
    json_t *json;
    bool counted; /* in the server's unsent */
    int status;   /* of the reply; 0: none set yet */
    char *content_type;
    char *data;
    size_t size;
    struct http_stream *stream; /* in place of data; owned until its response is made */
    bool streaming;             /* counted among the server's streams */
    struct http_request *next;  /* in a pool's queue */
};

/* ---- arrive.c ---- */

/** Decide what can be decided before the body: path, method, token, size. Sets route, or the reply. */
void arrive(struct http_request *);
void reply_too_large(struct http_request *);
/** Whether the body will be longer than that; one in chunks doesn't say. */
bool body_announced_over(struct http_request *, uint64_t most);

/* ---- auth.c ---- */

/** Find who asks and whether the route is open to them. @return false: the reply is set. */
bool authorise(struct http_request *);
/** Whether an Origin header ("https://lab:8420") names the host and port of a Host header. @param host NULL: no. */
bool origin_is_host(const char *origin, const char *host);

/* ---- encode.c ---- */

/** Whether an If-None-Match header holds a tag. @param tag without quotes. @param header NULL: no. */
bool tag_is_listed(const char *header, const char *tag);
/** Pack a reply with gzip where that is worth it and the client takes it. */
void encode_reply(struct http_request *);

/* ---- stream.c ---- */

/** Take the request's stream into a response. @return NULL when memory ran out. */
struct MHD_Response *stream_response(struct http_request *);
/** End a stream that no response has. NULL is allowed. */
void stream_close(struct http_stream *);

/* ---- reply.c ---- */

/** A header of the reply to come, or NULL. */
const char *find_header(const struct http_request *, const char *name);

/* ---- static.c ---- */

/** What is answered with a file where no route has the path. */
extern const struct http_route static_route;
/** Whether the path of a request is one for files: all but those of the interface. */
bool static_serves(const struct http_request *);
/** Find the folder of a server's options. @return LATHE_INVALID, field "web", when it is required and is none. */
enum lathe_status static_open(struct http_server *, struct lathe_error *err);

/* ---- router.c ---- */

/** Find the route of a method and path (HEAD finds GET's). @param[out] params filled from the pattern.
 *  @param[out] allow when the path exists with other methods: their list, "GET, POST"; 64 bytes.
 *  @return NULL when there is none. */
const struct http_route *router_find(const struct http_route *const *tables, const char *method, const char *path,
                                     struct http_pair *params, size_t *param_count, char *allow);
/** How many routes there are, and the place of one among them. */
size_t router_count(const struct http_route *const *tables);
size_t router_number(const struct http_route *const *tables, const struct http_route *);
/** Percent-decode. @return malloc'd; NULL for a broken escape, a NUL or invalid UTF-8. @param plus '+' is a space. */
char *percent_decode(const char *text, size_t length, bool plus);
/** Split "a=1&b=2". @return false for a broken escape or too many. */
bool query_parse(const char *text, struct http_pair *pairs, size_t *count);
void pairs_clear(struct http_pair *pairs, size_t count);

/* ---- accept.c ---- */

/** Which of some media types an Accept header likes best; of equals the first. @param header NULL: anything will do.
 *  @param types ended by NULL. @return its index, -1 when none is acceptable. */
int accept_choose(const char *header, const char *const *types);
/** Whether an Accept header names this very type. @param header NULL: no. */
bool accept_names(const char *header, const char *type);
/** Whether an Accept-Encoding header allows gzip. @param header NULL: no. */
bool accept_gzip(const char *header);

/* ---- listen.c ---- */

/** @param text "127.0.0.1:8420", "[::1]:0". @param[out] fd non-blocking, listening.
 *  @return LATHE_INVALID (field "listen"), LATHE_CONFLICT when the port is in use, LATHE_IO. */
enum lathe_status listen_open(const char *text, int *out, struct lathe_error *err);
/** "http://127.0.0.1:43127" of a listening socket. */
void listen_address(int fd, bool tls, char *out, size_t size);

/* ---- pool.c ---- */

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct http_request *first, **end;
    size_t waiting, limit;
    bool stop;
    pthread_t threads[64];
    int thread_count;
};

enum lathe_status pool_start(struct pool *, int threads, size_t limit, struct lathe_error *err);
/** @return false when as many wait as may. */
bool pool_push(struct pool *, struct http_request *);
/** Answer what waits with 503, let what runs finish, end the threads. */
void pool_stop(struct pool *);

struct http_server {
    struct MHD_Daemon *daemon;
    struct http_options options;
    struct pool quick, search;
    char address[128];
    char *cert, *key;
    bool serves_files; /* a folder for the page was given */
    char *web;         /* its real path; NULL: it is not there */
    _Atomic bool stopping;
    /* Requests between dispatch and http_finish(), those whose reply is not sent yet, and those whose reply goes on. */
    pthread_mutex_t lock;
    pthread_cond_t idle;
    size_t running, unsent, streams;
    _Atomic uint64_t answers[6];          /* by status class */
    _Atomic uint64_t (*route_answers)[6]; /* the same of each route, by its number */
};

#endif
