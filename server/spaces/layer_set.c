/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/spaces/layer_set.h"

#include <stdlib.h>
#include <string.h>

static uint32_t mix(uint32_t hash, int value)
{
    return (hash ^ (uint32_t)value) * 0x9e3779b1u + (hash >> 15);
}

static uint32_t hash_of(const struct layer *l)
{
    uint32_t h = mix(2166136261u, (int)l->kind);
    h = mix(mix(mix(h, l->in.h), l->in.w), l->in.c);
    h = mix(mix(mix(h, l->out.h), l->out.w), l->out.c);
    h = mix(mix(mix(h, l->mid), l->kernel), l->stride);
    h = mix(mix(mix(h, (int)l->act), l->se), l->residual);
    return h ^ (h >> 16);
}

/* The bucket that holds the layer, or the free one where it belongs. */
static int *bucket_of(const struct layer_set *set, const struct layer *layer)
{
    uint32_t mask = (uint32_t)set->bucket_count - 1;
    for (uint32_t i = hash_of(layer) & mask;; i = (i + 1) & mask) {
        int number = set->buckets[i];
        if (!number || layer_equal(&set->layers[number - 1], layer)) return &set->buckets[i];
    }
}

static bool grow(struct layer_set *set)
{
    int capacity = set->capacity ? set->capacity * 2 : 64;
    struct layer *layers = realloc(set->layers, (size_t)capacity * sizeof *layers);
    if (!layers) return false;
    set->layers = layers;
    int *buckets = calloc((size_t)capacity * 2, sizeof *buckets);
    if (!buckets) return false;
    free(set->buckets);
    set->buckets = buckets;
    set->capacity = capacity;
    set->bucket_count = capacity * 2;
    for (int i = 0; i < set->count; i++) *bucket_of(set, &set->layers[i]) = i + 1;
    return true;
}

void layer_set_init(struct layer_set *set)
{
    memset(set, 0, sizeof *set);
}

void layer_set_clear(struct layer_set *set)
{
    free(set->layers);
    free(set->buckets);
    layer_set_init(set);
}

int layer_set_add(struct layer_set *set, const struct layer *layer)
{
    if (set->count == set->capacity && !grow(set)) return -1;
    int *bucket = bucket_of(set, layer);
    if (*bucket) return *bucket - 1;
    set->layers[set->count] = *layer;
    *bucket = ++set->count;
    return set->count - 1;
}
