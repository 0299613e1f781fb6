/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Rows of a table that are implausible, by themselves or beside another row.
 *
 *   order   the layer does more of the same than another one and is faster all the same, beyond noise. More of the
 *           same: same kind, shapes, stride, activation, residual and resolution; kernel, middle channels and
 *           squeeze-excite at least as large, one of them larger. Beyond noise: the 95% intervals have no point in
 *           common; a row without an interval has that of its mean (from std_ms and count), one without either is
 *           neither doubted nor held against others.
 *   spread  the standard deviation is above a tenth of the mean.
 *
 * A row may be doubted for both. Threads: plain values. */
#ifndef LATHE_TABLE_DOUBTS_H
#define LATHE_TABLE_DOUBTS_H

#include "lut/table/formats.h"

enum doubt_kind { DOUBT_ORDER, DOUBT_SPREAD };

struct doubt {
    enum doubt_kind kind;
    size_t row;   /* index of the doubted entry */
    size_t other; /* DOUBT_ORDER: the entry that does less and is slower, of several the one with the highest lower end
                     of its interval. DOUBT_SPREAD: as row */
};

struct doubts {
    struct doubt *items; /* by row, then by kind */
    size_t count, capacity;
};
void doubts_clear(struct doubts *);

/** Find them all. Takes time of n log n, not of n times n: tables have up to a million rows.
 *  @param[out] out doubts_clear() it; written on LATHE_OK only. @return LATHE_OK, also for none; LATHE_NO_MEMORY. */
enum lathe_status doubts_find(const struct entries *, struct doubts *out, struct lathe_error *err);

enum { DOUBT_DETAIL_BYTES = 2 * ROW_TEXT_BYTES + 256 };
/** One sentence with the figures that it rests on. @param out DOUBT_DETAIL_BYTES bytes. */
void doubt_describe(const struct doubt *, const struct entries *, char *out);
/** "order" or "spread". Static. */
const char *doubt_kind_name(enum doubt_kind);

#endif
