/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/nightly/decide/model.h"

#include <math.h>
#include <string.h>

/* A group must explain more than chance does once in a thousand times: 3.3 standard deviations. A cell by itself is the
 * explanation that is taken last. */
static const double group_penalty = 11;
static const double cell_penalty = 15;
static const double any_level = 1e4; /* variance: any level is as likely */

enum { UNKNOWNS_MAX = CHOSEN_MAX + 1, MANY_GROUPS = 24, MOST_OF_MANY = 2 };

void model_init(struct model *m)
{
    memset(m, 0, sizeof *m);
}

size_t model_cell(struct model *m, int kind, int stage)
{
    for (size_t c = 0; c < m->cell_count; c++) {
        if (m->cells[c].kind == kind && m->cells[c].stage == stage) {
            m->cells[c].rows++;
            return c;
        }
    }
    if (m->cell_count == CELLS_MAX) {
        m->cells[CELLS_MAX - 1].rows++;
        return CELLS_MAX - 1;
    }
    m->cells[m->cell_count] = (struct cell){kind, stage, 1};
    return m->cell_count++;
}

static bool holds(const struct model *m, const struct group *g, size_t cell)
{
    if (g->scope == GROUP_CELL) return (size_t)g->number == cell;
    return (g->scope == GROUP_KIND ? m->cells[cell].kind : m->cells[cell].stage) == g->number;
}

bool model_holds(const struct model *m, size_t group, size_t cell)
{
    return holds(m, &m->groups[group], cell);
}

static bool same_cells(const struct model *m, const struct group *a, const struct group *b)
{
    for (size_t c = 0; c < m->cell_count; c++)
        if (holds(m, a, c) != holds(m, b, c)) return false;
    return true;
}

/* Add a group unless another one has the same rows. */
static void add_group(struct model *m, enum group_scope scope, int number)
{
    struct group g = {scope, number};
    if (m->group_count == GROUPS_MAX) return;
    for (size_t i = 0; i < m->group_count; i++)
        if (same_cells(m, &m->groups[i], &g)) return;
    m->groups[m->group_count++] = g;
}

/* Stages first: where a kind stands in one stage only, or a stage has one kind only, the stage says more. */
void model_groups(struct model *m)
{
    for (size_t c = 0; c < m->cell_count; c++)
        if (m->cells[c].stage >= 0) add_group(m, GROUP_STAGE, m->cells[c].stage);
    for (size_t c = 0; c < m->cell_count; c++) add_group(m, GROUP_KIND, m->cells[c].kind);
    for (size_t c = 0; c < m->cell_count; c++) add_group(m, GROUP_CELL, (int)c);
}

/* Normal equations of the level (unknown 0) and the chosen groups' effects. */
struct equations {
    size_t n;
    double a[UNKNOWNS_MAX][2 * UNKNOWNS_MAX]; /* beside it the unit matrix, which becomes the inverse */
    double b[UNKNOWNS_MAX], x[UNKNOWNS_MAX];
};

static bool in(const struct model *m, const size_t *chosen, size_t unknown, size_t cell)
{
    return unknown == 0 || model_holds(m, chosen[unknown - 1], cell);
}

static void set_up(const struct model *m, const struct cell_data *d, double level_variance, const size_t *chosen,
                   size_t count, struct equations *e)
{
    memset(e, 0, sizeof *e);
    e->n = count + 1;
    for (size_t c = 0; c < m->cell_count; c++) {
        if (!isfinite(d->centre[c])) continue;
        double weight = 1 / d->variance[c];
        for (size_t i = 0; i < e->n; i++) {
            if (!in(m, chosen, i, c)) continue;
            e->b[i] += weight * d->centre[c];
            for (size_t k = 0; k < e->n; k++)
                if (in(m, chosen, k, c)) e->a[i][k] += weight;
        }
    }
    e->a[0][0] += 1 / level_variance;
    for (size_t i = 0; i < e->n; i++) {
        e->a[i][i] += 1e-6; /* groups that nothing tells apart share what there is */
        e->a[i][e->n + i] = 1;
    }
}

