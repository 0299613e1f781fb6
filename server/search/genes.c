/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/search/genes.h"

static int expand_dim_of(const struct space *space, int block)
{
    for (int d = 0; d < space_dim_count(space); d++) {
        if (space_dim(space, d)->kind == DIM_EXPAND && space_dim(space, d)->index == block) return d;
    }
    return -1;
}

static bool has_kernel(const struct space *space, int block)
{
    for (int d = 0; d < space_dim_count(space); d++)
        if (space_dim(space, d)->kind == DIM_KERNEL && space_dim(space, d)->index == block) return true;
    return false;
}

void genes_find(struct genes *genes, const struct space *space)
{
    genes->count = 0;
    for (int d = 0; d < space_dim_count(space); d++) {
        const struct space_dim *dim = space_dim(space, d);
        int partner = dim->kind == DIM_KERNEL ? expand_dim_of(space, dim->index) : -1;
        if (dim->kind == DIM_EXPAND && has_kernel(space, dim->index)) continue;
        genes->items[genes->count++] = (struct gene){{d, partner}, partner < 0 ? 1 : 2};
    }
}

void genes_mutate(const struct genes *genes, const struct problem *p, struct rng *rng, double probability,
                  const struct subnet *parent, struct subnet *child)
{
    *child = *parent;
    for (int g = 0; g < genes->count; g++) {
        if (rng_unit(rng) >= probability) continue;
        for (int i = 0; i < genes->items[g].count; i++) problem_random_value(p, rng, genes->items[g].dims[i], child);
    }
}

void genes_cross(const struct space *space, struct rng *rng, const struct subnet *a, const struct subnet *b,
                 struct subnet *child)
{
    int dims = space_dim_count(space);
    *child = *a;
    for (int d = 0; d < dims;) {
        uint64_t coins = rng_next(rng);
        for (int i = 0; i < 64 && d < dims; i++, d++, coins >>= 1) {
            if (coins & 1) child->at[d] = b->at[d];
        }
    }
}
