/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/nightly/decide/night.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/nightly/decide/changes.h"
#include "server/nightly/decide/fdr.h"
#include "server/nightly/decide/probability.h"

enum {
    GROUPS_AT_ONCE = 3,
    GROUP_NIGHTS = 2, /* of a new level, for history to tell it */
    ROW_NIGHTS = 6,   /* a row with two modes can be in the same one for a few */
};

static const double unusual_level_p = 0.0002;
/* With the bound alone, one night in twenty would ring for nothing: single rows, and groups, are held to less. */
static const double row_share = 0.25;
static const double group_share = 0.4;
static const double more_load = 0.1; /* of all cores */

static enum lathe_status set_up_model(struct night *n)
{
    const struct nightly_input *in = n->in;
    n->cell_of = calloc(in->row_count + 1, sizeof *n->cell_of);
    if (!n->cell_of) return error_set(n->err, LATHE_NO_MEMORY, "no memory for %zu rows", in->row_count);
    model_init(&n->model);
    for (size_t i = 0; i < in->row_count; i++)
        n->cell_of[i] = model_cell(&n->model, in->rows[i].kind, in->rows[i].stage);
    model_groups(&n->model);
    n->tests = calloc(n->model.group_count + in->row_count + 1, sizeof *n->tests);
    return n->tests ? LATHE_OK : error_set(n->err, LATHE_NO_MEMORY, "no memory for %zu rows", in->row_count);
}

/* Layers don't follow the device's level alike: how unlike grows with the level. */
static void add_elastic(struct night *n, struct cell_data *cells, double level)
{
    for (size_t c = 0; c < n->model.cell_count; c++) cells->variance[c] += noise_elastic(&n->history, level);
}

static void explain(struct night *n)
{
    struct cell_data cells = n->evidence.cells;
    model_explain(&n->model, &cells, n->noise.level, GROUPS_AT_ONCE, &n->why);
    add_elastic(n, &n->evidence.cells, n->why.level);
    model_explain(&n->model, &n->evidence.cells, n->noise.level, GROUPS_AT_ONCE, &n->why);
}

enum lathe_status night_begin(struct night *n, const struct nightly_input *in, const struct nightly_settings *settings,
                              struct lathe_error *err)
{
    *n = (struct night){.in = in, .settings = settings, .what = {.first = true}, .err = err};
    enum lathe_status st = set_up_model(n);
    if (!st) st = evidence_gather(in, n->what, settings->min_samples, &n->evidence, err);
    if (!st) noise_assume(&n->evidence, &n->noise);
    if (!st) st = history_read(in, settings, &n->model, n->cell_of, &n->history, err);
    if (!st) st = noise_learn(in, &n->model, n->cell_of, &n->history, &n->noise, err);
    if (!st) st = evidence_cells(&n->evidence, &n->model, n->cell_of, &n->noise, in->row_count, NULL, err);
    if (!st) explain(n);
    return st;
}

void night_clear(struct night *n)
{
    free(n->cell_of);
    free(n->tests);
    noise_clear(&n->noise);
    history_clear(&n->history);
    evidence_clear(&n->evidence);
}

enum lathe_status night_gather(struct night *n, struct selection what)
{
    struct evidence e;
    enum lathe_status st = evidence_gather(n->in, what, n->settings->min_samples, &e, n->err);
    if (!st) st = evidence_cells(&e, &n->model, n->cell_of, &n->noise, n->in->row_count, NULL, n->err);
    if (st) {
        evidence_clear(&e);
        return st;
    }
    evidence_clear(&n->evidence);
    n->evidence = e;
    n->what = what;
    add_elastic(n, &n->evidence.cells, n->why.level);
    struct explanation before = n->why;
    model_fit(&n->model, &n->evidence.cells, n->noise.level, before.chosen, before.count, &n->why);
    return LATHE_OK;
}

double night_explained(const struct night *n, const struct explanation *why, size_t row)
{
    double sum = why->level;
    for (size_t i = 0; i < why->count; i++) {
        size_t g = why->chosen[i];
        if (n->model.groups[g].scope != GROUP_CELL && model_holds(&n->model, g, n->cell_of[row])) sum += why->effect[i];
    }
    return sum;
}

/* @return the place of a group among those that explain the night, or their count. */
static size_t place_of(const struct explanation *why, size_t group)
{
    size_t i = 0;
    while (i < why->count && why->chosen[i] != group) i++;
    return i;
}

/* An explanation with one more group in it. @return the place that it has, or CHOSEN_MAX when there is no room. */
static size_t with_group(const struct night *n, const struct cell_data *cells, size_t group, struct explanation *out)
{
    size_t place = place_of(&n->why, group);
    size_t count = n->why.count + (place == n->why.count);
    size_t chosen[CHOSEN_MAX];
    if (count > CHOSEN_MAX) return CHOSEN_MAX;
    memcpy(chosen, n->why.chosen, sizeof chosen);
    chosen[place] = group;
    model_fit(&n->model, cells, n->noise.level, chosen, count, out);
    return place;
}

/* A history that ends with a change of the same direction is a second way to see it. The better one of two counts.
 * @param least nights that the new level must have. */
static double with_history(const struct night *n, const struct series *s, size_t least, double effect, double p)
{
    enum { LEAST_NIGHTS = 8, MOST_NIGHTS = 1024 };
    struct change_point points[MOST_NIGHTS];
    if (s->count < LEAST_NIGHTS || s->count > MOST_NIGHTS) return p;
    size_t count = change_points(s->values, s->count, n->settings->window, points);
    bool told = count && points[count - 1].step * effect > 0 && s->count - points[count - 1].at >= least;
    return fmin(1, 2 * fmin(p, told ? points[count - 1].p : 1));
}