/* Gauss and Jordan; the matrix is positive definite. */
static void solve(struct equations *e)
{
    for (size_t i = 0; i < e->n; i++) {
        double pivot = e->a[i][i];
        for (size_t k = 0; k < 2 * e->n; k++) e->a[i][k] /= pivot;
        for (size_t r = 0; r < e->n; r++) {
            double times = e->a[r][i];
            if (r == i || times == 0) continue;
            for (size_t k = 0; k < 2 * e->n; k++) e->a[r][k] -= times * e->a[i][k];
        }
    }
    for (size_t i = 0; i < e->n; i++) {
        e->x[i] = 0;
        for (size_t k = 0; k < e->n; k++) e->x[i] += e->a[i][e->n + k] * e->b[k];
    }
}

static void fit_with(const struct model *m, const struct cell_data *d, double level_variance, const size_t *chosen,
                     size_t count, struct explanation *out)
{
    struct equations e;
    struct explanation x = {.count = count};
    set_up(m, d, level_variance, chosen, count, &e);
    solve(&e);
    x.level = e.x[0];
    x.level_variance = e.a[0][e.n];
    for (size_t i = 0; i < count && i < CHOSEN_MAX; i++) {
        x.chosen[i] = chosen[i];
        x.effect[i] = e.x[i + 1];
        x.effect_variance[i] = e.a[i + 1][e.n + i + 1];
        x.cost += m->groups[chosen[i]].scope == GROUP_CELL ? cell_penalty : group_penalty;
    }
    x.cost += x.level * x.level / level_variance;
    for (size_t c = 0; c < m->cell_count; c++) {
        double off = d->centre[c] - model_predict(m, &x, c);
        if (isfinite(off)) x.cost += off * off / d->variance[c];
    }
    *out = x;
}

void model_fit(const struct model *m, const struct cell_data *d, double usual, const size_t *chosen, size_t count,
               struct explanation *out)
{
    struct explanation any;
    fit_with(m, d, usual, chosen, count, out);
    fit_with(m, d, any_level, chosen, count, &any);
    any.cost += group_penalty;
    any.unusual = true;
    if (any.cost < out->cost) *out = any;
}

double model_predict(const struct model *m, const struct explanation *x, size_t cell)
{
    double sum = x->level;
    for (size_t i = 0; i < x->count; i++)
        if (model_holds(m, x->chosen[i], cell)) sum += x->effect[i];
    return sum;
}

struct looking {
    const struct model *m;
    const struct cell_data *d;
    double usual;
    size_t most; /* groups at once */
    struct explanation *best;
};

static void look(const struct looking *l, const size_t *chosen, size_t count)
{
    struct explanation x;
    model_fit(l->m, l->d, l->usual, chosen, count, &x);
    if (count == 0 || x.cost < l->best->cost) *l->best = x;
}

/* All sets of up to `most` groups. */
static void look_at_all(const struct looking *l, size_t *chosen, size_t count, size_t from) // NOLINT(misc-no-recursion)
{
    look(l, chosen, count);
    if (count == l->most) return;
    for (size_t g = from; g < l->m->group_count; g++) {
        chosen[count] = g;
        look_at_all(l, chosen, count + 1, g + 1);
    }
}

void model_explain(const struct model *m, const struct cell_data *d, double usual, size_t most, struct explanation *out)
{
    size_t chosen[CHOSEN_MAX] = {0};
    struct looking l = {m, d, usual, m->group_count > MANY_GROUPS && most > MOST_OF_MANY ? MOST_OF_MANY : most, out};
    look_at_all(&l, chosen, 0, 0);
    for (bool better = out->count == l.most; better && out->count < CHOSEN_MAX;) {
        size_t count = out->count;
        double cost = out->cost;
        memcpy(chosen, out->chosen, sizeof chosen);
        for (size_t g = 0; g < m->group_count; g++) {
            chosen[count] = g;
            look(&l, chosen, count + 1);
        }
        better = out->cost < cost;
    }
}
