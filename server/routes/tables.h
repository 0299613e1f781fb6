/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the routes of tables and entries share. Threads: any. */
#ifndef LATHE_ROUTES_TABLES_H
#define LATHE_ROUTES_TABLES_H

#include "lut/table/formats.h"
#include "server/routes/app.h"

/** A table as answers show it, without fingerprint and versions. New reference. */
json_t *table_json(const struct table_info *);
/** A table as GET answers it. @param version 0: the newest. @param[out] out new reference. */
enum lathe_status table_read(struct kv *, struct table_id, uint32_t version, json_t **out, struct lathe_error *err);
/** The table that the path names; borrowed from the request. */
struct table_id table_of(struct http_request *);
/** The version that is asked for, 0 being the newest; false when the 400 reply is set. */
bool version_param(struct http_request *, uint32_t *version);

#endif
