/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* layer_parse(): what it takes is valid and prints as it was, what it refuses has a reason and writes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/layer/layer.h"
#include "mutate.h"

static bool check(const char *text, size_t size)
{
    const struct layer untouched = {LAYER_LINEAR, {-1, -2, -3}, {-4, -5, -6}, -7, -8, -9, ACT_HSWISH, -10, true};
    struct layer layer = untouched;
    struct lathe_error err = {0};
    if (layer_parse(text, &layer, &err)) {
        if (!layer_equal(&layer, &untouched)) fuzz_failed("a refused text was written", text, size);
        if (err.status != LATHE_INVALID || !err.message[0]) fuzz_failed("no reason given", text, size);
        return false;
    }
    char again[LAYER_TEXT_BYTES];
    if (layer_validate(&layer, NULL)) fuzz_failed("an invalid layer was taken", text, size);
    layer_print(&layer, again);
    if (strcmp(again, text) != 0) fuzz_failed("the text is not canonical", text, size);
    return true;
}

int main(int argc, char **argv)
{
    static char text[MUTANT_BYTES + 1];
    uint64_t rounds = 300000;
    uint64_t seed = 1;
    uint64_t taken = 0;
    struct corpus corpus;
    struct rng rng;
    fuzz_arguments(argc, argv, &rounds, &seed);
    corpus_load(&corpus, "layer");
    rng_seed(&rng, seed);
    for (uint64_t i = 0; i < rounds; i++) {
        size_t size = mutate(&corpus, &rng, text);
        text[strcspn(text, "\n")] = '\0'; /* a case's line has an end */
        taken += check(text, size);
    }
    corpus_clear(&corpus);
    printf("%llu texts, %llu taken\n", (unsigned long long)rounds, (unsigned long long)taken);
    /* Mutants that are all refused, or all taken, test half of it. */
    return taken > 0 && taken < rounds ? EXIT_SUCCESS : EXIT_FAILURE;
}
