/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "lut/table/nights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/table/record.h"
#include "lut/table/thin.h"

bool version_is_night(uint32_t version)
{
    return version >= NIGHT_VERSION_FIRST;
}

static enum lathe_status check_night(uint32_t version, struct lathe_error *err)
{
    return version_is_night(version) ? LATHE_OK : error_field(err, "version", "version %u is no night's", version);
}

/* Numbers of a table's nights. */
struct numbers {
    uint32_t *items;
    size_t count, capacity;
    bool failed;
};

static bool collect_number(void *context, struct kv_slice key, struct kv_slice value)
{
    struct numbers *numbers = context;
    char digits[9] = "";
    (void)value;
    if (key.size < 8) return true;
    memcpy(digits, (const char *)key.data + key.size - 8, 8);
    if (numbers->count == numbers->capacity) {
        size_t capacity = numbers->capacity ? 2 * numbers->capacity : 64;
        uint32_t *grown = realloc(numbers->items, capacity * sizeof *grown);
        numbers->failed = !grown;
        if (!grown) return false;
        numbers->items = grown;
        numbers->capacity = capacity;
    }
    numbers->items[numbers->count++] = (uint32_t)strtoul(digits, NULL, 16);
    return true;
}

/* Ascending. @param[out] out its items are to be freed, on failure too. */
static enum lathe_status list_numbers(struct kv_txn *txn, struct table_id id, struct numbers *out,
                                      struct lathe_error *err)
{
    char prefix[KEY_BYTES];
    char from[KEY_BYTES];
    *out = (struct numbers){0};
    enum lathe_status st = table_id_check(id, err);
    if (st) return st;
    snprintf(prefix, sizeof prefix, "version/%s/%s/", id.device, id.config);
    key_of_version(from, id, NIGHT_VERSION_FIRST);
    st = kv_scan(txn, prefix, from, collect_number, out, err);
    if (!st && out->failed) st = error_set(err, LATHE_NO_MEMORY, "no memory to list the nights of a table");
    return st;
}

enum lathe_status table_night_begin(struct kv_txn *txn, struct table_id id, const char *run, int64_t now_ms,
                                    uint32_t *version, struct lathe_error *err)
{
    struct header_record header;
    struct numbers numbers;
    enum lathe_status st = header_get(txn, id, &header, err);
    if (st == LATHE_NOT_FOUND)
        return error_set(err, st, "device %s has no table of %s yet: profile it first", id.device, id.config);
    if (!st) st = list_numbers(txn, id, &numbers, err);
    if (st) return st;
    uint32_t next = numbers.count ? numbers.items[numbers.count - 1] + 1 : NIGHT_VERSION_FIRST;
    free(numbers.items);
    struct version_record made = {
        .fingerprint = json_object(), .origin = "night", .created_ms = now_ms, .updated_ms = now_ms};
    json_t *notes = json_pack("{s:s}", "run", run);
    st = made.fingerprint && notes ? version_put(txn, id, next, &made, err)
                                   : error_set(err, LATHE_NO_MEMORY, "no memory for a night");
    if (!st) st = notes_put(txn, id, next, notes, err);
    json_decref(made.fingerprint);
    json_decref(notes);
    if (!st) *version = next;
    return st;
}

enum lathe_status table_night_settle(struct kv_txn *txn, struct table_id id, uint32_t version,
                                     const json_t *fingerprint, struct lathe_error *err)
{
    struct version_record v;
    bool same = false;
    if (!json_is_object(fingerprint)) return error_field(err, "fingerprint", "fingerprint must be a JSON object");
    enum lathe_status st = check_night(version, err);
    if (!st) st = version_get(txn, id, version, &v, err);
    if (st) return st;
    if (!json_object_size(v.fingerprint)) {
        json_decref(v.fingerprint);
        v.fingerprint = json_incref((json_t *)(uintptr_t)fingerprint);
        st = version_put(txn, id, version, &v, err);
    } else {
        st = fingerprint_same(v.fingerprint, fingerprint, &same, err);
        if (!st && !same)
            st = error_set(err, LATHE_CONFLICT, "the night of version %u was measured under another fingerprint",
                           version);
    }
    json_decref(v.fingerprint);
    return st;
}

enum lathe_status table_nights(struct kv_txn *txn, struct table_id id, bool (*visit)(void *, const struct table_info *),
                               void *context, struct lathe_error *err)
{
    struct numbers numbers;
    bool more = true;
    enum lathe_status st = list_numbers(txn, id, &numbers, err);
    for (size_t i = 0; !st && more && i < numbers.count; i++) {
        struct table_info info;
        st = table_info(txn, id, numbers.items[i], &info, err);
        if (st) break;
        more = visit(context, &info);
        table_info_clear(&info);
    }
    free(numbers.items);
    return st;
}

/* Remove what a version has in one of the key spaces. */
static enum lathe_status remove_space(struct kv_txn *txn, const char *space, struct table_id id, uint32_t version,
                                      struct lathe_error *err)
{
    char prefix[KEY_BYTES];
    snprintf(prefix, sizeof prefix, "%s/%s/%s/%08x", space, id.device, id.config, version);
    return kv_delete_prefix(txn, prefix, NULL, err);
}

