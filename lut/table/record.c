/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/table/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/json.h"
#include "lut/base/text.h"
#include "lut/table/nights.h"

enum { RECORD_SCHEMA = 1 };

enum lathe_status table_id_check(struct table_id id, struct lathe_error *err)
{
    if (!text_is_name(id.device)) return error_field(err, "device", "\"%.80s\" is no device name", id.device);
    if (!text_is_config(id.config)) return error_field(err, "config", "\"%.80s\" is no config name", id.config);
    return LATHE_OK;
}

void key_of_table(char key[KEY_BYTES], struct table_id id)
{
    snprintf(key, KEY_BYTES, "table/%s/%s", id.device, id.config);
}

void key_of_version(char key[KEY_BYTES], struct table_id id, uint32_t version)
{
    snprintf(key, KEY_BYTES, "version/%s/%s/%08x", id.device, id.config, version);
}

void key_of_row(char key[KEY_BYTES], const char *space, struct table_id id, uint32_t version, const char *tail)
{
    snprintf(key, KEY_BYTES, "%s/%s/%s/%08x/%.*s", space, id.device, id.config, version, ROW_TEXT_BYTES + SOURCE_CHARS,
             tail);
}

static enum lathe_status damaged(const char *key, const char *why, struct lathe_error *err)
{
    return error_set(err, LATHE_IO, "record %s is damaged (%.200s): restore the data folder from a backup", key, why);
}

/* Read a record's JSON and check its schema. @param[out] out new reference. */
static enum lathe_status record_get(struct kv_txn *txn, const char *key, json_t **out, struct lathe_error *err)
{
    struct kv_slice value;
    enum lathe_status st = kv_get(txn, KV_KEY(key), &value, err);
    if (st) return st;
    json_error_t why;
    json_t *record = json_loadb(value.data, value.size, JSON_REJECT_DUPLICATES, &why);
    if (!record) return damaged(key, why.text, err);
    json_int_t schema = json_integer_value(json_object_get(record, "schema"));
    if (schema > RECORD_SCHEMA)
        st = error_set(err, LATHE_NEWER, "record %s has schema %lld, this program reads up to %d: update it", key,
                       (long long)schema, RECORD_SCHEMA);
    else if (schema < 1) st = damaged(key, "no schema", err);
    if (st) json_decref(record);
    else *out = record;
    return st;
}

