/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Keys and JSON records of a table; not for other modules. Threads: as the kv_txn given. */
#ifndef LATHE_TABLE_RECORD_H
#define LATHE_TABLE_RECORD_H

#include "lut/table/table.h"

/* Longest key: samples/<64>/<64>/<8>/<263>/<48> with its NUL. */
enum { KEY_BYTES = 8 + 65 + 65 + 9 + ROW_TEXT_BYTES + 49, SOURCE_CHARS = 48 };
_Static_assert(KEY_BYTES - 1 <= KV_KEY_BYTES, "the longest key of a table must fit the store");

enum lathe_status table_id_check(struct table_id, struct lathe_error *err);

void key_of_table(char key[KEY_BYTES], struct table_id);
void key_of_version(char key[KEY_BYTES], struct table_id, uint32_t version);
/** "<space>/<device>/<config>/<version>/<tail>". @param space "entry" or "samples". @param tail cut when it is longer
 *  than a row text, so that it names no row. */
void key_of_row(char key[KEY_BYTES], const char *space, struct table_id, uint32_t version, const char *tail);

struct header_record {
    uint32_t version; /* newest */
    int64_t created_ms, updated_ms;
};
/** @return LATHE_OK, LATHE_NOT_FOUND (err says "no table ..."), LATHE_NEWER or LATHE_IO. */
enum lathe_status header_get(struct kv_txn *, struct table_id, struct header_record *out, struct lathe_error *err);
enum lathe_status header_put(struct kv_txn *, struct table_id, const struct header_record *, struct lathe_error *err);

struct version_record {
    json_t *fingerprint; /* owned */
    char origin[16];
    int64_t created_ms;
    int64_t updated_ms; /* of a night, whose rows change without its table's header; else 0 */
    size_t entries;
};
/** @param[out] out free its fingerprint by json_decref(). @return as header_get(). */
enum lathe_status version_get(struct kv_txn *, struct table_id, uint32_t version, struct version_record *out,
                              struct lathe_error *err);
enum lathe_status version_put(struct kv_txn *, struct table_id, uint32_t version, const struct version_record *,
                              struct lathe_error *err);

/** Whether two fingerprints are equal as canonical JSON. */
enum lathe_status fingerprint_same(const json_t *a, const json_t *b, bool *same, struct lathe_error *err);

/** @param[out] out new reference, or NULL when there are none. */
enum lathe_status notes_get(struct kv_txn *, struct table_id, uint32_t version, json_t **out, struct lathe_error *err);
/** @param notes object, borrowed. */
enum lathe_status notes_put(struct kv_txn *, struct table_id, uint32_t version, const json_t *notes,
                            struct lathe_error *err);

/** Give version 0 the number of the newest one. */
enum lathe_status version_resolve(struct kv_txn *, struct table_id, uint32_t *version, struct lathe_error *err);

/** Multiply all times of a row. */
void latency_scale(struct latency *, double factor);

/** After rows changed: count the ones added, and move the table's time of change forward, of a night its own. */
enum lathe_status table_changed(struct kv_txn *, struct table_id, uint32_t version, size_t added, int64_t now_ms,
                                struct lathe_error *err);

#endif
