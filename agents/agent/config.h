/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The agent's own file, JSON. Only this file, never the server, names programs to run:
 *   {"server":"http://lab:8420","name":"lab","token_file":"/etc/lathe/lab.token","jobs":4,
 *    "ssh_config":"/etc/lathe/ssh_config",
 *    "devices":{"pi4":{"cpus":"2-3"},"jetson":{"runner":["/opt/trt/runner","--fp16"]}},
 *    "runtimes":{"tensorrt":["/opt/trt/runner"]}}
 * A device's runner is used for all of its configs, a runtime's for configs that begin with its name on any device;
 * both are programs of the device, so over ssh they run there. All fields may be left out, here.
 *
 * Threads: read-only once read. */
#ifndef LATHE_AGENT_CONFIG_H
#define LATHE_AGENT_CONFIG_H

#include <jansson.h>

#include "lut/base/error.h"

enum { JOBS_DEFAULT = 8, JOBS_MAX = 64 };

/* A program and its arguments under a name. */
struct agent_program {
    const char *name;
    const char *cpus;  /* of a device: the only processors to run on; NULL: any */
    const char **argv; /* NULL-ended; NULL: Lathe's own runner */
};

struct agent_config {
    const char *server, *name, *token_file, *ca_file;
    const char *runner;     /* path of lathe-run, for local devices */
    const char *bundles;    /* folder of runners that are copied to ssh devices */
    const char *ssh_config; /* file for ssh -F; NULL: ssh's own */
    int jobs;               /* devices that work at once, 1..JOBS_MAX; 0: not said */
    struct agent_program *devices, *runtimes;
    int device_count, runtime_count;
    json_t *document; /* owns all texts that were read from the file */
};

/** @param[out] out agent_config_clear() it. @return LATHE_INVALID names the field, e.g. "devices.pi4.cpus". */
enum lathe_status agent_config_parse(const json_t *, struct agent_config *out, struct lathe_error *err);
enum lathe_status agent_config_read(const char *path, struct agent_config *out, struct lathe_error *err);
void agent_config_clear(struct agent_config *);

/** The program that a device's runtime is run by; borrowed. @return NULL: Lathe's own runner. */
const char *const *agent_config_program(const struct agent_config *, const char *device, const char *runtime);
/** The processors that a device is limited to, or NULL. */
const char *agent_config_cpus(const struct agent_config *, const char *device);

#endif