/* The variance of a group's effect by the nights before this one. */
static double by_history(const struct night *n, const struct series *s, double assumed)
{
    size_t count = s->count;
    if (count && s->columns[count - 1] + 1 == n->history.columns) count--;
    return noise_of_series(s->values, count, assumed, s->values + n->history.columns);
}

static void test_group(struct night *n, size_t group, struct series *s)
{
    struct explanation x;
    struct test t = {NAN, NAN, 1, 1};
    size_t place = with_group(n, &n->evidence.cells, group, &x);
    size_t rows = 0;
    for (size_t i = 0; i < n->in->row_count; i++)
        rows += n->evidence.rows[i].compared && model_holds(&n->model, group, n->cell_of[i]);
    if (place < CHOSEN_MAX && rows) {
        t.effect = x.effect[place];
        series_of_group(n, group, s);
        t.variance = fmax(x.effect_variance[place], by_history(n, s, x.effect_variance[place]));
        t.p = with_history(n, s, GROUP_NIGHTS, t.effect, student_p(t.effect / sqrt(t.variance), n->noise.degrees));
    }
    n->tests[group] = t;
}

/* A row must differ by ranks from what explains it, and by more than nights do. */
static enum lathe_status test_row(struct night *n, size_t row, struct series *s)
{
    const double unlikely = 0.05;
    const struct estimate *e = &n->evidence.rows[row];
    struct test t = {NAN, NAN, 1, 1};
    enum lathe_status st = LATHE_OK;
    if (e->compared) {
        double explained = night_explained(n, &n->why, row);
        double between = 2 * (n->noise.row_pool + n->noise.group_pool);
        t.effect = e->shift.shift - explained;
        t.variance = fmax(e->sampling + between, isfinite(n->noise.rows[row]) ? n->noise.rows[row] : 0);
        t.variance += n->why.level_variance + noise_elastic(&n->history, n->why.level);
        t.p = student_p(t.effect / sqrt(t.variance), n->noise.row_degrees);
        double ranks = t.p;
        if (t.p < unlikely) st = evidence_rank_p(n->in, row, n->what, explained, &ranks, n->err);
        series_of_row(n, row, s);
        t.p = with_history(n, s, ROW_NIGHTS, t.effect, fmax(t.p, ranks));
    }
    n->tests[test_of_row(n, row)] = t;
    return st;
}

/* One family of tests: [from, to). */
static enum lathe_status adjust(struct night *n, size_t from, size_t to)
{
    double *q = calloc(to - from + 1, sizeof *q);
    size_t compared = 0;
    if (!q) return error_set(n->err, LATHE_NO_MEMORY, "no memory for %zu tests", to - from);
    for (size_t i = from; i < to; i++)
        if (isfinite(n->tests[i].effect)) q[compared++] = n->tests[i].p;
    bool failed = fdr_adjust(q, compared, q) != 0;
    compared = 0;
    for (size_t i = from; i < to; i++)
        if (isfinite(n->tests[i].effect)) n->tests[i].q = q[compared++];
    free(q);
    return failed ? error_set(n->err, LATHE_NO_MEMORY, "no memory for %zu tests", to - from) : LATHE_OK;
}

/* Groups are a family of their own: ten of them would drown among five hundred rows that say nothing. */
static enum lathe_status adjust_all(struct night *n)
{
    size_t groups = n->model.group_count;
    enum lathe_status st = adjust(n, 0, groups);
    return st ? st : adjust(n, groups, groups + n->in->row_count);
}

enum lathe_status night_test(struct night *n)
{
    struct series s;
    enum lathe_status st = series_new(n, &s);
    for (size_t g = 0; !st && g < n->model.group_count; g++) test_group(n, g, &s);
    for (size_t i = 0; !st && i < n->in->row_count; i++) st = test_row(n, i, &s);
    series_free(&s);
    return st ? st : adjust_all(n);
}

/* An effect that could as well be at the bound as where it was seen is not below it. */
bool night_tells(const struct night *n, const struct test *t)
{
    double least = log1p(n->settings->min_effect);
    double size = fabs(t->effect);
    double bound = n->settings->fdr * (t - n->tests >= (ptrdiff_t)n->model.group_count ? row_share : group_share);
    return t->q <= bound && size >= 0.75 * least && size + sqrt(t->variance) >= least;
}

struct nightly_device night_device(const struct night *n)
{
    const struct nightly_input *in = n->in;
    double level = n->evidence.compared ? n->why.level : log(in->sentinel_ms / in->sentinel_before_ms);
    double variance = n->evidence.compared ? n->why.level_variance : 0;
    double error = student_t(0.05, n->noise.degrees) * sqrt(variance);
    double spread = sqrt(n->noise.level + variance);
    struct nightly_device d = {
        .ratio = exp(level),
        .lower = exp(level - error),
        .upper = exp(level + error),
        .spread = sqrt(n->noise.level),
        .p = isfinite(level) ? student_p(level / spread, n->noise.level_degrees) : 1,
        .by_load = level > 0 && in->load - in->load_before > more_load,
    };
    return d;
}

bool night_device_tells(const struct night *n, const struct nightly_device *d)
{
    return d->p < unusual_level_p && fabs(log(d->ratio)) >= log1p(n->settings->min_effect) && !d->by_load;
}
