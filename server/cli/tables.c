/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lut/base/file.h"
#include "server/cli/verbs.h"

#define SHOWN_DEFAULT "1000"
enum { FILE_BYTES = 64 * 1024 * 1024 };

/* "/v1/tables/DEVICE/CONFIG" of the first argument, and rest. @return EXIT_DONE, or after saying what is wrong. */
static enum exit_code table_path(const struct cli *cli, const char *rest, char out[PATH_BYTES])
{
    char device[80];
    const char *table = cli->arguments[0];
    size_t n = strcspn(table, "/");
    if (n == 0 || n >= sizeof device || !table[n] || !table[n + 1] || strchr(table + n + 1, '/'))
        return cli_misuse(cli->verb, "a table is named DEVICE/CONFIG, for example pi4/xnnpack-f32-t1-b1");
    snprintf(device, sizeof device, "%.*s", (int)n, table);
    if (!path_print(out, "/v1/tables/%s/%s", device, table + n + 1)) return EXIT_FAILED;
    snprintf(out + strlen(out), PATH_BYTES - strlen(out), "%s", rest);
    return EXIT_DONE;
}

static enum exit_code run_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"DEVICE", "device", CELL_TEXT},
        {"CONFIG", "config", CELL_TEXT},
        {"ROWS", "entries", 0},
        {"VERSION", "version", 0},
        {"ORIGIN", "origin", CELL_TEXT},
        {"UPDATED", "updated", CELL_TEXT},
        {0},
    };
    return list_and_print(cli, "/v1/tables", columns, "No tables yet: lathe profile DEVICE --config C --space S");
}

/* What the rows are of, above them. @param[out] unit of its latencies, static. */
static enum exit_code print_heading(const struct cli *cli, const char **unit)
{
    char path[PATH_BYTES];
    struct answer a;
    enum exit_code code = table_path(cli, "", path);
    if (!code) code = call_json(cli, "GET", path, NULL, &a);
    if (code) return code;
    printf("%s, version %.0f: %.0f rows, %s, last %s\n", cli->arguments[0], number_at(a.json, "version"),
           number_at(a.json, "entries"), shown_at(a.json, "origin"), shown_at(a.json, "updated"));
    if (text_at(a.json, "fingerprint.runtime"))
        printf("%s on %s, %s\n", text_at(a.json, "fingerprint.runtime"), shown_at(a.json, "fingerprint.cpu"),
               shown_at(a.json, "fingerprint.runner"));
    if (json_is_object(json_at(a.json, "trust"))) print_trust(json_at(a.json, "trust"));
    *unit = unit_of(json_at(a.json, "fingerprint"));
    print_unit_note(*unit);
    putchar('\n');
    answer_clear(&a);
    return EXIT_DONE;
}

void print_trust(const json_t *trust)
{
    const char *doubt = text_at(trust, "doubt");
    printf("%.0f held-out subnets: predicted within %.1f%% on average, %.1f%% at worst", number_at(trust, "subnets"),
           100 * number_at(trust, "mape"), 100 * number_at(trust, "worst"));
    if (json_is_number(json_at(trust, "tau"))) printf(", Kendall's tau %.2f", number_at(trust, "tau"));
    puts("");
    if (doubt) printf("Not to be trusted: %s\n", doubt);
}

static void print_rows(const json_t *page, const char *unit)
{
    char latency[32];
    char interval[32];
    char p90[32];
    snprintf(latency, sizeof latency, "LATENCY %s", unit);
    snprintf(interval, sizeof interval, "+- %s", unit);
    snprintf(p90, sizeof p90, "P90 %s", unit);
    const struct column columns[] = {
        {"LAYER", "layer", CELL_TEXT}, {latency, "latency_ms", 4},  {interval, "ci_ms", 4},  {p90, "p90_ms", 4},
        {"SAMPLES", "count", 0},       {"CONTEXTS", "contexts", 0}, {"", "mark", CELL_TEXT}, {0},
    };
    const json_t *rows = json_at(page, "items");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        json_object_set_new(row, "mark", json_string(json_is_true(json_at(row, "alone")) ? "alone" : ""));
    }
    if (json_array_size(rows) == 0) puts("No such rows.");
    else print_table(columns, rows);
    if (text_at(page, "next")) printf("These are the first %zu; a larger --limit shows more.\n", json_array_size(rows));
}

