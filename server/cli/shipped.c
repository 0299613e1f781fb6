/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The Lathe authors */
#include "server/cli/verbs.h"

static enum exit_code run_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"ID", "id", CELL_TEXT},           {"NAME", "name", CELL_TEXT},
        {"DEVICE", "device", CELL_TEXT},   {"CONFIG", "config", CELL_TEXT},
        {"LIMIT ms", "latency_ms", 3},     {"SPACE", "subnet.space", CELL_TEXT},
        {"SHIPPED", "shipped", CELL_TEXT}, {0},
    };
    return list_and_print(cli, "/v1/shipped", columns,
                          "Nothing is shipped yet: lathe subnet DEVICE/CONFIG ... --latency-ms MS --ship NAME");
}

static enum exit_code run_remove(struct cli *cli)
{
    char path[PATH_BYTES];
    if (!path_print(path, "/v1/shipped/%s", cli->arguments[0])) return EXIT_FAILED;
    return call_delete(cli, path, "shipped subnet", cli->arguments[0]);
}

const struct verb shipped_verb = {
    .noun = "shipped",
    .arguments = "",
    .run = run_list,
    .summary = "List the subnets that are in use, which nights time as a whole.",
    .examples = "  lathe shipped\n",
};

const struct verb shipped_verbs[] = {
    {.noun = "shipped",
     .name = "rm",
     .arguments = "ID",
     .least = 1,
     .most = 1,
     .run = run_remove,
     .summary = "Time a subnet no longer.",
     .examples = "  lathe shipped rm s-1m86f7phts98eaqx\n"},
    {0},
};
