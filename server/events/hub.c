/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/events/hub.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/buf.h"
#include "lut/base/clock.h"
#include "lut/base/log.h"
#include "server/events/internal.h"

enum { KEEP_EVENTS = 4096, KEEP_BYTES = 16 << 20, BEAT_S = 15, LOOK_BACK = 32, WAKE_EVERY = 64 };

/* ---- what changed ---- */

static _Atomic uint64_t *revision_of(const struct event_hub *hub, unsigned topic, const char *id)
{
    uint32_t hash = 2166136261u ^ topic; /* FNV-1a */
    for (; *id; id++) hash = (hash ^ (unsigned char)*id) * 16777619u;
    return (_Atomic uint64_t *)&hub->revisions[hash % HUB_REVISIONS];
}

uint64_t event_hub_revision(const struct event_hub *hub, unsigned topic, const char *id)
{
    return atomic_load(revision_of(hub, topic, id));
}

static bool is_noted(const struct changed *c, unsigned topic, const char *id)
{
    for (size_t i = c->count; i > 0 && c->count - i < LOOK_BACK; i--)
        if (c->items[i - 1].topic == topic && strcmp(c->items[i - 1].id, id) == 0) return true;
    return false;
}

static void note(struct changed *c, unsigned topic, const char *id)
{
    if (is_noted(c, topic, id)) return;
    if (c->count == c->capacity) {
        size_t capacity = c->capacity ? 2 * c->capacity : 16;
        struct change *grown = realloc(c->items, capacity * sizeof *grown);
        c->lost |= !grown;
        if (!grown) return;
        c->items = grown;
        c->capacity = capacity;
    }
    struct change *change = &c->items[c->count++];
    change->topic = topic;
    snprintf(change->id, sizeof change->id, "%s", id);
}

void event_hub_touch(struct event_hub *hub, unsigned topic, const char *id)
{
    atomic_fetch_add(revision_of(hub, topic, id), 1);
    pthread_mutex_lock(&hub->changed_lock);
    note(&hub->changed, topic, id);
    pthread_cond_signal(&hub->work);
    pthread_mutex_unlock(&hub->changed_lock);
}

/* The first parts of what is behind the prefix. */
static void touch_key(struct event_hub *hub, const struct event_source *source, struct kv_slice key)
{
    char id[EVENT_ID_BYTES];
    size_t from = strlen(source->prefix);
    int parts = source->parts;
    size_t n = 0;
    for (; from + n < key.size && n + 1 < sizeof id; n++) {
        id[n] = ((const char *)key.data)[from + n];
        if (id[n] == '/' && --parts == 0) break;
    }
    id[n] = '\0';
    event_hub_touch(hub, source->topic, id);
}

static void on_commit(void *context, const struct kv_slice *keys, size_t count)
{
    struct event_hub *hub = context;
    if (!keys) {
        for (size_t i = 0; i < HUB_REVISIONS; i++) atomic_fetch_add(&hub->revisions[i], 1);
        pthread_mutex_lock(&hub->changed_lock);
        hub->changed.lost = true;
        pthread_cond_signal(&hub->work);
        pthread_mutex_unlock(&hub->changed_lock);
    }
    for (size_t i = 0; keys && i < count; i++) {
        for (const struct event_source *source = hub->options.sources; source->prefix; source++) {
            size_t n = strlen(source->prefix);
            if (keys[i].size > n && memcmp(keys[i].data, source->prefix, n) == 0) touch_key(hub, source, keys[i]);
        }
    }
}

/* ---- telling ---- */

/* "id: ..", "event: ..", "data: .." and an empty line. @param take_resource NULL: it was removed. */
static struct event_text *print_event(const struct event_hub *hub, uint64_t number, const struct change *change,
                                      json_t *take_resource)
{
    json_t *data = json_pack("{s:s, s:s, s:o}", "action", take_resource ? "changed" : "removed", "id", change->id,
                             "resource", take_resource ? take_resource : json_null());
    char *text = json_dumps(data, JSON_COMPACT | JSON_REAL_PRECISION(17));
    struct event_text *event = NULL;
    struct buf out;
    json_decref(data);
    buf_init(&out);
    buf_printf(&out, "id: %s-%llu\nevent: %s\ndata: ", hub->boot, (unsigned long long)number,
               hub->options.topics[change->topic].name);
    if (text) buf_puts(&out, text);
    buf_puts(&out, "\n\n");
    if (text && !out.failed) event = event_text_new(out.data, out.size);
    free(text);
    buf_clear(&out);
    return event;
}

static void tell(struct event_hub *hub, const struct change *change)
{
    const struct event_topic *topic = &hub->options.topics[change->topic];
    struct lathe_error err = {0};
    json_t *resource = NULL;
    for (size_t i = 0; i < hub->listener_count; i++)
        hub->listeners[i].listen(hub->listeners[i].context, change->topic, change->id);
    if (!topic->read) return;
    enum lathe_status st = topic->read(hub->options.app, change->id, &resource, &err);
    bool readable = !st || st == LATHE_NOT_FOUND;
    if (!readable) log_event(LOG_WARN, "failed to tell of %s %s: %s", topic->name, change->id, err.message);
    /* Only this thread adds, so the number holds without the lock. What can't be told is lost, and clients fetch anew.
     */
    struct event_text *text =
        readable ? print_event(hub, event_ring_last(hub->ring) + 1, change, st ? NULL : resource) : NULL;
    pthread_mutex_lock(&hub->lock);
    event_ring_add(hub->ring, change->topic, text);
    pthread_mutex_unlock(&hub->lock);
}

static void wake(struct event_hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    streams_wake(hub);
    pthread_mutex_unlock(&hub->lock);
}

