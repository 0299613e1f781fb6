/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What of a device changed between its baseline and tonight: one pure function from measurements to findings. README.md
 * tells how it decides and how often it errs.
 *
 * It is called after a night was measured, and again after each confirmation, each time with all there is: it keeps
 * nothing between calls, so whoever was interrupted asks again. The first call names suspects, all of them
 * NIGHTLY_AGAIN. Then, as long as `again` is not 0, the rows of those findings are measured once more (in whole
 * networks, so that rows which no suspect holds come along as a control) and the call is repeated with one more
 * confirmation. What then is NIGHTLY_HOLDS is to be told.
 *
 * Threads: any; the same input gives the same answer on every machine. */
#ifndef LATHE_NIGHTLY_DECIDE_H
#define LATHE_NIGHTLY_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lut/base/error.h"

enum {
    NIGHTLY_MAX_KINDS = 16,  /* kinds of layers are numbered from 0 */
    NIGHTLY_MAX_STAGES = 16, /* stages of a space are numbered from 0 */
    NIGHTLY_MAX_ROUNDS = 9,  /* confirmations */
};

/* The runs of a row within one visit, as one number: they are not independent of each other. */
struct nightly_visit {
    double ms;        /* mean of the runs, above 0, the drift within its own night divided out, that of nights not */
    uint32_t context; /* the network that was visited: the same number in all nights and confirmations */
};

struct nightly_side {
    const struct nightly_visit *visits; /* NULL when there are none */
    size_t count;
};

/* One layer at one place: what is compared. */
struct nightly_row {
    int kind;                        /* 0..NIGHTLY_MAX_KINDS - 1 */
    int stage;                       /* 0..NIGHTLY_MAX_STAGES - 1, or -1 outside the stages */
    struct nightly_side before, now; /* in the baseline's night and tonight's first measuring */
    const double *history;           /* ms in each earlier night, NAN where not measured; NULL when there are none */
};

/* An earlier night of the same device, config and space, the baseline's among them. */
struct nightly_night {
    double sentinel_ms; /* the sentinel's typical latency, or NAN */
    double load;        /* share of the cores that others took, 0..1, or NAN */
    bool quiet;         /* compared with the same baseline as tonight, and nothing was found */
};

/* A confirmation: what was measured again. */
struct nightly_round {
    const struct nightly_side *sides; /* one for each row; empty where a row was not measured */
    double load;                      /* as in struct nightly_night */
};

struct nightly_input {
    const struct nightly_row *rows;
    size_t row_count;
    const struct nightly_night *nights; /* oldest first; only the last `window` of them matter */
    size_t night_count;
    size_t baseline; /* index of the baseline's night, from which on changes are looked for; 0: from the oldest on */
    double sentinel_before_ms, sentinel_ms; /* NAN where not known */
    double load_before, load;               /* NAN where not known */
    const struct nightly_round *rounds;
    size_t round_count;
};

struct nightly_settings {
    double min_effect;  /* smaller changes are not told: 0.02 is 2% */
    double fdr;         /* share of false ones among all that is told, 0..1 */
    size_t min_samples; /* visits a side that a row needs to be compared */
    size_t rounds;      /* confirmations at most, 1..NIGHTLY_MAX_ROUNDS */
    size_t window;      /* nights that are looked back */
};

/** What ships: 2%, 5%, nine visits, three confirmations, 50 nights. */
struct nightly_settings nightly_settings_default(void);

enum nightly_scope { NIGHTLY_DEVICE, NIGHTLY_KIND, NIGHTLY_STAGE, NIGHTLY_ROW };
enum nightly_nature { NIGHTLY_STEP, NIGHTLY_DRIFT };
enum nightly_verdict {
    NIGHTLY_AGAIN,   /* its rows are to be measured once more */
    NIGHTLY_HOLDS,   /* confirmed */
    NIGHTLY_DROPPED, /* not seen again, or not after all confirmations */
};

/* Figures of one row against its baseline. Ratios are tonight's time by the baseline's. */
struct nightly_row_change {
    size_t row;                     /* index into the input's rows */
    double ratio, lower, upper;     /* with its 95% interval; as measured, the device's level included */
    double before_ms, now_ms;       /* typical visits: Hodges and Lehmann's centre of each side */
    size_t before_count, now_count; /* visits, confirmations included */
    double p;                       /* that it differs from what the device's level explains */
};

struct nightly_finding {
    enum nightly_scope scope;
    int group; /* number of the kind or stage; 0 for the device; of a row: its index */
    enum nightly_nature nature;
    enum nightly_verdict verdict;
    double ratio, lower, upper; /* 95% interval; of groups and rows beyond the device's level, see nightly_device */
    double p, q;                /* q: of Benjamini and Hochberg over all rows and groups of the night */
    double before_ms, now_ms; /* of all its rows together, now_ms at the baseline's device level (but: the device's) */
    size_t before_count, now_count;  /* visits of its rows */
    size_t confirmed;                /* confirmations that showed it */
    size_t since;                    /* index into the input's nights of the first that had it; night_count: tonight */
    struct nightly_row_change *rows; /* owned by the decision; those whose change it is, greatest first */
    size_t row_count;
};

/* The level of the whole device against its baseline, also where it is no finding. */
struct nightly_device {
    double ratio, lower, upper; /* of times: above 1 it is slower; NAN where nothing could be compared */
    double spread;              /* usual, from night to night: standard deviation of the ratio's logarithm */
    double p;                   /* that it is usual */
    bool by_load;               /* slower, and others took more of its cores than usually: no finding */
};

struct nightly_decision {
    struct nightly_device device;
    struct nightly_finding *findings; /* owned; device first, then groups, then rows; then by their effect */
    size_t count;
    size_t again;                  /* findings whose verdict is NIGHTLY_AGAIN */
    size_t compared;               /* rows with enough visits on both sides */
    double row_noise, group_noise; /* of one night beyond what its samples show: standard deviations of logarithms */
};

/** Decide about a night, as far as it was measured.
 *  @param[out] out nightly_decision_clear() it; written on LATHE_OK only.
 *  @return LATHE_INVALID: a kind, stage or setting is out of range, or a time is not above 0; LATHE_NO_MEMORY. */
enum lathe_status nightly_decide(const struct nightly_input *, const struct nightly_settings *,
                                 struct nightly_decision *out, struct lathe_error *err);
void nightly_decision_clear(struct nightly_decision *);

/** What a row took in a night: the geometric mean over networks of the median visit. NAN when there are no visits, or
 * no memory. */
double nightly_typical_ms(const struct nightly_side *);

/* A change point of a series: the first index of a new level. */
struct nightly_change {
    size_t index;
    double ratio; /* of the mean level after it to that before it (up to the next change points) */
    double p;     /* of Welch's t between the two, corrected for the choice of the place */
};

/** The change points of a history of positive numbers (NAN: a night that did not measure it), in order of time.
 *  E-divisive means with a t-test in windows of `window` points, see README.md.
 *  @param out owned by the caller, n numbers long at most needed. @return how many, or SIZE_MAX when out of memory. */
size_t nightly_changes(const double *series, size_t n, size_t window, struct nightly_change *out);

#endif
