/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Why an answer is what it is, and what finding it took. Threads: any. */
#ifndef LATHE_ROUTES_EXPLAIN_H
#define LATHE_ROUTES_EXPLAIN_H

#include "server/routes/ask.h"

/** {"stages":[{"stage","latency_ms","share"}],"slowest_layers":[{"slot","layer","latency_ms","share"}],
 *   "limits":{"latency_ms":{"limit","used","left","left_share"},..},
 *   "next":{"top1","top1_gain","latency_ms",..,"extra":{"latency_ms",..}} or null}. New reference. */
json_t *explain_answer(const struct ask *, const struct search_result *);

/** {"evaluations","cpu_ms","energy_j","co2e_g","factors":{..},"conventional_nas":{..}}: what a search took, by factors
 *  that are given, beside the published figure for one conventional neural architecture search. New reference. */
json_t *explain_effort(uint64_t evaluations, double cpu_ms);

#endif
