/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Safetensors files (github.com/huggingface/safetensors): a length (u64, little endian), a JSON header, then data.
 *
 * The reader trusts nothing: the header must end inside the file, every tensor's offsets must lie in the data, hold as
 * many bytes as shape and dtype say, and together cover the data without gap or overlap.
 * Threads: plain values. */
#ifndef LATHE_PREDICTORS_SAFETENSORS_H
#define LATHE_PREDICTORS_SAFETENSORS_H

#include <jansson.h>

#include "lut/base/error.h"

enum { TENSOR_MAX_RANK = 8, TENSOR_NAME_BYTES = 64 };

struct tensor {
    char name[TENSOR_NAME_BYTES];
    char dtype[16]; /* as in the header: "F32", "BF16", ... */
    int rank;
    size_t shape[TENSOR_MAX_RANK];
    size_t elements;
    size_t begin, end; /* in the data */
};

struct safetensors {
    json_t *metadata; /* object of strings; owned; NULL when the file has none */
    struct tensor *tensors;
    size_t count;
    const unsigned char *data; /* borrowed from the file's bytes */
    size_t data_size;
};

/** @param[out] out safetensors_clear() it; it borrows bytes. @return LATHE_OK, LATHE_INVALID (err names the tensor in
 *  field where one is at fault) or LATHE_NO_MEMORY. */
enum lathe_status safetensors_parse(const void *bytes, size_t size, struct safetensors *out, struct lathe_error *err);
void safetensors_clear(struct safetensors *);

/** NULL when there is none of that name. */
const struct tensor *safetensors_find(const struct safetensors *, const char *name);

/** Copy the numbers of an F32 tensor. NaN, infinities and other dtypes are LATHE_INVALID. @param out its elements. */
enum lathe_status safetensors_read_f32(const struct safetensors *, const struct tensor *, float *out,
                                       struct lathe_error *err);

struct tensor_source {
    const char *name; /* as long as TENSOR_NAME_BYTES allows */
    int rank;
    size_t shape[TENSOR_MAX_RANK];
    const float *values;
};

/** Write F32 tensors. @param metadata object of strings; borrowed. @param[out] file malloc'd bytes. */
enum lathe_status safetensors_write(const json_t *metadata, const struct tensor_source *, size_t count, char **file,
                                    size_t *size, struct lathe_error *err);

#endif
