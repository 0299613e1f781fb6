/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What speaks to libmicrohttpd. Its rules: a connection is suspended inside the access handler only; once resumed, the
 * handler is called again, and queues the reply; every suspended connection is resumed before the daemon stops. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lut/base/clock.h"
#include "lut/base/file.h"
#include "lut/base/log.h"
#include "server/http/internal.h"

enum {
    IO_THREADS = 2,
    IDLE_TIMEOUT_S = 60,
    CONNECTIONS = 4096,
    QUICK_QUEUE = 1024,
    SEARCH_QUEUE = 256,
    QUICK_WORKERS = 8,
    PEM_BYTES = 1 << 20,
    SEND_TIMEOUT_S = 5,
    STREAM_TIMEOUT_S = 1,
    /* A body that nobody wants is thrown away up to here, so that its sender reads the answer; then it is cut off. */
    DISCARD_BYTES = 1 << 20,
    /* A body may take this long, and after that must have come at this rate on average. */
    BODY_GRACE_S = 30,
    BODY_BYTES_A_SECOND = 1024,
};

static void request_free(struct http_request *r)
{
    pairs_clear(r->params, r->param_count);
    pairs_clear(r->query, r->query_count);
    pairs_clear(r->headers, r->header_count);
    buf_clear(&r->body);
    json_decref(r->json);
    stream_close(r->stream);
    free(r->content_type);
    free(r->data);
    free(r->path);
    free(r);
}

/* ---- running ---- */

static void *request_new(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct http_request *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->server = cls;
    r->connection = connection;
    r->arrived_ns = clock_now_ns();
    r->path = strdup(uri);
    if (r->path) return r;
    free(r);
    return NULL;
}

void http_finish(struct http_request *r)
{
    struct http_server *server = r->server;
    struct MHD_Connection *connection = r->connection;
    if (!r->status) http_reply_problem(r, 500, NULL, NULL, "no answer was made");
    encode_reply(r);
    atomic_store(&r->state, REQUEST_REPLIED);
    /* The daemon lives until running is 0, and the request until its connection goes on. */
    MHD_resume_connection(connection);
    pthread_mutex_lock(&server->lock);
    if (--server->running == 0) pthread_cond_broadcast(&server->idle);
    pthread_mutex_unlock(&server->lock);
}

/* Count a request as running, unless the server is stopping: then nothing may be suspended any more. */
static bool begin(struct http_request *r)
{
    struct http_server *server = r->server;
    pthread_mutex_lock(&server->lock);
    bool going_on = !atomic_load(&server->stopping);
    if (going_on) {
        server->running++;
        server->unsent++;
        r->counted = true;
    }
    pthread_mutex_unlock(&server->lock);
    return going_on;
}

static void dispatch(struct http_request *r)
{
    struct pool *pool = r->route->pool == POOL_SEARCH ? &r->server->search : &r->server->quick;
    atomic_store(&r->state, REQUEST_RUNNING);
    MHD_suspend_connection(r->connection);
    if (pool_push(pool, r)) return;
    http_reply_header(r, "Retry-After", "1");
    http_reply_problem(r, 503, NULL, NULL, "too many requests wait already: try again");
    http_finish(r);
}

/* ---- the reply ---- */

/* Nothing inline and nothing of another host. */
static const char page_policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                                  "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
                                  "frame-ancestors 'none'";

static void add_headers(const struct http_request *r, struct MHD_Response *response)
{
    for (size_t i = 0; i < r->header_count; i++)
        MHD_add_response_header(response, r->headers[i].name, r->headers[i].value);
    if (find_header(r, "Cache-Control")) MHD_add_response_header(response, "Vary", "Accept, Accept-Encoding");
    else MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (r->content_type) MHD_add_response_header(response, "Content-Type", r->content_type);
    if (!r->content_type || strncmp(r->content_type, "text/html", 9) != 0) return;
    MHD_add_response_header(response, "Content-Security-Policy", page_policy);
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
}

/* A reply that goes on is not waited for when the server stops, but for its end. */
static void count_stream(struct http_request *r)
{
    struct http_server *server = r->server;
    pthread_mutex_lock(&server->lock);
    r->streaming = true;
    server->streams++;
    if (r->counted && --server->unsent == 0) pthread_cond_broadcast(&server->idle);
    r->counted = false;
    pthread_mutex_unlock(&server->lock);
}

