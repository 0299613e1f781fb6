/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* Fuzzing without a fuzzer's runtime: texts from fixture folders, spoiled by a seeded generator, so that a run can be
 * had again from its seed. As a test a driver runs a bounded number of rounds; by hand it takes more:
 *   fuzz_entries [ROUNDS [SEED]] */
#ifndef LATHE_TESTS_FUZZ_MUTATE_H
#define LATHE_TESTS_FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

#include "lut/base/rng.h"

struct seed {
    char *text; /* owned */
    size_t size;
};
struct corpus {
    struct seed *items;
    size_t count, good; /* the well-formed ones come first */
};

enum { MUTANT_BYTES = 16384 };

/** Every input of TEST_CASES/<module>. Ends the program when there is none, or one is too long. */
void corpus_load(struct corpus *, const char *module);
void corpus_clear(struct corpus *);

/** One of the texts, mostly a well-formed one since its mutants get further, with a few bytes flipped, numbers and
 * words replaced, parts repeated, dropped or spliced in from another one. @param out MUTANT_BYTES + 1 bytes;
 * NUL-terminated. @return its size. */
size_t mutate(const struct corpus *, struct rng *, char *out);

/** Rounds and seed from the command line. */
void fuzz_arguments(int argc, char **argv, uint64_t *rounds, uint64_t *seed);

/** Say what went wrong with which text, and end the program. */
void fuzz_failed(const char *what, const char *text, size_t size) __attribute__((noreturn));

#endif
