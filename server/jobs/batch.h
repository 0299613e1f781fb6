/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A batch of results as agents send them, read strictly. Threads: plain values. */
#ifndef LATHE_JOBS_BATCH_H
#define LATHE_JOBS_BATCH_H

#include <jansson.h>
#include <stdint.h>

#include "lut/table/table.h"

struct batch_visit {
    int visit, network;
    size_t runs, layers;          /* layers: 0 when times are of whole runs only */
    uint32_t *wall_ns;            /* [runs][layers] */
    uint32_t *cpu_ns;             /* [runs][layers]; 0 where the runner can't tell */
    uint8_t *preempted;           /* [runs][layers] */
    const json_t *total;          /* [runs]; borrowed from the document */
    struct sample_context around; /* without subnet */
    const json_t *state;          /* what "around" has of the device, as it was told; borrowed; NULL: nothing */
    uint64_t busy_ns;             /* that the device spent on it, building included; 0: unknown */
    uint64_t build_ns;            /* of that, on building networks */
    int redone;     /* times that it was measured before and thrown away, the device having been throttled */
    bool throttled; /* and it still was in the end */
    bool disturbed; /* of runs without times between layers: the thread lost its core */
};

struct batch {
    int64_t fence;
    const json_t *fingerprint; /* borrowed from the document, as the next */
    const json_t *board;       /* NULL: the device is none */
    struct batch_visit *visits;
    size_t count;
};

/** Read {"fence","fingerprint","board","visits"}: every array as long as the visit's others, every number in range.
 *  @param document borrowed; must outlive the batch. @param[out] out batch_clear() it.
 *  @return LATHE_INVALID names the field, e.g. "visits[2].wall_ns[0]". */
enum lathe_status batch_read(const json_t *document, struct batch *out, struct lathe_error *err);
void batch_clear(struct batch *);
/** Whether a document says what board a device is: {"name","core","timer","runner","build","clock_hz","sram_bytes",
 *  "flash_bytes","arena_bytes","code_bytes","clock","emulated","fault"}. @return LATHE_INVALID names the field. */
enum lathe_status board_check(const json_t *board, struct lathe_error *err);

#endif
