/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A runtime opened for measuring: its networks, their packed weights and the arena they take turns in.
 * Threads: one owner. */
#ifndef LATHE_RUNNER_RIG_H
#define LATHE_RUNNER_RIG_H

#include <stdbool.h>

#include "agents/runner/core/network.h"

enum { RIG_MAX_NETWORKS = 4096, RIG_MAX_LAYERS = 1024, RIG_MAX_RUNS = 10000 };

struct rig_options {
    const struct runtime *runtime;
    struct runtime_options options;
    uint32_t seed;         /* of weights and inputs */
    uint64_t memory_bytes; /* most that weights and activations may take; 0: three quarters of the machine's, or the
                              device's */
};

struct rig;

/** @return LATHE_UNSUPPORTED when the runtime can't do it. */
enum lathe_status rig_open(const struct rig_options *, struct rig **out, struct lathe_error *err);
void rig_close(struct rig *);
uint64_t rig_memory_bytes(const struct rig *);

struct rig_build {
    uint64_t arena_bytes, weight_bytes; /* of this network */
    int packed, reused;                 /* ops made for it, ops that were there */
    uint64_t needed_bytes;              /* with LATHE_NO_MEMORY: of the whole rig, had it been built; 0 when unknown */
};
/** Build a network under an id, in place of the one that has it. @param[out] out filled on LATHE_OK and
 * LATHE_NO_MEMORY. */
enum lathe_status rig_build(struct rig *, int network, const struct layer *, int count, struct rig_build *out,
                            struct lathe_error *err);
/** What runtime->kernels() says of a layer of a network that was built; "" where the runtime doesn't tell. */
void rig_kernels(const struct rig *, int network, int layer, char *out, size_t capacity);
/** Drop all networks and packed weights. */
void rig_reset(struct rig *);

/* Raw samples of a visit, owned by the rig until its next visit. */
struct rig_samples {
    int runs, layers;   /* layers: 0 without times between layers */
    uint32_t *wall_ns;  /* [runs][layers]; what these are on a device: struct run_times */
    uint32_t *cpu_ns;   /* [runs][layers] of the thread that runs the network */
    uint8_t *preempted; /* [runs][layers] */
    uint64_t *total_ns; /* [runs] */
    uint64_t setup_ns, elapsed_ns;
    size_t output_bytes; /* of the last run */
    void *output;
};
/** Visit: set up, warm up, timed runs. Each run finds the same input, freshly written.
 *  @return LATHE_NOT_FOUND when no network has the id, LATHE_INVALID for counts out of range. */
enum lathe_status rig_run(struct rig *, int network, int warmup, int runs, bool per_layer,
                          const struct rig_samples **out, struct lathe_error *err);

#endif
