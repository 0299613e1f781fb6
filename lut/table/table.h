/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Latency tables on kv: <device>/<config> -> layer -> statistics.
 *
 * A table has versions, one a fingerprint: results under another fingerprint start a new version and never mix with the
 * old one; the newest version is the one that readers get. Beside them stand versions that nights fill (nights.h). A
 * version's entries hold statistics; raw samples are kept in chunks beside them, each under a source id, so that
 * storing the same chunk twice changes nothing.
 *
 * A row is named by its row text: the layer's canonical text, and where the figures hold for networks of one input
 * resolution only, that resolution behind it: "linear in=1x1x1536 out=1x1x1000 @160". Published tables are one file a
 * resolution, and files disagree about the layers that they share; so their rows keep apart. A row without resolution
 * holds for all. Wherever a function takes a row text, a plain layer text is one.
 *
 * Key layout (text, '/' between parts; names hold no '/'):
 *   table/<device>/<config>                          header, JSON: current version, created, updated
 *   version/<device>/<config>/<version:08x>          fingerprint, origin, created, JSON
 *   entry/<device>/<config>/<version:08x>/<row>      statistics, binary (codec.c), schema byte first
 *   samples/<device>/<config>/<version:08x>/<row>/<source>   raw samples, binary
 *   scaling/<device>/<config>/<version:08x>          struct table_scaling, binary
 *   notes/<device>/<config>/<version:08x>            what is known of the version as a whole, JSON
 *   kept/<device>/<config>/<version:08x>/<row>       what a row had whose samples were thinned, see thin.h
 *
 * Threads: functions that take a kv_txn belong to that transaction's thread; nothing here keeps state of its own. */
#ifndef LATHE_TABLE_TABLE_H
#define LATHE_TABLE_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lut/kv/kv.h"
#include "lut/layer/layer.h"

/* Statistics of one row. Milliseconds, so that a table that was published in them is kept to the last bit. */
struct latency {
    uint64_t count;   /* samples behind the figures, at least 1 */
    uint64_t samples; /* that were taken: those left out as disturbed are in here, too; 0 for imported figures */
    double mean_ms;
    double trimmed_ms; /* 10% trimmed mean; NAN where a source published none */
    double std_ms;     /* sample standard deviation; NAN where unknown */
    double min_ms;     /* NAN where unknown, as p50 and p90 */
    double p50_ms;
    double p90_ms;
    double ci_ms; /* half the width of trimmed_ms's 95% confidence interval; NAN where unknown */
    double
        cpu_share; /* 0..1: of the samples, those that are CPU times, the core having been taken away; NAN: unknown */
    uint32_t contexts;  /* different subnets that the samples come from; 0 for imported figures */
    bool alone;         /* no subnet: the layer ran by itself, as the only one of its network */
    int64_t updated_ms; /* wall clock */
};

/** The figure that searches use: trimmed_ms where known, else mean_ms. */
double latency_best_ms(const struct latency *);

struct entry {
    struct layer layer;
    int resolution; /* of the networks that the row holds for; 0: any */
    struct latency latency;
};

enum { ROW_TEXT_BYTES = LAYER_TEXT_BYTES + 8 };

/** Print a row text. @param resolution 0..65535; 0: none. @param out ROW_TEXT_BYTES bytes. */
void row_print(const struct layer *, int resolution, char *out);
/** Parse a row text, nothing else, as layer_parse() does. @param[out] layer,resolution written on LATHE_OK only. */
enum lathe_status row_parse(const char *text, struct layer *layer, int *resolution, struct lathe_error *err);

/* Names a table. Borrowed strings, both accepted by text_is_name(). */
struct table_id {
    const char *device, *config;
};

struct table_info {
    char device[65], config[65];
    uint32_t version; /* from 1 */
    size_t entries;   /* of that version */
    int64_t created_ms, updated_ms;
    char origin[16];     /* "measured", "imported" or "night" */
    json_t *fingerprint; /* object; owned: free by table_info_clear() */
    json_t *notes;       /* object or NULL; owned */
};
void table_info_clear(struct table_info *);

/** Statistics of raw samples. trimmed drops floor(n/10) samples at each end.
 *  @param samples_ns not empty; reordered (sorted) in place. Of *out contexts and updated_ms become 0, cpu_share and
 * ci_ms NAN. */
