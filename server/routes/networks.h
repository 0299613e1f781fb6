/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Requests about one network: a subnet of a space, a published network, or any other. Threads: any. */
#ifndef LATHE_ROUTES_NETWORKS_H
#define LATHE_ROUTES_NETWORKS_H

#include "lut/base/json.h"
#include "server/routes/app.h"

struct asked_network {
    json_t *what; /* {"subnet":{..}}, or {"network":{"name","resolution","id"}} with a null name where it has none */
    struct network network;
};

/** Allow the fields that asked_network_read() reads. */
void asked_network_allow(struct json_fields *);

/** Read the network that a request is about: "subnet", a document that names its space; or "network", a name of the
 *  catalog or a document of network_parse(), at "resolution" or its own.
 *  @param[out] out written on LATHE_OK; the caller has a reference to out->what.
 *  @return LATHE_NOT_FOUND: no network of this name; LATHE_INVALID names the field. */
enum lathe_status asked_network_read(const struct app *, const json_t *request, struct asked_network *out,
                                     struct lathe_error *err);

enum { NETWORK_AS_JSON, NETWORK_AS_NET_CONFIG }; /* http_chosen() of handlers that answer with network_media */
/** "application/json" and once-for-all's "application/vnd.ofa.net-config+json", in this order, ended by NULL. */
extern const char *const network_media[];

/** Answer with the net.config of a chain of layers, its resolution added; 422 where no net.config can say it. */
enum http_outcome reply_net_config(struct http_request *, const struct layer *, int count, const char *media_type);

#endif
