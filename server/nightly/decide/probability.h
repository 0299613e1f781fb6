/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Tails of distributions. Threads: any. */
#ifndef LATHE_NIGHTLY_PROBABILITY_H
#define LATHE_NIGHTLY_PROBABILITY_H

/** The chance that a standard normal variable is further from 0 than z, on either side. */
double normal_p(double z);
/** The same of Student's t. @param degrees above 0, fractions allowed. */
double student_p(double t, double degrees);
/** The t with that chance: the inverse of student_p(). @param p above 0, at most 1. */
double student_t(double p, double degrees);

#endif
