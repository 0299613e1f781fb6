/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the routes of profiles and measurements share: both are jobs. Threads: any. */
#ifndef LATHE_ROUTES_JOB_ROUTES_H
#define LATHE_ROUTES_JOB_ROUTES_H

#include "server/routes/app.h"

/** Answer a list request for jobs of a kind, of all or of one device or config; of profiles of one mode, or any but
 *  "night". */
enum http_outcome reply_job_list(struct http_request *, const char *kind);
/** Answer with the job in the path's {id}; where the client prefers to wait, once it has ended or the time is over. */
enum http_outcome reply_job(struct http_request *, const char *kind);
/** Cancel the job in the path's {id} and answer with it. */
enum http_outcome reply_job_cancelled(struct http_request *, const char *kind);
/** Answer with a job that was made, and where it is; or with the error. Where the client prefers to wait for a
 *  measurement, it is answered as reply_job() does: 200 if it has ended by then.
 *  @param take_job may be NULL when st says so. */
enum http_outcome reply_job_made(struct http_request *, int http_status, enum lathe_status st, const char *kind,
                                 json_t *take_job, const struct lathe_error *);

#endif
