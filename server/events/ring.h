/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The last events that happened, numbered from 1 on, for who comes back after a while. Bounded in number and in bytes:
 * the oldest go first. Threads: one at a time; texts may be used and let go by any. */
#ifndef LATHE_EVENTS_RING_H
#define LATHE_EVENTS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is sent of an event. Shared by all who send it. */
struct event_text {
    _Atomic int holders;
    size_t size;
    char bytes[];
};

/** A copy of bytes with one holder; NULL when memory ran out. */
struct event_text *event_text_new(const char *bytes, size_t size);
struct event_text *event_text_hold(struct event_text *);
/** NULL is allowed. */
void event_text_release(struct event_text *);

struct event_ring;

/** @param capacity,bytes the most that is kept; an event larger than bytes is kept alone. @return NULL: no memory. */
struct event_ring *event_ring_new(size_t capacity, size_t bytes);
void event_ring_free(struct event_ring *);
/** The number of the newest event; 0: there was none. */
uint64_t event_ring_last(const struct event_ring *);
/** Add the event event_ring_last() + 1. @param topic 0..31. @param text the ring takes it; NULL: the event is lost, and
 *  with it all before. */
void event_ring_add(struct event_ring *, unsigned topic, struct event_text *take_text);

/** Whether all events behind a number are kept: who has seen it can go on. */
bool event_ring_knows(const struct event_ring *, uint64_t seen);

enum event_found { EVENT_FOUND, EVENT_NONE, EVENT_LOST };
/** The next event behind number *seen whose topic is among those of a mask.
 *  @param[in,out] seen moves to it, or behind all that are of other topics. @param[out] text hold of it, when found.
 *  @return EVENT_LOST when events behind *seen are not kept any more, or *seen never was. */
enum event_found event_ring_next(const struct event_ring *, uint64_t *seen, uint32_t mask, struct event_text **text);

#endif
