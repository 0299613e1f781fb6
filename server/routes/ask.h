/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What requests that search have in common: constraints, fixed choices, seed, budget, algorithm.
 * Threads: an ask belongs to its request. */
#ifndef LATHE_ROUTES_ASK_H
#define LATHE_ROUTES_ASK_H

#include "server/routes/question.h"
#include "server/search/search.h"

struct ask {
    struct question question;
    struct search_request search;
    const char *algorithm; /* borrowed from the body; "auto" when it names none */
    int resolutions[SPACE_MAX_VALUES];
    size_t resolution_count;
    bool limited;           /* there is a constraint */
    bool from_board[COSTS]; /* limits that the request left to the tables' boards */
    bool fixes;
    int8_t fixed[SPACE_MAX_DIMS];
};

/** Read the fields table, tables, space, predictor, constraints, resolutions, fix, seed, budget_ms and algorithm. What
 *  may name the algorithm is for the caller to check. Errors stay in the reader. Where tables are boards', sram_kb and
 *  flash_kb that the request leaves open are what the smallest of these has: the firmware's arena, and flash beside it.
 *  @param budget_ms the default. */
void ask_read(struct ask *, struct app *, const json_t *body, double budget_ms, struct json_fields *);
/** Make the problem, and let the search end when the client goes. */
enum lathe_status ask_problem(struct ask *, struct http_request *, struct lathe_error *err);
/** Answer with an error of a search: what can't be met is told with the least that can, of each limit. */
void ask_fail(const struct ask *, struct http_request *, const struct lathe_error *err);
void ask_clear(struct ask *);

#endif
