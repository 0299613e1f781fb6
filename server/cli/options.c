/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lut/base/text.h"
#include "server/cli/cli.h"

static const struct option_spec common[] = {
    {"server", OPTION_TEXT, "URL", "default: $LATHE_SERVER, else the server of the local data folder"},
    {"token-file", OPTION_TEXT, "FILE", "default: $LATHE_TOKEN_FILE, else admin.token of that folder"},
    {"ca-file", OPTION_TEXT, "FILE", "trust the certificates in this PEM file"},
    {"json", OPTION_FLAG, NULL, "print the server's answer as JSON"},
    {"yes", OPTION_FLAG, NULL, "don't ask before something is lost"},
    {0},
};

static int count_specs(const struct option_spec *specs)
{
    int n = 0;
    while (specs && specs[n].name) n++;
    return n;
}

/* The options of a verb by number: its own, those that it shares, then the common ones. No verb: only the common ones.
 * @return NULL behind the last. */
static const struct option_spec *spec_at(const struct verb *verb, int number)
{
    const struct option_spec *const lists[] = {verb ? verb->options : NULL, verb ? verb->shared : NULL, common};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        int count = count_specs(lists[i]);
        if (number < count) return &lists[i][number];
        number -= count;
    }
    return NULL;
}

/* The number of an option; -1: unknown. */
static int find_option(const struct verb *verb, const char *name, size_t length, const struct option_spec **spec)
{
    const struct option_spec *s;
    for (int i = 0; (s = spec_at(verb, i)); i++) {
        if (strlen(s->name) != length || memcmp(s->name, name, length) != 0) continue;
        *spec = s;
        return i;
    }
    return -1;
}

/* Edit distance (Levenshtein), for "did you mean". */
static size_t distance(const char *a, const char *b)
{
    enum { MOST = 40 };
    size_t row[MOST + 1];
    size_t n = strlen(b);
    if (n > MOST) return MOST;
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t best = corner + (a[i] != b[j]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j + 1] + 1 < best) best = row[j + 1] + 1;
            corner = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[n];
}

/* Name what is unknown, without its value, and the option that is meant, perhaps. */
static bool refuse_unknown(const struct verb *verb, const char *argument)
{
    char given[64];
    const char *nearest = NULL;
    const struct option_spec *spec;
    size_t best = 3;
    snprintf(given, sizeof given, "%.*s", (int)strcspn(argument, "="), argument);
    for (int i = 0; (spec = spec_at(verb, i)); i++) {
        size_t d = distance(given + strspn(given, "-"), spec->name);
        if (d >= best) continue;
        best = d;
        nearest = spec->name;
    }
    if (nearest) cli_misuse(verb, "unknown option %s; did you mean --%s?", given, nearest);
    else cli_misuse(verb, "unknown option %s", given);
    return false;
}

static bool read_integer(const char *text, long long *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return !errno && end != text && !*end && !isspace((unsigned char)text[0]);
}

/* 0.8 or 80% */
static bool read_fraction(const char *text, double *out)
{
    size_t n = strlen(text);
    bool percent = n > 0 && text[n - 1] == '%';
    if (!text_to_double(text, percent ? n - 1 : n, out)) return false;
    if (percent) *out /= 100;
    return *out >= 0 && *out <= 1;
}

/* 90, 90s, 5m or 2h */
static bool read_seconds(const char *text, double *out)
{
    size_t n = strlen(text);
    char unit = n > 1 ? text[n - 1] : 's';
    double factor = unit == 'm' ? 60 : unit == 'h' ? 3600 : 1;
    bool has_unit = n > 1 && strchr("smh", unit);
    if (!text_to_double(text, has_unit ? n - 1 : n, out)) return false;
    *out *= factor;
    return *out >= 0;
}

static json_t *integer_json(const char *text, size_t length)
{
    uint64_t value;
    if (!text_to_u64(text, length, &value) || value > INT32_MAX) return NULL;
    return json_integer((json_int_t)value);
}

static json_t *number_json(const char *text, size_t length)
{
    double value;
    return text_to_double(text, length, &value) ? json_real(value) : NULL;
}

/* What stands between commas. @param read makes a value of a part; NULL when it is none. @return NULL when one is none.
 */
static json_t *list_json(const char *text, json_t *(*read)(const char *, size_t))
{
    json_t *list = json_array();
    for (;;) {
        size_t n = strcspn(text, ",");
        json_t *value = read(text, n);
        if (!value) {
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, value);
        if (!text[n]) return list;
        text += n + 1;
    }
}

