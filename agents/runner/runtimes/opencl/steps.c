/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Launches of kernels, and products by CLBlast.
 *
 * CLBlast works column by column: rows of a tensor are columns to it, and a product is the transposed one, weights
 * first. With weights as [inputs][outputs] that leaves only the tensor to be laid out anew for its fast kernel. */
#include <clblast_c.h>
#include <stdlib.h>
#include <string.h>

#include "agents/runner/runtimes/opencl/internal.h"

enum { FIRST_ARG = 4 }; /* the arena, and three tensors in it */

/* Note a failure. @return whether all is well so far. */
static bool well(struct op *op, cl_int code, const char *what)
{
    if (op->code) return false;
    op->code = code;
    op->failed = what;
    return code == CL_SUCCESS;
}

static struct step *last_step(struct op *op)
{
    return &op->steps[op->count - 1];
}

void opencl_add_kernel(struct op *op, const char *name, enum slot from, enum slot with, enum slot to,
                       const size_t items[3], const size_t local[3])
{
    if (op->code) return;
    cl_int code = CL_SUCCESS;
    cl_kernel kernel = clCreateKernel(op->engine->program, name, &code);
    if (!well(op, code, name)) return;
    struct step *s = &op->steps[op->count++];
    *s = (struct step){.kernel = kernel, .args = FIRST_ARG, .from = from, .with = with, .to = to};
    for (int i = 0; i < 3; i++) {
        s->local[i] = local[i];
        s->global[i] = (items[i] + local[i] - 1) / local[i] * local[i];
    }
}

static void add_arg(struct op *op, const void *value, size_t bytes)
{
    if (op->code) return;
    struct step *s = last_step(op);
    well(op, clSetKernelArg(s->kernel, s->args++, bytes, value), "passing an argument");
}

void opencl_arg_uint(struct op *op, size_t value)
{
    const cl_uint number = (cl_uint)value;
    add_arg(op, &number, sizeof number);
}

void opencl_arg_int(struct op *op, int value)
{
    const cl_int number = value;
    add_arg(op, &number, sizeof number);
}

void opencl_arg_shape(struct op *op, const struct shape *shape)
{
    const cl_int4 numbers = {{shape->h, shape->w, shape->c, 0}};
    add_arg(op, &numbers, sizeof numbers);
}

void opencl_arg_place(struct op *op, size_t place)
{
    const cl_ulong number = place;
    add_arg(op, &number, sizeof number);
}

void opencl_arg_weights(struct op *op)
{
    if (op->code) return;
    struct step *s = last_step(op);
    s->weights_arg = s->args++;
}

size_t opencl_stage(struct op *op, const float *source, size_t n)
{
    if (op->code) return 0;
    const size_t place = op->staged;
    float *grown = realloc(op->staging, (place + n) * sizeof *grown);
    if (!well(op, grown ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY, "laying out weights")) return 0;
    if (source) memcpy(grown + place, source, n * sizeof *grown);
    else memset(grown + place, 0, n * sizeof *grown);
    op->staging = grown;
    op->staged += n;
    return place;
}

static cl_mem make_weights(struct op *op, float *values, size_t n)
{
    cl_int code = CL_SUCCESS;
    cl_mem buffer =
        clCreateBuffer(op->engine->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, n * sizeof *values, values, &code);
    if (!well(op, code, "placing weights")) return NULL;
    op->weight_bytes += n * sizeof *values;
    return buffer;
}

/* Bytes that CLBlast wants beside a product, wherever its tensors lie: an offset of 0 could save it a copy. */
static size_t product_bytes(struct op *op, const struct step *s)
{
    size_t bytes = 0;
    CLBlastStatusCode code =
        CLBlastSGemmTempBufferSize(CLBlastLayoutColMajor, CLBlastTransposeNo, CLBlastTransposeNo, s->outputs, s->rows,
                                   s->inputs, 0, s->outputs, 1, s->inputs, 1, s->outputs, &op->engine->plain, &bytes);
    well(op, (cl_int)code, "asking CLBlast for the size of a product");
    return bytes;
}

/* One buffer for all products, since they run one after the other. It is none of the arena: a kernel that reads a
 * buffer while it writes a part of it as a buffer of its own is undefined. What it grows by counts as this op's. */
static void reserve_extra(struct op *op, size_t bytes)
{
    struct engine *e = op->engine;
    cl_int code = CL_SUCCESS;
    if (op->code || bytes <= e->extra_bytes) return;
    cl_mem grown = clCreateBuffer(e->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    if (!well(op, code, "making room for products")) return;
    if (e->extra) clReleaseMemObject(e->extra);
    op->weight_bytes += bytes - e->extra_bytes;
    e->extra = grown;
    e->extra_bytes = bytes;
}

void opencl_add_product(struct op *op, enum slot from, enum slot to, size_t rows, size_t inputs, size_t outputs,
                        const float *matrix, bool adds)
{
    if (op->code) return;
    float *turned = malloc(inputs * outputs * sizeof *turned);
    if (!well(op, turned ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY, "laying out weights")) return;
    for (size_t o = 0; o < outputs; o++)
        for (size_t i = 0; i < inputs; i++) turned[i * outputs + o] = matrix[o * inputs + i];
    struct step *s = &op->steps[op->count++];
    *s = (struct step){.from = from,
                       .with = from,
                       .to = to,
                       .rows = rows,
                       .inputs = inputs,
                       .outputs = outputs,
                       .matrix = make_weights(op, turned, inputs * outputs),
                       .adds = adds};
    free(turned);
    s->extra_bytes = product_bytes(op, s);
    reserve_extra(op, s->extra_bytes);
}

void opencl_end(struct op *op)
{
    if (op->staged) op->weights = make_weights(op, op->staging, op->staged);
    free(op->staging);
    op->staging = NULL;
    for (int i = 0; i < op->count && !op->code; i++) {
        const struct step *s = &op->steps[i];
        if (s->weights_arg)
            well(op, clSetKernelArg(s->kernel, s->weights_arg, sizeof(cl_mem), &op->weights), "passing weights");
    }
}

enum lathe_status opencl_step_setup(struct op *op, const struct step *s, struct lathe_error *err)
{
    if (!s->kernel) return LATHE_OK;
    const enum slot slots[3] = {s->from, s->with, s->to};
    cl_int code = clSetKernelArg(s->kernel, 0, sizeof(cl_mem), &op->memory->buffer);
    for (cl_uint i = 0; i < 3 && !code; i++) {
        const cl_ulong place = op->places[slots[i]];
        code = clSetKernelArg(s->kernel, 1 + i, sizeof place, &place);
    }
    return opencl_failure(code, "passing tensors", err);
}

static cl_int run_product(const struct op *op, const struct step *s, cl_event *event)
{
    cl_mem arena = op->memory->buffer;
    return (cl_int)CLBlastSgemmWithTempBuffer(
        CLBlastLayoutColMajor, CLBlastTransposeNo, CLBlastTransposeNo, s->outputs, s->rows, s->inputs, 1.0f, s->matrix,
        0, s->outputs, arena, op->places[s->from], s->inputs, s->adds ? 1.0f : 0.0f, arena, op->places[s->to],
        s->outputs, &op->engine->queue, event, s->extra_bytes ? op->engine->extra : NULL);
}

cl_int opencl_step_run(const struct op *op, const struct step *s, cl_event *event)
{
    if (!s->kernel) return run_product(op, s, event);
    return clEnqueueNDRangeKernel(op->engine->queue, s->kernel, 3, NULL, s->global, s->local, 0, NULL, event);
}
