/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* The published Note10 tables as the latencies of a search problem. */
#ifndef LATHE_TESTS_TEST_SEARCH_NOTE10_H
#define LATHE_TESTS_TEST_SEARCH_NOTE10_H

#include "lut/table/formats.h"
#include "server/search/problem.h"
#include "test_search_fixture.h"
#include "test_search_table.h"

enum { NOTE10_TABLES = 5 };

struct note10 {
    struct entries tables[NOTE10_TABLES]; /* 160, 176, ..., 224 */
};

static inline void note10_load(struct note10 *n)
{
    for (int i = 0; i < NOTE10_TABLES; i++) {
        char path[512];
        size_t size = 0;
        struct lathe_error err = {0};
        snprintf(path, sizeof path, "%s/ofa/note10/%d_lookup_table.yaml", TEST_DATA, 160 + 16 * i);
        char *text = load_file(path, &size);
        must(entries_parse(FORMAT_OFA_YAML, text, size, &n->tables[i], &err) == LATHE_OK, err.message);
        must(n->tables[i].count == 96, "a Note10 table has other than 96 rows");
        free(text);
    }
}

static inline void note10_clear(struct note10 *n)
{
    for (int i = 0; i < NOTE10_TABLES; i++) entries_clear(&n->tables[i]);
}

/* A layer_latency_fn. @param context a struct note10 */
static inline enum lathe_status note10_latency(void *context, const char *text, int resolution, double *out,
                                               struct lathe_error *err)
{
    const struct note10 *n = context;
    struct layer layer;
    enum lathe_status st = layer_parse(text, &layer, err);
    if (st || resolution < 160 || resolution % 16) return st ? st : LATHE_NOT_FOUND;
    const struct entries *table = &n->tables[(resolution - 160) / 16];
    for (size_t i = 0; i < table->count; i++) {
        if (!layer_equal(&table->items[i].layer, &layer)) continue;
        *out = latency_best_ms(&table->items[i].latency);
        return LATHE_OK;
    }
    return LATHE_NOT_FOUND;
}

#endif
