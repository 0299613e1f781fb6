/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What routes can reach. Made by main.c; borrowed by every handler through http_app(). */
#ifndef LATHE_ROUTES_APP_H
#define LATHE_ROUTES_APP_H

#include "lut/kv/kv.h"
#include "server/http/http.h"
#include "server/jobs/jobs.h"
#include "server/networks/catalog.h"
#include "server/routes/description.h"
#include "server/spaces/catalog.h"

struct predictor_cache; /* server/routes/predictor_cache.h: loaded predictors by id */
struct lease_waiters;   /* server/routes/lease_waiters.h: long polls */
struct event_hub;       /* server/events/hub.h: what changes, for streams and who waits */
struct job_waiters;     /* server/routes/job_waiters.h: requests that wait for a job's end */
struct idempotency;     /* server/routes/idempotency.h: answers to give again */
struct nightly;         /* server/nightly/nightly.h */
struct keeper;          /* server/keep/keeper.h: thins raw samples */
struct backups;         /* server/routes/storage.h */
struct device_states;   /* server/routes/device_states.h */

struct app {
    struct kv *kv;
    struct catalog *spaces;
    struct networks *networks;
    struct jobs *jobs;
    struct predictor_cache *predictors;
    struct lease_waiters *waiters;
    struct description description;
    struct event_hub *events;
    struct device_states *states;
    struct job_waiters *job_waiters;
    struct idempotency *idempotency;
    struct nightly *nightly;
    struct keeper *keeper;
    struct backups *backups;
    const char *data_dir;
};

/* One table a resource; each ends with a route without method. */
extern const struct http_route health_routes[], token_routes[], session_routes[], device_routes[], space_routes[],
    network_routes[], table_routes[], entry_routes[], predictor_routes[], subnet_routes[], front_routes[],
    evaluation_routes[], profile_routes[], measurement_routes[], clean_routes[], lease_routes[], event_routes[],
    description_routes[], sample_routes[], coverage_routes[], doubt_routes[], table_network_routes[],
    net_config_routes[], agent_routes[], scan_routes[], run_routes[], shipped_routes[], storage_routes[];
/* Handlers that answer with more than JSON. */
extern const struct http_produces entry_produces, predictor_produces, event_produces, subnet_produces,
    measurement_produces, net_config_produces, backup_produces;

/** Standard list answer: {"items":[..],"next":"cursor"|null}. */
json_t *page_json(json_t *take_items, const char *next);
/** limit (1..1000, default 100) and cursor of a list request, which takes no other parameter; false when the 400 reply
 * is set. */
bool page_params(struct http_request *, size_t *limit, const char **cursor);
/** The same of a request that has had its parameters' names checked. */
bool page_of(struct http_request *, size_t *limit, const char **cursor);

/** Answer a list request with stored documents of a kind, each as `describe` shows it (new reference). */
enum http_outcome reply_documents(struct http_request *, const char *kind,
                                  json_t *(*describe)(struct app *, const json_t *));

/** Answer with err. Always HTTP_DONE, so that handlers can return it. */
enum http_outcome fail(struct http_request *, const struct lathe_error *err);
/** Refuse every query parameter; false when the 400 reply is set. */
bool refuse_query(struct http_request *);
/** A time as answers give it; null for 0. New reference. */
json_t *time_json(int64_t wall_ms);
/** Whether the body's Content-Type is this one, parameters aside. */
bool has_type(struct http_request *, const char *media_type);

#endif
