/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Findings as documents, each with a sentence for people. Threads: plain values. */
#ifndef LATHE_NIGHTLY_FINDINGS_H
#define LATHE_NIGHTLY_FINDINGS_H

#include "server/nightly/gather.h"

/* Where findings come from. */
struct finding_place {
    const json_t *run; /* tonight's */
    const char *device, *config;
    const char *baseline_run;
    const json_t *nights; /* that gathered.nights are the last of */
};

/** Those that hold. @return new array. */
json_t *findings_describe(const struct nightly_decision *, const struct gathered *, const struct finding_place *);
/** Of one whose p a sentence gives: "p = 2e-07", "p < 1e-15". @param out 24 bytes. */
void finding_p(double p, char out[24]);
/** "5.1% longer", "3.0% less". @param out 32 bytes. */
void finding_effect(double ratio, char out[32]);

/* A shipped subnet in two nights. */
struct subnet_change {
    double ratio, lower, upper, p, before_ms, now_ms;
    size_t before_count, now_count;
};
/** Compare the visits of a shipped subnet, [ms] each. @return false: too few of them, or no memory. */
bool subnet_compare(const json_t *before_visits, const json_t *now_visits, size_t least, struct subnet_change *out);
/** @param replacement {"subnet","latency_ms","top1"} or NULL; borrowed. New reference. */
json_t *finding_of_subnet(const json_t *shipped, const struct subnet_change *, const json_t *replacement,
                          const struct finding_place *);

#endif
