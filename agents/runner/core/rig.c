/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/core/rig.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "agents/runner/core/timing.h"
#include "lut/base/clock.h"

struct rig {
    const struct runtime *runtime;
    struct runtime_options options;
    struct engine *engine;
    struct pool pool;
    struct network *networks[RIG_MAX_NETWORKS];
    struct memory arena; /* as large as the largest network's needs */
    uint64_t memory_bytes, usage_cost_ns;
    void *input; /* of the network being visited; copied in before each run */
    size_t input_bytes;
    struct rig_samples samples;
};

static uint64_t most_memory(const struct rig *r)
{
    if (r->runtime->device) return r->runtime->device->memory_bytes(r->engine);
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 4 * 3 : UINT64_MAX;
}

enum lathe_status rig_open(const struct rig_options *o, struct rig **out, struct lathe_error *err)
{
    enum lathe_status st = o->runtime->supports(&o->options, err);
    if (st) return st;
    struct rig *r = calloc(1, sizeof *r);
    if (!r) return error_set(err, LATHE_NO_MEMORY, "out of memory for a runtime");
    r->runtime = o->runtime;
    r->options = o->options;
    r->usage_cost_ns = usage_cost_ns();
    st = o->runtime->open(&o->options, &r->engine, err);
    if (st) {
        free(r);
        return st;
    }
    r->memory_bytes = o->memory_bytes ? o->memory_bytes : most_memory(r);
    pool_init(&r->pool, o->runtime, r->engine, o->options.dtype, o->seed);
    memory_init(&r->arena, o->runtime, r->engine);
    *out = r;
    return LATHE_OK;
}

uint64_t rig_memory_bytes(const struct rig *r)
{
    return r->memory_bytes;
}

static void clear_samples(struct rig_samples *s)
{
    free(s->wall_ns);
    free(s->cpu_ns);
    free(s->preempted);
    free(s->total_ns);
    free(s->output);
    *s = (struct rig_samples){0};
}

void rig_reset(struct rig *r)
{
    for (int i = 0; i < RIG_MAX_NETWORKS; i++) {
        network_free(r->networks[i]);
        r->networks[i] = NULL;
    }
    pool_clear(&r->pool);
    memory_clear(&r->arena);
    free(r->input);
    r->input = NULL;
    r->input_bytes = 0;
    clear_samples(&r->samples);
}

void rig_close(struct rig *r)
{
    if (!r) return;
    rig_reset(r);
    r->runtime->close(r->engine);
    free(r);
}

/* Bytes of weights that building would add. Known before anything is packed, so that what can't fit costs nothing. */
static uint64_t new_weight_bytes(const struct rig *r, const struct layer *layers, int count)
{
    uint64_t bytes = 0;
    for (int i = 0; i < count; i++)
        if (!pool_find(&r->pool, &layers[i], network_occurrence(layers, i)))
            bytes += layer_weight_bytes(&layers[i], r->options.dtype);
    return bytes;
}

/* Bytes of activations that the largest layer takes: a lower bound of the arena. */
static uint64_t least_arena_bytes(const struct rig *r, const struct layer *layers, int count)
{
    uint64_t most = 0;
    for (int i = 0; i < count; i++) {
        uint64_t bytes = layer_peak_activation_bytes(&layers[i], r->options.dtype) * (uint64_t)r->options.batch;
        if (bytes > most) most = bytes;
    }
    return most;
}

static enum lathe_status check_memory(const struct rig *r, uint64_t weights, uint64_t arena, struct rig_build *out,
                                      struct lathe_error *err)
{
    uint64_t needed = weights + (arena > r->arena.bytes ? arena : r->arena.bytes);
    if (needed <= r->memory_bytes) return LATHE_OK;
    out->needed_bytes = needed;
    return error_set(err, LATHE_NO_MEMORY,
                     "the network does not fit: %" PRIu64 " bytes of weights and activations are needed, %" PRIu64
                     " allowed",
                     needed, r->memory_bytes);
}

static enum lathe_status check_network_id(int network, struct lathe_error *err)
{
    if (network >= 0 && network < RIG_MAX_NETWORKS) return LATHE_OK;
    return error_field(err, "network", "network must be from 0 to %d", RIG_MAX_NETWORKS - 1);
}

enum lathe_status rig_build(struct rig *r, int network, const struct layer *layers, int count, struct rig_build *out,
                            struct lathe_error *err)
{
    struct network *n = NULL;
    *out = (struct rig_build){0};
    enum lathe_status st = check_network_id(network, err);
    if (!st) st = network_check(layers, count, err);
    if (!st)
        st = check_memory(r, r->pool.weight_bytes + new_weight_bytes(r, layers, count),
                          least_arena_bytes(r, layers, count), out, err);
    if (!st) st = network_build(&r->pool, layers, count, &n, err);
    if (!st) st = check_memory(r, r->pool.weight_bytes, n->arena_bytes, out, err);
    if (!st) st = memory_reserve(&r->arena, n->arena_bytes, err);
    if (st) {
        network_free(n);
        return st;
    }
    network_free(r->networks[network]);
    r->networks[network] = n;
    *out = (struct rig_build){
        .arena_bytes = n->arena_bytes,
        .weight_bytes = n->weight_bytes,
        .packed = n->packed,
        .reused = n->count - n->packed,
    };
    return LATHE_OK;
}

