/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Requests that wait for a job's end (Prefer: wait). A waiting request holds no thread: it is kept here until its job
 * ends or is removed, its time is up, its client has gone or the server stops. Threads: any. */
#ifndef LATHE_ROUTES_JOB_WAITERS_H
#define LATHE_ROUTES_JOB_WAITERS_H

#include "server/events/hub.h"
#include "server/http/http.h"
#include "server/jobs/jobs.h"

struct job_waiters;

/** Listen to the hub. Both are borrowed. */
enum lathe_status job_waiters_new(struct event_hub *, struct jobs *, struct job_waiters **out, struct lathe_error *err);
/** Answer all who wait, and from now on everyone at once. Call it before event_hub_stop() and http_stop(). */
void job_waiters_stop(struct job_waiters *);
/** After event_hub_stop(). NULL is allowed. */
void job_waiters_free(struct job_waiters *);

/** Answer about a job when it has ended, after wait_s seconds at the latest; at once for 0.
 *  @param kind static. @param id copied. @param answer sets the reply; called once, on some thread. */
enum http_outcome job_waiters_serve(struct job_waiters *, struct http_request *, const char *kind, const char *id,
                                    int wait_s,
                                    void (*answer)(struct http_request *, const char *kind, const char *id));

/** Whether a job's document says that it has ended. */
bool job_has_ended(const json_t *job);

#endif
