/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A runner on this machine. */
#include <errno.h>
#include <stdio.h>

#include "agents/transport/process.h"
#include "lut/base/cpus.h"

static enum lathe_status local_open(const char *const *argv, const struct transport_options *options, struct link **out,
                                    struct lathe_error *err)
{
    char name[512];
    cpu_set_t cpus;
    int code = 0;
    snprintf(name, sizeof name, "the runner %s", argv[0]);
    struct process_spec spec = {.argv = argv, .name = name};
    const char *limit = options ? options->cpus : NULL;
    enum lathe_status st = limit ? cpus_parse(limit, &cpus, err) : LATHE_OK;
    if (st) return st;
    if (limit) spec.cpus = &cpus;
    st = process_open(&spec, out, &code, err);
    if (code == ENOENT || code == ENOTDIR)
        return error_set(err, LATHE_NOT_FOUND,
                         "no runner at %s: build or install lathe-run, or point to it with --runner", argv[0]);
    if (code == EINVAL && limit)
        return error_set(err, LATHE_UNSUPPORTED,
                         "the device is limited to processors %s, and this machine has none of them", limit);
    return st;
}

const struct transport local_transport = {
    .name = "local",
    .peer = "lathe-run",
    .open = local_open,
    .write = process_write,
    .read = process_read,
    .close = process_close,
};
