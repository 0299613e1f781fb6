/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Subnets that are measured before they are handed over. Threads: an ask belongs to its request. */
#ifndef LATHE_ROUTES_VERIFY_H
#define LATHE_ROUTES_VERIFY_H

#include "server/routes/ask.h"

/** Whether an answer can be measured: one table, whose device an agent serves now.
 *  @return LATHE_INVALID or LATHE_CONFLICT otherwise; the field is "verify". */
enum lathe_status verify_check(const struct ask *, struct lathe_error *err);

/** Search, measure what is found on the table's device, and search again: with a tighter limit when the measurement
 *  missed the one asked for, with a wider one when it left room. Up to five subnets are measured. What they say of the
 *  table's predictions near optima is kept with the table as its correction, where the next such search begins.
 *
 *  The answer is the most accurate subnet (or the one of least cost) whose measured latency met the limit, or, where
 *  none did, one that missed it by less than half its measurement's 95% interval.
 *  @param[out] verified {"asked_ms","predicted_ms","latency_ms","latency_ms_range","raw_ms","drift","measurement",
 *  "correction","attempts":[{"predicted_ms","latency_ms","top1","measurement"}]}; new reference.
 *  @return as search_run(); LATHE_INFEASIBLE (field "latency_ms") also when nothing that was measured meets the limit;
 *  LATHE_TIMEOUT when the device does not answer, LATHE_CANCELLED. */
enum lathe_status verify_run(struct ask *, struct http_request *, struct search_result *out, json_t **verified,
                             struct lathe_error *err);

#endif
