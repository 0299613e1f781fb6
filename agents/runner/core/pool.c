/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/core/pool.h"

#include <stdlib.h>

void pool_init(struct pool *p, const struct runtime *runtime, struct engine *engine, enum dtype dtype, uint32_t seed)
{
    *p = (struct pool){.runtime = runtime, .engine = engine, .dtype = dtype, .seed = seed};
}

void pool_clear(struct pool *p)
{
    for (size_t i = 0; i < p->count; i++) {
        p->runtime->op_free(p->ops[i]->op);
        free(p->ops[i]);
    }
    free(p->ops);
    pool_init(p, p->runtime, p->engine, p->dtype, p->seed);
}

const struct pool_op *pool_find(const struct pool *p, const struct layer *layer, int occurrence)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->ops[i]->occurrence == occurrence && layer_equal(&p->ops[i]->layer, layer)) return p->ops[i];
    return NULL;
}

static enum lathe_status reserve(struct pool *p, struct lathe_error *err)
{
    if (p->count < p->capacity) return LATHE_OK;
    size_t capacity = p->capacity ? 2 * p->capacity : 64;
    struct pool_op **ops = realloc(p->ops, capacity * sizeof *ops);
    if (!ops) return error_set(err, LATHE_NO_MEMORY, "out of memory for %zu layers", capacity);
    p->ops = ops;
    p->capacity = capacity;
    return LATHE_OK;
}

static enum lathe_status pack(struct pool *p, struct pool_op *op, struct lathe_error *err)
{
    struct weights weights;
    enum lathe_status st = p->dtype == DTYPE_INT8
                               ? weights_make_int8(&op->layer, op->occurrence, p->seed, &weights, err)
                               : weights_make(&op->layer, op->occurrence, p->seed, &weights, err);
    if (st) return st;
    st = p->runtime->prepare(p->engine, &op->layer, &weights, &op->op, &op->needs, err);
    weights_clear(&weights);
    return st;
}

enum lathe_status pool_get(struct pool *p, const struct layer *layer, int occurrence, const struct pool_op **out,
                           struct lathe_error *err)
{
    const struct pool_op *found = pool_find(p, layer, occurrence);
    if (found) {
        *out = found;
        return LATHE_OK;
    }
    enum lathe_status st = reserve(p, err);
    if (st) return st;
    struct pool_op *op = calloc(1, sizeof *op);
    if (!op) return error_set(err, LATHE_NO_MEMORY, "out of memory for a layer");
    op->layer = *layer;
    op->occurrence = occurrence;
    st = pack(p, op, err);
    if (st) {
        free(op);
        return st;
    }
    p->ops[p->count++] = op;
    p->weight_bytes += op->needs.weight_bytes;
    *out = op;
    return LATHE_OK;
}
