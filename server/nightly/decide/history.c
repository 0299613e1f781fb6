/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* How far nights differ by themselves. */
#include <math.h>
#include <stdlib.h>

#include "server/nightly/decide/evidence.h"
#include "server/nightly/decide/robust.h"

/* Before there is history, nights are taken to differ by shares of what visits differ by, since both come from what
 * else goes on in the machine; and by this much at least, from where memory happens to lie. */
static const double row_least = 0.008;
static const double group_least = 0.004;
static const double row_share = 0.4;
static const double group_share = 0.3;
static const double level_assumed = 0.1;
static const double elastic_assumed = 0.25;

/* What is assumed counts as this many nights, and the typical row or cell as much beside one's own. */
static const double assumed_nights = 3;
static const double typical_nights = 4;

enum { LOOK_BACK_GROUPS = 2, DEGREES_ASSUMED = 10, LEVEL_DEGREES = 8, ROW_DEGREES = 6 };

void noise_assume(const struct evidence *e, struct noise *out)
{
    double row = fmax(row_least, isfinite(e->visit_noise) ? row_share * e->visit_noise : 0);
    double group = fmax(group_least, isfinite(e->visit_noise) ? group_share * e->visit_noise : 0);
    *out = (struct noise){.level = level_assumed * level_assumed,
                          .level_degrees = LEVEL_DEGREES,
                          .row_pool = row * row,
                          .group_pool = group * group,
                          .degrees = DEGREES_ASSUMED,
                          .row_degrees = ROW_DEGREES};
    for (size_t c = 0; c < CELLS_MAX; c++) out->cells[c] = NAN;
}

void noise_clear(struct noise *n)
{
    free(n->rows);
    n->rows = NULL;
}

static void read_row(const struct nightly_input *in, size_t row, struct history *h)
{
    const struct nightly_row *r = &in->rows[row];
    double *out = h->values + row * h->columns;
    double before = log(nightly_typical_ms(&r->before));
    for (size_t k = 0; k + 1 < h->columns; k++)
        out[k] = r->history && r->history[h->first + k] > 0 ? log(r->history[h->first + k]) - before : NAN;
    out[h->columns - 1] = log(nightly_typical_ms(&r->now)) - before;
}

/* The cells of one column, all rows alike. */
static void sum_up(const struct nightly_input *in, const struct model *m, const size_t *cell_of, struct history *h,
                   size_t column, double *room)
{
    size_t measured = 0;
    for (size_t c = 0; c < m->cell_count; c++) {
        size_t n = 0;
        for (size_t i = 0; i < in->row_count; i++) {
            double x = h->values[i * h->columns + column];
            if (cell_of[i] == c && isfinite(x)) room[n++] = x;
        }
        h->cells[column].centre[c] = huber_centre(room, NULL, n, room + in->row_count);
        measured += n;
    }
    h->usable[column] = 2 * measured >= in->row_count && measured > 0;
}

enum lathe_status history_read(const struct nightly_input *in, const struct nightly_settings *settings,
                               const struct model *m, const size_t *cell_of, struct history *out,
                               struct lathe_error *err)
{
    size_t nights = in->night_count < settings->window - 1 ? in->night_count : settings->window - 1;
    struct history h = {.columns = nights + 1, .first = in->night_count - nights};
    h.values = malloc((in->row_count * h.columns + 1) * sizeof *h.values);
    h.cells = malloc(h.columns * sizeof *h.cells);
    h.nights = calloc(h.columns, sizeof *h.nights);
    h.usable = calloc(h.columns, sizeof *h.usable);
    double *room = malloc((3 * in->row_count + 1) * sizeof *room);
    *out = h;
    if (!h.values || !h.cells || !h.nights || !h.usable || !room) {
        free(room);
        return error_set(err, LATHE_NO_MEMORY, "no memory for %zu rows of %zu nights", in->row_count, h.columns);
    }
    for (size_t i = 0; i < in->row_count; i++) read_row(in, i, out);
    for (size_t k = 0; k < h.columns; k++) sum_up(in, m, cell_of, out, k, room);
    free(room);
    return LATHE_OK;
}

void history_clear(struct history *h)
{
    free(h->values);
    free(h->cells);
    free(h->nights);
    free(h->usable);
    *h = (struct history){0};
}

static void explain_nights(const struct model *m, struct history *h, const struct noise *noise)
{
    for (size_t k = 0; k < h->columns; k++) {
        for (size_t c = 0; c < m->cell_count; c++)
            h->cells[k].variance[c] = 2 * noise->group_pool + 4 * noise->row_pool / (double)m->cells[c].rows;
        if (h->usable[k]) model_explain(m, &h->cells[k], noise->level, LOOK_BACK_GROUPS, &h->nights[k]);
    }
}

/* What nights' explanations leave of a cell, or of a row in it. */
static double left_over(const struct model *m, const struct history *h, size_t column, size_t cell, const double *row)
{
    double x = row ? row[column] : h->cells[column].centre[cell];
    return h->usable[column] ? x - model_predict(m, &h->nights[column], cell) : NAN;
}

