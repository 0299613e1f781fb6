/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How full the data folder is, and its backups, one at a time.
 *
 * A backup is copied into a nameless file of the data folder first, at the speed of its disk, and sent from there: so
 * no transaction waits for a client. Threads: any. */
#ifndef LATHE_ROUTES_STORAGE_H
#define LATHE_ROUTES_STORAGE_H

#include "lut/base/buf.h"
#include "server/routes/app.h"

struct backups;

enum lathe_status backups_new(struct backups **out, struct lathe_error *err);
/** End the backup under way and begin none any more. Call it before http_stop(). */
void backups_stop(struct backups *);
/** After http_stop(). NULL is allowed. */
void backups_free(struct backups *);

/** Add the gauges of the data folder to /metrics. */
enum lathe_status storage_metrics(struct app *, struct buf *, struct lathe_error *);

#endif
