/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Thinning: raw samples of rows that were measured long ago go, their statistics stay.
 *
 * A row is thinned as a whole, when its newest sample is old: so its figures stay what they are, to the last bit. What
 * it had is kept as a summary. Samples that come later are pooled among themselves, as ever, and the row's figures are
 * those of summary and samples together, weighted by how many samples are behind each: a row that 300 samples made
 * precise does not become as good as the next three. Of what can't be told from two summaries there are estimates: a
 * percentile is the weighted mean of both, contexts the larger number.
 *
 * Key: kept/<device>/<config>/<version:08x>/<row>    struct kept_row, binary (codec.c)
 *
 * Threads: as the kv_txn given. */
#ifndef LATHE_TABLE_THIN_H
#define LATHE_TABLE_THIN_H

#include "lut/table/table.h"

/* What is kept of the samples of a row that was thinned. */
struct kept_row {
    struct latency latency; /* of its samples, without the scaling's factor */
    double reference_ns;    /* of the scaling by which they counted; 0: there was none */
    int64_t thinned_ms;     /* wall clock: when they went */
};

/** @return LATHE_OK, LATHE_NOT_FOUND (err untouched) when the row was never thinned, LATHE_NEWER or LATHE_IO. */
enum lathe_status kept_row_get(struct kv_txn *, struct table_id, uint32_t version, const char *row_text,
                               struct kept_row *out, struct lathe_error *err);
/** Inside a write: the row's samples are others from now on. Nothing kept is LATHE_OK. */
enum lathe_status kept_row_forget(struct kv_txn *, struct table_id, uint32_t version, const char *row_text,
                                  struct lathe_error *err);
/** A summary's figures at another reference; both 0 or above. */
struct latency kept_row_latency(const struct kept_row *, double reference_ns);
/** Figures of two sets of samples together; see above. updated_ms is the later one. */
struct latency latency_join(const struct latency *, const struct latency *);

/** Inside a write: delete the samples of the row with exactly this text, and keep the summary.
 *  @param[out] samples how many went. @return LATHE_NOT_FOUND (err untouched) when it has none. */
enum lathe_status table_thin_row(struct kv_txn *, struct table_id, uint32_t version, const char *row_text,
                                 int64_t now_ms, size_t *samples, struct lathe_error *err);

/* A row that has samples, all of which are older than was asked for. */
struct old_row {
    char device[65], config[65];
    uint32_t version;
    char row_text[ROW_TEXT_BYTES];
};
/* Where a walk over the rows of all tables is. Starts as {0}. */
struct old_rows_walk {
    char next[KV_KEY_BYTES + 1]; /* first key to look at; "": the first of all */
    bool ended;
};
/** Find rows from where the walk is on. It looks at some thousands of rows at most, so that no snapshot is long.
 *  @param before_ms rows whose samples all came before that. @param keep whether a version is to keep its samples;
 *  NULL: none is. @param[out] out up to capacity rows. @return what kv_scan() does. */
enum lathe_status old_rows_find(struct kv_txn *, struct old_rows_walk *, int64_t before_ms,
                                bool (*keep)(void *context, struct table_id, uint32_t version), void *context,
                                struct old_row *out, size_t capacity, size_t *count, struct lathe_error *err);

#endif
