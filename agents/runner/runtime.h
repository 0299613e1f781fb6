/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A runtime: a way to execute layers on this machine (XNNPACK, plain C, ..).
 *
 * Add a runtime: README.md has the checklist. In short: runtimes/<name>/ with a const struct runtime <name>_runtime and
 * a CMakeLists.txt, a line lathe_runtime(<name>); tests/conformance passes with no change to it.
 *
 * Each runtime defines struct engine and struct op for itself; nobody else looks inside. Semantics of layers are in
 * lut/layer/layer.h, what int8 means in core/quant.h. Tensors are NHWC, batch outermost, without gaps.
 * Threads: an engine and its ops belong to one thread; a runtime may have workers of its own. */
#ifndef LATHE_RUNNER_RUNTIME_H
#define LATHE_RUNNER_RUNTIME_H

#include <stddef.h>

#include "agents/runner/core/weights.h"
#include "lut/layer/layer.h"

enum {
    RUNTIME_ALIGN_BYTES = 64, /* every buffer starts at a multiple of this */
    RUNTIME_PAD_BYTES = 64,   /* that may be read, never written, past the end of every buffer */
    RUNTIME_MAX_THREADS = 64,
    RUNTIME_MAX_BATCH = 64,
};

struct runtime_options {
    enum dtype dtype;
    int threads, batch; /* within the maxima above */
};

struct engine; /* an opened runtime */
struct op;     /* one layer at one position, with its packed weights */

/* Sizes without padding. */
struct op_needs {
    size_t in_bytes, out_bytes, scratch_bytes;
    size_t weight_bytes; /* packed; about, where a library doesn't tell */
};

struct op_buffers {
    const void *in; /* is not written */
    void *out, *scratch;
};

enum { RUNTIME_LINES = 4, RUNTIME_LINE_BYTES = 232 };

/* "key=value", printable. */
struct runtime_lines {
    char line[RUNTIME_LINES][RUNTIME_LINE_BYTES];
    int count;
};

struct runtime {
    const char *name;
    /** Of the library, as its package says; "unknown" where nothing tells. Static. */
    const char *(*version)(void);
    /** Whether an engine can be opened with these options. @return LATHE_UNSUPPORTED with a message that says what can.
     */
    enum lathe_status (*supports)(const struct runtime_options *, struct lathe_error *err);
    /** @param options supported ones. @param[out] out close() it after all its ops are freed. */
    enum lathe_status (*open)(const struct runtime_options *, struct engine **out, struct lathe_error *err);
    /** Make an op. @param weights of the engine's dtype, borrowed during the call. @param[out] out op_free() it.
     *  @return LATHE_UNSUPPORTED for a layer that the runtime can't do; LATHE_NO_MEMORY. */
    enum lathe_status (*prepare)(struct engine *, const struct layer *, const struct weights *, struct op **out,
                                 struct op_needs *needs, struct lathe_error *err);
    /** Tell an op its buffers; they stay until the next setup(). Called before run(), again whenever they move. */
    enum lathe_status (*setup)(struct op *, const struct op_buffers *, struct lathe_error *err);
    /** Execute; returns when the output is there. What is timed. @return LATHE_OK or LATHE_IO. */
    enum lathe_status (*run)(struct op *);
    void (*op_free)(struct op *); /* NULL is allowed, as for close() */
    void (*close)(struct engine *);
    /** Names of the implementations that the library chose for an op, each once, in the order in which they first run,
     *  with commas between. NULL where the library doesn't tell, as for describe(). */
    void (*kernels)(const struct op *, char *out, size_t capacity);
    /** Lines that a fingerprint has beside those of host_fingerprint(), which a change of the library, of its settings
     *  or of the processor would change. The same at every call. */
    void (*describe)(const struct runtime_options *, struct runtime_lines *out);
};

/** Values of one image. */
static inline size_t shape_elements(const struct shape *s)
{
    return (size_t)s->h * (size_t)s->w * (size_t)s->c;
}

/** All runtimes of this build, NULL-ended, in the order of the build's list. */
extern const struct runtime *const runtimes[];
/** Names of those that this build was made without, NULL-ended. */
extern const char *const runtimes_absent[];

const struct runtime *runtime_find(const char *name);

#endif