void rig_kernels(const struct rig *r, int network, int layer, char *out, size_t capacity)
{
    out[0] = '\0';
    if (r->runtime->kernels) r->runtime->kernels(r->networks[network]->ops[layer]->op, out, capacity);
}

static enum lathe_status make_samples(struct rig_samples *s, const struct network *n, int runs, bool per_layer,
                                      struct lathe_error *err)
{
    clear_samples(s);
    s->runs = runs;
    s->layers = per_layer ? n->count : 0;
    size_t cells = (size_t)runs * (size_t)s->layers;
    s->output_bytes = n->ops[n->count - 1]->needs.out_bytes;
    s->total_ns = calloc((size_t)runs, sizeof *s->total_ns);
    s->output = malloc(s->output_bytes);
    if (per_layer) {
        s->wall_ns = calloc(cells, sizeof *s->wall_ns);
        s->cpu_ns = calloc(cells, sizeof *s->cpu_ns);
        s->preempted = calloc(cells, sizeof *s->preempted);
    }
    if (s->total_ns && s->output && (!per_layer || (s->wall_ns && s->cpu_ns && s->preempted))) return LATHE_OK;
    return error_set(err, LATHE_NO_MEMORY, "out of memory for the samples of %d runs", runs);
}

static enum lathe_status make_input(struct rig *r, const struct network *n, struct lathe_error *err)
{
    size_t bytes = n->ops[0]->needs.in_bytes;
    if (bytes > r->input_bytes) {
        free(r->input);
        r->input_bytes = 0;
        r->input = malloc(bytes);
        if (!r->input) return error_set(err, LATHE_NO_MEMORY, "out of memory for an input of %zu bytes", bytes);
        r->input_bytes = bytes;
    }
    if (r->options.dtype == DTYPE_INT8) weights_input_int8(&n->ops[0]->layer, r->pool.seed, r->input, bytes);
    else weights_input(&n->ops[0]->layer, r->pool.seed, r->input, bytes / sizeof(float));
    return LATHE_OK;
}

static enum lathe_status run_once(struct rig *r, const struct network *n, const struct run_times *times,
                                  struct lathe_error *err)
{
    enum lathe_status st = memory_write(&r->arena, n->tensors[0], r->input, n->ops[0]->needs.in_bytes, err);
    return st ? st : network_run(n, r->usage_cost_ns, times, err);
}

static enum lathe_status visit(struct rig *r, const struct network *n, int warmup, struct lathe_error *err)
{
    struct rig_samples *s = &r->samples;
    uint64_t start = clock_now_ns();
    enum lathe_status st = network_setup(n, &r->arena, err);
    s->setup_ns = clock_now_ns() - start;
    uint64_t ignored;
    for (int i = 0; !st && i < warmup; i++) st = run_once(r, n, &(struct run_times){.total_ns = &ignored}, err);
    for (int i = 0; !st && i < s->runs; i++) {
        struct run_times times = {.total_ns = &s->total_ns[i]};
        size_t at = (size_t)i * (size_t)s->layers;
        if (s->layers) {
            times.wall_ns = s->wall_ns + at;
            times.cpu_ns = s->cpu_ns + at;
            times.preempted = s->preempted + at;
        }
        st = run_once(r, n, &times, err);
    }
    s->elapsed_ns = clock_now_ns() - start;
    return st;
}

enum lathe_status rig_run(struct rig *r, int network, int warmup, int runs, bool per_layer,
                          const struct rig_samples **out, struct lathe_error *err)
{
    enum lathe_status st = check_network_id(network, err);
    if (st) return st;
    if (runs < 1 || runs > RIG_MAX_RUNS) return error_field(err, "runs", "runs must be from 1 to %d", RIG_MAX_RUNS);
    if (warmup < 0 || warmup > RIG_MAX_RUNS)
        return error_field(err, "warmup", "warmup must be from 0 to %d", RIG_MAX_RUNS);
    const struct network *n = r->networks[network];
    if (!n) return error_set(err, LATHE_NOT_FOUND, "network %d was not built", network);
    /* Growing for another network may have failed and left no arena. */
    st = memory_reserve(&r->arena, n->arena_bytes, err);
    if (!st) st = make_samples(&r->samples, n, runs, per_layer, err);
    if (!st) st = make_input(r, n, err);
    if (!st) st = visit(r, n, warmup, err);
    if (!st) st = memory_read(&r->arena, n->tensors[n->count], r->samples.output, r->samples.output_bytes, err);
    if (st) {
        clear_samples(&r->samples);
        return st;
    }
    *out = &r->samples;
    return LATHE_OK;
}
