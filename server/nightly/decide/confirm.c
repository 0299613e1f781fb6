/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Whether a confirmation shows what the night showed. Nights' own differences are the same in both and were weighed
 * before; what a confirmation adds is that visits did not err by chance. */
#include <math.h>

#include "server/nightly/decide/night.h"
#include "server/nightly/decide/probability.h"

enum { VISITS_MIN = 2 };

static const double beyond_chance = 2.326; /* standard deviations: once in a hundred times, on one side */
static const double level_share = 0.5;

enum lathe_status confirmation_read(const struct night *n, size_t round, const bool *suspects, struct confirmation *out)
{
    struct selection what = {.from = round, .to = round + 1};
    struct noise visits_only = {.row_pool = n->noise.row_pool};
    enum lathe_status st = evidence_gather(n->in, what, VISITS_MIN, &out->evidence, n->err);
    if (!st)
        st = evidence_cells(&out->evidence, &n->model, n->cell_of, &visits_only, n->in->row_count, suspects, n->err);
    if (!st) model_fit(&n->model, &out->evidence.cells, n->noise.level, n->why.chosen, n->why.count, &out->why);
    return st;
}

void confirmation_clear(struct confirmation *c)
{
    evidence_clear(&c->evidence);
}

/* Visits of the rows of a finding in a confirmation. */
static size_t visits_of(const struct confirmation *c, const struct nightly_finding *f)
{
    size_t visits = 0;
    for (size_t i = 0; i < f->row_count; i++) {
        const struct estimate *e = &c->evidence.rows[f->rows[i].row];
        if (e->compared) visits += e->shift.now;
    }
    return visits;
}

static bool shown(const struct night *n, double first, double again, double variance)
{
    double least = fmax(0.6 * log1p(n->settings->min_effect), 0.4 * fabs(first));
    return first * again > 0 && fabs(again) >= least && fabs(again) > beyond_chance * sqrt(variance);
}

static bool shows_row(const struct night *n, const struct confirmation *c, size_t row, double first)
{
    const struct estimate *e = &c->evidence.rows[row];
    double again = e->shift.shift - night_explained(n, &c->why, row);
    return shown(n, first, again, e->sampling + c->why.level_variance);
}

static bool shows_group(const struct night *n, const struct confirmation *c, const struct nightly_finding *f,
                        double first)
{
    enum group_scope scope = f->scope == NIGHTLY_KIND ? GROUP_KIND : GROUP_STAGE;
    for (size_t i = 0; i < c->why.count; i++) {
        const struct group *g = &n->model.groups[c->why.chosen[i]];
        if (g->scope == scope && g->number == f->group)
            return shown(n, first, c->why.effect[i], c->why.effect_variance[i]);
    }
    return false;
}

enum judgement confirmation_judge(const struct night *n, const struct confirmation *c, const struct nightly_finding *f,
                                  double effect)
{
    if (visits_of(c, f) < n->settings->min_samples) return SAYS_NOTHING;
    bool shows = f->scope == NIGHTLY_DEVICE
                     ? c->why.level * effect > 0 && fabs(c->why.level) > level_share * fabs(effect)
                 : f->scope == NIGHTLY_ROW ? shows_row(n, c, (size_t)f->group, effect)
                                           : shows_group(n, c, f, effect);
    return shows ? SHOWS_IT : SHOWS_NOT;
}
