/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What the files of this module share. See nightly.h for the picture. */
#ifndef LATHE_NIGHTLY_INTERNAL_H
#define LATHE_NIGHTLY_INTERNAL_H

#include <pthread.h>

#include "server/nightly/nightly.h"
#include "server/store/store.h"

struct nightly {
    struct kv *kv;
    struct jobs *jobs;
    const struct catalog *spaces;
    const struct nightly_search *search;
    int64_t started_ms; /* patience with devices begins anew with the server */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t woken;
    bool looking, stopping;
};

/* ---- run.c: documents ---- */

/** A text of an object; "" where there is none. */
const char *doc_text(const json_t *object, const char *name);
int64_t doc_int(const json_t *object, const char *name);
double doc_number(const json_t *object, const char *name);
void doc_set_text(json_t *object, const char *name, const char *text);
void doc_set_int(json_t *object, const char *name, int64_t value);
void doc_set_number(json_t *object, const char *name, double value);
/** What answers don't show of a run or a target: an object of its own. Borrowed. */
json_t *doc_hidden(json_t *object);

bool target_ended(const json_t *target);
bool run_ended(const json_t *run);
/** The target of a device and config; NULL: the run has none. Borrowed. */
json_t *run_target(json_t *run, const char *device, const char *config);
/** Whether two runs are of the same rows. */
bool run_same_rows(const json_t *a, const json_t *b);
/** Ids of all runs in order of age. New reference. */
enum lathe_status run_ids(struct kv_txn *, const char *kind, json_t **out, struct lathe_error *err);
/** Inside a write: store; one whose targets have all ended gets its outcome and is no longer among the active ones. */
enum lathe_status run_save(struct kv_txn *, json_t *run, struct lathe_error *err);
/** Findings of a target. @param[out] out array, new reference; empty where there are none. */
enum lathe_status findings_get(struct kv_txn *, const char *run, const char *device, const char *config, json_t **out,
                               struct lathe_error *err);
/** Inside a write. @param findings array, borrowed. */
enum lathe_status findings_put(struct kv_txn *, const char *run, const char *device, const char *config,
                               const json_t *findings, struct lathe_error *err);
/** As answers have it. @param rows whether findings have theirs. New reference in *out. */
enum lathe_status run_public(struct kv_txn *, const json_t *run, bool rows, json_t **out, struct lathe_error *err);

/* ---- shipped.c ---- */

/** The shipped subnets of a table as they are stored. @param[out] out array, new reference. */
enum lathe_status shipped_of_table(struct kv_txn *, const char *device, const char *config, json_t **out,
                                   struct lathe_error *err);

/* ---- baseline.c ---- */

/* The night that a target is set against. */
struct baseline {
    char run[40]; /* "": there is none */
    uint32_t version;
};
/** @param run the run that asks, a run before it, or that it names. */
enum lathe_status baseline_find(struct kv_txn *, const json_t *run, const char *device, const char *config,
                                struct baseline *out, struct lathe_error *err);
/** The nights of a table that a run's can be seen in a row with: the same space and resolutions, done, before it,
 *  oldest first. @param[out] out array of {"run","at","version","accepted"}, new reference. */
enum lathe_status baseline_history(struct kv_txn *, const json_t *run, const char *device, const char *config,
                                   json_t **out, struct lathe_error *err);

/* ---- target.c: one step of a target at a time ---- */

/** @param run a copy of what is stored. @param index of the target. Takes transactions of its own. */
enum lathe_status target_step(struct nightly *, const json_t *run, size_t index, struct lathe_error *err);

/* ---- verdict.c ---- */

/* What the samples of a target say so far. */
struct verdict {
    bool again;       /* suspects are to be measured again */
    json_t *rows;     /* again: array of their texts; owned */
    json_t *findings; /* else: array; owned */
    json_t *speed;    /* of the device, or null; owned */
    json_t *checked;  /* what would have been found, had it changed; NULL when measuring again; owned */
    size_t compared;  /* rows that were set against the baseline's */
};
void verdict_clear(struct verdict *);
/** @param jobs ids of the target's jobs, the night's first, then its confirmations. Takes a read transaction. */
enum lathe_status verdict_reach(struct nightly *, const json_t *run, const json_t *target, struct verdict *out,
                                struct lathe_error *err);

#endif
