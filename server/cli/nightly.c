/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/cli/nightly.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "server/cli/verbs.h"

enum { PATIENCE_S = 600, DOCUMENT_BYTES = 64 * 1024 * 1024, KEY_BYTES = 40 };

static enum exit_code call_run(const struct cli *cli, const char *method, const char *path, json_t *take_body,
                               json_t **run)
{
    struct answer a;
    enum exit_code code = call_json(cli, method, path, take_body, &a);
    if (code) return code;
    *run = json_incref(a.json);
    answer_clear(&a);
    return EXIT_DONE;
}

static enum exit_code get_run(const struct cli *cli, const char *id, json_t **run)
{
    char path[PATH_BYTES];
    if (!path_print(path, "/v1/runs/%s", id)) return EXIT_FAILED;
    return call_run(cli, "GET", path, NULL, run);
}

/* ---- a night ---- */

/* "all", or the names between commas. New reference. */
static json_t *devices_json(const char *text)
{
    if (strcmp(text, "all") == 0) return json_string(text);
    json_t *names = json_array();
    for (;;) {
        size_t n = strcspn(text, ",");
        json_array_append_new(names, json_stringn(text, n));
        if (!text[n]) return names;
        text += n + 1;
    }
}

static json_t *request_of(const struct cli *cli)
{
    static const struct {
        const char *field, *option;
    } fields[] = {{"config", "config"},
                  {"space", "space"},
                  {"resolutions", "resolutions"},
                  {"budget_s", "budget"},
                  {"baseline", "baseline"},
                  {"min_effect", "min-effect"},
                  {"fdr", "fdr"},
                  {"confirmations", "confirmations"},
                  {"patience_s", "patience"},
                  {"label", "label"}};
    const struct option_value *devices = cli_option(cli, "devices");
    json_t *body = json_object();
    json_object_set_new(body, "devices", devices_json(devices->given ? devices->text : "all"));
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) cli_put(cli, body, fields[i].field, fields[i].option);
    return body;
}

/* So that a request whose answer was lost starts no second night. @return false: there is no randomness. */
static bool make_key(char out[KEY_BYTES])
{
    uint64_t random[2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) return false;
    snprintf(out, KEY_BYTES, "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
    return true;
}

static int patience_of(const struct cli *cli)
{
    const struct option_value *patience = cli_option(cli, "patience");
    if (!patience->given) return PATIENCE_S;
    return patience->number < INT_MAX ? (int)patience->number : INT_MAX;
}

/* Wait, report, and exit as the run does. */
static enum exit_code see_through(const struct cli *cli, json_t **run)
{
    enum exit_code code = nightly_wait(cli, patience_of(cli), cli_option(cli, "cancel-on-interrupt")->given, run);
    if (code) return code;
    enum exit_code written = nightly_output(cli, *run);
    code = nightly_exit_code(*run);
    return code ? code : written;
}

static enum exit_code start(struct cli *cli, json_t **run)
{
    char key[KEY_BYTES];
    struct cli patient = *cli;
    patient.creation = make_key(key) ? key : NULL;
    patient.patience_s = patient.creation ? patience_of(cli) : 0;
    return call_run(&patient, "POST", "/v1/runs", request_of(cli), run);
}

static enum exit_code run_nightly(struct cli *cli)
{
    json_t *run;
    if (!cli_require(cli, "config") || !cli_require(cli, "space") || !nightly_check_outputs(cli)) return EXIT_BAD_USAGE;
    enum exit_code code = start(cli, &run);
    if (code) return code;
    cli->problems_apart = true;
    if (!cli_option(cli, "no-wait")->given) {
        fprintf(stderr, "lathe: run %s\n", shown_at(run, "id"));
        code = see_through(cli, &run);
    } else if (cli->json) {
        print_json(run);
    } else {
        printf("%s\n", shown_at(run, "id"));
    }
    json_decref(run);
    return code;
}

static const struct option_spec nightly_options[] = {
    {"devices", OPTION_TEXT, "all|A,B", "default: all"},
    {"config", OPTION_TEXTS, "CONFIG", "e.g. xnnpack-f32-t1-b1; may be given again"},
    {"space", OPTION_TEXT, "SPACE", "e.g. ofa-mbv3-w1.2"},
    {"resolutions", OPTION_INTEGERS, "R,..", "default: all of the space"},
    {"budget", OPTION_SECONDS, "TIME", "device time of each device: 90s, 20m, 2h; what matters most comes first"},
    {"baseline", OPTION_TEXT, "RUN", "compare with this run; default: last-accepted"},
    {"min-effect", OPTION_FRACTION, "SHARE", "smaller changes are none (default 2%)"},
    {"fdr", OPTION_FRACTION, "SHARE", "so many of the findings may be false, on average (default 5%)"},
    {"confirmations", OPTION_INTEGER, "N", "times that what looks changed is measured again, at most (default 3)"},
    {"patience", OPTION_SECONDS, "TIME", "how long a device, or the server, may be away (default 10m)"},
    {"label", OPTION_TEXT, "TEXT", "what this night is about, e.g. a commit"},
    {"no-wait", OPTION_FLAG, NULL, "start it, print its id, and leave it to itself"},
    {"cancel-on-interrupt", OPTION_FLAG, NULL, "cancel the run on SIGINT or SIGTERM; else it goes on"},
    {0},
};

const struct verb nightly_verb = {
    .noun = "nightly",
    .arguments = "",
    .options = nightly_options,
    .shared = nightly_report_options,
    .run = run_nightly,
    .summary = "Measure devices again, and tell what has become slower.",
    .examples =
        "  lathe nightly --devices all --config xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --budget 20m\n"
        "  lathe nightly --devices pi4,jetson --config xnnpack-f32-t1-b1 --config xnnpack-int8-t1-b1 \\\n"
        "    --space ofa-mbv3-w1.2 --junit nightly.xml --markdown nightly.md --label \"$(git rev-parse HEAD)\"\n"
        "Exit status: 0 nothing is slower, 5 something is, 6 a device could not be profiled.\n",
};

/* ---- what was ---- */

static enum exit_code run_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"RUN", "id", CELL_TEXT},          {"STATE", "state", CELL_TEXT},
        {"OUTCOME", "outcome", CELL_TEXT}, {"CREATED", "created", CELL_TEXT},
        {"SPACE", "space", CELL_TEXT},     {"SLOWER", "counts.slower", 0},
        {"FASTER", "counts.faster", 0},    {"SUBNETS", "counts.subnets", 0},
        {"FAILED", "counts.failed", 0},    {"ACCEPTED", "accepted.at", CELL_TEXT},
        {"LABEL", "label", CELL_TEXT},     {0},
    };
    const struct option_value *limit = cli_option(cli, "limit");
    char path[PATH_BYTES] = "/v1/runs";
    struct answer a;
    if (!path_query(path, "limit", limit->given ? limit->text : "30") ||
        !path_query(path, "device", cli_option(cli, "device")->text) ||
        !path_query(path, "config", cli_option(cli, "config")->text))
        return EXIT_FAILED;
    enum exit_code code = call_json(cli, "GET", path, NULL, &a);
    if (code) return code;
    const json_t *items = json_at(a.json, "items");
    if (cli->json) print_json(a.json);
    else if (json_array_size(items) == 0) puts("No nights yet: lathe nightly --config C --space S");
    else print_table(columns, items);
    answer_clear(&a);
    return EXIT_DONE;
}

