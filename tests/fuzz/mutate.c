/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "mutate.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/file.h"
#include "lut/base/text.h"

static const char *const words[] = {"0",      "-1",         "65535",
                                    "65536",  "4294967296", "18446744073709551616",
                                    "1e999",  "nan",        "null",
                                    "\"",     "{",          "}",
                                    "[",      "]",          ":",
                                    ",",      "\n",         "\r\n",
                                    "- ",     "---\n",      "&a ",
                                    "*a",     "!!x ",       "|\n",
                                    "\t",     " @160",      " ",
                                    "=",      "x",          "\\u0000",
                                    "#",      "k=3",        "se=8",
                                    " res=1", "mean",       "items",
                                    "layer",  "expand:6",   "\xef\xbb\xbf",
                                    "\xff"};

static struct seed read_seed(const char *folder, const char *file)
{
    char path[1024];
    struct seed seed;
    struct lathe_error err;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    if (!file_read(path, MUTANT_BYTES / 2, &seed.text, &seed.size, &err)) return seed;
    fprintf(stderr, "%s\n", err.message);
    exit(EXIT_FAILURE);
}

static void add_case(struct corpus *corpus, const char *folder)
{
    struct seed seed = read_seed(folder, "input");
    struct seed expected = read_seed(folder, "expected");
    void *items = realloc(corpus->items, (corpus->count + 1) * sizeof *corpus->items);
    if (!items) abort();
    corpus->items = items;
    corpus->items[corpus->count++] = seed;
    if (strncmp(expected.text, "rows ", 5) == 0) {
        corpus->items[corpus->count - 1] = corpus->items[corpus->good];
        corpus->items[corpus->good++] = seed;
    }
    free(expected.text);
}

void corpus_load(struct corpus *corpus, const char *module)
{
    char folder[512];
    struct dirent **names = NULL;
    *corpus = (struct corpus){0};
    snprintf(folder, sizeof folder, "%s/%s", TEST_CASES, module);
    int n = scandir(folder, &names, NULL, alphasort); /* in order: the same seed, the same run */
    for (int i = 0; i < n; i++) {
        char path[800];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (names[i]->d_name[0] != '.') add_case(corpus, path);
        free(names[i]);
    }
    free(names);
    if (corpus->good > 0) return;
    fprintf(stderr, "no well-formed cases in %s\n", folder);
    exit(EXIT_FAILURE);
}

void corpus_clear(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++) free(corpus->items[i].text);
    free(corpus->items);
}

/* Replace `drop` bytes at `at` by others, as far as they fit. */
static void splice(char *text, size_t *size, size_t at, size_t drop, const char *bytes, size_t n)
{
    if (*size - drop + n > MUTANT_BYTES) return;
    memmove(text + at + n, text + at + drop, *size - at - drop);
    memcpy(text + at, bytes, n);
    *size += n - drop;
}

static void mutate_once(const struct corpus *corpus, struct rng *rng, char *text, size_t *size)
{
    size_t at = rng_below(rng, (uint32_t)*size + 1);
    size_t left = *size - at;
    size_t length = left ? 1 + rng_below(rng, left < 40 ? (uint32_t)left : 40) : 0;
    const struct seed *other = &corpus->items[rng_below(rng, (uint32_t)corpus->count)];
    char copy[40];
    switch (rng_below(rng, 6)) {
    case 0:
        if (left) text[at] = (char)(text[at] ^ (1 << rng_below(rng, 8)));
        break;
    case 1:
        splice(text, size, at, length, "", 0);
        break;
    case 2:
        memcpy(copy, text + at, length);
        splice(text, size, at, 0, copy, length);
        break;
    case 3: {
        const char *word = words[rng_below(rng, sizeof words / sizeof words[0])];
        splice(text, size, at, rng_below(rng, 2) ? (length < 3 ? length : 3) : 0, word, strlen(word));
        break;
    }
    case 4: {
        size_t from = rng_below(rng, (uint32_t)other->size + 1);
        splice(text, size, at, length, other->text + from, rng_below(rng, (uint32_t)(other->size - from) + 1));
        break;
    }
    default:
        *size = rng_below(rng, 4) ? *size : at;
    }
}

size_t mutate(const struct corpus *corpus, struct rng *rng, char *out)
{
    size_t among = rng_below(rng, 4) ? corpus->good : corpus->count;
    const struct seed *seed = &corpus->items[rng_below(rng, (uint32_t)among)];
    size_t size = seed->size;
    memcpy(out, seed->text, size);
    for (uint32_t i = 1 + rng_below(rng, 4); i > 0; i--) mutate_once(corpus, rng, out, &size);
    out[size] = '\0';
    return size;
}

void fuzz_arguments(int argc, char **argv, uint64_t *rounds, uint64_t *seed)
{
    bool ok = argc <= 3 && (argc < 2 || text_to_u64(argv[1], strlen(argv[1]), rounds)) &&
              (argc < 3 || text_to_u64(argv[2], strlen(argv[2]), seed));
    if (ok) return;
    fprintf(stderr, "usage: %s [ROUNDS [SEED]]\n", argv[0]);
    exit(2);
}

void fuzz_failed(const char *what, const char *text, size_t size)
{
    fprintf(stderr, "%s:\n", what);
    fwrite(text, 1, size, stderr);
    fputc('\n', stderr);
    abort();
}
