/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/nightly/decide/decide.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/nightly/decide/changes.h"
#include "server/nightly/decide/night.h"
#include "server/nightly/decide/probability.h"

struct nightly_settings nightly_settings_default(void)
{
    return (struct nightly_settings){.min_effect = 0.02, .fdr = 0.05, .min_samples = 9, .rounds = 3, .window = 50};
}

static enum lathe_status check_settings(const struct nightly_settings *s, struct lathe_error *err)
{
    if (!(s->min_effect > 0 && s->min_effect < 1))
        return error_field(err, "min_effect", "min_effect must be above 0 and below 1: 0.02 is 2%%");
    if (!(s->fdr > 0 && s->fdr < 1)) return error_field(err, "fdr", "fdr must be above 0 and below 1: 0.05 is 5%%");
    if (s->min_samples < 2) return error_field(err, "min_samples", "min_samples must be at least 2");
    if (s->rounds < 1 || s->rounds > NIGHTLY_MAX_ROUNDS)
        return error_field(err, "confirmations", "confirmations must be 1 to %d", NIGHTLY_MAX_ROUNDS);
    if (s->window < 4 || s->window > 1000) return error_field(err, "window", "window must be 4 to 1000 nights");
    return LATHE_OK;
}

static bool side_is_right(const struct nightly_side *side)
{
    for (size_t i = 0; i < side->count; i++)
        if (!(side->visits[i].ms > 0 && isfinite(side->visits[i].ms))) return false;
    return true;
}

static enum lathe_status check_input(const struct nightly_input *in, struct lathe_error *err)
{
    if (in->round_count > NIGHTLY_MAX_ROUNDS)
        return error_field(err, "rounds", "there are %zu confirmations; %d at most", in->round_count,
                           NIGHTLY_MAX_ROUNDS);
    for (size_t i = 0; i < in->row_count; i++) {
        const struct nightly_row *r = &in->rows[i];
        if (r->kind < 0 || r->kind >= NIGHTLY_MAX_KINDS || r->stage < -1 || r->stage >= NIGHTLY_MAX_STAGES)
            return error_field(err, "rows", "row %zu has kind %d and stage %d: out of range", i, r->kind, r->stage);
        bool right = side_is_right(&r->before) && side_is_right(&r->now);
        for (size_t k = 0; k < in->round_count; k++) right = right && side_is_right(&in->rounds[k].sides[i]);
        if (!right) return error_field(err, "rows", "row %zu has a time that is not above 0", i);
    }
    return LATHE_OK;
}

double nightly_typical_ms(const struct nightly_side *side)
{
    struct ranked *sorted = malloc((side->count + 1) * sizeof *sorted);
    double sum = 0;
    size_t networks = 0;
    if (!sorted) return NAN;
    for (size_t i = 0; i < side->count; i++)
        sorted[i] = (struct ranked){log(side->visits[i].ms), side->visits[i].context, true};
    ranked_sort(sorted, side->count);
    for (size_t from = 0, to; from < side->count; from = to, networks++) {
        for (to = from; to < side->count && sorted[to].stratum == sorted[from].stratum;) to++;
        size_t n = to - from;
        sum += (sorted[from + (n - 1) / 2].value + sorted[from + n / 2].value) / 2;
    }
    free(sorted);
    return networks ? exp(sum / (double)networks) : NAN;
}

size_t nightly_changes(const double *series, size_t n, size_t window, struct nightly_change *out)
{
    double *x = malloc((n + 1) * sizeof *x);
    size_t *at = malloc((n + 1) * sizeof *at);
    struct change_point *points = malloc((n + 1) * sizeof *points);
    size_t known = 0;
    size_t count = SIZE_MAX;
    if (x && at && points) {
        for (size_t i = 0; i < n; i++) {
            if (!(series[i] > 0 && isfinite(series[i]))) continue;
            at[known] = i;
            x[known++] = log(series[i]);
        }
        count = change_points(x, known, window, points);
        for (size_t i = 0; i < count; i++)
            out[i] = (struct nightly_change){at[points[i].at], exp(points[i].step), points[i].p};
    }
    free(x);
    free(at);
    free(points);
    return count;
}

/* A decision in the making. */
struct making {
    struct night night;
    struct nightly_finding *findings;
    double *effects; /* what the night's own measurements said of each finding; of logarithms */
    size_t count, capacity;
    bool *suspects; /* of each row: it is a finding by itself */
};

static enum lathe_status add(struct making *m, enum nightly_scope scope, int group, double effect)
{
    if (m->count == m->capacity) {
        size_t capacity = m->capacity ? 2 * m->capacity : 16;
        struct nightly_finding *grown = realloc(m->findings, capacity * sizeof *grown);
        if (grown) m->findings = grown;
        double *effects = grown ? realloc(m->effects, capacity * sizeof *effects) : NULL;
        if (!effects) return error_set(m->night.err, LATHE_NO_MEMORY, "no memory for %zu findings", capacity);
        m->effects = effects;
        m->capacity = capacity;
    }
    m->findings[m->count] = (struct nightly_finding){.scope = scope, .group = group, .verdict = NIGHTLY_AGAIN};
    m->effects[m->count++] = effect;
    return LATHE_OK;
}

/* Groups that were not needed to explain the night, but that history tells of, join the explanation. */
static void join(struct night *n, size_t group)
{
    size_t chosen[CHOSEN_MAX];
    for (size_t i = 0; i < n->why.count; i++)
        if (n->why.chosen[i] == group) return;
    if (n->why.count == CHOSEN_MAX) return;
    memcpy(chosen, n->why.chosen, sizeof chosen);
    chosen[n->why.count] = group;
    model_fit(&n->model, &n->evidence.cells, n->noise.level, chosen, n->why.count + 1, &n->why);
}

