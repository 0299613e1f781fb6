/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A file of the cache is a line of text that says what it is, then the program as the driver gave it. Its name is a
 * hash of all that the program depends on; the line has a hash of the program, since a driver may not survive a
 * damaged one. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agents/runner/runtimes/opencl/internal.h"
#include "lut/base/file.h"
#include "lut/base/log.h"

extern const char opencl_source[]; /* kernels.cl, by CMake */

enum { OPTIONS_BYTES = 512, HEAD_BYTES = 64, MOST_PROGRAM_BYTES = 64 << 20 };

static const uint64_t FNV_START = 0xcbf29ce484222325u;

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < n; i++) hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

/* Its NUL, too, so that two texts are not another two with the same letters. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    return hash_bytes(hash, text, strlen(text) + 1);
}

static void print_options(char out[OPTIONS_BYTES])
{
    snprintf(out, OPTIONS_BYTES,
             "-cl-std=CL1.2 -DACT_RELU=%d -DACT_RELU6=%d -DACT_HSWISH=%d -DACT_SWISH=%d -DGATE_HARD=%d "
             "-DGATE_SIGMOID=%d -DRESIDUAL_BEFORE_ACT=%d -DRESIDUAL_AFTER_ACT=%d -DPOOL_CHANNELS=%d -DPOOL_LANES=%d "
             "-DDENSE_LANES=%d",
             ACT_RELU, ACT_RELU6, ACT_HSWISH, ACT_SWISH, GATE_HARD, GATE_SIGMOID, RESIDUAL_BEFORE_ACT,
             RESIDUAL_AFTER_ACT, POOL_CHANNELS, POOL_LANES, DENSE_LANES);
}

static uint64_t hash_source(void)
{
    char options[OPTIONS_BYTES];
    print_options(options);
    return hash_text(hash_text(FNV_START, options), opencl_source);
}

void opencl_source_hash(char out[17])
{
    snprintf(out, 17, "%016" PRIx64, hash_source());
}

static uint64_t hash_all(const struct opencl_device *d)
{
    uint64_t hash = hash_source();
    hash = hash_text(hash, d->platform_name);
    hash = hash_text(hash, d->platform_version);
    hash = hash_text(hash, d->name);
    hash = hash_text(hash, d->version);
    return hash_text(hash, d->driver);
}

/* The cache's folder; "" where the environment names no place for one. */
static void print_folder(char *out, size_t capacity)
{
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    out[0] = '\0';
    /* A path that is not absolute means nothing, says the XDG base directory specification. */
    if (cache && cache[0] == '/') snprintf(out, capacity, "%s/lathe/opencl", cache);
    else if (home && home[0] == '/') snprintf(out, capacity, "%s/.cache/lathe/opencl", home);
}

static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool failed = mkdir(path, 0700) && errno != EEXIST;
        *slash = '/';
        if (failed) return false;
    }
    return true;
}

static int print_head(char head[HEAD_BYTES], const void *program, size_t n)
{
    return snprintf(head, HEAD_BYTES, "lathe-opencl 1 %zu %016" PRIx64 "\n", n, hash_bytes(FNV_START, program, n));
}

static cl_int build(cl_program program, const struct opencl_device *d)
{
    char options[OPTIONS_BYTES];
    print_options(options);
    return clBuildProgram(program, 1, &d->id, options, NULL, NULL);
}

/* @return NULL when the driver does not take it: of another version, say, that calls itself the same. */
static cl_program from_binary(cl_context context, const struct opencl_device *d, const char *bytes, size_t n)
{
    cl_int code = CL_SUCCESS;
    cl_int status = CL_SUCCESS;
    const unsigned char *binary = (const unsigned char *)bytes;
    cl_program program = clCreateProgramWithBinary(context, 1, &d->id, &n, &binary, &status, &code);
    if (code) return NULL;
    if (!status && !build(program, d)) return program;
    clReleaseProgram(program);
    return NULL;
}

/* @return NULL when the cache has no such program, or a damaged one. */
static cl_program from_cache(cl_context context, const struct opencl_device *d, const char *path)
{
    char *data = NULL;
    char head[HEAD_BYTES];
    size_t size = 0;
    cl_program program = NULL;
    if (file_read(path, MOST_PROGRAM_BYTES, &data, &size, NULL)) return NULL;
    const char *end = memchr(data, '\n', size < HEAD_BYTES ? size : HEAD_BYTES);
    if (end) {
        const char *binary = end + 1;
        const size_t n = size - (size_t)(binary - data);
        const int length = print_head(head, binary, n);
        if (length == binary - data && memcmp(head, data, (size_t)length) == 0)
            program = from_binary(context, d, binary, n);
    }
    free(data);
    return program;
}

static enum lathe_status compile(cl_context context, const struct opencl_device *d, cl_program *out,
                                 struct lathe_error *err)
{
    char log[320] = "";
    cl_int code = CL_SUCCESS;
    const char *source = opencl_source;
    cl_program program = clCreateProgramWithSource(context, 1, &source, NULL, &code);
    if (code) return opencl_failure(code, "reading the kernels", err);
    code = build(program, d);
    if (!code) {
        *out = program;
        return LATHE_OK;
    }
    clGetProgramBuildInfo(program, d->id, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
    clReleaseProgram(program);
    return error_set(err, LATHE_IO, "%s does not compile the kernels: code %d: %s", d->name, (int)code, log);
}

/* The program as the driver gives it, behind a line that describes it. NULL when it gives none. */
static char *describe_binary(cl_program program, char **start, size_t *size)
{
    size_t n = 0;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof n, &n, NULL) || n == 0) return NULL;
    char *data = malloc(HEAD_BYTES + n);
    if (!data) return NULL;
    unsigned char *binary = (unsigned char *)data + HEAD_BYTES;
    if (clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL)) {
        free(data);
        return NULL;
    }
    char head[HEAD_BYTES];
    const size_t length = (size_t)print_head(head, binary, n);
    *start = data + HEAD_BYTES - length;
    *size = length + n;
    memcpy(*start, head, length);
    return data;
}

void opencl_program_keep(cl_program program, struct opencl_origin *origin)
{
    char *start = NULL;
    size_t size = 0;
    struct lathe_error err = {.message = "can't make its folder"};
    if (origin->cached || !origin->path[0]) return;
    origin->cached = true; /* is tried once */
    char *data = describe_binary(program, &start, &size);
    if (data && (!make_folders(origin->path) || file_write(origin->path, start, size, 0600, &err)))
        log_event(LOG_WARN, "failed to keep the OpenCL kernels in %s: %s", origin->path, err.message);
    free(data);
}

enum lathe_status opencl_program(cl_context context, const struct opencl_device *d, cl_program *out,
                                 struct opencl_origin *origin, struct lathe_error *err)
{
    char folder[sizeof origin->path - 32];
    *origin = (struct opencl_origin){0};
    print_folder(folder, sizeof folder);
    if (folder[0]) snprintf(origin->path, sizeof origin->path, "%s/%016" PRIx64 ".bin", folder, hash_all(d));
    cl_program program = origin->path[0] ? from_cache(context, d, origin->path) : NULL;
    origin->cached = program != NULL;
    if (!program) {
        enum lathe_status st = compile(context, d, &program, err);
        if (st) return st;
        log_event(LOG_INFO, "compiled the OpenCL kernels for %s cache=%s", d->name,
                  origin->path[0] ? origin->path : "none");
    }
    *out = program;
    return LATHE_OK;
}
