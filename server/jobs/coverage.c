/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/jobs/coverage.h"

#include <stdlib.h>

#include "server/jobs/grid.h"

struct looking {
    struct kv_txn *txn;
    struct table_id table;
    uint32_t version;
    struct grid grid;
    bool *lacking; /* by row of the grid: some resolution lacks it */
};

/* One resolution: its different layers, in the order of the network. */
static enum lathe_status look_at(struct looking *l, int at, json_t *answer, struct lathe_error *err)
{
    const struct grid *g = &l->grid;
    const int *values = space_dim(g->space, space_resolution_dim(g->space))->values;
    int resolution = values[g->resolutions[at]];
    size_t total = 0;
    json_t *missing = json_array();
    for (int slot = 0; slot < g->slot_count; slot++) {
        const struct grid_slot *choices = &g->slots[at * g->slot_count + slot];
        for (int choice = 0; choice < choices->choices.count; choice++) {
            int number = choices->rows[choice];
            struct latency latency;
            if (number < 0 || g->rows[number].stamp == (unsigned)at + 1) continue;
            struct grid_row *row = &g->rows[number];
            row->stamp = (unsigned)at + 1;
            if (!grid_row_fits(g, row)) continue;
            total++;
            enum lathe_status st = table_get_at(l->txn, l->table, l->version, row->text, resolution, &latency, err);
            if (!st) continue;
            if (st != LATHE_NOT_FOUND) {
                json_decref(missing);
                return st;
            }
            l->lacking[number] = true;
            json_array_append_new(missing, json_string(row->text));
        }
    }
    json_array_append_new(answer, json_pack("{s:i, s:I, s:I, s:o}", "resolution", resolution, "rows_total",
                                            (json_int_t)total, "rows_present",
                                            (json_int_t)(total - json_array_size(missing)), "missing", missing));
    return LATHE_OK;
}

static json_t *sum_up(const struct looking *l, json_t *take_resolutions)
{
    size_t present = 0;
    size_t total = 0;
    for (size_t i = 0; i < l->grid.row_count; i++) {
        bool counts = grid_row_fits(&l->grid, &l->grid.rows[i]);
        total += counts;
        present += counts && !l->lacking[i];
    }
    return json_pack("{s:s, s:I, s:I, s:o}", "space", space_id(l->grid.space), "rows_total", (json_int_t)total,
                     "rows_present", (json_int_t)present, "resolutions", take_resolutions);
}

static enum lathe_status newest_version(struct looking *l, struct lathe_error *err)
{
    struct table_info info;
    enum lathe_status st = table_info(l->txn, l->table, l->version, &info, err);
    if (st) return st;
    l->version = info.version;
    table_info_clear(&info);
    return LATHE_OK;
}

enum lathe_status coverage_find(struct kv_txn *txn, struct table_id table, uint32_t version, const struct space *space,
                                const int *resolutions, size_t count, json_t **out, struct lathe_error *err)
{
    struct looking l = {.txn = txn, .table = table, .version = version};
    json_t *list = json_array();
    struct board_room room;
    enum lathe_status st = newest_version(&l, err);
    bool on_board = room_look_up(txn, table.device, &room);
    if (!st) st = grid_init(&l.grid, space, resolutions, count, on_board ? &room : NULL, err);
    if (st) goto out;
    l.lacking = calloc(l.grid.row_count + 1, sizeof *l.lacking);
    if (!list || !l.lacking) {
        st = error_set(err, LATHE_NO_MEMORY, "out of memory");
        goto out;
    }
    for (int at = 0; !st && at < l.grid.resolution_count; at++) st = look_at(&l, at, list, err);
    if (!st) *out = sum_up(&l, json_incref(list));
out:
    json_decref(list);
    free(l.lacking);
    grid_clear(&l.grid);
    return st;
}
