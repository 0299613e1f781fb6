/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Ops of a session, each packed once. An op is known by its layer and its occurrence, the number of equal layers before
 * it in the network: all networks share the op of a layer's n-th occurrence, and no network holds one op twice, which
 * would keep its weights hot in the cache and flatter the sum.
 * Threads: one owner. */
#ifndef LATHE_RUNNER_POOL_H
#define LATHE_RUNNER_POOL_H

#include "agents/runner/runtime.h"

struct pool_op {
    struct layer layer;
    int occurrence;
    struct op *op;
    struct op_needs needs;
};

struct pool {
    const struct runtime *runtime; /* borrowed, as engine */
    struct engine *engine;
    enum dtype dtype;
    uint32_t seed;
    struct pool_op **ops;
    size_t count, capacity;
    uint64_t weight_bytes; /* of all ops */
};

/** @param dtype that the engine was opened with. */
void pool_init(struct pool *, const struct runtime *, struct engine *, enum dtype, uint32_t seed);
void pool_clear(struct pool *);
/** NULL when it is not packed yet. Borrowed, until pool_clear(). */
const struct pool_op *pool_find(const struct pool *, const struct layer *, int occurrence);
/** The op, packed now unless it was before. @param[out] out borrowed, until pool_clear(). */
enum lathe_status pool_get(struct pool *, const struct layer *, int occurrence, const struct pool_op **out,
                           struct lathe_error *err);

#endif
