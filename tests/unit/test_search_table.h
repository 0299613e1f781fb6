/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#ifndef LATHE_TESTS_TEST_SEARCH_TABLE_H
#define LATHE_TESTS_TEST_SEARCH_TABLE_H

#include "server/search/search.h"

/* A problem of one table and everything that it has. */
static inline enum lathe_status problem_of_table(const struct space *space, const struct predictor *predictor,
                                                 layer_latency_fn latency, void *table, struct problem **out,
                                                 struct lathe_error *err)
{
    const struct problem_request request = {
        .space = space, .predictor = predictor, .latency = latency, .tables = {table}};
    return problem_new(&request, out, err);
}

#endif
