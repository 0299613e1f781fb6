/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/core/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/runner/core/arena.h"
#include "agents/runner/core/slowdown.h"
#include "agents/runner/core/timing.h"
#include "lut/base/clock.h"

enum lathe_status network_check(const struct layer *layers, int count, struct lathe_error *err)
{
    if (count < 1) return error_field(err, "layers", "a network needs at least one layer");
    for (int i = 1; i < count; i++) {
        const struct shape *out = &layers[i - 1].out;
        const struct shape *in = &layers[i].in;
        if (in->h == out->h && in->w == out->w && in->c == out->c) continue;
        char field[32];
        snprintf(field, sizeof field, "layers[%d]", i);
        return error_field(err, field, "layer %d takes %dx%dx%d, but the layer before it gives %dx%dx%d", i, in->h,
                           in->w, in->c, out->h, out->w, out->c);
    }
    return LATHE_OK;
}

int network_occurrence(const struct layer *layers, int i)
{
    int n = 0;
    for (int before = 0; before < i; before++) n += layer_equal(&layers[before], &layers[i]);
    return n;
}

/* A tensor lives from the layer that writes it to the one that reads it; scratch while its layer runs. */
static enum lathe_status plan(struct network *n, struct lathe_error *err)
{
    size_t items = 2 * (size_t)n->count + 1;
    struct arena_item *item = calloc(items, sizeof *item);
    if (!item) return error_set(err, LATHE_NO_MEMORY, "out of memory while planning a network");
    for (int i = 0; i <= n->count; i++) {
        size_t bytes = i ? n->ops[i - 1]->needs.out_bytes : n->ops[0]->needs.in_bytes;
        item[i] = (struct arena_item){bytes, i ? i - 1 : 0, i < n->count ? i : i - 1, 0};
    }
    for (int i = 0; i < n->count; i++)
        item[n->count + 1 + i] = (struct arena_item){n->ops[i]->needs.scratch_bytes, i, i, 0};
    enum lathe_status st = arena_plan(item, items, &n->arena_bytes, err);
    for (int i = 0; i <= n->count; i++) n->tensors[i] = item[i].offset;
    for (int i = 0; i < n->count; i++) n->scratches[i] = item[n->count + 1 + i].offset;
    free(item);
    return st;
}

static enum lathe_status take_ops(struct network *n, struct pool *pool, const struct layer *layers,
                                  struct lathe_error *err)
{
    for (int i = 0; i < n->count; i++) {
        size_t before = pool->count;
        enum lathe_status st = pool_get(pool, &layers[i], network_occurrence(layers, i), &n->ops[i], err);
        if (st) return st;
        n->packed += pool->count > before;
        n->weight_bytes += n->ops[i]->needs.weight_bytes;
    }
    return LATHE_OK;
}

static enum lathe_status note_slowdowns(struct network *n, const struct layer *layers, struct lathe_error *err)
{
    for (int i = 0; i < n->count; i++) {
        double share = slowdown_share(&layers[i]);
        if (share <= 0) continue;
        if (!n->slowdowns) n->slowdowns = calloc((size_t)n->count, sizeof *n->slowdowns);
        if (!n->slowdowns) return error_set(err, LATHE_NO_MEMORY, "out of memory for a network");
        n->slowdowns[i] = share;
    }
    return LATHE_OK;
}

enum lathe_status network_build(struct pool *pool, const struct layer *layers, int count, struct network **out,
                                struct lathe_error *err)
{
    struct network *n = calloc(1, sizeof *n);
    if (!n) return error_set(err, LATHE_NO_MEMORY, "out of memory for a network");
    n->runtime = pool->runtime;
    n->engine = pool->engine;
    n->count = count;
    n->ops = calloc((size_t)count, sizeof(struct pool_op *));
    n->tensors = calloc((size_t)count + 1, sizeof *n->tensors);
    n->scratches = calloc((size_t)count, sizeof *n->scratches);
    if (!n->ops || !n->tensors || !n->scratches) {
        network_free(n);
        return error_set(err, LATHE_NO_MEMORY, "out of memory for a network");
    }
    enum lathe_status st = take_ops(n, pool, layers, err);
    if (!st) st = plan(n, err);
    if (!st) st = note_slowdowns(n, layers, err);
    if (st) {
        network_free(n);
        return st;
    }
    *out = n;
    return LATHE_OK;
}

