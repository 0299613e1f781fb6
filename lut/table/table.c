/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/table/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/clock.h"
#include "lut/base/text.h"
#include "lut/table/codec.h"
#include "lut/table/nights.h"
#include "lut/table/record.h"
#include "lut/table/thin.h"

void table_info_clear(struct table_info *info)
{
    json_decref(info->fingerprint);
    json_decref(info->notes);
    info->fingerprint = info->notes = NULL;
}

enum lathe_status table_info(struct kv_txn *txn, struct table_id id, uint32_t version, struct table_info *out,
                             struct lathe_error *err)
{
    struct header_record header;
    struct version_record v;
    enum lathe_status st = header_get(txn, id, &header, err);
    if (!version && !st) version = header.version;
    if (!st) st = version_get(txn, id, version, &v, err);
    if (st) return st;
    struct table_info info = {.version = version, .entries = v.entries, .fingerprint = v.fingerprint};
    st = notes_get(txn, id, version, &info.notes, err);
    if (st) {
        table_info_clear(&info);
        return st;
    }
    snprintf(info.device, sizeof info.device, "%s", id.device);
    snprintf(info.config, sizeof info.config, "%s", id.config);
    snprintf(info.origin, sizeof info.origin, "%s", v.origin);
    info.created_ms = version == 1 ? header.created_ms : v.created_ms;
    info.updated_ms = version_is_night(version) ? v.updated_ms : header.updated_ms;
    *out = info;
    return LATHE_OK;
}

/* Names of tables, as "device/config". */
struct names {
    char (*items)[130];
    size_t count, capacity;
    bool failed;
};

static bool collect_name(void *context, struct kv_slice key, struct kv_slice value)
{
    (void)value;
    struct names *names = context;
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? 2 * names->capacity : 16;
        void *items = realloc(names->items, capacity * sizeof *names->items);
        names->failed = !items;
        if (!items) return false;
        names->items = items;
        names->capacity = capacity;
    }
    const size_t head = strlen("table/");
    snprintf(names->items[names->count++], sizeof *names->items, "%.*s", (int)(key.size - head),
             (const char *)key.data + head);
    return true;
}

/* In the store "a-b/.." comes before "a/..", since '-' is below '/'. People expect device "a" before "a-b". */
static int compare_names(const void *a, const void *b)
{
    const char *x = a;
    const char *y = b;
    size_t m = strcspn(x, "/");
    size_t n = strcspn(y, "/");
    int order = memcmp(x, y, m < n ? m : n);
    if (order == 0) order = (m > n) - (m < n);
    return order ? order : strcmp(x + m, y + n);
}

static enum lathe_status visit_names(struct kv_txn *txn, struct names *names,
                                     bool (*visit)(void *, const struct table_info *), void *context,
                                     struct lathe_error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        char *slash = strchr(names->items[i], '/');
        if (!slash) return error_set(err, LATHE_IO, "damaged key table/%s: restore a backup", names->items[i]);
        *slash = '\0';
        struct table_info info;
        enum lathe_status st = table_info(txn, (struct table_id){names->items[i], slash + 1}, 0, &info, err);
        if (st) return st;
        bool more = visit(context, &info);
        table_info_clear(&info);
        if (!more) break;
    }
    return LATHE_OK;
}

enum lathe_status table_list(struct kv_txn *txn, const char *device, bool (*visit)(void *, const struct table_info *),
                             void *context, struct lathe_error *err)
{
    char prefix[KEY_BYTES] = "table/";
    if (device && !text_is_name(device)) return error_field(err, "device", "\"%.80s\" is no device name", device);
    if (device) snprintf(prefix, sizeof prefix, "table/%s/", device);
    struct names names = {0};
    enum lathe_status st = kv_scan(txn, prefix, NULL, collect_name, &names, err);
    if (!st && names.failed) st = error_set(err, LATHE_NO_MEMORY, "no memory to list the tables");
    if (!st && names.count) {
        qsort(names.items, names.count, sizeof *names.items, compare_names);
        st = visit_names(txn, &names, visit, context, err);
    }
    free(names.items);
    return st;
}

