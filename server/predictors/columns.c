/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/predictors/columns.h"

#include <stdlib.h>
#include <string.h>

#include "lut/base/rng.h"
#include "lut/base/vector.h"
#include "server/predictors/internal.h"

/* Columns are merged only while there are few of them. */
enum { LANES = 16, MERGED_MOST = 64, COUNT_MOST = COLUMN_ABSENT };

/* ---- which columns there are ---- */

static bool same_presence(const struct encoding *e, int a, int b)
{
    return e->depth[a] == e->depth[b] && e->position[a] == e->position[b];
}

/* The group that a dimension can join: one of a single dimension that is present with it. */
static struct column_group *partner_of(struct columns *c, const struct encoding *e, int dim)
{
    for (int g = 0; g < c->group_count; g++) {
        struct column_group *group = &c->groups[g];
        int other = group->dims[0];
        if (group->dim_count > 1 || !same_presence(e, other, dim)) continue;
        if (space_dim(e->space, other)->count * space_dim(e->space, dim)->count <= MERGED_MOST) return group;
    }
    return NULL;
}

static int size_of(const struct encoding *e, const struct column_group *g)
{
    int size = 1;
    for (int i = 0; i < g->dim_count; i++) size *= space_dim(e->space, g->dims[i])->count;
    return size;
}

static void add_dim(struct columns *c, const struct encoding *e, int dim)
{
    struct column_group *g = partner_of(c, e, dim);
    if (g) {
        g->strides[1] = space_dim(e->space, g->dims[0])->count;
        g->dims[g->dim_count++] = dim;
        return;
    }
    const struct space_dim *hub = space_dim(e->space, e->depth[dim]);
    g = &c->groups[c->group_count++];
    *g = (struct column_group){.dims = {dim}, .strides = {1}, .dim_count = 1, .hub = e->depth[dim]};
    for (int v = 0; v < hub->count; v++) g->present[v] = e->position[dim] < hub->values[v];
}

static void find_groups(struct columns *c, const struct encoding *e)
{
    for (int d = 0; d < space_dim_count(e->space); d++)
        if (e->base[d] >= 0) add_dim(c, e, d);
    c->groups[c->group_count++] =
        (struct column_group){.dims = {space_resolution_dim(e->space)}, .strides = {1}, .dim_count = 1, .hub = -1};
    for (int g = 0; g < c->group_count; g++) {
        c->groups[g].first = c->count;
        c->count += (size_t)size_of(e, &c->groups[g]);
    }
}

/* ---- what is in them ---- */

static void add_feature(const struct dense *layer, struct feature f, float *column)
{
    const float *weights = layer->weight + (size_t)f.number * (size_t)layer->out;
    for (int i = 0; i < layer->out; i++) column[i] += f.value * weights[i];
}

static void fill_group(struct columns *c, const struct predictor *p, const struct column_group *g)
{
    const struct encoding *e = &p->encoding;
    for (int n = 0; n < size_of(e, g); n++) {
        float *column = c->values + (g->first + (size_t)n) * c->width;
        if (g->hub < 0) {
            struct feature f[ENCODING_MAX_ACTIVE];
            int count = encoding_resolution_features(e, space_dim(e->space, g->dims[0])->values[n], f);
            for (int i = 0; i < count; i++) add_feature(&p->layers[0], f[i], column);
            continue;
        }
        for (int i = 0; i < g->dim_count; i++) {
            int value = n / g->strides[i] % space_dim(e->space, g->dims[i])->count;
            add_feature(&p->layers[0], (struct feature){e->base[g->dims[i]] + value, 1}, column);
        }
    }
}

static bool allocate(struct columns *c, size_t outputs)
{
    c->width = (outputs + LANES - 1) / LANES * LANES;
    if (c->count > COUNT_MOST) return false;
    c->values = calloc(c->count * c->width, sizeof *c->values);
    c->bias = calloc(c->width, sizeof *c->bias);
    c->marks = malloc(c->count * sizeof *c->marks);
    return c->values && c->bias && c->marks;
}

struct columns *columns_new(const struct predictor *p)
{
    struct rng rng;
    struct columns *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    find_groups(c, &p->encoding);
    if (!allocate(c, (size_t)p->layers[0].out)) {
        columns_free(c);
        return NULL;
    }
    memcpy(c->bias, p->layers[0].bias, (size_t)p->layers[0].out * sizeof *c->bias);
    for (int g = 0; g < c->group_count; g++) fill_group(c, p, &c->groups[g]);
    rng_seed(&rng, 0);
    for (size_t i = 0; i < c->count; i++) c->marks[i] = rng_next(&rng);
    return c;
}

void columns_free(struct columns *c)
{
    if (!c) return;
    free(c->values);
    free(c->bias);
    free(c->marks);
    free(c);
}

/* ---- using them ---- */

uint64_t columns_code(const struct columns *c, const struct subnet *s, struct column_codes *out)
{
    uint64_t key = 0;
    for (int i = 0; i < c->group_count; i++) {
        const struct column_group *g = &c->groups[i];
        if (g->hub >= 0 && !g->present[s->at[g->hub]]) {
            out->at[i] = COLUMN_ABSENT;
            continue;
        }
        size_t column = g->first;
        for (int d = 0; d < g->dim_count; d++) column += (size_t)(s->at[g->dims[d]] * g->strides[d]);
        out->at[i] = (uint16_t)column;
        key ^= c->marks[column];
    }
    return key ? key : 1;
}

VECTOR_CLONES static void add(float *restrict sum, const float *restrict column, size_t n)
{
    for (size_t i = 0; i < n; i++) sum[i] += column[i];
}

/* Two columns at once: half the traffic on the sum. */
VECTOR_CLONES static void add_two(float *restrict sum, const float *restrict one, const float *restrict other, size_t n)
{
    for (size_t i = 0; i < n; i++) sum[i] += one[i] + other[i];
}

VECTOR_CLONES static void subtract(float *restrict sum, const float *restrict column, size_t n)
{
    for (size_t i = 0; i < n; i++) sum[i] -= column[i];
}

static const float *column_of(const struct columns *c, uint16_t number)
{
    return c->values + (size_t)number * c->width;
}

void columns_sum(const struct columns *c, const struct column_codes *codes, float *out)
{
    const float *waiting = NULL;
    memcpy(out, c->bias, c->width * sizeof *out);
    for (int g = 0; g < c->group_count; g++) {
        if (codes->at[g] == COLUMN_ABSENT) continue;
        const float *column = column_of(c, codes->at[g]);
        if (waiting) add_two(out, waiting, column, c->width);
        waiting = waiting ? NULL : column;
    }
    if (waiting) add(out, waiting, c->width);
}

void columns_change(const struct columns *c, const struct column_codes *from, const float *from_sums,
                    const struct column_codes *codes, float *out)
{
    memcpy(out, from_sums, c->width * sizeof *out);
    for (int g = 0; g < c->group_count; g++) {
        if (from->at[g] == codes->at[g]) continue;
        if (from->at[g] != COLUMN_ABSENT) subtract(out, column_of(c, from->at[g]), c->width);
        if (codes->at[g] != COLUMN_ABSENT) add(out, column_of(c, codes->at[g]), c->width);
    }
}
