/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/search/surrogate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/predictors/ridge.h"

enum {
    FIRST_ROWS = 512,
    BATCH = 64, /* evaluations between two asks whether to stop */
};
static const double WEIGHT_LEAST = 0.05;
static const double WEIGHT_REACH = 0.01; /* of top-1: 1 point */
static const double WEIGHT_ELSEWHERE = 0.3;

/* ---- rows ---- */

static size_t place_of(const struct surrogate *s, uint64_t id)
{
    size_t i = id % s->index_size;
    while (s->index[i] && s->ids[s->index[i] - 1] != id) i = (i + 1) % s->index_size;
    return i;
}

static enum lathe_status grow(struct surrogate *s, struct lathe_error *err)
{
    size_t capacity = s->capacity ? 2 * s->capacity : FIRST_ROWS;
    struct subnet *subnets = realloc(s->subnets, capacity * sizeof *subnets);
    if (subnets) s->subnets = subnets;
    uint64_t *ids = realloc(s->ids, capacity * sizeof *ids);
    if (ids) s->ids = ids;
    float *top1 = realloc(s->top1, capacity * sizeof *top1);
    if (top1) s->top1 = top1;
    size_t *index = calloc(4 * capacity, sizeof *index);
    if (!subnets || !ids || !top1 || !index) {
        free(index);
        return error_set(err, LATHE_NO_MEMORY, "out of memory");
    }
    free(s->index);
    s->index = index;
    s->index_size = 4 * capacity;
    s->capacity = capacity;
    for (size_t i = 0; i < s->count; i++) s->index[place_of(s, s->ids[i])] = i + 1;
    return LATHE_OK;
}

enum lathe_status surrogate_init(struct surrogate *s, const struct problem *problem, struct lathe_error *err)
{
    memset(s, 0, sizeof *s);
    s->problem = problem;
    for (int d = 0; d < space_dim_count(problem->space); d++) {
        const uint8_t *values;
        s->first[d] = -1;
        if (problem_values(problem, d, &values) < 2) continue;
        s->first[d] = s->features;
        s->features += space_dim(problem->space, d)->count;
    }
    if (!s->features) s->features = 1; /* one that no row has: arrays are never empty */
    s->w = calloc((size_t)s->features, sizeof *s->w);
    s->work = predictor_work_new(problem->predictor);
    if (s->w && s->work) return grow(s, err);
    return error_set(err, LATHE_NO_MEMORY, "out of memory");
}

void surrogate_clear(struct surrogate *s)
{
    predictor_work_free(s->work);
    free(s->subnets);
    free(s->ids);
    free(s->top1);
    free(s->index);
    free(s->w);
    memset(s, 0, sizeof *s);
}

ptrdiff_t surrogate_find(const struct surrogate *s, const struct subnet *subnet)
{
    return (ptrdiff_t)s->index[place_of(s, space_subnet_id(s->problem->space, subnet))] - 1;
}

/* Add a row without its accuracy, when there is none of that id. */
static enum lathe_status add_row(struct surrogate *s, const struct subnet *subnet, size_t *count,
                                 struct lathe_error *err)
{
    uint64_t id = space_subnet_id(s->problem->space, subnet);
    if (s->index[place_of(s, id)]) return LATHE_OK;
    if (*count == s->capacity) {
        size_t evaluated = s->count;
        s->count = *count;
        enum lathe_status st = grow(s, err);
        s->count = evaluated;
        if (st) return st;
    }
    s->ids[*count] = id;
    s->subnets[*count] = *subnet;
    s->index[place_of(s, id)] = *count + 1;
    ++*count;
    return LATHE_OK;
}

enum lathe_status surrogate_evaluate(struct surrogate *s, const struct search_request *request,
                                     const struct subnet *subnets, size_t n, struct lathe_error *err)
{
    for (size_t at = 0; at < n;) {
        size_t count = s->count;
        for (; at < n && count - s->count < BATCH; at++) {
            enum lathe_status st = add_row(s, &subnets[at], &count, err);
            if (st) return st;
        }
        predictor_evaluate(s->problem->predictor, s->work, s->subnets + s->count, count - s->count, s->top1 + s->count);
        s->count = count;
        if (search_cancelled(request)) return error_set(err, LATHE_CANCELLED, "the search was cancelled");
    }
    return LATHE_OK;
}

/* ---- the model ---- */

static void features_of(const struct surrogate *s, const struct subnet *subnet, struct ridge_row *row)
{
    const struct space *space = s->problem->space;
    row->count = 0;
    for (int d = 0; d < space_dim_count(space); d++)
        if (s->first[d] >= 0 && space_dim_active(space, subnet, d))
            row->features[row->count++] = (struct feature){s->first[d] + subnet->at[d], 1};
}

/* Rows about as accurate as the one in focus count most, and those of its resolution: the model is to be right where
 * the optimum is. */
static double weight_of(const struct surrogate *s, size_t row, ptrdiff_t focus)
{
    int dim = space_resolution_dim(s->problem->space);
    if (focus < 0) return 1;
    double apart = fabs((double)s->top1[row] - (double)s->top1[focus]);
    double weight = WEIGHT_LEAST + exp(-apart / WEIGHT_REACH);
    return s->subnets[row].at[dim] == s->subnets[focus].at[dim] ? weight : weight * WEIGHT_ELSEWHERE;
}

enum lathe_status surrogate_fit(struct surrogate *s, ptrdiff_t focus, double lambda, struct lathe_error *err)
{
    struct ridge_sums sums;
    struct ridge_row row;
    double b = 0;
    enum lathe_status st = ridge_sums_init(&sums, s->features, err);
    if (st) return st;
    for (size_t i = 0; i < s->count; i++) {
        features_of(s, &s->subnets[i], &row);
        row.target = (double)s->top1[i];
        ridge_sums_add_weighted(&sums, &row, weight_of(s, i, focus));
    }
    st = ridge_solve(&sums, lambda, s->w, &b, err);
    ridge_sums_clear(&sums);
    if (st) return st;
    memset(&s->model, 0, sizeof s->model);
    s->model.centre_top1 = (float)b;
    for (int d = 0; d < space_dim_count(s->problem->space); d++)
        for (int v = 0; s->first[d] >= 0 && v < space_dim(s->problem->space, d)->count; v++)
            s->model.gain[d][v] = (float)s->w[s->first[d] + v];
    return LATHE_OK;
}

float surrogate_predict(const struct surrogate *s, const struct subnet *subnet)
{
    const struct space *space = s->problem->space;
    float sum = s->model.centre_top1;
    for (int d = 0; d < space_dim_count(space); d++)
        if (s->first[d] >= 0 && space_dim_active(space, subnet, d)) sum += s->model.gain[d][subnet->at[d]];
    return sum;
}

/* ---- its best subnets ---- */

static bool is_known(const void *surrogate, const struct subnet *subnet)
{
    return surrogate_find(surrogate, subnet) >= 0;
}

int surrogate_best(const struct surrogate *s, const struct additive_model *model, struct mckp *mckp,
                   const struct search_request *request, struct candidate *found, int most, bool *exact)
{
    const struct mckp_query query = {
        .model = model, .skip = is_known, .skip_context = s, .request = request, .most = most};
    return mckp_best(mckp, &query, found, exact);
}
