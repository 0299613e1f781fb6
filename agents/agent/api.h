/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Calls to the server, on libcurl. Threads: one struct api a thread; options are shared and never change. */
#ifndef LATHE_AGENT_API_H
#define LATHE_AGENT_API_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdint.h>

#include "lut/base/error.h"
#include "lut/base/rng.h"

struct api_options {
    const char *server;        /* "http://127.0.0.1:8420", without a slash at the end */
    const char *token;         /* bearer token */
    const char *ca_file;       /* PEM; NULL: the system's */
    const atomic_int *aborted; /* not 0: calls under way end with LATHE_CANCELLED; NULL: never */
};

/* What the server answered. */
struct api_reply {
    long status;
    json_t *body;      /* NULL when there was none, or none of JSON */
    char problem[512]; /* for a status of 400 and above: why, in the server's words */
};
void api_reply_clear(struct api_reply *);

struct api;

enum lathe_status api_new(const struct api_options *, struct api **out, struct lathe_error *err);
void api_free(struct api *);
/** POST a JSON document. @param body borrowed; NULL: an empty object.
 *  @param[out] out api_reply_clear() it; written on LATHE_OK only.
 *  @return LATHE_OK when the server answered, with whatever status; LATHE_IO when it did not; LATHE_CANCELLED. */
enum lathe_status api_post(struct api *, const char *path, const json_t *body, int timeout_s, struct api_reply *out,
                           struct lathe_error *err);

/** PUT one, in the same way. */
enum lathe_status api_put(struct api *, const char *path, const json_t *body, int timeout_s, struct api_reply *out,
                          struct lathe_error *err);

/** How long to wait before the next try: half a second doubled with each failure up to 30 s, and of that a random part
 *  of at least half, so that many agents do not come back at once. @param failures in a row, from 1. */
uint64_t backoff_ms(int failures, struct rng *);

#endif
