/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/store/tokens.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/text.h"
#include "server/store/store.h"

enum { RANDOM_BYTES = 32, HASH_BYTES = 32, HASH_TEXT = 2 * HASH_BYTES + 1 };

static const char *const roles[] = {"admin", "user", "agent"};

static void hash_token(const char *text, char out[HASH_TEXT])
{
    unsigned char hash[HASH_BYTES];
    crypto_generichash(hash, sizeof hash, (const unsigned char *)text, strlen(text), NULL, 0);
    sodium_bin2hex(out, HASH_TEXT, hash, sizeof hash);
}

static bool known_role(const char *role)
{
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(role, roles[i]) == 0) return true;
    return false;
}

/* A token is found by its hash, and revoked by its name: two documents, written together. */
struct new_token {
    char hash[HASH_TEXT];
    json_t *document;
    const char *name;
};

static enum lathe_status put_token(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const struct new_token *token = context;
    json_t *existing = NULL;
    enum lathe_status st = store_get(txn, "token-name", token->name, &existing, err);
    json_decref(existing);
    if (!st) {
        error_field(err, "name", "a token named %s exists already: revoke it first, or choose another name",
                    token->name);
        if (err) err->status = LATHE_CONFLICT;
        return LATHE_CONFLICT;
    }
    if (st != LATHE_NOT_FOUND) return st;
    st = store_put(txn, "token-name", token->name, token->document, err);
    return st ? st : store_put(txn, "token", token->hash, token->document, err);
}

enum lathe_status token_create(struct kv *kv, const char *role, const char *name, char text[TOKEN_TEXT_BYTES],
                               struct lathe_error *err)
{
    unsigned char random[RANDOM_BYTES];
    char created[25];
    struct new_token token = {.name = name};
    if (!known_role(role)) return error_field(err, "role", "role must be one of: admin, user, agent");
    if (!text_is_name(name))
        return error_field(err, "name",
                           "name must be 1 to 64 letters, digits, '.', '_' or '-', and not start with '.' or '-'");
    randombytes_buf(random, sizeof random);
    snprintf(text, TOKEN_TEXT_BYTES, "lathe_");
    sodium_bin2base64(text + 6, TOKEN_TEXT_BYTES - 6, random, sizeof random, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    hash_token(text, token.hash);
    clock_format(clock_wall_ms(), created);
    token.document =
        json_pack("{s:s, s:s, s:s, s:s}", "name", name, "role", role, "created", created, "hash", token.hash);
    if (!token.document) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    enum lathe_status st = kv_write(kv, put_token, &token, err);
    json_decref(token.document);
    return st;
}

enum lathe_status token_find(struct kv *kv, const char *text, char *role, char *name, struct lathe_error *err)
{
    char hash[HASH_TEXT];
    json_t *document;
    if (strlen(text) >= TOKEN_TEXT_BYTES) return LATHE_NOT_FOUND;
    hash_token(text, hash);
    struct lathe_error why = {0};
    enum lathe_status st = store_read(kv, "token", hash, &document, &why);
    if (st == LATHE_NOT_FOUND) return st;
    if (st) {
        if (err) *err = why;
        return st;
    }
    snprintf(role, 8, "%s", json_string_value(json_object_get(document, "role")));
    snprintf(name, 65, "%s", json_string_value(json_object_get(document, "name")));
    json_decref(document);
    return LATHE_OK;
}

static enum lathe_status delete_token(void *context, struct kv_txn *txn, struct lathe_error *err)
{
    const char *name = context;
    json_t *document;
    if (store_get(txn, "token-name", name, &document, NULL))
        return error_set(err, LATHE_NOT_FOUND, "no token named %.64s", name);
    enum lathe_status st = store_delete(txn, "token", json_string_value(json_object_get(document, "hash")), err);
    json_decref(document);
    return st ? st : store_delete(txn, "token-name", name, err);
}

enum lathe_status token_revoke(struct kv *kv, const char *name, struct lathe_error *err)
{
    return kv_write(kv, delete_token, (void *)name, err);
}
