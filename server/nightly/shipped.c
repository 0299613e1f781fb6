/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Subnets that are in use: nights watch them. */
#include <string.h>

#include "lut/base/clock.h"
#include "server/nightly/internal.h"

json_t *shipped_public(const json_t *document)
{
    json_t *copy = json_copy((json_t *)(uintptr_t)document);
    json_object_del(copy, "schema");
    json_object_del(copy, "layers");
    return copy;
}

enum lathe_status shipped_of_table(struct kv_txn *txn, const char *device, const char *config, json_t **out,
                                   struct lathe_error *err)
{
    char next[65];
    json_t *all = NULL;
    json_t *own = json_array();
    size_t i;
    json_t *item;
    enum lathe_status st = store_list(txn, "shipped", NULL, SIZE_MAX - 1, &all, next, err);
    json_array_foreach(all, i, item)
    {
        if (strcmp(doc_text(item, "device"), device) == 0 && strcmp(doc_text(item, "config"), config) == 0)
            json_array_append(own, item);
    }
    json_decref(all);
    if (st) json_decref(own);
    else *out = own;
    return st;
}

struct shipping {
    json_t *document;
};

/* Keep the id and the time of one that is shipped again under its name. */
static enum lathe_status put(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct shipping *s = context;
    json_t *own = NULL;
    size_t i;
    const json_t *item;
    char id[40];
    char now[25];
    store_new_id("s", id);
    clock_format(clock_wall_ms(), now);
    enum lathe_status st =
        shipped_of_table(txn, doc_text(s->document, "device"), doc_text(s->document, "config"), &own, err);
    const json_t *same = NULL;
    json_array_foreach(own, i, item)
    {
        if (strcmp(doc_text(item, "name"), doc_text(s->document, "name")) == 0) same = item;
    }
    if (!st && !same && json_array_size(own) >= SHIPPED_MOST)
        st = error_set(err, LATHE_CONFLICT,
                       "table %s/%s has %d shipped subnets already: remove one with DELETE /v1/shipped/ID",
                       doc_text(s->document, "device"), doc_text(s->document, "config"), SHIPPED_MOST);
    if (!st && (json_object_set_new(s->document, "id", json_string(same ? doc_text(same, "id") : id)) ||
                json_object_set_new(s->document, "shipped", json_string(now)) ||
                json_object_set_new(s->document, "schema", json_integer(STORE_VERSION))))
        st = error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st) st = store_put(txn, "shipped", doc_text(s->document, "id"), s->document, err);
    json_decref(own);
    return st;
}

enum lathe_status shipped_put(struct kv *kv, json_t *take_document, json_t **out, struct lathe_error *err)
{
    struct shipping s = {take_document};
    enum lathe_status st =
        take_document ? kv_write(kv, put, &s, err) : error_set(err, LATHE_NO_MEMORY, "out of memory");
    if (!st) *out = shipped_public(take_document);
    json_decref(take_document);
    return st;
}

static enum lathe_status drop(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const char *id = context;
    enum lathe_status st = store_delete(txn, "shipped", id, err);
    return st == LATHE_NOT_FOUND ? error_set(err, st, "no shipped subnet %s", id) : st;
}

enum lathe_status shipped_delete(struct kv *kv, const char *id, struct lathe_error *err)
{
    return kv_write(kv, drop, (void *)(uintptr_t)id, err);
}
