/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A chain of layers as ops of a pool, with a planned arena. The arena's memory is the caller's: networks take turns.
 * Threads: one owner. */
#ifndef LATHE_RUNNER_NETWORK_H
#define LATHE_RUNNER_NETWORK_H

#include "agents/runner/core/memory.h"
#include "agents/runner/core/pool.h"

struct network {
    const struct runtime *runtime;
    struct engine *engine; /* borrowed */
    int count;
    const struct pool_op **ops; /* of the pool, in order */
    size_t *tensors;            /* offsets of count + 1 tensors in the arena: the input, then each layer's output */
    size_t *scratches;          /* offsets of the layers' scratch */
    size_t arena_bytes;
    double *slowdowns; /* of each layer, see slowdown.h; NULL: none */
    uint64_t weight_bytes;
    int packed; /* ops that were made for this network */
};

/** Check that the layers fit together: each input is the output before it. LATHE_INVALID, field "layers[i]". */
enum lathe_status network_check(const struct layer *, int count, struct lathe_error *err);
/** How many layers before layers[i] equal it. */
int network_occurrence(const struct layer *, int i);

/** @param layers checked. @param[out] out network_free() it before the pool is cleared. */
enum lathe_status network_build(struct pool *, const struct layer *, int count, struct network **out,
                                struct lathe_error *err);
void network_free(struct network *);

/** Tell all ops their places in an arena of at least arena_bytes. Ops are shared by networks: call it at the start of
 *  each visit. */
enum lathe_status network_setup(const struct network *, const struct memory *arena, struct lathe_error *err);

/* Where one run's times go; arrays of one value a layer, or NULL together for a run without times between layers. */
struct run_times {
    uint32_t *wall_ns, *cpu_ns;
    uint8_t *preempted;
    uint64_t *total_ns; /* from before the first layer to after the last, less the reading of counters; never NULL */
};
/* On a device the layers' times are its own, see struct runtime_device, CPU times and preemptions unknown, 0. The total
 * is the host's: from queueing the first layer to having waited for the last. It is what a caller waits for, with the
 * launch of the work and the notice of its end, which belong to no layer. */

/** Run all layers once. @param usage_cost_ns taken off CPU times, see usage_cost_ns(). */
enum lathe_status network_run(const struct network *, uint64_t usage_cost_ns, const struct run_times *,
                              struct lathe_error *err);

#endif
