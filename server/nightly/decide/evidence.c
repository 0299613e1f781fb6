/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/nightly/decide/evidence.h"

#include <math.h>
#include <stdlib.h>

#include "server/nightly/decide/robust.h"

/* A row's own spread is little known after a dozen visits: the typical row's counts as this many degrees of freedom. */
static const double typical_degrees = 6;
static const double z95 = 1.959964;

static size_t append(struct ranked *out, size_t n, const struct nightly_side *side, bool now)
{
    for (size_t i = 0; i < side->count; i++)
        out[n++] = (struct ranked){log(side->visits[i].ms), side->visits[i].context, now};
    return n;
}

static size_t visits_of(const struct nightly_input *in, size_t row, struct selection what)
{
    size_t n = in->rows[row].before.count + (what.first ? in->rows[row].now.count : 0);
    for (size_t r = what.from; r < what.to; r++) n += in->rounds[r].sides[row].count;
    return n;
}

static size_t gather_row(const struct nightly_input *in, size_t row, struct selection what, struct ranked *out)
{
    size_t n = append(out, 0, &in->rows[row].before, false);
    if (what.first) n = append(out, n, &in->rows[row].now, true);
    for (size_t r = what.from; r < what.to; r++) n = append(out, n, &in->rounds[r].sides[row], true);
    return n;
}

static enum lathe_status estimate_row(const struct nightly_input *in, size_t row, struct selection what,
                                      struct ranked *room, struct estimate *out, struct lathe_error *err)
{
    size_t n = gather_row(in, row, what, room);
    enum lathe_status st = rank_shift(room, n, &out->shift, err);
    if (st) return st;
    double width = out->shift.upper - out->shift.lower;
    out->sampling = width / (2 * z95) * (width / (2 * z95));
    return LATHE_OK;
}

enum lathe_status evidence_rank_p(const struct nightly_input *in, size_t row, struct selection what, double offset,
                                  double *p, struct lathe_error *err)
{
    struct ranked *room = malloc((visits_of(in, row, what) + 1) * sizeof *room);
    if (!room) return error_set(err, LATHE_NO_MEMORY, "no memory for the visits of a row");
    size_t n = gather_row(in, row, what, room);
    for (size_t i = 0; i < n; i++)
        if (room[i].now) room[i].value -= offset;
    enum lathe_status st = rank_test(room, n, p, err);
    free(room);
    return st;
}

/* Of a shift's variance, what one visit's mean contributes. */
static double per_visit(const struct estimate *e)
{
    double m = (double)e->shift.before;
    double n = (double)e->shift.now;
    return e->sampling * m * n / (m + n);
}

/* Draw each row's variance towards the typical row's, the less is known of it the more; a few visits may look alike by
 * chance. */
static void moderate(struct evidence *e, size_t row_count, double *room)
{
    size_t n = 0;
    for (size_t i = 0; i < row_count; i++)
        if (e->rows[i].compared && isfinite(e->rows[i].sampling)) room[n++] = per_visit(&e->rows[i]);
    double typical = median_of(room, n);
    e->visit_noise = sqrt(typical);
    for (size_t i = 0; i < row_count; i++) {
        struct estimate *r = &e->rows[i];
        if (!r->compared) continue;
        double visits = (double)(r->shift.before + r->shift.now);
        double degrees = isfinite(r->sampling) ? fmax(1, visits - 2 * (double)r->shift.strata) : 0;
        double own = isfinite(r->sampling) ? per_visit(r) : 0;
        double variance = (degrees * own + typical_degrees * typical) / (degrees + typical_degrees);
        r->sampling = variance * visits / ((double)r->shift.before * (double)r->shift.now);
        r->compared = isfinite(r->sampling);
        e->compared += r->compared;
    }
}

enum lathe_status evidence_gather(const struct nightly_input *in, struct selection what, size_t least,
                                  struct evidence *out, struct lathe_error *err)
{
    size_t most = 1;
    enum lathe_status st = LATHE_OK;
    *out = (struct evidence){.rows = calloc(in->row_count + 1, sizeof *out->rows)};
    for (size_t i = 0; i < in->row_count; i++)
        if (visits_of(in, i, what) > most) most = visits_of(in, i, what);
    struct ranked *room = malloc(most * sizeof *room);
    double *variances = malloc((in->row_count + 1) * sizeof *variances);
    if (!out->rows || !room || !variances) {
        free(room);
        free(variances);
        return error_set(err, LATHE_NO_MEMORY, "no memory for %zu rows", in->row_count);
    }
    for (size_t i = 0; !st && i < in->row_count; i++) {
        struct estimate *r = &out->rows[i];
        st = estimate_row(in, i, what, room, r, err);
        r->compared = !st && r->shift.before >= least && r->shift.now >= least;
    }
    if (!st) moderate(out, in->row_count, variances);
    free(room);
    free(variances);
    return st;
}

void evidence_clear(struct evidence *e)
{
    free(e->rows);
    *e = (struct evidence){0};
}

/* One cell: Huber's centre of its rows, and its variance, noise between nights included. */
static void sum_up(struct evidence *e, size_t cell, const size_t *cell_of, const struct noise *noise, size_t row_count,
                   const bool *without, double *room)
{
    double *x = room;
    double *weight = room + row_count;
    size_t n = 0;
    double sum = 0;
    for (size_t i = 0; i < row_count; i++) {
        if (cell_of[i] != cell || !e->rows[i].compared || (without && without[i])) continue;
        x[n] = e->rows[i].shift.shift;
        weight[n] = 1 / (e->rows[i].sampling + 2 * noise->row_pool);
        sum += weight[n++];
    }
    e->cells.centre[cell] = huber_centre(x, weight, n, room + 2 * row_count);
    double known = 1.05 / sum; /* Huber's estimate is 95% as good as the mean */
    double between = isfinite(noise->cells[cell]) ? noise->cells[cell] : 2 * noise->group_pool;
    e->cells.variance[cell] = known + between;
}

enum lathe_status evidence_cells(struct evidence *e, const struct model *m, const size_t *cell_of,
                                 const struct noise *noise, size_t row_count, const bool *without,
                                 struct lathe_error *err)
{
    double *room = malloc((4 * row_count + 1) * sizeof *room);
    if (!room) return error_set(err, LATHE_NO_MEMORY, "no memory for %zu rows", row_count);
    for (size_t c = 0; c < m->cell_count; c++) sum_up(e, c, cell_of, noise, row_count, without, room);
    free(room);
    return LATHE_OK;
}