static void key_of_scaling(char key[KEY_BYTES], struct table_id id, uint32_t version)
{
    snprintf(key, KEY_BYTES, "scaling/%s/%s/%08x", id.device, id.config, version);
}

enum lathe_status table_get_scaling(struct kv_txn *txn, struct table_id id, uint32_t version, struct table_scaling *out,
                                    struct lathe_error *err)
{
    char key[KEY_BYTES];
    struct kv_slice value;
    enum lathe_status st = version_resolve(txn, id, &version, err);
    if (st) return st;
    key_of_scaling(key, id, version);
    st = kv_get(txn, KV_KEY(key), &value, err);
    if (!st) return scaling_decode(value, out, err);
    if (st == LATHE_NOT_FOUND) *out = (struct table_scaling){.factor = 1};
    return st == LATHE_NOT_FOUND ? LATHE_OK : st;
}

enum lathe_status table_set_scaling(struct kv_txn *txn, struct table_id id, uint32_t version,
                                    const struct table_scaling *scaling, struct lathe_error *err)
{
    char key[KEY_BYTES];
    unsigned char bytes[SCALING_BYTES];
    if (!(isfinite(scaling->factor) && scaling->factor > 0))
        return error_field(err, "factor", "a table's factor must be above 0");
    enum lathe_status st = version_resolve(txn, id, &version, err);
    if (st) return st;
    key_of_scaling(key, id, version);
    scaling_encode(scaling, bytes);
    return kv_put(txn, KV_KEY(key), bytes, sizeof bytes, err);
}

enum lathe_status table_set_notes(struct kv_txn *txn, struct table_id id, uint32_t version, const json_t *notes,
                                  struct lathe_error *err)
{
    enum lathe_status st = version_resolve(txn, id, &version, err);
    return st ? st : notes_put(txn, id, version, notes, err);
}

void latency_scale(struct latency *l, double factor)
{
    double *const figures[] = {&l->mean_ms, &l->trimmed_ms, &l->std_ms, &l->min_ms, &l->p50_ms, &l->p90_ms, &l->ci_ms};
    for (size_t i = 0; factor != 1 && i < sizeof figures / sizeof figures[0]; i++) *figures[i] *= factor;
}

/* A row as readers get it. */
static enum lathe_status decode_scaled(struct kv_slice value, double factor, struct latency *out,
                                       struct lathe_error *err)
{
    enum lathe_status st = latency_decode(value, out, err);
    if (!st) latency_scale(out, factor);
    return st;
}

/* A resolved version's row with exactly this text. */
static enum lathe_status get_exact(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                   struct latency *out, struct lathe_error *err)
{
    struct table_scaling scaling;
    char key[KEY_BYTES];
    struct kv_slice value;
    if (strlen(row_text) >= ROW_TEXT_BYTES) return LATHE_NOT_FOUND;
    key_of_row(key, "entry", id, version, row_text);
    enum lathe_status st = kv_get(txn, KV_KEY(key), &value, err);
    if (!st) st = table_get_scaling(txn, id, version, &scaling, err);
    return st ? st : decode_scaled(value, scaling.factor, out, err);
}

struct first_row {
    struct latency latency;
    struct table_scaling scaling;
    enum lathe_status status;
    struct lathe_error *err;
};

static bool take_first(void *context, struct kv_slice key, struct kv_slice value)
{
    (void)key;
    struct first_row *first = context;
    first->status = decode_scaled(value, first->scaling.factor, &first->latency, first->err);
    return false;
}

