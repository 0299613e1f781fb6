/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include <stdio.h>
#include <string.h>

#include "server/cli/verbs.h"

/* How it ended, and how far the table can be trusted. */
static void print_quality(const json_t *job)
{
    const char *by = shown_at(job, "stopped_by");
    double wide = number_at(job, "rows_wide");
    double redone = number_at(job, "redone");
    printf("%.1f s of device time", number_at(job, "device_s"));
    if (wide > 0 && number_at(job, "ci") > 0)
        printf("; the intervals of %.0f rows are wider than %g%%: %s", wide, 100 * number_at(job, "ci"),
               strcmp(by, "budget") == 0 ? "the budget was used up" : "32 rounds did not narrow them");
    if (redone > 0) printf("; %.0f visits were done again, the device having been throttled", redone);
    if (number_at(job, "rows_alone") > 0)
        printf("; %.0f rows were timed alone, since no subnet that fits holds them", number_at(job, "rows_alone"));
    puts("");
    if (number_at(job, "rows_left_out") > 0) {
        const json_t *first = json_array_get(json_at(job, "left_out"), 0);
        printf("left out: %.0f rows that the board has no room for, such as %s (%s)\n", number_at(job, "rows_left_out"),
               shown_at(first, "layer"), shown_at(first, "why"));
    }
    if (json_is_object(json_at(job, "trust"))) print_trust(json_at(job, "trust"));
}

static void print_profile(const struct cli *cli, const json_t *job)
{
    if (cli->json) print_json(job);
    else if (number_at(job, "visits_total") == 0 && strcmp(shown_at(job, "state"), "done") == 0)
        printf("profile %s: the table has all of its rows already\n", shown_at(job, "id"));
    else {
        printf("profile %s: %s, %.0f of %.0f rows of %s/%s\n", shown_at(job, "id"), shown_at(job, "state"),
               number_at(job, "rows_done"), number_at(job, "rows_total"), shown_at(job, "device"),
               shown_at(job, "config"));
        if (strcmp(shown_at(job, "state"), "done") == 0) print_quality(job);
        else if (text_at(job, "estimate_from"))
            printf("about %.0f s of device time, %s\n", number_at(job, "estimate_s"),
                   strcmp(text_at(job, "estimate_from"), "table") == 0
                       ? "by the speed that its table shows"
                       : "as a guess: nothing is known of the device yet");
    }
}

static enum exit_code run_profile(struct cli *cli)
{
    static const struct {
        const char *field, *option;
    } fields[] = {{"config", "config"}, {"space", "space"},         {"resolutions", "resolutions"},
                  {"ci", "ci"},         {"budget_s", "budget"},     {"rounds", "rounds"},
                  {"runs", "runs"},     {"warmup", "warmup"},       {"held_out", "held-out"},
                  {"mode", "mode"},     {"calibrate", "calibrate"}, {"seed", "seed"}};
    struct answer a;
    if (!cli_require(cli, "config") || !cli_require(cli, "space")) return EXIT_BAD_USAGE;
    json_t *body = json_pack("{s:s}", "device", cli->arguments[0]);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) cli_put(cli, body, fields[i].field, fields[i].option);
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
    {"ci", OPTION_FRACTION, "SHARE",
     "go on until half the 95% interval of every row is within this share (default 2%)"},
    {"budget", OPTION_SECONDS, "TIME", "stop after so much device time, whatever is missing: 90s, 5m, 2h"},
    {"rounds", OPTION_INTEGER, "N", "visits to each network, at least (default 4); alone: exactly so many"},
    {"runs", OPTION_INTEGER, "N", "timed runs a visit (default 3)"},
    {"warmup", OPTION_INTEGER, "N", "untimed runs a visit (default 2)"},
    {"held-out", OPTION_INTEGER, "N", "random subnets that say how far the table can be trusted (default 10)"},
    {"calibrate", OPTION_FLAG, NULL, "measure such subnets alone: an old table is brought up to date in seconds"},
    {"mode", OPTION_TEXT, "MODE", "layers (default), isolated (each alone, for comparison) or regression"},
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