void latency_from_samples(double *samples_ns, size_t n, struct latency *out);

/* A sample and where it comes from. */
struct pooled_sample {
    double ns;
    uint64_t subnet; /* its context */
    uint32_t visit;  /* runs of one visit are not independent of each other; equal numbers follow each other */
};
/** The same of samples whose origin is known, with contexts and ci_ms. The interval is that of a trimmed mean (Tukey
 *  and McLaughlin 1963: from the winsorized deviation), with visits as its independent units and differences between
 *  contexts left out, since they are part of what the mean is of. @param samples not empty; reordered. */
enum lathe_status latency_from_pool(struct pooled_sample *samples, size_t n, struct latency *out,
                                    struct lathe_error *err);
/** Two-sided 95% quantile of Student's t. @param degrees of freedom, at least 1. */
double student_t95(size_t degrees);

/** Header and newest version (version 0) or a given one. @return LATHE_NOT_FOUND when there is none (err set). */
enum lathe_status table_info(struct kv_txn *, struct table_id, uint32_t version, struct table_info *out,
                             struct lathe_error *err);
/** All tables, in order of device and config; device NULL: of every device. The visitor owns nothing. */
enum lathe_status table_list(struct kv_txn *, const char *device, bool (*visit)(void *, const struct table_info *),
                             void *context, struct lathe_error *err);

/** One row. A layer that the table has under resolutions only gives its row of the first of them: where the resolution
 *  matters, ask table_get_at().
 *  @param version 0: newest; a loop of look-ups does better with table_info()'s.
 *  @return LATHE_OK, LATHE_NOT_FOUND (normal; err untouched), LATHE_NEWER or LATHE_IO. */
enum lathe_status table_get(struct kv_txn *, struct table_id, uint32_t version, const char *row_text,
                            struct latency *out, struct lathe_error *err);
/** The row of a layer in a network of this input resolution: that resolution's own, else what table_get() gives. */
enum lathe_status table_get_at(struct kv_txn *, struct table_id, uint32_t version, const char *layer_text,
                               int resolution, struct latency *out, struct lathe_error *err);
/** Rows in order of their row text, from a text on (inclusive; NULL: the first), until visit returns false. */
enum lathe_status table_scan(struct kv_txn *, struct table_id, uint32_t version, const char *from,
                             bool (*visit)(void *, const char *row_text, const struct latency *), void *context,
                             struct lathe_error *err);

/** Inside a write: the version for a fingerprint, made when the newest one has another fingerprint.
 *  @param fingerprint object, borrowed. Compared as canonical JSON (sorted keys). @param origin "measured", "imported".
 */
enum lathe_status table_version_for(struct kv_txn *, struct table_id, const json_t *fingerprint, const char *origin,
                                    int64_t now_ms, uint32_t *version, struct lathe_error *err);
/** Inside a write: add or replace rows as they are given (imports); raw samples of a row that is replaced go, and what
 * was kept of such. Rows with updated_ms 0 get the time of now. */
enum lathe_status table_put(struct kv_txn *, struct table_id, uint32_t version, const struct entry *, size_t n,
                            struct lathe_error *err);

/* One timed run of a layer. */
struct sample {
    uint64_t wall_ns;  /* kept up to 2^32 - 1, as cpu_ns */
    uint64_t cpu_ns;   /* of the one thread that ran it; 0: unknown */
    uint8_t preempted; /* how often the thread lost its core meanwhile */
};

/* What was around the samples of a visit. */
struct sample_context {
    uint64_t subnet;          /* that the layer ran in */
    uint64_t sentinel_ns;     /* of the sentinel subnet at that time, undisturbed; 0: unknown */
    uint64_t sentinel_cpu_ns; /* its CPU time; 0: unknown */
    uint32_t khz;             /* clock; 0: unknown, as what follows */
    uint16_t temperature_dk;  /* tenths of a kelvin */
    uint16_t load_permille;   /* what others took of the cores */
    uint32_t available_mb;    /* memory that was free for use */
};

