/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Server-sent events of what changes in the store.
 *
 * Events come from the store's watcher: whatever commits a change of a resource's keys causes one, whichever route or
 * job it was. A thread of its own reads the resource as it is by then and puts the event into a ring; connections send
 * from there, each at its own pace and with nothing of its own to fill: one that falls out of the ring is cut. Changes
 * that follow each other faster than that thread reads are one event.
 *
 * An event's id is "<boot>-<number>"; boot is another one for each start of the server. Who comes back with the id of
 * the last event that it got is sent those that it missed; where the ring does not know them any more, one event
 * "reset": fetch all anew.
 *
 * Threads: any, except where told. */
#ifndef LATHE_EVENTS_HUB_H
#define LATHE_EVENTS_HUB_H

#include <jansson.h>

#include "lut/kv/kv.h"
#include "server/http/http.h"

enum { EVENT_ID_BYTES = 200 };

/* A kind of resource. */
struct event_topic {
    const char *name; /* of its events */
    /* The resource as GET answers it. @return LATHE_NOT_FOUND: there is none of this id (any more).
     * NULL: what changes is for listeners alone. */
    enum lathe_status (*read)(void *app, const char *id, json_t **out, struct lathe_error *err);
};

/* Keys that belong to resources of a topic: those that start with prefix; the id are the next parts of the key. */
struct event_source {
    const char *prefix; /* "table/" */
    int parts;          /* of the id: 2 for "pi4/xnnpack-f32-t1-b1" */
    unsigned topic;     /* an index into the topics */
};

struct event_options {
    struct kv *kv;
    void *app;                        /* for read() */
    const struct event_topic *topics; /* at most 32 */
    size_t topic_count;
    const struct event_source *sources; /* ended by one without prefix */
    size_t keep_events, keep_bytes;     /* of the ring; 0: 4096, 16 MiB */
    unsigned beat_s;                    /* how often a comment is sent; 0: 15 */
};

struct event_hub;

/** Watch the store. Everything in options is borrowed, but for options itself. */
enum lathe_status event_hub_new(const struct event_options *, struct event_hub **out, struct lathe_error *err);
/** Call listen on the hub's thread after each change: the resource can be read in its new state. Listeners are added
 *  before there are writes, at most 4. They may call event_hub_touch() and event_hub_cut(). */
void event_hub_listen(struct event_hub *, void (*listen)(void *context, unsigned topic, const char *id), void *context);
/** Call tick on the hub's thread about once a second, as event_hub_tick() is called. At most 4. */
void event_hub_on_tick(struct event_hub *, void (*tick)(void *context), void *context);
void event_hub_tick(struct event_hub *);
/** A resource has changed in what the store does not hold. */
void event_hub_touch(struct event_hub *, unsigned topic, const char *id);
/** End the streams of a principal. */
void event_hub_cut(struct event_hub *, const char *principal);
/** How often a resource has changed since the start, or more: two answers between which this stays the same are the
 *  same. Ask before reading what it is about. */
uint64_t event_hub_revision(const struct event_hub *, unsigned topic, const char *id);
/** This start of the server: 16 hexadecimal digits. */
const char *event_hub_boot(const struct event_hub *);

/** Answer with a stream of the topics in a mask. @param after id of the last event that the client has; NULL: none. */
enum http_outcome event_hub_serve(struct event_hub *, struct http_request *, uint32_t topics, const char *after);

/** End all streams and take no more. Call it before http_stop(). */
void event_hub_stop(struct event_hub *);
/** Stop and free, after http_stop() and when nothing writes any more. NULL is allowed. */
void event_hub_free(struct event_hub *);

#endif
