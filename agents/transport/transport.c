/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/transport/transport.h"

#include <string.h>

extern const struct transport local_transport, ssh_transport;

static const struct transport *const transports[] = {&local_transport, &ssh_transport};

const struct transport *transport_find(const char *name)
{
    for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++)
        if (strcmp(transports[i]->name, name) == 0) return transports[i];
    return NULL;
}
