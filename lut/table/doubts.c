/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Order is found by dominance in three dimensions: kernel, middle channels, squeeze-excite. Rows of a group (all else
 * equal) are walked by middle channels; those passed already wait in binary indexed trees over squeeze-excite, one for
 * each kernel size (of which there are few), which give the highest lower end of an interval up to an index. */
#include "lut/table/doubts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KERNEL_MAX = 15 };
static const double spread_most = 0.1;

void doubts_clear(struct doubts *doubts)
{
    free(doubts->items);
    *doubts = (struct doubts){0};
}

const char *doubt_kind_name(enum doubt_kind kind)
{
    return kind == DOUBT_ORDER ? "order" : "spread";
}

/* Half of a row's 95% interval; NAN: unknown. */
static double margin_ms(const struct latency *l)
{
    if (isfinite(l->ci_ms)) return l->ci_ms;
    if (!isfinite(l->std_ms) || l->count < 2) return NAN;
    return student_t95((size_t)l->count - 1) * l->std_ms / sqrt((double)l->count);
}

static enum lathe_status add(struct doubts *doubts, enum doubt_kind kind, size_t row, size_t other,
                             struct lathe_error *err)
{
    if (doubts->count == doubts->capacity) {
        size_t capacity = doubts->capacity ? 2 * doubts->capacity : 64;
        struct doubt *grown = realloc(doubts->items, capacity * sizeof *grown);
        if (!grown) return error_set(err, LATHE_NO_MEMORY, "no memory for %zu doubts", capacity);
        doubts->items = grown;
        doubts->capacity = capacity;
    }
    doubts->items[doubts->count++] = (struct doubt){kind, row, other};
    return LATHE_OK;
}

/* ---- order ---- */

/* A row whose interval is known. */
struct candidate {
    const struct entry *entry;
    size_t row;
    double low_ms, high_ms;
    int se_rank; /* among the sizes of its group, from 1 */
};

static int compare_ints(int a, int b)
{
    return (a > b) - (a < b);
}

/* By what rows of a group have in common. */
static int compare_groups(const struct entry *a, const struct entry *b)
{
    const struct layer *x = &a->layer;
    const struct layer *y = &b->layer;
    const int pairs[][2] = {{(int)x->kind, (int)y->kind},
                            {x->in.h, y->in.h},
                            {x->in.w, y->in.w},
                            {x->in.c, y->in.c},
                            {x->out.h, y->out.h},
                            {x->out.w, y->out.w},
                            {x->out.c, y->out.c},
                            {x->stride, y->stride},
                            {(int)x->act, (int)y->act},
                            {x->residual, y->residual},
                            {a->resolution, b->resolution}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        int order = compare_ints(pairs[i][0], pairs[i][1]);
        if (order) return order;
    }
    return 0;
}

/* By group; within it so that what does less never comes behind what does more. */
static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    int order = compare_groups(x->entry, y->entry);
    if (!order) order = compare_ints(x->entry->layer.mid, y->entry->layer.mid);
    if (!order) order = compare_ints(x->entry->layer.se, y->entry->layer.se);
    return order ? order : compare_ints(x->entry->layer.kernel, y->entry->layer.kernel);
}

static int compare_se(const void *a, const void *b)
{
    return compare_ints(*(const int *)a, *(const int *)b);
}

struct walk {
    struct candidate *all;
    int *sizes; /* of squeeze-excite in a group: room for all */
    /* [kernel][rank]: index of a candidate plus 1, 0 for none; rows of size_count + 1. */
    size_t *trees;
    int size_count;
};

/* Number the sizes of squeeze-excite of a group. */
static void rank_sizes(struct walk *w, size_t from, size_t to)
{
    int n = 0;
    for (size_t i = from; i < to; i++) w->sizes[n++] = w->all[i].entry->layer.se;
    qsort(w->sizes, (size_t)n, sizeof *w->sizes, compare_se);
    w->size_count = 0;
    for (int i = 0; i < n; i++)
        if (!i || w->sizes[i] != w->sizes[w->size_count - 1]) w->sizes[w->size_count++] = w->sizes[i];
    for (size_t i = from; i < to; i++) {
        const int *at = bsearch(&w->all[i].entry->layer.se, w->sizes, (size_t)w->size_count, sizeof *at, compare_se);
        w->all[i].se_rank = (int)(at - w->sizes) + 1;
    }
}

static size_t *tree_of(const struct walk *w, int kernel)
{
    return w->trees + (size_t)kernel * ((size_t)w->size_count + 1);
}

static size_t higher(const struct walk *w, size_t a, size_t b)
{
    if (!a || !b) return a ? a : b;
    return w->all[b - 1].low_ms > w->all[a - 1].low_ms ? b : a;
}