/* A resolved version's row of a layer: the exact one, or the first that names a resolution. */
static enum lathe_status get_any(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                 struct latency *out, struct lathe_error *err)
{
    enum lathe_status st = get_exact(txn, id, version, row_text, out, err);
    if (st != LATHE_NOT_FOUND || strlen(row_text) >= LAYER_TEXT_BYTES) return st;
    char prefix[KEY_BYTES];
    char tail[ROW_TEXT_BYTES];
    snprintf(tail, sizeof tail, "%s @", row_text);
    key_of_row(prefix, "entry", id, version, tail);
    struct first_row first = {.status = LATHE_NOT_FOUND, .err = err};
    st = table_get_scaling(txn, id, version, &first.scaling, err);
    if (!st) st = kv_scan(txn, prefix, NULL, take_first, &first, err);
    if (!st) st = first.status;
    if (!st) *out = first.latency;
    return st;
}

/* Like version_resolve(), but the absence of the table is as normal as that of a row. */
static enum lathe_status resolve_quietly(struct kv_txn *txn, struct table_id id, uint32_t *version,
                                         struct lathe_error *err)
{
    struct lathe_error why;
    enum lathe_status st = version_resolve(txn, id, version, &why);
    if (st && st != LATHE_NOT_FOUND && err) *err = why;
    return st;
}

enum lathe_status table_get(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                            struct latency *out, struct lathe_error *err)
{
    enum lathe_status st = resolve_quietly(txn, id, &version, err);
    return st ? st : get_any(txn, id, version, row_text, out, err);
}

enum lathe_status table_get_at(struct kv_txn *txn, struct table_id id, uint32_t version, const char *layer_text,
                               int resolution, struct latency *out, struct lathe_error *err)
{
    enum lathe_status st = resolve_quietly(txn, id, &version, err);
    if (st) return st;
    char text[ROW_TEXT_BYTES + 16];
    if (snprintf(text, sizeof text, "%s @%d", layer_text, resolution) >= (int)sizeof text) return LATHE_NOT_FOUND;
    st = get_exact(txn, id, version, text, out, err);
    return st == LATHE_NOT_FOUND ? get_any(txn, id, version, layer_text, out, err) : st;
}

struct scan {
    bool (*visit)(void *, const char *, const struct latency *);
    void *context;
    struct table_scaling scaling;
    size_t head; /* bytes of a key before its row text */
    enum lathe_status status;
    struct lathe_error *err;
};

static bool scan_row(void *context, struct kv_slice key, struct kv_slice value)
{
    struct scan *scan = context;
    char text[ROW_TEXT_BYTES];
    struct latency latency;
    size_t n = key.size - scan->head;
    if (n >= sizeof text) scan->status = error_set(scan->err, LATHE_IO, "a row's key is damaged: restore a backup");
    else scan->status = decode_scaled(value, scan->scaling.factor, &latency, scan->err);
    if (scan->status) return false;
    memcpy(text, (const char *)key.data + scan->head, n);
    text[n] = '\0';
    return scan->visit(scan->context, text, &latency);
}

enum lathe_status table_scan(struct kv_txn *txn, struct table_id id, uint32_t version, const char *from,
                             bool (*visit)(void *, const char *row_text, const struct latency *), void *context,
                             struct lathe_error *err)
{
    enum lathe_status st = version_resolve(txn, id, &version, err);
    if (st) return st;
    char prefix[KEY_BYTES];
    char start[KEY_BYTES];
    key_of_row(prefix, "entry", id, version, "");
    key_of_row(start, "entry", id, version, from ? from : "");
    struct scan scan = {.visit = visit, .context = context, .head = strlen(prefix), .err = err};
    st = table_get_scaling(txn, id, version, &scan.scaling, err);
    if (!st) st = kv_scan(txn, prefix, start, scan_row, &scan, err);
    return st ? st : scan.status;
}

