/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A set of different layers, numbered in order of their first appearance. Threads: one owner. */
#ifndef LATHE_SPACES_LAYER_SET_H
#define LATHE_SPACES_LAYER_SET_H

#include "lut/layer/layer.h"

struct layer_set {
    struct layer *layers;
    int count, capacity; /* of layers */
    int *buckets;        /* number + 1, or 0; a power of two of them */
    int bucket_count;
};

void layer_set_init(struct layer_set *);
void layer_set_clear(struct layer_set *);
/** The number of a layer, added when it is new: then it equals the count before. @return -1 when out of memory. */
int layer_set_add(struct layer_set *, const struct layer *);

#endif
