/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What hub.c and stream.c share; not for other modules. */
#ifndef LATHE_EVENTS_INTERNAL_H
#define LATHE_EVENTS_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/events/hub.h"
#include "server/events/ring.h"

enum { HUB_LISTENERS = 4, HUB_REVISIONS = 1024, BOOT_BYTES = 17 };

/* A resource that changed and was not told of yet. */
struct change {
    unsigned topic;
    char id[EVENT_ID_BYTES];
};

struct changed {
    struct change *items;
    size_t count, capacity;
    bool lost; /* memory ran out: anything may have changed */
};

struct listener {
    void (*listen)(void *, unsigned, const char *);
    void *context;
};

struct ticker {
    void (*tick)(void *);
    void *context;
};

struct subscriber;

struct event_hub {
    struct event_options options;
    char boot[BOOT_BYTES];
    const char **prefixes; /* of the sources, for kv_watch() */
    struct listener listeners[HUB_LISTENERS];
    struct ticker tickers[HUB_LISTENERS];
    size_t listener_count, ticker_count;
    _Atomic uint64_t revisions[HUB_REVISIONS]; /* by hash of topic and id */
    pthread_t thread;
    bool running; /* the thread is */

    pthread_mutex_t changed_lock; /* guards the next three; the store's writer waits for it, so it is held shortly */
    pthread_cond_t work;
    struct changed changed;
    bool ticked, stop;

    pthread_mutex_t lock; /* guards the rest */
    struct event_ring *ring;
    struct subscriber *first;
    uint64_t beat, next_beat_ns; /* comments sent so far, by each stream */
    bool stopping;
};

/* stream.c; called with the hub's lock. */

/** Let all streams go on. Those that have fallen out of the ring are cut. */
void streams_wake(struct event_hub *);
/** End those of a principal; NULL: all. */
void streams_end(struct event_hub *, const char *principal);

#endif
