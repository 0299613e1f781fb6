/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdlib.h>
#include <string.h>

#include "lut/kv/store.h"

static const size_t max_value_bytes = (size_t)1 << 30;

enum lathe_status kv_read_begin(struct kv *kv, struct kv_txn **out, struct lathe_error *err)
{
    struct kv_txn *txn = calloc(1, sizeof *txn);
    if (!txn) return error_set(err, LATHE_NO_MEMORY, "no memory to read the store");
    txn->kv = kv;
    int rc = mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn->txn);
    if (rc) {
        free(txn);
        return kv_failed(kv, rc, "read", err);
    }
    *out = txn;
    return LATHE_OK;
}

void kv_read_end(struct kv_txn *txn)
{
    if (!txn) return;
    mdb_txn_abort(txn->txn);
    free(txn);
}

static enum lathe_status check_key(size_t key_size, struct lathe_error *err)
{
    if (key_size >= 1 && key_size <= KV_KEY_BYTES) return LATHE_OK;
    return error_set(err, LATHE_INVALID, "a key must have 1 to %d bytes, not %zu", KV_KEY_BYTES, key_size);
}

enum lathe_status kv_get(struct kv_txn *txn, const void *key, size_t key_size, struct kv_slice *value,
                         struct lathe_error *err)
{
    /* No such key can have been put, and LMDB would take an empty one for an error. */
    if (key_size < 1 || key_size > KV_KEY_BYTES) return LATHE_NOT_FOUND;
    MDB_val k = {key_size, (void *)key};
    MDB_val v;
    int rc = mdb_get(txn->txn, txn->kv->data, &k, &v);
    if (rc == MDB_NOTFOUND) return LATHE_NOT_FOUND;
    if (rc) return kv_failed(txn->kv, rc, "read", err);
    *value = (struct kv_slice){v.mv_data, v.mv_size};
    return LATHE_OK;
}

static bool has_prefix(const MDB_val *key, const char *prefix, size_t size)
{
    return key->mv_size >= size && memcmp(key->mv_data, prefix, size) == 0;
}

/* Put a cursor on the first key that is not below text. */
static int seek(MDB_cursor *cursor, const char *text, MDB_val *key, MDB_val *value)
{
    *key = (MDB_val){strlen(text), (void *)text};
    return mdb_cursor_get(cursor, key, value, key->mv_size ? MDB_SET_RANGE : MDB_FIRST);
}

enum lathe_status kv_scan(struct kv_txn *txn, const char *prefix, const char *from,
                          bool (*visit)(void *context, struct kv_slice key, struct kv_slice value), void *context,
                          struct lathe_error *err)
{
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(txn->txn, txn->kv->data, &cursor);
    if (rc) return kv_failed(txn->kv, rc, "read", err);
    size_t size = strlen(prefix);
    MDB_val key, value;
    txn->scans++;
    rc = seek(cursor, from && strcmp(from, prefix) > 0 ? from : prefix, &key, &value);
    while (!rc && has_prefix(&key, prefix, size) &&
           visit(context, (struct kv_slice){key.mv_data, key.mv_size}, (struct kv_slice){value.mv_data, value.mv_size}))
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    txn->scans--;
    mdb_cursor_close(cursor);
    return !rc || rc == MDB_NOTFOUND ? LATHE_OK : kv_failed(txn->kv, rc, "read", err);
}

/* Writes are refused in snapshots, and while a scan's cursor is in use: LMDB would move the pages under it. */
static enum lathe_status begin_change(struct kv_txn *txn, struct lathe_error *err)
{
    if (!txn->writable) return error_set(err, LATHE_CONFLICT, "a snapshot of the store can't be written to");
    if (txn->scans) return error_set(err, LATHE_CONFLICT, "the store can't be written to from inside a scan");
    if (txn->broken) {
        if (err) *err = txn->failure;
        return txn->failure.status;
    }
    txn->wrote = true;
    return LATHE_OK;
}

static enum lathe_status broke(struct kv_txn *txn, int rc, struct lathe_error *err)
{
    txn->broken = true;
    kv_failed(txn->kv, rc, "write", &txn->failure);
    if (err) *err = txn->failure;
    return txn->failure.status;
}

enum lathe_status kv_put(struct kv_txn *txn, const void *key, size_t key_size, const void *value, size_t value_size,
                         struct lathe_error *err)
{
    enum lathe_status st = check_key(key_size, err);
    if (!st && value_size > max_value_bytes)
        st = error_set(err, LATHE_INVALID, "a value must have at most %zu bytes, not %zu", max_value_bytes, value_size);
    if (!st) st = begin_change(txn, err);
    if (st) return st;
    MDB_val k = {key_size, (void *)key};
    MDB_val v = {value_size, (void *)(value ? value : "")};
    space_count(txn, &k, (int64_t)value_size);
    int rc = mdb_put(txn->txn, txn->kv->data, &k, &v, 0);
    if (rc) return broke(txn, rc, err);
    changes_note(txn->changes, key, key_size);
    return LATHE_OK;
}

enum lathe_status kv_delete(struct kv_txn *txn, const void *key, size_t key_size, struct lathe_error *err)
{
    enum lathe_status st = check_key(key_size, err);
    bool wrote_before = txn->wrote;
    if (!st) st = begin_change(txn, err);
    if (st) return st;
    MDB_val k = {key_size, (void *)key};
    space_count(txn, &k, -1);
    int rc = mdb_del(txn->txn, txn->kv->data, &k, NULL);
    if (rc == MDB_NOTFOUND) {
        txn->wrote = wrote_before;
        return LATHE_NOT_FOUND;
    }
    if (rc) return broke(txn, rc, err);
    changes_note(txn->changes, key, key_size);
    return LATHE_OK;
}

enum lathe_status kv_delete_prefix(struct kv_txn *txn, const char *prefix, size_t *count, struct lathe_error *err)
{
    enum lathe_status st = begin_change(txn, err);
    if (st) return st;
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(txn->txn, txn->kv->data, &cursor);
    if (rc) return broke(txn, rc, err);
    size_t size = strlen(prefix);
    size_t deleted = 0;
    MDB_val key, value;
    rc = seek(cursor, prefix, &key, &value);
    while (!rc && has_prefix(&key, prefix, size)) {
        changes_note(txn->changes, key.mv_data, key.mv_size);
        space_count_deleted(txn, &key, &value);
        rc = mdb_cursor_del(cursor, 0);
        if (rc) break;
        deleted++;
        /* After a deletion the cursor stands on what followed, and MDB_NEXT reads that. */
        rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (rc && rc != MDB_NOTFOUND) return broke(txn, rc, err);
    if (count) *count = deleted;
    return LATHE_OK;
}