static void tell_all(struct event_hub *hub, const struct changed *changed)
{
    for (size_t i = 0; i < changed->count; i++) {
        tell(hub, &changed->items[i]);
        if (i % WAKE_EVERY == WAKE_EVERY - 1) wake(hub);
    }
    if (changed->lost) {
        pthread_mutex_lock(&hub->lock);
        event_ring_add(hub->ring, 0, NULL);
        pthread_mutex_unlock(&hub->lock);
    }
    wake(hub);
}

static void run_ticks(struct event_hub *hub)
{
    for (size_t i = 0; i < hub->ticker_count; i++) hub->tickers[i].tick(hub->tickers[i].context);
    pthread_mutex_lock(&hub->lock);
    uint64_t now = clock_now_ns();
    if (now >= hub->next_beat_ns) {
        hub->next_beat_ns = now + hub->options.beat_s * UINT64_C(1000000000);
        hub->beat++;
        streams_wake(hub);
    }
    pthread_mutex_unlock(&hub->lock);
}

static void *run(void *context)
{
    struct event_hub *hub = context;
    struct changed mine = {0};
    pthread_mutex_lock(&hub->changed_lock);
    while (!hub->stop) {
        struct changed *c = &hub->changed;
        if (!c->count && !c->lost && !hub->ticked) {
            pthread_cond_wait(&hub->work, &hub->changed_lock);
            continue;
        }
        struct changed swap = mine;
        mine = *c;
        *c = swap;
        c->count = 0;
        c->lost = false;
        bool ticked = hub->ticked;
        hub->ticked = false;
        pthread_mutex_unlock(&hub->changed_lock);
        if (mine.count || mine.lost) tell_all(hub, &mine);
        if (ticked) run_ticks(hub);
        pthread_mutex_lock(&hub->changed_lock);
    }
    pthread_mutex_unlock(&hub->changed_lock);
    free(mine.items);
    return NULL;
}

void event_hub_tick(struct event_hub *hub)
{
    pthread_mutex_lock(&hub->changed_lock);
    hub->ticked = true;
    pthread_cond_signal(&hub->work);
    pthread_mutex_unlock(&hub->changed_lock);
}

/* ---- life ---- */

void event_hub_listen(struct event_hub *hub, void (*listen)(void *, unsigned, const char *), void *context)
{
    if (hub->listener_count < HUB_LISTENERS) hub->listeners[hub->listener_count++] = (struct listener){listen, context};
}

void event_hub_on_tick(struct event_hub *hub, void (*tick)(void *), void *context)
{
    if (hub->ticker_count < HUB_LISTENERS) hub->tickers[hub->ticker_count++] = (struct ticker){tick, context};
}

const char *event_hub_boot(const struct event_hub *hub)
{
    return hub->boot;
}

static const char **list_prefixes(const struct event_source *sources)
{
    size_t n = 0;
    while (sources[n].prefix) n++;
    const char **prefixes = calloc(n + 1, sizeof *prefixes);
    for (size_t i = 0; prefixes && i < n; i++) prefixes[i] = sources[i].prefix;
    return prefixes;
}

static int start_thread(struct event_hub *hub)
{
    /* Signals are for the program's main thread. */
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&hub->thread, NULL, run, hub);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    hub->running = rc == 0;
    return rc;
}

enum lathe_status event_hub_new(const struct event_options *options, struct event_hub **out, struct lathe_error *err)
{
    unsigned char random[(BOOT_BYTES - 1) / 2];
    struct event_hub *hub = calloc(1, sizeof *hub);
    if (!hub) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    hub->options = *options;
    if (!hub->options.keep_events) hub->options.keep_events = KEEP_EVENTS;
    if (!hub->options.keep_bytes) hub->options.keep_bytes = KEEP_BYTES;
    if (!hub->options.beat_s) hub->options.beat_s = BEAT_S;
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(hub->boot, sizeof hub->boot, random, sizeof random);
    pthread_mutex_init(&hub->changed_lock, NULL);
    pthread_cond_init(&hub->work, NULL);
    pthread_mutex_init(&hub->lock, NULL);
    hub->prefixes = list_prefixes(options->sources);
    hub->ring = event_ring_new(hub->options.keep_events, hub->options.keep_bytes);
    int rc = hub->prefixes && hub->ring ? start_thread(hub) : ENOMEM;
    if (rc) {
        event_hub_free(hub);
        return error_set(err, LATHE_NO_MEMORY, "can't start a thread: %s", strerror(rc));
    }
    kv_watch(hub->options.kv, &(struct kv_watch){(const char *const *)hub->prefixes, on_commit, hub});
    *out = hub;
    return LATHE_OK;
}

void event_hub_cut(struct event_hub *hub, const char *principal)
{
    pthread_mutex_lock(&hub->lock);
    streams_end(hub, principal);
    pthread_mutex_unlock(&hub->lock);
}

void event_hub_stop(struct event_hub *hub)
{
    pthread_mutex_lock(&hub->changed_lock);
    hub->stop = true;
    pthread_cond_signal(&hub->work);
    pthread_mutex_unlock(&hub->changed_lock);
    if (hub->running) pthread_join(hub->thread, NULL);
    hub->running = false;
    pthread_mutex_lock(&hub->lock);
    hub->stopping = true;
    streams_end(hub, NULL);
    pthread_mutex_unlock(&hub->lock);
}

void event_hub_free(struct event_hub *hub)
{
    if (!hub) return;
    event_hub_stop(hub);
    kv_watch(hub->options.kv, NULL);
    event_ring_free(hub->ring);
    free(hub->prefixes);
    free(hub->changed.items);
    pthread_mutex_destroy(&hub->lock);
    pthread_mutex_destroy(&hub->changed_lock);
    pthread_cond_destroy(&hub->work);
    free(hub);
}