enum lathe_status table_night_delete(struct kv_txn *txn, struct table_id id, uint32_t version, struct lathe_error *err)
{
    static const char *const spaces[] = {"version", "entry", "samples", "scaling", "notes", "kept"};
    struct version_record v;
    enum lathe_status st = check_night(version, err);
    if (!st) st = table_id_check(id, err);
    if (!st) st = version_get(txn, id, version, &v, err);
    if (st) return st;
    json_decref(v.fingerprint);
    for (size_t i = 0; !st && i < sizeof spaces / sizeof spaces[0]; i++)
        st = remove_space(txn, spaces[i], id, version, err);
    return st;
}

enum lathe_status table_night_thin(struct kv_txn *txn, struct table_id id, uint32_t version, struct lathe_error *err)
{
    enum lathe_status st = version_resolve(txn, id, &version, err);
    return st ? st : remove_space(txn, "samples", id, version, err);
}

/* ---- what is taken over from a night ---- */

/* What two versions mean by their speeds. */
struct two_speeds {
    double from_ns, to_ns; /* references; 0: none */
    double from_factor;
    bool same_sentinel;
};

static enum lathe_status sentinel_of(struct kv_txn *txn, struct table_id id, uint32_t version, char out[32],
                                     struct lathe_error *err)
{
    json_t *notes = NULL;
    enum lathe_status st = notes_get(txn, id, version, &notes, err);
    const char *context = json_string_value(json_object_get(json_object_get(notes, "sentinel"), "context"));
    snprintf(out, 32, "%s", context ? context : "");
    json_decref(notes);
    return st;
}

static enum lathe_status read_speeds(struct kv_txn *txn, struct table_id id, uint32_t to, uint32_t from,
                                     struct two_speeds *out, struct lathe_error *err)
{
    struct table_scaling a;
    struct table_scaling b;
    char of_a[32];
    char of_b[32];
    enum lathe_status st = table_get_scaling(txn, id, from, &a, err);
    if (!st) st = table_get_scaling(txn, id, to, &b, err);
    if (!st) st = sentinel_of(txn, id, from, of_a, err);
    if (!st) st = sentinel_of(txn, id, to, of_b, err);
    if (!st) *out = (struct two_speeds){a.reference_ns, b.reference_ns, a.factor, strcmp(of_a, of_b) == 0};
    return st;
}

/* From the one's speed to the other's; 1 where either is unknown. */
static double speed_ratio(const struct two_speeds *s)
{
    return s->from_ns > 0 && s->to_ns > 0 ? s->to_ns / s->from_ns : 1;
}

struct chunk {
    char source[SOURCE_CHARS + 1];
    struct sample_context around;
    struct sample *samples; /* owned */
    size_t count;
};

struct chunks {
    struct chunk *items;
    size_t count, capacity;
    bool failed;
};

static void chunks_clear(struct chunks *chunks)
{
    for (size_t i = 0; i < chunks->count; i++) free(chunks->items[i].samples);
    free(chunks->items);
}

static bool collect_chunk(void *context, const char *source, const struct sample_context *around,
                          const struct sample *samples, size_t n)
{
    struct chunks *chunks = context;
    chunks->failed = true;
    if (chunks->count == chunks->capacity) {
        size_t capacity = chunks->capacity ? 2 * chunks->capacity : 32;
        struct chunk *grown = realloc(chunks->items, capacity * sizeof *grown);
        if (!grown) return false;
        chunks->items = grown;
        chunks->capacity = capacity;
    }
    struct chunk chunk = {.around = *around, .samples = malloc(n * sizeof *samples), .count = n};
    if (!chunk.samples) return false;
    memcpy(chunk.samples, samples, n * sizeof *samples);
    snprintf(chunk.source, sizeof chunk.source, "%s", source);
    chunks->items[chunks->count++] = chunk;
    chunks->failed = false;
    return true;
}

/* What a sentinel took, as the other version's would have taken it. */
static uint64_t translated(uint64_t sentinel_ns, const struct two_speeds *s)
{
    return s->same_sentinel ? sentinel_ns : (uint64_t)((double)sentinel_ns * speed_ratio(s) + 0.5);
}

static enum lathe_status put_chunks(struct kv_txn *txn, struct table_id id, uint32_t to, const char *row_text,
                                    const struct chunks *chunks, const struct two_speeds *speeds,
                                    struct lathe_error *err)
{
    char prefix[KEY_BYTES];
    char tail[ROW_TEXT_BYTES + 1];
    snprintf(tail, sizeof tail, "%s/", row_text);
    key_of_row(prefix, "samples", id, to, tail);
    enum lathe_status st = kv_delete_prefix(txn, prefix, NULL, err);
    if (!st) st = kept_row_forget(txn, id, to, row_text, err);
    for (size_t i = 0; !st && i < chunks->count; i++) {
        const struct chunk *c = &chunks->items[i];
        struct sample_context around = c->around;
        around.sentinel_ns = translated(around.sentinel_ns, speeds);
        around.sentinel_cpu_ns = translated(around.sentinel_cpu_ns, speeds);
        st = table_add_samples(txn, id, to, row_text, c->source, &around, c->samples, c->count, err);
    }
    return st;
}

