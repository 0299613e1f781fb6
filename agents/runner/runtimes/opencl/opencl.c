/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* OpenCL 1.2: one device, its kernels, its queues, and runs. Activations stay on the device from a network's input to
 * its output. */
#include <stdio.h>
#include <stdlib.h>

#include "agents/runner/core/timing.h"
#include "agents/runner/runtimes/opencl/internal.h"

static const char *opencl_version(void)
{
    return "CLBlast " CLBLAST_VERSION;
}

static enum lathe_status opencl_supports(const struct runtime_options *o, struct lathe_error *err)
{
    struct opencl_device device;
    if (o->dtype != DTYPE_F32) return error_set(err, LATHE_UNSUPPORTED, "opencl knows f32 only");
    if (o->threads != 1) return error_set(err, LATHE_UNSUPPORTED, "opencl takes 1 for threads: the device has its own");
    return opencl_choose(&device, err);
}

static void opencl_close(struct engine *e)
{
    if (!e) return;
    for (int i = 0; i < e->event_count; i++) clReleaseEvent(e->events[i]);
    free(e->events);
    if (e->start) clReleaseKernel(e->start);
    if (e->program) clReleaseProgram(e->program);
    if (e->plain) clReleaseCommandQueue(e->plain);
    if (e->timed) clReleaseCommandQueue(e->timed);
    if (e->context) clReleaseContext(e->context);
    free(e);
}

/* What the device allows. */
static enum lathe_status read_limits(struct engine *e, struct lathe_error *err)
{
    cl_ulong bytes = 0;
    size_t items = 0;
    cl_int code = clGetDeviceInfo(e->device.id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof bytes, &bytes, NULL);
    if (!code) code = clGetDeviceInfo(e->device.id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof items, &items, NULL);
    if (code) return opencl_failure(code, "asking the device for its limits", err);
    if (items < MOST_ITEMS)
        return error_set(err, LATHE_UNSUPPORTED, "%s has work-groups of up to %zu items only; %d are needed",
                         e->device.name, items, MOST_ITEMS);
    e->most_bytes = bytes;
    return LATHE_OK;
}

static enum lathe_status start_engine(struct engine *e, struct lathe_error *err)
{
    cl_int code = CL_SUCCESS;
    e->context = clCreateContext(NULL, 1, &e->device.id, NULL, NULL, &code);
    if (!code) e->plain = clCreateCommandQueue(e->context, e->device.id, 0, &code);
    if (!code) e->timed = clCreateCommandQueue(e->context, e->device.id, CL_QUEUE_PROFILING_ENABLE, &code);
    enum lathe_status st = opencl_failure(code, "starting the device", err);
    if (!st) st = opencl_program(e->context, &e->device, &e->program, &e->origin, err);
    if (st) return st;
    e->start = clCreateKernel(e->program, "start", &code);
    return opencl_failure(code, "reading the kernels", err);
}

static enum lathe_status opencl_open(const struct runtime_options *o, struct engine **out, struct lathe_error *err)
{
    struct engine *e = calloc(1, sizeof *e);
    if (!e) return error_set(err, LATHE_NO_MEMORY, "out of memory for a runtime");
    e->batch = (size_t)o->batch;
    enum lathe_status st = opencl_choose(&e->device, err);
    if (!st) st = read_limits(e, err);
    if (!st) st = start_engine(e, err);
    if (st) {
        opencl_close(e);
        return st;
    }
    e->queue = e->plain;
    *out = e;
    return LATHE_OK;
}

static void drop_extra(struct engine *e)
{
    if (e->extra) clReleaseMemObject(e->extra);
    e->extra = NULL;
    e->extra_bytes = 0;
}

static void opencl_op_free(struct op *op)
{
    if (!op) return;
    if (--op->engine->ops == 0) drop_extra(op->engine);
    for (int i = 0; i < op->count; i++) {
        if (op->steps[i].kernel) clReleaseKernel(op->steps[i].kernel);
        if (op->steps[i].matrix) clReleaseMemObject(op->steps[i].matrix);
    }
    if (op->weights) clReleaseMemObject(op->weights);
    free(op->staging);
    free(op);
}

static size_t place_slots(struct op *op)
{
    size_t bytes = 0;
    for (int i = SLOT_EXPANDED; i < SLOTS; i++) {
        op->slot_offsets[i] = bytes;
        bytes += (op->slot_bytes[i] + RUNTIME_ALIGN_BYTES - 1) / RUNTIME_ALIGN_BYTES * RUNTIME_ALIGN_BYTES;
    }
    return bytes;
}

