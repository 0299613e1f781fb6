/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/store/replays.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "server/store/store.h"

static const char kind[] = "idempotency";
static const int64_t kept_ms = (int64_t)REPLAY_KEPT_H * 3600 * 1000;
enum { PRUNE_PAGE = 1000 };

_Static_assert(REPLAY_SEAL_BYTES == crypto_secretbox_KEYBYTES, "the seal is a key of secretbox");
_Static_assert(REPLAY_HASH_BYTES == 2 * crypto_generichash_BYTES + 1, "hashes are kept in hexadecimal");

/* Both hashes are kept, and keyed by the secret: from them neither it nor what was asked can be found.
 * @param body may be empty. */
static void hash_to(char out[REPLAY_HASH_BYTES], const unsigned char *key, const char *head, const void *body,
                    size_t size)
{
    unsigned char hash[crypto_generichash_BYTES];
    crypto_generichash_state state;
    crypto_generichash_init(&state, key, REPLAY_SEAL_BYTES, sizeof hash);
    crypto_generichash_update(&state, (const unsigned char *)head, strlen(head) + 1);
    crypto_generichash_update(&state, body, size);
    crypto_generichash_final(&state, hash, sizeof hash);
    sodium_bin2hex(out, REPLAY_HASH_BYTES, hash, sizeof hash);
}

void replay_init(struct replay *r, const char *token, const char *key, const char *head, const void *body, size_t size)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof r->seal);
    crypto_generichash_update(&state, (const unsigned char *)token, strlen(token) + 1);
    crypto_generichash_update(&state, (const unsigned char *)key, strlen(key));
    crypto_generichash_final(&state, r->seal, sizeof r->seal);
    hash_to(r->id, r->seal, "id", "", 0);
    hash_to(r->request, r->seal, head, body, size);
}

/* ---- sealed answers ---- */

static char *seal(const struct replay *r, const json_t *answer)
{
    char *text = json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(17));
    size_t size = text ? strlen(text) : 0;
    size_t box = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + size;
    size_t encoded = sodium_base64_ENCODED_LEN(box, sodium_base64_VARIANT_ORIGINAL);
    unsigned char *sealed = malloc(box);
    char *out = malloc(encoded);
    if (text && sealed && out) {
        randombytes_buf(sealed, crypto_secretbox_NONCEBYTES);
        crypto_secretbox_easy(sealed + crypto_secretbox_NONCEBYTES, (const unsigned char *)text, size, sealed, r->seal);
        sodium_bin2base64(out, encoded, sealed, box, sodium_base64_VARIANT_ORIGINAL);
    } else {
        free(out);
        out = NULL;
    }
    free(sealed);
    free(text);
    return out;
}

/* @return new reference; NULL when it is not what was sealed. */
static json_t *unseal(const struct replay *r, const char *text)
{
    size_t size = strlen(text);
    size_t box = 0;
    unsigned char *sealed = malloc(size + 1);
    unsigned char *plain = malloc(size + 1);
    json_t *answer = NULL;
    size_t around = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    if (sealed && plain &&
        sodium_base642bin(sealed, size, text, size, NULL, &box, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
        box >= around &&
        crypto_secretbox_open_easy(plain, sealed + crypto_secretbox_NONCEBYTES, box - crypto_secretbox_NONCEBYTES,
                                   sealed, r->seal) == 0)
        answer = json_loadb((const char *)plain, box - around, 0, NULL);
    free(sealed);
    free(plain);
    return answer;
}

/* ---- records ---- */

static bool is_old(const json_t *record)
{
    return clock_wall_ms() - json_integer_value(json_object_get(record, "created_ms")) >= kept_ms;
}

enum lathe_status replay_find(struct kv *kv, const struct replay *r, enum replay_found *found, json_t **answer,
                              struct lathe_error *err)
{
    json_t *record = NULL;
    *found = REPLAY_NONE;
    enum lathe_status st = store_read(kv, kind, r->id, &record, err);
    if (st == LATHE_NOT_FOUND) return LATHE_OK;
    if (st) return st;
    const char *request = json_string_value(json_object_get(record, "request"));
    const char *sealed = json_string_value(json_object_get(record, "answer"));
    if (!is_old(record)) {
        if (!request || strcmp(request, r->request) != 0) *found = REPLAY_OTHER;
        else if (!sealed) *found = REPLAY_UNSURE;
        else *found = (*answer = unseal(r, sealed)) ? REPLAY_SAME : REPLAY_UNSURE;
    }
    json_decref(record);
    return LATHE_OK;
}

static json_t *new_record(const struct replay *r)
{
    return json_pack("{s:I, s:s}", "created_ms", (json_int_t)clock_wall_ms(), "request", r->request);
}

static enum lathe_status put(struct kv *kv, const struct replay *r, json_t *take_record, struct lathe_error *err)
{
    if (!take_record) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = store_write(kv, kind, r->id, take_record, err);
    json_decref(take_record);
    return st;
}

enum lathe_status replay_begin(struct kv *kv, const struct replay *r, struct lathe_error *err)
{
    return put(kv, r, new_record(r), err);
}

static enum lathe_status forget(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const struct replay *r = context;
    enum lathe_status st = store_delete(txn, kind, r->id, err);
    return st == LATHE_NOT_FOUND ? LATHE_OK : st;
}

enum lathe_status replay_end(struct kv *kv, const struct replay *r, const json_t *answer, struct lathe_error *err)
{
    if (!answer) return kv_write(kv, forget, (void *)r, err);
    json_t *record = new_record(r);
    char *sealed = record ? seal(r, answer) : NULL;
    if (sealed) json_object_set_new(record, "answer", json_string(sealed));
    free(sealed);
    return put(kv, r, record, err);
}

/* ---- pruning ---- */

struct old_list {
    char (*ids)[REPLAY_HASH_BYTES];
    size_t count;
};

static bool note_old(void *context, struct kv_slice key, struct kv_slice value)
{
    struct old_list *old = context;
    size_t prefix = sizeof kind; /* with the slash */
    json_t *record = json_loadb(value.data, value.size, 0, NULL);
    if (is_old(record) && key.size - prefix < REPLAY_HASH_BYTES)
        snprintf(old->ids[old->count++], REPLAY_HASH_BYTES, "%.*s", (int)(key.size - prefix),
                 (const char *)key.data + prefix);
    json_decref(record);
    return old->count < PRUNE_PAGE;
}

static enum lathe_status prune_page(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    struct old_list *old = context;
    old->count = 0;
    enum lathe_status st = kv_scan(txn, "idempotency/", NULL, note_old, old, err);
    for (size_t i = 0; !st && i < old->count; i++) st = store_delete(txn, kind, old->ids[i], err);
    return st;
}

enum lathe_status replay_prune(struct kv *kv, size_t *count, struct lathe_error *err)
{
    struct old_list old = {.ids = malloc(PRUNE_PAGE * sizeof *old.ids)};
    size_t all = 0;
    if (!old.ids) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st;
    do {
        st = kv_write(kv, prune_page, &old, err);
        all += st ? 0 : old.count;
    } while (!st && old.count == PRUNE_PAGE);
    free(old.ids);
    if (count) *count = all;
    return st;
}
