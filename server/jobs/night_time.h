/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What a night's visits take: by the rows of the device's table, times what the nights before took over that. A table's
 * rows are of a device that is left to itself; nights find it as it is. Threads: as the kv_txn given. */
#ifndef LATHE_JOBS_NIGHT_TIME_H
#define LATHE_JOBS_NIGHT_TIME_H

#include <jansson.h>

#include "lut/table/table.h"

struct night_time {
    struct table_id table;
    double ns_per_mac; /* of layers that the table does not have */
    double slowness;   /* of the device's latest nights over what was foreseen by the table; 1 before the first */
};
enum lathe_status night_time_init(struct night_time *out, struct kv_txn *, struct table_id, struct lathe_error *err);
/** Device time of a network, seconds without slowness. @param[out] visit_s of each visit. @param[out] build_s once. */
enum lathe_status night_time_of(struct kv_txn *, const struct night_time *, const json_t *layers, double *visit_s,
                                double *build_s, struct lathe_error *err);

#endif
