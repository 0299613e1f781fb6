/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/events/ring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct event {
    unsigned topic;
    struct event_text *text;
};

struct event_ring {
    size_t capacity, bytes_most, bytes;
    uint64_t first, last; /* numbers of the oldest that is kept and of the newest; first is last + 1 when none is */
    struct event events[];
};

struct event_text *event_text_new(const char *bytes, size_t size)
{
    struct event_text *text = malloc(sizeof *text + size);
    if (!text) return NULL;
    atomic_init(&text->holders, 1);
    text->size = size;
    memcpy(text->bytes, bytes, size);
    return text;
}

struct event_text *event_text_hold(struct event_text *text)
{
    atomic_fetch_add(&text->holders, 1);
    return text;
}

void event_text_release(struct event_text *text)
{
    if (text && atomic_fetch_sub(&text->holders, 1) == 1) free(text);
}

struct event_ring *event_ring_new(size_t capacity, size_t bytes)
{
    struct event_ring *ring = calloc(1, sizeof *ring + capacity * sizeof ring->events[0]);
    if (!ring) return NULL;
    ring->capacity = capacity;
    ring->bytes_most = bytes;
    ring->first = 1;
    return ring;
}

static struct event *event_at(const struct event_ring *ring, uint64_t number)
{
    return (struct event *)&ring->events[number % ring->capacity];
}

static void drop_first(struct event_ring *ring)
{
    struct event *event = event_at(ring, ring->first++);
    ring->bytes -= event->text->size;
    event_text_release(event->text);
    event->text = NULL;
}

void event_ring_free(struct event_ring *ring)
{
    if (!ring) return;
    while (ring->first <= ring->last) drop_first(ring);
    free(ring);
}

uint64_t event_ring_last(const struct event_ring *ring)
{
    return ring->last;
}

void event_ring_add(struct event_ring *ring, unsigned topic, struct event_text *take_text)
{
    size_t size = take_text ? take_text->size : 0;
    while (ring->first <= ring->last &&
           (!take_text || ring->last - ring->first + 1 == ring->capacity || ring->bytes + size > ring->bytes_most))
        drop_first(ring);
    ring->last++;
    if (!take_text) {
        ring->first = ring->last + 1;
        return;
    }
    *event_at(ring, ring->last) = (struct event){topic, take_text};
    ring->bytes += size;
}

bool event_ring_knows(const struct event_ring *ring, uint64_t seen)
{
    return seen <= ring->last && seen + 1 >= ring->first;
}

enum event_found event_ring_next(const struct event_ring *ring, uint64_t *seen, uint32_t mask, struct event_text **text)
{
    if (!event_ring_knows(ring, *seen)) return EVENT_LOST;
    while (*seen < ring->last) {
        const struct event *event = event_at(ring, ++*seen);
        if (!(mask >> event->topic & 1)) continue;
        *text = event_text_hold(event->text);
        return EVENT_FOUND;
    }
    return EVENT_NONE;
}