/* From samples to latencies of a version. */
struct table_scaling {
    double reference_ns; /* what the sentinel takes on the device as the table means it; 0: there is none */
    double factor;       /* of whole subnets' latency to the sum of their rows; readers get rows times this */
};

/* A sample as it counts, by what it rests on. */
enum sample_basis { SAMPLE_PURE, SAMPLE_CPU_TIME, SAMPLE_DISTURBED, SAMPLE_BASES };
enum { PURE_SAMPLES_MIN = 12 };

/* Samples of one thing, a layer or a whole network, on their way to a latency.
 *
 * A sample counts as its wall time, times reference_ns over the sentinel's time where both are known: what the device's
 * clocks, heat and neighbours did meanwhile is divided out. Samples whose thread lost the core are left out while
 * enough others remain: PURE_SAMPLES_MIN, of as many contexts as there are, or three. Else they count as their CPU
 * time, times reference_ns over the sentinel's CPU time; where no CPU time is known, as their wall time. */
struct sample_pool {
    struct table_scaling scaling;
    struct pooled_sample *samples[SAMPLE_BASES];
    size_t count[SAMPLE_BASES], capacity[SAMPLE_BASES];
};
void sample_pool_init(struct sample_pool *, const struct table_scaling *);
void sample_pool_clear(struct sample_pool *);
/** @param visit another number than that of other visits'; calls of one visit follow each other. */
enum lathe_status sample_pool_add(struct sample_pool *, uint32_t visit, const struct sample_context *,
                                  const struct sample *, size_t n, struct lathe_error *err);
/** The basis that a sample has, and what it then counts as in a pool, in nanoseconds without the scaling's factor. */
enum sample_basis sample_basis_of(const struct sample_context *, const struct sample *);
double sample_pool_ns(const struct sample_pool *, const struct sample_context *, const struct sample *);
/** The last basis whose samples count: those of later ones are left out. Before sample_pool_latency(). */
enum sample_basis sample_pool_most(const struct sample_pool *);
/** The pool's statistics, without the scaling's factor. @return LATHE_NOT_FOUND (err untouched) when it is empty. */
enum lathe_status sample_pool_latency(struct sample_pool *, struct latency *out, struct lathe_error *err);

/** Inside a write: keep raw samples of one row under a source ("<profile>.<visit>.<position>", at most 48 characters).
 *  The same source again replaces its chunk: nothing counts twice. Statistics follow by table_update_row(). */
enum lathe_status table_add_samples(struct kv_txn *, struct table_id, uint32_t version, const char *row_text,
                                    const char *source, const struct sample_context *, const struct sample *, size_t n,
                                    struct lathe_error *err);
/** Inside a write: make a row's statistics anew from all its samples; see struct sample_pool, and thin.h for a row
 * whose older samples are gone.
 *  @param[out] out NULL is allowed: the row as table_get() would give it.
 *  @return LATHE_NOT_FOUND (err untouched) when the row has no samples. */
enum lathe_status table_update_row(struct kv_txn *, struct table_id, uint32_t version, const char *row_text,
                                   int64_t now_ms, struct latency *out, struct lathe_error *err);
/** All raw samples of a row, chunk by chunk. */
enum lathe_status table_samples(struct kv_txn *, struct table_id, uint32_t version, const char *row_text,
                                bool (*visit)(void *, const char *source, const struct sample_context *,
                                              const struct sample *, size_t n),
                                void *context, struct lathe_error *err);

/** Absent: 0 and 1. */
enum lathe_status table_get_scaling(struct kv_txn *, struct table_id, uint32_t version, struct table_scaling *out,
                                    struct lathe_error *err);
/** Inside a write. Rows follow a new reference_ns by table_update_row(), a new factor at once. */
enum lathe_status table_set_scaling(struct kv_txn *, struct table_id, uint32_t version, const struct table_scaling *,
                                    struct lathe_error *err);
/** Inside a write: keep an object with a version, in place of the one before; see table_info.notes. */
enum lathe_status table_set_notes(struct kv_txn *, struct table_id, uint32_t version, const json_t *notes,
                                  struct lathe_error *err);
/** Inside a write: remove a table with all versions and samples. LATHE_NOT_FOUND when there is none. */
enum lathe_status table_delete(struct kv_txn *, struct table_id, struct lathe_error *err);

#endif