static enum lathe_status opencl_prepare(struct engine *e, const struct layer *l, const struct weights *w,
                                        struct op **out, struct op_needs *needs, struct lathe_error *err)
{
    struct op *op = calloc(1, sizeof *op);
    if (!op) return error_set(err, LATHE_NO_MEMORY, "out of memory for a layer");
    op->engine = e;
    e->ops++;
    enum lathe_status st = opencl_layer_create(op, l, w, err);
    if (st) {
        opencl_op_free(op);
        return st;
    }
    *needs = (struct op_needs){
        .in_bytes = e->batch * shape_elements(&l->in) * sizeof(float),
        .out_bytes = e->batch * shape_elements(&l->out) * sizeof(float),
        .scratch_bytes = place_slots(op),
        .weight_bytes = op->weight_bytes,
    };
    *out = op;
    return LATHE_OK;
}

/* Queue a layer. @param event of its end, or NULL. */
static cl_int launch(struct op *op, cl_event *event)
{
    cl_int code = CL_SUCCESS;
    for (int i = 0; i < op->count && !code; i++)
        code = opencl_step_run(op, &op->steps[i], i == op->count - 1 ? event : NULL);
    return code;
}

static enum lathe_status opencl_run(struct op *op)
{
    struct engine *e = op->engine;
    const bool timed = e->queue == e->timed && e->event_count < e->event_capacity;
    if (launch(op, timed ? &e->events[e->event_count] : NULL)) return LATHE_IO;
    e->event_count += timed;
    return LATHE_OK;
}

static uint64_t opencl_memory_bytes(const struct engine *e)
{
    cl_ulong bytes = 0;
    if (clGetDeviceInfo(e->device.id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof bytes, &bytes, NULL)) return UINT64_MAX;
    return bytes / 4 * 3;
}

static void opencl_free(struct device_memory *m)
{
    if (!m) return;
    if (m->buffer) clReleaseMemObject(m->buffer);
    free(m);
}

static enum lathe_status opencl_alloc(struct engine *e, size_t bytes, struct device_memory **out,
                                      struct lathe_error *err)
{
    const cl_float zero = 0;
    cl_int code = CL_SUCCESS;
    if (bytes > e->most_bytes)
        return error_set(err, LATHE_NO_MEMORY, "%zu bytes of activations are needed, %s allows %llu at once", bytes,
                         e->device.name, (unsigned long long)e->most_bytes);
    struct device_memory *m = calloc(1, sizeof *m);
    if (!m) return error_set(err, LATHE_NO_MEMORY, "out of memory for a network");
    *m = (struct device_memory){.engine = e, .bytes = (bytes + 63) / 64 * 64};
    m->buffer = clCreateBuffer(e->context, CL_MEM_READ_WRITE, m->bytes, NULL, &code);
    if (!code) code = clEnqueueFillBuffer(e->plain, m->buffer, &zero, sizeof zero, 0, m->bytes, 0, NULL, NULL);
    if (!code) code = clFinish(e->plain);
    if (code) {
        opencl_free(m);
        return opencl_failure(code, "making room for activations", err);
    }
    *out = m;
    return LATHE_OK;
}

static enum lathe_status opencl_write(struct device_memory *m, size_t offset, const void *bytes, size_t n,
                                      struct lathe_error *err)
{
    return opencl_failure(clEnqueueWriteBuffer(m->engine->plain, m->buffer, CL_TRUE, offset, n, bytes, 0, NULL, NULL),
                          "writing to the device", err);
}

static enum lathe_status opencl_read(const struct device_memory *m, size_t offset, void *bytes, size_t n,
                                     struct lathe_error *err)
{
    return opencl_failure(clEnqueueReadBuffer(m->engine->plain, m->buffer, CL_TRUE, offset, n, bytes, 0, NULL, NULL),
                          "reading from the device", err);
}

/* Drivers, and CLBlast, put off compiling until a kernel is launched. No timed run shall have to wait for that. Nor
 * shall the opening of a runtime, whose caller expects it to be quick. */
static enum lathe_status launch_once(struct op *op, struct lathe_error *err)
{
    op->engine->queue = op->engine->plain;
    cl_int code = launch(op, NULL);
    cl_int finished = clFinish(op->engine->plain);
    enum lathe_status st = opencl_failure(code ? code : finished, "launching a layer for the first time", err);
    op->launched = !st;
    if (!st) opencl_program_keep(op->engine->program, &op->engine->origin);
    return st;
}

static enum lathe_status opencl_setup(struct op *op, struct device_memory *memory, const struct op_places *at,
                                      struct lathe_error *err)
{
    enum lathe_status st = LATHE_OK;
    op->memory = memory;
    op->places[SLOT_IN] = at->in / sizeof(float);
    op->places[SLOT_OUT] = at->out / sizeof(float);
    for (int i = SLOT_EXPANDED; i < SLOTS; i++) op->places[i] = (at->scratch + op->slot_offsets[i]) / sizeof(float);
    for (int i = 0; !st && i < op->count; i++) st = opencl_step_setup(op, &op->steps[i], err);
    return st || op->launched ? st : launch_once(op, err);
}

