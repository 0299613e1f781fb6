/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Leases that tidy a device: runners of earlier versions are removed from it.
 *
 *   {"id":"l-..","fence":7,"ttl_s":30,"kind":"clean","job":"c-..","device":{"name":"pi4","transport":{..}}}
 * It is released with {"fence":7,"freed_kb":3900}, or as others with an error.
 * Threads: plain values. */
#ifndef LATHE_AGENT_CLEAN_H
#define LATHE_AGENT_CLEAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "agents/agent/config.h"

struct clean_lease {
    char id[40];
    const char *device;
    const json_t *transport;
    int64_t fence;
    int ttl_s;
};

bool clean_lease_is(const json_t *document);
/** @param[out] out borrows from the document. */
enum lathe_status clean_lease_parse(const json_t *document, struct clean_lease *out, struct lathe_error *err);
/** Do it. @param stop not 0: give up. @param[out] freed_kb 0 for devices that nothing is copied to. */
enum lathe_status clean_device(const struct agent_config *, const struct clean_lease *, const atomic_int *stop,
                               uint64_t *freed_kb, struct lathe_error *err);

#endif
