/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* network_parse(): what it takes is a chain of valid layers, which a net.config can say again; what it refuses has a
 * reason and writes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lut/base/json.h"
#include "mutate.h"
#include "server/networks/network.h"

static bool meets(const struct shape *a, const struct shape *b)
{
    return a->h == b->h && a->w == b->w && a->c == b->c;
}

static void check_chain(const struct network *net, const char *text, size_t size)
{
    if (net->count < 1 || net->count > NETWORK_MAX_LAYERS) fuzz_failed("no network was taken", text, size);
    for (int i = 0; i < net->count; i++) {
        if (layer_validate(&net->layers[i], NULL)) fuzz_failed("an invalid layer was taken", text, size);
        if (i && !meets(&net->layers[i - 1].out, &net->layers[i].in)) fuzz_failed("a broken chain", text, size);
    }
}

static void check_again(const struct network *net, const char *text, size_t size)
{
    struct network again;
    json_t *written = NULL;
    if (net_config_write(net->layers, net->count, &written, NULL)) return;
    if (net_config_read(written, net->layers[0].in.h, &again, NULL))
        fuzz_failed("what was written is refused", text, size);
    if (again.count != net->count) fuzz_failed("layers were lost", text, size);
    for (int i = 0; i < net->count; i++)
        if (!layer_equal(&net->layers[i], &again.layers[i])) fuzz_failed("a layer changed", text, size);
    json_decref(written);
}

/* @return whether the document was taken; *read says whether it was JSON at all. */
static bool check(const char *text, size_t size, bool *read)
{
    static struct network net;
    json_t *document = NULL;
    struct lathe_error err = {0};
    *read = !json_parse(text, size, &document, NULL);
    if (!*read) return false;
    net.count = -7;
    enum lathe_status st = network_parse(document, 0, &net, &err);
    json_decref(document);
    if (st) {
        if (net.count != -7) fuzz_failed("a refused document was written", text, size);
        if (st != LATHE_INVALID || !err.message[0]) fuzz_failed("no reason given", text, size);
        return false;
    }
    check_chain(&net, text, size);
    check_again(&net, text, size);
    return true;
}

int main(int argc, char **argv)
{
    static char text[MUTANT_BYTES + 1];
    uint64_t rounds = 20000;
    uint64_t seed = 1;
    uint64_t documents = 0;
    uint64_t taken = 0;
    struct corpus corpus;
    struct rng rng;
    fuzz_arguments(argc, argv, &rounds, &seed);
    corpus_load(&corpus, "network");
    rng_seed(&rng, seed);
    for (uint64_t i = 0; i < rounds; i++) {
        bool read = false;
        size_t size = mutate(&corpus, &rng, text);
        taken += check(text, size, &read);
        documents += read;
    }
    corpus_clear(&corpus);
    printf("%llu texts, %llu documents, %llu taken\n", (unsigned long long)rounds, (unsigned long long)documents,
           (unsigned long long)taken);
    /* Mutants that are all refused, or all taken, test half of it. */
    return taken > 0 && taken < documents ? EXIT_SUCCESS : EXIT_FAILURE;
}
