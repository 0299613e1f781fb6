/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What is known of a target's rows, put together for decide/decide.h. Threads: one owner; reading takes a transaction's
 * thread. */
#ifndef LATHE_NIGHTLY_GATHER_H
#define LATHE_NIGHTLY_GATHER_H

#include "server/nightly/decide/decide.h"
#include "server/nightly/internal.h"

enum { STAGE_NAME_BYTES = 32 };

struct gathered {
    char stages[NIGHTLY_MAX_STAGES][STAGE_NAME_BYTES]; /* their names */
    struct nightly_input input;                        /* points into what follows */
    char **texts;                                      /* of each row; owned, as all that follows */
    struct nightly_row *rows;
    struct nightly_night *nights;
    struct nightly_round *rounds;
    struct nightly_side *sides;    /* [rounds][rows] */
    double *histories;             /* [rows][nights] */
    struct nightly_visit **visits; /* every list of a side, to be freed */
    size_t visit_lists, visit_room;
    uint64_t *contexts; /* numbered by their place */
    size_t context_count, context_room;
};

/* What to read. */
struct gathering {
    struct table_id table;
    const struct space *space;
    const json_t *resolutions;
    uint32_t version, before; /* tonight's and the baseline's */
    const json_t *jobs;       /* of tonight: the first measured all, the others are confirmations */
    const char *baseline_run;
    const json_t *nights; /* as baseline_history() has them, each with "quiet" */
    size_t window;
};

/** @param[out] out gathered_clear() it, also on failure. */
enum lathe_status gather(struct kv_txn *, const struct gathering *, struct gathered *out, struct lathe_error *err);
void gathered_clear(struct gathered *);

#endif
