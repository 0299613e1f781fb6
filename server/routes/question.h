/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* What requests about subnets have in common: tables, a space, a predictor, and the search problem that they make.
 * Threads: a question belongs to its request. */
#ifndef LATHE_ROUTES_QUESTION_H
#define LATHE_ROUTES_QUESTION_H

#include "lut/base/json.h"
#include "server/routes/app.h"
#include "server/routes/predictor_cache.h"
#include "server/search/problem.h"

struct question_table {
    char device[65], config[65];
    struct table_info info; /* of the snapshot that the problem was made from */
    bool has_info;
};

struct question {
    struct app *app;
    struct question_table tables[PROBLEM_TABLES_MOST];
    int table_count;
    bool several; /* asked with "tables" */
    const struct space *space;
    struct held_predictor *predictor; /* NULL: the request names none, and none ships for the space */
    struct problem *problem;
    /* What rows of the tables take now, by what the tables say: an object, layer text -> factor, borrowed; and that of
     * all rows. NULL and 0: as they say. */
    const json_t *factors;
    double level;
    /* Rows that are missing, when question_ask() is LATHE_CONFLICT: those of the first table that lacks any. */
    int missing_table;
    json_t *missing; /* the first texts */
    size_t missing_count;
    int missing_resolutions[SPACE_MAX_VALUES];
    size_t missing_resolution_count;
};

/* What of the space is asked about. */
struct question_part {
    const int *resolutions; /* NULL: those that all tables have complete */
    size_t resolution_count;
    const int8_t *fixed;         /* as in struct problem_request; NULL: nothing */
    const struct limits *limits; /* the same */
};

/** Read the fields "table" or "tables", "space" and "predictor" of a request.
 *  Errors stay in the reader, as with every json_get_...(). */
void question_read(struct question *, struct app *, struct json_fields *);
/** Hold the predictor and make the problem from one snapshot of the tables. */
enum lathe_status question_ask(struct question *, const struct question_part *, struct lathe_error *err);
/** Answer with an error of question_ask(): for missing rows 409 with the rows and the command that measures them. */
enum http_outcome question_fail(struct question *, struct http_request *, const struct lathe_error *err);
void question_clear(struct question *);

/** Half the width of the 95% interval of a subnet's latency by the first table, from its rows' standard errors; 0 where
 *  none is known. */
double question_latency_margin_ms(const struct question *, const struct subnet *);

/** LATHE_INVALID when there is no predictor. */
enum lathe_status question_needs_predictor(const struct question *, struct lathe_error *err);
/** A subnet's predicted top-1 as answers tell it; null without a predictor. New reference. */
json_t *question_top1(const struct question *, const struct subnet *);

/** "device/config" of a table. New reference. */
json_t *question_table_name(const struct question *, int table);
/** {"table","table_version","fingerprint","predictor","space"}; with several tables also {"tables":[..]}. New
 * reference.
 */
json_t *question_provenance(const struct question *);
/** Add every cost of a subnet, "latency_ms" first, to an object; with several tables also "latencies_ms" by table. */
void question_put_costs(const struct question *, const struct subnet *, json_t *object);

#endif