/* The variance of a difference between two nights by those that follow each other: steps count once, drift hardly.
 * @param room numbers for each column. @param[out] count differences. @return NAN when there are too few. */
static double difference_variance(const struct model *m, const struct history *h, size_t cell, const double *row,
                                  double *room, size_t *count)
{
    double last = NAN;
    size_t n = 0;
    for (size_t k = 0; k + 1 < h->columns; k++) {
        double x = left_over(m, h, k, cell, row);
        if (!isfinite(x)) continue;
        if (isfinite(last)) room[n++] = x - last;
        last = x;
    }
    *count = n;
    return spread_about_zero(room, n);
}

/* Draw each variance towards the median of all, the more so the fewer nights it is from.
 * @param assumed where nights are few. @return the median, likewise drawn. */
static double draw_together(double *variance, const size_t *nights, size_t n, double assumed, double *room)
{
    size_t known = 0;
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(variance[i])) continue;
        room[known++] = variance[i];
        most = fmax(most, (double)nights[i]);
    }
    if (!known) return NAN;
    double pool = (assumed_nights * assumed + most * median_of(room, known)) / (assumed_nights + most);
    for (size_t i = 0; i < n; i++) {
        double own = isfinite(variance[i]) ? (double)nights[i] / 2 : 0; /* robust estimates are worth half */
        variance[i] = (typical_nights * pool + (own > 0 ? own * variance[i] : 0)) / (typical_nights + own);
    }
    return pool;
}

/* The level against the baseline in the nights that were compared with it and quiet. What is assumed fades as they
 * become more. */
static void learn_level(const struct nightly_input *in, const struct history *h, struct noise *out)
{
    double sum = 0;
    double n = 0;
    for (size_t k = 0; k + 1 < h->columns; k++) {
        if (!h->usable[k] || !in->nights[h->first + k].quiet) continue;
        sum += h->nights[k].level * h->nights[k].level;
        n++;
    }
    double assumed = 4 * exp2(-n / 4);
    out->level = (assumed * level_assumed * level_assumed + sum) / (assumed + n);
    out->level_degrees = LEVEL_DEGREES + n;
}

double noise_elastic(const struct history *h, double level)
{
    double seen = 0;
    for (size_t k = 0; k + 1 < h->columns && level != 0; k++) {
        double share = 2 * h->nights[k].level / level;
        if (h->usable[k]) seen += fmin(1, share * share);
    }
    return elastic_assumed * level * elastic_assumed * level * exp2(-seen);
}

double noise_of_series(const double *x, size_t n, double assumed, double *room)
{
    for (size_t i = 1; i < n; i++) room[i - 1] = x[i] - x[i - 1];
    double own = n > 0 ? spread_about_zero(room, n - 1) : NAN;
    double nights = isfinite(own) ? (double)(n - 1) / 2 : 0;
    return (typical_nights * assumed + (nights > 0 ? nights * own : 0)) / (typical_nights + nights);
}

static void learn_groups(const struct model *m, const struct history *h, struct noise *out, double *room,
                         size_t *nights)
{
    for (size_t c = 0; c < m->cell_count; c++) out->cells[c] = difference_variance(m, h, c, NULL, room, &nights[c]);
    double pool = draw_together(out->cells, nights, m->cell_count, 2 * out->group_pool, room);
    if (isfinite(pool)) out->group_pool = pool / 2;
}

static void learn_rows(const struct nightly_input *in, const struct model *m, const size_t *cell_of,
                       const struct history *h, struct noise *out, double *room, size_t *nights)
{
    for (size_t i = 0; i < in->row_count; i++)
        out->rows[i] = difference_variance(m, h, cell_of[i], h->values + i * h->columns, room, &nights[i]);
    double assumed = 4 * out->row_pool; /* as much again for samples */
    double pool = draw_together(out->rows, nights, in->row_count, assumed, room);
    if (isfinite(pool)) out->row_pool = fmin(out->row_pool, pool / 2);
}

enum lathe_status noise_learn(const struct nightly_input *in, const struct model *m, const size_t *cell_of,
                              struct history *h, struct noise *out, struct lathe_error *err)
{
    size_t most = in->row_count + h->columns + CELLS_MAX;
    double *room = malloc(most * sizeof *room);
    size_t *nights = calloc(most, sizeof *nights);
    out->rows = malloc((in->row_count + 1) * sizeof *out->rows);
    if (!room || !nights || !out->rows) {
        free(room);
        free(nights);
        return error_set(err, LATHE_NO_MEMORY, "no memory for %zu rows of %zu nights", in->row_count, h->columns);
    }
    explain_nights(m, h, out);
    learn_level(in, h, out);
    learn_rows(in, m, cell_of, h, out, room, nights);
    learn_groups(m, h, out, room, nights);
    size_t most_nights = 0;
    for (size_t c = 0; c < m->cell_count; c++)
        if (nights[c] > most_nights) most_nights = nights[c];
    out->degrees += (double)most_nights;
    out->row_degrees += (double)most_nights / 2;
    free(room);
    free(nights);
    return LATHE_OK;
}