static enum exit_code run_show(struct cli *cli)
{
    static const char *const filters[] = {"kind", "q", "sort"};
    char path[PATH_BYTES];
    struct answer a;
    const char *unit = "ms";
    const struct option_value *limit = cli_option(cli, "limit");
    enum exit_code code = table_path(cli, "/entries", path);
    if (code) return code;
    if (!path_query(path, "limit", limit->given ? limit->text : SHOWN_DEFAULT)) return EXIT_FAILED;
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++)
        if (!path_query(path, filters[i], cli_option(cli, filters[i])->text)) return EXIT_FAILED;
    code = call_json(cli, "GET", path, NULL, &a);
    if (code) return code;
    if (cli->json) print_json(a.json);
    else code = print_heading(cli, &unit);
    if (!cli->json && !code) print_rows(a.json, unit);
    answer_clear(&a);
    return code;
}

struct format {
    const char *name, *type;
};

static const struct format formats[] = {
    {"ofa-yaml", "application/yaml"},
    {"ofa-json", "application/vnd.ofa+json"},
    {"csv", "text/csv"},
    {"json", "application/json"},
};

/* All rows in a format that the server prints whole. */
static enum exit_code fetch_text(const struct cli *cli, const char *path, const struct format *format, char **text,
                                 size_t *size)
{
    struct answer a;
    enum exit_code code = call(cli, "GET", path, NULL, 0, NULL, format->type, &a);
    if (code) return code;
    if (a.skipped > 0)
        fprintf(stderr, "lathe: %s has no words for %ld of the rows: they are left out; csv and json hold all\n",
                format->name, a.skipped);
    *text = a.body;
    *size = a.size;
    a.body = NULL;
    answer_clear(&a);
    return EXIT_DONE;
}

/* All rows as one document. The server gives JSON in pages: naming the version keeps them of one. */
static enum exit_code fetch_json(const struct cli *cli, char path[PATH_BYTES], char **text, size_t *size)
{
    char table[PATH_BYTES];
    char version[32];
    struct answer a;
    json_t *document;
    enum exit_code code = table_path(cli, "", table);
    if (!code) code = call_json(cli, "GET", table, NULL, &a);
    if (code) return code;
    snprintf(version, sizeof version, "%.0f", number_at(a.json, "version"));
    answer_clear(&a);
    if (!path_query(path, "version", version)) return EXIT_FAILED;
    code = call_pages(cli, path, &document);
    if (code) return code;
    *text = json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(document);
    *size = *text ? strlen(*text) : 0;
    return *text ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_code run_export(struct cli *cli)
{
    const struct option_value *name = cli_option(cli, "format");
    const struct option_value *output = cli_option(cli, "output");
    const struct format *format = NULL;
    struct lathe_error err = {0};
    char path[PATH_BYTES];
    char *text;
    size_t size;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(name->given ? name->text : "json", formats[i].name) == 0) format = &formats[i];
    if (!format) return cli_misuse(cli->verb, "--format must be ofa-yaml, ofa-json, csv or json, not '%s'", name->text);
    enum exit_code code = table_path(cli, "/entries", path);
    if (code) return code;
    bool paged = strcmp(format->name, "json") == 0;
    code = paged ? fetch_json(cli, path, &text, &size) : fetch_text(cli, path, format, &text, &size);
    if (code) return code;
    if (!output->given || strcmp(output->text, "-") == 0) fwrite(text ? text : "", 1, size, stdout);
    else if (file_write(output->text, text ? text : "", size, 0644, &err)) code = complain(&err);
    free(text);
    return code;
}

/* By the name's end, else by the content. */
static const char *type_of(const char *path, const char *text)
{
    const char *dot = strrchr(path, '.');
    if (dot && (strcasecmp(dot, ".yaml") == 0 || strcasecmp(dot, ".yml") == 0)) return "application/yaml";
    if (dot && strcasecmp(dot, ".csv") == 0) return "text/csv";
    if (dot && strcasecmp(dot, ".json") == 0) return "application/json";
    text += strspn(text, " \t\r\n");
    if (text[0] == '{' || text[0] == '[') return "application/json";
    return strncmp(text, "layer,", 6) == 0 ? "text/csv" : "application/yaml";
}

