/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Idempotency-Key on requests that create: the first answer again to who asks again, for a day and across restarts.
 *
 * Only what created something is kept: a request that was refused may be sent again under its key, changed or not.
 * Threads: any. */
#ifndef LATHE_ROUTES_IDEMPOTENCY_H
#define LATHE_ROUTES_IDEMPOTENCY_H

#include "lut/kv/kv.h"
#include "server/http/http.h"

struct idempotency;

/** @param kv borrowed. */
enum lathe_status idempotency_new(struct kv *, struct idempotency **out, struct lathe_error *err);
/** No request may be under way. NULL is allowed. */
void idempotency_free(struct idempotency *);
/** Forget what is older than a day, once an hour. Call it every second or so. */
void idempotency_tick(struct idempotency *);

/** For http_options; the app's idempotency is used. */
bool idempotency_begin(struct http_request *, const char *key, void **once);
void idempotency_end(struct http_request *, void *once);

#endif