static void put(const struct walk *w, size_t candidate)
{
    const struct candidate *c = &w->all[candidate];
    size_t *tree = tree_of(w, c->entry->layer.kernel);
    for (int i = c->se_rank; i <= w->size_count; i += i & -i) tree[i] = higher(w, tree[i], candidate + 1);
}

/* The one that does less than a candidate and has the highest lower end; 0: none, else its index plus 1. */
static size_t highest_below(const struct walk *w, const struct candidate *c)
{
    size_t best = 0;
    for (int kernel = 0; kernel <= c->entry->layer.kernel; kernel++) {
        const size_t *tree = tree_of(w, kernel);
        for (int i = c->se_rank; i > 0; i -= i & -i) best = higher(w, best, tree[i]);
    }
    return best;
}

static enum lathe_status walk_group(struct walk *w, size_t from, size_t to, struct doubts *out, struct lathe_error *err)
{
    enum lathe_status st = LATHE_OK;
    rank_sizes(w, from, to);
    memset(w->trees, 0, (KERNEL_MAX + 1) * ((size_t)w->size_count + 1) * sizeof *w->trees);
    for (size_t i = from; !st && i < to; i++) {
        const struct candidate *c = &w->all[i];
        size_t below = highest_below(w, c);
        if (below && c->high_ms < w->all[below - 1].low_ms)
            st = add(out, DOUBT_ORDER, c->row, w->all[below - 1].row, err);
        put(w, i);
    }
    return st;
}

static size_t collect(const struct entries *entries, struct candidate *out)
{
    size_t n = 0;
    for (size_t i = 0; i < entries->count; i++) {
        const struct latency *l = &entries->items[i].latency;
        double margin = margin_ms(l);
        double best = latency_best_ms(l);
        if (isnan(margin) || entries->items[i].layer.kernel > KERNEL_MAX) continue;
        out[n++] = (struct candidate){&entries->items[i], i, best - margin, best + margin, 0};
    }
    return n;
}

static enum lathe_status find_order(const struct entries *entries, struct doubts *out, struct lathe_error *err)
{
    size_t n = entries->count;
    struct walk w = {.all = malloc((n + 1) * sizeof *w.all),
                     .sizes = malloc((n + 1) * sizeof *w.sizes),
                     .trees = malloc((KERNEL_MAX + 1) * (n + 1) * sizeof *w.trees)};
    enum lathe_status st = LATHE_OK;
    if (!w.all || !w.sizes || !w.trees) {
        st = error_set(err, LATHE_NO_MEMORY, "no memory to compare %zu rows", n);
        goto out;
    }
    n = collect(entries, w.all);
    qsort(w.all, n, sizeof *w.all, compare_candidates);
    for (size_t from = 0, to; !st && from < n; from = to) {
        for (to = from + 1; to < n && compare_groups(w.all[from].entry, w.all[to].entry) == 0;) to++;
        if (to - from > 1) st = walk_group(&w, from, to, out, err);
    }
out:
    free(w.all);
    free(w.sizes);
    free(w.trees);
    return st;
}

/* ---- all ---- */

static int by_row(const void *a, const void *b)
{
    const struct doubt *x = a;
    const struct doubt *y = b;
    if (x->row != y->row) return x->row < y->row ? -1 : 1;
    return compare_ints((int)x->kind, (int)y->kind);
}

enum lathe_status doubts_find(const struct entries *entries, struct doubts *out, struct lathe_error *err)
{
    struct doubts found = {0};
    enum lathe_status st = find_order(entries, &found, err);
    for (size_t i = 0; !st && i < entries->count; i++) {
        const struct latency *l = &entries->items[i].latency;
        if (l->std_ms > spread_most * l->mean_ms) st = add(&found, DOUBT_SPREAD, i, i, err);
    }
    if (st) {
        doubts_clear(&found);
        return st;
    }
    if (found.count) qsort(found.items, found.count, sizeof *found.items, by_row);
    *out = found;
    return LATHE_OK;
}

void doubt_describe(const struct doubt *doubt, const struct entries *entries, char *out)
{
    const struct latency *l = &entries->items[doubt->row].latency;
    const struct latency *other = &entries->items[doubt->other].latency;
    char text[ROW_TEXT_BYTES];
    if (doubt->kind == DOUBT_SPREAD) {
        snprintf(out, DOUBT_DETAIL_BYTES, "its standard deviation is %.1f%% of its mean: %.4g of %.4g ms",
                 100 * l->std_ms / l->mean_ms, l->std_ms, l->mean_ms);
        return;
    }
    row_print(&entries->items[doubt->other].layer, entries->items[doubt->other].resolution, text);
    snprintf(out, DOUBT_DETAIL_BYTES, "it takes %.4g +- %.2g ms, less than the %.4g +- %.2g ms of %s, which does less",
             latency_best_ms(l), margin_ms(l), latency_best_ms(other), margin_ms(other), text);
}
