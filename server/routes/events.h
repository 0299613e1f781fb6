/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which resources there are events of, and how each is read. Threads: any. */
#ifndef LATHE_ROUTES_EVENTS_H
#define LATHE_ROUTES_EVENTS_H

#include "server/events/hub.h"
#include "server/routes/app.h"

/* The last two have no events: their changes matter to the server itself. */
enum topic {
    TOPIC_DEVICE,
    TOPIC_PROFILE,
    TOPIC_MEASUREMENT,
    TOPIC_CLEAN,
    TOPIC_TABLE, /* ids are "device/config" */
    TOPIC_PREDICTOR,
    TOPIC_SPACE,
    TOPIC_AGENT,
    TOPIC_RUN,
    TOPICS_TOLD,
    TOPIC_LEASE = TOPICS_TOLD,
    TOPIC_TOKEN,
    TOPICS
};

/** Start a hub for the app's resources. @param app borrowed; its kv, jobs and predictors are there. */
enum lathe_status events_new(struct app *, struct event_hub **out, struct lathe_error *err);

/** Resources as GET answers them. @param[out] out new reference. */
enum lathe_status space_read(struct kv *, const char *id, json_t **out, struct lathe_error *err);
enum lathe_status predictor_read(struct predictor_cache *, const char *id, json_t **out, struct lathe_error *err);
enum lathe_status device_read(struct app *, const char *name, json_t **out, struct lathe_error *err);

#endif
