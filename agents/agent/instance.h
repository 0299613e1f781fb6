/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Which agent this is. An agent that is started anew under its name on its machine is the same instance, so that it
 * gets the leases of the one before back at once; on another machine it is another. Two at once on one machine can't
 * be. Threads: plain values. */
#ifndef LATHE_AGENT_INSTANCE_H
#define LATHE_AGENT_INSTANCE_H

#include "lut/base/error.h"

struct instance {
    char id[33];      /* of name, server, user and machine */
    char machine[33]; /* the same for everything that shares processors with this program */
    int lock;         /* a socket; the name is free again when it is closed */
};

/** @return LATHE_CONFLICT when another agent works under this name for this server on this machine. */
enum lathe_status instance_claim(const char *name, const char *server, struct instance *out, struct lathe_error *err);
void instance_release(struct instance *);

#endif
