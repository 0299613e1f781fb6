/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/store/store.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"

enum { DOCUMENT_SCHEMA = 1 };

static enum lathe_status make_key(const char *kind, const char *id, char *key, struct lathe_error *err)
{
    int n = snprintf(key, KV_KEY_BYTES + 1, "%s/%s", kind, id);
    if (n > 0 && n <= KV_KEY_BYTES) return LATHE_OK;
    return error_set(err, LATHE_NOT_FOUND, "no %s %.64s", kind, id);
}

static enum lathe_status decode(const char *kind, const char *id, struct kv_slice value, json_t **out,
                                struct lathe_error *err)
{
    json_t *document = json_loadb(value.data, value.size, 0, NULL);
    json_int_t schema = json_integer_value(json_object_get(document, "schema"));
    if (!document || schema < 1) {
        json_decref(document);
        return error_set(err, LATHE_IO, "the stored %s %s is damaged; restore it from a backup", kind, id);
    }
    if (schema > DOCUMENT_SCHEMA) {
        json_decref(document);
        return error_set(err, LATHE_NEWER, "%s %s was stored by a newer version of lathed: use that", kind, id);
    }
    *out = document;
    return LATHE_OK;
}

enum lathe_status store_get(struct kv_txn *txn, const char *kind, const char *id, json_t **out, struct lathe_error *err)
{
    char key[KV_KEY_BYTES + 1];
    struct kv_slice value;
    enum lathe_status st = make_key(kind, id, key, err);
    if (!st) st = kv_get(txn, KV_KEY(key), &value, err);
    if (st == LATHE_NOT_FOUND) return error_set(err, LATHE_NOT_FOUND, "no %s %.64s", kind, id);
    return st ? st : decode(kind, id, value, out, err);
}

enum lathe_status store_put(struct kv_txn *txn, const char *kind, const char *id, const json_t *document,
                            struct lathe_error *err)
{
    char key[KV_KEY_BYTES + 1];
    enum lathe_status st = make_key(kind, id, key, err);
    if (st) return error_field(err, "id", "%s %.64s has too long a name", kind, id);
    json_t *copy = json_copy((json_t *)document);
    if (copy) json_object_set_new(copy, "schema", json_integer(DOCUMENT_SCHEMA));
    char *text = copy ? json_dumps(copy, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(copy);
    if (!text) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    st = kv_put(txn, KV_KEY(key), text, strlen(text), err);
    free(text);
    return st;
}

enum lathe_status store_delete(struct kv_txn *txn, const char *kind, const char *id, struct lathe_error *err)
{
    char key[KV_KEY_BYTES + 1];
    enum lathe_status st = make_key(kind, id, key, err);
    if (!st) st = kv_delete(txn, KV_KEY(key), err);
    return st == LATHE_NOT_FOUND ? error_set(err, st, "no %s %.64s", kind, id) : st;
}

struct listing {
    const char *kind, *after;
    size_t limit, prefix;
    json_t *list;
    char *next; /* 65 bytes: the last id of a full page */
    bool more;
    enum lathe_status status;
    struct lathe_error *err;
};

static bool add_to_list(void *context, struct kv_slice key, struct kv_slice value)
{
    struct listing *l = context;
    char id[65];
    snprintf(id, sizeof id, "%.*s", (int)(key.size - l->prefix), (const char *)key.data + l->prefix);
    if (l->after && strcmp(id, l->after) == 0) return true;
    if (json_array_size(l->list) == l->limit) {
        l->more = true;
        return false;
    }
    json_t *document;
    l->status = decode(l->kind, id, value, &document, l->err);
    if (l->status) return false;
    json_array_append_new(l->list, document);
    snprintf(l->next, 65, "%s", id);
    return true;
}

enum lathe_status store_list(struct kv_txn *txn, const char *kind, const char *after, size_t limit, json_t **list,
                             char *next, struct lathe_error *err)
{
    char prefix[KV_KEY_BYTES + 1];
    char from[KV_KEY_BYTES + 1];
    enum lathe_status st = make_key(kind, "", prefix, err);
    if (!st) st = make_key(kind, after ? after : "", from, err);
    if (st) return error_field(err, "cursor", "the cursor is none that a list gave");
    struct listing l = {.kind = kind,
                        .after = after,
                        .limit = limit,
                        .prefix = strlen(prefix),
                        .list = json_array(),
                        .next = next,
                        .err = err};
    if (!l.list) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    next[0] = '\0';
    st = kv_scan(txn, prefix, from, add_to_list, &l, err);
    if (!st) st = l.status;
    if (st) {
        json_decref(l.list);
        return st;
    }
    if (!l.more) next[0] = '\0';
    *list = l.list;
    return LATHE_OK;
}

enum lathe_status store_read(struct kv *kv, const char *kind, const char *id, json_t **out, struct lathe_error *err)
{
    struct kv_txn *txn;
    enum lathe_status st = kv_read_begin(kv, &txn, err);
    if (st) return st;
    st = store_get(txn, kind, id, out, err);
    kv_read_end(txn);
    return st;
}

struct put_request {
    const char *kind, *id;
    const json_t *document;
};

static enum lathe_status put_one(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const struct put_request *put = context;
    return store_put(txn, put->kind, put->id, put->document, err);
}

enum lathe_status store_write(struct kv *kv, const char *kind, const char *id, const json_t *document,
                              struct lathe_error *err)
{
    struct put_request put = {kind, id, document};
    return kv_write(kv, put_one, &put, err);
}

void store_new_id(const char *prefix, char id[40])
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz"; /* Crockford's base 32: sorts as its values do */
    char text[17];
    uint64_t time = (uint64_t)clock_wall_ms();
    for (int i = 8; i >= 0; i--, time >>= 5) text[i] = digits[time & 31];
    for (int i = 9; i < 16; i++) text[i] = digits[randombytes_uniform(32)];
    text[16] = '\0';
    snprintf(id, 40, "%s-%s", prefix, text);
}