/* A run by its id, or a document that was kept. */
static enum exit_code find_run(const struct cli *cli, const char *name, json_t **run)
{
    size_t n = strlen(name);
    bool is_file = strcmp(name, "-") == 0 || strchr(name, '/') || (n > 5 && strcmp(name + n - 5, ".json") == 0);
    if (!is_file) return get_run(cli, name, run);
    enum exit_code code = read_json_file(name, DOCUMENT_BYTES, run);
    if (code || json_is_array(json_at(*run, "targets"))) return code;
    fprintf(stderr, "lathe: %s is no run: it has no targets\n", name);
    json_decref(*run);
    return EXIT_FAILED;
}

static enum exit_code run_show(struct cli *cli)
{
    json_t *run;
    if (!nightly_check_outputs(cli)) return EXIT_BAD_USAGE;
    enum exit_code code = find_run(cli, cli->arguments[0], &run);
    if (code) return code;
    code = cli_option(cli, "wait")->given ? see_through(cli, &run) : nightly_output(cli, run);
    json_decref(run);
    return code;
}

static enum exit_code run_cancel(struct cli *cli)
{
    char path[PATH_BYTES];
    json_t *run;
    if (!path_print(path, "/v1/runs/%s", cli->arguments[0])) return EXIT_FAILED;
    enum exit_code code = call_run(cli, "DELETE", path, NULL, &run);
    if (code) return code;
    if (cli->json) print_json(run);
    else printf("cancelled run %s\n", cli->arguments[0]);
    json_decref(run);
    return EXIT_DONE;
}

/* ---- accepting ---- */

static bool is_chosen(const struct option_value *among, const char *name)
{
    for (int i = 0; i < among->times; i++)
        if (strcmp(among->texts[i], name) == 0) return true;
    return among->times == 0;
}

/* Those of a run's targets that --device and --config name. New reference. */
static json_t *chosen_targets(const struct cli *cli, const json_t *run)
{
    const json_t *targets = json_at(run, "targets");
    json_t *chosen = json_array();
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const char *device = shown_at(json_array_get(targets, i), "device");
        const char *config = shown_at(json_array_get(targets, i), "config");
        if (is_chosen(cli_option(cli, "device"), device) && is_chosen(cli_option(cli, "config"), config))
            json_array_append_new(chosen, json_pack("{s:s, s:s}", "device", device, "config", config));
    }
    return chosen;
}

