/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Non-negative least squares of a sum over counted rows. Threads: plain values. */
#ifndef LATHE_JOBS_REGRESS_H
#define LATHE_JOBS_REGRESS_H

#include <stddef.h>
#include <stdint.h>

#include "lut/base/error.h"

/** Find x >= 0, one number a row, such that for each network the sum of counts times x comes near its latency, errors
 *  being relative; rows that the networks do not tell apart share their sum as the prior has it.
 *
 *  Minimises the sum of ((counts x - y) / y)^2 plus a small ridge towards the prior, by coordinate descent on the
 * normal equations (Franc, Hlavac and Navara 2005), which ends at the one minimum.
 *  @param counts [networks][rows]. @param y of each network, above 0. @param prior of each row, above 0.
 *  @param[out] x rows numbers. */
enum lathe_status regress(const uint8_t *counts, const double *y, const double *prior, size_t networks, size_t rows,
                          double *x, struct lathe_error *err);

#endif
