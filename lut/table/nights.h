/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What was measured of a table in a night: versions of it that no reader gets who does not ask for them by number.
 *
 * They have numbers from NIGHT_VERSION_FIRST on, and are filled and read by table.h's functions like the others: each
 * has its own fingerprint, scaling, notes, rows and raw samples. The table's header stays what it is: the newest
 * version is that of a profile, and a night changes nothing for those who search.
 * Threads: as the kv_txn given. */
#ifndef LATHE_TABLE_NIGHTS_H
#define LATHE_TABLE_NIGHTS_H

#include "lut/table/table.h"

#define NIGHT_VERSION_FIRST UINT32_C(0x80000000)

/** Whether a version is a night's. */
bool version_is_night(uint32_t version);

/** Inside a write: begin the next night of a table, with origin "night", no rows, an empty fingerprint and the notes
 *  {"run": run}. Numbers of nights that were removed are not given again while a later one is there.
 *  @return LATHE_NOT_FOUND when the device has no table of this config yet. */
enum lathe_status table_night_begin(struct kv_txn *, struct table_id, const char *run, int64_t now_ms,
                                    uint32_t *version, struct lathe_error *err);
/** Inside a write: a night's results come under this fingerprint. The first one is kept with the version.
 *  @return LATHE_CONFLICT: it has another one already. */
enum lathe_status table_night_settle(struct kv_txn *, struct table_id, uint32_t version, const json_t *fingerprint,
                                     struct lathe_error *err);
/** The nights of a table, oldest first, until visit returns false. The visitor owns nothing.
 *  @return LATHE_OK, also for none and for a table that is not there. */
enum lathe_status table_nights(struct kv_txn *, struct table_id, bool (*visit)(void *, const struct table_info *),
                               void *context, struct lathe_error *err);
/** Inside a write: remove a night with all that it has. @return LATHE_NOT_FOUND, LATHE_INVALID: it is no night. */
enum lathe_status table_night_delete(struct kv_txn *, struct table_id, uint32_t version, struct lathe_error *err);
/** Inside a write: remove the raw samples of a version, of a night or of a profile; its rows' statistics stay. */
enum lathe_status table_night_thin(struct kv_txn *, struct table_id, uint32_t version, struct lathe_error *err);

/** Inside a write: a row of one version takes the place of another one's: the samples that it had go, copies of the
 *  other's come, and its statistics are made anew. What is copied stays what it was beside the sentinel, and so comes
 *  out at the speed that the receiving version means; where the two have different sentinels, it is taken to be as far
 *  from the one's reference as from the other's. Of a row whose raw samples are gone the statistics are copied, at that
 *  speed. So a layer that became slower by itself is told, a device that became slower as a whole is not: see
 *  table_take_speed().
 *  @return LATHE_NOT_FOUND: from_version has no such row. */
enum lathe_status table_replace_row(struct kv_txn *, struct table_id, uint32_t to_version, uint32_t from_version,
                                    const char *row_text, int64_t now_ms, struct lathe_error *err);
/** Inside a write: make another version's speed that of a version: its reference becomes what the sentinel took in the
 *  other one, and all its rows follow, those without samples in proportion. Nothing happens where either has no
 *  reference, or their sentinels differ. @param[out] ratio that rows were multiplied by; NULL is allowed. */
enum lathe_status table_take_speed(struct kv_txn *, struct table_id, uint32_t to_version, uint32_t from_version,
                                   int64_t now_ms, double *ratio, struct lathe_error *err);

#endif