static enum lathe_status reserve_events(struct engine *e, int count, struct lathe_error *err)
{
    for (int i = 0; i < e->event_count; i++) clReleaseEvent(e->events[i]);
    e->event_count = 0;
    if (count < 1 || count <= e->event_capacity) return LATHE_OK;
    cl_event *events = realloc(e->events, (size_t)count * sizeof(cl_event));
    if (!events) return error_set(err, LATHE_NO_MEMORY, "out of memory for the times of %d layers", count);
    e->events = events;
    e->event_capacity = count;
    return LATHE_OK;
}

static enum lathe_status opencl_begin(struct engine *e, int layers, struct lathe_error *err)
{
    static const size_t one = 1;
    enum lathe_status st = reserve_events(e, layers ? layers + 1 : 0, err);
    if (st) return st;
    e->queue = layers ? e->timed : e->plain;
    if (!layers) return LATHE_OK;
    st = opencl_failure(clEnqueueNDRangeKernel(e->queue, e->start, 1, NULL, &one, &one, 0, NULL, &e->events[0]),
                        "starting a run", err);
    e->event_count = !st;
    return st;
}

static enum lathe_status opencl_finish(struct engine *e, struct lathe_error *err)
{
    return opencl_failure(clFinish(e->queue), "waiting for the device", err);
}

/* When a command ended, in nanoseconds of the device's clock. */
static cl_int end_of(cl_event event, cl_ulong *out)
{
    cl_int state = CL_COMPLETE;
    cl_int code = clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL);
    if (code) return code;
    if (state < 0) return state; /* it failed, and this is why */
    return clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof *out, out, NULL);
}

/* From end to end, not the sum of each command's start to end: CLBlast gives the event of its last command only, and
 * what passes between two commands is part of how long a network takes. */
static enum lathe_status opencl_times(struct engine *e, uint32_t *wall_ns, int layers, struct lathe_error *err)
{
    cl_ulong before = 0;
    if (e->event_count != layers + 1) return error_set(err, LATHE_IO, "the run has times of other layers");
    cl_int code = end_of(e->events[0], &before);
    for (int i = 0; i < layers && !code; i++) {
        cl_ulong end = before;
        code = end_of(e->events[i + 1], &end);
        wall_ns[i] = elapsed_u32(before, end);
        before = end;
    }
    return opencl_failure(code, "reading times", err);
}

static void opencl_describe(const struct runtime_options *o, struct runtime_lines *out)
{
    struct opencl_device d;
    char hash[17];
    (void)o;
    opencl_source_hash(hash);
    snprintf(out->line[out->count++], RUNTIME_LINE_BYTES, "opencl_kernels=%s", hash);
    if (opencl_choose(&d, NULL)) return;
    snprintf(out->line[out->count++], RUNTIME_LINE_BYTES, "opencl_device=%s", d.name);
    snprintf(out->line[out->count++], RUNTIME_LINE_BYTES, "opencl_version=%s", d.version);
    snprintf(out->line[out->count++], RUNTIME_LINE_BYTES, "opencl_driver=%s", d.driver);
    snprintf(out->line[out->count++], RUNTIME_LINE_BYTES, "opencl_platform=%.90s, %.120s", d.platform_name,
             d.platform_version);
}

static bool opencl_choice(int index, struct runtime_choice *out)
{
    struct opencl_device devices[OPENCL_DEVICES];
    struct opencl_device chosen = {0};
    if (index >= opencl_devices(devices)) return false;
    const struct opencl_device *d = &devices[index];
    out->chosen = !opencl_choose(&chosen, NULL) && chosen.id == d->id;
    snprintf(out->name, sizeof out->name, "%.100s, driver %.40s (%.70s)", d->name, d->driver, d->platform_name);
    return true;
}

static const struct runtime_device device = {
    .memory_bytes = opencl_memory_bytes,
    .alloc = opencl_alloc,
    .free = opencl_free,
    .write = opencl_write,
    .read = opencl_read,
    .setup = opencl_setup,
    .begin = opencl_begin,
    .finish = opencl_finish,
    .times = opencl_times,
};

const struct runtime opencl_runtime = {
    .name = "opencl",
    .version = opencl_version,
    .supports = opencl_supports,
    .open = opencl_open,
    .prepare = opencl_prepare,
    .run = opencl_run,
    .op_free = opencl_op_free,
    .close = opencl_close,
    .describe = opencl_describe,
    .choice = opencl_choice,
    .device = &device,
};