static enum lathe_status find_groups(struct making *m)
{
    struct night *n = &m->night;
    enum lathe_status st = LATHE_OK;
    for (size_t g = 0; !st && g < n->model.group_count; g++) {
        const struct group *group = &n->model.groups[g];
        if (group->scope == GROUP_CELL || !night_tells(n, &n->tests[g])) continue;
        st = add(m, group->scope == GROUP_KIND ? NIGHTLY_KIND : NIGHTLY_STAGE, group->number, n->tests[g].effect);
        join(n, g);
    }
    return st;
}

static enum lathe_status find_rows(struct making *m)
{
    struct night *n = &m->night;
    enum lathe_status st = LATHE_OK;
    for (size_t i = 0; !st && i < n->in->row_count; i++) {
        const struct test *t = &n->tests[test_of_row(n, i)];
        m->suspects[i] = night_tells(n, t);
        if (m->suspects[i]) st = add(m, NIGHTLY_ROW, (int)i, t->effect);
    }
    return st;
}

/* What the night's own measurements make suspicious. Rows are looked at again when groups have joined the explanation.
 */
static enum lathe_status find(struct making *m)
{
    struct night *n = &m->night;
    struct nightly_device device = night_device(n);
    enum lathe_status st = night_test(n);
    if (!st && night_device_tells(n, &device)) st = add(m, NIGHTLY_DEVICE, 0, log(device.ratio));
    size_t before = n->why.count;
    if (!st) st = find_groups(m);
    if (!st && n->why.count > before) st = night_test(n);
    if (!st) st = find_rows(m);
    return st;
}

/* Judge by all confirmations there are. More than half of those that may be made must show a finding. */
static enum lathe_status judge(struct making *m)
{
    struct night *n = &m->night;
    size_t rounds = n->settings->rounds;
    size_t needed = rounds / 2 + 1;
    size_t *against = calloc(m->count + 1, sizeof *against);
    enum lathe_status st = LATHE_OK;
    if (!against) return error_set(n->err, LATHE_NO_MEMORY, "no memory for %zu findings", m->count);
    for (size_t r = 0; !st && m->count && r < n->in->round_count && r < rounds; r++) {
        struct confirmation c;
        st = confirmation_read(n, r, m->suspects, &c);
        for (size_t i = 0; !st && i < m->count; i++) {
            struct nightly_finding *f = &m->findings[i];
            if (f->verdict != NIGHTLY_AGAIN) continue;
            enum judgement judgement = confirmation_judge(n, &c, f, m->effects[i]);
            f->confirmed += judgement == SHOWS_IT;
            against[i] += judgement == SHOWS_NOT;
            if (f->confirmed == needed) f->verdict = NIGHTLY_HOLDS;
            if (against[i] > rounds - needed || (r + 1 == rounds && f->confirmed < needed))
                f->verdict = NIGHTLY_DROPPED;
        }
        confirmation_clear(&c);
    }
    free(against);
    return st;
}

/* What all measurements together say. A finding that they don't bear out any more is dropped. */
static enum lathe_status sum_up(struct making *m)
{
    struct night *n = &m->night;
    enum lathe_status st = LATHE_OK;
    if (n->in->round_count > 0) {
        st = night_gather(n, (struct selection){.first = true, .to = n->in->round_count});
        if (!st) st = night_test(n);
    }
    for (size_t i = 0; !st && i < m->count; i++) {
        struct nightly_finding *f = &m->findings[i];
        st = finding_fill(n, f);
        if (f->verdict == NIGHTLY_HOLDS && !finding_tells(n, f)) f->verdict = NIGHTLY_DROPPED;
    }
    return st;
}

static void hand_over(struct making *m, struct nightly_decision *out)
{
    struct night *n = &m->night;
    if (m->count) qsort(m->findings, m->count, sizeof *m->findings, finding_compare);
    *out = (struct nightly_decision){.device = night_device(n),
                                     .findings = m->findings,
                                     .count = m->count,
                                     .compared = n->evidence.compared,
                                     .row_noise = sqrt(n->noise.row_pool),
                                     .group_noise = sqrt(n->noise.group_pool)};
    for (size_t i = 0; i < m->count; i++) out->again += m->findings[i].verdict == NIGHTLY_AGAIN;
    m->findings = NULL;
    m->count = 0;
}

static void free_findings(struct nightly_finding *findings, size_t count)
{
    for (size_t i = 0; i < count; i++) free(findings[i].rows);
    free(findings);
}

enum lathe_status nightly_decide(const struct nightly_input *in, const struct nightly_settings *settings,
                                 struct nightly_decision *out, struct lathe_error *err)
{
    enum lathe_status st = check_settings(settings, err);
    if (!st) st = check_input(in, err);
    if (st) return st;
    struct making m = {.suspects = calloc(in->row_count + 1, sizeof *m.suspects)};
    st = night_begin(&m.night, in, settings, err);
    if (!st && !m.suspects) st = error_set(err, LATHE_NO_MEMORY, "no memory for %zu rows", in->row_count);
    if (!st) st = find(&m);
    for (size_t i = 0; !st && i < m.count; i++) st = finding_list_rows(&m.night, &m.findings[i]);
    if (!st) st = judge(&m);
    if (!st) st = sum_up(&m);
    if (!st) hand_over(&m, out);
    free_findings(m.findings, m.count);
    free(m.effects);
    free(m.suspects);
    night_clear(&m.night);
    return st;
}

void nightly_decision_clear(struct nightly_decision *d)
{
    free_findings(d->findings, d->count);
    *d = (struct nightly_decision){0};
}
