/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How to reach a device: what the server says of it and what the agent's configuration says, put together. Threads:
 * plain values. */
#ifndef LATHE_AGENT_TARGET_H
#define LATHE_AGENT_TARGET_H

#include <jansson.h>

#include "agents/agent/config.h"
#include "agents/transport/transport.h"

enum target_protocol { PROTOCOL_LATHE, PROTOCOL_MLPERF_TINY };

struct target {
    const struct transport *transport;
    struct transport_options options;
    const char *const *argv; /* the runner; NULL: the transport brings Lathe's own */
    const char *own[3];      /* room for argv */
    const char *governor;    /* to set; NULL: as it is */
    uint32_t khz;            /* to lock the clock to; 0: as it is */
    int visit_s;             /* serial: the longest that a visit may take; 0: as sessions have it */
    enum target_protocol protocol;
    double cool_below_c; /* wait with visits while the device is hotter; 0: don't */
};

/** @param transport the device's transport object. @param runtime of the config; "" when nothing is to be run.
 *  @param[out] out borrows from all parameters, and from itself: don't copy it.
 *  @return LATHE_UNSUPPORTED, or LATHE_INVALID with the field, "device.transport.port". */
enum lathe_status target_find(const struct agent_config *, const char *device, const json_t *transport,
                              const char *runtime, struct target *out, struct lathe_error *err);

#endif
