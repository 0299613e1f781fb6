/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How full the store is: pages from LMDB's own tallies, bytes under the counted prefix from a tally that is kept in the
 * store and changes in the transactions that put and delete such keys. */
#include <stdio.h>
#include <string.h>

#include "lut/kv/store.h"

enum { META_PAGES = 2, COUNT_BYTES = 8, COUNT_KEY_BYTES = 64 };

uint64_t space_used(struct kv *kv, MDB_txn *txn)
{
    const MDB_dbi all[] = {0, 1, kv->data, kv->meta};
    uint64_t pages = META_PAGES;
    unsigned page_bytes = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        MDB_stat s;
        if (mdb_stat(txn, all[i], &s) != 0) continue;
        pages += s.ms_branch_pages + s.ms_leaf_pages + s.ms_overflow_pages;
        page_bytes = s.ms_psize;
    }
    return pages * page_bytes;
}

bool space_is_full(const struct kv *kv, uint64_t used)
{
    return used > kv->map_bytes - kv->map_bytes / 16;
}

enum lathe_status space_failed(const struct kv *kv, struct lathe_error *err)
{
    return error_set(err, LATHE_FULL,
                     "the store in %s has reached its limit of %zu MiB; nothing was changed. Delete tables that are no "
                     "longer needed, or start lathed with a larger --data-limit or a shorter --keep-samples",
                     kv->dir, kv->map_bytes >> 20);
}

static bool is_counted(const struct kv *kv, const MDB_val *key)
{
    if (!kv->counted) return false;
    size_t n = strlen(kv->counted);
    return key->mv_size >= n && memcmp(key->mv_data, kv->counted, n) == 0;
}

void space_count(struct kv_txn *txn, const MDB_val *key, int64_t size)
{
    MDB_val old;
    MDB_val k = *key;
    if (!is_counted(txn->kv, key)) return;
    if (mdb_get(txn->txn, txn->kv->data, &k, &old) == 0) space_count_deleted(txn, key, &old);
    if (size >= 0) txn->counted += (int64_t)key->mv_size + size;
}

void space_count_deleted(struct kv_txn *txn, const MDB_val *key, const MDB_val *value)
{
    if (is_counted(txn->kv, key)) txn->counted -= (int64_t)(key->mv_size + value->mv_size);
}

static MDB_val count_key(const struct kv *kv, char text[COUNT_KEY_BYTES])
{
    int n = snprintf(text, COUNT_KEY_BYTES, "counted/%s", kv->counted);
    return (MDB_val){n < COUNT_KEY_BYTES ? (size_t)n : COUNT_KEY_BYTES - 1, text};
}

static int put_count(const struct kv *kv, MDB_txn *txn, uint64_t count)
{
    unsigned char bytes[COUNT_BYTES];
    char text[COUNT_KEY_BYTES];
    for (int i = 0; i < COUNT_BYTES; i++) bytes[i] = (unsigned char)(count >> (8 * i));
    MDB_val key = count_key(kv, text);
    MDB_val value = {sizeof bytes, bytes};
    return mdb_put(txn, kv->meta, &key, &value, 0);
}

/* Read through all keys that are counted. */
static int recount(const struct kv *kv, MDB_txn *txn, uint64_t *count)
{
    MDB_cursor *cursor;
    MDB_val key = {strlen(kv->counted), kv->counted};
    MDB_val value;
    int rc = mdb_cursor_open(txn, kv->data, &cursor);
    if (rc) return rc;
    rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    for (; !rc && is_counted(kv, &key); rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
        *count += key.mv_size + value.mv_size;
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int space_load(struct kv *kv, MDB_txn *txn)
{
    char text[COUNT_KEY_BYTES];
    MDB_val value;
    uint64_t count = 0;
    if (!kv->counted) return 0;
    MDB_val key = count_key(kv, text);
    int rc = mdb_get(txn, kv->meta, &key, &value);
    if (!rc && value.mv_size != COUNT_BYTES) return MDB_CORRUPTED;
    for (int i = 0; !rc && i < COUNT_BYTES; i++) count |= (uint64_t)((unsigned char *)value.mv_data)[i] << (8 * i);
    if (rc == MDB_NOTFOUND) {
        rc = recount(kv, txn, &count);
        if (!rc) rc = put_count(kv, txn, count);
    }
    kv->writer.counted = count;
    return rc;
}

int space_save(const struct kv_txn *txn)
{
    return txn->counted ? put_count(txn->kv, txn->txn, txn->kv->writer.counted + (uint64_t)txn->counted) : 0;
}

void kv_get_stats(struct kv *kv, struct kv_stats *out)
{
    struct kv_stats stats = {.limit_bytes = kv->map_bytes};
    MDB_envinfo info;
    MDB_stat stat;
    MDB_txn *txn;
    pthread_mutex_lock(&kv->writer.lock);
    stats.commits = kv->writer.commits;
    stats.writes = kv->writer.writes;
    stats.counted_bytes = kv->writer.counted;
    pthread_mutex_unlock(&kv->writer.lock);
    if (mdb_env_info(kv->env, &info) == 0 && mdb_env_stat(kv->env, &stat) == 0)
        stats.file_bytes = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    if (mdb_txn_begin(kv->env, NULL, MDB_RDONLY, &txn) == 0) {
        stats.used_bytes = space_used(kv, txn);
        mdb_txn_abort(txn);
    }
    *out = stats;
}
