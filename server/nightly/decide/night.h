/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* One night's decision while it is made. Inside this folder only. */
#ifndef LATHE_NIGHTLY_NIGHT_H
#define LATHE_NIGHTLY_NIGHT_H

#include "server/nightly/decide/evidence.h"

/* What one selection of measurements says of one group or row beyond the level and the groups that explain it. */
struct test {
    double effect, variance; /* of logarithms; NAN: not compared */
    double p, q;
};

struct night {
    const struct nightly_input *in;
    const struct nightly_settings *settings;
    struct model model;
    size_t *cell_of; /* owned; of each row */
    struct noise noise;
    struct history history;
    struct selection what; /* that evidence and tests are of */
    struct evidence evidence;
    struct explanation why;
    struct test *tests; /* owned; of each group, then of each row */
    struct lathe_error *err;
};

/* A night's numbers of tests. */
static inline size_t test_of_row(const struct night *n, size_t row)
{
    return n->model.group_count + row;
}

/* Model, evidence of the night's own measurements, history, noise, and the explanation of least cost.
 * night_clear() it, also after a failure. */
enum lathe_status night_begin(struct night *, const struct nightly_input *, const struct nightly_settings *,
                              struct lathe_error *err);
void night_clear(struct night *);
/* Take other measurements and explain them by the same groups. */
enum lathe_status night_gather(struct night *, struct selection);
/* Fill in tests[]. */
enum lathe_status night_test(struct night *);
/* Whether a test says enough to be told, or looked at again. */
bool night_tells(const struct night *, const struct test *);
/* The device's level, its chance, and whether it is more than usual. */
struct nightly_device night_device(const struct night *);
bool night_device_tells(const struct night *, const struct nightly_device *);
/* What the level and kinds and stages explain of a row; cells by themselves explain nothing. */
double night_explained(const struct night *, const struct explanation *, size_t row);

/* A series from the baseline's night to tonight, of those nights that have it. */
struct series {
    double *values;  /* owned; as much room behind them, for whoever reads them */
    size_t *columns; /* owned; of the history */
    size_t count;
};
enum lathe_status series_new(const struct night *, struct series *);
void series_free(struct series *);
void series_of_level(const struct night *, struct series *);
void series_of_group(const struct night *, size_t group, struct series *);
void series_of_row(const struct night *, size_t row, struct series *);

/* Whether a confirmation shows a finding, contradicts it, or says nothing of it. */
enum judgement { SAYS_NOTHING, SHOWS_IT, SHOWS_NOT };

/* A confirmation, explained by the groups of the night. */
struct confirmation {
    struct evidence evidence;
    struct explanation why;
};

/* @param suspects of each row: it is a finding by itself, and no control. confirmation_clear(), also after a failure.
 */
enum lathe_status confirmation_read(const struct night *, size_t round, const bool *suspects, struct confirmation *out);
void confirmation_clear(struct confirmation *);
enum judgement confirmation_judge(const struct night *, const struct confirmation *, const struct nightly_finding *,
                                  double effect);

/* Fill in the rows that a finding is about. */
enum lathe_status finding_list_rows(const struct night *, struct nightly_finding *);
/* Fill in all figures, by what the night was last tested with. */
enum lathe_status finding_fill(struct night *, struct nightly_finding *);
/* Whether the night's tests still say it. */
bool finding_tells(const struct night *, const struct nightly_finding *);
/* In the order in which findings are told; for qsort(). */
int finding_compare(const void *, const void *);

#endif
