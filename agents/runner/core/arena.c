/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/core/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "agents/runner/runtime.h"

static size_t round_up(size_t n)
{
    return (n + RUNTIME_ALIGN_BYTES - 1) / RUNTIME_ALIGN_BYTES * RUNTIME_ALIGN_BYTES;
}

static size_t padded(const struct arena_item *item)
{
    return round_up(item->bytes + RUNTIME_PAD_BYTES);
}

static bool live_together(const struct arena_item *a, const struct arena_item *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Largest first; equal ones in the order in which they begin, so that the plan is the same everywhere. */
static int by_size(const void *a, const void *b)
{
    const struct arena_item *x = *(struct arena_item *const *)a;
    const struct arena_item *y = *(struct arena_item *const *)b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* The lowest offset where item is clear of every placed one that lives with it. Each pass moves past one obstacle. */
static size_t lowest_free(const struct arena_item *item, struct arena_item *const *placed, size_t n)
{
    size_t offset = 0;
    size_t i = 0;
    while (i < n) {
        const struct arena_item *other = placed[i];
        bool apart = offset + padded(item) <= other->offset || other->offset + padded(other) <= offset;
        if (apart || !live_together(item, other)) {
            i++;
            continue;
        }
        offset = other->offset + padded(other);
        i = 0;
    }
    return offset;
}

enum lathe_status arena_plan(struct arena_item *items, size_t n, size_t *total_bytes, struct lathe_error *err)
{
    *total_bytes = 0;
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (sum > SIZE_MAX / 4 || items[i].bytes > SIZE_MAX / 4)
            return error_set(err, LATHE_NO_MEMORY, "activations are larger than the address space");
        sum += items[i].bytes + 2 * RUNTIME_ALIGN_BYTES;
    }
    struct arena_item **order = malloc((n + 1) * sizeof *order);
    if (!order) return error_set(err, LATHE_NO_MEMORY, "out of memory while planning the arena");
    for (size_t i = 0; i < n; i++) order[i] = &items[i];
    qsort(order, n, sizeof(struct arena_item *), by_size);
    for (size_t i = 0; i < n; i++) {
        order[i]->offset = lowest_free(order[i], order, i);
        size_t end = order[i]->offset + padded(order[i]);
        if (end > *total_bytes) *total_bytes = end;
    }
    free(order);
    return LATHE_OK;
}
