/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Shipped subnets: what nights watch. Threads: any. */
#ifndef LATHE_ROUTES_SHIPPED_H
#define LATHE_ROUTES_SHIPPED_H

#include "server/routes/app.h"
#include "server/spaces/space.h"

struct shipping_request {
    const char *name; /* as text_is_name() */
    const char *device, *config;
    const struct space *space;
    const struct subnet *subnet;
    double latency_ms;     /* the limit */
    const char *predictor; /* NULL: the one that ships for the space */
};
/** @param[out] shipped its document, new reference. @return LATHE_NOT_FOUND: no such table; as shipped_put(). */
enum lathe_status ship(struct app *, const struct shipping_request *, json_t **shipped, struct lathe_error *err);

#endif
