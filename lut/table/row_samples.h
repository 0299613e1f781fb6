/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* All samples of a row in the order in which they were taken, each with what it counts as. For those who show them.
 * Threads: as the kv_txn given; what was read is a plain value. */
#ifndef LATHE_TABLE_ROW_SAMPLES_H
#define LATHE_TABLE_ROW_SAMPLES_H

#include "lut/table/table.h"

enum { SAMPLE_SOURCE_BYTES = 49 };

struct counted_sample {
    struct sample sample;
    enum { SAMPLE_AS_WALL, SAMPLE_AS_CPU, SAMPLE_LEFT_OUT } use;
    double latency_ms; /* at the table's speed, factor included; of one that is left out: what it would count as */
};

/* The samples of one source: the runs of a visit. */
struct visit_samples {
    char source[SAMPLE_SOURCE_BYTES];
    struct sample_context around;
    struct counted_sample *samples; /* owned */
    size_t count;
};

struct row_samples {
    struct table_scaling scaling;
    struct visit_samples *visits; /* by job, visit and position */
    size_t count, capacity;
};

/** Read the samples of the row with exactly this text. A row without samples gives none.
 *  @param[out] out row_samples_clear() it; written on LATHE_OK only. */
enum lathe_status row_samples_read(struct kv_txn *, struct table_id, uint32_t version, const char *row_text,
                                   struct row_samples *out, struct lathe_error *err);
void row_samples_clear(struct row_samples *);

/** Whether a source comes before another: "<job>.<visit>.<position>", numbers by their value. @return as strcmp(). */
int sample_source_compare(const char *a, const char *b);

#endif
