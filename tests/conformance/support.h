/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Runs single layers in buffers that end at a page nobody may touch; on a device, which has no such pages, in buffers
 * with a pattern around them. Failures fail the test at hand. */
#ifndef LATHE_TESTS_CONFORMANCE_SUPPORT_H
#define LATHE_TESTS_CONFORMANCE_SUPPORT_H

#include "agents/runner/runtime.h"

/* Exactly the padding that runtimes are promised lies behind the bytes, filled with a pattern; then a guard page. */
struct guarded {
    unsigned char *bytes;
    size_t size;
    void *map;
    size_t map_size;
};
void guarded_alloc(struct guarded *, size_t size);
/** Fails when the padding was written to. */
void guarded_check(const struct guarded *);
void guarded_free(struct guarded *);

/** Whether a runtime can't be opened so: it knows one thread only, or this machine lacks the device that it needs. The
 *  CPU's runtimes must take one thread. */
bool cannot(const struct runtime *, const struct runtime_options *);

struct layer layer_of(const char *text);

/** Close the engines of devices, which run_layer() keeps: a fixture of each test case that runs layers. */
void close_engines(void);

/** Run one layer of a runtime on an input of the whole batch.
 *  @return the output, which the caller frees; *bytes is its size. */
void *run_layer_bytes(const struct runtime *, const struct runtime_options *, const struct layer *,
                      const struct weights *, const void *in, size_t *bytes);
/** The same in f32; *floats is the output's length. */
float *run_layer(const struct runtime *, const struct runtime_options *, const struct layer *, const struct weights *,
                 const float *in, size_t *floats);

/** The largest difference, divided by the larger of 1 and the largest magnitude in want. */
double scaled_difference(const float *got, const float *want, size_t n);

#endif
