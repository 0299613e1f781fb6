/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Between the files of the OpenCL runtime. */
#ifndef LATHE_RUNNER_OPENCL_INTERNAL_H
#define LATHE_RUNNER_OPENCL_INTERNAL_H

#include <CL/cl.h>
#include <stdbool.h>

#include "agents/runner/runtime.h"

/* device.c: which device. */

struct opencl_device {
    cl_platform_id platform;
    cl_device_id id;
    bool gpu;
    char name[160], driver[64], version[160]; /* version: "OpenCL 3.0 ..." */
    char platform_name[96], platform_version[160];
};

enum { OPENCL_DEVICES = 32 };

/** All devices of all platforms, in their order. @param out OPENCL_DEVICES of them. @return how many. */
int opencl_devices(struct opencl_device *out);
/** The one whose name, or platform's name, holds the text of the environment's LATHE_OPENCL_DEVICE, in capitals or not;
 *  without that, the first GPU, else the first device. @return LATHE_UNSUPPORTED, which says what there is. */
enum lathe_status opencl_choose(struct opencl_device *out, struct lathe_error *err);
/** What OpenCL said, with what was being done. @return LATHE_OK for CL_SUCCESS, LATHE_NO_MEMORY, else LATHE_IO. */
enum lathe_status opencl_failure(cl_int code, const char *what, struct lathe_error *err);

/* program.c: the kernels of kernels.cl, compiled once for a device. */

/* How a program came to be. */
struct opencl_origin {
    bool cached;     /* it is in the cache: came from there without being compiled, or was put there */
    char path[4096]; /* of its file in the cache; "" where there is no place for one */
};

/** The kernels for a device, from the cache where it has them, else compiled. A cache that is damaged or can't be read
 *  is no failure. The cache is $XDG_CACHE_HOME/lathe/opencl, or ~/.cache/lathe/opencl.
 *  @param[out] out clReleaseProgram() it. */
enum lathe_status opencl_program(cl_context, const struct opencl_device *, cl_program *out,
                                 struct opencl_origin *origin, struct lathe_error *err);
/** Put a program into the cache unless it is there. Apart, since it takes seconds: PoCL compiles all kernels to the end
 *  when it is asked for the binary. That it can't be written is logged, and no failure: the next start compiles again.
 */
void opencl_program_keep(cl_program, struct opencl_origin *);
/** 16 hexadecimal digits: a hash of kernels.cl and the options that it is compiled with. */
void opencl_source_hash(char out[17]);

/* Sizes of work-groups; the kernels are compiled with the same. */
enum {
    FLAT_ITEMS = 64,     /* one item a value */
    PLANE_CHANNELS = 16, /* channels x pixels */
    PLANE_PIXELS = 4,
    TILE_QUADS = 8, /* four channels each x four pixels each */
    TILE_TILES = 8,
    POOL_CHANNELS = 16,
    POOL_LANES = 4,
    DENSE_LANES = 32,
    MOST_ITEMS = 64, /* of any of these */
};

/* What kernels know as activations: enum activation, and squeeze-excite's gates. */
enum gate { GATE_HARD = ACTIVATIONS, GATE_SIGMOID };
enum residual { RESIDUAL_NONE, RESIDUAL_BEFORE_ACT, RESIDUAL_AFTER_ACT };

/* opencl.c, steps.c, layers.c: layers as sequences of kernels and products. */

struct engine {
    struct opencl_device device;
    size_t batch;
    uint64_t most_bytes; /* of one buffer */
    cl_context context;
    cl_program program;
    struct opencl_origin origin; /* of the program */
    cl_kernel start;
    int ops;                       /* that there are */
    cl_mem extra;                  /* where CLBlast lays out operands; while there are ops that need it */
    size_t extra_bytes;            /* of it */
    cl_command_queue plain, timed; /* a queue that takes times may be slower */
    cl_command_queue queue;        /* of the run under way: one of both */
    cl_event *events;              /* of a timed run: its start, then the end of each layer */
    int event_count, event_capacity;
};

struct device_memory {
    struct engine *engine;
    cl_mem buffer;
    size_t bytes;
};

/* Tensors that steps read and write: the layer's own, then those in scratch. */
enum slot { SLOT_IN, SLOT_OUT, SLOT_EXPANDED, SLOT_FILTERED, SLOT_POOLED, SLOT_SQUEEZED, SLOT_GATE, SLOTS };

struct step {
    cl_kernel kernel;          /* NULL: a product */
    cl_uint args, weights_arg; /* how many; which one is the op's weights, or 0 */
    size_t global[3], local[3];
    enum slot from, with, to;
    size_t rows, inputs, outputs; /* product: to[rows][outputs] = from[rows][inputs] x matrix[inputs][outputs] */
    cl_mem matrix;
    size_t extra_bytes; /* of the engine's, that CLBlast wants for it */
    bool adds;          /* product: to what is there */
};

enum { MAX_STEPS = 12 };

struct op {
    struct engine *engine;
    struct step steps[MAX_STEPS];
    int count;
    float *staging; /* all weights but the matrices, while steps are added */
    size_t staged;  /* floats */
    cl_mem weights;
    size_t weight_bytes;          /* with matrices, and what the engine's extra grew by */
    size_t slot_bytes[SLOTS];     /* of the whole batch; 0: not used */
    size_t slot_offsets[SLOTS];   /* in scratch */
    struct device_memory *memory; /* as set up, with the places of slots in it, in floats */
    size_t places[SLOTS];
    bool launched;      /* once, so that what a driver compiles at the first launch is compiled */
    cl_int code;        /* of the first call that failed while steps were added */
    const char *failed; /* what that was */
};

/* Adding steps: after a failure nothing more is done, and op->code says why. */

/** Begin a step of a kernel on so many items, rounded up to whole groups; its arguments follow. */
void opencl_add_kernel(struct op *, const char *name, enum slot from, enum slot with, enum slot to,
                       const size_t items[3], const size_t local[3]);
void opencl_arg_uint(struct op *, size_t value);
void opencl_arg_int(struct op *, int value);
void opencl_arg_shape(struct op *, const struct shape *);
/** The op's weights, whose buffer is made later. */
void opencl_arg_weights(struct op *);
/** A place in them, in floats. */
void opencl_arg_place(struct op *, size_t place);
/** Weights to come, on the host: n floats from source, or zeros where that is NULL. @return their place. */
size_t opencl_stage(struct op *, const float *source, size_t n);
/** A product with matrix[outputs][inputs], which is laid out as CLBlast likes it. */
void opencl_add_product(struct op *, enum slot from, enum slot to, size_t rows, size_t inputs, size_t outputs,
                        const float *matrix, bool adds);
/** Make the buffer of all that was staged, and tell the kernels. */
void opencl_end(struct op *); /* after the last step */

enum lathe_status opencl_step_setup(struct op *, const struct step *, struct lathe_error *err);
/** Queue it. @param event of its last kernel, or NULL. */
cl_int opencl_step_run(const struct op *, const struct step *, cl_event *event);

/** Add the steps of a layer to an op whose engine is set. LATHE_UNSUPPORTED for tensors of 2^31 values or more. */
enum lathe_status opencl_layer_create(struct op *, const struct layer *, const struct weights *,
                                      struct lathe_error *err);

#endif
