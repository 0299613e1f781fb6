/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What measured latencies of published networks say: fronts, and how much faster once-for-all's networks are where
 * they are as accurate. Documents are those of `lathe compare --json`. Threads: plain values. */
#ifndef LATHE_CLI_COMPARISON_H
#define LATHE_CLI_COMPARISON_H

#include <jansson.h>
#include <stddef.h>

/** The mean of a network's measurements and its 95% interval: Student's t over the measurements, which are apart in
 *  time. @param count at least 1. @param[out] half half of the interval; NAN for one measurement. @return the mean. */
double comparison_mean(const double *latencies_ms, size_t count, double *half);

/** The latency that once-for-all's front has at an accuracy: between two of its networks interpolated, linearly in
 *  top-1; below the least accurate one that one's. @param networks array of {"family","top1","latency_ms"}.
 *  @param[out] below whether the accuracy is below the front.
 *  @return ms; NAN: above the front, or there is none. */
double comparison_front_ms(const json_t *networks, double top1, int *below);

/** Fill in a report's "speedups" and "claims" from its "networks".
 *    speedups: {"name","family","top1","latency_ms","front_ms","speedup","at_least"}, one a baseline. speedup is null
 *              where once-for-all published nothing as accurate; at_least where it published nothing so little
 * accurate: the fastest one, which is more accurate, stands for it, and null where that is not faster. claims:
 * {"family","claimed","where","measured":[least,most]|null}: what arXiv:1908.09791 says, and these. */
void comparison_add_speedups(json_t *report);

#endif