/* Put a row's figures as they are without the version's factor. */
static enum lathe_status put_figures(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                     const struct latency *latency, struct lathe_error *err)
{
    struct entry entry = {.latency = *latency};
    enum lathe_status st = row_parse(row_text, &entry.layer, &entry.resolution, err);
    return st ? st : table_put(txn, id, version, &entry, 1, err);
}

static enum lathe_status copy_figures(struct kv_txn *txn, struct table_id id, uint32_t to, uint32_t from,
                                      const char *row_text, const struct two_speeds *speeds, int64_t now_ms,
                                      struct lathe_error *err)
{
    struct latency latency;
    enum lathe_status st = table_get(txn, id, from, row_text, &latency, err);
    if (st == LATHE_NOT_FOUND) return error_set(err, st, "version %u has no row \"%.200s\"", from, row_text);
    if (st) return st;
    latency_scale(&latency, speed_ratio(speeds) / speeds->from_factor);
    latency.updated_ms = now_ms;
    return put_figures(txn, id, to, row_text, &latency, err);
}

enum lathe_status table_replace_row(struct kv_txn *txn, struct table_id id, uint32_t to_version, uint32_t from_version,
                                    const char *row_text, int64_t now_ms, struct lathe_error *err)
{
    struct chunks chunks = {0};
    struct two_speeds speeds;
    enum lathe_status st = version_resolve(txn, id, &to_version, err);
    if (!st) st = read_speeds(txn, id, to_version, from_version, &speeds, err);
    if (!st) st = table_samples(txn, id, from_version, row_text, collect_chunk, &chunks, err);
    if (!st && chunks.failed) st = error_set(err, LATHE_NO_MEMORY, "no memory for the samples of a row");
    if (!st && !chunks.count) st = copy_figures(txn, id, to_version, from_version, row_text, &speeds, now_ms, err);
    else if (!st) {
        st = put_chunks(txn, id, to_version, row_text, &chunks, &speeds, err);
        if (!st) st = table_update_row(txn, id, to_version, row_text, now_ms, NULL, err);
    }
    chunks_clear(&chunks);
    return st;
}

struct row_names {
    char (*items)[ROW_TEXT_BYTES];
    size_t count, capacity;
    bool failed;
};

static bool collect_row(void *context, const char *row_text, const struct latency *latency)
{
    struct row_names *rows = context;
    (void)latency;
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? 2 * rows->capacity : 256;
        void *grown = realloc(rows->items, capacity * sizeof *rows->items);
        rows->failed = !grown;
        if (!grown) return false;
        rows->items = grown;
        rows->capacity = capacity;
    }
    snprintf(rows->items[rows->count++], ROW_TEXT_BYTES, "%s", row_text);
    return true;
}

/* A row after its version's reference was multiplied by something. */
static enum lathe_status follow_speed(struct kv_txn *txn, struct table_id id, uint32_t version, const char *row_text,
                                      double factor, double ratio, int64_t now_ms, struct lathe_error *err)
{
    struct latency latency;
    enum lathe_status st = table_update_row(txn, id, version, row_text, now_ms, NULL, err);
    if (st != LATHE_NOT_FOUND) return st;
    st = table_get(txn, id, version, row_text, &latency, err);
    if (st) return st;
    latency_scale(&latency, ratio / factor);
    latency.updated_ms = now_ms;
    return put_figures(txn, id, version, row_text, &latency, err);
}

enum lathe_status table_take_speed(struct kv_txn *txn, struct table_id id, uint32_t to_version, uint32_t from_version,
                                   int64_t now_ms, double *ratio, struct lathe_error *err)
{
    struct two_speeds speeds;
    struct row_names rows = {0};
    struct table_scaling scaling;
    if (ratio) *ratio = 1;
    enum lathe_status st = version_resolve(txn, id, &to_version, err);
    if (!st) st = read_speeds(txn, id, to_version, from_version, &speeds, err);
    if (!st) st = table_get_scaling(txn, id, to_version, &scaling, err);
    if (st || !(speeds.from_ns > 0 && speeds.to_ns > 0) || !speeds.same_sentinel) return st;
    double change = speeds.from_ns / speeds.to_ns;
    st = table_scan(txn, id, to_version, NULL, collect_row, &rows, err);
    if (!st && rows.failed) st = error_set(err, LATHE_NO_MEMORY, "no memory for the rows of a table");
    scaling.reference_ns = speeds.from_ns;
    if (!st) st = table_set_scaling(txn, id, to_version, &scaling, err);
    for (size_t i = 0; !st && i < rows.count; i++)
        st = follow_speed(txn, id, to_version, rows.items[i], scaling.factor, change, now_ms, err);
    free(rows.items);
    if (!st && ratio) *ratio = change;
    return st;
}
