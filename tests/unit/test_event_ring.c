/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The ring of events: who is sent what, and who has missed something for good. */
#include "check_main.h"
#include "server/events/ring.h"

#include <stdio.h>
#include <string.h>

enum { ALL = 0x7fffffff };

static struct event_ring *ring;

static void add(unsigned topic, const char *text)
{
    event_ring_add(ring, topic, event_text_new(text, strlen(text)));
}

/* The next event's text; "none" or "lost". */
static const char *next(uint64_t *seen, uint32_t mask)
{
    static char out[64];
    struct event_text *text = NULL;
    enum event_found found = event_ring_next(ring, seen, mask, &text);
    if (found != EVENT_FOUND) return found == EVENT_NONE ? "none" : "lost";
    snprintf(out, sizeof out, "%.*s", (int)text->size, text->bytes);
    event_text_release(text);
    return out;
}

static void set_up(void)
{
    ring = event_ring_new(4, 100);
    ck_assert_ptr_nonnull(ring);
}

static void tear_down(void)
{
    event_ring_free(ring);
}

START_TEST(events_are_numbered_and_come_in_order)
{
    uint64_t seen = 0;
    ck_assert_uint_eq(event_ring_last(ring), 0);
    ck_assert_str_eq(next(&seen, ALL), "none");
    add(0, "a");
    add(1, "b");
    ck_assert_uint_eq(event_ring_last(ring), 2);
    ck_assert_str_eq(next(&seen, ALL), "a");
    ck_assert_uint_eq(seen, 1);
    ck_assert_str_eq(next(&seen, ALL), "b");
    ck_assert_str_eq(next(&seen, ALL), "none");
    ck_assert_uint_eq(seen, 2);
}
END_TEST

START_TEST(other_topics_are_passed_over)
{
    uint64_t seen = 0;
    add(0, "a");
    add(3, "b");
    add(0, "c");
    ck_assert_str_eq(next(&seen, 1 << 3), "b");
    ck_assert_uint_eq(seen, 2);
    ck_assert_str_eq(next(&seen, 1 << 3), "none");
    ck_assert_uint_eq(seen, 3);
}
END_TEST

START_TEST(the_oldest_go_first_and_who_has_not_seen_them_is_lost)
{
    char text[8];
    for (int i = 1; i <= 6; i++) {
        snprintf(text, sizeof text, "%d", i);
        add(0, text);
    }
    uint64_t seen = 1;
    ck_assert_str_eq(next(&seen, ALL), "lost");
    ck_assert(!event_ring_knows(ring, 1));
    seen = 2;
    ck_assert(event_ring_knows(ring, 2));
    ck_assert_str_eq(next(&seen, ALL), "3");
    seen = 6;
    ck_assert_str_eq(next(&seen, ALL), "none");
    seen = 7;
    ck_assert_str_eq(next(&seen, ALL), "lost");
}
END_TEST

START_TEST(bytes_are_bounded_but_one_event_is_always_kept)
{
    char big[200];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    add(0, "a");
    add(0, "b");
    uint64_t seen = 2;
    add(0, big);
    ck_assert_str_eq(next(&(uint64_t){1}, ALL), "lost");
    ck_assert_int_eq(next(&seen, ALL)[0], 'x');
    add(0, "c");
    ck_assert_str_eq(next(&(uint64_t){2}, ALL), "lost");
    ck_assert_str_eq(next(&seen, ALL), "c");
}
END_TEST

START_TEST(a_lost_event_is_missed_by_all)
{
    add(0, "a");
    event_ring_add(ring, 0, NULL);
    ck_assert_uint_eq(event_ring_last(ring), 2);
    ck_assert_str_eq(next(&(uint64_t){0}, ALL), "lost");
    ck_assert_str_eq(next(&(uint64_t){1}, ALL), "lost");
    ck_assert_str_eq(next(&(uint64_t){2}, ALL), "none");
    add(0, "c");
    ck_assert_str_eq(next(&(uint64_t){2}, ALL), "c");
}
END_TEST

START_TEST(a_text_outlives_its_place_in_the_ring)
{
    struct event_text *text = NULL;
    uint64_t seen = 0;
    add(0, "kept");
    ck_assert_int_eq(event_ring_next(ring, &seen, ALL, &text), EVENT_FOUND);
    for (int i = 0; i < 10; i++) add(0, "other");
    ck_assert_int_eq(memcmp(text->bytes, "kept", 4), 0);
    event_text_release(text);
}
END_TEST

static TCase *ring_case(void)
{
    TCase *t = tcase_create("ring");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, events_are_numbered_and_come_in_order);
    tcase_add_test(t, other_topics_are_passed_over);
    tcase_add_test(t, the_oldest_go_first_and_who_has_not_seen_them_is_lost);
    tcase_add_test(t, bytes_are_bounded_but_one_event_is_always_kept);
    tcase_add_test(t, a_lost_event_is_missed_by_all);
    tcase_add_test(t, a_text_outlives_its_place_in_the_ring);
    return t;
}

TEST_MAIN("event_ring", ring_case())
