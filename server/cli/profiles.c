/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <string.h>

#include "server/cli/verbs.h"

static void print_profile(const struct cli *cli, const json_t *job)
{
    if (cli->json) print_json(job);
    else if (number_at(job, "visits_total") == 0 && strcmp(shown_at(job, "state"), "done") == 0)
        printf("profile %s: the table has all of its rows already\n", shown_at(job, "id"));
    else
        printf("profile %s: %s, %.0f of %.0f rows of %s/%s\n", shown_at(job, "id"), shown_at(job, "state"),
               number_at(job, "rows_done"), number_at(job, "rows_total"), shown_at(job, "device"),
               shown_at(job, "config"));
}

static enum exit_code run_profile(struct cli *cli)
{
    static const char *const fields[] = {"config", "space", "resolutions", "rounds", "runs", "warmup", "seed"};
    struct answer a;
    if (!cli_require(cli, "config") || !cli_require(cli, "space")) return EXIT_BAD_USAGE;
    json_t *body = json_pack("{s:s}", "device", cli->arguments[0]);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) cli_put(cli, body, fields[i], fields[i]);
    enum exit_code code = call_json(cli, "POST", "/v1/profiles", body, &a);
    if (code) return code;
    json_t *job = json_incref(a.json);
    answer_clear(&a);
    cli->problems_apart = true;
    if (cli_option(cli, "wait")->given) code = wait_for_job(cli, "profile", &job);
    print_profile(cli, job);
    json_decref(job);
    return code;
}

static const struct option_spec profile_options[] = {
    {"config", OPTION_TEXT, "CONFIG", "RUNTIME-DTYPE-tTHREADS-bBATCH, e.g. xnnpack-f32-t1-b1"},
    {"space", OPTION_TEXT, "SPACE", "e.g. ofa-mbv3-w1.2"},
    {"resolutions", OPTION_INTEGERS, "R,..", "default: all of the space"},
    {"rounds", OPTION_INTEGER, "N", "visits to each network (default 8)"},
    {"runs", OPTION_INTEGER, "N", "timed runs a visit (default 3)"},
    {"warmup", OPTION_INTEGER, "N", "untimed runs a visit (default 2)"},
    {"seed", OPTION_INTEGER, "N", "of the plan (default 0)"},
    {"wait", OPTION_FLAG, NULL, "wait until it has ended, showing how far it is"},
    {0},
};

const struct verb profile_verb = {
    .noun = "profile",
    .arguments = "DEVICE",
    .least = 1,
    .most = 1,
    .options = profile_options,
    .run = run_profile,
    .summary = "Measure what a device's table lacks of a space. Rows that it has take no device time.",
    .examples = "  lathe profile pi4 --config xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --wait\n"
                "  lathe profile pi4 --config xnnpack-f32-t1-b1 --space ofa-mbv3-w1.2 --resolutions 160,224\n",
};

static enum exit_code run_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"PROFILE", "id", CELL_TEXT},
        {"STATE", "state", CELL_TEXT},
        {"DEVICE", "device", CELL_TEXT},
        {"CONFIG", "config", CELL_TEXT},
        {"SPACE", "space", CELL_TEXT},
        {"ROWS", "rows_done", 0},
        {"OF", "rows_total", 0},
        {"VISITS", "visits_done", 0},
        {"OF", "visits_total", 0},
        {"CREATED", "created", CELL_TEXT},
        {0},
    };
    return list_and_print(cli, "/v1/profiles", columns, "No profiles yet: lathe profile DEVICE --config C --space S");
}

static enum exit_code run_show(struct cli *cli)
{
    char path[PATH_BYTES];
    if (!path_print(path, "/v1/profiles/%s", cli->arguments[0])) return EXIT_FAILED;
    return call_and_print(cli, "GET", path, NULL);
}

static enum exit_code run_cancel(struct cli *cli)
{
    char path[PATH_BYTES];
    if (!path_print(path, "/v1/profiles/%s", cli->arguments[0])) return EXIT_FAILED;
    return call_and_print(cli, "DELETE", path, NULL);
}

const struct verb profile_verbs[] = {
    {.noun = "profile",
     .name = "list",
     .arguments = "",
     .run = run_list,
     .summary = "List profiles, oldest first.",
     .examples = "  lathe profile list\n"},
    {.noun = "profile",
     .name = "show",
     .arguments = "ID",
     .least = 1,
     .most = 1,
     .run = run_show,
     .summary = "Show one profile.",
     .examples = "  lathe profile show p-1m86f7phts98eaqx\n"},
    {.noun = "profile",
     .name = "cancel",
     .arguments = "ID",
     .least = 1,
     .most = 1,
     .run = run_cancel,
     .summary = "Cancel a profile. What it measured stays in the table.",
     .examples = "  lathe profile cancel p-1m86f7phts98eaqx\n"},
    {0},
};