enum lathe_status table_version_for(struct kv_txn *txn, struct table_id id, const json_t *fingerprint,
                                    const char *origin, int64_t now_ms, uint32_t *version, struct lathe_error *err)
{
    if (!json_is_object(fingerprint)) return error_field(err, "fingerprint", "fingerprint must be a JSON object");
    struct header_record header;
    enum lathe_status st = header_get(txn, id, &header, err);
    if (st == LATHE_NOT_FOUND) {
        header = (struct header_record){.created_ms = now_ms};
    } else if (st) {
        return st;
    } else {
        struct version_record newest;
        bool same = false;
        st = version_get(txn, id, header.version, &newest, err);
        if (st) return st;
        st = fingerprint_same(fingerprint, newest.fingerprint, &same, err);
        json_decref(newest.fingerprint);
        if (st) return st;
        if (same) {
            *version = header.version;
            return LATHE_OK;
        }
    }
    header.version++;
    header.updated_ms = now_ms;
    struct version_record made = {.fingerprint = (json_t *)fingerprint, .created_ms = now_ms};
    snprintf(made.origin, sizeof made.origin, "%s", origin);
    st = version_put(txn, id, header.version, &made, err);
    if (!st) st = header_put(txn, id, &header, err);
    if (!st) *version = header.version;
    return st;
}

static enum lathe_status check_entry(const struct entry *entry, struct lathe_error *err)
{
    enum lathe_status st = layer_validate(&entry->layer, err);
    if (st) return st;
    if (entry->resolution < 0 || entry->resolution > 65535)
        return error_field(err, "layer", "a row's resolution must be from 0 to 65535");
    if (entry->latency.count < 1 || !isfinite(entry->latency.mean_ms) || entry->latency.mean_ms < 0)
        return error_field(err, "mean_ms", "a row needs a count of at least 1 and a mean that is a number");
    return LATHE_OK;
}

enum lathe_status table_put(struct kv_txn *txn, struct table_id id, uint32_t version, const struct entry *entries,
                            size_t n, struct lathe_error *err)
{
    enum lathe_status st = version_resolve(txn, id, &version, err);
    int64_t now_ms = clock_wall_ms();
    size_t added = 0;
    for (size_t i = 0; i < n && !st; i++) {
        char text[ROW_TEXT_BYTES];
        char key[KEY_BYTES];
        char samples[KEY_BYTES];
        unsigned char bytes[LATENCY_BYTES];
        struct kv_slice old;
        struct latency latency = entries[i].latency;
        st = check_entry(&entries[i], err);
        if (st) break;
        if (!latency.updated_ms) latency.updated_ms = now_ms;
        row_print(&entries[i].layer, entries[i].resolution, text);
        key_of_row(key, "entry", id, version, text);
        st = kv_get(txn, KV_KEY(key), &old, err);
        if (st && st != LATHE_NOT_FOUND) break;
        added += st == LATHE_NOT_FOUND;
        latency_encode(&latency, bytes);
        st = kv_put(txn, KV_KEY(key), bytes, sizeof bytes, err);
        key_of_row(samples, "samples", id, version, text);
        strncat(samples, "/", sizeof samples - strlen(samples) - 1);
        if (!st) st = kv_delete_prefix(txn, samples, NULL, err);
        if (!st) st = kept_row_forget(txn, id, version, text, err);
    }
    return st ? st : table_changed(txn, id, version, added, now_ms, err);
}

enum lathe_status table_delete(struct kv_txn *txn, struct table_id id, struct lathe_error *err)
{
    enum lathe_status st = table_id_check(id, err);
    if (st) return st;
    char key[KEY_BYTES];
    key_of_table(key, id);
    st = kv_delete(txn, KV_KEY(key), err);
    if (st == LATHE_NOT_FOUND) return error_set(err, st, "no table %s/%s", id.device, id.config);
    static const char *const spaces[] = {"version", "entry", "samples", "scaling", "notes", "kept"};
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0] && !st; i++) {
        snprintf(key, sizeof key, "%s/%s/%s/", spaces[i], id.device, id.config);
        st = kv_delete_prefix(txn, key, NULL, err);
    }
    return st;
}
