/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* entries_parse() in each format: what it takes comes back from Lathe's JSON and CSV row by row, what it refuses has a
 * reason and writes nothing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/table/formats.h"
#include "mutate.h"

static const struct {
    enum table_format format;
    const char *module;
} targets[] = {{FORMAT_OFA_YAML, "ofa_yaml"},
               {FORMAT_OFA_JSON, "ofa_json"},
               {FORMAT_CSV, "table_csv"},
               {FORMAT_JSON, "table_json"}};

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool same_entry(const struct entry *a, const struct entry *b)
{
    const struct latency *x = &a->latency;
    const struct latency *y = &b->latency;
    return layer_equal(&a->layer, &b->layer) && a->resolution == b->resolution && x->count == y->count &&
           x->contexts == y->contexts && same_number(x->mean_ms, y->mean_ms) &&
           same_number(x->trimmed_ms, y->trimmed_ms) && same_number(x->std_ms, y->std_ms) &&
           same_number(x->min_ms, y->min_ms) && same_number(x->p50_ms, y->p50_ms) &&
           same_number(x->p90_ms, y->p90_ms) && same_number(x->ci_ms, y->ci_ms);
}

static void check_round_trip(const struct entries *entries, enum table_format format, const char *text, size_t size)
{
    struct buf printed;
    struct entries back;
    struct lathe_error err = {0};
    buf_init(&printed);
    if (entries_print(format, entries, &printed, NULL, &err) ||
        entries_parse(format, printed.data, printed.size, &back, &err))
        fuzz_failed(err.message, text, size);
    if (back.count != entries->count) fuzz_failed("rows were lost", text, size);
    for (size_t i = 0; i < back.count; i++)
        if (!same_entry(&back.items[i], &entries->items[i])) fuzz_failed("a row came back changed", text, size);
    entries_clear(&back);
    buf_clear(&printed);
}

static bool check(enum table_format format, const char *text, size_t size)
{
    struct entries entries = {.count = 77};
    struct lathe_error err = {0};
    /* A copy of exactly this size, so that a read past the end is seen. */
    char *exact = malloc(size ? size : 1);
    if (!exact) abort();
    memcpy(exact, text, size);
    enum lathe_status st = entries_parse(format, exact, size, &entries, &err);
    free(exact);
    if (st) {
        if (entries.count != 77 || entries.items) fuzz_failed("a refused text was written", text, size);
        if (st != LATHE_INVALID || err.status != st || !err.message[0]) fuzz_failed("no reason given", text, size);
        return false;
    }
    if (entries.count == 0) fuzz_failed("no rows", text, size);
    check_round_trip(&entries, FORMAT_JSON, text, size);
    check_round_trip(&entries, FORMAT_CSV, text, size);
    entries_clear(&entries);
    return true;
}

int main(int argc, char **argv)
{
    static char text[MUTANT_BYTES + 1];
    uint64_t rounds = 20000;
    uint64_t seed = 1;
    bool useful = true;
    fuzz_arguments(argc, argv, &rounds, &seed);
    for (size_t t = 0; t < sizeof targets / sizeof targets[0]; t++) {
        struct corpus corpus;
        struct rng rng;
        uint64_t taken = 0;
        corpus_load(&corpus, targets[t].module);
        rng_seed(&rng, seed);
        for (uint64_t i = 0; i < rounds; i++) taken += check(targets[t].format, text, mutate(&corpus, &rng, text));
        corpus_clear(&corpus);
        printf("%s: %llu texts, %llu taken\n", targets[t].module, (unsigned long long)rounds,
               (unsigned long long)taken);
        /* Mutants that are all refused, or all taken, test half of it. */
        useful = useful && taken > 0 && taken < rounds;
    }
    return useful ? EXIT_SUCCESS : EXIT_FAILURE;
}
