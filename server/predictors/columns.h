/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The first layer of a predictor as sums of columns. Its inputs are one-hot, so every choice of a block (kernel size
 * and expand ratio together) has one column of weights, and the layer's sums are the bias plus a column a block and one
 * for the resolution. Which columns those are is also what the predictor knows of a subnet: two subnets with the same
 * columns are one to it.
 * Threads: never changes after columns_new(). */
#ifndef LATHE_PREDICTORS_COLUMNS_H
#define LATHE_PREDICTORS_COLUMNS_H

#include "server/predictors/encoding.h"

struct predictor;

enum { COLUMN_ABSENT = 0xffff, COLUMN_DIMS = 2 };

/* Dimensions that are present or absent together. */
struct column_group {
    int dims[COLUMN_DIMS], strides[COLUMN_DIMS], dim_count;
    int hub;                        /* the dimension that decides whether the group is present; -1: it always is */
    bool present[SPACE_MAX_VALUES]; /* by the hub's value index */
    size_t first;                   /* number of its first column */
};

struct columns {
    size_t width; /* sums of the first layer, rounded up to a multiple of 16; those beyond its outputs are 0 */
    int group_count;
    struct column_group groups[SPACE_MAX_DIMS];
    size_t count;
    float *values;   /* [count][width] */
    float *bias;     /* [width] */
    uint64_t *marks; /* [count] random bits, whose exclusive or over a subnet's columns is its key */
};

/* The columns of a subnet, by group. */
struct column_codes {
    uint16_t at[SPACE_MAX_DIMS]; /* number of the column, or COLUMN_ABSENT */
};

/** @return NULL when out of memory. */
struct columns *columns_new(const struct predictor *);
void columns_free(struct columns *);

/** @return the key; never 0. */
uint64_t columns_code(const struct columns *, const struct subnet *, struct column_codes *out);
/** The sums of a subnet before the activation. @param out [width] */
void columns_sum(const struct columns *, const struct column_codes *, float *out);
/** The same from the sums of another subnet, by the columns in which they differ. */
void columns_change(const struct columns *, const struct column_codes *from, const float *from_sums,
                    const struct column_codes *, float *out);

#endif