/* @param[out] body new reference. */
static enum exit_code acceptance_of(const struct cli *cli, json_t **body)
{
    json_t *run;
    *body = json_object();
    cli_put(cli, *body, "note", "note");
    if (!cli_option(cli, "device")->given && !cli_option(cli, "config")->given) return EXIT_DONE;
    enum exit_code code = get_run(cli, cli->arguments[0], &run);
    if (!code) {
        json_t *chosen = chosen_targets(cli, run);
        if (!json_array_size(chosen)) {
            fprintf(stderr, "lathe: run %s had no such device or config\n", cli->arguments[0]);
            code = EXIT_ABSENT;
        }
        json_object_set_new(*body, "targets", chosen);
        json_decref(run);
    }
    if (code) json_decref(*body);
    return code;
}

static void print_accepted(const json_t *run)
{
    const json_t *targets = json_at(run, "targets");
    for (size_t i = 0; i < json_array_size(targets); i++) {
        char name[WORDS_BYTES];
        if (!json_is_true(json_at(json_array_get(targets, i), "accepted"))) continue;
        target_name(json_array_get(targets, i), name);
        printf("%s is compared with run %s from now on\n", name, shown_at(run, "id"));
    }
}

static enum exit_code run_accept(struct cli *cli)
{
    char path[PATH_BYTES];
    json_t *body;
    json_t *run;
    if (!path_print(path, "/v1/runs/%s/accept", cli->arguments[0])) return EXIT_FAILED;
    enum exit_code code = acceptance_of(cli, &body);
    if (!code) code = call_run(cli, "POST", path, body, &run);
    if (code) return code;
    if (cli->json) print_json(run);
    else print_accepted(run);
    json_decref(run);
    return EXIT_DONE;
}

/* ---- verbs ---- */

static const struct option_spec list_options[] = {
    {"limit", OPTION_INTEGER, "N", "the newest N (default 30)"},
    {"device", OPTION_TEXT, "DEVICE", "only those with this device"},
    {"config", OPTION_TEXT, "CONFIG", "only those with this config"},
    {0},
};

static const struct option_spec show_options[] = {
    {"wait", OPTION_FLAG, NULL, "wait until it has ended, and exit as it does"},
    {"patience", OPTION_SECONDS, "TIME", "how long the server may be away (default 10m)"},
    {"cancel-on-interrupt", OPTION_FLAG, NULL, "cancel the run on SIGINT or SIGTERM; else it goes on"},
    {0},
};

static const struct option_spec accept_options[] = {
    {"device", OPTION_TEXTS, "DEVICE", "only this one; may be given again"},
    {"config", OPTION_TEXTS, "CONFIG", "only this one; may be given again"},
    {"note", OPTION_TEXT, "TEXT", "why, kept with the run"},
    {0},
};

const struct verb nightly_verbs[] = {
    {.noun = "nightly",
     .name = "list",
     .arguments = "",
     .options = list_options,
     .run = run_list,
     .summary = "List nights, newest first.",
     .examples = "  lathe nightly list --device pi4\n"},
    {.noun = "nightly",
     .name = "show",
     .arguments = "RUN|FILE",
     .least = 1,
     .most = 1,
     .options = show_options,
     .shared = nightly_report_options,
     .run = run_show,
     .summary = "Report a night again: of the server, or of a file that --json wrote.",
     .examples = "  lathe nightly show run-1m86f7phts98eaqx\n"
                 "  lathe nightly show run-1m86f7phts98eaqx --wait --junit nightly.xml\n"
                 "  lathe nightly show nightly.json --markdown -\n"},
    {.noun = "nightly",
     .name = "accept",
     .arguments = "RUN",
     .least = 1,
     .most = 1,
     .options = accept_options,
     .run = run_accept,
     .summary = "Take what a night measured as the level that later ones are compared with.",
     .examples = "  lathe nightly accept run-1m86f7phts98eaqx --note 'kernel 6.6'\n"
                 "  lathe nightly accept run-1m86f7phts98eaqx --device pi4\n"},
    {.noun = "nightly",
     .name = "cancel",
     .arguments = "RUN",
     .least = 1,
     .most = 1,
     .run = run_cancel,
     .summary = "Cancel a night that is under way.",
     .examples = "  lathe nightly cancel run-1m86f7phts98eaqx\n"},
    {.noun = "nightly",
     .name = "history",
     .arguments = "DEVICE/CONFIG [LAYER]",
     .least = 1,
     .most = 2,
     .options = history_options,
     .run = run_history,
     .summary = "What a layer, or the device's speed, came to night by night, and where it changed.",
     .examples = "  lathe nightly history pi4/xnnpack-f32-t1-b1\n"
                 "  lathe nightly history pi4/xnnpack-f32-t1-b1 'conv2d in=224x224x3 out=112x112x16 k=3 s=2'\n"},
    {0},
};
