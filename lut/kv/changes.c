/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Keys are kept as a size and bytes, so that noting one costs no allocation of its own. All on the writer thread. */
#include <stdlib.h>
#include <string.h>

#include "lut/kv/store.h"

enum { CHANGES_BYTES = 4096 };

static bool is_watched(const struct kv_watch *watch, const void *key, size_t size)
{
    for (const char *const *prefix = watch->prefixes; *prefix; prefix++) {
        size_t n = strlen(*prefix);
        if (size >= n && memcmp(key, *prefix, n) == 0) return true;
    }
    return false;
}

static bool reserve(struct changes *c, size_t more)
{
    if (c->size + more <= c->capacity) return true;
    size_t capacity = c->capacity ? 2 * c->capacity : CHANGES_BYTES;
    char *grown = realloc(c->bytes, capacity);
    if (!grown) return false;
    c->bytes = grown;
    c->capacity = capacity;
    return true;
}

/* Rows of one table change one after the other, and each moves the same header. */
static bool is_last(const struct changes *c, const void *key, size_t size)
{
    size_t n;
    if (!c->count) return false;
    memcpy(&n, c->bytes + c->last, sizeof n);
    return n == size && memcmp(c->bytes + c->last + sizeof n, key, size) == 0;
}

void changes_note(struct changes *c, const void *key, size_t size)
{
    if (!c->watch || c->lost || !is_watched(c->watch, key, size) || is_last(c, key, size)) return;
    if (!reserve(c, sizeof size + size)) {
        c->lost = true;
        return;
    }
    c->last = c->size;
    memcpy(c->bytes + c->size, &size, sizeof size);
    memcpy(c->bytes + c->size + sizeof size, key, size);
    c->size += sizeof size + size;
    c->count++;
}

void changes_tell(struct changes *c)
{
    if (!c->watch || (!c->count && !c->lost)) return;
    struct kv_slice *keys = c->lost ? NULL : malloc(c->count * sizeof *keys);
    const char *at = c->bytes;
    for (size_t i = 0; keys && i < c->count; i++) {
        memcpy(&keys[i].size, at, sizeof keys[i].size);
        keys[i].data = at + sizeof keys[i].size;
        at += sizeof keys[i].size + keys[i].size;
    }
    c->watch->changed(c->watch->context, keys, keys ? c->count : 0);
    free(keys);
    changes_reset(c);
}

void changes_reset(struct changes *c)
{
    c->size = c->count = c->last = 0;
    c->lost = false;
}

void changes_clear(struct changes *c)
{
    free(c->bytes);
    *c = (struct changes){0};
}
