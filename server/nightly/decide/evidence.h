/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What measurements say of each row, and how far nights differ by themselves. Inside this folder only. */
#ifndef LATHE_NIGHTLY_EVIDENCE_H
#define LATHE_NIGHTLY_EVIDENCE_H

#include "server/nightly/decide/decide.h"
#include "server/nightly/decide/model.h"
#include "server/nightly/decide/ranks.h"

/* Which of tonight's measurements are looked at. */
struct selection {
    bool first;      /* the night's own */
    size_t from, to; /* confirmations from..to-1 */
};

/* One row against its baseline; logarithms of times. */
struct estimate {
    bool compared; /* there is enough of it */
    struct rank_shift shift;
    double sampling; /* variance of the shift by what visits show */
};

/* Samples and estimates of one selection. */
struct evidence {
    struct estimate *rows; /* owned; one for each row of the input */
    size_t compared;
    double visit_noise; /* typical standard deviation of a visit's mean within its network; NAN where unknown */
    struct cell_data cells;
};

/* How far two nights that nothing changed between differ; variances of logarithms. */
struct noise {
    double level; /* of the device's */
    double level_degrees;
    double row_pool, group_pool; /* beyond what samples show, one night */
    double *rows;                /* owned; of a row's difference beyond its cell's explanation, or NAN: no history */
    double cells[CELLS_MAX];     /* of a cell's difference beyond the level, or NAN */
    double degrees, row_degrees; /* of freedom; fewer for rows, some of which have two modes */
};

/* Earlier nights and tonight as columns of one matrix of logarithms, each row less its baseline. */
struct history {
    size_t columns;             /* the last one is tonight */
    size_t first;               /* the night that column 0 is */
    double *values;             /* owned; row after row; NAN where not measured */
    struct cell_data *cells;    /* owned; of each column */
    struct explanation *nights; /* owned; of each column but the last */
    bool *usable;               /* owned; of each column: enough of it was measured */
};

/* Estimates of all rows. @param least visits a side that a row must have to be compared.
 * @param[out] out evidence_clear() it, also after a failure. */
enum lathe_status evidence_gather(const struct nightly_input *, struct selection, size_t least, struct evidence *out,
                                  struct lathe_error *err);
void evidence_clear(struct evidence *);
/* The chance of a row's ranks if tonight's times were those of the baseline times exp(offset). */
enum lathe_status evidence_rank_p(const struct nightly_input *, size_t row, struct selection, double offset, double *p,
                                  struct lathe_error *err);
/* Fill in the cells. @param cell_of the cell of each row. @param without rows to leave out, or NULL. */
enum lathe_status evidence_cells(struct evidence *, const struct model *, const size_t *cell_of, const struct noise *,
                                 size_t row_count, const bool *without, struct lathe_error *err);

/* @param[out] out history_clear() it, also after a failure. */
enum lathe_status history_read(const struct nightly_input *, const struct nightly_settings *, const struct model *,
                               const size_t *cell_of, struct history *out, struct lathe_error *err);
void history_clear(struct history *);

/* What noise is expected before anything is known of it, by how much visits differ. */
void noise_assume(const struct evidence *, struct noise *out);
/* Learn from history; fills in the history's explanations, too. @param[out] out noise_clear() it, also after a failure.
 */
enum lathe_status noise_learn(const struct nightly_input *, const struct model *, const size_t *cell_of,
                              struct history *, struct noise *out, struct lathe_error *err);
/* The variance of a cell's difference because layers don't follow the device's level alike. History shows how they do,
 * and what they did is part of the noise learned: each night that stood at half the level or more halves this, others
 * count by the square of theirs. */
double noise_elastic(const struct history *, double level);
/* The variance of a difference between two nights by a series of some, drawn towards what is assumed.
 * @param room n numbers. */
double noise_of_series(const double *x, size_t n, double assumed, double *room);
void noise_clear(struct noise *);

#endif
