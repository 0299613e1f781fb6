/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the readers and writers of lut/table share; not for other modules.
 *
 * Every reader takes a whole text and adds to a struct rows, which refuses what is out of range and what came before;
 * formats.c hands the rows out when all of the text was well formed.
 * Threads: plain values. */
#ifndef LATHE_TABLE_ROWS_H
#define LATHE_TABLE_ROWS_H

#include "lut/table/formats.h"

enum { MAX_ROWS = 1000000 };

struct rows {
    struct entries entries;
    int *lines; /* where each entry came from; 0 when that is unknown */
    size_t line_capacity;
    uint32_t *slots; /* hash set of row texts: index of the entry plus 1, 0 for a free slot */
    size_t slot_count;
};
void rows_clear(struct rows *);
/** Check and add. @param line of the text, 0: unknown; an error names it. */
enum lathe_status rows_add(struct rows *, const struct entry *, int line, struct lathe_error *err);

/* Figures as they are read; NAN and 0 where a text gives none. */
struct figures {
    const char *row_text, *kind;
    uint64_t count, contexts;
    bool alone;
    double latency_ms, mean_ms, trimmed_ms, std_ms, min_ms, p50_ms, p90_ms, ci_ms;
    int64_t updated_ms;
};
void figures_init(struct figures *);
/** The entry of Lathe's own fields: kind must be the layer's, latency_ms the figure that searches use. A latency_ms
 *  beside a mean that differs is a trimmed mean. @return LATHE_INVALID names the field. */
enum lathe_status figures_to_entry(const struct figures *, struct entry *out, struct lathe_error *err);

/* An OFA document while it is read: whose keys are of the older variety, and which resolution it is for, is known at
 * its end. */
struct ofa_row {
    struct entry entry;
    int line;
};
struct ofa_document {
    struct ofa_row *items;
    size_t count, capacity;
    bool old_keys;
};
/* Fields of one OFA entry; NAN where absent. */
struct ofa_figures {
    uint64_t count;
    double mean, std, var;
};
void ofa_document_clear(struct ofa_document *);
/** @param line 0: unknown. An error has the line, or the key as field. */
enum lathe_status ofa_document_add(struct ofa_document *, const char *key, const struct ofa_figures *, int line,
                                   struct lathe_error *err);
/** Hand the rows on. @param resolution of all of them; 0: the stem's. */
enum lathe_status ofa_document_end(struct ofa_document *, int resolution, struct rows *, struct lathe_error *err);

/** As ofa_key_parse(). @param[out] old whether the key is of the older variety. */
enum lathe_status ofa_key_read(const char *key, struct layer *out, bool *old, struct lathe_error *err);

/* Entries that OFA can name, by resolution and then by key. */
struct ofa_item {
    char *key; /* owned */
    const struct entry *entry;
};
struct ofa_items {
    struct ofa_item *items;
    size_t count;
};
enum lathe_status ofa_items_make(const struct entries *, struct ofa_items *out, size_t *skipped,
                                 struct lathe_error *err);
void ofa_items_clear(struct ofa_items *);

enum lathe_status ofa_yaml_parse(const char *text, size_t size, struct rows *, struct lathe_error *err);
enum lathe_status ofa_json_parse(const json_t *root, struct rows *, struct lathe_error *err);
enum lathe_status own_json_parse(const json_t *root, struct rows *, struct lathe_error *err);
enum lathe_status csv_parse(const char *text, size_t size, struct rows *, struct lathe_error *err);

void ofa_yaml_print(const struct ofa_items *, struct buf *out);
void ofa_json_print(const struct ofa_items *, struct buf *out);
void own_json_print(const struct entries *, struct buf *out);
void csv_print(const struct entries *, struct buf *out);

#endif
