/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Tables as text: OFA's YAML and JSON lookup tables, CSV, and Lathe's own JSON.
 *
 * OFA's keys, as published for the Note10 (github.com/mit-han-lab/once-for-all, tutorial/latency_table.py):
 *   expanded_conv-input:HxWxC-output:HxWxC-expand:MID-kernel:K-stride:S-idskip:0|1-se:0|1-hs:0|1
 *   Conv (3x3 stride 2 stem), Conv_1 (1x1), Conv_2 (1x1 on 1x1), AvgPool2D, Logits
 * Squeeze-excite's middle is make_divisible(mid / 4, 8); hs:0 is ReLU, hs:1 h-swish. `count`, `mean`, `std` (or `var`)
 * in milliseconds. The JSON variety (DynamicOFA) has the same keys and fields.
 *
 * The older variety of these keys (ProxylessNAS) has no se and hs, gives expand as a ratio (up to 10), and its network
 * has ReLU6 everywhere: a document with such a key is read so, its stem and head too. Its Logits include the pooling.
 *
 * OFA publishes one document a resolution, and the stem's input says which: rows of a document with one stem are rows
 * of that resolution ("... @160", see table.h). Several resolutions are written as several YAML documents in one
 * stream, and in JSON as {"160":{..},"176":{..}}; both are read, too.
 * Threads: any. */
#ifndef LATHE_TABLE_FORMATS_H
#define LATHE_TABLE_FORMATS_H

#include "lut/base/buf.h"
#include "lut/table/table.h"

enum table_format { FORMAT_JSON, FORMAT_CSV, FORMAT_OFA_YAML, FORMAT_OFA_JSON };

struct entries {
    struct entry *items;
    size_t count, capacity;
};
void entries_clear(struct entries *);
enum lathe_status entries_add(struct entries *, const struct entry *, struct lathe_error *err);

/** Read a whole document. Nothing is returned unless all of it is well formed: a broken entry is LATHE_INVALID with its
 *  line. A layer that appears twice is an error, too. FORMAT_JSON and FORMAT_OFA_JSON are told apart by content, either
 *  name reads both. Limits: 64 MiB, 1,000,000 rows; latencies finite and above 0, counts at least 1.
 *  @param[out] out entries_clear() it. */
enum lathe_status entries_parse(enum table_format, const char *text, size_t size, struct entries *out,
                                struct lathe_error *err);

/** Write rows; OFA's formats leave out rows that OFA's keys can't name and say how many in *skipped (may be NULL). */
enum lathe_status entries_print(enum table_format, const struct entries *, struct buf *out, size_t *skipped,
                                struct lathe_error *err);

/** FORMAT_CSV piece by piece, of rows that are texts already: a header, then rows. */
void csv_print_header(struct buf *out);
void csv_print_row(const char *row_text, const struct latency *, struct buf *out);

/** One row as Lathe's JSON, its row text in "layer":
 * {"layer","kind","count","latency_ms","mean_ms","trimmed_ms","std_ms","min_ms","p50_ms",
 *  "p90_ms","contexts","alone","updated"}; unknown figures are null. @return a new reference. */
json_t *entry_to_json(const char *row_text, const struct latency *);

/** OFA's key of a layer. @param out 256 bytes. @return false when OFA has no key for it. */
bool ofa_key_print(const struct layer *, char *out);
/** The layer of an OFA key. */
enum lathe_status ofa_key_parse(const char *key, struct layer *out, struct lathe_error *err);

#endif