static bool is_list(const char *text, json_t *(*read)(const char *, size_t))
{
    json_t *list = list_json(text, read);
    json_decref(list);
    return list != NULL;
}

/* Read a value for its kind. @return NULL, or what is wanted instead. */
static const char *read_kind(enum option_kind kind, const char *text, struct option_value *out)
{
    switch (kind) {
    case OPTION_NUMBER:
        return text_to_double(text, strlen(text), &out->number) ? NULL : "a number";
    case OPTION_FRACTION:
        return read_fraction(text, &out->number) ? NULL : "a fraction (0.8) or a percentage (80%)";
    case OPTION_SECONDS:
        return read_seconds(text, &out->number) ? NULL : "a time: 90 (seconds), 90s, 5m or 2h";
    case OPTION_INTEGER:
        return read_integer(text, &out->integer) ? NULL : "a whole number";
    case OPTION_NUMBERS:
        return is_list(text, number_json) ? NULL : "a number, or several with commas between";
    case OPTION_INTEGERS:
        return is_list(text, integer_json) ? NULL : "whole numbers with commas between";
    case OPTION_FLAG:
    case OPTION_TEXT:
    case OPTION_TEXTS:
        break;
    }
    return NULL;
}

static bool read_value(const struct verb *verb, const struct option_spec *spec, const char *text,
                       struct option_value *out)
{
    const char *wanted = read_kind(spec->kind, text, out);
    if (wanted) {
        cli_misuse(verb, "--%s needs %s, not '%s'", spec->name, wanted, text);
        return false;
    }
    if (spec->kind == OPTION_TEXTS && out->times == OPTION_TIMES_MOST) {
        cli_misuse(verb, "--%s is given more than %d times", spec->name, OPTION_TIMES_MOST);
        return false;
    }
    out->given = true;
    out->text = text;
    if (spec->kind == OPTION_TEXTS) out->texts[out->times++] = text;
    return true;
}

/* One "--name", "--name=value" or "--name value" at argv[*at]. */
static bool read_option(struct cli *cli, int argc, char **argv, int *at)
{
    const char *argument = argv[*at];
    const char *equals = strchr(argument, '=');
    size_t length = equals ? (size_t)(equals - argument) - 2 : strlen(argument) - 2;
    const struct option_spec *spec;
    int number = find_option(cli->verb, argument + 2, length, &spec);
    if (number < 0) return refuse_unknown(cli->verb, argument);
    if (spec->kind == OPTION_FLAG) {
        cli->values[number].given = true;
        if (equals) cli_misuse(cli->verb, "--%s takes no value", spec->name);
        return !equals;
    }
    if (!equals && *at + 1 == argc) {
        cli_misuse(cli->verb, "--%s needs a value: %s", spec->name, spec->value);
        return false;
    }
    return read_value(cli->verb, spec, equals ? equals + 1 : argv[++*at], &cli->values[number]);
}

int cli_count_leading(int argc, char **argv)
{
    int n = 0;
    while (n < argc && strncmp(argv[n], "--", 2) == 0) {
        const char *name = argv[n] + 2;
        const struct option_spec *spec;
        if (strcmp(name, "help") == 0 || strcmp(name, "version") == 0) break;
        if (find_option(NULL, name, strcspn(name, "="), &spec) < 0) {
            refuse_unknown(NULL, argv[n]);
            return -1;
        }
        n += spec->kind == OPTION_FLAG || strchr(name, '=') ? 1 : 2;
    }
    return n < argc ? n : argc;
}

bool cli_parse(struct cli *cli, int argc, char **argv)
{
    bool options_over = false;
    for (int i = 0; i < argc; i++) {
        if (!options_over && strcmp(argv[i], "--") == 0) {
            options_over = true;
        } else if (!options_over && strncmp(argv[i], "--", 2) == 0) {
            if (!read_option(cli, argc, argv, &i)) return false;
        } else if (!options_over && argv[i][0] == '-' && argv[i][1]) {
            return refuse_unknown(cli->verb, argv[i]);
        } else if (cli->argument_count == CLI_MAX_ARGUMENTS) {
            cli_misuse(cli->verb, "too many arguments");
            return false;
        } else {
            cli->arguments[cli->argument_count++] = argv[i];
        }
    }
    if (cli->argument_count < cli->verb->least || cli->argument_count > cli->verb->most) {
        cli_misuse(cli->verb, cli->argument_count < cli->verb->least ? "too few arguments" : "unexpected argument %s",
                   cli->argument_count ? cli->arguments[cli->argument_count - 1] : "");
        return false;
    }
    cli->server = cli_option(cli, "server")->text;
    cli->token_file = cli_option(cli, "token-file")->text;
    cli->ca_file = cli_option(cli, "ca-file")->text;
    cli->json = cli_option(cli, "json")->given;
    cli->yes = cli_option(cli, "yes")->given;
    return true;
}

