/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What a lease looks like on the wire between server and agent (JSON):
 *
 * POST /v1/agents/{agent}/leases?wait_s=30 -> 200, or 204 when there is nothing to do
 *   request: {"instance":"..","machine":"..","leases":["l-..",..],"cpus":{"pi4":"2-3"}}: which program asks and where
 *   it runs, the leases that it works on (others that it had are ended), and devices that its configuration limits to
 *   processors. Without a body the agent works off one lease at a time.
 *   {"id":"l-..","fence":7,"ttl_s":30,"kind":"profile"|"measurement","job":"p-..",
 *    "device":{"name":"pi4","transport":{"type":"local"}},"config":"xnnpack-f32-t1-b1",
 *    "per_layer":true,"warmup":2,"runs":3,"warm_ms":12,
 *    "sentinel":{"network":27,"warmup":1,"runs":3,"every_ms":100,"block_every_ms":30},        or absent
 *    "networks":[{"network":0,"layers":["conv2d in=..", ..]}, ..],
 *    "visits":[{"visit":17,"network":0}, ..]}            in the order in which to run them
 * POST /v1/leases/{id}/renew    {"fence":7} -> 200 {"ttl_s":30}; 409 when the lease has ended: stop
 * POST /v1/leases/{id}/results {"fence":7,"fingerprint":{"cpu":"..",..},"board":{..},"visits":[{"visit":17,"network":0,
 *      "wall_ns":[[..layers],..runs],"cpu_ns":[[..]],"preempted":[[..]],"total_ns":[..],
 *      "sentinel":{"ns":..,"cpu_ns":..},"state":{"khz":..,"temperature_k":..,"load":..,"available_mb":..},"busy_ns":..,"build_ns":..,
 *      "redone":1,"throttled":true}]} -> 200 {"accepted":1}
 *   board: of a microcontroller; see board.h. A device that speaks mlperf-tiny is given one network without layers,
 * which is the model that it has. What follows total_ns may be absent. sentinel: what the sentinel network took around
 * the visit, undisturbed (0: never so) and in CPU time. busy_ns: device time that the visit cost, its share of the
 * sentinel's included; build_ns: of that, building networks. redone: how often it was thrown away since the device was
 * throttled; throttled: it still was. POST /v1/leases/{id}/release  {"fence":7} or
 * {"fence":7,"error":"..","fatal":true} -> 204
 *
 * `network` numbers are the plan's: they mean the same network in every lease of a job. A network's layers are sent
 * with each lease that visits it. Results are sent as they come, in batches of about a second, and kept until they are
 * acknowledged: when the server is away they are sent again with backoff, also after the lease was lost (the server
 * answers 409 then, and only then they are dropped, since the server plans those visits anew).
 * Threads: parsed leases are plain values. */
#ifndef LATHE_AGENT_LEASE_H
#define LATHE_AGENT_LEASE_H

#include <jansson.h>
#include <stdbool.h>

#include "lut/layer/layer.h"

struct lease_network {
    int network, layer_count;
    struct layer *layers;
};

struct lease_visit {
    int visit, network; /* network: as numbered by the plan */
};

/* A network that is run again and again: what it takes says how fast the device is at that time. */
struct lease_sentinel {
    int network; /* -1: none */
    int warmup, runs, every_ms;
    int block_every_ms; /* while one network is visited again and again */
};

struct lease {
    char id[40], job[40], config[65], device[65], transport[16];
    json_t *transport_options; /* the device's transport object; owned */
    int64_t fence;
    int ttl_s, warmup, runs;
    int warm_ms; /* 0, or: warm up for so long by the sentinel's time a run, and at least `warmup` runs */
    bool per_layer;
    struct lease_sentinel sentinel;
    struct lease_network *networks;
    int network_count;
    struct lease_visit *visits;
    int visit_count;
};

/** @param[out] out lease_clear() it. LATHE_INVALID names the field. */
enum lathe_status lease_parse(const json_t *, struct lease *out, struct lathe_error *err);
void lease_clear(struct lease *);
/** A network by its number; borrowed; NULL when the lease does not describe it. */
const struct lease_network *lease_network(const struct lease *, int network);

#endif
