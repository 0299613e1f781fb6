/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
/* lathe: the command line. */
#include <curl/curl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "server/cli/verbs.h"

static const struct verb *const singles[] = {&profile_verb, &subnet_verb,  &front_verb,  &measure_verb, &compare_verb,
                                             &nightly_verb, &shipped_verb, &status_verb, &backup_verb,  &restore_verb};
static const struct verb *const groups[] = {device_verbs,  profile_verbs, table_verbs,   space_verbs,  predictor_verbs,
                                            network_verbs, token_verbs,   nightly_verbs, shipped_verbs};

enum { SINGLES = sizeof singles / sizeof singles[0], GROUPS = sizeof groups / sizeof groups[0] };

/* Every verb, or those of a noun. @return how many. */
static int each_verb(const char *noun, void (*visit)(const struct verb *))
{
    int n = 0;
    for (size_t i = 0; i < SINGLES; i++) {
        if (noun && strcmp(noun, singles[i]->noun) != 0) continue;
        if (visit) visit(singles[i]);
        n++;
    }
    for (size_t g = 0; g < GROUPS; g++) {
        for (const struct verb *v = groups[g]; v->noun; v++) {
            if (noun && strcmp(noun, v->noun) != 0) continue;
            if (visit) visit(v);
            n++;
        }
    }
    return n;
}

static void print_line(const struct verb *v)
{
    char left[80];
    snprintf(left, sizeof left, "%s%s%s%s%s", v->noun, v->name ? " " : "", v->name ? v->name : "",
             v->arguments[0] ? " " : "", v->arguments);
    printf("  %-34s %s\n", left, v->summary);
}

static void print_examples(const struct verb *v)
{
    fputs(v->examples, stdout);
}

static void help(void)
{
    puts("Usage: lathe VERB ... [options]\n"
         "Latency tables of your own devices, and subnets cut to fit them.\n");
    each_verb(NULL, print_line);
    puts("\nlathe VERB --help tells more; --version says which lathe this is. Server and token are\n"
         "found in --server and --token-file, LATHE_SERVER and LATHE_TOKEN_FILE, or the local data\n"
         "folder: LATHE_DATA, or lathe in XDG_DATA_HOME or ~/.local/share.\n"
         "Exit status: 0 ok, 1 failed, 2 usage, 3 not found, 4 can't be met; of lathe nightly 5 slower,\n"
         "6 a device could not be profiled.\n\n"
         "Examples:\n"
         "  lathe device add pi4 --transport local\n"
         "  lathe profile pi4 --config xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --wait\n"
         "  lathe subnet pi4/xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --latency-ms 25 --verify\n"
         "  lathe front pi4/xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --points 20");
}

static void help_noun(const char *noun)
{
    printf("Usage: lathe %s VERB ... [options]\n\n", noun);
    each_verb(noun, print_line);
    printf("\nlathe %s VERB --help tells more.\n\nExamples:\n", noun);
    each_verb(noun, print_examples);
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

/* A noun alone, with something that is no verb of it, or no noun at all. */
static enum exit_code answer_without_verb(int argc, char **argv)
{
    if (each_verb(argv[0], NULL) == 0) return cli_misuse(NULL, "unknown verb %s", argv[0]);
    if (argc > 1 && asks_help(argv[1])) {
        help_noun(argv[0]);
        return EXIT_DONE;
    }
    if (argc > 1) fprintf(stderr, "lathe: %s has no verb %s; lathe %s --help lists them\n", argv[0], argv[1], argv[0]);
    else fprintf(stderr, "lathe: %s what? lathe %s --help lists its verbs\n", argv[0], argv[0]);
    return EXIT_BAD_USAGE;
}

static bool help_is_among(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
    return false;
}

/* Words behind the program's name, common options first: put them behind the words that name the verb. */
static void move_behind(char **words, int leading, int used)
{
    for (int i = 0; i < used; i++) {
        char *word = words[leading + i];
        memmove(words + i + 1, words + i, (size_t)leading * sizeof *words);
        words[i] = word;
    }
}

static enum exit_code run(int argc, char **argv)
{
    struct cli cli = {0};
    int used = 0;
    int leading = cli_count_leading(argc, argv);
    if (leading < 0) return EXIT_BAD_USAGE;
    if (leading == argc) return cli_misuse(NULL, "a verb is missing");
    char **words = argv + leading;
    int count = argc - leading;
    if (asks_help(words[0])) {
        help();
        return EXIT_DONE;
    }
    if (strcmp(words[0], "--version") == 0) {
        printf("lathe %s\n", LATHE_VERSION);
        return EXIT_DONE;
    }
    cli.verb = find_verb(count, words, &used);
    if (!cli.verb) return answer_without_verb(count, words);
    if (help_is_among(count - used, words + used)) {
        cli_help(cli.verb);
        if (!cli.verb->name && each_verb(cli.verb->noun, NULL) > 1) {
            printf("\nSee also:\n");
            each_verb(cli.verb->noun, print_line);
        }
        return EXIT_DONE;
    }
    move_behind(argv, leading, used);
    if (!cli_parse(&cli, argc - used, argv + used)) return EXIT_BAD_USAGE;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    enum exit_code code = cli.verb->run(&cli);
    curl_global_cleanup();
    return code;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    if (argc < 2) {
        help();
        return EXIT_BAD_USAGE;
    }
    enum exit_code code = run(argc - 1, argv + 1);
    /* What went to a full disk or a closed pipe was not printed. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (code == EXIT_DONE) fputs("lathe: can't write to standard output\n", stderr);
        return code ? (int)code : EXIT_FAILED;
    }
    return (int)code;
}
