/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* lathe: the command line. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "server/cli/verbs.h"

static const struct verb *const singles[] = {&profile_verb, &subnet_verb, &measure_verb, &status_verb};
static const struct verb *const groups[] = {device_verbs, profile_verbs,   table_verbs,
                                            space_verbs,  predictor_verbs, token_verbs};

enum { SINGLES = sizeof singles / sizeof singles[0], GROUPS = sizeof groups / sizeof groups[0] };

static void print_line(const struct verb *v)
{
    char left[80];
    snprintf(left, sizeof left, "%s%s%s%s%s", v->noun, v->name ? " " : "", v->name ? v->name : "",
             v->arguments[0] ? " " : "", v->arguments);
    printf("  %-34s %s\n", left, v->summary);
}

static void help(const char *noun)
{
    if (!noun)
        puts("Usage: lathe VERB ... [options]\n"
             "Latency tables of your own devices, and subnets cut to fit them.\n");
    for (size_t i = 0; i < SINGLES; i++)
        if (!noun || strcmp(noun, singles[i]->noun) == 0) print_line(singles[i]);
    for (size_t g = 0; g < GROUPS; g++)
        for (const struct verb *v = groups[g]; v->noun; v++)
            if (!noun || strcmp(noun, v->noun) == 0) print_line(v);
    if (!noun)
        puts("\nlathe VERB --help tells more. Server and token are found in --server and\n"
             "--token-file, LATHE_SERVER and LATHE_TOKEN_FILE, or the local data folder.\n"
             "Exit status: 0 ok, 1 failed, 2 usage, 3 not found, 4 can't be met.\n\n"
             "Examples:\n"
             "  lathe device add pi4 --transport local\n"
             "  lathe profile pi4 --config xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --wait\n"
             "  lathe subnet pi4/xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --latency-ms 25");
}

static bool known_noun(const char *noun)
{
    for (size_t i = 0; i < SINGLES; i++)
        if (strcmp(noun, singles[i]->noun) == 0) return true;
    for (size_t g = 0; g < GROUPS; g++)
        if (strcmp(noun, groups[g]->noun) == 0) return true;
    return false;
}

/* "device add" before "profile DEVICE". @param[out] used how many words name the verb. */
static const struct verb *find_verb(int argc, char **argv, int *used)
{
    for (size_t g = 0; argc > 1 && g < GROUPS; g++) {
        for (const struct verb *v = groups[g]; v->noun; v++) {
            if (strcmp(argv[0], v->noun) != 0 || strcmp(argv[1], v->name) != 0) continue;
            *used = 2;
            return v;
        }
    }
    *used = 1;
    for (size_t i = 0; i < SINGLES; i++)
        if (strcmp(argv[0], singles[i]->noun) == 0) return singles[i];
    return NULL;
}

static bool asks_help(const char *text)
{
    return strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0 || strcmp(text, "help") == 0;
}

int main(int argc, char **argv)
{
    struct cli cli = {0};
    int used = 0;
    if (argc < 2) {
        help(NULL);
        return EXIT_BAD_USAGE;
    }
    if (asks_help(argv[1])) {
        help(NULL);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("lathe %s\n", LATHE_VERSION);
        return EXIT_DONE;
    }
    cli.verb = find_verb(argc - 1, argv + 1, &used);
    if (!cli.verb) {
        if (!known_noun(argv[1])) return cli_misuse(NULL, "unknown verb %s", argv[1]);
        if (argc > 2 && !asks_help(argv[2])) fprintf(stderr, "lathe: %s has no verb %s; it has:\n", argv[1], argv[2]);
        help(argv[1]);
        return argc > 2 && asks_help(argv[2]) ? EXIT_DONE : EXIT_BAD_USAGE;
    }
    for (int i = 1 + used; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-h") != 0) continue;
        cli_help(cli.verb);
        return EXIT_DONE;
    }
    if (!cli_parse(&cli, argc - 1 - used, argv + 1 + used)) return EXIT_BAD_USAGE;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    enum exit_code code = cli.verb->run(&cli);
    curl_global_cleanup();
    return (int)code;
}
