/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* A board that has a model of its own and times it as a whole (MLPerf Tiny's firmware), as a runner of leases has it.
 * Threads: one owner. */
#ifndef LATHE_AGENT_MODEL_H
#define LATHE_AGENT_MODEL_H

#include <jansson.h>

#include "agents/agent/target.h"
#include "agents/transport/session.h"

struct model;

/** Reach the board, and find out how many inferences make a time that its clock can tell well. */
enum lathe_status model_open(const struct target *, struct model **out, struct lathe_error *err);
/** NULL is allowed. */
void model_close(struct model *);
/** {"runner","cpu","model","firmware"}: texts; new reference. */
json_t *model_fingerprint(const struct model *);
/** Visit it: each run is the mean over some inferences, without times of layers.
 *  @param[out] out visit_samples_clear() it. */
enum lathe_status model_run(struct model *, int warmup, int runs, struct visit_samples *out, struct lathe_error *err);

#endif
