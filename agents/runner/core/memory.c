/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "agents/runner/core/memory.h"

#include <stdlib.h>
#include <string.h>

void memory_init(struct memory *m, const struct runtime *runtime, struct engine *engine)
{
    *m = (struct memory){.runtime = runtime, .engine = engine};
}

void memory_clear(struct memory *m)
{
    if (m->runtime->device) m->runtime->device->free(m->device);
    free(m->host);
    memory_init(m, m->runtime, m->engine);
}

/* Aligned, zeroed. */
static char *host_alloc(size_t n)
{
    size_t bytes = (n + RUNTIME_ALIGN_BYTES - 1) / RUNTIME_ALIGN_BYTES * RUNTIME_ALIGN_BYTES;
    char *memory = bytes < n ? NULL : aligned_alloc(RUNTIME_ALIGN_BYTES, bytes);
    if (memory) memset(memory, 0, bytes);
    return memory;
}

enum lathe_status memory_reserve(struct memory *m, size_t bytes, struct lathe_error *err)
{
    if (bytes <= m->bytes) return LATHE_OK;
    memory_clear(m);
    if (m->runtime->device) {
        enum lathe_status st = m->runtime->device->alloc(m->engine, bytes, &m->device, err);
        if (st) return st;
    } else {
        m->host = host_alloc(bytes);
        if (!m->host) return error_set(err, LATHE_NO_MEMORY, "out of memory for %zu bytes of activations", bytes);
    }
    m->bytes = bytes;
    return LATHE_OK;
}

enum lathe_status memory_write(struct memory *m, size_t offset, const void *bytes, size_t n, struct lathe_error *err)
{
    if (m->runtime->device) return m->runtime->device->write(m->device, offset, bytes, n, err);
    memcpy(m->host + offset, bytes, n);
    return LATHE_OK;
}

enum lathe_status memory_read(const struct memory *m, size_t offset, void *bytes, size_t n, struct lathe_error *err)
{
    if (m->runtime->device) return m->runtime->device->read(m->device, offset, bytes, n, err);
    memcpy(bytes, m->host + offset, n);
    return LATHE_OK;
}

enum lathe_status memory_setup(const struct memory *m, struct op *op, const struct op_places *at,
                               struct lathe_error *err)
{
    if (m->runtime->device) return m->runtime->device->setup(op, m->device, at, err);
    const struct op_buffers buffers = {m->host + at->in, m->host + at->out, m->host + at->scratch};
    return m->runtime->setup(op, &buffers, err);
}
