/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lut/base/file.h"
#include "server/cli/verbs.h"

enum { FILE_BYTES = 64 * 1024 * 1024, SHOWN_DEFAULT = 1000 };

/* "/v1/tables/DEVICE/CONFIG" of the first argument. @return false after saying what is wrong. */
static bool table_path(const struct cli *cli, const char *rest, char *out, size_t size)
{
    char device[256];
    char config[256];
    const char *slash = strchr(cli->arguments[0], '/');
    char name[80];
    if (!slash || slash == cli->arguments[0] || !slash[1] || (size_t)(slash - cli->arguments[0]) >= sizeof name) {
        cli_misuse(cli->verb, "a table is named DEVICE/CONFIG, for example pi4/xnnpack-f32-t1-b1");
        return false;
    }
    snprintf(name, sizeof name, "%.*s", (int)(slash - cli->arguments[0]), cli->arguments[0]);
    url_encode(name, device, sizeof device);
    url_encode(slash + 1, config, sizeof config);
    snprintf(out, size, "/v1/tables/%s/%s%s", device, config, rest);
    return true;
}

static enum exit_code run_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"DEVICE", "device", -1, 0},
        {"CONFIG", "config", -1, 0},
        {"ROWS", "entries", 0, 0},
        {"VERSION", "version", 0, 0},
        {"ORIGIN", "origin", -1, 0},
        {"UPDATED", "updated", -1, 0},
        {0},
    };
    json_t *items;
    enum exit_code code = call_list(cli, "/v1/tables", &items);
    return code ? code : print_list(cli, columns, items, "No tables yet: lathe profile DEVICE --config C --space S");
}

static void add_query(char *path, size_t size, const char *name, const struct option_value *value)
{
    char text[800];
    size_t n = strlen(path);
    if (!value->given) return;
    url_encode(value->text, text, sizeof text);
    snprintf(path + n, size - n, "&%s=%s", name, text);
}

static enum exit_code run_show(struct cli *cli)
{
    static const struct column columns[] = {
        {"LAYER", "layer", -1, 0},
        {"LATENCY ms", "latency_ms", 4, 0},
        {"STD ms", "std_ms", 4, 0},
        {"P90 ms", "p90_ms", 4, 0},
        {"SAMPLES", "count", 0, 0},
        {"CONTEXTS", "contexts", 0, 0},
        {0},
    };
    char path[2048];
    struct answer a;
    if (!table_path(cli, "/entries?limit=", path, sizeof path)) return EXIT_BAD_USAGE;
    size_t n = strlen(path);
    const struct option_value *limit = cli_option(cli, "limit");
    snprintf(path + n, sizeof path - n, "%lld", limit->given ? limit->integer : (long long)SHOWN_DEFAULT);
    add_query(path, sizeof path, "kind", cli_option(cli, "kind"));
    add_query(path, sizeof path, "q", cli_option(cli, "q"));
    add_query(path, sizeof path, "sort", cli_option(cli, "sort"));
    enum exit_code code = call_json(cli, "GET", path, NULL, &a);
    if (code) return code;
    if (cli->json) print_json(a.json);
    else print_table(columns, json_object_get(a.json, "items"));
    if (!cli->json && text_at(a.json, "next")) fputs("There are more rows: give a larger --limit.\n", stderr);
    answer_clear(&a);
    return EXIT_DONE;
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

static enum exit_code run_export(struct cli *cli)
{
    const struct option_value *name = cli_option(cli, "format");
    const struct option_value *output = cli_option(cli, "output");
    const struct format *format = NULL;
    struct lathe_error err = {0};
    struct answer a;
    char path[1024];
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(name->given ? name->text : "json", formats[i].name) == 0) format = &formats[i];
    if (!format) return cli_misuse(cli->verb, "--format must be ofa-yaml, ofa-json, csv or json");
    if (!table_path(cli, "/entries?limit=10000", path, sizeof path)) return EXIT_BAD_USAGE;
    enum exit_code code = call(cli, "GET", path, NULL, 0, NULL, format->type, &a);
    if (code) return code;
    if (text_at(a.json, "next")) fputs("lathe: the table has more than 10,000 rows, export them as csv\n", stderr);
    if (!output->given || strcmp(output->text, "-") == 0) fwrite(a.body, 1, a.size, stdout);
    else if (file_write(output->text, a.body, a.size, 0644, &err)) code = complain(&err);
    answer_clear(&a);
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

static enum exit_code import_file(struct cli *cli, const char *path, const char *file, json_t *answers)
{
    struct lathe_error err = {0};
    struct answer a;
    char *text;
    size_t size;
    if (file_read(file, FILE_BYTES, &text, &size, &err)) return complain(&err);
    enum exit_code code = call(cli, "POST", path, text ? text : "", size, type_of(file, text ? text : ""), NULL, &a);
    free(text);
    if (code) {
        fprintf(stderr, "lathe: nothing was taken from %s\n", file);
        return code;
    }
    if (!cli->json)
        printf("%s: %.0f rows, %.0f added, %.0f replaced\n", file, number_at(a.json, "rows"),
               number_at(a.json, "added"), number_at(a.json, "replaced"));
    json_array_append(answers, a.json);
    answer_clear(&a);
    return EXIT_DONE;
}

static enum exit_code run_import(struct cli *cli)
{
    char path[1024];
    enum exit_code code = EXIT_DONE;
    if (!table_path(cli, "/entries", path, sizeof path)) return EXIT_BAD_USAGE;
    json_t *answers = json_array();
    for (int i = 1; !code && i < cli->argument_count; i++) code = import_file(cli, path, cli->arguments[i], answers);
    json_t *document = json_pack("{s:o}", "items", answers);
    if (cli->json) print_json(document);
    json_decref(document);
    return code;
}

static enum exit_code run_delete(struct cli *cli)
{
    char path[1024];
    struct answer a;
    if (!table_path(cli, "", path, sizeof path)) return EXIT_BAD_USAGE;
    if (!cli_confirm(cli, "This removes table %s with all versions and samples.", cli->arguments[0]))
        return EXIT_FAILED;
    enum exit_code code = call_json(cli, "DELETE", path, NULL, &a);
    if (code) return code;
    answer_clear(&a);
    if (!cli->json) printf("removed table %s\n", cli->arguments[0]);
    return EXIT_DONE;
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
