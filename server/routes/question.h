/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What requests about subnets have in common: a table, a space, a predictor, and the search problem that they make.
 * Threads: a question belongs to its request. */
#ifndef LATHE_ROUTES_QUESTION_H
#define LATHE_ROUTES_QUESTION_H

#include "lut/base/json.h"
#include "server/routes/app.h"
#include "server/routes/predictor_cache.h"
#include "server/search/problem.h"

struct question {
    struct app *app;
    char device[65], config[65];
    const struct space *space;
    struct held_predictor *predictor;
    struct problem *problem;
    struct table_info table; /* of the snapshot that the problem was made from */
    bool has_table;
    /* Rows that are missing, when question_ask() is LATHE_CONFLICT. */
    json_t *missing; /* the first texts */
    size_t missing_count;
    int missing_resolutions[SPACE_MAX_VALUES];
    size_t missing_resolution_count;
};

/** Read the fields "table", "space" and "predictor" of a request.
 *  Errors stay in the reader, as with every json_get_...(). */
void question_read(struct question *, struct app *, struct json_fields *);
/** Hold the predictor and make the problem from one snapshot of the table. @param resolutions NULL: those that the
 * table has complete. */
enum lathe_status question_ask(struct question *, const int *resolutions, size_t count, struct lathe_error *err);
/** Answer with an error of question_ask(): for missing rows 409 with the rows and the command that measures them. */
enum http_outcome question_fail(struct question *, struct http_request *, const struct lathe_error *err);
void question_clear(struct question *);

/** Half the width of the 95% interval of a subnet's latency, from its rows' standard errors; 0 where none is known. */
double question_latency_margin_ms(const struct question *, const struct subnet *);

#endif
