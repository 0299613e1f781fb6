/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/routes/idempotency.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/buf.h"
#include "lut/base/clock.h"
#include "lut/base/log.h"
#include "server/routes/app.h"
#include "server/store/replays.h"

enum { KEY_MOST = 255 };
static const uint64_t prune_every_ns = UINT64_C(3600000000000);

/* A request under way. */
struct once {
    struct replay replay;
    struct once *next;
};

struct idempotency {
    struct kv *kv;
    uint64_t next_prune_ns; /* the main thread's */
    pthread_mutex_t lock;
    struct once *first; /* under way */
};

enum lathe_status idempotency_new(struct kv *kv, struct idempotency **out, struct lathe_error *err)
{
    struct idempotency *i = calloc(1, sizeof *i);
    if (!i) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    i->kv = kv;
    pthread_mutex_init(&i->lock, NULL);
    *out = i;
    return LATHE_OK;
}

void idempotency_free(struct idempotency *i)
{
    if (!i) return;
    pthread_mutex_destroy(&i->lock);
    free(i);
}

void idempotency_tick(struct idempotency *i)
{
    struct lathe_error err = {0};
    uint64_t now = clock_now_ns();
    if (now < i->next_prune_ns) return;
    i->next_prune_ns = now + prune_every_ns;
    if (replay_prune(i->kv, NULL, &err)) log_event(LOG_WARN, "failed to forget old idempotency keys: %s", err.message);
}

/* ---- those under way ---- */

/* @return NULL when the same key is under way: then same_request tells whether with the same request. */
static struct once *join(struct idempotency *i, const struct replay *replay, bool *same_request)
{
    struct once *own = malloc(sizeof *own);
    pthread_mutex_lock(&i->lock);
    struct once *other = i->first;
    while (other && strcmp(other->replay.id, replay->id) != 0) other = other->next;
    *same_request = other && strcmp(other->replay.request, replay->request) == 0;
    if (own && !other) {
        *own = (struct once){*replay, i->first};
        i->first = own;
    }
    pthread_mutex_unlock(&i->lock);
    if (!other) return own;
    free(own);
    return NULL;
}

static void leave(struct idempotency *i, struct once *own)
{
    pthread_mutex_lock(&i->lock);
    struct once **at = &i->first;
    while (*at != own) at = &(*at)->next;
    *at = own->next;
    pthread_mutex_unlock(&i->lock);
    free(own);
}

/* ---- answers as they are kept: {"status","type","headers":[[name,value]..],"body"} ---- */

static json_t *answer_json(struct http_request *request)
{
    struct http_replied reply = http_replied(request);
    json_t *headers = json_array();
    const char *name;
    const char *value;
    for (size_t i = 0; http_replied_header(request, i, &name, &value); i++)
        json_array_append_new(headers, json_pack("[s, s]", name, value));
    return json_pack("{s:i, s:s, s:o, s:s%}", "status", reply.status, "type",
                     reply.content_type ? reply.content_type : "", "headers", headers, "body", reply.data, reply.size);
}

static void reply_again(struct http_request *request, const json_t *answer)
{
    size_t i;
    json_t *header;
    const char *type = json_string_value(json_object_get(answer, "type"));
    const json_t *body = json_object_get(answer, "body");
    json_array_foreach(json_object_get(answer, "headers"), i, header)
    {
        http_reply_header(request, json_string_value(json_array_get(header, 0)),
                          json_string_value(json_array_get(header, 1)));
    }
    http_reply_header(request, "Idempotency-Replayed", "true");
    http_reply(request, (int)json_integer_value(json_object_get(answer, "status")), type && type[0] ? type : NULL,
               strndup(json_string_value(body), json_string_length(body)), json_string_length(body));
}

/* ---- around handlers ---- */

static bool is_key(const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (text[i] < 0x21 || text[i] > 0x7e) return false;
    return n > 0 && n <= KEY_MOST;
}

/* What is asked, whole. Parameters of the query are refused by most that create; then their order is no matter. */
static void describe(struct http_request *request, const char *key, struct replay *out)
{
    struct buf head;
    size_t size;
    const char *type = http_header(request, "Content-Type");
    const void *body = http_body(request, &size);
    buf_init(&head);
    buf_printf(&head, "%s %s?%s\n%s", http_method(request), http_path(request), http_query_text(request),
               type ? type : "");
    replay_init(out, http_token(request), key, head.data ? head.data : "", body, size);
    buf_clear(&head);
}

static bool refuse(struct http_request *request, int status, const char *why)
{
    http_reply_problem(request, status, "Idempotency-Key", NULL, "%s", why);
    return false;
}

/* @return whether nothing is known of the key; else the reply is set. */
static bool is_new(struct idempotency *i, struct http_request *request, const struct replay *replay)
{
    struct lathe_error err = {0};
    enum replay_found found;
    json_t *answer = NULL;
    enum lathe_status st = replay_find(i->kv, replay, &found, &answer, &err);
    if (!st && found == REPLAY_NONE) st = replay_begin(i->kv, replay, &err);
    if (st) {
        http_reply_error(request, &err, NULL);
        return false;
    }
    switch (found) {
    case REPLAY_NONE:
        return true;
    case REPLAY_SAME:
        reply_again(request, answer);
        json_decref(answer);
        return false;
    case REPLAY_OTHER:
        return refuse(request, 422, "this key was used for another request: choose another one");
    case REPLAY_UNSURE:
        break;
    }
    return refuse(request, 409,
                  "the server was stopped while it worked on this request, and can't tell whether it was done: look at "
                  "what is there, and ask anew under another key");
}

bool idempotency_begin(struct http_request *request, const char *key, void **once)
{
    struct idempotency *i = ((struct app *)http_app(request))->idempotency;
    struct replay replay;
    bool same_request;
    if (!is_key(key)) return refuse(request, 400, "Idempotency-Key must be 1 to 255 visible ASCII characters");
    describe(request, key, &replay);
    struct once *own = join(i, &replay, &same_request);
    if (!own && same_request) return refuse(request, 409, "the same request is under way: wait for its answer");
    if (!own) return refuse(request, 422, "this key was used for another request: choose another one");
    if (is_new(i, request, &replay)) {
        *once = own;
        return true;
    }
    leave(i, own);
    return false;
}

void idempotency_end(struct http_request *request, void *once)
{
    struct idempotency *i = ((struct app *)http_app(request))->idempotency;
    struct once *own = once;
    struct lathe_error err = {0};
    bool created = http_replied(request).status / 100 == 2;
    json_t *answer = created ? answer_json(request) : NULL;
    if (replay_end(i->kv, &own->replay, answer, &err))
        log_event(LOG_WARN, "failed to keep the answer to %s %s: %s", http_method(request), http_path(request),
                  err.message);
    json_decref(answer);
    leave(i, own);
}
