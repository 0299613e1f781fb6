/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Agents that wait for work. A waiting request holds no thread: it is kept here until there is work for its agent, its
 * time is up, its client has gone, the same agent asks again, or the server stops.
 *
 * One thread looks for work when jobs says that there may be some, and at each tick for requests whose time is up.
 * Threads: any. */
#ifndef LATHE_ROUTES_LEASE_WAITERS_H
#define LATHE_ROUTES_LEASE_WAITERS_H

#include "server/http/http.h"
#include "server/jobs/jobs.h"

struct lease_waiters;

/** Start the thread and listen to jobs. @param jobs borrowed; both live until the HTTP server has stopped. */
enum lathe_status lease_waiters_new(struct jobs *, struct lease_waiters **out, struct lathe_error *err);
/** Look after deadlines and clients that went away. Call it every second or so. */
void lease_waiters_tick(struct lease_waiters *);
/** Answer all who wait with 204, and from now on everyone at once. Call it before http_stop(). Waits until all are
 *  answered. */
void lease_waiters_stop(struct lease_waiters *);
/** Stop and free. After this, jobs must not notify any more: close jobs first, or be sure that nothing calls it. NULL
 *  is allowed. */
void lease_waiters_free(struct lease_waiters *);

/** Have an agent look at its serial ports: it gets the document in place of work, with its next request. One that waits
 *  to be fetched is replaced. @param take_scan {"kind":"scan","id",..}. */
void lease_waiters_ask_scan(struct lease_waiters *, const char *agent, json_t *take_scan);

/** Answer a request for work: now when there is some or wait_s is 0, else later. Sets the reply in every case. */
enum http_outcome lease_waiters_serve(struct lease_waiters *, struct http_request *, const struct lease_request *,
                                      int wait_s);

#endif