static enum lathe_status record_put(struct kv_txn *txn, const char *key, json_t *take_record, struct lathe_error *err)
{
    char *text = take_record ? json_dumps(take_record, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(take_record);
    if (!text) return error_set(err, LATHE_NO_MEMORY, "no memory for record %s", key);
    enum lathe_status st = kv_put(txn, KV_KEY(key), text, strlen(text), err);
    free(text);
    return st;
}

enum lathe_status header_get(struct kv_txn *txn, struct table_id id, struct header_record *out, struct lathe_error *err)
{
    enum lathe_status st = table_id_check(id, err);
    if (st) return st;
    char key[KEY_BYTES];
    json_t *record = NULL;
    key_of_table(key, id);
    st = record_get(txn, key, &record, err);
    if (st == LATHE_NOT_FOUND) error_set(err, st, "no table %s/%s", id.device, id.config);
    if (st) return st;
    struct json_fields f;
    struct lathe_error why;
    int64_t version = 0;
    struct header_record header = {0};
    json_fields_begin(&f, record, &why);
    json_allow(&f, "schema");
    json_get_int(&f, "version", JSON_REQUIRED, 1, UINT32_MAX, &version);
    json_get_int(&f, "created", JSON_REQUIRED, INT64_MIN, INT64_MAX, &header.created_ms);
    json_get_int(&f, "updated", JSON_REQUIRED, INT64_MIN, INT64_MAX, &header.updated_ms);
    if (json_fields_end(&f)) st = damaged(key, why.message, err);
    json_decref(record);
    if (st) return st;
    header.version = (uint32_t)version;
    *out = header;
    return LATHE_OK;
}

enum lathe_status header_put(struct kv_txn *txn, struct table_id id, const struct header_record *header,
                             struct lathe_error *err)
{
    char key[KEY_BYTES];
    key_of_table(key, id);
    json_t *record = json_pack("{s:i, s:I, s:I, s:I}", "schema", RECORD_SCHEMA, "version", (json_int_t)header->version,
                               "created", (json_int_t)header->created_ms, "updated", (json_int_t)header->updated_ms);
    return record_put(txn, key, record, err);
}

enum lathe_status version_get(struct kv_txn *txn, struct table_id id, uint32_t version, struct version_record *out,
                              struct lathe_error *err)
{
    char key[KEY_BYTES];
    json_t *record = NULL;
    key_of_version(key, id, version);
    enum lathe_status st = record_get(txn, key, &record, err);
    if (st == LATHE_NOT_FOUND) error_set(err, st, "table %s/%s has no version %u", id.device, id.config, version);
    if (st) return st;
    struct json_fields f;
    struct lathe_error why;
    const char *origin = "";
    const json_t *fingerprint = NULL;
    int64_t entries = 0;
    struct version_record v = {0};
    json_fields_begin(&f, record, &why);
    json_allow(&f, "schema");
    json_get_object(&f, "fingerprint", JSON_REQUIRED, &fingerprint);
    json_get_string(&f, "origin", JSON_REQUIRED, &origin);
    json_get_int(&f, "created", JSON_REQUIRED, INT64_MIN, INT64_MAX, &v.created_ms);
    json_get_int(&f, "entries", JSON_REQUIRED, 0, INT64_MAX, &entries);
    json_get_int(&f, "updated", JSON_OPTIONAL, INT64_MIN, INT64_MAX, &v.updated_ms);
    if (json_fields_end(&f)) {
        st = damaged(key, why.message, err);
    } else {
        snprintf(v.origin, sizeof v.origin, "%s", origin);
        v.entries = (size_t)entries;
        v.fingerprint = json_incref((json_t *)fingerprint);
        *out = v;
    }
    json_decref(record);
    return st;
}

enum lathe_status version_put(struct kv_txn *txn, struct table_id id, uint32_t version, const struct version_record *v,
                              struct lathe_error *err)
{
    char key[KEY_BYTES];
    key_of_version(key, id, version);
    json_t *record =
        json_pack("{s:i, s:O, s:s, s:I, s:I}", "schema", RECORD_SCHEMA, "fingerprint", v->fingerprint, "origin",
                  v->origin, "created", (json_int_t)v->created_ms, "entries", (json_int_t)v->entries);
    if (record && v->updated_ms) json_object_set_new(record, "updated", json_integer(v->updated_ms));
    return record_put(txn, key, record, err);
}

enum lathe_status fingerprint_same(const json_t *a, const json_t *b, bool *same, struct lathe_error *err)
{
    char *x = json_dumps(a, JSON_COMPACT | JSON_SORT_KEYS);
    char *y = json_dumps(b, JSON_COMPACT | JSON_SORT_KEYS);
    bool compared = x && y;
    if (compared) *same = strcmp(x, y) == 0;
    free(x);
    free(y);
    return compared ? LATHE_OK : error_set(err, LATHE_NO_MEMORY, "no memory to compare fingerprints");
}

static void key_of_notes(char key[KEY_BYTES], struct table_id id, uint32_t version)
{
    snprintf(key, KEY_BYTES, "notes/%s/%s/%08x", id.device, id.config, version);
}

enum lathe_status notes_get(struct kv_txn *txn, struct table_id id, uint32_t version, json_t **out,
                            struct lathe_error *err)
{
    char key[KEY_BYTES];
    json_t *record = NULL;
    key_of_notes(key, id, version);
    enum lathe_status st = record_get(txn, key, &record, err);
    if (st && st != LATHE_NOT_FOUND) return st;
    json_object_del(record, "schema");
    *out = record;
    return LATHE_OK;
}

enum lathe_status notes_put(struct kv_txn *txn, struct table_id id, uint32_t version, const json_t *notes,
                            struct lathe_error *err)
{
    char key[KEY_BYTES];
    json_t *record = json_copy((json_t *)notes);
    key_of_notes(key, id, version);
    if (json_object_set_new(record, "schema", json_integer(RECORD_SCHEMA))) {
        json_decref(record);
        record = NULL;
    }
    return record_put(txn, key, record, err);
}

enum lathe_status version_resolve(struct kv_txn *txn, struct table_id id, uint32_t *version, struct lathe_error *err)
{
    if (*version) return table_id_check(id, err);
    struct header_record header;
    enum lathe_status st = header_get(txn, id, &header, err);
    if (!st) *version = header.version;
    return st;
}

static enum lathe_status night_changed(struct kv_txn *txn, struct table_id id, uint32_t version, size_t added,
                                       int64_t now_ms, struct lathe_error *err)
{
    struct version_record v;
    enum lathe_status st = version_get(txn, id, version, &v, err);
    if (st) return st;
    bool moved = added || now_ms > v.updated_ms;
    v.entries += added;
    if (now_ms > v.updated_ms) v.updated_ms = now_ms;
    if (moved) st = version_put(txn, id, version, &v, err);
    json_decref(v.fingerprint);
    return st;
}

enum lathe_status table_changed(struct kv_txn *txn, struct table_id id, uint32_t version, size_t added, int64_t now_ms,
                                struct lathe_error *err)
{
    struct header_record header;
    if (version_is_night(version)) return night_changed(txn, id, version, added, now_ms, err);
    enum lathe_status st = header_get(txn, id, &header, err);
    if (!st && now_ms > header.updated_ms) {
        header.updated_ms = now_ms;
        st = header_put(txn, id, &header, err);
    }
    if (st || !added) return st;
    struct version_record v;
    st = version_get(txn, id, version, &v, err);
    if (st) return st;
    v.entries += added;
    st = version_put(txn, id, version, &v, err);
    json_decref(v.fingerprint);
    return st;
}
