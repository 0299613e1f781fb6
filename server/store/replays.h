/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Answers to requests that created something under an Idempotency-Key, kept for a day, so that who asks again because
 * the answer got lost is given it and nothing is created twice.
 *
 * Answers may hold secrets (a new token), and the store holds none: they are sealed (XSalsa20-Poly1305 by libsodium)
 * under a key that only the caller's token and its idempotency key make. Threads: any. */
#ifndef LATHE_STORE_REPLAYS_H
#define LATHE_STORE_REPLAYS_H

#include <jansson.h>

#include "lut/kv/kv.h"

enum { REPLAY_HASH_BYTES = 65, REPLAY_SEAL_BYTES = 32, REPLAY_KEPT_H = 24 };

/* One use of an idempotency key. */
struct replay {
    char id[REPLAY_HASH_BYTES];            /* of the caller's token and the key: keys of others are others */
    char request[REPLAY_HASH_BYTES];       /* hash of what is asked */
    unsigned char seal[REPLAY_SEAL_BYTES]; /* secret */
};

/** @param head,body what is asked, whole: method, path, query and such; and the body. */
void replay_init(struct replay *, const char *token, const char *key, const char *head, const void *body, size_t size);

enum replay_found {
    REPLAY_NONE,   /* nothing is known: go on */
    REPLAY_SAME,   /* the same request was answered */
    REPLAY_OTHER,  /* the key was used for another request */
    REPLAY_UNSURE, /* the same request began, and the server stopped before its end */
};
/** What is known of a key. @param[out] answer with REPLAY_SAME: new reference. */
enum lathe_status replay_find(struct kv *, const struct replay *, enum replay_found *found, json_t **answer,
                              struct lathe_error *err);
/** The request begins. Whoever calls this sees to it that there is one at a time of each id. */
enum lathe_status replay_begin(struct kv *, const struct replay *, struct lathe_error *err);
/** It was answered. @param answer object, borrowed; NULL: nothing was created, forget it. */
enum lathe_status replay_end(struct kv *, const struct replay *, const json_t *answer, struct lathe_error *err);
/** Forget those that are older than a day. @param[out] count how many; may be NULL. */
enum lathe_status replay_prune(struct kv *, size_t *count, struct lathe_error *err);

#endif
