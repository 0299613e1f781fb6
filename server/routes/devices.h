/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What other routes need of devices. Threads: any. */
#ifndef LATHE_ROUTES_DEVICES_H
#define LATHE_ROUTES_DEVICES_H

#include "server/routes/app.h"

/** A device as answers show it: its document with state, last_seen and condition. New reference. */
json_t *device_json(struct jobs *, const json_t *document);

/** Inside a write: store a new device. @param transport an object, or null for a device that only has imported tables.
 *  @param agent NULL: any. @param[out] out its document, new reference; may be NULL. */
enum lathe_status device_put_new(struct kv_txn *, const char *name, const json_t *transport, const char *agent,
                                 json_t **out, struct lathe_error *err);

#endif
