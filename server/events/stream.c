/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* One client's stream. It holds a place in the ring and the text that is being sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/text.h"
#include "server/events/internal.h"

enum { RETRY_MS = 2000 };

struct subscriber {
    struct event_hub *hub;
    struct http_stream *stream;
    char principal[65];
    uint32_t topics;
    uint64_t seen;           /* number of the last event that was taken from the ring */
    uint64_t told;           /* the last number that the client was given an id of */
    uint64_t beat;           /* the last comment that was sent */
    struct event_text *text; /* being sent; NULL: nothing is */
    size_t sent;
    bool ended;
    struct subscriber *next, **self; /* in the hub's list; self is what points here */
};

static void join(struct event_hub *hub, struct subscriber *s)
{
    s->next = hub->first;
    s->self = &hub->first;
    if (s->next) s->next->self = &s->next;
    hub->first = s;
}

static void leave(struct subscriber *s)
{
    *s->self = s->next;
    if (s->next) s->next->self = s->self;
}

/* ---- what to send next ---- */

static bool take_text(struct subscriber *s, const char *text)
{
    s->text = event_text_new(text, strlen(text));
    s->sent = 0;
    s->told = s->seen;
    return s->text != NULL;
}

/* A comment, and where the client is: who is sent nothing of its topics for long must not be taken for lost. */
static bool take_beat(struct subscriber *s)
{
    char text[80] = ":\n\n";
    s->beat = s->hub->beat;
    if (s->told != s->seen)
        snprintf(text, sizeof text, ":\nid: %s-%llu\n\n", s->hub->boot, (unsigned long long)s->seen);
    return take_text(s, text);
}

/* @return 1: there is a text; 0: none now; -1: the stream ends. */
static int take_next(struct subscriber *s)
{
    struct event_text *text = NULL;
    if (s->ended) return -1;
    switch (event_ring_next(s->hub->ring, &s->seen, s->topics, &text)) {
    case EVENT_LOST:
        return -1;
    case EVENT_NONE:
        if (s->beat == s->hub->beat) return 0;
        return take_beat(s) ? 1 : -1;
    case EVENT_FOUND:
        break;
    }
    s->text = text;
    s->sent = 0;
    s->told = s->seen;
    return 1;
}

static size_t copy_text(struct subscriber *s, char *out, size_t size)
{
    size_t n = s->text->size - s->sent;
    if (n > size) n = size;
    memcpy(out, s->text->bytes + s->sent, n);
    s->sent += n;
    if (s->sent < s->text->size) return n;
    event_text_release(s->text);
    s->text = NULL;
    return n;
}

static ssize_t pull(void *context, char *out, size_t size)
{
    struct subscriber *s = context;
    size_t n = 0;
    int more = 1;
    pthread_mutex_lock(&s->hub->lock);
    while (n < size && more > 0) {
        if (!s->text) more = take_next(s);
        if (s->text) n += copy_text(s, out + n, size - n);
    }
    pthread_mutex_unlock(&s->hub->lock);
    return n ? (ssize_t)n : more;
}

static void closed(void *context)
{
    struct subscriber *s = context;
    pthread_mutex_lock(&s->hub->lock);
    leave(s);
    pthread_mutex_unlock(&s->hub->lock);
    event_text_release(s->text);
    free(s);
}

/* ---- all of them ---- */

void streams_wake(struct event_hub *hub)
{
    for (struct subscriber *s = hub->first; s; s = s->next) {
        /* It would be ended when it reads on; one that doesn't read is not asked. */
        if (event_ring_knows(hub->ring, s->seen)) http_stream_wake(s->stream);
        else http_stream_cut(s->stream);
    }
}

void streams_end(struct event_hub *hub, const char *principal)
{
    for (struct subscriber *s = hub->first; s; s = s->next) {
        if (principal && strcmp(principal, s->principal) != 0) continue;
        s->ended = true;
        http_stream_wake(s->stream);
    }
}

/* ---- the first words ---- */

/* Where a client goes on that has seen an event. @return false: not known. */
static bool find_place(const struct event_hub *hub, const char *after, uint64_t *seen)
{
    size_t boot = strlen(hub->boot);
    if (strncmp(after, hub->boot, boot) != 0 || after[boot] != '-') return false;
    const char *number = after + boot + 1;
    return text_to_u64(number, strlen(number), seen) && event_ring_knows(hub->ring, *seen);
}

/* The id comes before the first event, so that who loses its connection until then misses none. */
static bool greet(struct subscriber *s, const char *after)
{
    char text[160];
    const struct event_hub *hub = s->hub;
    bool known = after && find_place(hub, after, &s->seen);
    if (!known) s->seen = event_ring_last(hub->ring);
    int n = snprintf(text, sizeof text, "retry: %d\nid: %s-%llu\n", RETRY_MS, hub->boot, (unsigned long long)s->seen);
    snprintf(text + n, sizeof text - (size_t)n, "%s\n", after && !known ? "event: reset\ndata: {}\n" : "");
    return take_text(s, text);
}

/* Called with the hub's lock. @return false: the reply tells why not. */
static bool subscribe(struct event_hub *hub, struct http_request *request, struct subscriber *s, const char *after)
{
    if (hub->stopping) {
        http_reply_problem(request, 503, NULL, NULL, "the server is stopping");
        return false;
    }
    s->beat = hub->beat;
    if (!greet(s, after)) {
        http_reply_problem(request, 500, NULL, NULL, "out of memory");
        return false;
    }
    s->stream = http_reply_stream(request, "text/event-stream", &(struct http_source){pull, closed, s});
    if (!s->stream) return false;
    join(hub, s);
    return true;
}

enum http_outcome event_hub_serve(struct event_hub *hub, struct http_request *request, uint32_t topics,
                                  const char *after)
{
    struct subscriber *s = calloc(1, sizeof *s);
    if (!s) {
        http_reply_problem(request, 500, NULL, NULL, "out of memory");
        return HTTP_DONE;
    }
    s->hub = hub;
    s->topics = topics;
    snprintf(s->principal, sizeof s->principal, "%s", http_principal(request)->name);
    pthread_mutex_lock(&hub->lock);
    bool joined = subscribe(hub, request, s, after);
    pthread_mutex_unlock(&hub->lock);
    if (joined) return HTTP_DONE;
    event_text_release(s->text);
    free(s);
    return HTTP_DONE;
}
