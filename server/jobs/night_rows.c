/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/night_rows.h"

#include <math.h>
#include <stdlib.h>

#include "lut/table/nights.h"
#include "server/jobs/internal.h"

enum { NIGHTS_LOOKED_AT = 100 };
static const double worth_of_itself = 1, worth_of_use = 4, width_unit = 0.01, width_most = 3, width_unknown = 1;
/* Before anything is known of a device, as in progress.c. */
static const double ns_per_mac_guess = 0.2;

enum lathe_status night_rows_init(struct night_rows *out, struct kv_txn *txn, struct table_id table,
                                  const struct plan *plan, struct lathe_error *err)
{
    *out = (struct night_rows){.table = table, .index = json_object(), .ns_per_mac = ns_per_mac_guess};
    out->items = calloc(plan->row_count + 1, sizeof *out->items);
    if (!out->items || !out->index) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < plan->row_count; i++)
        json_object_set_new(out->index, plan->rows[i].text, json_integer((json_int_t)i));
    if (json_object_size(out->index) != plan->row_count) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    out->count = plan->row_count;
    const char *text;
    json_t *number;
    json_object_foreach(out->index, text, number)
    {
        out->items[json_integer_value(number)].text = text;
    }
    return profile_speed(txn, table, 0, &out->ns_per_mac, err);
}

void night_rows_clear(struct night_rows *rows)
{
    free(rows->items);
    json_decref(rows->index);
    *rows = (struct night_rows){0};
}

bool night_rows_find(const struct night_rows *rows, const char *text, size_t *row)
{
    const json_t *number = text ? json_object_get(rows->index, text) : NULL;
    if (number) *row = (size_t)json_integer_value(number);
    return number != NULL;
}

enum lathe_status night_rows_of(const struct night_rows *rows, const json_t *layers, size_t **out, size_t *count,
                                struct lathe_error *err)
{
    size_t i;
    const json_t *text;
    size_t n = 0;
    size_t *numbers = malloc((json_array_size(layers) + 1) * sizeof *numbers);
    if (!numbers) return error_set(err, LATHE_NO_MEMORY, "out of memory");
    json_array_foreach(layers, i, text)
    {
        size_t row;
        size_t k = 0;
        if (!night_rows_find(rows, json_string_value(text), &row)) continue;
        while (k < n && numbers[k] != row) k++;
        if (k == n) numbers[n++] = row;
    }
    *out = numbers;
    *count = n;
    return LATHE_OK;
}

enum lathe_status night_row_ns(struct kv_txn *txn, const struct night_rows *rows, const char *text, double *ns,
                               struct lathe_error *err)
{
    struct latency latency;
    struct layer layer;
    enum lathe_status st = table_get(txn, rows->table, 0, text, &latency, err);
    if (!st) *ns = latency_best_ms(&latency) * 1e6;
    if (st != LATHE_NOT_FOUND) return st;
    st = layer_parse(text, &layer, err);
    if (!st) *ns = (double)layer_macs(&layer) * rows->ns_per_mac;
    return st;
}

/* ---- scores ---- */

/* The latest nights of a table, but the one that is planned. */
struct nights {
    uint32_t versions[NIGHTS_LOOKED_AT]; /* a ring */
    size_t count;
    uint32_t own;
};

static bool note_night(void *context, const struct table_info *info)
{
    struct nights *nights = context;
    if (info->version != nights->own && info->entries)
        nights->versions[nights->count++ % NIGHTS_LOOKED_AT] = info->version;
    return true;
}

static double width_of(const struct latency *l)
{
    if (!isfinite(l->ci_ms) || !(latency_best_ms(l) > 0)) return width_unknown;
    return fmin(l->ci_ms / latency_best_ms(l) / width_unit, width_most);
}

/* How wide a row was when it was measured last, and how many nights ago that was. */
static enum lathe_status look_back(struct kv_txn *txn, const struct night_rows *rows, const char *text,
                                   const struct nights *nights, double *score, struct lathe_error *err)
{
    struct latency latency;
    size_t looked_at = nights->count < NIGHTS_LOOKED_AT ? nights->count : NIGHTS_LOOKED_AT;
    for (size_t ago = 0; ago < looked_at; ago++) {
        uint32_t version = nights->versions[(nights->count - 1 - ago) % NIGHTS_LOOKED_AT];
        enum lathe_status st = table_get(txn, rows->table, version, text, &latency, err);
        if (st == LATHE_NOT_FOUND) continue;
        if (!st) *score += (double)ago + width_of(&latency);
        return st;
    }
    enum lathe_status st = table_get(txn, rows->table, 0, text, &latency, err);
    *score += (double)looked_at + (st ? width_unknown : width_of(&latency));
    return st == LATHE_NOT_FOUND ? LATHE_OK : st;
}

static void score_use(struct night_rows *rows, const struct night_choice *c)
{
    size_t i;
    size_t k;
    const json_t *shipped;
    const json_t *text;
    for (i = 0; i < rows->count; i++) rows->items[i].score = worth_of_itself;
    json_array_foreach(c->shipped, i, shipped)
    {
        json_array_foreach(json_object_get(shipped, "layers"), k, text)
        {
            size_t row;
            if (night_rows_find(rows, json_string_value(text), &row))
                rows->items[row].score = worth_of_itself + worth_of_use;
        }
    }
    for (i = 0; i < rows->count; i++)
        if (json_object_get(c->fronts, rows->items[i].text)) rows->items[i].score = worth_of_itself + worth_of_use;
}

enum lathe_status night_rows_score(struct night_rows *rows, struct kv_txn *txn, const struct night_choice *c,
                                   struct lathe_error *err)
{
    struct nights nights = {.own = c->version};
    enum lathe_status st = table_nights(txn, c->table, note_night, &nights, err);
    score_use(rows, c);
    for (size_t i = 0; !st && i < rows->count; i++)
        st = look_back(txn, rows, rows->items[i].text, &nights, &rows->items[i].score, err);
    return st;
}
