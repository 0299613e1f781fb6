/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Where a runtime's tensors lie: in the host's memory, or in its device's. Threads: one owner. */
#ifndef LATHE_RUNNER_MEMORY_H
#define LATHE_RUNNER_MEMORY_H

#include "agents/runner/runtime.h"

struct memory {
    const struct runtime *runtime; /* borrowed, as engine */
    struct engine *engine;
    char *host;                   /* NULL where there is a device */
    struct device_memory *device; /* NULL otherwise */
    size_t bytes;
};

void memory_init(struct memory *, const struct runtime *, struct engine *);
void memory_clear(struct memory *);
/** Make it at least this large; what grows is zeroed, and nothing is left of it on failure. LATHE_NO_MEMORY. */
enum lathe_status memory_reserve(struct memory *, size_t bytes, struct lathe_error *err);
enum lathe_status memory_write(struct memory *, size_t offset, const void *bytes, size_t n, struct lathe_error *err);
enum lathe_status memory_read(const struct memory *, size_t offset, void *bytes, size_t n, struct lathe_error *err);
/** Tell an op its places in it. */
enum lathe_status memory_setup(const struct memory *, struct op *, const struct op_places *, struct lathe_error *err);

#endif
