/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/transport/transport.h"

#include <poll.h>
#include <string.h>

#include "lut/base/clock.h"

enum { PAUSE_FIRST_MS = 500, PAUSE_MOST_MS = 10000, SLICE_MS = 200 };

extern const struct transport local_transport, ssh_transport, serial_transport;

static const struct transport *const transports[] = {&local_transport, &ssh_transport, &serial_transport};

const struct transport *transport_find(const char *name)
{
    for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++)
        if (strcmp(transports[i]->name, name) == 0) return transports[i];
    return NULL;
}

static bool stopping(const struct transport_options *o)
{
    return o->stop && atomic_load(o->stop);
}

void retry_begin(struct retry *r, const struct transport_options *options)
{
    *r = (struct retry){options, clock_now_ns() + (uint64_t)options->patience_s * 1000000000u, PAUSE_FIRST_MS};
}

bool retry_wait(struct retry *r, enum lathe_status st, const struct lathe_error *err)
{
    const struct transport_options *o = r->options;
    bool away = st == LATHE_IO || st == LATHE_TIMEOUT || st == LATHE_CONFLICT;
    uint64_t until = clock_now_ns() + r->pause_ms * 1000000u;
    if (!away || until >= r->until_ns || stopping(o)) return false;
    if (o->away && err) o->away(o->away_context, err->message);
    while (!stopping(o) && clock_now_ns() < until) poll(NULL, 0, SLICE_MS);
    r->pause_ms = r->pause_ms * 2 < PAUSE_MOST_MS ? r->pause_ms * 2 : PAUSE_MOST_MS;
    return true;
}
