/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* False discovery rate. Threads: any. */
#ifndef LATHE_NIGHTLY_FDR_H
#define LATHE_NIGHTLY_FDR_H

#include <stddef.h>

/** Benjamini and Hochberg's (1995) adjusted p values: to reject where q is at most r keeps the expected share of false
 *  rejections at most r.
 *  @param p n chances. @param[out] q n numbers, may be p itself; untouched on failure. @return 0, or -1 when out of
 *  memory. */
int fdr_adjust(const double *p, size_t n, double *q);

#endif