const struct option_value *cli_option(const struct cli *cli, const char *name)
{
    static const struct option_value none;
    const struct option_spec *spec;
    int number = find_option(cli->verb, name, strlen(name), &spec);
    return number < 0 ? &none : &cli->values[number];
}

bool cli_require(const struct cli *cli, const char *name)
{
    if (cli_option(cli, name)->given) return true;
    cli_misuse(cli->verb, "--%s is missing", name);
    return false;
}

static json_t *texts_json(const struct option_value *value)
{
    json_t *list = json_array();
    for (int i = 0; i < value->times; i++) json_array_append_new(list, json_string(value->texts[i]));
    return list;
}

static json_t *numbers_json(const char *text)
{
    json_t *list = list_json(text, number_json);
    if (json_array_size(list) != 1) return list;
    json_t *only = json_incref(json_array_get(list, 0));
    json_decref(list);
    return only;
}

void cli_put(const struct cli *cli, json_t *body, const char *field, const char *name)
{
    const struct option_spec *spec = NULL;
    int number = find_option(cli->verb, name, strlen(name), &spec);
    json_t *value = NULL;
    if (number < 0 || !cli->values[number].given) return;
    const struct option_value *given = &cli->values[number];
    switch (spec->kind) {
    case OPTION_FLAG:
        value = json_true();
        break;
    case OPTION_TEXT:
        value = json_string(given->text);
        break;
    case OPTION_TEXTS:
        value = texts_json(given);
        break;
    case OPTION_NUMBER:
    case OPTION_FRACTION:
    case OPTION_SECONDS:
        value = json_real(given->number);
        break;
    case OPTION_INTEGER:
        value = json_integer(given->integer);
        break;
    case OPTION_NUMBERS:
        value = numbers_json(given->text);
        break;
    case OPTION_INTEGERS:
        value = list_json(given->text, integer_json);
        break;
    }
    json_object_set_new(body, field, value);
}

/* @param verb its own option of a name hides the common one; NULL: nothing is hidden. */
static void print_specs(const struct option_spec *specs, const struct verb *verb)
{
    for (; specs && specs->name; specs++) {
        char left[64];
        const struct option_spec *first = specs;
        if (verb) find_option(verb, specs->name, strlen(specs->name), &first);
        if (first != specs) continue;
        snprintf(left, sizeof left, "--%s%s%s", specs->name, specs->value ? " " : "", specs->value ? specs->value : "");
        printf("  %-26s %s\n", left, specs->help);
    }
}

void cli_help(const struct verb *verb)
{
    printf("Usage: lathe %s%s%s%s%s [options]\n%s\n", verb->noun, verb->name ? " " : "", verb->name ? verb->name : "",
           verb->arguments[0] ? " " : "", verb->arguments, verb->summary);
    if (verb->options || verb->shared) printf("\nOptions:\n");
    print_specs(verb->options, NULL);
    print_specs(verb->shared, NULL);
    printf("\nEverywhere:\n");
    print_specs(common, verb);
    printf("\nExamples:\n%s", verb->examples);
}

enum exit_code cli_misuse(const struct verb *verb, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("lathe: ", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    if (verb)
        fprintf(stderr, "\nTry lathe %s%s%s --help.\n", verb->noun, verb->name ? " " : "",
                verb->name ? verb->name : "");
    else fputs("\nTry lathe --help.\n", stderr);
    return EXIT_BAD_USAGE;
}

bool cli_confirm(const struct cli *cli, const char *format, ...)
{
    va_list args;
    char line[16];
    if (cli->yes) return true;
    va_start(args, format);
    if (!isatty(STDIN_FILENO)) fputs("lathe: ", stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    if (!isatty(STDIN_FILENO)) {
        fputs(" Say --yes to go on.\n", stderr);
        return false;
    }
    fputs(" Go on? [y/N] ", stderr);
    return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}
