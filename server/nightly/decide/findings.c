/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The figures of findings. */
#include <math.h>
#include <stdlib.h>

#include "server/nightly/decide/changes.h"
#include "server/nightly/decide/night.h"
#include "server/nightly/decide/probability.h"

static bool is_of(const struct night *n, const struct nightly_finding *f, size_t row)
{
    const struct nightly_row *r = &n->in->rows[row];
    switch (f->scope) {
    case NIGHTLY_DEVICE:
        return true;
    case NIGHTLY_KIND:
        return r->kind == f->group;
    case NIGHTLY_STAGE:
        return r->stage == f->group;
    case NIGHTLY_ROW:
        return row == (size_t)f->group;
    }
    return false;
}

/* The group of a finding among the model's. */
static size_t group_of(const struct night *n, const struct nightly_finding *f)
{
    enum group_scope scope = f->scope == NIGHTLY_KIND ? GROUP_KIND : GROUP_STAGE;
    size_t g = 0;
    while (n->model.groups[g].scope != scope || n->model.groups[g].number != f->group) g++;
    return g;
}

enum lathe_status finding_list_rows(const struct night *n, struct nightly_finding *f)
{
    size_t count = 0;
    for (size_t i = 0; i < n->in->row_count; i++) count += is_of(n, f, i) && n->evidence.rows[i].compared;
    f->rows = calloc(count + 1, sizeof *f->rows);
    if (!f->rows) return error_set(n->err, LATHE_NO_MEMORY, "no memory for %zu rows", count);
    for (size_t i = 0; i < n->in->row_count; i++)
        if (is_of(n, f, i) && n->evidence.rows[i].compared) f->rows[f->row_count++].row = i;
    return LATHE_OK;
}

/* The centre of the visits that are compared: the baseline's typical time, moved by the shift. */
static enum lathe_status fill_row(const struct night *n, struct nightly_row_change *r)
{
    const struct estimate *e = &n->evidence.rows[r->row];
    double error = student_t(0.05, n->noise.degrees) * sqrt(e->sampling);
    r->ratio = exp(e->shift.shift);
    r->lower = exp(e->shift.shift - error);
    r->upper = exp(e->shift.shift + error);
    r->before_ms = nightly_typical_ms(&n->in->rows[r->row].before);
    r->now_ms = r->before_ms * r->ratio;
    r->before_count = e->shift.before;
    r->now_count = e->shift.now;
    return evidence_rank_p(n->in, r->row, n->what, n->why.level, &r->p, n->err);
}

static int by_ratio(const void *a, const void *b)
{
    const struct nightly_row_change *x = a;
    const struct nightly_row_change *y = b;
    double by = fabs(log(y->ratio)) - fabs(log(x->ratio));
    if (by != 0) return by < 0 ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static const struct test *test_of(const struct night *n, const struct nightly_finding *f)
{
    return &n->tests[f->scope == NIGHTLY_ROW ? test_of_row(n, (size_t)f->group) : group_of(n, f)];
}

static void fill_effect(const struct night *n, struct nightly_finding *f)
{
    if (f->scope == NIGHTLY_DEVICE) {
        struct nightly_device d = night_device(n);
        f->ratio = d.ratio;
        f->lower = d.lower;
        f->upper = d.upper;
        f->p = f->q = d.p;
        return;
    }
    const struct test *t = test_of(n, f);
    double error = student_t(0.05, n->noise.degrees) * sqrt(t->variance);
    f->ratio = exp(t->effect);
    f->lower = exp(t->effect - error);
    f->upper = exp(t->effect + error);
    f->p = t->p;
    f->q = t->q;
}

/* When it began, and whether at once. */
static enum lathe_status fill_since(const struct night *n, struct nightly_finding *f)
{
    struct series s;
    enum lathe_status st = series_new(n, &s);
    f->since = n->in->night_count;
    f->nature = NIGHTLY_STEP;
    if (!st) {
        if (f->scope == NIGHTLY_DEVICE) {
            series_of_level(n, &s);
        } else if (f->scope == NIGHTLY_ROW) {
            series_of_row(n, (size_t)f->group, &s);
        } else {
            series_of_group(n, group_of(n, f), &s);
        }
        struct change_shape shape = change_shape(s.values, s.count);
        if (s.count > 2 && shape.step * log(f->ratio) > 0) {
            f->since = n->history.first + s.columns[shape.at];
            f->nature = shape.gradual ? NIGHTLY_DRIFT : NIGHTLY_STEP;
        }
    }
    series_free(&s);
    return st;
}

enum lathe_status finding_fill(struct night *n, struct nightly_finding *f)
{
    enum lathe_status st = LATHE_OK;
    f->before_ms = 0;
    for (size_t i = 0; !st && i < f->row_count; i++) {
        st = fill_row(n, &f->rows[i]);
        f->before_ms += f->rows[i].before_ms;
        f->before_count += f->rows[i].before_count;
        f->now_count += f->rows[i].now_count;
    }
    if (st) return st;
    qsort(f->rows, f->row_count, sizeof *f->rows, by_ratio);
    fill_effect(n, f);
    f->now_ms = f->before_ms * f->ratio;
    return fill_since(n, f);
}

bool finding_tells(const struct night *n, const struct nightly_finding *f)
{
    struct nightly_device device = night_device(n);
    return f->scope == NIGHTLY_DEVICE ? night_device_tells(n, &device) : night_tells(n, test_of(n, f));
}

int finding_compare(const void *a, const void *b)
{
    const struct nightly_finding *x = a;
    const struct nightly_finding *y = b;
    int class_x = x->scope == NIGHTLY_DEVICE ? 0 : x->scope == NIGHTLY_ROW ? 2 : 1;
    int class_y = y->scope == NIGHTLY_DEVICE ? 0 : y->scope == NIGHTLY_ROW ? 2 : 1;
    if (class_x != class_y) return class_x - class_y;
    double by = fabs(log(y->ratio)) - fabs(log(x->ratio));
    if (by != 0) return by < 0 ? -1 : 1;
    if (x->scope != y->scope) return x->scope < y->scope ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}