static struct MHD_Response *make_response(struct http_request *r)
{
    if (r->stream) {
        count_stream(r);
        return stream_response(r);
    }
    struct MHD_Response *response = MHD_create_response_from_buffer(
        r->size, r->data ? r->data : (void *)"", r->data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (response) r->data = NULL;
    return response;
}

static enum MHD_Result send_reply(struct http_request *r)
{
    struct MHD_Response *response = make_response(r);
    if (!response) return MHD_NO;
    add_headers(r, response);
    atomic_fetch_add(&r->server->answers[r->status / 100 % 6], 1);
    if (r->route) atomic_fetch_add(&r->server->route_answers[r->route_number][r->status / 100 % 6], 1);
    enum MHD_Result queued = MHD_queue_response(r->connection, (unsigned)r->status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result take_body(struct http_request *r, const char *data, size_t *size)
{
    uint64_t elapsed_s = (clock_now_ns() - r->arrived_ns) / 1000000000;
    r->received_bytes += *size;
    if (!r->status && r->received_bytes > r->route->max_body_bytes) reply_too_large(r);
    if (r->status) r->discarded_bytes += *size;
    else buf_put(&r->body, data, *size);
    *size = 0;
    /* libmicrohttpd can't answer in the midst of a body, only cut it off. */
    if (r->discarded_bytes > DISCARD_BYTES) return MHD_NO;
    bool slow = elapsed_s > BODY_GRACE_S && r->received_bytes < elapsed_s * BODY_BYTES_A_SECOND;
    return slow ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **request)
{
    struct http_request *r = *request;
    (void)cls;
    (void)connection;
    (void)url;
    (void)version;
    if (!r) return MHD_NO;
    if (!r->method) {
        r->method = method;
        arrive(r);
        /* A long body that is not wanted is not read: the connection ends with the answer. */
        bool unread = r->status == 413 || (r->status && body_announced_over(r, DISCARD_BYTES));
        return unread ? send_reply(r) : MHD_YES;
    }
    if (*size) return take_body(r, data, size);
    if (atomic_load(&r->state) == REQUEST_REPLIED || r->status) return send_reply(r);
    if (r->body.failed) {
        http_reply_problem(r, 500, NULL, NULL, "out of memory");
        return send_reply(r);
    }
    if (!begin(r)) {
        http_reply_problem(r, 503, NULL, NULL, "the server is stopping");
        return send_reply(r);
    }
    dispatch(r);
    return MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode why)
{
    struct http_server *server = cls;
    struct http_request *r = *request;
    (void)connection;
    (void)why;
    if (!r) return;
    if (r->counted || r->streaming) {
        pthread_mutex_lock(&server->lock);
        size_t *left = r->streaming ? &server->streams : &server->unsent;
        if (--*left == 0) pthread_cond_broadcast(&server->idle);
        pthread_mutex_unlock(&server->lock);
    }
    request_free(r);
    *request = NULL;
}

/* ---- start and stop ---- */

static enum lathe_status read_pem(const char *path, char **out, struct lathe_error *err)
{
    size_t size;
    return path ? file_read(path, PEM_BYTES, out, &size, err) : LATHE_OK;
}

static void on_log(void *cls, const char *format, va_list args)
{
    char line[400];
    (void)cls;
    vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\n")] = '\0';
    log_event(LOG_DEBUG, "libmicrohttpd: %s", line);
}

static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

/* Takes the socket, also when it fails. */
static enum lathe_status start_daemon(struct http_server *s, int fd, struct lathe_error *err)
{
    struct MHD_OptionItem tls[] = {
        {s->cert ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, s->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, s->key},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (s->cert ? MHD_USE_TLS : 0);
    s->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)IO_THREADS, MHD_OPTION_CONNECTION_TIMEOUT,
        s->options.idle_timeout_s ? s->options.idle_timeout_s : (unsigned)IDLE_TIMEOUT_S, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS, MHD_OPTION_URI_LOG_CALLBACK, request_new, s, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes,
        NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (s->daemon) return LATHE_OK;
    return error_set(err, s->cert ? LATHE_INVALID : LATHE_IO,
                     s->cert ? "can't start: the TLS certificate or key is not usable" : "can't start the HTTP server");
}

enum lathe_status http_start(const struct http_options *options, struct http_server **out, struct lathe_error *err)
{
    struct http_server *s = calloc(1, sizeof *s);
    int fd = -1;
    if (!s) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int searchers = options->search_workers ? options->search_workers : (int)(cores < 1 ? 1 : cores > 64 ? 64 : cores);
    s->options = *options;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->idle, NULL);
    s->route_answers = calloc(router_count(options->routes) + 1, sizeof *s->route_answers);
    enum lathe_status st = s->route_answers ? LATHE_OK : error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st)
        st = pool_start(&s->quick, options->quick_workers ? options->quick_workers : QUICK_WORKERS, QUICK_QUEUE, err);
    if (!st) st = pool_start(&s->search, searchers, SEARCH_QUEUE, err);
    if (!st && !options->tls_cert != !options->tls_key)
        st = error_field(err, "tls", "--tls-cert and --tls-key go together");
    if (!st) st = read_pem(options->tls_cert, &s->cert, err);
    if (!st) st = read_pem(options->tls_key, &s->key, err);
    if (!st) st = static_open(s, err);
    if (!st) st = listen_open(options->listen, &fd, err);
    if (!st) {
        listen_address(fd, s->cert != NULL, s->address, sizeof s->address);
        st = start_daemon(s, fd, err);
    }
    if (st) {
        http_stop(s);
        return st;
    }
    *out = s;
    return LATHE_OK;
}

const char *http_address(const struct http_server *s)
{
    return s->address;
}

/* Wait until a count is 0, but not for ever: a client may not read. Called with the lock. */
static void wait_for_none(struct http_server *s, const size_t *count, int most_s)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += most_s;
    while (*count && pthread_cond_timedwait(&s->idle, &s->lock, &until) == 0) continue;
}

/* Until every request has its reply, and then for the replies to be sent and the streams to end. */
static void wait_for_requests(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->stopping, true);
    while (s->running) pthread_cond_wait(&s->idle, &s->lock);
    wait_for_none(s, &s->unsent, SEND_TIMEOUT_S);
    wait_for_none(s, &s->streams, STREAM_TIMEOUT_S);
    pthread_mutex_unlock(&s->lock);
}

void http_stop(struct http_server *s)
{
    if (!s) return;
    if (s->daemon) {
        /* Who comes now is answered 503. MHD_quiesce_daemon() would turn them away earlier, but with epoll and threads
         * of its own it may abort the program: both sides take the socket out of the epoll set. */
        wait_for_requests(s);
        MHD_stop_daemon(s->daemon);
    }
    if (s->quick.thread_count) pool_stop(&s->quick);
    if (s->search.thread_count) pool_stop(&s->search);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    free(s->route_answers);
    free(s->cert);
    free(s->key);
    free(s->web);
    free(s);
}
