/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What a server keeps beside tables, as JSON documents on kv: devices, tokens, predictors, own spaces, profiles,
 * leases, measurements, agents. Every document carries "schema": 1.
 *
 * Keys:
 *   device/<name>  condition/<device>  agent/<name>  token/<hash>  token-name/<name>
 *   predictor/<id>  predictor-file/<id>  space/<id>
 *   keeper/state (server/keep/sweep.h)
 *   profile/<id>  lease/<id>  visit/<profile id>/<number:08x>  measurement/<id>  idempotency/<hash>
 *
 * Threads: any; functions that take a kv_txn belong to its thread. */
#ifndef LATHE_STORE_STORE_H
#define LATHE_STORE_STORE_H

#include <jansson.h>

#include "lut/kv/kv.h"

enum { STORE_VERSION = 1 };

/** One document. @param[out] out new reference. @return LATHE_OK, LATHE_NOT_FOUND (err says "no <kind> <id>") or IO. */
enum lathe_status store_get(struct kv_txn *, const char *kind, const char *id, json_t **out, struct lathe_error *err);
/** Inside a write. */
enum lathe_status store_put(struct kv_txn *, const char *kind, const char *id, const json_t *document,
                            struct lathe_error *err);
enum lathe_status store_delete(struct kv_txn *, const char *kind, const char *id, struct lathe_error *err);
/** Documents of a kind in order of id, after `after` (exclusive; NULL: from the first), at most limit.
 *  @param[out] list new array. @param[out] next id to go on after, "" when this was the last page; 65 bytes,
 *  others than `after`. */
enum lathe_status store_list(struct kv_txn *, const char *kind, const char *after, size_t limit, json_t **list,
                             char *next, struct lathe_error *err);

/** The same, each in a transaction of its own. */
enum lathe_status store_read(struct kv *, const char *kind, const char *id, json_t **out, struct lathe_error *err);
enum lathe_status store_write(struct kv *, const char *kind, const char *id, const json_t *document,
                              struct lathe_error *err);

/** A fresh id: prefix, then time in milliseconds and random digits so that ids sort by age: "p-01jd3k9x2m4q7". */
void store_new_id(const char *prefix, char id[40]);

#endif