void network_free(struct network *n)
{
    if (!n) return;
    free((void *)n->ops);
    free(n->tensors);
    free(n->scratches);
    free(n->slowdowns);
    free(n);
}

enum lathe_status network_setup(const struct network *n, const struct memory *arena, struct lathe_error *err)
{
    for (int i = 0; i < n->count; i++) {
        const struct op_places at = {n->tensors[i], n->tensors[i + 1], n->scratches[i]};
        enum lathe_status st = memory_setup(arena, n->ops[i]->op, &at, err);
        if (st) return st;
    }
    return LATHE_OK;
}

static enum lathe_status failed(int layer, struct lathe_error *err)
{
    return error_set(err, LATHE_IO, "the runtime failed in layer %d", layer);
}

/* A slowed layer is timed even in runs that tell the total alone. */
static enum lathe_status run_slowed(const struct network *n, int i)
{
    uint64_t start = clock_now_ns();
    enum lathe_status st = n->runtime->run(n->ops[i]->op);
    if (!st) slowdown_wait(start, n->slowdowns[i]);
    return st;
}

static enum lathe_status run_layer(const struct network *n, int i)
{
    return n->slowdowns && n->slowdowns[i] > 0 ? run_slowed(n, i) : n->runtime->run(n->ops[i]->op);
}

static enum lathe_status run_untimed(const struct network *n, uint64_t *total_ns, struct lathe_error *err)
{
    uint64_t start = clock_now_ns();
    for (int i = 0; i < n->count; i++)
        if (run_layer(n, i)) return failed(i, err);
    *total_ns = clock_now_ns() - start;
    return LATHE_OK;
}

/* Queue all layers, then wait once: the device never waits for the host between them. */
static enum lathe_status run_queued(const struct network *n, const struct run_times *times, struct lathe_error *err)
{
    const struct runtime_device *device = n->runtime->device;
    const size_t layers = times->wall_ns ? (size_t)n->count : 0;
    uint64_t start = clock_now_ns();
    enum lathe_status st = device->begin(n->engine, (int)layers, err);
    for (int i = 0; !st && i < n->count; i++)
        if (n->runtime->run(n->ops[i]->op)) st = failed(i, err);
    enum lathe_status finished = device->finish(n->engine, st ? NULL : err);
    *times->total_ns = clock_now_ns() - start;
    if (st || finished || !layers) return st ? st : finished;
    memset(times->cpu_ns, 0, layers * sizeof *times->cpu_ns);
    memset(times->preempted, 0, layers * sizeof *times->preempted);
    return device->times(n->engine, times->wall_ns, (int)layers, err);
}

enum lathe_status network_run(const struct network *n, uint64_t usage_cost_ns, const struct run_times *times,
                              struct lathe_error *err)
{
    if (n->runtime->device) return run_queued(n, times, err);
    if (!times->wall_ns) return run_untimed(n, times->total_ns, err);
    struct usage before = usage_now();
    *times->total_ns = 0;
    for (int i = 0; i < n->count; i++) {
        uint64_t start = clock_now_ns();
        if (run_layer(n, i)) return failed(i, err);
        uint64_t end = clock_now_ns();
        struct usage after = usage_now();
        times->wall_ns[i] = elapsed_u32(start, end);
        times->cpu_ns[i] = elapsed_u32(before.cpu_ns + usage_cost_ns, after.cpu_ns);
        times->preempted[i] = elapsed_u8(before.preemptions, after.preemptions);
        /* What lies between the layers is the reading of counters alone. */
        *times->total_ns += end > start ? end - start : 0;
        before = after;
    }
    return LATHE_OK;
}
