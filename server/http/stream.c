/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Replies that go on. While there is nothing to send the connection is suspended, so that a stream costs no thread and
 * no polling; who has more wakes it. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/http/internal.h"

enum { BLOCK_BYTES = 16 * 1024 };

struct http_stream {
    struct http_source source;
    struct MHD_Connection *connection;
    pthread_mutex_t lock; /* guards what follows; not held while the source runs */
    bool suspended;
    bool woken; /* since the source was last asked */
};

struct http_stream *http_reply_stream(struct http_request *r, const char *content_type,
                                      const struct http_source *source)
{
    struct http_stream *s = calloc(1, sizeof *s);
    if (!s) {
        http_reply_problem(r, 500, NULL, NULL, "out of memory");
        return NULL;
    }
    s->source = *source;
    s->connection = r->connection;
    pthread_mutex_init(&s->lock, NULL);
    http_reply(r, 200, content_type, NULL, 0);
    r->stream = s;
    return s;
}

void http_stream_wake(struct http_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->woken = true;
    if (s->suspended) {
        s->suspended = false;
        MHD_resume_connection(s->connection);
    }
    pthread_mutex_unlock(&s->lock);
}

void http_stream_cut(struct http_stream *s)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(s->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info) shutdown(info->connect_fd, SHUT_RDWR);
    http_stream_wake(s);
}

void stream_close(struct http_stream *s)
{
    if (!s) return;
    s->source.closed(s->source.context);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* Suspend unless somebody woke it after the source had nothing. */
static bool suspend(struct http_stream *s)
{
    pthread_mutex_lock(&s->lock);
    bool idle = !s->woken;
    if (idle) {
        s->suspended = true;
        MHD_suspend_connection(s->connection);
    }
    pthread_mutex_unlock(&s->lock);
    return idle;
}

static ssize_t read_stream(void *context, uint64_t position, char *out, size_t size)
{
    struct http_stream *s = context;
    (void)position;
    for (;;) {
        pthread_mutex_lock(&s->lock);
        s->woken = false;
        pthread_mutex_unlock(&s->lock);
        ssize_t n = s->source.pull(s->source.context, out, size);
        if (n < 0) return MHD_CONTENT_READER_END_OF_STREAM;
        if (n > 0) return n;
        if (suspend(s)) return 0;
    }
}

static void forget_stream(void *context)
{
    stream_close(context);
}

struct MHD_Response *stream_response(struct http_request *r)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, r->stream, forget_stream);
    if (response) r->stream = NULL;
    return response;
}