/* A file is taken whole or not at all. */
static enum exit_code import_file(struct cli *cli, const char *path, const char *file, json_t *answers)
{
    struct lathe_error err = {0};
    struct answer a;
    char *text;
    size_t size;
    if (file_read(file, FILE_BYTES, &text, &size, &err)) return complain(&err);
    cli->about = file;
    enum exit_code code = call(cli, "POST", path, text ? text : "", size, type_of(file, text ? text : ""), NULL, &a);
    free(text);
    if (code) return code;
    if (!cli->json)
        printf("%s: %.0f rows, %.0f added, %.0f replaced\n", file, number_at(a.json, "rows"),
               number_at(a.json, "added"), number_at(a.json, "replaced"));
    json_object_set_new(a.json, "file", json_string(file));
    json_array_append(answers, a.json);
    answer_clear(&a);
    return EXIT_DONE;
}

static enum exit_code run_import(struct cli *cli)
{
    char path[PATH_BYTES];
    int i = 1;
    enum exit_code code = table_path(cli, "/entries", path);
    if (code) return code;
    json_t *answers = json_array();
    cli->problems_apart = true;
    for (; !code && i < cli->argument_count; i++) code = import_file(cli, path, cli->arguments[i], answers);
    if (code && cli->argument_count > 2)
        fprintf(stderr, "lathe: %zu of %d files were imported\n", json_array_size(answers), cli->argument_count - 1);
    json_t *document = json_pack("{s:o}", "items", answers);
    if (cli->json) print_json(document);
    json_decref(document);
    return code;
}

static enum exit_code run_delete(struct cli *cli)
{
    char path[PATH_BYTES];
    enum exit_code code = table_path(cli, "", path);
    if (code) return code;
    if (!cli_confirm(cli, "This removes table %s with all versions and samples.", cli->arguments[0]))
        return EXIT_FAILED;
    return call_delete(cli, path, "table", cli->arguments[0]);
}

static const struct option_spec show_options[] = {
    {"kind", OPTION_TEXT, "KIND", "conv2d, mbconv, avgpool or linear"},
    {"q", OPTION_TEXT, "TEXT", "rows whose layer contains this"},
    {"sort", OPTION_TEXT, "BY", "layer, latency_ms, or either with - before it"},
    {"limit", OPTION_INTEGER, "N", "at most 10000 (default 1000)"},
    {0},
};

static const struct option_spec export_options[] = {
    {"format", OPTION_TEXT, "FORMAT", "json (default), csv, ofa-yaml or ofa-json"},
    {"output", OPTION_TEXT, "FILE", "default: standard output"},
    {0},
};

const struct verb table_verbs[] = {
    {.noun = "table",
     .name = "list",
     .arguments = "",
     .run = run_list,
     .summary = "List tables.",
     .examples = "  lathe table list\n"},
    {.noun = "table",
     .name = "show",
     .arguments = "DEVICE/CONFIG",
     .least = 1,
     .most = 1,
     .options = show_options,
     .run = run_show,
     .summary = "Show a table's rows.",
     .examples = "  lathe table show pi4/xnnpack-f32-t1-b1 --kind mbconv --sort -latency_ms --limit 10\n"},
    {.noun = "table",
     .name = "export",
     .arguments = "DEVICE/CONFIG",
     .least = 1,
     .most = 1,
     .options = export_options,
     .run = run_export,
     .summary = "Write a table as a file, OFA's formats among them.",
     .examples = "  lathe table export pi4/xnnpack-f32-t1-b1 --format ofa-yaml --output pi4.yaml\n"},
    {.noun = "table",
     .name = "import",
     .arguments = "DEVICE/CONFIG FILE...",
     .least = 2,
     .most = CLI_MAX_ARGUMENTS,
     .run = run_import,
     .summary = "Add or replace rows from files: OFA's YAML or JSON, CSV, Lathe's JSON.",
     .examples = "  lathe table import note10/tflite-f32-t1-b1 160_lookup_table.yaml 176_lookup_table.yaml\n"},
    {.noun = "table",
     .name = "delete",
     .arguments = "DEVICE/CONFIG",
     .least = 1,
     .most = 1,
     .run = run_delete,
     .summary = "Remove a table with all versions.",
     .examples = "  lathe table delete note10/tflite-f32-t1-b1 --yes\n"},
    {0},
};
