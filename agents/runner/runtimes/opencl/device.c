/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/runner/runtimes/opencl/internal.h"

enum { PLATFORMS = 16 };

static void read_platform(cl_platform_id platform, cl_platform_info what, char *out, size_t capacity)
{
    if (clGetPlatformInfo(platform, what, capacity - 1, out, NULL)) snprintf(out, capacity, "unknown");
}

static void read_device(cl_device_id device, cl_device_info what, char *out, size_t capacity)
{
    if (clGetDeviceInfo(device, what, capacity - 1, out, NULL)) snprintf(out, capacity, "unknown");
}

static struct opencl_device device_of(cl_platform_id platform, cl_device_id id)
{
    struct opencl_device d = {.platform = platform, .id = id};
    cl_device_type type = 0;
    d.gpu = clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof type, &type, NULL) == CL_SUCCESS && (type & CL_DEVICE_TYPE_GPU);
    read_device(id, CL_DEVICE_NAME, d.name, sizeof d.name);
    read_device(id, CL_DRIVER_VERSION, d.driver, sizeof d.driver);
    read_device(id, CL_DEVICE_VERSION, d.version, sizeof d.version);
    read_platform(platform, CL_PLATFORM_NAME, d.platform_name, sizeof d.platform_name);
    read_platform(platform, CL_PLATFORM_VERSION, d.platform_version, sizeof d.platform_version);
    return d;
}

int opencl_devices(struct opencl_device *out)
{
    cl_platform_id platforms[PLATFORMS];
    cl_uint platform_count = 0;
    int count = 0;
    if (clGetPlatformIDs(PLATFORMS, platforms, &platform_count)) return 0;
    for (cl_uint p = 0; p < platform_count && p < PLATFORMS; p++) {
        cl_device_id ids[OPENCL_DEVICES];
        cl_uint id_count = 0;
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, OPENCL_DEVICES, ids, &id_count)) continue;
        for (cl_uint i = 0; i < id_count && i < OPENCL_DEVICES && count < OPENCL_DEVICES; i++)
            out[count++] = device_of(platforms[p], ids[i]);
    }
    return count;
}

static bool is_meant(const struct opencl_device *d, const char *wanted)
{
    return strcasestr(d->name, wanted) || strcasestr(d->platform_name, wanted);
}

static enum lathe_status none_meant(const struct opencl_device *devices, int count, const char *wanted,
                                    struct lathe_error *err)
{
    char names[384] = "";
    size_t n = 0;
    for (int i = 0; i < count && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s (%s)", i ? ", " : "", devices[i].name,
                              devices[i].platform_name);
    return error_set(err, LATHE_UNSUPPORTED, "no OpenCL device is called \"%.60s\"; there is: %s", wanted, names);
}

enum lathe_status opencl_choose(struct opencl_device *out, struct lathe_error *err)
{
    struct opencl_device devices[OPENCL_DEVICES];
    const int count = opencl_devices(devices);
    const char *wanted = getenv("LATHE_OPENCL_DEVICE");
    if (count == 0)
        return error_set(err, LATHE_UNSUPPORTED,
                         "no OpenCL device was found: install a driver (Debian: pocl-opencl-icd for the CPU, "
                         "mesa-opencl-icd or the vendor's for a GPU)");
    if (wanted && !*wanted) wanted = NULL;
    const struct opencl_device *found = wanted ? NULL : devices;
    for (int i = 0; i < count; i++) {
        if (wanted ? !is_meant(&devices[i], wanted) : !devices[i].gpu) continue;
        found = &devices[i];
        break;
    }
    if (!found) return none_meant(devices, count, wanted, err);
    *out = *found;
    return LATHE_OK;
}

enum lathe_status opencl_failure(cl_int code, const char *what, struct lathe_error *err)
{
    switch (code) {
    case CL_SUCCESS:
        return LATHE_OK;
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
    case CL_OUT_OF_RESOURCES:
    case CL_OUT_OF_HOST_MEMORY:
    case CL_INVALID_BUFFER_SIZE:
        return error_set(err, LATHE_NO_MEMORY, "OpenCL ran out of memory: code %d while %s", (int)code, what);
    default:
        return error_set(err, LATHE_IO, "OpenCL failed: code %d while %s", (int)code, what);
    }
}
