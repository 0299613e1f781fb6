/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Simulated nights of a device: 480 rows as ofa-mbv3 has them at five resolutions, with noise made up or recorded, and
 * changes on purpose. For bench_nightly and tests. Threads: one owner. */
#ifndef LATHE_TESTS_NIGHTS_H
#define LATHE_TESTS_NIGHTS_H

#include "lut/base/rng.h"
#include "server/nightly/decide/decide.h"

enum {
    SIM_RESOLUTIONS = 5,
    SIM_LAYERS = 96,
    SIM_ROWS = SIM_RESOLUTIONS * SIM_LAYERS,
    SIM_NETWORKS = 27, /* of one resolution */
    SIM_ROUNDS = 4,
    SIM_VISITS = SIM_NETWORKS * SIM_ROUNDS, /* of a row, at most */
    SIM_NIGHTS = 128,
    SIM_STAGES = 5,
};

enum sim_kind { SIM_CONV, SIM_MBCONV, SIM_POOL, SIM_LINEAR, SIM_KINDS };

/* Made-up noise; standard deviations of logarithms. What visits have is of FACTS: coefficients of variation of 2.5%
 * (median), 3.5% (90th percentile), 13.5% (most), heavy tails, visits that a shift of the level falls into, rows with
 * two modes. */
struct sim_noise {
    double level;     /* of the device from night to night */
    double row, cell; /* of each row, and of all rows of a kind within a stage, from night to night */
    double bimodal;   /* share of rows that have two modes; half of them change by visit, half by night */
    double shifted;   /* share of visits that a shift of up to 20% falls into */
    const struct recording *recorded; /* instead of all this, or NULL */
};
struct sim_noise sim_noise_default(void);

/* Changes on purpose: logarithms, added to what rows take. */
struct sim_change {
    double device, kind[SIM_KINDS], stage[SIM_STAGES];
};

struct sim;

/** @return NULL when out of memory. */
struct sim *sim_new(uint64_t seed, const struct sim_noise *);
void sim_free(struct sim *);
/** The baseline's night; what was before is forgotten. */
void sim_begin(struct sim *);
/** Another night, compared with the baseline and confirmed as the server does. @param out nightly_decision_clear() it.
 */
enum lathe_status sim_night(struct sim *, const struct sim_change *, const struct nightly_settings *,
                            struct nightly_decision *out, struct lathe_error *err);
/** A night that is not compared, but becomes history. */
void sim_pass(struct sim *, const struct sim_change *);
/** What the last sim_night() was decided from; borrowed. */
const struct nightly_input *sim_input(const struct sim *);
/** Nights since the baseline's, that included. */
size_t sim_nights(const struct sim *);

/** Read what tests/bench/record_nights wrote. @param[out] out recording_free() it. */
enum lathe_status recording_read(const char *path, struct recording **out, struct lathe_error *err);
void recording_free(struct recording *);

#endif
