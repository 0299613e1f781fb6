/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which rows of a space a table has. Threads: as the kv_txn given. */
#ifndef LATHE_JOBS_COVERAGE_H
#define LATHE_JOBS_COVERAGE_H

#include <jansson.h>

#include "lut/table/table.h"
#include "server/spaces/space.h"

/** Compare a table with the layers of a space, resolution by resolution. A row is there when a search at that
 *  resolution would find it (table_get_at()).
 *  Rows that the table's device, a board, has no room for count nowhere.
 *  @param resolutions NULL: all of the space.
 *  @param[out] out new reference: {"space","rows_total","rows_present","resolutions":[{"resolution","rows_total",
 *  "rows_present","missing":[layers]}]}. A layer that several resolutions share counts once in the totals, and is
 *  present there when none of them lacks it.
 *  @return LATHE_INVALID: no such resolution (err names the field); LATHE_NOT_FOUND: no such table or version. */
enum lathe_status coverage_find(struct kv_txn *, struct table_id, uint32_t version, const struct space *,
                                const int *resolutions, size_t count, json_t **out, struct lathe_error *err);

#endif
